"""Digests of messages, for sign_data and verify_data."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterable, AsyncIterator, Iterable
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    from ._local._algorithms import Algorithm

Data = bytes | bytearray | memoryview | BinaryIO | Iterable[bytes]
AsyncData = Data | AsyncIterable[bytes]

_CHUNK = 1 << 20

# So much is hashed in 0.1 to 0.3 ms: less than it takes to have a thread do it, or not much more.
_LITTLE = 1 << 16


def digest_of(row: Algorithm, data: Data) -> bytes:
    """Hash a message, in constant memory when it comes in pieces.

    :param row: the algorithm whose hash to use.
    :param data: the message: bytes, a file opened in binary mode (read from where it stands), or an iterable of bytes.
    :raises ValueError: when the algorithm has no hash that this library knows.
    :raises TypeError: when the data is, or yields, something else.
    """
    digest = _new(row)
    if isinstance(data, (bytes, bytearray, memoryview)):
        digest.update(data)
        return digest.digest()
    for chunk in _chunks(data):
        digest.update(_checked(chunk))
    return digest.digest()


async def digest_of_async(row: Algorithm, data: AsyncData) -> bytes:
    """Hash a message as :func:`digest_of` does, or one that comes from an asynchronous iterable.

    What takes long is done in a thread: reading files, and hashing more than a little. An iterable is the caller's own
    code, and is run where the caller is.
    """
    if isinstance(data, AsyncIterable):
        return await _digest_of_pieces(row, data)
    if hasattr(data, "read"):
        return await asyncio.to_thread(digest_of, row, data)
    if not isinstance(data, (bytes, bytearray, memoryview)):
        return await _digest_of_pieces(row, _awaited(_chunks(data)))
    if memoryview(data).nbytes <= _LITTLE:
        return digest_of(row, data)
    return await asyncio.to_thread(digest_of, row, data)


async def _digest_of_pieces(row: Algorithm, pieces: AsyncIterable[bytes]) -> bytes:
    digest = _new(row)
    hashed = 0
    async for piece in pieces:
        hashed += len(_checked(piece))
        if hashed <= _LITTLE:
            digest.update(piece)
        else:
            hashed = 0
            await asyncio.to_thread(digest.update, piece)
    return digest.digest()


async def _awaited(pieces: Iterable[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


def _new(row: Algorithm) -> hashlib._Hash:
    if row.hash_name is None:
        raise ValueError(f"'algorithm' {row.name} has no hash that this library knows: sign or verify a digest instead")
    return hashlib.new(row.hash_name)


def _chunks(data: Any) -> Iterable[bytes]:
    read = getattr(data, "read", None)
    if read is not None:
        return iter(lambda: read(_CHUNK), b"")
    if isinstance(data, str) or not isinstance(data, Iterable):
        raise TypeError(f"'data' must be bytes, a binary file or an iterable of bytes, not {type(data).__name__}")
    return data


def _checked(chunk: Any) -> bytes:
    if not isinstance(chunk, (bytes, bytearray, memoryview)):
        raise TypeError(f"'data' must consist of bytes, not {type(chunk).__name__}: open files in binary mode")
    return chunk  # type: ignore[return-value]  # or another buffer, which hashes alike
