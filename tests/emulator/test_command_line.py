"""``python -m azure.keyvault.keys.emulator``: what it prints and writes, and what stays the same between starts."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dotenv
import pytest
import urllib3

from azure.keyvault.keys import __version__
from azure.keyvault.keys.emulator._command_line.cli import main
from azure.keyvault.keys.emulator._command_line.shells import SHELLS, write_dotenv

_PROGRAM = [sys.executable, "-m", "azure.keyvault.keys.emulator"]
posix_only = pytest.mark.skipif(os.name != "posix", reason="needs POSIX shells and signals")


@contextmanager
def _serving(directory: Path, *options: str) -> Iterator[dict[str, str]]:
    """Serve until the end of the block, and yield the variables of the dotenv file."""
    path = directory / "emulator.env"
    path.unlink(missing_ok=True)
    command = [*_PROGRAM, "--port", "0", "--env-file", str(path), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            for _ in range(300):
                if path.exists():
                    break
                assert process.poll() is None, process.communicate()[1]
                time.sleep(0.05)
            yield {name: value or "" for name, value in dotenv.dotenv_values(path).items()}
        finally:
            process.terminate()
            process.communicate(timeout=15)


def _token(environment: dict[str, str]) -> str:
    with urllib3.PoolManager(ca_certs=environment["SSL_CERT_FILE"]) as http:
        answer = http.request(
            "GET",
            environment["IDENTITY_ENDPOINT"],
            fields={"api-version": "2019-08-01", "resource": environment["VAULT_URL"]},
            headers={"X-IDENTITY-HEADER": environment["IDENTITY_HEADER"]},
        )
        return str(answer.json()["access_token"])


def _status(environment: dict[str, str], url: str, token: str) -> int:
    with urllib3.PoolManager(ca_certs=environment["SSL_CERT_FILE"]) as http:
        headers = {"Authorization": f"Bearer {token}"}
        return http.request("GET", f"{url}/keys?api-version=7.4", headers=headers).status


@posix_only
def test_variables_of_the_last_start_are_good_for_the_next(tmp_path: Path) -> None:
    """Authority, files, secrets and the tokens that a credential has cached: a program need not be started anew."""
    options = ("--data-dir", str(tmp_path / "data"))
    with _serving(tmp_path, *options) as first:
        authority = Path(first["SSL_CERT_FILE"]).read_bytes()
        token = _token(first)
    assert Path(first["SSL_CERT_FILE"]).is_file()
    with _serving(tmp_path, *options, "--port", first["VAULT_URL"].rsplit(":", 1)[1]) as second:
        assert second == first
        assert Path(second["SSL_CERT_FILE"]).read_bytes() == authority
        assert _status(first, second["VAULT_URL"], token) == 200
        assert _status(first, second["VAULT_URL"], _token(first)) == 200


@posix_only
def test_service_principal_of_the_last_start_is_that_of_the_next(tmp_path: Path) -> None:
    options = ("--data-dir", str(tmp_path / "data"), "--service-principal")
    names = ("AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET", "AZURE_TENANT_ID", "SSL_CERT_FILE")
    with _serving(tmp_path, *options) as first, pytest.raises(KeyError):
        _ = first["IDENTITY_HEADER"]
    with _serving(tmp_path, *options) as second:
        assert [second[name] for name in names] == [first[name] for name in names]


@posix_only
def test_without_a_directory_every_start_has_secrets_of_its_own(tmp_path: Path) -> None:
    with _serving(tmp_path) as first:
        assert _status(first, first["VAULT_URL"], _token(first)) == 200
    with _serving(tmp_path) as second:
        assert second["IDENTITY_HEADER"] != first["IDENTITY_HEADER"]
    assert not Path(first["SSL_CERT_FILE"]).exists()


@posix_only
def test_env_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    with _serving(tmp_path):
        assert stat.S_IMODE((tmp_path / "emulator.env").stat().st_mode) == 0o600
        assert [path.name for path in tmp_path.iterdir()] == ["emulator.env"]


def test_env_file_of_the_last_start_is_gone_before_the_next_is_ready(tmp_path: Path) -> None:
    """Whoever waits for the file waits for the vault."""
    path = tmp_path / "emulator.env"
    path.write_text("VAULT_URL=https://localhost:1\n", "utf-8")
    command = [*_PROGRAM, "--port", "0", "--env-file", str(path), "--seed", str(tmp_path / "nothing.json")]
    assert subprocess.run(command, capture_output=True, timeout=30, check=False).returncode == 1
    assert not path.exists()


def test_dotenv_values_are_read_back_as_they_were(tmp_path: Path) -> None:
    values = {
        "PLAIN": "https://localhost:8443",
        "LIST": "a,::1",
        "SPACES": "/a b/c",
        "QUOTES": "x\"y'z",
        "DOLLAR": "$HOME",
    }
    write_dotenv(tmp_path / "file.env", values)
    assert dotenv.dotenv_values(tmp_path / "file.env", interpolate=False) == values
    assert (tmp_path / "file.env").read_text("utf-8").startswith("PLAIN=https://localhost:8443\n"), (
        "docker keeps quotes"
    )


def test_dotenv_file_that_cannot_be_written_is_an_error_of_one_line(tmp_path: Path) -> None:
    command = [*_PROGRAM, "--port", "0", "--env-file", str(tmp_path / "nowhere" / "file.env")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 1
    assert "No such file or directory" in done.stderr
    assert "Traceback" not in done.stderr


@posix_only
def test_bash_evaluates_the_output_and_goes_on(tmp_path: Path) -> None:
    """``eval "$(... &)"``: the output ends while the emulator serves, and prose is kept out of it."""
    if not shutil.which("bash"):
        pytest.skip("bash is not installed")
    script = (
        'eval "$("$@" --port 0 --shell bash &)" || exit 3\n'
        'echo "$VAULT_URL ${AZURE_CLIENT_ID-unset}"\n'
        '"$0" -c "import os, urllib3; http = urllib3.PoolManager(ca_certs=os.environ[\'SSL_CERT_FILE\']); '
        "print(http.request('GET', os.environ['VAULT_URL'] + '/keys').status); http.clear()\"\n"
        'kill "$KEYVAULT_EMULATOR_PID"\n'
    )
    done = subprocess.run(
        ["bash", "-c", script, sys.executable, *_PROGRAM],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "AZURE_CLIENT_ID": "mine"},
    )
    first, second = done.stdout.splitlines()
    assert first.startswith("https://localhost:")
    assert first.endswith(" unset")
    assert second == "401"
    assert "For development and tests only" in done.stderr
    assert "Serving vault keys on https://localhost:" in done.stderr


@pytest.mark.skipif(not shutil.which("pwsh"), reason="PowerShell is not installed")
def test_powershell_evaluates_the_lines() -> None:
    lines = SHELLS["powershell"]({"A": "it's $x"}, ["B"])
    script = "\n".join(["$env:B = '1'", *lines, '"$env:A|$env:B"'])
    done = subprocess.run(["pwsh", "-NoProfile", "-Command", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "it's $x|"


def test_lines_of_shells_quote_what_has_a_meaning() -> None:
    variables = {"A": "it's $x", "B": "plain"}
    assert SHELLS["powershell"](variables, ["C", "D"]) == [
        "Remove-Item -Path Env:C, Env:D -ErrorAction Ignore",
        "$env:A = 'it''s $x'",
        "$env:B = 'plain'",
    ]
    assert SHELLS["bash"](variables, ["C", "D"]) == ["unset C D", "export A='it'\"'\"'s $x'", "export B=plain"]


def test_verbose_server_logs_every_request(tmp_path: Path) -> None:
    script = (
        "import os, urllib3\n"
        "with urllib3.PoolManager(ca_certs=os.environ['SSL_CERT_FILE']) as http:\n"
        "    http.request('GET', os.environ['VAULT_URL'] + '/keys?api-version=7.4')\n"
    )
    for words, logged in ((["--verbose"], True), ([], False)):
        command = [*_PROGRAM, "run", *words, "--", "python", "-c", script]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
        assert ("GET /keys -> 401" in done.stderr) is logged


def test_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["--version"], ["run", "--version"]):
        with pytest.raises(SystemExit) as exit_info:
            main(arguments)
        assert exit_info.value.code == 0
        assert capsys.readouterr().out == f"Key Vault keys emulator {__version__}\n"


_CREATE_HSM_KEY_AND_DELETE = """
import os
from azure.core.exceptions import HttpResponseError
from azure.identity import DefaultAzureCredential
from azure.keyvault.keys import KeyClient

with DefaultAzureCredential() as credential, KeyClient(os.environ["VAULT_URL"], credential) as client:
    try:
        client.create_rsa_key("a", hsm=True)
        print("premium")
    except HttpResponseError as error:
        print(error.status_code)
    print(client.create_ec_key("b").properties.recovery_level)
"""


@pytest.mark.parametrize(
    ("options", "output"),
    [
        ([], ["premium", "Recoverable+Purgeable"]),
        (["--premium", "--soft-delete"], ["premium", "Recoverable+Purgeable"]),
        (["--no-premium", "--no-soft-delete"], ["400", "Purgeable"]),
    ],
    ids=["default", "asked-for", "not"],
)
def test_tier_and_soft_delete_are_options_of_the_command_line(options: list[str], output: list[str]) -> None:
    command = [*_PROGRAM, "run", *options, "--", "python", "-c", _CREATE_HSM_KEY_AND_DELETE]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.splitlines() == output


@posix_only
def test_listening_on_other_addresses_is_warned_of(tmp_path: Path) -> None:
    command = [*_PROGRAM, "--port", "0", "--listen", "0.0.0.0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        for line in process.stdout:
            if line.startswith("Ctrl+C"):
                break
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=15)
    assert errors.startswith("WARNING: listening on 0.0.0.0, not only on the loopback interface.")
