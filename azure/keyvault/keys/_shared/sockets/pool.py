"""A pool of connections: any number can be in use at a time, and some idle ones are kept."""

from __future__ import annotations

import threading
from collections.abc import Hashable
from http import HTTPStatus
from http.client import HTTPResponse, parse_headers
from typing import Any

from urllib3.connection import HTTPConnection

from ..fork import renew_after_fork
from .interception import InterceptedConnection
from .line import Limits, Line

# How many idle connections are kept for each kind (host, proxy, TLS settings), and for how many kinds.
_MOST_IDLE = 100
_MOST_KINDS = 16


class _FinalAnswer(HTTPResponse):
    """The final response to a request. ``http.client`` skips only 100 of the interim ones (RFC 9110 section 15.2)."""

    def _read_status(self) -> Any:
        while True:
            version, status, reason = super()._read_status()  # type: ignore[misc]  # typeshed does not have it
            if not 100 < status < 200 or status == HTTPStatus.SWITCHING_PROTOCOLS:
                return version, status, reason
            parse_headers(self.fp)


class Connection(HTTPConnection):
    """A urllib3 connection over a socket that is already connected."""

    response_class = _FinalAnswer

    def __init__(self, kind: Hashable, host: str, port: int, line: Line) -> None:
        super().__init__(host, port)
        self.kind = kind
        self.line = line
        self.sock = line  # has the methods of a socket that http.client calls
        self.auto_open = 0  # do not reconnect after it was closed

    def expect(self, limits: Limits, *, bounded: bool = True) -> None:
        """Set the limits of the next request."""
        self.line.expect(limits, bounded=bounded)

    def end(self) -> None:
        """Close the socket now, even if a response is still being read from it."""
        self.line.end()
        self.close()


class SecureConnection(Connection):
    """A connection whose socket uses TLS."""

    default_port = 443  # type: ignore[misc]  # as in urllib3
    # urllib3 leaves the default port out of the Host header.


class ConnectionPool:
    """The idle connections of one client. The most recently used one is taken first."""

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
        """Keep a connection for the next request, unless it is closed, has unread bytes, or enough are kept."""
        if isinstance(connection, InterceptedConnection) or connection.sock is None:
            return
        if connection.line.has_surplus:
            connection.close()
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
        """Close the idle connections. Those in use are closed when their requests have finished."""
        self.is_closed = True
        self._drop()

    def _drop(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, {}
        for connections in idle.values():
            for connection in connections:
                connection.close()

    def renew(self) -> None:
        """Drop the parent's connections in a child process. Closing the child's copies does not affect the parent."""
        self._lock = threading.Lock()
        self._drop()
