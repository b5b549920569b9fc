"""What a child process must not share with its parent: locks that another thread held, and connections."""

from __future__ import annotations

import os
import threading
import weakref
from typing import Protocol


class Renewable(Protocol):
    """Something that is renewed in a child process."""

    def renew(self) -> None: ...


_RENEWABLE: weakref.WeakSet[Renewable] = weakref.WeakSet()


def renew_after_fork(thing: Renewable) -> None:
    """Have ``thing.renew()`` called in every child that this process forks."""
    _RENEWABLE.add(thing)


class ForkLock:
    """A lock that is released in a child process: the thread that held it does not exist there.

    :ivar current: the lock of this process, for a ``with`` statement. Its own methods are written in C: no signal can
        interrupt one between taking or releasing the lock and its end.
    """

    def __init__(self) -> None:
        self.renew()
        renew_after_fork(self)

    def renew(self) -> None:
        """Reset in a child process."""
        self.current = threading.Lock()


def _renew_all() -> None:
    for thing in list(_RENEWABLE):
        thing.renew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_all)
