"""The cipher of a key for asyncio: the steps, driven by an asyncio client."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING

from .._shared.auth.flight_async import AsyncSingleFlight
from ..crypto.aio import CryptographyClient
from .packed import Packed, name_of
from .steps import CipherSteps, R, Steps

if TYPE_CHECKING:
    from ..crypto import EncryptionAlgorithm, KeyWrapAlgorithm


class AsyncKeyCipher:
    """Encrypts and decrypts data keys with one key of a vault.

    With an RSA key, encrypting happens in this process. Recently used data keys are cached, so that
    decrypting them again needs no request.

    :param client: the client of the key.
    :param algorithm: how to encrypt. Default: RSA-OAEP-256 for an RSA key, A256GCM for a symmetric one.
    :param cache_size: how many decrypted data keys are cached.
    :param cache_lifetime: for how many seconds they are cached.
    :raises ValueError: when the algorithm is not one of these, or a limit is negative.
    """

    def __init__(
        self,
        client: CryptographyClient,
        *,
        algorithm: EncryptionAlgorithm | KeyWrapAlgorithm | str | None = None,
        cache_size: int = 128,
        cache_lifetime: float = 600.0,
    ) -> None:
        self.client = client
        self._steps = CipherSteps(client, algorithm, cache_size, cache_lifetime)
        self._turns: weakref.WeakValueDictionary[bytes, AsyncSingleFlight] = weakref.WeakValueDictionary()

    async def encrypt(self, plaintext: bytes, associated_data: bytes) -> bytes:
        """Encrypt a data key under the newest known version.

        :raises ValueError: when it is too long for the key, the key cannot bind associated data, or is not allowed to
            encrypt.
        :raises ~azure.core.exceptions.HttpResponseError: when the vault rejects the request.
        """
        return await _run(self._steps.encrypting(plaintext, associated_data))

    async def decrypt(self, data: bytes, associated_data: bytes) -> bytes:
        """Decrypt a data key with the version that encrypted it; without a header, with the client's.

        :raises ValueError: when the data is malformed or cannot be decrypted, or the key cannot bind associated data.
        :raises ~azure.core.exceptions.HttpResponseError: when the vault rejects the request.
        """
        Packed.parse(data)
        known = self._steps.known(data, associated_data)
        if known is not None:
            return known
        turn = self._turns.setdefault(name_of(data, associated_data), AsyncSingleFlight())

        async def decrypted() -> bytes:  # tasks that need the same data key make one request together
            known = self._steps.known(data, associated_data)
            return known if known is not None else await _run(self._steps.decrypting(data, associated_data))

        key = await turn.run(decrypted, context={})
        assert key is not None  # noqa: S101  # it waits for the key
        return key


async def _run(steps: Steps[R]) -> R:
    answer = None
    while True:
        try:
            step = steps.send(answer)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]
        answer = await step()
