"""Keeps a caller's own transport from repeating requests: each must be sent once, as by this library's transports.

Whether a request is sent again depends on its operation, which only this library knows. ``aiohttp`` and ``requests`` go
by the HTTP method, and would import another version of a key because PUT is idempotent.
"""

from __future__ import annotations

import sys
from typing import Any

from azure.core.pipeline import PipelineRequest
from azure.core.pipeline.policies import SansIOHTTPPolicy


def policies_for(transport: Any, url: str) -> list[Any]:
    """Return the policies that keep a transport from repeating requests by itself. They come right before it.

    :param url: the URL of the vault.
    """
    _keep_from_repeating(getattr(transport, "session", None), url)
    if sys.modules.get("aiohttp") is None:
        return []
    from azure.core.pipeline.transport import AioHttpTransport

    return [_SendOncePolicy(transport)] if isinstance(transport, AioHttpTransport) else []


class _SendOncePolicy(SansIOHTTPPolicy[Any, Any]):
    """Gives aiohttp's session a middleware with each request. azure-core passes it on like any other option."""

    def __init__(self, transport: Any) -> None:
        super().__init__()
        self._transport = transport

    def on_request(self, request: PipelineRequest[Any]) -> None:
        """Add the middleware after those of the session, which aiohttp would otherwise ignore for this request."""
        import aiohttp

        from ..transport.transport_async import middlewares_for

        session = getattr(self._transport, "session", None)
        if session is None or isinstance(session, aiohttp.ClientSession):
            request.context.options["middlewares"] = middlewares_for(session)


def _keep_from_repeating(session: Any, url: str) -> None:
    """Mount an adapter without retries for the vault in a session of ``requests`` whose adapter has some.

    The adapter is otherwise a copy of the session's own and shares its connections. Other hosts keep theirs. A session
    uses the adapter with the longest matching prefix, which may be a path of the vault.
    """
    if sys.modules.get("requests") is None:
        return
    from requests.adapters import HTTPAdapter
    from urllib3 import Retry

    root = f"{url.rstrip('/')}/"
    below = [prefix for prefix in getattr(session, "adapters", ()) if prefix.lower().startswith(root.lower())]
    for prefix in (root, *below):
        try:
            adapter = session.get_adapter(prefix)
        except (AttributeError, ValueError):  # a session of another library, or one that has no adapter yet
            continue
        retries = getattr(adapter, "max_retries", None)
        if not isinstance(adapter, HTTPAdapter) or not isinstance(retries, Retry) or retries.total in (0, False):
            continue
        twin = object.__new__(type(adapter))
        vars(twin).update(vars(adapter), max_retries=Retry(0, read=False))
        session.mount(prefix, twin)
