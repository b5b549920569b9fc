"""OpenSSH and git work with keys of a vault."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from azure.keyvault.keys import KeyClient

KEYS = {"rsa": "2048", "p256": "256", "p384": "384", "p521": "521"}

pytestmark = pytest.mark.slow
every_key = pytest.mark.parametrize("name", KEYS)


def test_ssh_add_lists_the_keys(openssh: Any, client: KeyClient) -> None:
    lines = openssh("ssh-add", "-l").stdout.splitlines()
    assert [(line.split()[0], line.split()[2]) for line in lines] == [
        (size, client.get_key(name).id) for name, size in KEYS.items()
    ]


@every_key
def test_ssh_add_verifies_that_the_agent_has_the_private_key(openssh: Any, public_key: Any, name: str) -> None:
    openssh("ssh-add", "-T", public_key(name))


@pytest.mark.parametrize("arguments", [["-D"], ["-X"], ["-x"], ["key"]], ids=["remove", "unlock", "lock", "add"])
def test_everything_else_is_refused(openssh: Any, tmp_path: Path, arguments: list[str]) -> None:
    openssh("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "key")
    assert openssh("ssh-add", *arguments, check=False, input="secret\nsecret\n").returncode != 0
    assert len(openssh("ssh-add", "-l").stdout.splitlines()) == len(KEYS)


@pytest.fixture
def port(openssh: Any, agent: Any, tmp_path: Path) -> Iterator[int]:
    """The port of an SSH server on loopback that lets the keys in."""
    server = shutil.which("sshd") or shutil.which("sshd", path="/usr/sbin:/usr/local/sbin")
    if server is None:
        pytest.skip("sshd is not installed")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # as the service does before it starts
    openssh("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "host")
    (tmp_path / "authorized_keys").write_text("\n".join(agent.public_keys) + "\n")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        number = free.getsockname()[1]
    settings = {
        "ListenAddress": "127.0.0.1",
        "Port": number,
        "HostKey": tmp_path / "host",
        "AuthorizedKeysFile": tmp_path / "authorized_keys",
        "PidFile": "none",
        "StrictModes": "no",
        "UsePAM": "no",
        "PasswordAuthentication": "no",
        "KbdInteractiveAuthentication": "no",
        "PermitRootLogin": "prohibit-password",
    }
    (tmp_path / "sshd_config").write_text("".join(f"{name} {value}\n" for name, value in settings.items()))
    with (tmp_path / "sshd.log").open("w") as log:
        process = subprocess.Popen([server, "-D", "-e", "-f", str(tmp_path / "sshd_config")], stderr=log)
    try:
        _wait_for(number, process, tmp_path / "sshd.log")
        yield number
    finally:
        process.terminate()
        process.wait()


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(100):
        if process.poll() is not None:
            pytest.skip(f"sshd does not start here: {log.read_text()[-300:]}")
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    pytest.skip("sshd does not listen")


@every_key
def test_ssh_logs_in(openssh: Any, public_key: Callable[[str], Path], port: int, name: str, vault: Any) -> None:
    vault.requests.clear()
    options = ["IdentitiesOnly=yes", "StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "BatchMode=yes"]
    arguments = [text for option in options for text in ("-o", option)]
    where = [f"{getpass.getuser()}@127.0.0.1", "echo in with the key"]
    done = openssh("ssh", "-F", "none", *arguments, "-p", str(port), "-i", public_key(name), *where)
    assert done.stdout == "in with the key\n"
    assert [request.path.split("/")[2] for request in vault.requests.matching("POST", "/sign")] == [name]


@every_key
def test_ssh_keygen_signs_certificates_with_an_authority_in_the_vault(
    openssh: Any, public_key: Callable[[str], Path], tmp_path: Path, name: str
) -> None:
    openssh("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "user")
    openssh("ssh-keygen", "-Us", public_key(name), "-I", "me", "-n", "deploy", "-V", "+1d", tmp_path / "user.pub")
    told = openssh("ssh-keygen", "-L", "-f", tmp_path / "user-cert.pub").stdout
    fingerprint = openssh("ssh-keygen", "-l", "-f", public_key(name)).stdout.split()[1]
    assert f"Signing CA: {'RSA' if name == 'rsa' else 'ECDSA'} {fingerprint}" in told
    assert "deploy" in told


@every_key
def test_git_signs_and_verifies_commits(
    openssh: Any, public_key: Callable[[str], Path], tmp_path: Path, name: str
) -> None:
    key = public_key(name)
    (tmp_path / "allowed").write_text(f"me@example.com {key.read_text()}")
    settings = {
        "user.name": "Me",
        "user.email": "me@example.com",
        "gpg.format": "ssh",
        "user.signingkey": str(key),
        "gpg.ssh.allowedSignersFile": str(tmp_path / "allowed"),
    }
    options = [text for setting in settings.items() for text in ("-c", "=".join(setting))]
    openssh("git", "init", "-q", "repository")
    openssh("git", *options, "-C", "repository", "commit", "-q", "--allow-empty", "-S", "-m", "Signed in the vault")
    verified = openssh("git", *options, "-C", "repository", "verify-commit", "HEAD")
    assert 'Good "git" signature for me@example.com' in verified.stderr


def test_ssh_keygen_signs_and_verifies_files(openssh: Any, public_key: Callable[[str], Path], tmp_path: Path) -> None:
    data, key = tmp_path / "data", public_key("p256")
    data.write_text("release")
    openssh("ssh-keygen", "-Y", "sign", "-n", "file", "-f", key, data)
    (tmp_path / "allowed").write_text(f"me {key.read_text()}")
    verify = ["-Y", "verify", "-n", "file", "-I", "me", "-f", tmp_path / "allowed", "-s", f"{data}.sig"]
    assert "Good" in openssh("ssh-keygen", *verify, input="release").stdout
    assert openssh("ssh-keygen", *verify, input="other", check=False).returncode != 0
