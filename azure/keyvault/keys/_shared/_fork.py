"""What a child process must not share with its parent: locks that another thread held, and connections."""

from __future__ import annotations

import os
import weakref
from typing import Protocol


class Renewable(Protocol):
    """Something that starts anew in a child process."""

    def renew(self) -> None: ...


_RENEWABLE: weakref.WeakSet[Renewable] = weakref.WeakSet()


def renew_after_fork(thing: Renewable) -> None:
    """Have ``thing.renew()`` called in every child that this process forks."""
    _RENEWABLE.add(thing)


def _renew_all() -> None:
    for thing in list(_RENEWABLE):
        thing.renew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_all)
