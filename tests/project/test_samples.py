"""Every sample runs on the emulator, as it is, and leaves nothing behind."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SAMPLES = sorted((ROOT / "samples").glob("*.py"))


@pytest.mark.parametrize("identity", [[], ["--service-principal"]], ids=["managed-identity", "service-principal"])
@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_sample_runs_on_the_emulator(sample: Path, identity: list[str]) -> None:
    """A sample is production code: it finds vault and credential in its environment, and warns of nothing."""
    emulator = [sys.executable, "-m", "azure.keyvault.keys.emulator", "run", "--deletion-delay", "0.05", *identity]
    command = [*emulator, "--", sys.executable, "-W", "error", str(sample)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "Gone" in run.stdout
    assert not run.stderr
