"""What is signed of messages, for sign_data and verify_data: their digest or, with ML-DSA, all of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any, BinaryIO

from ._local.algorithms import Algorithm, unknown

Data = bytes | bytearray | memoryview | BinaryIO | Iterable[bytes | bytearray | memoryview]

_CHUNK = 1 << 20


def digest_of(row: Algorithm, data: Data) -> bytes:
    """Hash a message, in constant memory when it comes in pieces; or return it, for an algorithm that signs messages.

    :param row: the algorithm whose hash to use.
    :param data: the message: bytes, a file opened in binary mode (read from where it stands), or an iterable of bytes.
    :raises ValueError: when the algorithm has no hash that this library knows.
    :raises TypeError: when the data is, or yields, something else.
    """
    digest = new_digest(row)
    if isinstance(data, (bytes, bytearray, memoryview)):
        digest.update(data)
        return digest.digest()
    for chunk in chunks_of(data):
        digest.update(checked(chunk))
    return digest.digest()


class _Whole:
    """Collects a message through the interface of a hash."""

    def __init__(self) -> None:
        self._message = bytearray()

    def update(self, piece: bytes | bytearray | memoryview[Any], /) -> None:
        """Take the next piece."""
        self._message += piece

    def digest(self) -> bytes:
        """Return the message."""
        return bytes(self._message)


def new_digest(row: Algorithm) -> hashlib._Hash | _Whole:
    """Begin the hash of an algorithm."""
    if row.message:
        return _Whole()
    if row.hash_name is None:
        raise ValueError(f"{unknown(row)}. To use another one, give sign or verify the digest")
    return hashlib.new(row.hash_name)


def chunks_of(data: Any) -> Iterable[bytes]:
    """Return the pieces of a message that is a file or an iterable."""
    read = getattr(data, "read", None)
    if read is not None:
        return iter(lambda: read(_CHUNK), b"")
    if isinstance(data, str) or not isinstance(data, Iterable):
        raise TypeError(f"'data' must be bytes, a binary file or an iterable of bytes, not {type(data).__name__}")
    return data


def checked(chunk: Any) -> bytes:
    """Return a piece of a message, after checking that it is bytes."""
    if not isinstance(chunk, (bytes, bytearray, memoryview)):
        raise TypeError(f"'data' must consist of bytes, not {type(chunk).__name__}: open files in binary mode")
    return chunk  # type: ignore[return-value]  # or another buffer, which hashes alike
