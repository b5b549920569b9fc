"""Which failed calls are retried, and when: one set of rules for the sync and async retry policies.

Retrying follows the operation, not the HTTP verb: reads and pure cryptographic calls are repeated after 408, 429,
5xx and lost connections. Calls that make a new key version are repeated only when the service has certainly not
processed them: after 429, and when the connection was never made.
"""

from __future__ import annotations

import json
import random
from typing import Any

from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    IncompleteReadError,
    ServiceRequestError,
    ServiceResponseError,
)
from azure.core.pipeline import PipelineContext, PipelineRequest, PipelineResponse
from azure.core.pipeline.policies import AsyncRetryPolicy, RetryMode, RetryPolicy

from ..._compatibility import extra_retry_codes
from ..sockets.tls import is_certificate_error
from ..transport.failures import is_unsent
from .call import Stage, is_repeatable, remaining, stage_of
from .unread import close_unread, close_unread_async

_THROTTLED = 429
#: Statuses of transient responses.
TRANSIENT = frozenset({408, _THROTTLED, 500, 502, 503, 504})

#: Conflicts that resolve themselves within seconds; the service rejects the call until then.
_PASSING_CONFLICTS = frozenset({"ObjectIsBeingDeleted", "ObjectIsBeingRecovered"})

#: Seconds between two tries, at most, while such a conflict lasts.
_PASSING_BACKOFF = 4.0


class _RetryRules:
    """Overrides of azure-core's retry policies; the settings and their keywords are azure-core's."""

    def is_retry(self, settings: dict[str, Any], response: PipelineResponse[Any, Any]) -> bool:
        """Return whether a response is worth a retry."""
        status = response.http_response.status_code
        if status < 400 or not settings["total"]:
            return False
        if _is_passing_conflict(response):
            return True
        if status not in TRANSIENT and status not in self._extra_codes():
            return False
        return status == _THROTTLED or _may_repeat(response.context)

    def configure_retries(self, options: dict[str, Any]) -> dict[str, Any]:
        """Return the settings of a call. Most calls have none of their own, so azure-core need not look for any."""
        if any(name.startswith("retry_") for name in options):
            settings: dict[str, Any] = super().configure_retries(options)  # type: ignore[misc]
            return settings
        mine: Any = self
        return {
            "total": mine.total_retries,
            "connect": mine.connect_retries,
            "read": mine.read_retries,
            "status": mine.status_retries,
            "backoff": mine.backoff_factor,
            "max_backoff": mine.backoff_max,
            "methods": None,  # the operation decides, and not its method
            "timeout": mine.timeout,
            "history": [],
        }

    def _extra_codes(self) -> set[int]:
        """Return the status codes that the user has added with ``retry_on_status_codes``."""
        return extra_retry_codes(self)

    def begin(self, request: PipelineRequest[Any], settings: dict[str, Any]) -> None:
        """Note how many tries there have been: spans report it."""
        request.context["retry_count"] = len(settings["history"])

    def repeats_after_error(self, settings: dict[str, Any], request: PipelineRequest[Any], error: AzureError) -> bool:
        """Whether to send a request again that has failed."""
        return not isinstance(error, ClientAuthenticationError) and self.increment(
            settings, response=request, error=error
        )

    def repeats_after_response(self, settings: dict[str, Any], response: PipelineResponse[Any, Any]) -> bool:
        """Whether to send a request again that got a response. If not, the response tells the history of the call."""
        if self.is_retry(settings, response) and self.increment(settings, response=response):
            return True
        self.update_context(response.context, settings)  # type: ignore[attr-defined]
        return False

    def increment(self, settings: dict[str, Any], response: Any = None, error: Exception | None = None) -> bool:
        """Count a failure; False ends the retries."""
        if error is not None and not _was_harmless(error, response):
            return False
        passing = _is_passing_conflict(response)
        if passing and settings["status"] > 0:
            settings["status"] += 1  # it resolves within seconds and is not a failure, so only the total counts
        if not super().increment(settings, response=response, error=error):  # type: ignore[misc]
            return False
        wait = self._wait(settings, response, passing)
        left = remaining(response.context)
        if wait is None or (left is not None and wait >= left):
            return False
        settings["wait"] = wait
        return True

    def _wait(self, settings: dict[str, Any], response: Any, passing: bool) -> float | None:
        """Return how long to wait; None when the service asks for a longer wait than a caller accepts."""
        if isinstance(response, PipelineResponse):
            try:
                asked: float | None = self.get_retry_after(response)  # type: ignore[attr-defined]
            except (ValueError, TypeError, OverflowError):
                asked = None  # neither a number nor a date
            if asked is not None and asked == asked:  # not NaN
                return asked if asked <= settings["max_backoff"] else None
        wait = self.get_backoff_time(settings)
        return min(wait, _PASSING_BACKOFF) if passing else wait

    def get_backoff_time(self, settings: dict[str, Any]) -> float:
        """Return the seconds to wait before the next attempt: exponential backoff with jitter."""
        factor: float = settings["backoff"]
        tries = len(settings["history"])
        if self.retry_mode != RetryMode.Fixed:  # type: ignore[attr-defined]
            factor *= 2 ** max(0, tries - 1)
        # Clients that were throttled at the same time must not retry at the same time.
        return min(float(settings["max_backoff"]), factor) * random.uniform(0.5, 1.0)  # noqa: S311  # not a secret  # nosec B311


class KeyVaultRetryPolicy(_RetryRules, RetryPolicy):  # type: ignore[type-arg]  # as azure-core
    """The retry policy of the synchronous clients; takes the keywords of azure-core's ``RetryPolicy``."""

    def send(self, request: PipelineRequest[Any]) -> PipelineResponse[Any, Any]:
        """Send the request, as often as the rules allow."""
        settings = self.configure_retries(request.context.options)
        while True:
            self.begin(request, settings)
            try:
                response = self.next.send(request)
            except AzureError as error:
                if not self.repeats_after_error(settings, request, error):
                    raise
            else:
                if not self.repeats_after_response(settings, response):
                    return response
                close_unread(response)
            self.sleep(settings, request.context.transport)

    def sleep(self, settings: dict[str, Any], transport: Any, response: Any = None) -> None:
        """Wait for as long as :meth:`increment` has decided."""
        transport.sleep(settings["wait"])


class AsyncKeyVaultRetryPolicy(_RetryRules, AsyncRetryPolicy):  # type: ignore[type-arg]  # as azure-core
    """The retry policy of the asyncio clients; takes the keywords of azure-core's ``AsyncRetryPolicy``."""

    async def send(self, request: PipelineRequest[Any]) -> PipelineResponse[Any, Any]:
        """Send the request, as often as the rules allow."""
        settings = self.configure_retries(request.context.options)
        while True:
            self.begin(request, settings)
            try:
                response = await self.next.send(request)
            except AzureError as error:
                if not self.repeats_after_error(settings, request, error):
                    raise
            else:
                if not self.repeats_after_response(settings, response):
                    return response
                await close_unread_async(response)
            await self.sleep(settings, request.context.transport)

    async def sleep(self, settings: dict[str, Any], transport: Any, response: Any = None) -> None:
        """Wait for as long as :meth:`increment` has decided."""
        await transport.sleep(settings["wait"])


def _was_harmless(error: Exception, request: PipelineRequest[Any]) -> bool:
    """Whether a request that failed with an error instead of a response may be sent again."""
    if stage_of(request.context) is Stage.TOKEN:
        return False  # the credential has failed, after retries of its own
    if isinstance(error, ServiceRequestError) and is_unsent(error):
        return not is_certificate_error(error)
    lost = (ServiceRequestError, ServiceResponseError, IncompleteReadError)
    return isinstance(error, lost) and _may_repeat(request.context) and not is_certificate_error(error)


def _may_repeat(context: PipelineContext) -> bool:
    """Whether the last request may be sent again. A probe has no effect, whatever the call does."""
    return is_repeatable(context) or stage_of(context) is Stage.PROBE


def _is_passing_conflict(response: Any) -> bool:
    """Whether a response is a conflict that resolves itself. The body of a stream is left to the caller."""
    if not isinstance(response, PipelineResponse) or response.http_response.status_code != 409:
        return False
    if response.context.options.get("stream"):
        return False
    try:
        error = json.loads(response.http_response.content.decode("utf-8"))["error"]
        return error["innererror"]["code"] in _PASSING_CONFLICTS
    except (ValueError, KeyError, TypeError, RecursionError):
        return False
