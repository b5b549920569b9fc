"""Making connections in asyncio: look-ups in threads, and no reuse of connections with unread bytes."""

from __future__ import annotations

import asyncio
import select
import socket
from collections.abc import Callable
from typing import Any
from weakref import WeakSet

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from ..workers import outcome
from .lookup import LOOKUPS


class Resolver(AbstractResolver):
    """Looks up names in this library's threads. Look-ups that hang could block all threads of the event loop."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return the addresses of a host."""
        found = await outcome(LOOKUPS.begin(host, port, family))
        return [
            ResolveResult(
                hostname=host,
                host=_numeric(address),
                port=address[1],
                family=kind,
                proto=protocol,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for kind, _, protocol, _, address in found
        ]

    async def close(self) -> None:
        """Close nothing."""


class Connector(aiohttp.TCPConnector):
    """Does not reuse a connection that has received bytes outside a response.

    aiohttp keeps such bytes, and reads them as the response to the next request.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._used: WeakSet[Any] = WeakSet()

    async def connect(self, req: Any, traces: Any, timeout: Any) -> Any:
        """Return a connection."""
        while True:
            connection = await super().connect(req, traces, timeout)
            protocol: Any = connection.protocol
            if protocol not in self._used:
                self._used.add(protocol)
                return connection
            if not protocol.should_close and not _has_come(connection.transport):
                return connection
            connection.close()


def _has_come(transport: asyncio.BaseTransport | None) -> bool:
    """Return whether there are bytes, or the end of the connection, that the event loop has not read yet."""
    sock = None if transport is None else transport.get_extra_info("socket")
    if sock is None or not hasattr(select, "poll"):
        return False
    poll = select.poll()
    poll.register(sock.fileno(), select.POLLIN)
    return bool(poll.poll(0))


def _numeric(address: tuple[Any, ...]) -> str:
    """Return an address as text, with the zone of a link-local IPv6 address."""
    host, _, *rest = address
    return f"{host}%{rest[1]}" if len(rest) > 1 and rest[1] else str(host)


def noting(sockets: WeakSet[socket.socket]) -> Callable[[tuple[Any, ...]], socket.socket]:
    """Return a socket factory that records its sockets. A reference to the transport would be a cycle."""

    def make(address: tuple[Any, ...]) -> socket.socket:
        made = socket.socket(*address[:3])
        sockets.add(made)
        return made

    return make
