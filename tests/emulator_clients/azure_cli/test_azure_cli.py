"""azure-cli works with this library in place of the one that it pins, through the program ``az``, on the emulator.

azure-cli is large: installing it takes one to three minutes and 0.7 GB, and the tests a minute each. So they run when
``KEYVAULT_TEST_AZURE_CLI=1`` asks for them, or when a run that did so has left its environment in the cache and
``KEYVAULT_TEST_AZURE_CLI`` is not ``0``; otherwise they are skipped. ``-s`` shows the table of commands.
"""

from __future__ import annotations

import base64
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from az import Run
from cryptography import x509
from fixtures.distributions import wheel_of_this_project
from fixtures.virtual_environments import location, pip, virtual_environment
from key_commands import run_all

import azure.keyvault.keys

REQUIREMENTS = ["azure-cli==2.91.0", "msrest"]
# Where an operation ran, the data that was authenticated in an HSM, and what its attestation calls ``certificates`` in
# the API version that azure-cli uses.
ONLY_OURS = ("aad", "certificatePemFile", "performed")
WISH = os.environ.get("KEYVAULT_TEST_AZURE_CLI")
COMMANDS = (
    "create", "list", "show", "set-attributes", "list-versions", "rotate", "rotation-policy show",
    "rotation-policy update", "sign", "verify", "encrypt", "decrypt", "import", "download", "backup", "restore",
    "delete", "list-deleted", "show-deleted", "recover", "purge", "random", "get-attestation",
)  # fmt: skip

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        WISH == "0" or (not WISH and not location("azure-cli", REQUIREMENTS).exists()),
        reason="azure-cli is large: set KEYVAULT_TEST_AZURE_CLI=1",
    ),
]


@pytest.fixture(scope="module")
def cli() -> Path:
    """The interpreter that has azure-cli, with the library that it pins."""
    return virtual_environment("azure-cli", REQUIREMENTS, timeout=900)


@pytest.fixture(scope="module")
def packages(cli: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with this project's wheel, which goes before the pinned one."""
    directory = tmp_path_factory.mktemp("packages")
    wheel = wheel_of_this_project(tmp_path_factory.mktemp("wheel"))
    install = pip(cli, "install", "--no-deps", "--no-index", "--target", str(directory), str(wheel))
    assert install.returncode == 0, install.stderr
    return directory


@pytest.fixture(scope="module")
def ours(cli: Path, packages: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    """What every command printed with this library."""
    emulated = run_all(cli, tmp_path_factory.mktemp("ours"), packages)
    print(f"\n{emulated.table()}")
    return {f"{number} {run.command}": run for number, run in enumerate(emulated.runs)}


def test_az_finds_this_library(cli: Path, packages: Path, tmp_path: Path) -> None:
    """What is imported is the wheel."""
    program = "import azure.keyvault.keys as keys; print(keys.__version__, keys.__file__)"
    environment = {**os.environ, "PYTHONPATH": str(packages)}
    run = subprocess.run(
        [str(cli), "-c", program], capture_output=True, text=True, env=environment, cwd=tmp_path, timeout=60
    )
    version, _, place = run.stdout.strip().partition(" ")
    assert version == azure.keyvault.keys.__version__
    assert Path(place).is_relative_to(packages)


@pytest.mark.parametrize("command", COMMANDS)
def test_command_works(ours: dict[str, Run], command: str) -> None:
    """The command has run, and its results were what they have to be."""
    assert any(run.command == f"keyvault key {command}" and run.code == 0 for run in ours.values())


def test_az_shows_the_certificates_of_an_attestation(ours: dict[str, Run]) -> None:
    [proof] = [run.output for run in ours.values() if run.command == "keyvault key get-attestation"]
    assert x509.load_pem_x509_certificates(base64.b64decode(proof["certificatePemFile"]))


def test_az_prints_the_same_with_the_library_that_it_pins(
    cli: Path, ours: dict[str, Run], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """All commands end with the same code and print the same, apart from keys, versions and times."""
    pinned = run_all(cli, tmp_path_factory.mktemp("pinned"))
    theirs = {f"{number} {run.command}": run for number, run in enumerate(pinned.runs)}
    assert list(ours) == list(theirs)
    differences = {
        command: (_comparable(run), _comparable(theirs[command]))
        for command, run in ours.items()
        if _comparable(run) != _comparable(theirs[command])
    }
    assert differences == {}


def _comparable(run: Run) -> tuple[int, Any]:
    return run.code, _plain(run.output)


def _plain(value: Any) -> Any:
    """Return a result without what differs from run to run, and without what only this library tells."""
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in sorted(value.items()) if name not in ONLY_OURS}
    if isinstance(value, list):
        return sorted((_plain(item) for item in value), key=repr)
    if isinstance(value, str):
        value = re.sub(r"localhost:\d+|[0-9a-f]{32}|[0-9a-f-]{36}|^20[2-9]\d-.*", "#", value)
        return value if len(value) < 24 or value.startswith("https:") else f"{len(value)} characters"
    return value
