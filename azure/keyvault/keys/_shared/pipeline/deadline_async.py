"""The hard time limit of an asyncio call, in every phase: a response that trickles in byte by byte is cut off too."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar

from azure.core.pipeline import PipelineRequest, PipelineResponse
from azure.core.pipeline.policies import AsyncHTTPPolicy

from ..workers import OutOfTime
from .call import check_destination, remaining
from .deadline import late, prepare, unsent

T = TypeVar("T")


async def within_async(limit: float, work: Awaitable[T]) -> T:
    """Await something, but no longer than ``limit`` seconds.

    :raises OutOfTime: when it takes longer; the work is cancelled.
    """
    waiting = asyncio.ensure_future(work)
    try:
        # Not wait_for: before Python 3.12 it loses a cancellation that comes just when the work is done.
        await asyncio.wait([waiting], timeout=limit)
    except asyncio.CancelledError:
        await _end(waiting)
        raise
    if not waiting.done():
        await _end(waiting)
        if waiting.cancelled():
            raise OutOfTime
    return waiting.result()


async def _end(work: asyncio.Future[Any]) -> None:
    """Cancel something, and wait until it has ended in whatever way."""
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)


async def before_sending(left: float | None, work: Awaitable[T]) -> T:
    """Await work that precedes a call's request, for at most the time that the call has left; None for no limit.

    :raises ~azure.core.exceptions.ServiceRequestTimeoutError: when it takes longer.
    """
    if left is None:
        return await work
    try:
        return await within_async(left, work)
    except OutOfTime:
        raise unsent() from None


class AsyncDeadlinePolicy(AsyncHTTPPolicy[Any, Any]):
    """Ends an asynchronous exchange when the call runs out of time. The last policy before the transport.

    As such it also refuses to send a request that the policies above have led away from the vault.
    """

    async def send(self, request: PipelineRequest[Any]) -> PipelineResponse[Any, Any]:
        """Send the request, for as long as the call has time."""
        check_destination(request)
        left = remaining(request.context)
        if left is None:
            return await self.next.send(request)
        prepare(request.context, left)
        try:
            return await within_async(left, self.next.send(request))
        except OutOfTime:
            raise late() from None
