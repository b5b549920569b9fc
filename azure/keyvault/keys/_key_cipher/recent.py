"""A cache of decrypted data keys."""

from __future__ import annotations

import time
from collections import OrderedDict

from .._shared.fork import ForkLock


class RecentKeys:
    """A bounded cache of decrypted data keys, which keeps them for a limited time.

    :param size: the maximum number of keys; 0 to cache nothing.
    :param lifetime: seconds after which a key is dropped.
    """

    def __init__(self, size: int, lifetime: float) -> None:
        self._size = size
        self._lifetime = lifetime
        self._entries: OrderedDict[bytes, tuple[float, bytes]] = OrderedDict()
        self._lock = ForkLock()

    def get(self, name: bytes) -> bytes | None:
        """Return the key that is cached under a name; None when there is none."""
        with self._lock.current:
            entry = self._entries.get(name)
            if entry is None:
                return None
            if entry[0] <= time.monotonic():
                del self._entries[name]
                return None
            self._entries.move_to_end(name)
            return entry[1]

    def put(self, name: bytes, key: bytes) -> None:
        """Cache a key. When the cache is full, the least recently used key is dropped."""
        with self._lock.current:
            self._entries[name] = (time.monotonic() + self._lifetime, key)
            self._entries.move_to_end(name)
            while len(self._entries) > self._size:
                self._entries.popitem(last=False)
