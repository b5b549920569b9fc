"""The authentication policy of the asyncio clients, which performs the steps of the flow."""

from __future__ import annotations

import inspect
from collections.abc import Generator
from typing import Any, TypeVar

from azure.core.pipeline import PipelineContext, PipelineRequest, PipelineResponse
from azure.core.pipeline.policies import AsyncHTTPPolicy

from ..pipeline.call import remaining
from ..pipeline.deadline_async import before_sending
from ..wire.identifiers import Origin
from .credentials import check_credential
from .flight_async import AsyncSingleFlight
from .flow import AuthSession, Exclusive, GetToken, Send, authenticate, is_overloaded, origin_of_call

T = TypeVar("T")


class AsyncChallengeAuthPolicy(AsyncHTTPPolicy[Any, Any]):
    """Authenticates requests as the vault's challenges demand.

    :param credential: provides the tokens. A synchronous credential is asked in a thread of its own.
    :param verify_challenge_resource: whether a challenge must name a resource that belongs to the vault.
    :raises ValueError: when there is no credential.
    :raises TypeError: when it cannot provide tokens.
    """

    def __init__(self, credential: Any, *, verify_challenge_resource: bool = True) -> None:
        super().__init__()
        self._source = check_credential(credential)
        self.verify_challenge_resource = verify_challenge_resource
        self._sessions: dict[Origin, tuple[AuthSession, AsyncSingleFlight]] = {}

    async def send(self, request: PipelineRequest[Any]) -> PipelineResponse[Any, Any]:
        """Send the request with a token."""
        origin = origin_of_call(request)
        if origin not in self._sessions:
            self._sessions[origin] = (
                AuthSession(origin, verify=self.verify_challenge_resource),
                AsyncSingleFlight(is_overloaded),
            )
        session, flight = self._sessions[origin]
        return await self._drive(authenticate(session, request), flight, request.context)

    async def _drive(self, flow: Generator[Any, Any, T], flight: AsyncSingleFlight, context: PipelineContext) -> T:
        """Run a flow to its end, sending it the outcome of each step."""
        outcome: Any = None
        error: Exception | None = None
        try:
            while True:
                try:
                    step = flow.throw(error) if error else flow.send(outcome)
                except StopIteration as end:
                    return end.value  # type: ignore[no-any-return]
                error = None
                try:
                    outcome = await self._perform(step, flight, context)
                except Exception as failure:  # handed to the flow, which decides
                    error = failure
        finally:
            flow.close()  # an interrupted flow cleans up

    async def _perform(self, step: Any, flight: AsyncSingleFlight, context: PipelineContext) -> Any:
        if isinstance(step, Send):
            return await self._send(step.request)
        if isinstance(step, GetToken):
            return await before_sending(step.patience(remaining(context)), self._token(step))
        exclusive: Exclusive = step
        work = flight.run(
            lambda: self._drive(exclusive.flow, flight, context), context=context, optional=exclusive.optional
        )
        return await before_sending(remaining(context), work)

    async def _send(self, request: PipelineRequest[Any]) -> PipelineResponse[Any, Any]:
        response = await self.next.send(request)
        answer = response.http_response
        if answer.status_code == 401 and request.context.options.get("stream") and not answer.is_stream_consumed:
            await answer.read()  # a caller's transport has not read it, and the flow sends another request
        return response

    async def _token(self, step: GetToken) -> Any:
        if self._source.is_async:
            return await self._source.request(step)
        token = await self._source.workers.done(lambda: self._source.request(step))
        # A wrapper around an asynchronous credential may not look like one.
        return await token if inspect.isawaitable(token) else token
