"""A server that says exactly what a test wants, byte by byte, over TLS of a throw-away authority."""

from __future__ import annotations

import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import trustme

VERSION = "00112233445566778899aabbccddeeff"


@dataclass
class Received:
    """A request as it came over the wire."""

    head: str
    body: bytes

    @property
    def method(self) -> str:
        return self.head.split(" ", 1)[0]

    def header(self, name: str) -> str | None:
        """Return the value of a header; names in any case."""
        for line in self.head.split("\r\n")[1:]:
            key, _, value = line.partition(":")
            if key.lower() == name.lower():
                return value.strip()
        return None


def reset_when_closed(sock: socket.socket) -> None:
    """Have a connection end with a reset."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


class Conversation:
    """The connection a request came in on."""

    def __init__(self, sock: ssl.SSLSocket | socket.socket, server: RawServer) -> None:
        self.sock = sock
        self.server = server
        self.open = True

    def say(self, data: bytes) -> None:
        self.sock.sendall(data)

    def answer(self, body: bytes = b"", status: int = 200, **headers: str) -> None:
        """Answer as a well-behaved server does."""
        lines = [f"HTTP/1.1 {status} Reason", f"Content-Length: {len(body)}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        self.say("\r\n".join(lines).encode() + b"\r\n\r\n" + body)

    def finish(self, *, reset: bool = False) -> None:
        """End the connection."""
        if reset:
            reset_when_closed(self.sock)
        self.open = False

    def await_end(self) -> None:
        """Say nothing more until the client has closed the connection."""
        self.sock.recv(1)
        self.open = False

    def hang(self, seconds: float = 20) -> None:
        """Say nothing more until the test is over."""
        self.server.over.wait(seconds)
        self.open = False


Handler = Callable[[Received, Conversation], None]


@dataclass
class RawServer:
    """Challenges requests without a token; hands the others to ``handler``."""

    url: str
    host: str
    handler: Handler
    certificate: ssl.SSLContext | None
    received: list[Received] = field(default_factory=list)
    connections: int = 0
    over: threading.Event = field(default_factory=threading.Event)
    challenge: bool = True
    #: What to do with a connection in place of a conversation, before and after TLS is set up.
    before_tls: Callable[[socket.socket], None] | None = None
    after_tls: Callable[[Any], None] | None = None
    accepted: int = 0
    alive: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def calls(self) -> list[Received]:
        return [seen for seen in self.received if seen.header("Authorization")]

    def bundle(self, name: str = "orders") -> bytes:
        key = {"kid": f"{self.url}/keys/{name}/{VERSION}", "kty": "RSA", "n": "AQAB", "e": "AQAB"}
        return json.dumps({"key": key, "attributes": {"enabled": True}}).encode()

    def serve(self, sock: socket.socket) -> None:
        self._count(1)
        try:
            if self.before_tls is not None:
                with sock:
                    self.before_tls(sock)
                return
            with self.certificate.wrap_socket(sock, server_side=True) if self.certificate else sock as stream:
                self.connections += 1
                if self.after_tls is not None:
                    self.after_tls(stream)
                else:
                    self._converse(stream)
        except OSError:
            return
        finally:
            self._count(-1)

    def _count(self, change: int) -> None:
        with self._lock:
            self.accepted += change > 0
            self.alive += change

    def _converse(self, stream: Any) -> None:
        conversation, buffered = Conversation(stream, self), b""
        while conversation.open:
            while b"\r\n\r\n" not in buffered:
                data = stream.recv(65536)
                if not data:
                    return
                buffered += data
            head, _, buffered = buffered.partition(b"\r\n\r\n")
            request = Received(head.decode("latin-1"), b"")
            length = int(request.header("Content-Length") or 0)
            while len(buffered) < length:
                buffered += stream.recv(65536)
            request.body, buffered = buffered[:length], buffered[length:]
            self.received.append(request)
            if self.challenge and request.header("Authorization") is None:
                conversation.answer(
                    status=401, WWW_Authenticate=f'Bearer authorization="https://x/tenant", resource="{self.url}"'
                )
            else:
                self.handler(request, conversation)


@contextmanager
def raw_server(
    handler: Handler, *, authority: trustme.CA | None = None, host: str = "localhost", tls: bool = True
) -> Iterator[RawServer]:
    """Run a server for the time of a test."""
    context = None
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        (authority or trustme.CA()).issue_cert(host).configure_cert(context)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = RawServer(f"https://localhost:{listener.getsockname()[1]}", host, handler, context)
        with accepting(listener, server.serve, server.over):
            yield server


@contextmanager
def accepting(listener: socket.socket, serve: Callable[[socket.socket], None], over: threading.Event) -> Iterator[None]:
    """Serve each connection in a thread of its own; in the end say that it is over."""
    listener.settimeout(0.02)

    def accept() -> None:
        while not over.is_set():
            try:
                sock, _ = listener.accept()
            except OSError:
                continue
            sock.settimeout(20)
            threading.Thread(target=serve, args=(sock,), daemon=True).start()

    acceptor = threading.Thread(target=accept, daemon=True)
    acceptor.start()
    try:
        yield
    finally:
        over.set()
        with suppress(OSError):  # where a listening socket cannot be shut, its time limit ends the wait
            listener.shutdown(socket.SHUT_RDWR)
        acceptor.join()


def drip(conversation: Conversation, data: bytes, pause: float = 0.05) -> None:
    """Say something byte by byte."""
    for byte in data:
        conversation.say(bytes([byte]))
        if conversation.server.over.wait(pause):
            break


def written(authority: trustme.CA, folder: Path) -> str:
    """Return the path of an authority's certificate."""
    path = folder / "authority.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)
