"""``run``: run a command with its own emulator."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from types import FrameType
from typing import Any

from .._emulator import KeyVaultEmulator
from .._environment import child_environment, emulator_environment, resolved_url
from .warnings import print_warnings

_NOT_EXECUTABLE = 126
_NOT_FOUND = 127
_FORWARDED = [number for name in ("SIGINT", "SIGTERM", "SIGHUP") if (number := getattr(signal, name, None))]


def run_command(command: Sequence[str], **options: Any) -> int:
    """Run a command in an emulator's environment and return its exit code: 128 or more for a signal, as in a shell.

    :param options: see :class:`EmulatorOptions`.
    """
    with KeyVaultEmulator(**options) as vault:
        print_warnings(vault._running_service)
        variables = emulator_environment(vault._running_service, vault._running_certificates, resolved_url)
        if vault.options.ui:
            print(f"Web page (this link works once): {vault.ui_link}", file=sys.stderr)
        environment = child_environment(variables)
        arguments = [_program(command[0], environment), *command[1:]]
        try:
            return _wait(arguments, environment)
        except FileNotFoundError:
            print(f"{command[0]}: command not found", file=sys.stderr)
            return _NOT_FOUND
        except OSError as error:
            print(f"{command[0]}: cannot execute: {error.strerror}", file=sys.stderr)
            return _NOT_EXECUTABLE


def _program(name: str, environment: Mapping[str, str]) -> str:
    """Return the program's path; ``python`` falls back to the running interpreter."""
    return shutil.which(name, path=environment["PATH"]) or (sys.executable if name == "python" else name)


def _wait(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    child: subprocess.Popen[bytes] | None = None
    early: list[int] = []

    def forward(number: int, frame: FrameType | None) -> None:
        if child is None:
            early.append(number)
        elif number != signal.SIGINT or not _in_foreground():
            # The terminal sends Ctrl+C to the child directly.
            child.send_signal(number)

    previous = {number: signal.signal(number, forward) for number in _FORWARDED}
    try:
        child = subprocess.Popen(arguments, env=dict(environment))  # noqa: S603 - the command is the user's own
        for number in early:
            child.send_signal(number)
        code = child.wait()
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
    return code if code >= 0 else 128 - code


def _in_foreground() -> bool:
    """Return whether a terminal sends its signals to this process and therefore to the child."""
    if os.name == "nt":
        return True
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    finally:
        os.close(terminal)
