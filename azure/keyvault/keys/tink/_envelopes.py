"""Tink's envelope of a stream: reading and writing it, segment by segment."""

from __future__ import annotations

import io
from typing import Any, Protocol

import tink
from tink import aead

from ._data_keys import MOST_KEYSET_BYTES, new_data_key, open_data_key
from ._errors import StreamDecryptionError
from ._files import PIECE, Source, Target, reraising
from ._reuse import DataKey

_LENGTH_BYTES = 4


class ReusedKeys(Protocol):
    """Data keys for several streams."""

    def _for_stream(self, size: int | None) -> DataKey: ...

    def _count(self, used: DataKey, excess: int) -> None: ...


def encrypt(reader: Source, writer: Target, keys: aead.Aead | ReusedKeys, associated_data: bytes) -> int:
    """Encrypt a stream; return the length of its plaintext.

    :param keys: what encrypts a new data key, or data keys for several streams.
    """
    size: int | None = None
    if isinstance(keys, aead.Aead):
        reused, data_key = None, new_data_key(keys)
    else:
        reused, size = keys, reader.remaining()
        data_key = reused._for_stream(size)
    stream: Any = None
    try:
        writer.write(len(data_key.encrypted).to_bytes(_LENGTH_BYTES, "big") + data_key.encrypted)
        with reraising(reader, writer):
            stream = data_key.primitive.new_encrypting_stream(writer, associated_data)
            while piece := reader.read(PIECE):
                stream.write(piece)
            stream.close()
        writer.flush()
    finally:
        # Garbage collection closes a failed stream, which would make it look complete, or fail again: stop writing, and
        # close it without Tink's part.
        writer.disconnect()
        if stream is not None and not stream.closed:
            io.RawIOBase.close(stream.raw)
        if reused is not None:
            reused._count(data_key, reader.done - (size or 0))
    return reader.done


def decrypt(reader: Source, writer: Target, key: aead.Aead, associated_data: bytes) -> int:
    """Decrypt a stream; return the length of its plaintext.

    :raises StreamDecryptionError: when it cannot be decrypted.
    """
    try:
        primitive = open_data_key(key, _encrypted_keyset(reader))
        with reraising(reader, writer):
            # read() would lose verified data if the next segment fails verification.
            stream = primitive.new_decrypting_stream(reader, associated_data)
            while piece := stream.read1(PIECE):
                writer.write_all(piece)
    except StreamDecryptionError:
        raise
    except tink.TinkError as error:
        raise StreamDecryptionError(
            f"the stream cannot be decrypted: it is damaged, truncated or extended, or was encrypted with another key "
            f"or other associated data ({writer.done} bytes were verified)",
            writer.done,
        ) from error
    return writer.done


def _encrypted_keyset(reader: Source) -> bytes:
    length = int.from_bytes(_exactly(reader, _LENGTH_BYTES), "big")
    if not 0 < length <= MOST_KEYSET_BYTES:
        raise StreamDecryptionError("the stream does not begin with the length of an encrypted keyset")
    return _exactly(reader, length)


def _exactly(reader: Source, size: int) -> bytes:
    data = b""
    while len(data) < size:
        piece = reader.read(size - len(data))
        if not piece:
            raise StreamDecryptionError("the stream ends before its encrypted keyset does")
        data += piece
    return data


def check_bytes(associated_data: bytes) -> None:
    if not isinstance(associated_data, bytes):
        raise TypeError(f"associated_data must be bytes, not {type(associated_data).__name__}")
