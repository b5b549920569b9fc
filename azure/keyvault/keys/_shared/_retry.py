"""Which failed calls are sent again, and when. One set of rules, for the retry policies of both worlds.

Retrying follows the operation, not the HTTP verb: reads and pure cryptographic calls are repeated after 408, 429,
5xx and lost connections. Calls that make a new key version are repeated only when the service has certainly not
processed them: after 429, and when the connection was never made.
"""

from __future__ import annotations

import json
import random
from typing import Any

from azure.core.exceptions import ServiceRequestError, ServiceRequestTimeoutError, ServiceResponseTimeoutError
from azure.core.pipeline import PipelineContext, PipelineRequest, PipelineResponse
from azure.core.pipeline.policies import AsyncRetryPolicy, RetryMode, RetryPolicy

from ._call import is_probing, is_repeatable, remaining

_THROTTLED = 429
_TRANSIENT = frozenset({408, _THROTTLED, 500, 502, 503, 504})

#: Conflicts that pass by themselves within seconds: the service refuses the call until they have.
_PASSING_CONFLICTS = frozenset({"ObjectIsBeingDeleted", "ObjectIsBeingRecovered"})


class _RetryRules:
    """Overrides of azure-core's retry policies; the settings and their keywords are azure-core's."""

    def is_retry(self, settings: dict[str, Any], response: PipelineResponse[Any, Any]) -> bool:
        """Whether an answer is worth another try."""
        if not settings["total"]:
            return False
        status = response.http_response.status_code
        if status == 409:
            return _conflict(response) in _PASSING_CONFLICTS
        if status not in _TRANSIENT and status not in self._extra_codes():
            return False
        return status == _THROTTLED or _may_repeat(response.context)

    def _configure_positions(self, request: PipelineRequest[Any], retry_settings: dict[str, Any]) -> None:
        """Note nothing to rewind: bodies are bytes."""
        if not isinstance(request.http_request.content, (bytes, str, type(None))):
            super()._configure_positions(request, retry_settings)  # type: ignore[misc]

    def _extra_codes(self) -> set[int]:
        """Return the status codes that the user has added with ``retry_on_status_codes``."""
        return self._retry_on_status_codes - self._RETRY_CODES  # type: ignore[attr-defined,no-any-return]

    def _is_method_retryable(self, settings: dict[str, Any], request: Any, response: Any = None) -> bool:
        """Leave the decision on lost connections to :meth:`increment`, which knows the error."""
        return True

    def increment(self, settings: dict[str, Any], response: Any = None, error: Exception | None = None) -> bool:
        """Count a failure; False ends the retries."""
        if error is not None and not _was_harmless(error, response):
            return False
        if not super().increment(settings, response=response, error=error):  # type: ignore[misc]
            return False
        wait = self._wait(settings, response)
        left = remaining(response.context)
        if wait is None or (left is not None and wait >= left):
            return False
        settings["wait"] = wait
        return True

    def _wait(self, settings: dict[str, Any], response: Any) -> float | None:
        """Return how long to wait; None when the service asks for more patience than a caller has."""
        if isinstance(response, PipelineResponse):
            try:
                asked: float | None = self.get_retry_after(response)  # type: ignore[attr-defined]
            except (ValueError, TypeError, OverflowError):
                asked = None  # neither a number nor a date
            if asked is not None and asked == asked:  # not NaN
                return asked if asked <= settings["max_backoff"] else None
        return self.get_backoff_time(settings)

    def get_backoff_time(self, settings: dict[str, Any]) -> float:
        """Return the seconds to wait before the next try: twice as long every time, and never in step."""
        factor: float = settings["backoff"]
        tries = len(settings["history"])
        if self.retry_mode != RetryMode.Fixed:  # type: ignore[attr-defined]
            factor *= 2 ** max(0, tries - 1)
        # Clients that were throttled together must not come back together.
        return min(float(settings["max_backoff"]), factor) * random.uniform(0.5, 1.0)  # noqa: S311  # not a secret

    def _configure_timeout(
        self, request: PipelineRequest[Any], absolute_timeout: float, is_response_error: bool
    ) -> None:
        """Let no try outlive the call: cut the transport's own timeouts to what is left."""
        left = remaining(request.context)
        if left is None:
            return
        if left <= 0:
            kind = ServiceResponseTimeoutError if is_response_error else ServiceRequestTimeoutError
            raise kind("The call's timeout ran out")
        config = getattr(request.context.transport, "connection_config", None)
        for option, attribute in (("connection_timeout", "timeout"), ("read_timeout", "read_timeout")):
            configured = request.context.options.get(option) or getattr(config, attribute, None) or left
            request.context.options[option] = min(configured, left)


class KeyVaultRetryPolicy(_RetryRules, RetryPolicy):  # type: ignore[type-arg]  # as azure-core
    """The retry policy of the synchronous clients; takes the keywords of azure-core's ``RetryPolicy``."""

    def sleep(self, settings: dict[str, Any], transport: Any, response: Any = None) -> None:
        """Wait for as long as :meth:`increment` has decided."""
        transport.sleep(settings["wait"])


class AsyncKeyVaultRetryPolicy(_RetryRules, AsyncRetryPolicy):  # type: ignore[type-arg]  # as azure-core
    """The retry policy of the asyncio clients; takes the keywords of azure-core's ``AsyncRetryPolicy``."""

    async def sleep(self, settings: dict[str, Any], transport: Any, response: Any = None) -> None:
        """Wait for as long as :meth:`increment` has decided."""
        await transport.sleep(settings["wait"])


def _was_harmless(error: Exception, request: PipelineRequest[Any]) -> bool:
    """Whether a request whose connection failed may be sent again."""
    if isinstance(error, ServiceRequestError):
        return not _is_certificate_error(error)  # the request was not sent
    return _may_repeat(request.context)


def _may_repeat(context: PipelineContext) -> bool:
    """Whether what was sent last may be sent again. A probe has no effect, whatever it was made for."""
    return is_repeatable(context) or is_probing(context)


def _is_certificate_error(error: BaseException | None) -> bool:
    """Whether TLS failed on the server's certificate: trying again would bring the same one."""
    seen = 0
    while error is not None and seen < 10:
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            return True
        error, seen = error.__cause__ or error.__context__, seen + 1
    return False


def _conflict(response: PipelineResponse[Any, Any]) -> str | None:
    """Return the inner error code of a 409, if its body names one."""
    try:
        return json.loads(response.http_response.text())["error"]["innererror"]["code"]  # type: ignore[no-any-return]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
