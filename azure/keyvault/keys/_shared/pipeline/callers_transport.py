"""What is asked of a transport that the caller brings: it must send each request once, as this library's own does.

Whether a request is sent again depends on its operation, which only this library knows. ``aiohttp`` and ``requests`` go
by the HTTP method, and would import another version of a key because PUT is idempotent.
"""

from __future__ import annotations

import sys
from typing import Any

from azure.core.pipeline import PipelineRequest
from azure.core.pipeline.policies import SansIOHTTPPolicy

_METHODS = ("DELETE", "GET", "PATCH", "POST", "PUT")
_STATUSES = frozenset({408, 413, 429, 500, 502, 503, 504})


def policies_for(transport: Any, url: str) -> list[Any]:
    """Return the policies that keep a transport from repeating requests by itself. They come right before it.

    :param url: the URL of the vault.
    :raises ValueError: when its session repeats requests, and nothing but the session can change that.
    """
    _check_session(getattr(transport, "session", None), url)
    if sys.modules.get("aiohttp") is None:
        return []
    from azure.core.pipeline.transport import AioHttpTransport

    return [_SendOncePolicy(transport)] if isinstance(transport, AioHttpTransport) else []


class _SendOncePolicy(SansIOHTTPPolicy[Any, Any]):
    """Hands aiohttp's session a middleware with each request; azure-core passes it on like every option of a call."""

    def __init__(self, transport: Any) -> None:
        super().__init__()
        self._transport = transport

    def on_request(self, request: PipelineRequest[Any]) -> None:
        """Add the middleware behind those of the session, in place of which a request's own are used."""
        import aiohttp

        from ..transport.transport_async import middlewares_for

        session = getattr(self._transport, "session", None)
        if session is None or isinstance(session, aiohttp.ClientSession):
            request.context.options["middlewares"] = middlewares_for(session)


def _check_session(session: Any, url: str) -> None:
    """Refuse a session of ``requests`` that may repeat what it has sent.

    :raises ValueError: when the adapter for the vault has such retries.
    """
    adapter_for = getattr(session, "get_adapter", None)
    if adapter_for is None:
        return
    try:
        retries = getattr(adapter_for(url), "max_retries", None)
    except ValueError:  # it has no adapter yet
        return
    if _repeats(retries):
        raise ValueError(
            "The session repeats failed requests by itself, which could create a key twice: mount "
            "requests.adapters.HTTPAdapter(max_retries=0) in it for the vault, and set retry_total and the other retry "
            "options of the client instead"
        )


def _repeats(retries: Any) -> bool:
    """Return whether urllib3 repeats a request that the server has received, or answered."""
    from urllib3 import HTTPResponse, Retry
    from urllib3.exceptions import ProtocolError, SSLError

    if not isinstance(retries, Retry):
        return False
    statuses = _STATUSES.union(retries.status_forcelist)
    return any(
        any(_goes_on(retries, method, error=error("lost")) for error in (ProtocolError, SSLError))
        or any(
            retries.is_retry(method, status, has_retry_after=True)
            and _goes_on(retries, method, response=HTTPResponse(status=status))
            for status in statuses
        )
        for method in _METHODS
    )


def _goes_on(retries: Any, method: str, **failure: Any) -> bool:
    """Return whether there is another try after a failure."""
    try:
        retries.increment(method, "/", **failure)
    except Exception:  # the failure itself, or the error that says that there were enough
        return False
    return True
