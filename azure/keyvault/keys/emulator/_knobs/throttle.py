"""Throttling: a simple limit for tests, or the documented limits of a vault.

Documented limits apply per vault in any 10 seconds. Weights add up: a call uses up one part in the limit of its class.
Rejected calls do not count.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

from .._clock import Clock
from .._errors import throttled

_WINDOW = 10.0
#: How many HSM keys and software keys can be created in 10 seconds.
_CREATES = {True: 10, False: 20}
#: Other calls in 10 seconds by RSA size, for HSM keys and software keys.
_OTHERS: Mapping[int | None, tuple[int, int]] = {3072: (500, 1000), 4096: (250, 500)}
_OTHERS_ELSE = (2000, 4000)


class Throttle:
    """Counts calls in a sliding window: ``vault.throttle``.

    It is off until :meth:`limit` or :meth:`documented_limits` is called.
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
        """Allow a number of calls of any kind in any period of that many seconds; reject more with 429.

        :param calls: the number of calls, at least 1.
        :param seconds: the period in seconds, by the vault's clock.
        :param retry_after: seconds to send in ``Retry-After``; None to leave the header out, as the service does.
        :raises ValueError: if ``calls`` is less than 1.
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
        """Whether the documented limits for each class of calls apply."""
        return self._documented

    def _check(self, *, creates: bool, hardware: bool, size: int | None) -> None:
        """Count a call, or reject it.

        :param creates: whether it generates key material.
        :param hardware: whether it creates or uses an HSM key.
        :param size: the size in bits of the key that it uses, if known.
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
