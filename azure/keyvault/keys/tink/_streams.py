"""Encryption of streams of any length in constant memory."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, BinaryIO

import tink

from ._data_keys import MOST_KEYSET_BYTES, DataKeys, as_aead, new_data_key, open_data_key
from ._errors import StreamDecryptionError

if TYPE_CHECKING:
    from tink import aead

    from ..crypto import CryptographyClient

_PIECE = 1 << 20
_LENGTH_BYTES = 4

Progress = Callable[[int], object]


def encrypt_stream(
    source: BinaryIO,
    target: BinaryIO,
    key: CryptographyClient | aead.Aead | DataKeys,
    *,
    associated_data: bytes = b"",
    progress: Progress | None = None,
) -> int:
    """Encrypt a stream with its own data key, which a key in the vault encrypts.

    The output is a Tink envelope: 4 bytes of length (big endian), a keyset encrypted with the vault's key
    (``EncryptedKeyset``), and what Tink's StreamingAead makes with it (AES256_GCM_HKDF_1MB). Tink in other languages
    can read it. Neither stream is closed, and the memory needed does not depend on their length.

    When it fails, the target holds an incomplete stream, which :func:`decrypt_stream` refuses.

    :param source: what to encrypt, opened in binary mode: from its current position to its end.
    :param target: where to write the encrypted stream, opened in binary mode.
    :param key: the key that encrypts the data key: a :class:`~azure.keyvault.keys.crypto.CryptographyClient`, an
        :class:`AzureKmsAead` or another ``tink.aead.Aead``; or :class:`DataKeys`, to use one data key several times.
    :param associated_data: data to authenticate along with the stream; it must be given again to decrypt.
    :param progress: called after every read with the total number of bytes read from the source.
    :returns: how many bytes were encrypted.
    :raises TypeError: when an argument has the wrong type.
    :raises tink.TinkError: when the key cannot encrypt data keys.
    :raises ~azure.core.exceptions.HttpResponseError: when the vault rejects the request.
    """
    _check_bytes(associated_data)
    reader, writer = _Source(source, progress), _Target(target)
    size = _remaining(source) if isinstance(key, DataKeys) else None
    data_key = key._for_stream(size) if isinstance(key, DataKeys) else new_data_key(as_aead(key))
    try:
        writer.write(len(data_key.encrypted).to_bytes(_LENGTH_BYTES, "big") + data_key.encrypted)
        with _reraising(reader, writer):
            stream = data_key.primitive.new_encrypting_stream(writer, associated_data)
            while piece := reader.read(_PIECE):
                stream.write(piece)
            stream.close()
        writer.flush()
    finally:
        # Garbage collection closes a failed stream, which would make it look complete: stop writing.
        writer.disconnect()
        if isinstance(key, DataKeys):
            key._count(data_key, reader.done - (size or 0))
    return reader.done


def decrypt_stream(
    source: BinaryIO,
    target: BinaryIO,
    key: CryptographyClient | aead.Aead | DataKeys,
    *,
    associated_data: bytes = b"",
    progress: Progress | None = None,
) -> int:
    """Decrypt what :func:`encrypt_stream` wrote, with any version of the vault's key.

    Every segment (1 MiB) is verified before any of it is written to the target. Whether the stream is complete is known
    only at its end: after an error, discard the target's contents. Neither stream is closed.

    :param source: the encrypted stream, opened in binary mode: from its current position to its end.
    :param target: where to write the plaintext, opened in binary mode.
    :param key: the key that decrypts the data key; see :func:`encrypt_stream`.
    :param associated_data: the data that was authenticated along with the stream.
    :param progress: called after every read with the total number of bytes read from the source.
    :returns: how many bytes were decrypted.
    :raises StreamDecryptionError: when the stream is damaged, truncated or extended, or was encrypted with a different
        key or associated data; its ``verified`` is the number of bytes written to the target.
    :raises TypeError: when an argument has the wrong type.
    :raises ~azure.core.exceptions.HttpResponseError: when the vault rejects the request: there is no such version of
        the key, or the caller may not decrypt.
    """
    _check_bytes(associated_data)
    remote = as_aead(key)
    reader, writer = _Source(source, progress), _Target(target)
    try:
        primitive = open_data_key(remote, _encrypted_keyset(reader))
        with _reraising(reader, writer):
            # read() would lose verified data if the next segment fails verification.
            stream = primitive.new_decrypting_stream(reader, associated_data)
            while piece := stream.read1(_PIECE):
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


def _encrypted_keyset(reader: _Source) -> bytes:
    length = int.from_bytes(_exactly(reader, _LENGTH_BYTES), "big")
    if not 0 < length <= MOST_KEYSET_BYTES:
        raise StreamDecryptionError("the stream does not begin with the length of an encrypted keyset")
    return _exactly(reader, length)


def _exactly(reader: _Source, size: int) -> bytes:
    data = b""
    while len(data) < size:
        piece = reader.read(size - len(data))
        if not piece:
            raise StreamDecryptionError("the stream ends before its encrypted keyset does")
        data += piece
    return data


def _check_bytes(associated_data: bytes) -> None:
    if not isinstance(associated_data, bytes):
        raise TypeError(f"associated_data must be bytes, not {type(associated_data).__name__}")


def _remaining(source: BinaryIO) -> int | None:
    """Return how many bytes a source has; None when it does not know."""
    try:
        position = source.tell()
        end = source.seek(0, io.SEEK_END)
        source.seek(position)
    except (AttributeError, OSError, ValueError):
        return None
    return max(0, end - position)


class _Failing:
    """A caller's stream that Tink uses. It stays open and keeps its errors, because Tink passes on only their text."""

    failure: BaseException | None = None

    def close(self) -> None:
        """Leave the caller's stream open."""


class _Source(_Failing):
    """The stream to read from."""

    def __init__(self, source: BinaryIO, progress: Progress | None) -> None:
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


class _Target(_Failing):
    """The stream to write to."""

    def __init__(self, target: BinaryIO) -> None:
        if not callable(getattr(target, "write", None)):
            raise TypeError(f"target must be a file opened in binary mode, not {type(target).__name__}")
        self._target: BinaryIO | None = target
        self._gathered = bytearray(_PIECE)
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
        taken = min(len(data), _PIECE - self._filled)
        self._gathered[self._filled : self._filled + taken] = data if taken == len(data) else data[:taken]
        self._filled += taken
        if self._filled == _PIECE:
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
        rest = memoryview(data)
        while rest:
            written: Any = self._target.write(rest)
            if written is None:
                if isinstance(self._target, io.RawIOBase):
                    raise BlockingIOError("target takes no data: streams must be in blocking mode")
                written = len(rest)  # as of objects that are less than files
            if not 0 < written <= len(rest):
                raise OSError(f"target says that it has written {written} of {len(rest)} bytes")
            self.done += written
            rest = rest[written:]


class _reraising:
    """Raises the original error of a caller's stream instead of Tink's."""

    def __init__(self, *streams: _Failing) -> None:
        self._streams = streams

    def __enter__(self) -> None:
        return None

    def __exit__(self, exc_type: type[BaseException] | None, error: BaseException | None, traceback: Any) -> None:
        for stream in self._streams:
            if stream.failure is not None and error is not stream.failure:
                raise stream.failure from None
