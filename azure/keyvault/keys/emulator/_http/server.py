"""The web server: aiohttp's low-level server over TLS.

It passes requests to the application and sends the replies, records both, and carries out connection faults.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
import struct
import time
from collections.abc import Callable

from aiohttp import web

from .. import _errors
from .._knobs.faults import Fault, Wire
from .._knobs.recorder import RecordedRequest
from .._messages import Inbound, Reply, overlaid
from .._operations.passage_of_time import catch_up
from .._operations.seeding import sow
from .._service import Service
from .._ui.console import Console
from .app import Application
from .empty_response import EmptyResponse
from .sockets import listening_sockets
from .tls import Certificates

_LOGGER = logging.getLogger(__name__)
_MOST_BODY_BYTES = 4 * 1024 * 1024
_SERVER = "Key Vault keys emulator"
_QUIET = logging.getLogger(f"{__name__}.protocol")
_QUIET.setLevel(logging.CRITICAL)
_SHUTDOWN_SECONDS = 0.5


class Server:
    """Serves a vault and the additional vaults of its server, each on its own port and by its host names."""

    def __init__(self, service: Service, certificates: Certificates) -> None:
        self.service = service
        self._console = Console(service) if service.options.ui else None
        self._doors = [
            Door(vault, self._door_of, self._console if vault is service else None) for vault in service.vaults
        ]
        self._by_host = {host: door for door in reversed(self._doors) for host in door.service.origins.named}
        self._certificates = certificates
        self._runners: list[web.ServerRunner] = []

    async def start(self) -> int:
        """Start listening, and return the port of the first vault."""
        context = self._certificates.server_context()
        await sow(self.service)
        ports = [await self._listen(door, context) for door in self._doors]
        self.service.realm.bind(self.service.origins.default.url)
        return ports[0]

    async def _listen(self, door: Door, context: ssl.SSLContext) -> int:
        server = web.Server(
            door.handle,
            access_log=None,
            logger=_QUIET,
            keepalive_timeout=3600.0,
            max_line_size=16 * 1024,
            max_field_size=64 * 1024,
        )
        runner = web.ServerRunner(server, handle_signals=False, shutdown_timeout=_SHUTDOWN_SECONDS)
        self._runners.append(runner)
        await runner.setup()
        options = door.service.options
        sockets = listening_sockets(options.port, options.listen)
        for listening in sockets:
            await web.SockSite(runner, listening, ssl_context=context).start()
        port: int = sockets[0].getsockname()[1]
        door.service.bind(port, self.service.public_host)
        return port

    def ui_link(self) -> str:
        """Return a new single-use link to the page.

        :raises RuntimeError: if there is no page.
        """
        if self._console is None:
            raise RuntimeError("the emulator has no page; it takes the option ui")
        return self._console.link()

    def _door_of(self, host: str, entered: Door) -> Door:
        """Return the vault that a call is for: the one its host name belongs to, or the one whose port it came to."""
        if not self._by_host:
            return entered
        name, colon, _ = host.rpartition(":")
        return self._by_host.get((name if colon else host).lower(), entered)

    async def stop(self) -> None:
        """Close all connections without waiting for clients to finish the TLS shutdown."""
        for runner in self._runners:
            connections = runner.server.connections if runner.server else []
            transports = [connection.transport for connection in connections]
            await runner.cleanup()
            for transport in filter(None, transports):
                transport.abort()
        await asyncio.sleep(0)


class Door:
    """Handles the calls to one vault."""

    def __init__(self, service: Service, door_of: Callable[[str, Door], Door], console: Console | None) -> None:
        self.service = service
        self._console = console
        self._door_of = door_of
        self._application = Application(service)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer a request for the vault that its host names."""
        return await self._door_of(request.headers.get("Host", ""), self)._handle(request)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        started = time.perf_counter()
        await catch_up(self.service)
        inbound, record = self._inbound(request)
        if self._console is not None and (shown := await self._console.answer(inbound)) is not None:
            return _response(shown)
        if record is not None:
            self.service.requests._add(record)
        fault = self.service.faults._take(inbound, authorised="Authorization" in request.headers)
        reply = await self._reply(inbound, fault)
        if fault is not None and fault.wire is not None:
            await _break(request, reply, fault.wire)
            return web.Response()
        if record is not None:
            record.status, record.seconds = reply.status, time.perf_counter() - started
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
        options = self.service.options
        inbound = Inbound(
            request.method, path, query, request.headers, lambda: _read(request, record if options.record else None)
        )
        record = self._record(inbound) if options.record or options.ui else None
        return inbound, record

    def _record(self, inbound: Inbound) -> RecordedRequest:
        length = inbound.headers.get("Content-Length", "")
        return RecordedRequest(
            method=inbound.method,
            path=inbound.path,
            query=inbound.query_values(),
            headers=inbound.headers if self.service.options.record else {},
            at=self.service.clock.now(),
            body_length=int(length) if length.isdecimal() and length != "0" else None,
            authorised="Authorization" in inbound.headers,
        )


async def _read(request: web.BaseRequest, record: RecordedRequest | None) -> bytes:
    """Return the body.

    :raises ServiceError: 413 if it exceeds the limit; 400 if it does not match the headers.
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
    """Send as much of a reply as the fault allows, then close the connection."""
    transport = request.transport
    if transport is None:
        return
    if wire.sent is None or wire.sent >= 0:
        lines = [f"HTTP/1.1 {reply.status} Injected"]
        lines += [f"{name}: {value}" for name, value in reply.sent_headers().items()]
        lines += [f"Content-Length: {len(reply.body)}", "", ""]
        transport.write("\r\n".join(lines).encode("latin-1") + reply.body[: wire.sent])
        await asyncio.sleep(0.01)  # Gives the bytes time to leave before a reset would discard them.
    await asyncio.sleep(wire.hang)
    if wire.reset:
        connection = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    else:
        transport.close()
