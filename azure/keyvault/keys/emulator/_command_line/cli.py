"""The command line: serve a vault, or run a command with one."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

from ..._version import VERSION
from .._api_versions import VERSIONS
from .._environment import OVERRIDING, emulator_environment, resolved_url
from .._http.server import Server
from .._http.tls import Certificates
from .._options import EmulatorOptions
from .._service import Service
from .command import run_command
from .shells import SHELLS, USUAL_SHELL, forget_dotenv, write_dotenv
from .warnings import print_warnings

_DEFAULT_PORT = 8443
_PROGRAM = "python -m azure.keyvault.keys.emulator"
_OFFICIAL = (
    "Programs that use Microsoft's azure-keyvault-keys must pass verify_challenge_resource=False, "
    "unless you start the emulator with --host my.vault.localhost."
)
_NOTICE = "For development and tests only: nothing but this machine protects the keys in it."


def main(arguments: Sequence[str]) -> int:
    """Run the command line and return the exit code."""
    runs_command = bool(arguments) and arguments[0] == "run"
    parser = _parser(runs_command)
    given = parser.parse_args(arguments[1:] if runs_command else arguments)
    logging.basicConfig(format="%(message)s", stream=sys.stderr)
    if given.verbose:
        logging.getLogger(__name__.rpartition("._command_line")[0]).setLevel(logging.INFO)
    try:
        options = _options(given, runs_command)
        if not runs_command:
            forget_dotenv(given.env_file)
            return _serve(options, _Announcement(given.shell, given.env_file))
        command = given.command[1:] if given.command[:1] == ["--"] else given.command
        if not command:
            raise ValueError("a command is required")
        return run_command(command, **asdict(options))
    except ValueError as error:
        parser.error(str(error))
    except OSError as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 1


def _options(given: argparse.Namespace, runs_command: bool) -> EmulatorOptions:
    names = EmulatorOptions.__dataclass_fields__
    values = {name: value for name, value in vars(given).items() if name in names and value is not None}
    values.setdefault("port", 0 if runs_command else _DEFAULT_PORT)
    values.setdefault("ui", not runs_command)
    for name in ("hostnames", "vaults"):
        values[name] = tuple(values.get(name, ()))
    return EmulatorOptions(record=False, **values)


def _parser(runs_command: bool) -> argparse.ArgumentParser:
    program = f"{_PROGRAM} run" if runs_command else _PROGRAM
    usage = (
        f"{program} [options] [--] COMMAND ..." if runs_command else f"{program} [options]\n       {program} run ..."
    )
    parser = argparse.ArgumentParser(prog=program, usage=usage, description=f"A local Key Vault for keys. {_NOTICE}")
    add = parser.add_argument
    add("--version", action="version", version=f"Key Vault keys emulator {VERSION}")
    port = 0 if runs_command else _DEFAULT_PORT
    add("--port", type=int, metavar="PORT", help=f"the port to listen on, 0 for a free one (default: {port})")
    _add_vault_options(add)
    _add_reachability(add)
    shown = "no" if runs_command else "yes"
    add("--ui", action=argparse.BooleanOptionalAction, help=f"serve a web page that shows the vault (default: {shown})")
    add("--verbose", action="store_true", help="log every request")
    if runs_command:
        add("command", nargs=argparse.REMAINDER, metavar="COMMAND", help="the command to run, and its arguments")
    else:
        add("--env-file", type=Path, metavar="FILE", help="write the environment variables to this dotenv file")
        add("--shell", choices=SHELLS, help="print only commands for this shell to evaluate")
    return parser


def _add_vault_options(add: Callable[..., argparse.Action]) -> None:
    either = argparse.BooleanOptionalAction
    add("--managed-hsm", action="store_true", help="be a Managed HSM instead of a vault")
    add("--premium", action=either, help="support HSM keys, like a vault of the premium tier (default: yes)")
    add("--service-principal", action="store_true", help="offer a service principal instead of a managed identity")
    add("--token-lifetime", type=int, metavar="SECONDS", help="how long tokens are valid (default: 3600)")
    add(
        "--data-dir",
        type=Path,
        metavar="DIRECTORY",
        help="store keys in this directory, encrypted (default: in memory)",
    )
    add("--seed", type=Path, metavar="FILE", help="create the keys that this JSON file describes, unless they exist")
    add("--soft-delete", action=either, help="keep deleted keys for recovery (default: yes)")
    add("--deletion-delay", type=float, metavar="SECONDS", help="how long deletion and recovery take (default: 0.5)")
    add(
        "--purge-delay",
        type=float,
        metavar="SECONDS",
        help="how long the name of a purged key stays reserved (default: 0)",
    )
    add("--retention-days", type=int, metavar="DAYS", help="days until a deleted key is purged, 7 to 90 (default: 90)")
    add("--purge-protection", action="store_true", help="reject purges")
    add("--page-size", type=int, metavar="N", help="items in a page if the client asks for no number (default: 25)")
    add("--empty-pages", action="store_true", help="send an empty page before every page of a list")
    add(
        "--latest-api-version",
        choices=VERSIONS,
        metavar="VERSION",
        help=f"reject newer API versions (newest: {VERSIONS[-1]})",
    )


def _add_reachability(add: Callable[..., argparse.Action]) -> None:
    add(
        "--host",
        action="append",
        dest="hostnames",
        metavar="NAME",
        help="answer to this host name as well; may be repeated",
    )
    add(
        "--vault",
        action="append",
        dest="vaults",
        metavar="NAME",
        help="serve an additional vault with this name; may be repeated",
    )
    add("--listen", metavar="ADDRESS", help="DANGEROUS: also listen on this IP address, such as 0.0.0.0")


class _Announcement:
    """What is printed once the vault is serving: for people, for a shell, or to a file."""

    def __init__(self, shell: str | None, env_file: Path | None) -> None:
        self._shell = shell
        self._env_file = env_file

    def make(self, server: Server, certificates: Certificates) -> None:
        """Print it.

        :raises OSError: if the file cannot be written.
        """
        service = server.service
        variables = emulator_environment(service, certificates, resolved_url)
        print_warnings(service)
        if self._env_file is not None:
            write_dotenv(self._env_file, variables)
        unset = [name for name in OVERRIDING if name not in variables]
        prose = sys.stderr if self._shell else sys.stdout
        print(_NOTICE, file=prose)
        for vault in service.vaults:
            print(f"Serving {service.kind.name} keys on {resolved_url(vault)}", file=prose)
        if service.options.ui:
            print(f"Web page (this link works once): {server.ui_link()}", file=prose)
        if not service.options.hostnames:
            print(_OFFICIAL, file=prose)
        if not self._shell:
            print("\nTo use it:\n", *SHELLS[USUAL_SHELL](variables, unset), "\nCtrl+C stops it.", sep="\n", flush=True)
            return
        variables["KEYVAULT_EMULATOR_PID"] = str(os.getpid())
        print(*SHELLS[self._shell](variables, unset), sep="\n", flush=True)
        _end_output()


def _end_output() -> None:
    """Close the output so that a shell waiting to evaluate it can continue."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def _serve(options: EmulatorOptions, announcement: _Announcement) -> int:
    """Serve until interrupted."""
    with closing(Service(options)) as service, closing(Certificates.of(service)) as certificates:
        return asyncio.run(_serve_until_interrupted(service, certificates, announcement))


async def _serve_until_interrupted(service: Service, certificates: Certificates, announcement: _Announcement) -> int:
    server, interruption = Server(service, certificates), _interruption()
    try:
        await server.start()
        announcement.make(server, certificates)
        await interruption.wait()
    finally:
        await server.stop()
    return 0


def _interruption() -> asyncio.Event:
    """Return an event that is set when the process is interrupted or terminated."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(number, stop.set)
        except NotImplementedError:  # Windows
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop.set))
    return stop
