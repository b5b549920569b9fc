"""Encryption of streams of any length in constant memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, BinaryIO

from .._frames import clears_its_locals
from ._data_keys import DataKeys, as_aead
from ._envelopes import check_bytes, decrypt, encrypt
from ._files import Source, Target

if TYPE_CHECKING:
    from tink import aead

    from ..crypto import CryptographyClient

Progress = Callable[[int], object]


@clears_its_locals
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

    If it fails, the target contains an incomplete stream, which :func:`decrypt_stream` rejects.

    The asyncio function works in its own thread, so the event loop stays free, and sends requests to the vault from the
    loop. It also accepts streams that are awaited. If it is cancelled, it waits for the thread to end, after which
    neither stream is in use.

    :param source: what to encrypt, a file opened in binary mode: from its current position to its end. For asyncio
        also an asynchronous iterable of bytes, or an object whose ``read(size)`` is awaited.
    :param target: where to write the encrypted stream, a file opened in binary mode. For asyncio also an object whose
        ``write(data)`` is awaited, or an ``asyncio.StreamWriter``.
    :param key: the key that encrypts the data key: a ``CryptographyClient``, sync or async like this function;
        an :class:`AzureKmsAead` or another ``tink.aead.Aead``; or ``DataKeys``, to use one data key several times.
    :param associated_data: data to authenticate along with the stream; it must be given again to decrypt.
    :param progress: called after every read with the total number of bytes read from the source; in asyncio, in the
        event loop.
    :returns: how many bytes were encrypted.
    :raises TypeError: when an argument has the wrong type.
    :raises tink.TinkError: when the key cannot encrypt data keys.
    :raises ~azure.core.exceptions.HttpResponseError: when the vault rejects the request.
    """
    check_bytes(associated_data)
    keys = key if isinstance(key, DataKeys) else as_aead(key)
    return encrypt(Source(source, progress), Target(target), keys, associated_data)


@clears_its_locals
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

    :param source: the encrypted stream, from its current position to its end; see :func:`encrypt_stream`.
    :param target: where to write the plaintext; see :func:`encrypt_stream`.
    :param key: the key that decrypts the data key; see :func:`encrypt_stream`.
    :param associated_data: the data that was authenticated along with the stream.
    :param progress: called after every read with the total number of bytes read from the source; in asyncio, in the
        event loop.
    :returns: how many bytes were decrypted.
    :raises StreamDecryptionError: when the stream is damaged, truncated or extended, or was encrypted with a different
        key or associated data; its ``verified`` is the number of bytes written to the target.
    :raises TypeError: when an argument has the wrong type.
    :raises ~azure.core.exceptions.HttpResponseError: when the vault rejects the request: there is no such version of
        the key, or the caller may not decrypt.
    """
    check_bytes(associated_data)
    return decrypt(Source(source, progress), Target(target), as_aead(key), associated_data)
