"""Environment variables as shells and dotenv files write them."""

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
    """Remove the file of the last start, so that whoever waits for it does not take it for that of this one."""
    if path is not None and path.is_file():
        path.unlink()


def write_dotenv(path: Path, variables: Mapping[str, str]) -> None:
    """Write a dotenv file that only its owner may read, whole or not at all.

    :raises OSError: it cannot be written.
    """
    text = "".join(f"{name}={_dotenv_value(value)}\n" for name, value in variables.items())
    if path.exists() and not path.is_file():  # a pipe or a device, which nothing can take the place of
        path.write_text(text, "utf-8")
        return
    descriptor, draft = tempfile.mkstemp(prefix=f"{path.name}.", dir=path.parent)
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
        file.write(text)
    os.replace(draft, path)


def _dotenv_value(value: str) -> str:
    """Return a value with quotes only where it needs them: ``docker run --env-file`` would keep them."""
    if _PLAIN.fullmatch(value):
        return value
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
