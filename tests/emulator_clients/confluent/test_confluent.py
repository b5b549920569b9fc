"""confluent-kafka's client-side field-level encryption for Azure and this library read what the other one writes.

Its own code runs: schema rules, registry of data keys, driver for Azure. It is installed from PyPI into an environment
of its own (about a minute, then cached), where this library takes the place of the one that it installs. The test is
skipped where it can't be installed.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from fixtures.virtual_environments import library_environment

from azure.keyvault.keys.emulator import KeyVaultEmulator

REQUIREMENTS = ["confluent-kafka[json,rules]>=2.16"]
SCRIPT = Path(__file__).with_name("field_encryption.py")
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
