"""How long a data key is used."""

from __future__ import annotations

import threading
import time
from typing import Any, NamedTuple

from .._shared.fork import renew_after_fork


class DataKey(NamedTuple):
    """A data key that is ready to encrypt.

    :ivar encrypted: its keyset, encrypted, as Tink writes it.
    :ivar primitive: what encrypts streams with it.
    """

    encrypted: bytes
    primitive: Any


class Reuse:
    """The data key in use, and what it has encrypted so far.

    :param max_age: seconds after which the next stream gets a new data key.
    :param max_messages: the maximum number of streams that one data key encrypts.
    :param max_bytes: the maximum number of plaintext bytes that one data key encrypts.
    :raises ValueError: when a limit is not positive.
    """

    def __init__(self, max_age: float, max_messages: int, max_bytes: int) -> None:
        if max_age <= 0 or max_messages <= 0 or max_bytes <= 0:
            raise ValueError("max_age, max_messages and max_bytes must be positive")
        self._max_age = max_age
        self._max_messages = max_messages
        self._max_bytes = max_bytes
        self.renew()
        renew_after_fork(self)

    @property
    def limits(self) -> dict[str, Any]:
        """The limits, as keywords."""
        return {"max_age": self._max_age, "max_messages": self._max_messages, "max_bytes": self._max_bytes}

    def renew(self) -> None:
        """Use the data key no more."""
        self._lock = threading.Lock()
        self._current: DataKey | None = None
        self._made = 0.0
        self._messages = self._bytes = 0

    def take(self, size: int | None) -> DataKey | None:
        """Return the data key for one more stream; None when a new one is needed.

        :param size: the length of its plaintext, when that is known. It is counted now and corrected by :meth:`count`.
        """
        with self._lock:
            if self._current is None or self._is_used_up(size or 0):
                return None
            self._messages += 1
            self._bytes += size or 0
            return self._current

    def begin(self, key: DataKey, size: int | None) -> DataKey:
        """Use a new data key from now on, and for one stream already; return it."""
        with self._lock:
            self._current = key
            self._made = time.monotonic()
            self._messages = 1
            self._bytes = size or 0
            return key

    def count(self, used: DataKey, excess: int) -> None:
        """Correct how many bytes a data key has encrypted."""
        with self._lock:
            if used is self._current:
                self._bytes += excess

    def _is_used_up(self, size: int) -> bool:
        return (
            time.monotonic() - self._made >= self._max_age
            or self._messages >= self._max_messages
            or self._bytes >= self._max_bytes
            or self._bytes + size > self._max_bytes
        )
