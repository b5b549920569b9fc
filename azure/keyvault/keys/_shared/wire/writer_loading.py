"""Loading of what writes bodies: with it comes msrest, which takes longest of all here, so it waits until then."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Any

Writer = Callable[[str, Any], dict[str, Any]]

_loaded: Writer | None = None
_LOCK = threading.Lock()

if hasattr(os, "register_at_fork"):
    # Nobody forks meanwhile: the child would wait for good for a module that no thread of its own loads.
    os.register_at_fork(before=_LOCK.acquire, after_in_parent=_LOCK.release, after_in_child=_LOCK.release)


def writer() -> Writer:
    """Return what writes bodies, having loaded it."""
    global _loaded  # once for the process, as modules are
    if _loaded is None:
        with _LOCK:
            from .request_body import write

            _loaded = write
    return _loaded


def writer_is_loaded() -> bool:
    """Whether :func:`writer` returns at once."""
    return _loaded is not None
