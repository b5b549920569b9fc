"""The authentication policy of the asyncio world: fulfils the wishes of the flow."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Generator
from typing import Any, TypeVar

from azure.core.exceptions import ServiceRequestTimeoutError
from azure.core.pipeline import PipelineContext, PipelineRequest, PipelineResponse
from azure.core.pipeline.policies import AsyncHTTPPolicy

from ._auth_flow import AuthSession, Exclusive, GetToken, Send, authenticate
from ._call import remaining
from ._credentials import check_credential
from ._identifiers import Origin, secure_origin_of

T = TypeVar("T")


class AsyncSingleFlight:
    """Lets one task at a time do a piece of work, and lets those that wait share its failure.

    When the task that works is cancelled, the next one that waits takes over. Event loops do not wait for each
    other: every loop has a flight of its own.
    """

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended = 0
        self._failure: tuple[int, Exception] | None = None

    async def run(self, work: Callable[[], Awaitable[T]], *, optional: bool) -> T | None:
        """Do the work when no other task does; with ``optional`` return None instead of waiting."""
        lock = self._lock_of_loop()
        ended = self._ended
        waited = lock.locked()
        if waited and optional:
            return None
        async with lock:
            if waited and self._failure and self._failure[0] > ended:
                raise self._failure[1]
            try:
                return await work()
            except Exception as error:
                self._failure = (self._ended + 1, error)
                raise
            finally:
                self._ended += 1

    def _lock_of_loop(self) -> asyncio.Lock:
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._lock, self._loop = asyncio.Lock(), loop
        return self._lock


class AsyncChallengeAuthPolicy(AsyncHTTPPolicy[Any, Any]):
    """Authenticates requests as the vault's challenges demand.

    :param credential: gives the tokens. A synchronous credential is asked in a thread.
    :param verify_challenge_resource: whether a challenge must name a resource that belongs to the vault.
    :raises ValueError: when there is no credential.
    :raises TypeError: when it cannot give tokens.
    """

    def __init__(self, credential: Any, *, verify_challenge_resource: bool = True) -> None:
        super().__init__()
        self._source = check_credential(credential)
        self._verify = verify_challenge_resource
        self._sessions: dict[Origin, tuple[AuthSession, AsyncSingleFlight]] = {}

    async def send(self, request: PipelineRequest[Any]) -> PipelineResponse[Any, Any]:
        """Send the request with a token."""
        origin = secure_origin_of(request.http_request.url)
        if origin not in self._sessions:
            self._sessions[origin] = (AuthSession(origin, verify=self._verify), AsyncSingleFlight())
        session, flight = self._sessions[origin]
        return await self._drive(authenticate(session, request), flight, request.context)

    async def _drive(self, flow: Generator[Any, Any, T], flight: AsyncSingleFlight, context: PipelineContext) -> T:
        """Run a flow to its end: send it what each of its wishes brings."""
        outcome: Any = None
        error: Exception | None = None
        while True:
            try:
                wish = flow.throw(error) if error else flow.send(outcome)
            except StopIteration as end:
                return end.value  # type: ignore[no-any-return]
            error = None
            try:
                outcome = await self._fulfil(wish, flight, context)
            except Exception as failure:  # handed to the flow, which decides
                error = failure

    async def _fulfil(self, wish: Any, flight: AsyncSingleFlight, context: PipelineContext) -> Any:
        if isinstance(wish, Send):
            return await self.next.send(wish.request)
        if isinstance(wish, GetToken):
            return await within(remaining(context), self._token(wish))
        exclusive: Exclusive = wish
        return await within(
            remaining(context),
            flight.run(lambda: self._drive(exclusive.flow, flight, context), optional=exclusive.optional),
        )

    async def _token(self, wish: GetToken) -> Any:
        if self._source.is_async:
            return await self._source.request(wish)
        token = await asyncio.to_thread(self._source.request, wish)
        # A wrapper around an asynchronous credential may not look like one.
        return await token if inspect.isawaitable(token) else token


async def within(limit: float | None, work: Awaitable[T]) -> T:
    """Await something, but no longer than ``limit`` seconds.

    :raises ~azure.core.exceptions.ServiceRequestTimeoutError: when it takes longer; the work is cancelled.
    """
    if limit is None:
        return await work
    try:
        return await asyncio.wait_for(work, limit)
    except asyncio.TimeoutError as error:
        raise ServiceRequestTimeoutError("The call's timeout ran out while it waited for a token") from error
