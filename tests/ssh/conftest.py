"""An emulated vault with keys for SSH, and an agent for them."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from azure.keyvault.keys import KeyClient
from azure.keyvault.keys.emulator import KeyVaultEmulator
from azure.keyvault.keys.ssh_agent import VaultAgent

#: Names of the keys, and what OpenSSH says of them.
KEYS = {"rsa": "2048", "p256": "256", "p384": "384", "p521": "521"}

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def vault() -> Iterator[KeyVaultEmulator]:
    """An emulated vault."""
    with KeyVaultEmulator(deletion_delay=0) as vault:
        yield vault


@pytest.fixture(scope="module")
def client(vault: KeyVaultEmulator) -> Iterator[KeyClient]:
    """A client of the vault, which has the keys."""
    with KeyClient(vault.url, vault.credential, **vault.client_options) as client:
        client.create_rsa_key("rsa")
        for name in ("p256", "p384", "p521"):
            client.create_ec_key(name, curve=f"P-{name[1:]}")
        yield client


@pytest.fixture(scope="module")
def agent(client: KeyClient) -> Iterator[VaultAgent]:
    """An agent with all keys."""
    with VaultAgent(client, KEYS) as agent:
        yield agent


@pytest.fixture
def openssh(agent: VaultAgent, tmp_path: Path) -> Run:
    """Run a program of OpenSSH, or git, with the agent."""

    def run(*command: str | Path, check: bool = True, **options: Any) -> subprocess.CompletedProcess[str]:
        program = shutil.which(str(command[0]))
        if program is None:
            pytest.skip(f"{command[0]} is not installed")
        environment = {**os.environ, "SSH_AUTH_SOCK": agent.socket_path, "HOME": str(tmp_path), "LC_ALL": "C"}
        done = subprocess.run(
            [program, *map(str, command[1:])],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            **options,
        )
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done

    return run


@pytest.fixture
def public_key(agent: VaultAgent, tmp_path: Path) -> Callable[[str], Path]:
    """Write the public key of a name into a file."""

    def write(name: str) -> Path:
        path = tmp_path / f"{name}.pub"
        path.write_text(agent.public_keys[list(KEYS).index(name)] + "\n")
        return path

    return write
