"""A pool of connections: any number may be in use, and some idle ones are kept."""

from __future__ import annotations

import threading
from collections.abc import Hashable

from urllib3.connection import HTTPConnection

from ..fork import renew_after_fork
from .interception import InterceptedConnection
from .line import Limits, Line

# How many idle connections are kept per host, and for how many kinds (host, proxy, TLS settings).
_MOST_IDLE = 100
_MOST_KINDS = 16


class Connection(HTTPConnection):
    """A connection of urllib3's whose socket was made beforehand."""

    def __init__(self, kind: Hashable, host: str, port: int, line: Line) -> None:
        super().__init__(host, port)
        self.kind = kind
        self.line = line
        self.sock = line  # all that http.client asks of a socket
        self.auto_open = 0  # once closed, it stays so

    def expect(self, limits: Limits, *, bounded: bool = True) -> None:
        """Set the limits of the next request."""
        self.line.expect(limits, bounded=bounded)

    def end(self) -> None:
        """Close the socket now, whoever still reads from it."""
        self.line.end()
        self.close()


class SecureConnection(Connection):
    """A connection whose socket speaks TLS."""

    default_port = 443  # type: ignore[misc]  # as urllib3 does
    # left out of the Host header


class Connections:
    """The idle connections of one client, the one used last in front."""

    def __init__(self) -> None:
        self._idle: dict[Hashable, list[Connection]] = {}
        self._lock = threading.Lock()
        self.is_closed = False
        renew_after_fork(self)

    def take(self, kind: Hashable) -> Connection | None:
        """Return an idle connection that the peer has not closed."""
        while True:
            with self._lock:
                idle = self._idle.get(kind)
                if not idle:
                    return None
                connection = idle.pop()
            if connection.is_connected:
                return connection
            connection.close()

    def give(self, connection: Connection | InterceptedConnection) -> None:
        """Keep a connection for the next request, unless it is closed, or there are enough."""
        if isinstance(connection, InterceptedConnection) or connection.sock is None:
            return
        surplus: list[Connection] = []
        with self._lock:
            if self.is_closed:
                surplus.append(connection)
            else:
                idle = self._idle.setdefault(connection.kind, [])
                idle.append(connection)
                if len(idle) > _MOST_IDLE:
                    surplus.append(idle.pop(0))
                if len(self._idle) > _MOST_KINDS:
                    surplus += self._idle.pop(next(iter(self._idle)))
        for unwanted in surplus:
            unwanted.close()

    def close(self) -> None:
        """Close the idle connections; those in use are closed when their requests are done."""
        self.is_closed = True
        self._drop()

    def _drop(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, {}
        for connections in idle.values():
            for connection in connections:
                connection.close()

    def renew(self) -> None:
        """Connect anew in a child process: the connections are the parent's, and closing them here does it no harm."""
        self._lock = threading.Lock()
        self._drop()
