"""The socket of a connection, as http.client uses one: every wait has an end, and what is read has one too."""

from __future__ import annotations

import io
import time
from typing import Any, cast

from .answer_body import MAX_BODY, AnswerTooLong

# An answer's head, and what frames its body: pieces of one byte have six bytes around them, but nobody sends these.
_MOST = MAX_BODY + 1024 * 1024

# A TLS record holds no more, so that no write takes longer than one wait.
_PIECE = 16_384


class Limits:
    """How long a request may take.

    :ivar connect: seconds to connect to an address, and for each handshake.
    :ivar read: seconds between two pieces of an answer; None for any time.
    :ivar end: when the call has to end, on the clock of :func:`time.monotonic`; None for no limit.
    """

    __slots__ = ("connect", "end", "read")

    def __init__(self, connect: float | None, read: float | None, end: float | None) -> None:
        self.connect = connect
        self.read = read
        self.end = end

    def patience(self, most: float | None) -> float | None:
        """Return the seconds that a wait may take: ``most``, or what the call has left.

        :raises TimeoutError: when it has nothing left.
        """
        if self.end is None:
            return most
        left = self.end - time.monotonic()
        if left <= 0:
            raise TimeoutError("The call's timeout ran out")
        return left if most is None else min(most, left)


class Line:
    """A socket with limits, for one request after the other.

    The deadline is looked at before every wait, and no wait is longer than what is left. So no thread has to watch, and
    a call that runs out of time leaves nothing behind.
    """

    def __init__(self, sock: Any) -> None:
        self._sock = sock
        self._files = 0
        self._closing = False
        self._limits = Limits(None, None, None)
        self._left: float = _MOST

    def expect(self, limits: Limits, *, bounded: bool = True) -> None:
        """Set the limits of the next request.

        :param bounded: whether an answer is refused that is longer than any of the service.
        """
        self._limits = limits
        self._left = _MOST if bounded else float("inf")

    def sendall(self, data: bytes, flags: int = 0) -> None:
        """Send all of it."""
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
        """Receive what has come."""
        limits = self._limits
        self._sock.settimeout(limits.patience(limits.read))
        count = cast(int, self._sock.recv_into(buffer))
        self._left -= count
        if self._left < 0:
            raise AnswerTooLong
        return count

    def recv(self, size: int, flags: int = 0) -> bytes:
        """Receive what has come: for TLS within TLS."""
        buffer = bytearray(size)
        return bytes(buffer[: self.recv_into(buffer)])

    def makefile(self, mode: str = "rb", *_: Any, **__: Any) -> io.BufferedReader:
        """Return a reader. The socket is closed with the last reader of a line that has been closed."""
        self._files += 1
        return io.BufferedReader(_Incoming(self))

    def reader_closed(self) -> None:
        """Note that a reader is closed."""
        self._files -= 1
        if self._closing and self._files <= 0:
            self._sock.close()

    def close(self) -> None:
        """Close the socket, as soon as nobody reads from it any more."""
        self._closing = True
        if self._files <= 0:
            self._sock.close()

    def end(self) -> None:
        """Close the socket now."""
        self._closing = True
        self._sock.close()

    def settimeout(self, value: float | None) -> None:
        """Leave it: limits are those of :meth:`expect`."""

    def gettimeout(self) -> float | None:
        """Return the seconds that a wait takes at most."""
        return self._limits.read

    def fileno(self) -> int:
        """Return the descriptor, to be asked whether something has come."""
        return cast(int, self._sock.fileno())

    def shutdown(self, how: int) -> None:
        """Shut the socket, so that whoever waits for it wakes up."""
        self._sock.shutdown(how)


class _Incoming(io.RawIOBase):
    """What comes over a line."""

    def __init__(self, line: Line) -> None:
        super().__init__()
        self._line = line

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._line.recv_into(buffer)

    def close(self) -> None:
        if not self.closed:
            super().close()
            self._line.reader_closed()
