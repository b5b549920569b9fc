"""The agent as a program, which signs in as DefaultAzureCredential does."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from azure.keyvault.keys import KeyClient
from azure.keyvault.keys.emulator import KeyVaultEmulator

PROGRAM = [sys.executable, "-m", "azure.keyvault.keys.ssh_agent"]

pytestmark = pytest.mark.slow


@pytest.fixture
def environment(vault: KeyVaultEmulator, client: KeyClient) -> dict[str, str]:
    """What production code finds there."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AZURE_", "SSH_"))}
    return {**kept, **vault.environment}


def test_agent_goes_into_the_background_as_ssh_agent_does(
    environment: dict[str, str], vault: KeyVaultEmulator, tmp_path: Path
) -> None:
    if shutil.which("ssh-add") is None:
        pytest.skip("ssh-add is not installed")
    script = f"""
set -e
eval "$({" ".join(PROGRAM)} --vault-url "$0" rsa p256)"
ssh-add -l
echo "$SSH_AUTH_SOCK" "$SSH_AGENT_PID"
kill "$SSH_AGENT_PID"
"""
    run = subprocess.run(
        ["sh", "-c", script, vault.url], env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert run.returncode == 0, run.stdout + run.stderr
    said, first, second, last = run.stdout.splitlines()
    path, pid = last.split()
    assert said == f"Agent pid {pid}"
    assert first.endswith("(RSA)")
    assert second.endswith("(ECDSA)")
    assert run.stderr == ""
    for _ in range(100):
        if not Path(path).parent.exists():
            break
        time.sleep(0.1)
    assert not Path(path).parent.exists()


def test_what_goes_wrong_at_the_start_is_said_and_nothing_stays(
    environment: dict[str, str], vault: KeyVaultEmulator, tmp_path: Path
) -> None:
    run = subprocess.run(
        [*PROGRAM, "--vault-url", vault.url, "missing"], env=environment, capture_output=True, text=True, timeout=60
    )
    assert (run.returncode, run.stdout) == (1, "")
    assert "KeyNotFound" in run.stderr
    assert "Traceback" not in run.stderr


def test_run_gives_a_command_the_agent_and_returns_its_code(
    environment: dict[str, str], vault: KeyVaultEmulator
) -> None:
    if shutil.which("ssh-add") is None:
        pytest.skip("ssh-add is not installed")
    command = [
        *PROGRAM,
        "run",
        "--vault-url",
        vault.url,
        "p384",
        "--",
        "sh",
        "-c",
        "ssh-add -l && echo $SSH_AUTH_SOCK; exit 7",
    ]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert run.returncode == 7, run.stderr
    listed, path = run.stdout.splitlines()
    assert listed.startswith("384 SHA256:")
    assert not Path(path).parent.exists()


def test_run_ends_its_command_when_it_is_terminated(environment: dict[str, str], vault: KeyVaultEmulator) -> None:
    command = [*PROGRAM, "run", "--vault-url", vault.url, "p256", "--", "sh", "-c", "echo ready; exec sleep 60"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 128 + signal.SIGTERM


def test_foreground_serves_until_it_is_interrupted(environment: dict[str, str], vault: KeyVaultEmulator) -> None:
    command = [*PROGRAM, "--foreground", "--vault-url", vault.url, "p256"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        found = re.fullmatch(r"SSH_AUTH_SOCK=(\S+); export SSH_AUTH_SOCK;\n", first)
        assert found
        assert Path(found[1]).is_socket()
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 0
    assert not Path(found[1]).exists()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--vault-url", "https://v"], "NAME"),
        (["key"], "--vault-url"),
        (["run", "--vault-url", "https://v", "key"], "a command is required, after --"),
        (["run", "--vault-url", "https://v", "key", "--"], "a command is required, after --"),
    ],
    ids=["no key", "no vault", "no separator", "no command"],
)
def test_wrong_usage_is_explained(arguments: list[str], complaint: str) -> None:
    run = subprocess.run([*PROGRAM, *arguments], capture_output=True, text=True, timeout=60)
    assert run.returncode == 2
    assert complaint in run.stderr


def test_missing_package_is_named_with_the_extra(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import importlib.util\n"
        "found = importlib.util.find_spec\n"
        "def find_spec(name, package=None):\n"
        "    return None if name == 'azure.identity' else found(name, package)\n"
        "importlib.util.find_spec = find_spec\n"
    )
    paths = [str(tmp_path), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    run = subprocess.run([*PROGRAM, "--help"], env=environment, capture_output=True, text=True, timeout=60)
    assert run.returncode == 1
    assert "Traceback" not in run.stderr
    assert "needs azure.identity, which is not installed. Run" in run.stderr
    assert "[ssh-agent]" in run.stderr
