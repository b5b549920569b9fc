"""The cipher of a key: the steps, driven by a synchronous client."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

from .._shared.fork import ForkLock
from .._shared.recipe import Recipe, make
from ..crypto import CryptographyClient
from .packed import Packed, name_of
from .steps import CipherSteps, R, Steps

if TYPE_CHECKING:
    from ..crypto import EncryptionAlgorithm, KeyWrapAlgorithm


class KeyCipher:
    """Encrypts and decrypts data keys with one key of a vault.

    With an RSA key, encrypting happens in this process. Recently used data keys are cached, so that
    decrypting them again needs no request.

    :param client: the client of the key.
    :param algorithm: how to encrypt. Default: RSA-OAEP-256 for an RSA key, A256GCM for a symmetric one.
    :param cache_size: how many decrypted data keys are cached.
    :param cache_lifetime: for how many seconds they are cached.
    :raises TypeError: when the client is not a synchronous one.
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
        if not isinstance(client, CryptographyClient):
            raise TypeError(f"'client' must be a (synchronous) CryptographyClient, not {type(client).__name__}")
        self.client = client
        self._steps = CipherSteps(client, algorithm, cache_size, cache_lifetime)
        self._turns: weakref.WeakValueDictionary[bytes, _Turn] = weakref.WeakValueDictionary()
        self._lock = ForkLock()
        self._parts: dict[str, Any] = {"algorithm": algorithm, "limits": (cache_size, cache_lifetime)}

    def __reduce__(self) -> Any:
        return make, (type(self), Recipe(client=self.client, **self._parts))

    @classmethod
    def _of_recipe(cls, recipe: Recipe) -> KeyCipher:
        size, lifetime = recipe.parts["limits"]
        return cls(
            recipe.parts["client"], algorithm=recipe.parts["algorithm"], cache_size=size, cache_lifetime=lifetime
        )

    def encrypt(self, plaintext: bytes, associated_data: bytes) -> bytes:
        """Encrypt a data key under the newest known version.

        :raises ValueError: when it is too long for the key, the key cannot bind associated data, or is not allowed to
            encrypt.
        :raises ~azure.core.exceptions.HttpResponseError: when the vault rejects the request.
        """
        return _run(self._steps.encrypting(plaintext, associated_data))

    def decrypt(self, data: bytes, associated_data: bytes) -> bytes:
        """Decrypt a data key with the version that encrypted it; without a header, with the client's.

        :raises ValueError: when the data is malformed or cannot be decrypted, or the key cannot bind associated data.
        :raises ~azure.core.exceptions.HttpResponseError: when the vault rejects the request.
        """
        Packed.parse(data)
        known = self._steps.known(data, associated_data)
        if known is not None:
            return known
        with self._lock.current:
            turn = self._turns.setdefault(name_of(data, associated_data), _Turn())
        with turn.lock.current:  # threads that need the same data key make one request together
            known = self._steps.known(data, associated_data)
            return known if known is not None else _run(self._steps.decrypting(data, associated_data))


class _Turn:
    """The right to ask for a data key, for one thread at a time."""

    def __init__(self) -> None:
        self.lock = ForkLock()


def _run(steps: Steps[R]) -> R:
    answer = None
    while True:
        try:
            step = steps.send(answer)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]
        answer = step()
