"""Streams that are awaited, in the form of files that a thread reads and writes."""

from __future__ import annotations

import inspect
import io
from collections.abc import AsyncIterable, Awaitable, Callable
from functools import partial
from typing import Any, BinaryIO, Protocol, TypeVar

from .._files import PIECE
from ._task_thread import TaskThread

T = TypeVar("T")

# Not None: an iterable may give that by mistake, which must not pass for its end.
_END: Any = object()


class AsyncReader(Protocol):
    """A stream whose ``read`` is awaited: ``asyncio.StreamReader``, aiohttp's ``content``, a file of aiofiles."""

    async def read(self, size: int, /) -> bytes: ...


class AsyncWriter(Protocol):
    """A stream whose ``write`` is awaited: aiohttp's ``StreamResponse``, a file of aiofiles."""

    async def write(self, data: bytes, /) -> object: ...


class DrainedWriter(Protocol):
    """A stream with an awaited ``drain``: ``asyncio.StreamWriter``."""

    def write(self, data: bytes, /) -> object: ...

    async def drain(self) -> object: ...


AnySource = BinaryIO | AsyncIterable[bytes | bytearray | memoryview] | AsyncReader
AnyTarget = BinaryIO | AsyncWriter | DrainedWriter


def readable(source: AnySource, thread: TaskThread) -> Any:
    """Return a file that the thread can read.

    :raises TypeError: when the source is neither a file nor awaited.
    """
    if isinstance(source, io.IOBase):
        return source
    read = getattr(source, "read", None)
    if callable(read):
        if inspect.iscoroutinefunction(read):
            return _AwaitedSource(partial(_read, read), thread)
        return _Uncertain(source, thread)
    if isinstance(source, AsyncIterable):
        pieces = aiter(source)
        return _AwaitedSource(partial(anext, pieces, _END), thread)
    raise TypeError(
        f"source must be a file opened in binary mode or an asynchronous iterable of bytes, not {type(source).__name__}"
    )


def writable(target: AnyTarget, thread: TaskThread) -> Any:
    """Return a file that the thread can write.

    :raises TypeError: when the target is neither a file nor awaited.
    """
    if isinstance(target, io.IOBase):
        return target
    write = getattr(target, "write", None)
    if not callable(write):
        raise TypeError(
            f"target must be a file opened in binary mode, or have a write() that is awaited, not "
            f"{type(target).__name__}"
        )
    if inspect.iscoroutinefunction(write):
        return _AwaitedTarget(write, None, thread)
    drain = getattr(target, "drain", None)
    if inspect.iscoroutinefunction(drain):
        return _AwaitedTarget(write, drain, thread)
    return _Uncertain(target, thread)


async def _read(read: Callable[[int], Awaitable[Any]]) -> Any:
    """Return the next piece of a stream; ``_END`` at its end."""
    piece = await read(PIECE)
    if piece is None:
        raise BlockingIOError("source has no data yet: streams must be in blocking mode")
    return piece if len(piece) else _END


class _AwaitedSource:
    """A source whose pieces, of any size, the task awaits.

    :param next_piece: returns the next piece; ``_END`` at the end.
    """

    def __init__(self, next_piece: Callable[[], Awaitable[Any]], thread: TaskThread) -> None:
        self._next_piece = next_piece
        self._thread = thread
        self._rest = memoryview(b"")
        self._is_at_end = False

    def read(self, size: int) -> bytes:
        return self._thread.wait_for(partial(self._gathered, size))

    async def _gathered(self, size: int) -> bytes:
        """Return so many bytes, fewer at the end: the thread asks once for what comes in small pieces."""
        parts: list[memoryview] = []
        missing = size
        while missing and not self._is_at_end:
            if not self._rest:
                piece = await self._next_piece()
                self._is_at_end = piece is _END
                self._rest = _view(b"" if piece is _END else piece)
            parts.append(self._rest[:missing])
            self._rest = self._rest[missing:]
            missing -= len(parts[-1])
            if not isinstance(parts[-1].obj, bytes):  # its owner may use it again for the next piece
                parts[-1] = memoryview(bytes(parts[-1]))
        return b"".join(parts)


def _view(piece: Any) -> memoryview:
    if isinstance(piece, str) or not isinstance(piece, (bytes, bytearray, memoryview)):
        raise TypeError(f"source must give bytes, not {type(piece).__name__}")
    return memoryview(piece).cast("B")


class _AwaitedTarget:
    """A target whose ``write``, or otherwise ``drain``, the task awaits."""

    def __init__(self, write: Callable[[bytes], Any], drain: Callable[[], Any] | None, thread: TaskThread) -> None:
        self._write = write
        self._drain = drain
        self._thread = thread

    def write(self, data: bytes) -> Any:
        return self._thread.wait_for(partial(self._written, bytes(data)))

    async def _written(self, data: bytes) -> Any:
        written = self._write(data)
        if inspect.isawaitable(written):
            written = await written
        if self._drain is not None:
            await self._drain()
        return written


class _Uncertain:
    """A stream that looks synchronous, but whose methods may return what must be awaited."""

    def __init__(self, stream: Any, thread: TaskThread) -> None:
        self._stream = stream
        self._thread = thread

    def read(self, size: int) -> Any:
        return self._awaited(self._stream.read(size))

    def write(self, data: bytes) -> Any:
        return self._awaited(self._stream.write(data))

    def tell(self) -> Any:
        return self._awaited(self._stream.tell())

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> Any:
        return self._awaited(self._stream.seek(offset, whence))

    def _awaited(self, result: Any) -> Any:
        return self._thread.wait_for(partial(_value, result)) if inspect.isawaitable(result) else result


async def _value(result: Awaitable[T]) -> T:
    return await result
