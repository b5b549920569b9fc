"""Environment variables in the syntax of shells and dotenv files."""

from __future__ import annotations

import os
import re
import shlex
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

_PLAIN = re.compile(r"[0-9A-Za-z_./:,@%+=~\\\-\[\]]*", re.ASCII)


def _bash(variables: Mapping[str, str], unset: Iterable[str]) -> list[str]:
    return [f"unset {' '.join(unset)}", *(f"export {name}={shlex.quote(value)}" for name, value in variables.items())]


def _powershell(variables: Mapping[str, str], unset: Iterable[str]) -> list[str]:
    removed = ", ".join(f"Env:{name}" for name in unset)
    lines = [f"Remove-Item -Path {removed} -ErrorAction Ignore"]
    return lines + ["$env:{} = '{}'".format(name, value.replace("'", "''")) for name, value in variables.items()]


#: How each shell sets variables and removes others.
SHELLS: Mapping[str, Callable[[Mapping[str, str], Iterable[str]], list[str]]] = {
    "bash": _bash,
    "powershell": _powershell,
}
USUAL_SHELL = "powershell" if os.name == "nt" else "bash"


def forget_dotenv(path: Path | None) -> None:
    """Remove the file of the previous run so that nobody mistakes it for the file of this one."""
    if path is not None and path.is_file():
        path.unlink()


def write_dotenv(path: Path, variables: Mapping[str, str]) -> None:
    """Write a dotenv file atomically, readable by its owner only.

    :raises OSError: if it cannot be written.
    """
    text = "".join(f"{name}={_dotenv_value(value)}\n" for name, value in variables.items())
    if path.exists() and not path.is_file():  # a pipe or a device, which cannot be replaced by a file
        path.write_text(text, "utf-8")
        return
    descriptor, draft = tempfile.mkstemp(prefix=f"{path.name}.", dir=path.parent)
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
        file.write(text)
    os.replace(draft, path)


def _dotenv_value(value: str) -> str:
    """Return a value, quoted only if necessary: ``docker run --env-file`` would keep the quotes."""
    if _PLAIN.fullmatch(value):
        return value
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
