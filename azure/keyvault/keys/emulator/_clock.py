"""The emulator's clock: real time plus an offset that tests may move."""

from __future__ import annotations

import time


class Clock:
    """Tells the vault's time in seconds since the epoch; tokens, key attributes and deletion delays follow it."""

    def __init__(self) -> None:
        self.offset = 0.0

    def now(self) -> float:
        """Return the vault's time."""
        return time.time() + self.offset

    def advance(self, seconds: float) -> None:
        """Move the vault's time; a negative number moves it back."""
        self.offset += seconds
