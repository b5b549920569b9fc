"""The emulator's clock: real time plus an offset that tests may move."""

from __future__ import annotations

import time


class Clock:
    """Tells the vault's time: ``vault.clock``. Tokens, key attributes and the delays of deletions follow it.

    :ivar offset: seconds by which it is ahead of real time.
    """

    def __init__(self) -> None:
        self.offset = 0.0

    def now(self) -> float:
        """Return the vault's time in seconds since the epoch."""
        return time.time() + self.offset

    def advance(self, seconds: float) -> None:
        """Move the vault's time.

        :param seconds: by how much; a negative number moves it back.
        """
        self.offset += seconds
