"""The hard limit of a call, in every phase: an answer that comes byte by byte is late as well."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from azure.core.exceptions import ServiceRequestTimeoutError, ServiceResponseTimeoutError
from azure.core.pipeline import PipelineContext, PipelineRequest, PipelineResponse
from azure.core.pipeline.policies import HTTPPolicy

from .call import remaining

T = TypeVar("T")


class OutOfTime(Exception):
    """Work has not ended in time."""


def within(limit: float, work: Callable[[], T]) -> T:
    """Do blocking work in a thread, and wait for it no longer than ``limit`` seconds.

    No socket option bounds a name look-up, a handshake and an answer that trickles in; not waiting does.

    :raises OutOfTime: when it takes longer; the work is left to itself.
    """
    outcome: list[T] = []
    failure: list[BaseException] = []

    def run() -> None:
        try:
            outcome.append(work())
        except BaseException as error:  # raised again by the thread that waits
            failure.append(error)

    context = contextvars.copy_context()
    worker = threading.Thread(target=context.run, args=(run,), name="keyvault-call", daemon=True)
    worker.start()
    worker.join(limit)
    if failure:
        raise failure.pop()
    if not outcome:
        raise OutOfTime
    return outcome.pop()


def prepare(context: PipelineContext, left: float) -> None:
    """Cut the transport's own timeouts to what is left.

    :raises ~azure.core.exceptions.ServiceRequestTimeoutError: when nothing is.
    """
    if left <= 0:
        raise unsent()
    config = getattr(context.transport, "connection_config", None)
    for option, attribute in (("connection_timeout", "timeout"), ("read_timeout", "read_timeout")):
        configured = context.options.get(option) or getattr(config, attribute, None) or left
        if isinstance(configured, (int, float)):
            context.options[option] = min(configured, left)


def unsent() -> ServiceRequestTimeoutError:
    """Return the error for a call whose time is up before its request was sent."""
    return ServiceRequestTimeoutError("The call's timeout ran out before the request was sent")


def late() -> ServiceResponseTimeoutError:
    """Return the error for an answer that comes after the call's time is up."""
    return ServiceResponseTimeoutError("The call's timeout ran out while it waited for the vault's answer")


class DeadlinePolicy(HTTPPolicy[Any, Any]):
    """Ends a synchronous exchange with the vault when the call's time is up. The last policy before the transport."""

    def send(self, request: PipelineRequest[Any]) -> PipelineResponse[Any, Any]:
        """Send the request, for as long as the call has time."""
        left = remaining(request.context)
        if left is None:
            return self.next.send(request)
        prepare(request.context, left)
        try:
            return within(left, lambda: self.next.send(request))
        except OutOfTime:
            raise late() from None
