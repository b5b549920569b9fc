"""The emulator's clock: real time plus an offset that tests may move."""

from __future__ import annotations

import time
from collections.abc import Callable


class Clock:
    """Tells the vault's time: ``vault.clock``. Tokens, key attributes and the delays of deletions follow it.

    What falls due when it is moved happens at once: rotations by policy, and the end of what is kept for recovery.

    :ivar offset: seconds by which it is ahead of real time.
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
        """Move the vault's time by the sum of what is given. Negative numbers move it back.

        When it returns, all that falls due in between has happened: a key that is rotated every 30 days has three new
        versions after ``advance(days=100)``, each made at its time.

        :param seconds: by how many seconds.
        :param days: by how many days of 24 hours.
        :param hours: by how many hours, of 3,600 seconds.
        :param minutes: by how many minutes, of 60 seconds.
        """
        self.offset += seconds + 60 * (minutes + 60 * (hours + 24 * days))
        if self._moved is not None:
            self._moved()
