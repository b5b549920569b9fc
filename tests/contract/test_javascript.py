"""The emulator serves a client that nobody here wrote: the JavaScript one, with the JavaScript managed identity."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from fixtures.node import node_program

PROGRAM = Path(__file__).parents[1] / "emulator_clients" / "javascript" / "lifecycle.mjs"
SURFACE = PROGRAM.with_name("surface.mjs")
NAMED_HOST = PROGRAM.with_name("named_host.mjs")
#: What only a Managed HSM has.
HSM_ONLY = "KeyClient.createOctKey KeyClient.getKeyAttestation KeyClient.getRandomBytes"


@pytest.mark.slow
def test_javascript_client_creates_lists_signs_verifies_and_deletes_a_key() -> None:
    command = [sys.executable, "-m", "azure.keyvault.keys.emulator", "run", "--deletion-delay", "0.1"]
    program = node_program(PROGRAM)
    result = subprocess.run([*command, *program], capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    assert "created, listed, signed with, verified and deleted javascript-" in result.stdout


@pytest.mark.slow
@pytest.mark.parametrize(("options", "unused"), [((), HSM_ONLY), (("--managed-hsm",), "none")], ids=["vault", "hsm"])
def test_every_method_of_the_javascript_client_works(options: tuple[str, ...], unused: str) -> None:
    command = [sys.executable, "-m", "azure.keyvault.keys.emulator", "run", "--deletion-delay", "0.1", *options]
    environment = {**os.environ, "MANAGED_HSM": "1" if options else "0"}
    program = node_program(SURFACE)
    result = subprocess.run([*command, *program], capture_output=True, text=True, timeout=120, env=environment)
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip().endswith(f"unused: {unused}")


@pytest.mark.slow
@pytest.mark.parametrize("program", [PROGRAM, SURFACE], ids=["life", "surface"])
def test_javascript_client_needs_no_option_where_the_vault_has_a_parent_domain(program: Path) -> None:
    """It checks that the vault's host ends with the host that a challenge names, and that holds."""
    command = [sys.executable, "-m", "azure.keyvault.keys.emulator", "run", "--host", "my.vault.localhost"]
    node, script = node_program(program)
    call = [node, "--import", NAMED_HOST.as_uri(), script]
    result = subprocess.run(
        [*command, "--deletion-delay", "0.1", "--", *call], capture_output=True, text=True, timeout=120
    )
    assert result.returncode == 0, result.stderr
