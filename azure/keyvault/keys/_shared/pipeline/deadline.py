"""The hard limit of a call, in every phase: an answer that comes byte by byte is late as well."""

from __future__ import annotations

from typing import Any

from azure.core.exceptions import ServiceRequestTimeoutError, ServiceResponseTimeoutError
from azure.core.pipeline import PipelineContext, PipelineRequest, PipelineResponse
from azure.core.pipeline.policies import HTTPPolicy

from ..workers import OutOfTime, Workers
from .call import deadline_of, remaining

# A transport of the caller's is not known to end in time, so that its exchanges are waited for from outside. When all
# threads hang, further calls fail at their ends, without having sent anything.
_EXCHANGES = 32


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

    def __init__(self) -> None:
        super().__init__()
        self._workers = Workers(_EXCHANGES, "keyvault-call")

    def send(self, request: PipelineRequest[Any]) -> PipelineResponse[Any, Any]:
        """Send the request, for as long as the call has time."""
        left = remaining(request.context)
        if left is None:
            return self.next.send(request)
        if getattr(request.context.transport, "ends_in_time", False):
            return self._send_in_time(request, left)
        prepare(request.context, left)
        begun: list[bool] = []

        def exchange() -> PipelineResponse[Any, Any]:
            if remaining(request.context) == 0:
                raise unsent()
            begun.append(True)
            return self.next.send(request)

        try:
            return self._workers.within(left, exchange)
        except OutOfTime:
            raise (late() if begun else unsent()) from None

    def _send_in_time(self, request: PipelineRequest[Any], left: float) -> PipelineResponse[Any, Any]:
        """Tell the transport when the call ends, and the caller which of its limits it was."""
        if left <= 0:
            raise unsent()
        request.context.options["deadline"] = deadline_of(request.context)
        try:
            return self.next.send(request)
        except ServiceRequestTimeoutError:
            if remaining(request.context):
                raise
            raise unsent() from None
        except ServiceResponseTimeoutError:
            if remaining(request.context):
                raise
            raise late() from None
