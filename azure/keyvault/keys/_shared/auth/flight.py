"""Work that many threads need and one of them does while the others wait."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, TypeVar

from ..fork import renew_after_fork
from ..pipeline.call import Call, Stage, enter, remaining, stage_of
from ..pipeline.deadline import unsent

T = TypeVar("T")


def for_another(failure: Exception) -> Exception:
    """Return a copy of a failure for another call to raise, without the frames of the calls that raised it before."""
    try:
        own = type(failure).__new__(type(failure), *failure.args)  # constructors may make something else of these
    except Exception:  # a class may refuse this with any error; callers then share the failure itself
        return failure
    vars(own).update(vars(failure))
    if "exc_traceback" in vars(own):
        vars(own)["exc_traceback"] = None  # azure-core's errors keep one
    own.__cause__, own.__suppress_context__ = failure.__cause__, True
    return own


def never(result: Any) -> bool:
    """Treat every result as meant for one call only."""
    return False


class _Flight:
    """Work in progress, as the waiting callers see it."""

    def __init__(self) -> None:
        self.ended = threading.Event()
        self.settled = False
        self.result: Any = None
        self.failure: Exception | None = None
        self.stage = Stage.TOKEN


class SingleFlight:
    """Lets one thread at a time do the work, and shares its failure with those that wait.

    Success is not shared: those that waited then do their own work, which is short and needs no turns. When the
    thread that works is interrupted, or its call runs out of time, one that waits takes over.

    :param is_failure: whether a result is a failure, which all waiting callers share.
    """

    def __init__(self, is_failure: Callable[[Any], bool] = never) -> None:
        self._is_failure = is_failure
        self._lock = threading.Lock()
        self._flight: _Flight | None = None
        renew_after_fork(self)

    def run(self, work: Callable[[], T], *, context: Call, optional: bool = False, shared: bool = True) -> T | None:
        """Do the work, unless another thread is doing it.

        :param context: the call that the work is done for.
        :param optional: return None instead of waiting.
        :param shared: whether those that wait share a failure.
        """
        while True:
            own = _Flight()
            try:  # from here on, for an interrupt comes between any two steps
                with self._lock:
                    flight = self._flight
                    if flight is None:
                        self._flight = own
                if flight is None:
                    return self._lead(own, work, context, shared)
            finally:
                self._end(own)
            if optional:
                return None
            if not flight.ended.wait(remaining(context)):
                raise unsent()
            if flight.failure:
                enter(context, flight.stage)
                raise for_another(flight.failure)
            if flight.result is not None:
                enter(context, flight.stage)
                return flight.result  # type: ignore[no-any-return]
            if flight.settled:
                return work()

    def _lead(self, flight: _Flight, work: Callable[[], T], context: Call, shared: bool) -> T:
        try:
            result = work()
            flight.settled = True
            if self._is_failure(result):
                flight.result, flight.stage = result, stage_of(context)
            return result
        except Exception as error:
            if shared and remaining(context) != 0:  # another call may have more time
                flight.failure, flight.stage = error, stage_of(context)
            raise

    def _end(self, flight: _Flight) -> None:
        with self._lock:
            if self._flight is flight:
                self._flight = None
        flight.ended.set()

    def renew(self) -> None:
        """Reset in a child process: the threads that hold the lock or do the work do not exist there."""
        self._lock = threading.Lock()
        self._flight = None
