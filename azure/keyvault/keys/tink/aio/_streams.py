"""Encryption of streams of any length in constant memory, for asyncio."""

from __future__ import annotations

import inspect
from functools import partial
from typing import TYPE_CHECKING

from ..._frames import clears_its_locals
from .._envelopes import check_bytes, decrypt, encrypt
from .._files import Source, Target
from ._data_keys import DataKeys
from ._files import readable, writable
from ._keys import AwaitedAead, remote_of
from ._task_thread import TaskThread

if TYPE_CHECKING:
    from tink import aead

    from ...crypto.aio import CryptographyClient
    from .._reuse import DataKey
    from .._streams import Progress
    from ._files import AnySource, AnyTarget


@clears_its_locals
async def encrypt_stream(
    source: AnySource,
    target: AnyTarget,
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
    thread = TaskThread()
    keys = _ReusedKeys(key, thread) if isinstance(key, DataKeys) else AwaitedAead(remote_of(key), thread)
    reader = Source(readable(source, thread), partial(_report, thread, progress))
    return await thread.run(partial(encrypt, reader, Target(writable(target, thread)), keys, associated_data))


@clears_its_locals
async def decrypt_stream(
    source: AnySource,
    target: AnyTarget,
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
    thread = TaskThread()
    remote = AwaitedAead(key._key if isinstance(key, DataKeys) else remote_of(key), thread)
    reader = Source(readable(source, thread), partial(_report, thread, progress))
    return await thread.run(partial(decrypt, reader, Target(writable(target, thread)), remote, associated_data))


class _ReusedKeys:
    """Data keys for several streams, as the thread of a stream uses them."""

    def __init__(self, keys: DataKeys, thread: TaskThread) -> None:
        self._keys = keys
        self._thread = thread

    def _for_stream(self, size: int | None) -> DataKey:
        return self._thread.wait_for(partial(self._keys._for_stream, size))

    def _count(self, used: DataKey, excess: int) -> None:
        self._keys._count(used, excess)


def _report(thread: TaskThread, progress: Progress | None, done: int) -> None:
    """Tell the progress in the event loop; end the thread if the task was cancelled."""
    thread.check()
    if progress is not None:
        thread.wait_for(partial(_tell, progress, done))


async def _tell(progress: Progress, done: int) -> None:
    told = progress(done)
    if inspect.isawaitable(told):
        await told
