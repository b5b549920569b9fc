"""Digests of messages, without holding up the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Iterable
from typing import TYPE_CHECKING

from .. import _hashing
from .._hashing import checked, chunks_of, new_digest

if TYPE_CHECKING:
    from .._local.algorithms import Algorithm

Data = _hashing.Data | AsyncIterable[bytes | bytearray | memoryview]

# So much is hashed in 0.1 to 0.3 ms: less than it takes to have a thread do it, or not much more.
_LITTLE = 1 << 16


async def digest_of(row: Algorithm, data: Data) -> bytes:
    """Hash a message as the synchronous ``digest_of`` does, or one that comes from an asynchronous iterable.

    What takes long is done in a thread: reading files, and hashing more than a little. An iterable is the caller's own
    code, and is run where the caller is.
    """
    if isinstance(data, AsyncIterable):
        return await _digest_of_pieces(row, data)
    if hasattr(data, "read"):
        return await asyncio.to_thread(_hashing.digest_of, row, data)
    if not isinstance(data, (bytes, bytearray, memoryview)):
        return await _digest_of_pieces(row, _awaited(chunks_of(data)))
    if memoryview(data).nbytes <= _LITTLE:
        return _hashing.digest_of(row, data)
    return await asyncio.to_thread(_hashing.digest_of, row, data)


async def _digest_of_pieces(row: Algorithm, pieces: AsyncIterable[bytes | bytearray | memoryview]) -> bytes:
    digest = new_digest(row)
    hashed = 0
    async for piece in pieces:
        hashed += len(checked(piece))
        if hashed <= _LITTLE:
            digest.update(piece)
        else:
            hashed = 0
            await asyncio.to_thread(digest.update, piece)
    return digest.digest()


async def _awaited(pieces: Iterable[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece
