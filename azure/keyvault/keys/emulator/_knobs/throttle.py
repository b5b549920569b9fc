"""Throttling: a simple limit for tests, or the documented limits of a vault.

Documented limits count per vault in any 10 seconds, and weights add up: a call costs one part in the limit of its
class. Refused calls do not count.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

from .._clock import Clock
from .._errors import throttled

_WINDOW = 10.0
#: Creates in 10 seconds, of HSM keys and of software keys.
_CREATES = {True: 10, False: 20}
#: Calls other than create in 10 seconds by RSA size, with an HSM key and with a software key.
_OTHERS: Mapping[int | None, tuple[int, int]] = {3072: (500, 1000), 4096: (250, 500)}
_OTHERS_ELSE = (2000, 4000)


class Throttle:
    """Counts calls in a sliding window: ``vault.throttle``.

    Off until one of the methods that switch it on is called.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._calls: deque[tuple[float, float]] = deque()
        self._spent = 0.0
        self._limit: int | None = None
        self._window = _WINDOW
        self._documented = False
        self._retry_after: int | None = None

    def __repr__(self) -> str:
        limit = "off" if self._limit is None else f"{self._limit} calls in {self._window} seconds"
        return f"<{type(self).__name__} [{'documented limits' if self._documented else limit}]>"

    def limit(self, calls: int, seconds: float = _WINDOW, retry_after: int | None = None) -> None:
        """Allow a number of calls, of whatever kind, in any span of that many seconds; refuse more with 429.

        :param calls: the number of calls, 1 at least.
        :param seconds: the span in seconds, on the vault's clock.
        :param retry_after: seconds to send in ``Retry-After``; None to leave the header out, as the service does.
        :raises ValueError: when fewer calls than one are to be allowed.
        """
        if calls < 1:
            raise ValueError("calls must be 1 or more")
        self.off()
        self._limit, self._window, self._retry_after = calls, seconds, retry_after

    def documented_limits(self, retry_after: int | None = None) -> None:
        """Apply the limits that the service documents for vaults.

        :param retry_after: seconds to send in ``Retry-After``; None to leave the header out, as the service does.
        """
        self.off()
        self._documented, self._retry_after = True, retry_after

    def off(self) -> None:
        """Allow everything again."""
        self._calls.clear()
        self._spent, self._limit, self._documented, self._window = 0.0, None, False, _WINDOW

    @property
    def is_on(self) -> bool:
        """Whether calls are counted."""
        return self._documented or self._limit is not None

    @property
    def _counts_by_class(self) -> bool:
        """Whether calls cost what the service documents for their class."""
        return self._documented

    def _check(self, *, creates: bool, hardware: bool, size: int | None) -> None:
        """Count a call, or refuse it.

        :param creates: whether it makes key material.
        :param hardware: whether the key that it makes or concerns is an HSM key.
        :param size: the size in bits of the key that it concerns, if it has one.
        :raises ServiceError: 429.
        """
        now = self._clock.now()
        while self._calls and self._calls[0][0] <= now - self._window:
            self._spent -= self._calls.popleft()[1]
        cost = 1 / self._limit_for(creates, hardware, size)
        if self._spent + cost > 1 + 1e-9:
            raise throttled(self._retry_after)
        self._spent += cost
        self._calls.append((now, cost))

    def _limit_for(self, creates: bool, hardware: bool, size: int | None) -> int:
        if self._limit is not None:
            return self._limit
        if creates:
            return _CREATES[hardware]
        hsm, software = _OTHERS.get(size, _OTHERS_ELSE)
        return hsm if hardware else software
