"""Work that many tasks need and one of them does while the others wait."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from ..pipeline.call import Call, Stage, enter, remaining, stage_of
from .flight import for_another, never

T = TypeVar("T")


class _AsyncFlight:
    """Work in progress, as the waiting callers see it."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.ended = asyncio.Event()
        self.settled = False
        self.result: Any = None
        self.failure: Exception | None = None
        self.stage = Stage.TOKEN


class AsyncSingleFlight:
    """Lets one task at a time do the work, and shares its failure with those that wait.

    Success is not shared: those that waited then do their own work, which is short and needs no turns. When the task
    that works is cancelled, or its call runs out of time, one that waits takes over. Event loops do not wait for each
    other.

    :param is_failure: whether a result is a failure, which all waiting callers share.
    """

    def __init__(self, is_failure: Callable[[Any], bool] = never) -> None:
        self._is_failure = is_failure
        self._flight: _AsyncFlight | None = None

    async def run(
        self, work: Callable[[], Awaitable[T]], *, context: Call, optional: bool = False, shared: bool = True
    ) -> T | None:
        """Do the work, unless another task is doing it.

        :param context: the call that the work is done for.
        :param optional: return None instead of waiting.
        :param shared: whether those that wait share a failure.
        """
        loop = asyncio.get_running_loop()
        while True:
            flight = self._flight
            if flight is None or flight.loop is not loop:
                return await self._lead(_AsyncFlight(loop), work, context, shared)
            if optional:
                return None
            await flight.ended.wait()
            if flight.failure:
                enter(context, flight.stage)
                raise for_another(flight.failure)
            if flight.result is not None:
                enter(context, flight.stage)
                return flight.result  # type: ignore[no-any-return]
            if flight.settled:
                return await work()

    async def _lead(self, flight: _AsyncFlight, work: Callable[[], Awaitable[T]], context: Call, shared: bool) -> T:
        self._flight = flight
        try:
            result = await work()
            flight.settled = True
            if self._is_failure(result):
                flight.result, flight.stage = result, stage_of(context)
            return result
        except Exception as error:
            if shared and remaining(context) != 0:  # another call may have more time
                flight.failure, flight.stage = error, stage_of(context)
            raise
        finally:
            if self._flight is flight:
                self._flight = None
            flight.ended.set()
