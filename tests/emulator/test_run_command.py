"""``python -m azure.keyvault.keys.emulator``: real azure-identity in a child process, signals and exit codes."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import ssl
import subprocess
import sys
import time
from pathlib import Path
from typing import IO, Any

import jwt
import pytest
import trustme
from azure.identity import ClientSecretCredential, aio

from azure.keyvault.keys.emulator._command_line.cli import main

from .client import EmulatorFactory

_RUN = [sys.executable, "-m", "azure.keyvault.keys.emulator"]

posix_only = pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")

_CHILD = """
import asyncio, json, os, sys
import urllib3
import azure.identity, azure.identity.aio

url = os.environ["VAULT_URL"]
http = urllib3.PoolManager(ca_certs=os.environ["SSL_CERT_FILE"])

def status(token):
    headers = {"Authorization": "Bearer " + token}
    return http.request("GET", url + "/keys?api-version=7.4", headers=headers).status

def secret(module):
    names = ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET")
    return module.ClientSecretCredential(*(os.environ[name] for name in names))

def make(module, kind):
    return secret(module) if kind == "secret" else getattr(module, kind)()

def sync(kind):
    with make(azure.identity, kind) as credential:
        return status(credential.get_token(url + "/.default").token)

async def asynchronous(kind):
    async with make(azure.identity.aio, kind) as credential:
        return status((await credential.get_token(url + "/.default", enable_cae=True)).token)

print(json.dumps({kind: [sync(kind), asyncio.run(asynchronous(kind))] for kind in sys.argv[1:]}))
"""


def _run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AZURE_")}
    return subprocess.run(
        [*_RUN, "run", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**inherited, "PYTHONWARNINGS": "error::ResourceWarning", **environment},
    )


@pytest.mark.parametrize(
    ("options", "kinds"),
    [
        ([], ["DefaultAzureCredential", "ManagedIdentityCredential"]),
        (["--service-principal"], ["DefaultAzureCredential", "EnvironmentCredential", "secret"]),
    ],
    ids=["managed-identity", "service-principal"],
)
def test_credentials_of_azure_identity_are_served_offline(options: list[str], kinds: list[str]) -> None:
    # Variables of the caller that would lead elsewhere must not reach the child.
    done = _run(
        *options, "--", "python", "-c", _CHILD, *kinds,
        AZURE_CLIENT_ID="mine", AZURE_TENANT_ID="mine", AZURE_TOKEN_CREDENTIALS="dev", HTTPS_PROXY="http://127.0.0.1:1",
        IMDS_ENDPOINT="http://127.0.0.1:1", SSL_CERT_DIR="/nowhere", CURL_CA_BUNDLE="/nowhere",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {kind: [200, 200] for kind in kinds}


def test_guid_tenant_is_served_without_instance_discovery(start: EmulatorFactory) -> None:
    vault = start(service_principal=True).vault
    names = ("AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET")
    arguments = [vault.tenant_id, *(vault.environment[name] for name in names)]
    options = {"authority": vault.url, "disable_instance_discovery": True, **vault.client_options}
    scope = f"{vault.url}/.default"

    async def asynchronous() -> str:
        async with aio.ClientSecretCredential(*arguments, **options) as credential:
            return (await credential.get_token(scope)).token

    with ClientSecretCredential(*arguments, **options) as credential:
        tokens = [credential.get_token(scope).token, asyncio.run(asynchronous())]
    claims = [jwt.decode(token, options={"verify_signature": False}) for token in tokens]
    assert [claim["iss"] for claim in claims] == [f"{vault.url}/{vault.tenant_id}/"] * 2
    assert [request.grant for request in vault.token_requests[-2:]] == ["client_credentials"] * 2


def test_exit_code_is_that_of_the_command() -> None:
    assert _run("python", "-c", "raise SystemExit(7)").returncode == 7


def test_command_that_does_not_exist_is_127() -> None:
    done = _run("no-such-command")
    assert done.returncode == 127
    assert "no-such-command: command not found" in done.stderr


def test_command_that_cannot_be_executed_is_126(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("1")
    done = _run(str(tmp_path / "data"))
    assert done.returncode == 126
    assert done.stderr == f"{tmp_path / 'data'}: cannot execute: Permission denied\n"


def test_python_is_the_interpreter_that_runs_the_emulator() -> None:
    done = _run("python", "-c", "import sys; print(sys.executable)", PATH="/nowhere")
    assert Path(done.stdout.strip()).resolve() == Path(sys.executable).resolve()


def test_environment_has_the_documented_variables() -> None:
    show = "import json, os; print(json.dumps(dict(os.environ)))"
    environment: dict[str, Any] = json.loads(_run("python", "-c", show, NO_PROXY="internal.test").stdout)
    assert environment["VAULT_URL"] == environment["AZURE_KEYVAULT_URL"]
    assert environment["SSL_CERT_FILE"] == environment["REQUESTS_CA_BUNDLE"]
    assert environment["IDENTITY_ENDPOINT"] == environment["VAULT_URL"] + "/msi/token"
    assert "AZURE_CLIENT_ID" not in environment
    assert environment["NO_PROXY"].startswith("internal.test,localhost,")


def test_service_principal_environment_has_the_documented_variables(start: EmulatorFactory) -> None:
    vault = start(service_principal=True).vault
    assert vault.environment["AZURE_AUTHORITY_HOST"] == vault.environment["VAULT_URL"] == vault.url
    assert vault.environment["AZURE_TENANT_ID"] == "adfs"
    assert not {"IDENTITY_ENDPOINT", "IDENTITY_HEADER"} & set(vault.environment)


def test_bundle_holds_the_public_roots_too(start: EmulatorFactory) -> None:
    bundle = Path(start().vault.environment["SSL_CERT_FILE"])
    assert bundle.read_text("utf-8").count("BEGIN CERTIFICATE") > 50


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"])
@pytest.mark.parametrize("kind", ["file", "directory", "missing"])
def test_bundle_holds_the_authorities_that_were_trusted_before(
    start: EmulatorFactory, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str, kind: str
) -> None:
    own = trustme.CA().cert_pem.bytes()
    (tmp_path / "own.pem").write_bytes(own)
    monkeypatch.setenv(variable, str({"file": tmp_path / "own.pem", "directory": tmp_path}.get(kind, "/nowhere")))
    bundle = Path(start().vault.environment[variable])
    assert (own.strip() in bundle.read_bytes()) is (kind != "missing")
    assert ssl.create_default_context(cafile=bundle).cert_store_stats()["x509_ca"] > 50


def test_bundle_has_no_private_key_of_a_file_that_was_trusted_before(
    start: EmulatorFactory, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A file of the caller's may hold a key beside its certificate; the bundle, which others read, must not."""
    own = trustme.CA().issue_cert("somewhere.test")
    (tmp_path / "own.pem").write_bytes(own.private_key_and_cert_chain_pem.bytes())
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "own.pem"))
    bundle = Path(start().vault.environment["REQUESTS_CA_BUNDLE"]).read_bytes()
    assert b"PRIVATE KEY" not in bundle
    assert own.cert_chain_pems[0].bytes().strip() in bundle


def test_options_after_the_command_are_the_commands_own() -> None:
    done = _run("python", "-c", "import sys; print(sys.argv[1:])", "--port", "--help")
    assert done.stdout.strip() == "['--port', '--help']"


@posix_only
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
@pytest.mark.parametrize("redirection", ["", "</dev/null", "<&-"], ids=["inherited", "null", "closed"])
def test_signal_is_forwarded_and_the_command_decides(tmp_path: Path, number: signal.Signals, redirection: str) -> None:
    script = (
        "import signal, sys, time, pathlib\n"
        f"signal.signal({number.value}, lambda *_: sys.exit(5))\n"
        f"pathlib.Path({str(tmp_path / 'ready')!r}).touch()\n"
        "time.sleep(30)\n"
    )
    command = ["sh", "-c", f'exec "$@" {redirection}', "sh", *_RUN, "run", "python", "-c", script]
    with subprocess.Popen(command, start_new_session=True) as process:
        _wait_for(tmp_path / "ready")
        process.send_signal(number)
        assert process.wait(15) == 5


def _read_until(terminal: IO[bytes], pattern: bytes) -> bytes:
    text = b""
    while not re.search(pattern, text):
        text += terminal.read(1024) or pytest.fail("the terminal has been closed")
    return text


_COUNT_INTERRUPTS = """
import signal
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
print("ready", flush=True)
count, patience = 0, 20
while signal.sigtimedwait([signal.SIGINT], patience):
    count, patience = count + 1, 0.5
print("interrupts", count, flush=True)
"""


@posix_only
@pytest.mark.parametrize("redirected", [False, True], ids=["terminal", "redirected"])
def test_interrupt_from_the_terminal_reaches_the_command_once(redirected: bool) -> None:
    fcntl, termios = pytest.importorskip("fcntl"), pytest.importorskip("termios")
    ours, theirs = os.openpty()
    process = subprocess.Popen(
        [*_RUN, "run", "python", "-c", _COUNT_INTERRUPTS],
        stdin=subprocess.DEVNULL if redirected else theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(theirs, termios.TIOCSCTTY, 0),
    )
    os.close(theirs)
    with process, os.fdopen(ours, "r+b", buffering=0) as terminal:
        _read_until(terminal, b"ready")
        terminal.write(b"\x03")
        text = _read_until(terminal, b"interrupts \\d")
        assert process.wait(15) == 0
    assert b"interrupts 1" in text


@posix_only
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_server_says_where_it_is_and_ends_cleanly(number: signal.Signals) -> None:
    command = [sys.executable, "-X", "dev", "-W", "error", *_RUN[1:], "--port", "0"]
    environment = {**os.environ, "PYTHONWARNINGS": "error"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout
        text = ""
        for line in process.stdout:
            text += line
            if line.startswith("Ctrl+C"):
                break
        process.send_signal(number)
        _, errors = process.communicate(timeout=15)
    assert process.returncode == 0
    # asyncio's development mode also tells of steps that took long, as they do on a machine that has much else to do.
    assert [line for line in errors.splitlines() if not re.fullmatch(r"Executing <.* took [\d.]+ seconds", line)] == []
    assert "For development and tests only" in text
    assert "Serving vault keys on https://localhost:" in text
    assert "export IDENTITY_ENDPOINT=https://localhost:" in text
    commands = "".join(line for line in text.splitlines(keepends=True) if line.startswith(("export ", "unset ")))
    others = {"PATH": os.environ["PATH"], "AZURE_CLIENT_ID": "mine", "AZURE_TENANT_ID": "mine", "IMDS_ENDPOINT": "x"}
    shown = subprocess.run(
        ["sh", "-c", f"{commands}env"], env=others, capture_output=True, text=True, check=True
    ).stdout
    names = {line.partition("=")[0] for line in shown.splitlines()}
    assert {"VAULT_URL", "IDENTITY_HEADER", "SSL_CERT_FILE"} <= names
    assert not {"AZURE_CLIENT_ID", "AZURE_TENANT_ID", "IMDS_ENDPOINT"} & names
    assert "localhost,127.0.0.1,::1\n" in shown


def test_port_that_is_taken_is_said_so() -> None:
    script = (
        "import subprocess, sys, os; sys.exit(subprocess.call([sys.executable, '-m', "
        "'azure.keyvault.keys.emulator', '--port', os.environ['VAULT_URL'].rsplit(':', 1)[1]]))"
    )
    done = _run("python", "-c", script)
    assert done.returncode == 1
    assert "cannot listen on port " in done.stderr
    assert "Traceback" not in done.stderr


_WRONG_ARGUMENTS = [
    ["run"],
    ["--retention-days", "6"],
    ["--page-size", "26"],
    ["--port", "65536"],
    ["--deletion-delay", "nan"],
    ["--purge-delay", "inf"],
    ["--host", "a b"],
]


@pytest.mark.parametrize("arguments", _WRONG_ARGUMENTS, ids=str)
def test_wrong_arguments_are_explained(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_info:
        main(arguments)
    assert exit_info.value.code == 2
    assert "error: " in capsys.readouterr().err


@pytest.mark.parametrize("missing", ["aiohttp", "trustme"])
def test_extra_that_is_missing_is_named(missing: str) -> None:
    script = f"import sys; sys.modules[{missing!r}] = None; import azure.keyvault.keys.emulator"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    last = done.stderr.splitlines()[-1]
    assert last.startswith(f"ImportError: The emulator needs {missing}, which is not installed. Run")
    assert "[emulator]" in last


def _wait_for(path: Path) -> None:
    for _ in range(300):
        if path.exists():
            return
        time.sleep(0.05)
    raise AssertionError(f"{path} did not appear")
