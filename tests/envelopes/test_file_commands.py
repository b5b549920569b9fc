"""``python -m azure.keyvault.keys.tink`` as users run it, on the emulator."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("tink", reason="Tink is not installed (extra tink)")

from fixtures.targets import Target

from azure.keyvault.keys import KeyClient
from azure.keyvault.keys.emulator import KeyVaultEmulator
from azure.keyvault.keys.tink._command_line import main

Run = Callable[..., "subprocess.CompletedProcess[bytes]"]
CONTENT = os.urandom(3_000_000)


@pytest.fixture
def key_id(uri: str) -> str:
    """The identifier of a new RSA key."""
    return uri.removeprefix("azure-kms://")


@pytest.fixture
def run(emulated_vault: KeyVaultEmulator, tmp_path: Path) -> Run:
    """Runs the command line in an empty folder, with the emulator's environment."""

    def run(*arguments: str, data: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
        command = [sys.executable, "-W", "error", "-m", "azure.keyvault.keys.tink", *arguments]
        environment = {**os.environ, **emulated_vault.environment}
        return subprocess.run(command, cwd=tmp_path, env=environment, input=data, capture_output=True, timeout=60)

    return run


def test_file_is_encrypted_and_decrypted(
    run: Run, keys: KeyClient, name: str, key_id: str, vault: Target, tmp_path: Path
) -> None:
    plain = tmp_path / "report.bin"
    plain.write_bytes(CONTENT)
    plain.chmod(0o640)
    done = run("encrypt", "report.bin", "--key", key_id)
    assert done.returncode == 0, done.stderr
    assert done.stderr == b"encrypted 3000000 bytes into report.bin.tink\n"
    secret = tmp_path / "report.bin.tink"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o640
    plain.unlink()
    keys.rotate_key(name)
    done = run("decrypt", "report.bin.tink", "--key", f"azure-kms://{key_id}")
    assert done.returncode == 0, done.stderr
    assert plain.read_bytes() == CONTENT
    assert sorted(path.name for path in tmp_path.iterdir()) == ["report.bin", "report.bin.tink"]


def test_standard_input_and_output_serve_as_files(run: Run, key_id: str) -> None:
    secret = run("encrypt", "-", "--key", key_id, "--associated-data", "Grüße", data=CONTENT)
    assert secret.returncode == 0, secret.stderr
    plain = run("decrypt", "-", "--key", key_id, "--associated-data", "Grüße", "--quiet", data=secret.stdout)
    assert (plain.returncode, plain.stderr) == (0, b"")
    assert plain.stdout == CONTENT
    assert run("decrypt", "-", "--key", key_id, data=secret.stdout).returncode == 1


def test_broken_file_leaves_nothing_behind(run: Run, key_id: str, tmp_path: Path) -> None:
    plain = tmp_path / "report"
    plain.write_bytes(CONTENT)
    assert run("encrypt", "report", "--key", key_id).returncode == 0
    plain.unlink()
    secret = tmp_path / "report.tink"
    secret.write_bytes(secret.read_bytes()[:-1])
    done = run("decrypt", "report.tink", "--key", key_id)
    assert done.returncode == 1
    assert b"2097080 bytes were verified" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["report.tink"]


def test_file_that_exists_is_replaced_only_by_force(run: Run, key_id: str, tmp_path: Path) -> None:
    for name in ("report", "report.tink"):
        (tmp_path / name).write_bytes(b"tea")
    done = run("encrypt", "report", "--key", key_id)
    assert done.returncode == 1
    assert b"report.tink exists; --force replaces it" in done.stderr
    assert (tmp_path / "report.tink").read_bytes() == b"tea"
    assert run("encrypt", "report", "--key", key_id, "--force").returncode == 0
    assert run("decrypt", "report.tink", "--key", key_id, "--output", "copy").returncode == 0
    assert (tmp_path / "copy").read_bytes() == b"tea"


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (("encrypt", "nothing", "--key", "{key}"), 1, "nothing"),
        (("encrypt", "report", "--key", "{key}-other"), 1, "KeyNotFound"),
        (("encrypt", "report", "--key", "http://vault.example/keys/orders"), 1, "not the identifier of a key"),
        (("encrypt", "report", "--key", "orders"), 1, "not the identifier of a key"),
        (("decrypt", "report", "--key", "{key}"), 2, "--output"),
        (("decrypt", "report", "--key", "{key}", "-o", "-"), 1, "ends before its encrypted keyset"),
        (("encrypt", "report"), 2, "--key"),
        ((), 2, "encrypt|decrypt"),
    ],
    ids=["no-file", "no-key", "http", "a-name", "no-name-for-the-output", "not-encrypted", "key-missing", "nothing"],
)
def test_mistake_is_told_in_a_line(
    emulated_vault: KeyVaultEmulator,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    key_id: str,
    tmp_path: Path,
    arguments: tuple[str, ...],
    status: int,
    message: str,
) -> None:
    for variable, value in emulated_vault.environment.items():
        monkeypatch.setenv(variable, value)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "report").write_bytes(b"tea")
    try:
        ended = main([argument.format(key=key_id) for argument in arguments])
    except SystemExit as error:
        ended = int(error.code or 0)
    told = capfd.readouterr().err
    assert ended == status, told
    assert message in told
    assert "Traceback" not in told
    assert [path.name for path in tmp_path.iterdir()] == ["report"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no pseudo-terminals of this kind")
def test_terminal_shows_a_progress_bar(emulated_vault: KeyVaultEmulator, key_id: str, tmp_path: Path) -> None:
    import pty

    (tmp_path / "report").write_bytes(CONTENT)
    terminal, end = pty.openpty()
    command = [sys.executable, "-W", "error", "-m", "azure.keyvault.keys.tink", "encrypt", "report", "--key", key_id]
    environment = {**os.environ, **emulated_vault.environment, "TERM": "xterm", "COLUMNS": "100"}
    process = subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=end)
    os.close(end)
    shown = b""
    try:
        while piece := os.read(terminal, 4096):
            shown += piece
    except OSError:  # how Linux says that the other end is closed
        pass
    finally:
        os.close(terminal)
    assert process.wait(60) == 0
    assert b"encrypting report" in shown
    assert b"2.9/2.9 MiB" in shown
    assert b"encrypted 3000000 bytes into report.tink" in shown


def test_missing_azure_identity_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "report").write_bytes(b"tea")
    monkeypatch.setattr("azure.keyvault.keys._extras.absent", lambda *modules: [*modules])
    assert main(["encrypt", str(tmp_path / "report"), "--key", "https://demo.vault.azure.net/keys/k"]) == 1
    assert "pip install azure-identity" in capsys.readouterr().err
