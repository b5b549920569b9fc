"""Keys that encrypt data keys, for the event loop and for the thread of a stream."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from tink import aead

from ..._key_cipher.cipher_async import AsyncKeyCipher
from ...crypto.aio import CryptographyClient
from .._errors import as_tink_errors

if TYPE_CHECKING:
    from ._task_thread import TaskThread


class RemoteKey(Protocol):
    """A key that encrypts data keys, in the event loop."""

    async def encrypt(self, plaintext: bytes, associated_data: bytes) -> bytes: ...

    async def decrypt(self, ciphertext: bytes, associated_data: bytes) -> bytes: ...


class _VaultKey:
    """A key of a vault."""

    def __init__(self, client: CryptographyClient) -> None:
        self._cipher = AsyncKeyCipher(client)

    async def encrypt(self, plaintext: bytes, associated_data: bytes) -> bytes:
        with as_tink_errors():
            return await self._cipher.encrypt(plaintext, associated_data)

    async def decrypt(self, ciphertext: bytes, associated_data: bytes) -> bytes:
        with as_tink_errors():
            return await self._cipher.decrypt(ciphertext, associated_data)


class _TinkKey:
    """An Aead of Tink's, whose interface is synchronous: it is called in a thread."""

    def __init__(self, key: aead.Aead) -> None:
        self._key = key

    async def encrypt(self, plaintext: bytes, associated_data: bytes) -> bytes:
        return await asyncio.to_thread(self._key.encrypt, plaintext, associated_data)

    async def decrypt(self, ciphertext: bytes, associated_data: bytes) -> bytes:
        return await asyncio.to_thread(self._key.decrypt, ciphertext, associated_data)


class AwaitedAead(aead.Aead):
    """A key as the thread of a stream uses it: the task makes the requests.

    :param key: the key.
    :param thread: the thread.
    """

    def __init__(self, key: RemoteKey, thread: TaskThread) -> None:
        self._key = key
        self._thread = thread

    def encrypt(self, plaintext: bytes, associated_data: bytes) -> bytes:
        return self._thread.wait_for(partial(self._key.encrypt, plaintext, associated_data))

    def decrypt(self, ciphertext: bytes, associated_data: bytes) -> bytes:
        return self._thread.wait_for(partial(self._key.decrypt, ciphertext, associated_data))


def remote_of(key: Any) -> RemoteKey:
    """Return the key that encrypts data keys, for whatever a caller passes as ``key``.

    Each client has one, so that its cache lasts from stream to stream.

    :raises TypeError: when it is anything else.
    """
    if isinstance(key, aead.Aead):
        return _TinkKey(key)
    if isinstance(key, CryptographyClient):
        # The client holds it, as each refers to the other: a table of all clients would keep both for ever.
        held: _VaultKey = vars(key).get("_tink_key") or vars(key).setdefault("_tink_key", _VaultKey(key))
        return held
    raise TypeError(
        f"'key' must be an asyncio CryptographyClient, a Tink Aead or asyncio's DataKeys, not {type(key).__name__}"
    )
