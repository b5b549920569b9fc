"""The emulator's clock: real time plus an offset that tests may move."""

from __future__ import annotations

import time
from collections.abc import Callable


class Clock:
    """The vault's clock: ``vault.clock``. Tokens, key attributes and deletion delays follow it.

    Moving the clock triggers everything that has become due: rotations by policy, and purges when retention ends.

    :ivar offset: the number of seconds the clock is ahead of real time.
    """

    def __init__(self) -> None:
        self.offset = 0.0
        self._moved: Callable[[], None] | None = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} [{self.offset:+.0f} seconds]>"

    def now(self) -> float:
        """Return the vault's time in seconds since the epoch."""
        return time.time() + self.offset

    def advance(self, seconds: float = 0.0, *, days: float = 0.0, hours: float = 0.0, minutes: float = 0.0) -> None:
        """Move the vault's time by the sum of the arguments. Negative numbers move it back.

        When this returns, everything due in between has happened: a key that is rotated every 30 days has three new
        versions after ``advance(days=100)``, each created at the time it was due.

        :param seconds: how many seconds.
        :param days: how many days of 24 hours.
        :param hours: how many hours of 3,600 seconds.
        :param minutes: how many minutes of 60 seconds.
        """
        self.offset += seconds + 60 * (minutes + 60 * (hours + 24 * days))
        if self._moved is not None:
            self._moved()
