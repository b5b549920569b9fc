"""A memory of data keys in clear."""

from __future__ import annotations

import time
from collections import OrderedDict

from .._shared.fork import ForkLock


class RecentKeys:
    """A bounded memory of data keys in clear, for a limited time.

    :param size: how many it holds; 0 for none.
    :param lifetime: seconds after which one is forgotten.
    """

    def __init__(self, size: int, lifetime: float) -> None:
        self._size = size
        self._lifetime = lifetime
        self._entries: OrderedDict[bytes, tuple[float, bytes]] = OrderedDict()
        self._lock = ForkLock()

    def get(self, name: bytes) -> bytes | None:
        """Return what is remembered under a name; None when nothing is."""
        with self._lock:
            entry = self._entries.get(name)
            if entry is None:
                return None
            if entry[0] <= time.monotonic():
                del self._entries[name]
                return None
            self._entries.move_to_end(name)
            return entry[1]

    def put(self, name: bytes, key: bytes) -> None:
        """Remember a key, in place of the one that was not used for the longest time."""
        with self._lock:
            self._entries[name] = (time.monotonic() + self._lifetime, key)
            self._entries.move_to_end(name)
            while len(self._entries) > self._size:
                self._entries.popitem(last=False)
