"""A proxy that tunnels, or does not, and hands on how a connection ends."""

from __future__ import annotations

import select
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from raw_server import accepting


@dataclass
class RawProxy:
    """Tunnels to wherever it is asked to, unless there is a ``refusal``: a status and a reason.

    :ivar certificate: what it shows to its clients, if it speaks TLS with them.
    :ivar drips: whether it now hands on byte by byte what the server says.
    :ivar heads: what it was asked for, as it came over the wire.
    """

    address: str
    refusal: str | None = None
    certificate: ssl.SSLContext | None = None
    drips: Callable[[], bool] = bool
    heads: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"https://{self.address}" if self.certificate else f"http://{self.address}"

    def serve(self, client: socket.socket) -> None:
        try:
            if self.certificate is not None:
                client = self.certificate.wrap_socket(client, server_side=True)
            with client:
                self._serve(client)
        except OSError:
            return

    def _serve(self, client: socket.socket) -> None:
        head = client.recv(65536)
        while head.startswith(b"CONNECT ") and b"\r\n\r\n" not in head:
            head += client.recv(65536)
        self.heads.append(head.decode("latin-1"))
        refusal = self.refusal if head.startswith(b"CONNECT ") else "400 Bad Request"
        if refusal:
            client.sendall(f"HTTP/1.1 {refusal}\r\nContent-Length: 0\r\n\r\n".encode())
            return
        host, _, port = head.split()[1].decode().rpartition(":")
        with socket.create_connection((host, int(port))) as server:
            client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            tunnel(client, server, self.drips)


def tunnel(client: socket.socket, server: socket.socket, drips: Callable[[], bool] = bool) -> None:
    """Hand on what comes from one socket to the other, and how it ends."""
    other = {client: server, server: client}
    while True:
        decrypted = [client] if isinstance(client, ssl.SSLSocket) and client.pending() else []
        for source in decrypted or select.select(list(other), [], [], 20)[0]:
            try:
                data = source.recv(65536)
            except ConnectionResetError:
                other[source].setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return
            if not data:
                return
            pieces = [data[at : at + 1] for at in range(len(data))] if source is server and drips() else [data]
            for piece in pieces:
                other[source].sendall(piece)
                time.sleep(0.05 if len(pieces) > 1 else 0)


@contextmanager
def raw_proxy(refusal: str | None = None, certificate: ssl.SSLContext | None = None) -> Iterator[RawProxy]:
    """Run a proxy for the time of a test."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        proxy = RawProxy(f"127.0.0.1:{listener.getsockname()[1]}", refusal, certificate)
        with accepting(listener, proxy.serve, threading.Event()):
            yield proxy
