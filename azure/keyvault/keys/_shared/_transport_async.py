"""azure-core's ``aiohttp`` transport, tuned: one TLS context, one look at the environment, connections kept."""

from __future__ import annotations

from typing import Any

import aiohttp
from azure.core.exceptions import ServiceRequestError, ServiceResponseError
from azure.core.pipeline.transport import AioHttpTransport

from ._tls import tls_context

# The most connections that are open at the same time; more tasks wait for their turn.
_POOL_SIZE = 100


class AsyncVaultTransport(AioHttpTransport):  # type: ignore[misc]  # azure-core exports it lazily
    """The transport of the asyncio clients.

    Takes the keywords of azure-core's ``AioHttpTransport``; ``connection_verify`` may be an
    :class:`ssl.SSLContext` as well. No event loop is touched before the first request.
    """

    def __init__(
        self,
        *,
        connection_verify: Any = True,
        connection_cert: Any = None,
        use_env_settings: bool = True,
        **kwargs: Any,
    ) -> None:
        self.session: aiohttp.ClientSession | None
        self._context = tls_context(connection_verify, connection_cert, use_env_settings=use_env_settings)
        # With its own look at the environment aiohttp would read proxies and .netrc for every request, in a thread.
        super().__init__(use_env_settings=False, **kwargs)

    async def open(self) -> None:
        """Open the session, in the event loop that runs now."""
        if self.session is None and not self._has_been_opened:
            self.session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=_POOL_SIZE, ssl=self._context),
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
                auto_decompress=False,
            )
        await super().open()

    def _build_ssl_config(self, cert: Any, verify: Any) -> Any:
        """Use the client's context, unless a single call wants something else."""
        if verify is True and not cert:
            return self._context
        return super()._build_ssl_config(cert, verify)

    async def send(self, request: Any, **kwargs: Any) -> Any:
        """Send a request.

        :raises ~azure.core.exceptions.ServiceResponseError: when the connection was lost after it was made: the
            service may have processed the request. (azure-core calls that a ``ServiceRequestError``.)
        """
        try:
            return await super().send(request, **kwargs)
        except ServiceRequestError as error:
            if isinstance(error.inner_exception, (aiohttp.ClientConnectorError, aiohttp.ClientProxyConnectionError)):
                raise
            raise ServiceResponseError(error.message, error=error.inner_exception) from error.inner_exception
