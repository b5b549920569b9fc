"""The authentication policy of the sync clients, which performs the steps of the flow."""

from __future__ import annotations

import inspect
from collections.abc import Generator
from typing import Any, TypeVar

from azure.core.pipeline import PipelineContext, PipelineRequest, PipelineResponse
from azure.core.pipeline.policies import HTTPPolicy

from ..pipeline.call import remaining
from ..pipeline.deadline import unsent
from ..wire.identifiers import Origin
from ..workers import OutOfTime
from .credentials import check_sync_credential
from .flight import SingleFlight
from .flow import AuthSession, Exclusive, GetToken, Send, authenticate, is_overloaded, origin_of_call

T = TypeVar("T")


class ChallengeAuthPolicy(HTTPPolicy[Any, Any]):
    """Authenticates requests as the vault's challenges demand.

    :param credential: provides the tokens.
    :param verify_challenge_resource: whether a challenge must name a resource that belongs to the vault.
    :raises ValueError: when there is no credential.
    :raises TypeError: when it cannot provide tokens synchronously.
    """

    def __init__(self, credential: Any, *, verify_challenge_resource: bool = True) -> None:
        super().__init__()
        self._source = check_sync_credential(credential)
        self.verify_challenge_resource = verify_challenge_resource
        self._sessions: dict[Origin, tuple[AuthSession, SingleFlight]] = {}

    def send(self, request: PipelineRequest[Any]) -> PipelineResponse[Any, Any]:
        """Send the request with a token."""
        origin = origin_of_call(request)
        if origin not in self._sessions:
            self._sessions.setdefault(
                origin, (AuthSession(origin, verify=self.verify_challenge_resource), SingleFlight(is_overloaded))
            )
        session, flight = self._sessions[origin]
        return self._drive(authenticate(session, request), flight, request.context)

    def _drive(self, flow: Generator[Any, Any, T], flight: SingleFlight, context: PipelineContext) -> T:
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
                    outcome = self._perform(step, flight, context)
                except Exception as failure:  # handed to the flow, which decides
                    error = failure
        finally:
            flow.close()  # an interrupted flow cleans up

    def _perform(self, step: Any, flight: SingleFlight, context: PipelineContext) -> Any:
        if isinstance(step, Send):
            return self._send(step.request)
        if isinstance(step, GetToken):
            return self._token(step, step.patience(remaining(context)))
        exclusive: Exclusive = step
        return flight.run(
            lambda: self._drive(exclusive.flow, flight, context), context=context, optional=exclusive.optional
        )

    def _send(self, request: PipelineRequest[Any]) -> PipelineResponse[Any, Any]:
        response = self.next.send(request)
        answer = response.http_response
        if answer.status_code == 401 and request.context.options.get("stream") and not answer.is_stream_consumed:
            answer.read()  # a caller's transport has not read it, and the flow sends another request
        return response

    def _token(self, step: GetToken, left: float | None) -> Any:
        try:
            source = self._source
            token = source.request(step) if left is None else source.workers.within(left, lambda: source.request(step))
        except OutOfTime:
            raise unsent() from None
        if inspect.iscoroutine(token):
            token.close()
            raise self._source.asynchronous_error()
        return token
