"""When the newest version of a key is looked up again, and what a failure of that means. No I/O.

A client calls :meth:`Refresh.claim` before it protects data. The caller that gets True looks up the newest version and
reports the outcome; all others continue with the known version.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from .._shared.fork import renew_after_fork
from .._shared.pipeline.call import ending_by, remaining

if TYPE_CHECKING:
    from ._state import KeyState

_LOGGER = logging.getLogger("azure.keyvault.keys.crypto")

#: Seconds between a failed look-up and the next one: at first, doubled with every failure, and never longer than
#: ``refresh_after``.
FIRST_RETRY = 5.0
#: The most seconds that a look-up may take while a known version is there to go on with.
LONGEST_LOOK_UP = 15.0


class Refresh:
    """The look-ups of one key: when the next is due, and that only one is under way.

    :param refresh_after: seconds after which a known version is looked up again.
    :param clock: tells the time in seconds; it must never go back.
    :raises TypeError: when ``refresh_after`` is not a number.
    :raises ValueError: when it is not positive.
    """

    def __init__(self, refresh_after: float, clock: Callable[[], float] = time.monotonic) -> None:
        if isinstance(refresh_after, bool) or not isinstance(refresh_after, (int, float)):
            raise TypeError(f"refresh_after must be a number of seconds, not {type(refresh_after).__name__}")
        if not refresh_after > 0:
            raise ValueError(f"refresh_after must be a positive number of seconds, not {refresh_after}")
        self.refresh_after = float(refresh_after)
        self._clock = clock
        self._next = math.inf  # nothing is known yet: the first look-up has to succeed, and is not this class's
        self._failures = 0
        self.renew()
        renew_after_fork(self)

    def renew(self) -> None:
        """Reset in a child process: the thread that was looking up does not exist there."""
        self._lock = threading.Lock()
        self._under_way = False

    def is_due(self) -> bool:
        """Whether somebody has to look the newest version up, and nobody does."""
        return self._clock() >= self._next and not self._under_way

    def claim(self) -> bool:
        """Return True to the one caller that has to look up now; it must call one of the methods below afterwards."""
        with self._lock:
            if not self.is_due():
                return False
            self._under_way = True
            return True

    def succeeded(self) -> None:
        """Note that the newest version is known as of now."""
        self._end(0, self.refresh_after)

    def failed(self) -> None:
        """Note that a look-up failed: the known version stays in use, and the next look-up comes soon."""
        failures = self._failures + 1
        self._end(failures, min(FIRST_RETRY * 2 ** min(failures - 1, 16), self.refresh_after))

    def abandoned(self) -> None:
        """Note that a look-up ended without an answer because its caller gave up: the next caller tries again."""
        with self._lock:
            self._under_way = False

    def _end(self, failures: int, wait: float) -> None:
        with self._lock:
            self._failures, self._next, self._under_way = failures, self._clock() + wait, False

    @contextmanager
    def looking_up(self, known: str | None) -> Iterator[None]:
        """Note the outcome of the look-up inside, whose failure ends here.

        :param known: the identifier that stays in use when it fails.
        """
        try:
            yield
        except Exception as error:
            self.failed()
            _LOGGER.warning("The newest version of %s could not be looked up and stays in use: %s", known, error)
        except BaseException:
            self.abandoned()
            raise
        else:
            self.succeeded()


def refresh_of(state: KeyState, refresh_after: float | None) -> Refresh | None:
    """Return the look-ups that a caller has asked for.

    :raises TypeError: when ``refresh_after`` is not a number.
    :raises ValueError: when it is not positive, or the key has a version.
    """
    if refresh_after is None:
        return None
    refresh = Refresh(refresh_after)
    if state.is_pinned:
        raise ValueError(
            f"refresh_after is for a key without a version, and this is {state.key_id}: give the key's name, or its "
            "identifier without the version"
        )
    return refresh


def look_up_options(options: dict[str, Any]) -> dict[str, Any]:
    """Return the options of a look-up within a call: it is not repeated, and leaves the call time to go on without."""
    return ending_by({**options, "retry_total": 0}, time.monotonic() + time_for(remaining(options)))


def time_for(left: float | None) -> float:
    """Return how many seconds a look-up may take: its call must have time left to go on with the known version.

    :param left: the seconds that the call has left; None for no limit.
    """
    return LONGEST_LOOK_UP if left is None else min(LONGEST_LOOK_UP, left / 2)
