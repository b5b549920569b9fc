"""azure-core's ``aiohttp`` transport, tuned: one TLS context, one look at the environment, connections kept."""

from __future__ import annotations

import asyncio
import warnings
from typing import Any, ClassVar

import aiohttp
from azure.core.exceptions import (
    AzureError,
    IncompleteReadError,
    ServiceRequestError,
    ServiceRequestTimeoutError,
    ServiceResponseError,
    ServiceResponseTimeoutError,
)
from azure.core.pipeline.transport import AioHttpTransport

from ..fork import renew_after_fork
from .answer_body import IDENTITY, check_encoding, check_size, stripped
from .tls import AS_CLIENT, CONNECTION_TIMEOUT, TlsSettings, explained

# The most connections that are open at the same time; more tasks wait for their turn.
_POOL_SIZE = 100

#: What aiohttp raises before it has sent anything.
_NOT_CONNECTED = (aiohttp.ClientConnectorError, aiohttp.ClientProxyConnectionError)


class _ConnectionLost(aiohttp.ClientConnectionError):
    """The connection ended after the request was sent, or while it was."""


async def _sent_once(request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Keep aiohttp from sending a request again, as it does by itself when the method is idempotent by RFC 9110.

    PUT is among those, by which the service imports one more version of a key. aiohttp knows a lost connection by the
    errors that it raises itself for one.
    """
    try:
        return await send(request)
    except _NOT_CONNECTED:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise _ConnectionLost(str(error)) from error


class AsyncVaultTransport(AioHttpTransport):  # type: ignore[misc]  # azure-core exports it lazily
    """The transport of the asyncio clients.

    Takes the keywords of azure-core's ``AioHttpTransport``; ``connection_verify`` may be an
    :class:`ssl.SSLContext` as well. No event loop is touched before the first request. When the loop of the last
    request has ended, the next one connects anew in its own.
    """

    #: Sessions of a parent process, kept so that their end does not write to its connections.
    _inherited: ClassVar[list[aiohttp.ClientSession]] = []

    def __init__(
        self,
        *,
        connection_verify: Any = True,
        connection_cert: Any = None,
        use_env_settings: bool = True,
        **kwargs: Any,
    ) -> None:
        self.session: aiohttp.ClientSession | None = None
        self._session_loop: asyncio.AbstractEventLoop | None = None
        self._tls = TlsSettings(connection_verify, connection_cert, use_env_settings=use_env_settings)
        # With its own look at the environment aiohttp would read proxies and .netrc for every request, in a thread.
        super().__init__(
            use_env_settings=False,
            **{"connection_timeout": CONNECTION_TIMEOUT, **kwargs, "connection_verify": AS_CLIENT},
        )
        renew_after_fork(self)

    async def open(self) -> None:
        """Open the session, in the event loop that runs now.

        :raises RuntimeError: when it is open in another loop that runs as well.
        """
        loop = asyncio.get_running_loop()
        if self.session is not None and self._has_been_opened and self._session_loop is loop:
            return
        if self.session is not None and self._session_loop not in (None, loop):
            self._leave_loop()
        if self.session is None and not self._has_been_opened:
            self._session_loop = loop
            self.session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=_POOL_SIZE, ssl=self._tls.context),
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
                auto_decompress=False,
                middlewares=(_sent_once,),
            )
        await super().open()

    def _leave_loop(self) -> None:
        if self._session_loop is not None and self._session_loop.is_running():
            raise RuntimeError(
                "This client is in use in another event loop that is running: create a client for each loop"
            )
        self._drop_session()

    def _drop_session(self) -> None:
        """Let go of a session that nobody can close any more, without a complaint of aiohttp's."""
        session, self.session, self._has_been_opened = self.session, None, False
        if session is None or session.closed:
            return
        connector = session.connector
        session.detach()
        if connector is not None:
            # As its finalizer does, which would complain first. The public method can only be awaited, in its own loop.
            connector._close()

    def renew(self) -> None:
        """Connect anew in a child process: the connections are the parent's, and so is the event loop."""
        if self.session is not None and self._session_owner:
            self._inherited.append(self.session)
            self.session, self._has_been_opened = None, False

    def __del__(self) -> None:
        session = getattr(self, "session", None)
        if session is not None and self._session_loop is not None and not session.closed:
            warnings.warn(
                "A client of azure.keyvault.keys for asyncio was not closed: use it with 'async with', or await its "
                "close()",
                ResourceWarning,
                source=self,
                stacklevel=2,
            )
            self._drop_session()

    def _build_ssl_config(self, cert: Any, verify: Any) -> Any:
        """Use the client's context, unless a single call wants something else."""
        return self._tls.for_call(verify, cert)

    async def send(self, request: Any, *, stream: bool = False, **kwargs: Any) -> Any:
        """Send a request, and read the answer unless it is to be streamed; a 401, which is dropped for another, always.

        :raises ~azure.core.exceptions.ServiceRequestError: when it was not sent.
        :raises ~azure.core.exceptions.ServiceResponseError: when the connection was lost after it was made: the
            service may have processed the request. (azure-core calls that a ``ServiceRequestError``.)
        :raises ~azure.core.exceptions.DecodeError: when the answer is none of the service's: too long or encoded.
        """
        request.headers.setdefault(*IDENTITY)
        try:
            response = await super().send(request, stream=True, **kwargs)
            if not stream or response.status_code == 401:
                await _load(response)
        except ServiceRequestError as error:
            cause = stripped(error).inner_exception
            if isinstance(error, ServiceRequestTimeoutError) or isinstance(cause, _NOT_CONNECTED):
                raise stripped(explained(error)) from cause
            raise stripped(ServiceResponseError(error.message, error=cause)) from cause
        except AzureError as error:
            cause = stripped(error).inner_exception
            if isinstance(cause, aiohttp.ClientHttpProxyError):
                # azure-core takes it for an answer of the server. It is not kept, as it holds the proxy's password.
                raise ServiceRequestError(f"Tunnel connection failed: {cause.status} {cause.message}") from None
            raise error from cause
        return response


async def _load(response: Any) -> None:
    """Read the body of an answer."""
    answer = response.internal_response
    try:
        check_encoding(answer.headers, answer.status)
        if "Content-Length" in answer.headers and "Transfer-Encoding" not in answer.headers:
            body = await _read(answer)
        else:
            body = await _read_chunks(response)
    except BaseException:
        answer.close()
        raise
    # The connection is back in the pool by now. azure-core would close the answer, and let the event loop go round.
    vars(response).update(_content=body, _is_stream_consumed=True, _is_closed=True)


async def _read(answer: aiohttp.ClientResponse) -> bytes:
    """Read a body whose length is known, with azure-core's exceptions."""
    try:
        return await answer.read()
    except aiohttp.ClientPayloadError as error:
        raise stripped(IncompleteReadError(error, error=error)) from error
    except asyncio.TimeoutError as error:
        raise stripped(ServiceResponseTimeoutError(error, error=error)) from error
    except aiohttp.ClientError as error:
        raise stripped(ServiceResponseError(error, error=error)) from error


async def _read_chunks(response: Any) -> bytes:
    """Read a body of unknown length, up to the longest that the service has."""
    answer = response.internal_response
    body = bytearray()
    async for chunk in response.iter_raw():
        body += chunk
        check_size(len(body), answer.headers, answer.status)
    return bytes(body)
