"""A socket for http.client whose reads and writes have a deadline, and which limits the length of a response."""

from __future__ import annotations

import io
import time
from typing import Any, cast

# The longest responses are backups of keys, with a few hundred kilobytes at most.
MAX_BODY = 16 * 1024 * 1024

# A megabyte for the headers and the chunk framing. One-byte chunks would need more, but no server sends those.
_MOST = MAX_BODY + 1024 * 1024

# The size of a TLS record, so that every write is one wait, with its own timeout.
_PIECE = 16_384


class AnswerTooLong(Exception):
    """A response is longer than any that the service sends."""


class Limits:
    """The time limits of a request.

    :ivar connect: seconds to connect to an address, and for each TLS handshake.
    :ivar read: seconds to wait for the next bytes of a response; None for no limit.
    :ivar end: when the call must end, on the clock of :func:`time.monotonic`; None for no limit.
    """

    __slots__ = ("connect", "end", "read")

    def __init__(self, connect: float | None, read: float | None, end: float | None) -> None:
        self.connect = connect
        self.read = read
        self.end = end

    def patience(self, most: float | None) -> float | None:
        """Return how many seconds a wait may take: ``most``, or what is left of the call.

        :raises TimeoutError: when nothing is left.
        """
        if self.end is None:
            return most
        left = self.end - time.monotonic()
        if left <= 0:
            raise TimeoutError("The call's timeout ran out")
        return left if most is None else min(most, left)


class Line:
    """A socket with limits, which are set for each request.

    The deadline is checked before every wait, and no wait is longer than what is left of the call. So no thread has to
    watch the call, and a call that times out leaves nothing running.
    """

    def __init__(self, sock: Any) -> None:
        self._sock = sock
        self._files = 0
        self._closing = False
        self._is_surplus = False
        self._limits = Limits(None, None, None)
        self._left: float = _MOST

    def expect(self, limits: Limits, *, bounded: bool = True) -> None:
        """Set the limits of the next request.

        :param bounded: whether to reject a response that is longer than any that the service sends.
        """
        self._limits = limits
        self._left = _MOST if bounded else float("inf")

    def sendall(self, data: bytes, flags: int = 0) -> None:
        """Send all of the data."""
        limits = self._limits
        if len(data) <= _PIECE:
            self._sock.settimeout(limits.patience(limits.read))
            self._sock.sendall(data)
            return
        view = memoryview(data)
        for at in range(0, len(view), _PIECE):
            self._sock.settimeout(limits.patience(limits.read))
            self._sock.sendall(view[at : at + _PIECE])

    def recv_into(self, buffer: Any) -> int:
        """Receive bytes into a buffer."""
        limits = self._limits
        self._sock.settimeout(limits.patience(limits.read))
        count = cast(int, self._sock.recv_into(buffer))
        self._left -= count
        if self._left < 0:
            raise AnswerTooLong
        return count

    def recv(self, size: int, flags: int = 0) -> bytes:
        """Receive bytes, for TLS in TLS."""
        buffer = bytearray(size)
        return bytes(buffer[: self.recv_into(buffer)])

    def makefile(self, mode: str = "rb", *_: Any, **__: Any) -> io.BufferedReader:
        """Return a reader. Once the line is closed, the socket is closed with the last reader."""
        self._files += 1
        return _Reader(_Incoming(self))

    @property
    def has_surplus(self) -> bool:
        """Whether there are unread bytes, which the next reader would take for the response to its own request."""
        return self._is_surplus or _pending(self._sock) > 0

    def reader_closed(self, *, is_surplus: bool) -> None:
        """Record that a reader was closed.

        :param is_surplus: whether it had unread bytes.
        """
        self._files -= 1
        self._is_surplus = self._is_surplus or is_surplus
        if self._closing and self._files <= 0:
            self._sock.close()

    def close(self) -> None:
        """Close the socket when its last reader is closed."""
        self._closing = True
        if self._files <= 0:
            self._sock.close()

    def end(self) -> None:
        """Close the socket now."""
        self._closing = True
        self._sock.close()

    def settimeout(self, value: float | None) -> None:
        """Do nothing: :meth:`expect` sets the limits."""

    def gettimeout(self) -> float | None:
        """Return the timeout of a read."""
        return self._limits.read

    def fileno(self) -> int:
        """Return the file descriptor, which urllib3 polls for data."""
        return cast(int, self._sock.fileno())

    def shutdown(self, how: int) -> None:
        """Shut the socket down, which wakes up whoever waits for it."""
        self._sock.shutdown(how)


def _pending(sock: Any) -> int:
    """Return how many unread bytes a TLS socket holds. It reads whole records from the network."""
    pending = getattr(sock, "pending", None)
    if pending is not None:
        return cast(int, pending())
    tls = getattr(sock, "sslobj", None)  # urllib3's TLS within TLS
    return 0 if tls is None else tls.pending() + sock.incoming.pending


class _Incoming(io.RawIOBase):
    """The raw stream of what a line receives."""

    def __init__(self, line: Line) -> None:
        super().__init__()
        self.line = line
        self.is_over = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return 0 if self.is_over else self.line.recv_into(buffer)


class _Reader(io.BufferedReader):
    """Reads one response from a line."""

    def __init__(self, incoming: _Incoming) -> None:
        super().__init__(incoming)
        self._incoming = incoming

    def close(self) -> None:
        if self.closed:
            return
        self._incoming.is_over = True  # peek() must not read from the network
        is_surplus = bool(self.peek(1))
        super().close()
        self._incoming.line.reader_closed(is_surplus=is_surplus)
