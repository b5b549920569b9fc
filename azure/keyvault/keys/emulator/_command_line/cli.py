"""The command line: serve a vault, or run a command with one."""

from __future__ import annotations

import argparse
import asyncio
import logging
import shlex
import signal
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

from .._api_versions import VERSIONS
from .._environment import OVERRIDING, emulator_environment
from .._http.server import Server
from .._http.tls import Certificates
from .._options import EmulatorOptions
from .._service import Service
from .command import run_command

_DEFAULT_PORT = 8443
_PROGRAM = "python -m azure.keyvault.keys.emulator"
_NOTICE = "For development and tests only: keys here are protected by nothing but this machine."


def main(arguments: Sequence[str]) -> int:
    """Run the command line and return the exit code."""
    runs_command = bool(arguments) and arguments[0] == "run"
    parser = _parser(runs_command)
    given = parser.parse_args(arguments[1:] if runs_command else arguments)
    logging.basicConfig(format="%(message)s", stream=sys.stderr)
    if given.verbose:
        logging.getLogger(__package__).setLevel(logging.INFO)
    try:
        options = _options(given, runs_command)
        if not runs_command:
            return _serve(options)
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
    values["hostnames"] = tuple(given.hostnames or ())
    return EmulatorOptions(record=False, **values)


def _parser(runs_command: bool) -> argparse.ArgumentParser:
    program = f"{_PROGRAM} run" if runs_command else _PROGRAM
    usage = (
        f"{program} [options] [--] COMMAND ..." if runs_command else f"{program} [options]\n       {program} run ..."
    )
    parser = argparse.ArgumentParser(prog=program, usage=usage, description=f"A local Key Vault for keys. {_NOTICE}")
    add = parser.add_argument
    add(
        "--port", type=int, help=f"port on the loopback interface, 0 for a free one ({'0' if runs_command else '8443'})"
    )
    add("--managed-hsm", action="store_true", help="behave as a Managed HSM")
    add("--service-principal", action="store_true", help="offer a service principal instead of a managed identity")
    add("--data-dir", type=Path, help="keep keys in this directory, encrypted; without it they are in memory only")
    add("--deletion-delay", type=float, metavar="SECONDS", help="how long deletion and recovery take (0.5)")
    add("--purge-delay", type=float, metavar="SECONDS", help="how long a purged name stays taken (0)")
    add("--retention-days", type=int, metavar="DAYS", help="7 to 90 (90)")
    add("--purge-protection", action="store_true", help="refuse to purge")
    add("--page-size", type=int, metavar="N", help="items in a page when the client gives no number (25)")
    add("--empty-pages", action="store_true", help="put an empty page before every page of a list")
    add("--latest-api-version", choices=VERSIONS, metavar="VERSION", help="refuse newer API versions")
    add("--host", action="append", dest="hostnames", metavar="NAME", help="a further name to answer to; repeatable")
    add("--verbose", action="store_true", help="log every request")
    if runs_command:
        add("command", nargs=argparse.REMAINDER, metavar="COMMAND", help="the command and its arguments")
    return parser


def _serve(options: EmulatorOptions) -> int:
    """Serve until interrupted."""
    with closing(Service(options)) as service, closing(Certificates(options.hostnames)) as certificates:
        return asyncio.run(_serve_until_interrupted(service, certificates))


async def _serve_until_interrupted(service: Service, certificates: Certificates) -> int:
    server, interruption = Server(service, certificates), _interruption()
    try:
        await server.start()
        _announce(service, certificates)
        await interruption.wait()
    finally:
        await server.stop()
    return 0


def _announce(service: Service, certificates: Certificates) -> None:
    print(f"{_NOTICE}\nServing {service.kind.name} keys on {service.origins.default.url}\n\nTo use it:\n")
    variables = emulator_environment(service, certificates)
    print(f"unset {' '.join(name for name in OVERRIDING if name not in variables)}")
    for name, value in variables.items():
        print(f"export {name}={shlex.quote(value)}")
    print("\nCtrl+C ends it.", flush=True)


def _interruption() -> asyncio.Event:
    """Return an event that interrupting or terminating the process sets."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(number, stop.set)
        except NotImplementedError:  # Windows
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop.set))
    return stop
