"""The hard time limit of a call, in every phase: a response that trickles in byte by byte is cut off too."""

from __future__ import annotations

from typing import Any

from azure.core.exceptions import ServiceRequestTimeoutError, ServiceResponseTimeoutError
from azure.core.pipeline import PipelineContext, PipelineRequest, PipelineResponse
from azure.core.pipeline.policies import HTTPPolicy

from ..workers import OutOfTime, Workers
from .call import check_destination, deadline_of, remaining

# A caller's transport may not end in time, so its exchanges run in threads that can be abandoned. When all threads
# hang, further calls time out without having sent anything.
_EXCHANGES = 32


def prepare(context: PipelineContext, left: float) -> None:
    """Reduce the transport's own timeouts to the time that is left.

    :raises ~azure.core.exceptions.ServiceRequestTimeoutError: when no time is left.
    """
    if left <= 0:
        raise unsent()
    config = getattr(context.transport, "connection_config", None)
    for option, attribute in (("connection_timeout", "timeout"), ("read_timeout", "read_timeout")):
        configured = context.options.get(option) or getattr(config, attribute, None) or left
        if isinstance(configured, (int, float)):
            context.options[option] = min(configured, left)


def unsent() -> ServiceRequestTimeoutError:
    """Return the error for a call that runs out of time before its request is sent."""
    return ServiceRequestTimeoutError("The call's timeout ran out before the request was sent")


def late() -> ServiceResponseTimeoutError:
    """Return the error for a call that runs out of time before its response arrives."""
    return ServiceResponseTimeoutError("The call's timeout ran out while it waited for the vault's answer")


class DeadlinePolicy(HTTPPolicy[Any, Any]):
    """Ends a synchronous exchange when the call runs out of time. The last policy before the transport.

    As such it also refuses to send a request that the policies above have led away from the vault.
    """

    def __init__(self) -> None:
        super().__init__()
        self._workers = Workers(_EXCHANGES, "keyvault-call")

    def send(self, request: PipelineRequest[Any]) -> PipelineResponse[Any, Any]:
        """Send the request, for as long as the call has time."""
        check_destination(request)
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
        """Tell the transport the deadline of the call, and the caller which limit was exceeded."""
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
