"""The transport of the async clients: an aiohttp session that does not read the environment for every request."""

from __future__ import annotations

import asyncio
import socket
import warnings
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from typing import Any, ClassVar, cast
from urllib.parse import urlsplit
from weakref import WeakSet

import aiohttp
from azure.core.configuration import ConnectionConfiguration
from azure.core.exceptions import AzureError, ServiceRequestError, ServiceResponseError
from azure.core.pipeline.transport import AsyncHttpTransport
from azure.core.rest import AsyncHttpResponse, HttpRequest

from ..._compatibility import close_at_once, give_connection_up, middlewares_of
from ..fork import renew_after_fork
from ..sockets.dialing_async import Connector, Resolver, noting
from ..sockets.proxies import Proxy, ProxyError, parsed_proxy, proxy_for
from ..sockets.tls import AS_CLIENT, CONNECTION_TIMEOUT, READ_TIMEOUT, TlsSettings
from .answer_body import check_encoding, check_protocol, check_size
from .failures import LOST, failure, stripped
from .request_body import completed, framed_body
from .response import AsyncVaultResponse

# The maximum number of open connections. Further tasks wait for one.
_POOL_SIZE = 100

# The most turns of the event loop in which a connection that was shut is closed; it takes about five.
_TURNS = 20

# aiohttp would add a Content-Type to requests that have none.
_NOT_MADE_UP = frozenset({"Content-Type"})


async def _sent_once(request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Keep aiohttp from sending a request again, as it does by itself when the method is idempotent by RFC 9110.

    PUT is among those, by which the service imports one more version of a key. aiohttp knows a lost connection by the
    errors that it raises itself for one.

    :raises ~azure.core.exceptions.ServiceResponseError: in place of those errors. azure-core's own transport would
        take them for the failure of a request that was not sent.
    """
    try:
        return await send(request)
    except (aiohttp.ClientConnectorError, aiohttp.ClientProxyConnectionError):
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        lost = ServiceResponseError(f"{LOST}: {error}", error=error)
    raise stripped(lost) from lost.inner_exception


def middlewares_for(session: aiohttp.ClientSession | None) -> tuple[aiohttp.ClientMiddlewareType, ...]:
    """Return the middlewares with which a request is sent once: those of a caller's session stay in front."""
    return (*(() if session is None else middlewares_of(session)), _sent_once)


class AsyncVaultTransport(AsyncHttpTransport[HttpRequest, AsyncHttpResponse]):
    """The transport of the async clients.

    It does not use the event loop before the first request. If the loop of the last request is closed, the next request
    opens new connections in the running loop.

    :param session: the caller's session, used instead of a new one.
    :param session_owner: whether the transport closes that session.
    :param connection_verify: True for the default authorities, False to verify nothing, the path of a bundle or folder
        of authorities, or an :class:`ssl.SSLContext`.
    :param connection_cert: the client certificate: a path, or a pair of paths of certificate and private key.
    :param connection_timeout: seconds to connect.
    :param read_timeout: seconds to wait for the next bytes of a response.
    :param use_env_settings: whether environment variables can name the authorities.
    :param connection_data_block_size: how many bytes of a streamed response are read at a time.
    """

    #: Sessions of a parent process. They are kept because deleting them would write to the parent's connections.
    _inherited: ClassVar[list[aiohttp.ClientSession]] = []
    #: Whether the whole process shares it, so that nobody has to close it.
    is_shared = False

    def __init__(
        self,
        *,
        session: aiohttp.ClientSession | None = None,
        session_owner: bool = True,
        connection_verify: Any = True,
        connection_cert: Any = None,
        connection_timeout: Any = CONNECTION_TIMEOUT,
        read_timeout: float | None = READ_TIMEOUT,
        use_env_settings: bool = True,
        connection_data_block_size: int = 4096,
        **_: Any,
    ) -> None:
        self._session = session
        self._session_loop: asyncio.AbstractEventLoop | None = None
        if session is None and not session_owner:
            raise ValueError("session_owner cannot be False if no session is provided")
        self._is_owner = session_owner
        self._is_own = session is None
        self._is_closed = False
        self._tls = TlsSettings(connection_verify, connection_cert, use_env_settings=use_env_settings)
        self._connect_timeout, self._read_timeout = connection_timeout, read_timeout
        #: As azure-core's transports have it: what the limit of a call is compared with.
        self.connection_config = ConnectionConfiguration(
            connection_timeout=connection_timeout, read_timeout=cast(int, read_timeout)
        )
        self._timeouts = _timeouts(connection_timeout, read_timeout)
        self._block_size = connection_data_block_size
        self._sockets: WeakSet[socket.socket] = WeakSet()
        self._answers: WeakSet[aiohttp.ClientResponse] = WeakSet()
        self._middlewares: tuple[Any, ...] | None = None
        if session is not None:
            self._middlewares = middlewares_for(session)
        renew_after_fork(self)

    async def open(self) -> None:
        """Open the session in the running event loop.

        :raises RuntimeError: when it is open in another running loop.
        :raises ValueError: when the transport is closed.
        """
        self._opened()

    def _opened(self) -> aiohttp.ClientSession:
        """Return the session of the running event loop."""
        session = self._session
        if session is not None and not self._is_own:
            return session
        loop = asyncio.get_running_loop()
        if session is not None and self._session_loop is loop:
            return session
        if self._is_closed:
            raise ValueError("HTTP transport has already been closed: create another client")
        if session is not None:
            self._leave_loop()
        connector = Connector(limit=_POOL_SIZE, resolver=Resolver(), socket_factory=noting(self._sockets))
        # With trust_env, aiohttp would look up proxies and read .netrc for every request, in a thread.
        session = self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            auto_decompress=False,
            middlewares=middlewares_for(None),
        )
        self._session_loop = loop
        return session

    def _leave_loop(self) -> None:
        if self._session_loop is not None and self._session_loop.is_running():
            raise RuntimeError(
                "This client is in use in another event loop that is running: create a client for each loop"
            )
        self._drop_session()

    def _drop_session(self) -> None:
        """Drop a session whose event loop is closed, without a warning from aiohttp's finalizers."""
        session, self._session = self._session, None
        self._sockets = WeakSet()
        if session is None or session.closed:
            return
        connector = session.connector
        session.detach()
        if connector is not None:
            close_at_once(connector)

    def renew(self) -> None:
        """Drop the parent's connections and event loop in a child process."""
        if self._session is not None and self._is_own:
            self._inherited.append(self._session)
            self._session = None
            self._sockets = WeakSet()

    def __del__(self) -> None:
        session = getattr(self, "_session", None)
        if session is None or self._session_loop is None or session.closed:
            return
        if not self.is_shared:
            warnings.warn(
                "A client of azure.keyvault.keys for asyncio was not closed: use it with 'async with', or await its "
                "close()",
                ResourceWarning,
                source=self,
                stacklevel=2,
            )
        self._drop_session()

    async def send(  # type: ignore[override]  # unknown options are errors
        self,
        request: HttpRequest,
        *,
        stream: bool = False,
        proxies: Mapping[str, Any] | None = None,
        proxy: str | None = None,
        connection_verify: Any = AS_CLIENT,
        connection_cert: Any = None,
        connection_timeout: Any = None,
        read_timeout: float | None = None,
        params: Any = None,
        cookies: Any = None,
        auth: Any = None,
    ) -> AsyncHttpResponse:
        """Send a request, and read the response unless it is to be streamed. A 401 is always read.

        :raises ~azure.core.exceptions.ServiceRequestError: when it was not sent.
        :raises ~azure.core.exceptions.ServiceResponseError: when the connection was lost after it was opened: the
            service may have processed the request.
        :raises ~azure.core.exceptions.DecodeError: when the response is too long or compressed.
        :raises ValueError: when the transport is closed, or an argument cannot be used.
        """
        session = self._opened()
        request = completed(request, params=params, cookies=cookies, auth=auth)
        timeouts = self._timeouts
        if connection_timeout is not None or read_timeout is not None:
            timeouts = _timeouts(
                self._connect_timeout if connection_timeout is None else connection_timeout,
                self._read_timeout if read_timeout is None else read_timeout,
            )
        options: dict[str, Any] = {"ssl": self._tls.for_call(connection_verify, connection_cert)}
        if proxies or proxy:
            options.update(_proxy_options(parsed_proxy(proxy) if proxy else proxy_for(request.url, proxies)))
        if self._middlewares is not None:
            options["middlewares"] = self._middlewares
        failed: AzureError | None
        try:
            answer = await session.request(
                request.method,
                request.url,
                data=framed_body(request),
                headers=request.headers,
                timeout=timeouts,
                allow_redirects=False,
                skip_auto_headers=_NOT_MADE_UP,
                **options,
            )
            return await self._answered(request, answer, whole=not stream or answer.status == 401)
        except aiohttp.ClientHttpProxyError as error:
            # The error itself contains the request to the proxy.
            failed = ServiceRequestError(f"Tunnel connection failed: {error.status} {error.message}")
        except AzureError as error:
            failed = stripped(error)
        except Exception as error:
            failed = _failure(error, request.url)
            if failed is None:
                raise
        raise failed from failed.inner_exception

    async def _answered(
        self, request: HttpRequest, answer: aiohttp.ClientResponse, *, whole: bool
    ) -> AsyncVaultResponse:
        content = None
        self._answers.add(answer)
        try:
            check_protocol(answer.headers, answer.status)
            if whole:
                content = await _content(answer)
        except BaseException:
            give_connection_up(answer)
            raise
        return AsyncVaultResponse(
            request,
            answer.status,
            answer.reason or "",
            answer.headers,  # type: ignore[arg-type]  # nobody changes the headers
            content,
            None if whole else _Stream(answer),
            answer,
            self._block_size,
        )

    async def close(self) -> None:
        """Close the session, unless it is the caller's."""
        self._is_closed = True
        session = self._session
        if session is not None and self._is_owner:
            self._session = None
            for answer in list(self._answers):  # aiohttp leaves their readers waiting forever
                if not answer.content.is_eof():
                    answer.content.set_exception(aiohttp.ServerDisconnectedError("The client was closed"))
            await session.close()
            await self._end_given_up()

    async def _end_given_up(self) -> None:
        """Close the connections of cancelled calls; aiohttp itself waits only for the others.

        Each has told the server that TLS ends. One that hangs never answers that, and the event loop may end first.
        """
        for _ in range(_TURNS):
            left = [one for one in self._sockets if one.fileno() >= 0]
            if not left:
                return
            for one in left:
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
            await asyncio.sleep(0)

    async def __aenter__(self) -> AsyncVaultTransport:
        await self.open()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.close()


def _failure(error: Exception, url: str) -> AzureError | None:
    where = urlsplit(url)
    unsent = isinstance(error, (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError))
    return failure(error, f"Cannot connect to {where.hostname}:{where.port or 443}" if unsent else LOST)


async def _content(answer: aiohttp.ClientResponse) -> bytes:
    """Read the body of a response, up to the longest that the service sends."""
    check_encoding(answer.headers, answer.status)
    if "Content-Length" in answer.headers and "Transfer-Encoding" not in answer.headers:
        return await answer.read()
    body = bytearray()
    async for chunk in answer.content.iter_any():
        body += chunk
        check_size(len(body), answer.headers, answer.status)
    return bytes(body)


class _Stream:
    """The body of a streamed response."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self._answer = answer

    async def pieces(self, size: int, *, decoded: bool) -> AsyncIterator[bytes]:
        """Read the rest of the body.

        :raises ~azure.core.exceptions.AzureError: when the connection is lost.
        """
        decode = _decoder(self._answer.headers.get("Content-Encoding")) if decoded else None
        try:
            async for piece in self._answer.content.iter_chunked(size):
                yield piece if decode is None else decode(piece)
            return
        except Exception as error:
            failed = failure(error, LOST)
            if failed is None:
                raise
            cause = failed.inner_exception
        raise failed from cause

    async def close(self) -> None:
        """Return the connection to the pool if the body was read to the end; otherwise close it."""
        self._answer.close()


def _decoder(encoding: str | None) -> Any:
    """Return a decompressor for a response that is compressed although that was not requested; None when it is not."""
    kind = (encoding or "").strip().lower()
    if kind not in ("gzip", "deflate"):
        return None
    import zlib

    decompressor = zlib.decompressobj(16 + zlib.MAX_WBITS if kind == "gzip" else zlib.MAX_WBITS)

    def decompressed(piece: bytes) -> bytes:
        try:
            return decompressor.decompress(piece)
        except zlib.error as error:
            raise ValueError(f"It is not {kind}: {error}") from None

    return decompressed


def _proxy_options(proxy: Proxy | None) -> dict[str, Any]:
    """Return aiohttp's options for a proxy. The password is passed in a header, so that no error contains it.

    :raises ValueError: when aiohttp does not support it.
    """
    if proxy is None:
        return {}
    if proxy.is_socks:
        raise ProxyError("proxies: async clients do not support SOCKS proxies")
    host = f"[{proxy.host}]" if ":" in proxy.host else proxy.host
    options: dict[str, Any] = {"proxy": f"{proxy.scheme}://{host}:{proxy.port}"}
    if proxy.authorization:
        options["proxy_headers"] = {"Proxy-Authorization": proxy.authorization}
    return options


def _timeouts(connect: Any, read: float | None) -> aiohttp.ClientTimeout:
    if isinstance(connect, tuple):
        connect, read = connect
    return aiohttp.ClientTimeout(total=None, sock_connect=connect, sock_read=read)
