"""The web server: aiohttp's low-level server on the loopback interface, over TLS.

It carries requests to the application and replies back, records them, and carries out faults of the wire.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
import struct
import time

from aiohttp import web

from .. import _errors
from .._knobs.faults import Fault, Wire
from .._knobs.recorder import RecordedRequest
from .._messages import Inbound, Reply, overlaid
from .._service import Service
from .app import Application
from .empty_response import EmptyResponse
from .tls import Certificates

_LOGGER = logging.getLogger(__name__)
_MOST_BODY_BYTES = 4 * 1024 * 1024
_SERVER = "Key Vault keys emulator"
_QUIET = logging.getLogger(f"{__name__}.protocol")
_QUIET.setLevel(logging.CRITICAL)
_SHUTDOWN_SECONDS = 0.5


class Server:
    """Serves one service."""

    def __init__(self, service: Service, certificates: Certificates) -> None:
        self.service = service
        self._certificates = certificates
        self._application = Application(service)
        self._runner: web.ServerRunner | None = None

    async def start(self) -> int:
        """Begin to listen, and return the port."""
        server = web.Server(
            self._handle,
            access_log=None,
            logger=_QUIET,
            keepalive_timeout=3600.0,
            max_line_size=16 * 1024,
            max_field_size=64 * 1024,
        )
        self._runner = web.ServerRunner(server, handle_signals=False, shutdown_timeout=_SHUTDOWN_SECONDS)
        await self._runner.setup()
        context = self._certificates.server_context()
        sockets = _loopback_sockets(self.service.options.port)
        for listening in sockets:
            await web.SockSite(self._runner, listening, ssl_context=context).start()
        port: int = sockets[0].getsockname()[1]
        self.service.bind(port)
        return port

    async def stop(self) -> None:
        """End all connections, without waiting for clients to take part in the end of TLS."""
        if self._runner is None or self._runner.server is None:
            return
        transports = [connection.transport for connection in self._runner.server.connections]
        await self._runner.cleanup()
        for transport in filter(None, transports):
            transport.abort()
        await asyncio.sleep(0)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        started = time.perf_counter()
        inbound, record = self._inbound(request)
        fault = self.service.faults._take(inbound, authorised="Authorization" in request.headers)
        reply = await self._reply(inbound, fault)
        if fault is not None and fault.wire is not None:
            await _break(request, reply, fault.wire)
            return web.Response()
        if record is not None:
            record.status = reply.status
        if _LOGGER.isEnabledFor(logging.INFO):
            milliseconds = (time.perf_counter() - started) * 1000
            _LOGGER.info("%s %s -> %d in %.1f ms", request.method, inbound.path, reply.status, milliseconds)
        response = _response(reply)
        if request.content.exception() is not None:
            response.force_close()
        return response

    async def _reply(self, inbound: Inbound, fault: Fault | None) -> Reply:
        if fault is None:
            return await self._application.answer(inbound)
        await asyncio.sleep(fault.delay)
        reply = await self._application.answer(inbound) if fault.processed else Reply()
        return fault._apply_to(reply)

    def _inbound(self, request: web.BaseRequest) -> tuple[Inbound, RecordedRequest | None]:
        path, _, query = request.raw_path.partition("?")
        if path.startswith("https://"):
            path = "/" + path.split("/", 3)[-1]
        inbound = Inbound(request.method, path, query, request.headers, lambda: _read(request, record))
        record = self._record(inbound) if self.service.options.record else None
        return inbound, record

    def _record(self, inbound: Inbound) -> RecordedRequest:
        length = inbound.headers.get("Content-Length", "")
        record = RecordedRequest(
            method=inbound.method,
            path=inbound.path,
            query=inbound.query_values(),
            headers=inbound.headers,
            body_length=int(length) if length.isdecimal() and length != "0" else None,
            authorised="Authorization" in inbound.headers,
        )
        self.service.requests._add(record)
        return record


async def _read(request: web.BaseRequest, record: RecordedRequest | None) -> bytes:
    """Return the body.

    :raises ServiceError: 413 over the limit; 400 if what came is not what the headers announce.
    """
    chunks, size = [], 0
    if request.headers.get("Expect", "").lower() == "100-continue" and request.transport is not None:
        request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    try:
        async for chunk in request.content.iter_any():
            size += len(chunk)
            if size > _MOST_BODY_BYTES:
                raise _errors.body_too_large(_MOST_BODY_BYTES)
            chunks.append(chunk)
    except (web.RequestPayloadError, ValueError) as error:
        raise _errors.bad_parameter("The request body cannot be read.") from error
    body = b"".join(chunks)
    if record is not None and body:
        record.body, record.body_length = body, len(body)
    return body


def _response(reply: Reply) -> web.Response:
    headers = overlaid({"Server": _SERVER}, reply.sent_headers())
    kind = EmptyResponse if reply.status == 204 else web.Response
    return kind(status=reply.status, body=reply.body or None, headers=headers)


async def _break(request: web.BaseRequest, reply: Reply, wire: Wire) -> None:
    """Send as much of a reply as the fault lets through, then end the connection."""
    transport = request.transport
    if transport is None:
        return
    if wire.sent is None or wire.sent >= 0:
        lines = [f"HTTP/1.1 {reply.status} Injected"]
        lines += [f"{name}: {value}" for name, value in reply.sent_headers().items()]
        lines += [f"Content-Length: {len(reply.body)}", "", ""]
        transport.write("\r\n".join(lines).encode("latin-1") + reply.body[: wire.sent])
        await asyncio.sleep(0.01)  # Lets the bytes leave before a reset would discard them.
    await asyncio.sleep(wire.hang)
    if wire.reset:
        connection = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    else:
        transport.close()


def _loopback_sockets(port: int) -> list[socket.socket]:
    """Return listening sockets on 127.0.0.1 and, where there is one, on ::1, with the same port."""
    sockets = [_listening(socket.AF_INET, "127.0.0.1", port)]
    try:
        sockets.append(_listening(socket.AF_INET6, "::1", sockets[0].getsockname()[1]))
    except OSError as error:
        if error.errno not in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EADDRINUSE):
            sockets[0].close()
            raise
    return sockets


def _listening(family: socket.AddressFamily, host: str, port: int) -> socket.socket:
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        _bind(listening, host, port)
        listening.listen(1024)
        listening.setblocking(False)
    except OSError:
        listening.close()
        raise
    return listening


def _bind(listening: socket.socket, host: str, port: int) -> None:
    try:
        listening.bind((host, port))
    except OSError as error:
        raise OSError(error.errno, f"cannot listen on port {port} of {host}: {error.strerror}") from error
