"""What to install for an optional part of this library. Imports nothing, so that every part may use it."""

from __future__ import annotations

import json
import sys
from importlib.util import find_spec

#: What each extra brings, as setup.py lists it.
EXTRAS: dict[str, tuple[str, ...]] = {
    "aio": ("aiohttp>=3.13.4",),
    "emulator": ("aiohttp>=3.13.4", "trustme>=1.2.0"),
    "jose": ("joserfc>=1.5.0",),
    "parquet": ("pyarrow>=22.0.0",),
    "tink": ("tink>=1.16.0", "rich>=13.9.4"),
    "ssh-agent": ("azure-identity>=1.18.0",),
}

_DISTRIBUTION = "azure-keyvault-keys"


def require(extra: str, *modules: str, what: str, name: str | None = None) -> None:
    """Refuse to go on without the packages that an optional part needs.

    :param extra: the extra of this library that brings them.
    :param modules: the modules that must be there.
    :param what: what needs them, as ``"the emulator"``: the message begins with it.
    :param name: the name that the error reports as missing; by default, that of the first missing module.
    :raises ImportError: when a module is not installed; its text says how to install it.
    """
    if not_there := absent(*modules):
        raise missing(extra, *not_there, what=what, name=name)


def absent(*modules: str) -> list[str]:
    """Return which modules are not installed."""
    return [module for module in modules if not sys.modules.get(module) and find_spec(module) is None]


def missing(extra: str, *modules: str, what: str, name: str | None = None) -> ImportError:
    """Return the error for an optional part whose packages are not installed.

    :param extra: the extra of this library that brings them.
    :param modules: the modules that were not found.
    :param what: what needs them, as ``"the emulator"``.
    :param name: the name that the error reports as missing; by default, that of the first module.
    """
    needed = " and ".join(modules)
    are = "are" if len(modules) > 1 else "is"
    text = f"{what} needs {needed}, which {are} not installed. {how_to_install(extra)}"
    if "." not in what.partition(" ")[0]:  # a module keeps its name
        text = text[:1].upper() + text[1:]
    return ImportError(text, name=name or next(iter(modules), None))


def how_to_install(extra: str) -> str:
    """Return a sentence that says how to install this library with one of its extras.

    ``pip install azure-keyvault-keys[...]`` is not the answer: on PyPI that name belongs to another library, which
    would replace this one.
    """
    source = _installed_from()
    if source is not None:
        return f'Run: pip install "{_DISTRIBUTION}[{extra}] @ {source}"'
    packages = " ".join(f'"{requirement}"' for requirement in EXTRAS.get(extra, ()))
    beside = f", or what the extra brings: pip install {packages}" if packages else ""
    return f'Run, in a checkout of this library: pip install ".[{extra}]"{beside}'


def _installed_from() -> str | None:
    """Return the URL that this library was installed from (PEP 610); None when it is not known or no longer there."""
    from importlib.metadata import PackageNotFoundError, distribution
    from pathlib import Path
    from urllib.parse import urlsplit
    from urllib.request import url2pathname

    try:
        record = json.loads(distribution(_DISTRIBUTION).read_text("direct_url.json") or "null")
        url = str(record["url"])
        parts = urlsplit(url)
    except (PackageNotFoundError, OSError, ValueError, TypeError, KeyError):
        return None
    if parts.scheme == "file":
        return url if Path(url2pathname(parts.path)).exists() else None
    if not parts.scheme:
        return None
    if parts.username or parts.password:
        url = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    revision = record.get("vcs_info") or {}
    if revision:
        url = f"{revision.get('vcs', 'git')}+{url}@{revision.get('commit_id', '')}"
    return url
