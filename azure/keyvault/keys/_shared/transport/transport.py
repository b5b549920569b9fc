"""The transport of the sync clients: urllib3 connections over sockets that this library opens."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import quote, urlsplit

from azure.core.exceptions import AzureError, ServiceRequestError
from azure.core.pipeline.transport import HttpTransport
from azure.core.rest import HttpRequest, HttpResponse

from ..sockets.dialing import dial
from ..sockets.interception import InterceptedConnection, is_intercepted
from ..sockets.line import AnswerTooLong, Limits
from ..sockets.pool import Connection, ConnectionPool, SecureConnection
from ..sockets.proxies import ProxyError, proxy_for
from ..sockets.tls import AS_CLIENT, CONNECTION_TIMEOUT, READ_TIMEOUT, TlsSettings
from .answer_body import check_encoding, check_protocol, check_size, too_long
from .failures import LOST, failure, stripped
from .request_body import completed, framed_body
from .response import VaultResponse

_PIECE = 65_536

_PORTS = {"https": 443, "http": 80}

# The characters allowed in a request target. Others are percent-encoded, as in requests.
_LEGAL_TARGET = re.compile(r"[!#$%&'()*+,/:;=?@\[\]~0-9A-Za-z\-._]*")


class VaultTransport(HttpTransport[HttpRequest, HttpResponse]):
    """The transport of the sync clients.

    Any number of threads can use it. After ``fork``, the child opens its own connections.

    :param connection_verify: True for the default authorities, False to verify nothing, the path of a bundle or folder
        of authorities, or an :class:`ssl.SSLContext`.
    :param connection_cert: the client certificate: a path, or a pair of paths of certificate and private key.
    :param connection_timeout: seconds to connect, or a pair of those and the ``read_timeout``.
    :param read_timeout: seconds to wait for the next bytes of a response.
    :param use_env_settings: whether environment variables can name the authorities.
    :param connection_data_block_size: how many bytes of a streamed response are read at a time.
    """

    #: The transport itself ends a request at the ``deadline`` of its call.
    ends_in_time = True

    def __init__(
        self,
        *,
        connection_verify: Any = True,
        connection_cert: Any = None,
        connection_timeout: Any = CONNECTION_TIMEOUT,
        read_timeout: float | None = READ_TIMEOUT,
        use_env_settings: bool = True,
        connection_data_block_size: int = 4096,
        **_: Any,
    ) -> None:
        self._tls = TlsSettings(connection_verify, connection_cert, use_env_settings=use_env_settings)
        self._connect_timeout, self._read_timeout = _timeouts(connection_timeout, read_timeout)
        self._block_size = connection_data_block_size
        self._connections = ConnectionPool()

    def send(  # type: ignore[override]  # unknown options are errors
        self,
        request: HttpRequest,
        *,
        stream: bool = False,
        proxies: Mapping[str, Any] | None = None,
        connection_verify: Any = AS_CLIENT,
        connection_cert: Any = None,
        connection_timeout: Any = None,
        read_timeout: float | None = None,
        deadline: float | None = None,
        params: Any = None,
        cookies: Any = None,
        auth: Any = None,
    ) -> HttpResponse:
        """Send a request, and read the response unless it is to be streamed. A 401 is always read.

        :param deadline: when the request must end, on the clock of :func:`time.monotonic`.
        :raises ~azure.core.exceptions.ServiceRequestError: when it was not sent.
        :raises ~azure.core.exceptions.ServiceResponseError: when it is unknown whether the service processed it.
        :raises ~azure.core.exceptions.DecodeError: when the response is too long or compressed.
        :raises ValueError: when the transport is closed, or an argument cannot be used.
        """
        request = completed(request, params=params, cookies=cookies, auth=auth)
        if connection_timeout is None and read_timeout is None:
            connect, read = self._connect_timeout, self._read_timeout
        else:
            connect, read = _timeouts(
                self._connect_timeout if connection_timeout is None else connection_timeout,
                self._read_timeout if read_timeout is None else read_timeout,
            )
        limits = Limits(connect, read, deadline)
        scheme, host, port, at = _address(request.url)
        proxy = proxy_for(request.url, proxies) if proxies else None
        context = self._tls.for_call(connection_verify, connection_cert) if scheme == "https" else None
        kind = (host, port, context, proxy)
        connection: Connection | InterceptedConnection | None
        if is_intercepted():
            connection = InterceptedConnection(host, port, context, limits)
        else:
            connection = self._connections.take(kind) or self._connected(kind, limits)
        failed: AzureError | None
        try:
            return self._exchanged(connection, request, _target(request.url[at:]), limits, stream)
        except AzureError as error:
            failed = stripped(error)
        except AnswerTooLong:
            failed = too_long({}, "unknown")
        except Exception as error:
            failed = failure(error, LOST)
            if failed is None:
                connection.end()
                raise
        except BaseException:
            connection.end()
            raise
        connection.end()
        raise failed from failed.inner_exception

    def _connected(self, kind: Any, limits: Limits) -> Connection:
        self.open()
        host, port, context, proxy = kind
        where = f"{host}:{port}" if proxy is None else f"{host}:{port} through the proxy at {proxy.host}:{proxy.port}"
        try:
            line = dial(host, port, context, proxy, limits)
            return (Connection if context is None else SecureConnection)(kind, host, port, line)
        except ProxyError:
            raise
        except Exception as error:
            failed = failure(error, f"Cannot connect to {where}", connected=False)
            if failed is None:
                raise
        raise failed from failed.inner_exception

    def _exchanged(
        self,
        connection: Connection | InterceptedConnection,
        request: HttpRequest,
        target: str,
        limits: Limits,
        stream: bool,
    ) -> HttpResponse:
        connection.expect(limits)
        try:
            connection.request(
                request.method,
                target,
                body=framed_body(request),
                headers=request.headers,
                preload_content=False,
                decode_content=False,
            )
        except BrokenPipeError:
            pass  # the server closed the connection while the body was sent, and may have said why
        except ValueError as error:  # invalid characters in a header; nothing was sent
            raise ServiceRequestError(f"The request cannot be sent: {error}", error=error) from None
        answer = connection.getresponse()
        check_protocol(answer.headers, answer.status)
        content, source = None, None
        if not stream or answer.status == 401:
            content = _content(answer)
            self._connections.give(connection)
        else:
            connection.expect(Limits(None, limits.read, None), bounded=False)
            source = _Stream(answer, connection, self._connections)
        return VaultResponse(
            request, answer.status, answer.reason or "", answer.headers, content, source, answer, self._block_size
        )

    def open(self) -> None:
        """Make sure that the transport is not closed. Connections are opened when they are needed.

        :raises ValueError: when it is closed.
        """
        if self._connections.is_closed:
            raise ValueError("HTTP transport has already been closed: create another client")

    def close(self) -> None:
        """Close the connections. Those in use are closed when their requests have finished."""
        self._connections.close()

    def renew(self) -> None:
        """Drop all connections, as a child process does after a fork."""
        self._connections.renew()

    def __enter__(self) -> VaultTransport:
        self.open()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


def _content(answer: Any) -> bytes:
    """Read the body of a response, up to the longest that the service sends."""
    headers, status = answer.headers, answer.status
    check_encoding(headers, status)
    try:
        if "Transfer-Encoding" not in headers:
            content: bytes = answer.read()
            check_size(len(content), headers, status)
            return content
        # Not in one read: http.client would allocate as many bytes as a chunk announces.
        body = bytearray()
        for piece in answer.stream(_PIECE, decode_content=False):
            body += piece
            check_size(len(body), headers, status)
    except AnswerTooLong:
        raise too_long(headers, status) from None
    return bytes(body)


class _Stream:
    """The body of a streamed response."""

    def __init__(
        self, answer: Any, connection: Connection | InterceptedConnection, connections: ConnectionPool
    ) -> None:
        self._answer = answer
        self._connection = connection
        self._connections = connections
        self._is_whole = False

    def pieces(self, size: int, *, decoded: bool) -> Iterator[bytes]:
        """Read the rest of the body.

        :raises ~azure.core.exceptions.AzureError: when the connection is lost.
        """
        try:
            yield from self._answer.stream(size, decode_content=decoded)
        except Exception as error:
            failed = failure(error, LOST)
            if failed is None:
                raise
            cause = failed.inner_exception
        else:
            self._is_whole = True
            return
        raise failed from cause

    def close(self) -> None:
        """Return the connection to the pool if the body was read to the end; otherwise close it."""
        if self._is_whole:
            self._connections.give(self._connection)
        else:
            self._connection.end()


def _timeouts(connect: Any, read: float | None) -> tuple[float | None, float | None]:
    """Return the seconds to connect, and to wait for the next bytes of a response."""
    if isinstance(connect, tuple):
        connect, read = connect
    return connect, read


@lru_cache(maxsize=256)
def _origin(origin: str) -> tuple[str, str, int]:
    parts = urlsplit(origin)
    scheme, host = parts.scheme.lower(), parts.hostname
    if scheme not in _PORTS or not host:
        raise ServiceRequestError(f"{origin!r} is not the address of a server")
    return scheme, host, parts.port or _PORTS[scheme]


def _address(url: str) -> tuple[str, str, int, int]:
    """Return the scheme, host and port of a URL, and the index of its path."""
    begin = url.find("://") + 3
    ends = [at for at in (url.find(mark, begin) for mark in "/?#") if at >= 0]
    end = min(ends) if ends else len(url)
    try:
        return *_origin(url[:end]), end
    except ValueError as error:
        raise ServiceRequestError(f"The URL cannot be used: {error}") from None


def _target(rest: str) -> str:
    """Return the request target of the rest of a URL."""
    target = rest.partition("#")[0]
    if not target.startswith("/"):
        target = "/" + target
    if _LEGAL_TARGET.fullmatch(target):
        return target
    return quote(target, safe="!#$%&'()*+,/:;=?@[]~")
