"""The command line: serve keys in the background as ``ssh-agent`` does, or run a command with them."""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType

from azure.core.exceptions import AzureError
from azure.identity import DefaultAzureCredential

from .. import KeyClient
from ._agent import VaultAgent

_PROGRAM = "python -m azure.keyvault.keys.ssh_agent"
_DESCRIPTION = (
    "An SSH agent whose keys are in Azure Key Vault. It signs in as DefaultAzureCredential does. Ends with: kill "
    "$SSH_AGENT_PID (or: ssh-agent -k)."
)


def main(arguments: Sequence[str]) -> int:
    """Run the command line and return the exit code."""
    runs_command = bool(arguments) and arguments[0] == "run"
    own, command = _split(arguments[1:]) if runs_command else (list(arguments), [])
    parser = _parser(runs_command)
    given = parser.parse_args(own)
    if runs_command and not command:
        parser.error("a command is required, after --")
    if not (runs_command or given.foreground or given.detached):
        return _start_in_background(own)
    logging.basicConfig(format="%(asctime)s %(message)s", stream=sys.stderr)
    logging.getLogger("azure.keyvault.keys.ssh_agent").setLevel(logging.INFO if given.verbose else logging.WARNING)
    try:
        with _agent(given) as agent:
            return _run(command, agent) if runs_command else _serve(agent, detached=given.detached)
    except (AzureError, OSError, ValueError) as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 1


@contextlib.contextmanager
def _agent(given: argparse.Namespace) -> Iterator[VaultAgent]:
    with (
        DefaultAzureCredential() as credential,
        KeyClient(given.vault_url, credential) as client,
        VaultAgent(client, given.names, socket_path=given.socket, timeout=given.timeout) as agent,
    ):
        yield agent


def _split(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the program's own arguments, and the command after ``--``."""
    own = list(arguments)
    return (own[: own.index("--")], own[own.index("--") + 1 :]) if "--" in own else (own, [])


def _parser(runs_command: bool) -> argparse.ArgumentParser:
    program = f"{_PROGRAM} run" if runs_command else _PROGRAM
    usage = f"{program} [options] --vault-url URL NAME ..." + (" -- COMMAND ..." if runs_command else "")
    parser = argparse.ArgumentParser(prog=program, usage=usage, description=_DESCRIPTION)
    add = parser.add_argument
    add("--vault-url", required=True, metavar="URL", help="the vault")
    add("names", nargs="+", metavar="NAME", help="a key: its name, name/version or identifier")
    add("--socket", metavar="PATH", help="where to make the socket (in a new directory of the user's own)")
    add("--timeout", type=float, default=30, metavar="SECONDS", help="when to give up signing (30)")
    add("--verbose", action="store_true", help="log every signature")
    if not runs_command:
        add("--foreground", "-D", action="store_true", help="do not go into the background; log to stderr")
        add("--detached", action="store_true", help=argparse.SUPPRESS)
    return parser


def _start_in_background(arguments: Sequence[str]) -> int:
    """Start the agent in its own session, and print its output once it has its keys."""
    command = [sys.executable, "-m", "azure.keyvault.keys.ssh_agent", "--detached", *arguments]
    # Its own program, with arguments that go through no shell.
    with subprocess.Popen(  # noqa: S603
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, start_new_session=True
    ) as agent:
        assert agent.stdout is not None  # noqa: S101  # it is a pipe
        said = agent.stdout.read()  # until the agent has detached itself, or failed
        if not said:
            return agent.wait() or 1
        sys.stdout.write(said.decode())
        sys.stdout.flush()
        os._exit(0)  # without waiting for the agent, which goes on


def _serve(agent: VaultAgent, *, detached: bool) -> int:
    """Serve until a signal."""
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: ended.set())
    print(f"SSH_AUTH_SOCK={shlex.quote(agent.socket_path)}; export SSH_AUTH_SOCK;")
    print(f"SSH_AGENT_PID={os.getpid()}; export SSH_AGENT_PID;")
    print(f"echo Agent pid {os.getpid()};", flush=True)
    if detached:
        _detach(Path(f"{agent.socket_path}.log"))
    ended.wait()
    return 0


def _detach(log: Path) -> None:
    """Detach from the terminal, so that readers of the agent's output reach its end. Log to a file."""
    with log.open("ab") as file, Path(os.devnull).open("r+b") as nothing:
        log.chmod(0o600)
        os.dup2(nothing.fileno(), 0)
        os.dup2(nothing.fileno(), 1)
        os.dup2(file.fileno(), 2)


def _run(command: Sequence[str], agent: VaultAgent) -> int:
    """Run a command with the agent, and return its exit code as a shell does."""
    environment = {**os.environ, "SSH_AUTH_SOCK": agent.socket_path}
    environment.pop("SSH_AGENT_PID", None)
    process: subprocess.Popen[bytes] | None = None
    missed: list[int] = []

    def forward(number: int, frame: FrameType | None) -> None:
        if process is None:
            missed.append(number)
        else:
            process.send_signal(number)

    signal.signal(signal.SIGTERM, forward)
    # The terminal sends it to the command as well, which decides what to do.
    signal.signal(signal.SIGINT, lambda *_: None)
    process = subprocess.Popen(command, env=environment)  # noqa: S603  # the user's own command
    for number in missed:
        process.send_signal(number)
    code = process.wait()
    return code if code >= 0 else 128 - code
