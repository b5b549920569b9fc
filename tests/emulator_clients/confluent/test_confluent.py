"""confluent-kafka's client-side field-level encryption for Azure and this library read what the other one writes.

Its own code runs: schema rules, registry of data keys, driver for Azure. It is installed from PyPI into an environment
of its own (about a minute, then cached): first with the azure-keyvault-keys that it installs, as its users have it, and
this library in another process; then with this library in its place. The tests are skipped where it can't be installed.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from fixtures.virtual_environments import library_environment

from azure.keyvault.keys.emulator import KeyVaultEmulator

REQUIREMENTS = ["confluent-kafka[json,rules]>=2.16"]
SCRIPT = Path(__file__).with_name("field_encryption.py")
REAL_SET_UP = Path(__file__).with_name("real_set_up.py")
NAMED_HOST = Path(__file__).parents[1] / "official" / "named_host.py"
MESSAGE = {"name": "Bostonian", "crates": "42 crates of tea"}

pytestmark = pytest.mark.slow


def test_each_reads_what_the_other_has_written(tmp_path: Path) -> None:
    """With the header before and after rotations, without it, and with our client in place of theirs."""
    python, variables = library_environment("confluent", REQUIREMENTS)
    with KeyVaultEmulator() as vault:
        environment = {**os.environ, **vault.environment, **variables}
        command = [str(python), str(SCRIPT), "orders"]
        run = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=180)
    assert run.returncode == 0, run.stdout + run.stderr
    outcome = json.loads(run.stdout.splitlines()[-1])
    assert outcome.pop("library") != "4.11.3"
    assert outcome == {
        "field is hidden": True,
        "their header": "azure:v1:",
        "our header": "azure:v1:",
        "they read with the key that we wrapped": MESSAGE,
        "they write and read with our client in place of theirs": MESSAGE,
        "we read what has no header": True,
    }


def test_confluent_with_the_library_that_it_installs_and_this_one_read_each_other(tmp_path: Path) -> None:
    """Its driver needs no edit and no option on a vault with a parent domain; the key is rotated in between."""
    python, variables = library_environment("confluent", REQUIREMENTS)
    with KeyVaultEmulator(hostnames=("my.vault.localhost",)) as vault:
        port = vault.url.rsplit(":", 1)[1]

        def run(work: str, library: dict[str, str], **given: str) -> dict[str, Any]:
            environment = {**os.environ, **vault.environment, "VAULT_URL": f"https://localhost:{port}", **library}
            if not library:
                environment.pop("PYTHONPATH", None)
            process = subprocess.run(
                [str(python), str(NAMED_HOST), str(REAL_SET_UP), work],
                cwd=tmp_path,
                env=environment,
                input=json.dumps(given),
                capture_output=True,
                text=True,
                timeout=180,
            )
            assert process.returncode == 0, process.stdout + process.stderr
            outcome: dict[str, Any] = json.loads(process.stdout.splitlines()[-1])
            assert (outcome.pop("library") == "4.11.3") is not bool(library)
            return outcome

        written = run("write", {})
        assert (written["hidden"], written["header"]) == (True, "azure:v1:")
        wrapped = run("wrap", variables, **{"data key": written["data key"]})
        assert wrapped["header"] == "azure:v1:"
        assert wrapped["data key"] != written["data key"]
        read = run("read", {}, message=written["message"], **{"data key": wrapped["data key"]})
    assert read == {"read": MESSAGE}
