"""A SOCKS proxy (RFC 1928, RFC 1929) that notes what it was asked for."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from raw_proxy import tunnel
from raw_server import accepting

_ADDRESS, _NAME, _ADDRESS6 = 1, 3, 4


@dataclass
class SocksProxy:
    """Connects to wherever it is asked to.

    :ivar password: what it wants of its clients: ``user:password``.
    :ivar targets: the hosts that it was asked for, as the client named them: addresses, or names to look up.
    """

    address: str
    password: str | None = None
    targets: list[str] = field(default_factory=list)

    def serve(self, client: socket.socket) -> None:
        try:
            with client:
                if self._admits(client):
                    self._connect(client)
        except OSError:
            return

    def _admits(self, client: socket.socket) -> bool:
        methods = _read(client, _read(client, 2)[1])
        method = 0 if self.password is None else 2
        if method not in methods:
            client.sendall(b"\x05\xff")
            return False
        client.sendall(bytes([5, method]))
        if self.password is None:
            return True
        user = _read(client, _read(client, 2)[1])
        password = _read(client, _read(client, 1)[0])
        right = f"{user.decode()}:{password.decode()}" == self.password
        client.sendall(bytes([1, 0 if right else 1]))
        return right

    def _connect(self, client: socket.socket) -> None:
        kind = _read(client, 4)[3]
        if kind == _NAME:
            host = _read(client, _read(client, 1)[0]).decode()
        else:
            family, size = (socket.AF_INET, 4) if kind == _ADDRESS else (socket.AF_INET6, 16)
            host = socket.inet_ntop(family, _read(client, size))
        port = int.from_bytes(_read(client, 2), "big")
        self.targets.append(host)
        with socket.create_connection((host, port)) as server:
            client.sendall(b"\x05\x00\x00\x01" + bytes(6))
            tunnel(client, server)


def _read(client: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        piece = client.recv(size - len(data))
        if not piece:
            raise ConnectionError
        data += piece
    return data


@contextmanager
def socks_proxy(password: str | None = None) -> Iterator[SocksProxy]:
    """Run a proxy for the time of a test."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        proxy = SocksProxy(f"127.0.0.1:{listener.getsockname()[1]}", password)
        with accepting(listener, proxy.serve, threading.Event()):
            yield proxy
