"""The emulator serves a client that nobody here wrote: the JavaScript one, with the JavaScript managed identity."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parents[1] / "emulator_clients" / "javascript"


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A folder with the program and what it needs, which is kept from run to run where the user's cache can be used."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("node and npm are not there")
    manifest = (PROGRAM / "package.json").read_bytes()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "azure-keyvault-keys"
    try:
        cache.mkdir(parents=True, exist_ok=True)
    except OSError:
        cache = tmp_path
    folder = cache / f"javascript-{hashlib.sha256(manifest).hexdigest()[:16]}"
    if not folder.is_dir():
        _install(manifest, folder)
    shutil.copy(PROGRAM / "lifecycle.mjs", folder)
    return folder


def _install(manifest: bytes, folder: Path) -> None:
    """Let the folder appear when all is in it."""
    with tempfile.TemporaryDirectory(dir=folder.parent) as unfinished:
        fresh = Path(unfinished) / "fresh"
        fresh.mkdir()
        (fresh / "package.json").write_bytes(manifest)
        command = [shutil.which("npm") or "npm", "install", "--no-audit", "--no-fund", "--no-package-lock"]
        try:
            result = subprocess.run(command, cwd=fresh, capture_output=True, text=True, timeout=120)
        except subprocess.TimeoutExpired:
            pytest.skip("npm did not end in time")
        if result.returncode:
            pytest.skip(f"npm cannot install the client: {result.stderr.strip()[-300:]}")
        fresh.rename(folder)


@pytest.mark.slow
def test_javascript_client_creates_lists_signs_verifies_and_deletes_a_key(installed: Path) -> None:
    command = [sys.executable, "-m", "azure.keyvault.keys.emulator", "run", "--deletion-delay", "0.1"]
    program = [shutil.which("node") or "node", str(installed / "lifecycle.mjs")]
    result = subprocess.run([*command, *program], capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    assert "created, listed, signed with, verified and deleted javascript-" in result.stdout
