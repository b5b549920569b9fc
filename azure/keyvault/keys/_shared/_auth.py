"""The authentication policy of the synchronous world: fulfils the wishes of the flow."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Generator
from typing import Any, ClassVar, TypeVar

from azure.core.exceptions import ServiceRequestTimeoutError
from azure.core.pipeline import PipelineContext, PipelineRequest, PipelineResponse
from azure.core.pipeline.policies import HTTPPolicy

from ._auth_flow import AuthSession, Exclusive, GetToken, Send, authenticate
from ._call import remaining
from ._challenge import CHALLENGES
from ._credentials import check_credential
from ._identifiers import Origin, secure_origin_of

T = TypeVar("T")


class SingleFlight:
    """Lets one thread at a time do a piece of work, and lets those that wait share its failure."""

    _instances: ClassVar[weakref.WeakSet[SingleFlight]] = weakref.WeakSet()

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ended = 0
        self._failure: tuple[int, Exception] | None = None
        self._instances.add(self)

    def run(self, work: Callable[[], T], *, optional: bool, timeout: float | None) -> T | None:
        """Do the work when no other thread does.

        :param optional: return None instead of waiting for another thread.
        :param timeout: seconds to wait at most; None for no limit.
        """
        ended = self._ended
        if not self._lock.acquire(blocking=False):
            if optional:
                return None
            if not self._lock.acquire(timeout=-1 if timeout is None else timeout):
                raise ServiceRequestTimeoutError("The call's timeout ran out while it waited for a token")
            if self._failure and self._failure[0] > ended:
                self._lock.release()
                raise self._failure[1]
        try:
            return work()
        except Exception as error:
            self._failure = (self._ended + 1, error)
            raise
        finally:
            self._ended += 1
            self._lock.release()

    @classmethod
    def renew_locks(cls) -> None:
        """Replace all locks in a child process: the thread that held one does not exist there."""
        CHALLENGES.renew_lock()
        for flight in cls._instances:
            flight._lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=SingleFlight.renew_locks)


class ChallengeAuthPolicy(HTTPPolicy[Any, Any]):
    """Authenticates requests as the vault's challenges demand.

    :param credential: gives the tokens.
    :param verify_challenge_resource: whether a challenge must name a resource that belongs to the vault.
    :raises ValueError: when there is no credential.
    :raises TypeError: when it cannot give tokens, or only asynchronously.
    """

    def __init__(self, credential: Any, *, verify_challenge_resource: bool = True) -> None:
        super().__init__()
        self._source = check_credential(credential)
        if self._source.is_async:
            raise TypeError(
                f"credential {type(credential).__name__} is asynchronous: use it with azure.keyvault.keys.aio, "
                "or take its namesake from azure.identity for this client"
            )
        self._verify = verify_challenge_resource
        self._sessions: dict[Origin, tuple[AuthSession, SingleFlight]] = {}

    def send(self, request: PipelineRequest[Any]) -> PipelineResponse[Any, Any]:
        """Send the request with a token."""
        origin = secure_origin_of(request.http_request.url)
        if origin not in self._sessions:
            self._sessions.setdefault(origin, (AuthSession(origin, verify=self._verify), SingleFlight()))
        session, flight = self._sessions[origin]
        return self._drive(authenticate(session, request), flight, request.context)

    def _drive(self, flow: Generator[Any, Any, T], flight: SingleFlight, context: PipelineContext) -> T:
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
                outcome = self._fulfil(wish, flight, context)
            except Exception as failure:  # handed to the flow, which decides
                error = failure

    def _fulfil(self, wish: Any, flight: SingleFlight, context: PipelineContext) -> Any:
        if isinstance(wish, Send):
            return self.next.send(wish.request)
        if isinstance(wish, GetToken):
            return within(remaining(context), lambda: self._source.request(wish))
        exclusive: Exclusive = wish
        return flight.run(
            lambda: self._drive(exclusive.flow, flight, context),
            optional=exclusive.optional,
            timeout=remaining(context),
        )


def within(limit: float | None, work: Callable[[], T]) -> T:
    """Do blocking work, but wait for it no longer than ``limit`` seconds.

    :raises ~azure.core.exceptions.ServiceRequestTimeoutError: when it takes longer; the work is left to itself.
    """
    if limit is None:
        return work()
    outcome: list[T] = []
    failure: list[BaseException] = []

    def run() -> None:
        try:
            outcome.append(work())
        except BaseException as error:  # raised again by the thread that waits
            failure.append(error)

    worker = threading.Thread(target=run, name="keyvault-token", daemon=True)
    worker.start()
    worker.join(limit)
    if worker.is_alive():
        raise ServiceRequestTimeoutError("The call's timeout ran out while the credential was asked for a token")
    if failure:
        raise failure[0]
    return outcome[0]
