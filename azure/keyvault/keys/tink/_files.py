"""A caller's streams, in the form in which Tink uses them."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

PIECE = 1 << 20


class _Failing:
    """A caller's stream that Tink uses. It stays open and keeps its errors, because Tink passes on only their text."""

    failure: BaseException | None = None

    def close(self) -> None:
        """Leave the caller's stream open."""


class Source(_Failing):
    """The stream to read from."""

    def __init__(self, source: Any, progress: Callable[[int], object] | None) -> None:
        if not callable(getattr(source, "read", None)):
            raise TypeError(f"source must be a file opened in binary mode, not {type(source).__name__}")
        self._source = source
        self._progress = progress
        self.done = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        try:
            data = self._source.read(size)
            if data is None:
                raise BlockingIOError("source has no data yet: streams must be in blocking mode")
            if not isinstance(data, bytes):
                if isinstance(data, str):
                    raise TypeError("source must be opened in binary mode: it gives text")
                data = bytes(data)
            self.done += len(data)
            if data and self._progress is not None:
                self._progress(self.done)
        except BaseException as error:  # Tink would make text of it, whatever it is
            self.failure = error
            raise
        return data

    def remaining(self) -> int | None:
        """Return how many bytes there are to read; None when the stream does not know."""
        try:
            position: int = self._source.tell()
            end: int = self._source.seek(0, io.SEEK_END)
            self._source.seek(position)
        except (AttributeError, OSError, ValueError):
            return None
        return max(0, end - position)


class Target(_Failing):
    """The stream to write to."""

    def __init__(self, target: Any) -> None:
        if not callable(getattr(target, "write", None)):
            raise TypeError(f"target must be a file opened in binary mode, not {type(target).__name__}")
        self._target: Any = target
        self._gathered = bytearray(PIECE)
        self._filled = 0
        self.done = 0

    def writable(self) -> bool:
        return True

    def disconnect(self) -> None:
        """Stop writing."""
        self._target = None

    def write(self, data: bytes) -> int:
        """Buffer the data: Tink writes pieces of 128 KiB, and files are faster with larger ones."""
        if self._target is None:
            return len(data)
        taken = min(len(data), PIECE - self._filled)
        self._gathered[self._filled : self._filled + taken] = data if taken == len(data) else data[:taken]
        self._filled += taken
        if self._filled == PIECE:
            try:
                self.flush()
            except BaseException as error:  # as above
                self.failure = error
                raise
        return taken

    def flush(self) -> None:
        """Write the buffered data."""
        filled, self._filled = self._filled, 0
        self.write_all(memoryview(self._gathered)[:filled])

    def write_all(self, data: bytes | memoryview) -> None:
        assert self._target is not None  # noqa: S101  # it is disconnected at the end
        # The buffer is used again, and only files promise not to keep what is written to them (io.RawIOBase.write).
        rest = memoryview(data) if isinstance(self._target, io.IOBase) else bytes(data)
        while rest:
            written: Any = self._target.write(rest)
            if written is None:
                if isinstance(self._target, io.RawIOBase):
                    raise BlockingIOError("target takes no data: streams must be in blocking mode")
                written = len(rest)  # as of objects that are less than files
            if not 0 < written <= len(rest):
                raise OSError(f"target reports that it wrote {written} of {len(rest)} bytes")
            self.done += written
            rest = rest[written:]


class reraising:
    """Raises the original error of a caller's stream instead of Tink's."""

    def __init__(self, *streams: _Failing) -> None:
        self._streams = streams

    def __enter__(self) -> None:
        return None

    def __exit__(self, exc_type: type[BaseException] | None, error: BaseException | None, traceback: Any) -> None:
        for stream in self._streams:
            if stream.failure is not None and error is not stream.failure:
                raise stream.failure from None
