"""The steps of encrypting and decrypting a data key, written once for sync and async.

A step is a call of a client's method. Whoever runs the steps makes the call, awaits it in asyncio, and sends its result
back.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from .._models import KeyVaultKeyIdentifier
from ..crypto import EncryptionAlgorithm, EncryptResult, KeyWrapAlgorithm
from .packed import Packed, name_of
from .recent import RecentKeys

if TYPE_CHECKING:
    from typing import TypeAlias

    from ..crypto import CryptographyClient
    from ..crypto import aio as crypto_aio

    Client: TypeAlias = CryptographyClient | crypto_aio.CryptographyClient

R = TypeVar("R")
#: The calls that lead to a result.
Steps = Generator[Callable[[], Any], Any, R]

_VERSION = re.compile(r"[0-9a-f]{32}")
_NONCE, _TAG = 12, 16


class CipherSteps:
    """The steps of encrypting and decrypting data keys with one key of a vault, and the cache that they share.

    :param client: the client of the key.
    :param algorithm: how to encrypt. Default: RSA-OAEP-256 for an RSA key, A256GCM for a symmetric one.
    :param cache_size: how many decrypted data keys are cached.
    :param cache_lifetime: for how many seconds they are cached.
    :raises ValueError: when the algorithm is not one of these, or a limit is negative.
    """

    def __init__(
        self,
        client: Client,
        algorithm: EncryptionAlgorithm | KeyWrapAlgorithm | str | None,
        cache_size: int,
        cache_lifetime: float,
    ) -> None:
        if cache_size < 0 or cache_lifetime < 0:
            raise ValueError("cache_size and cache_lifetime must not be negative")
        self._client = client
        self._given = algorithm
        self._fixed = _fixed(algorithm)
        self._recent = RecentKeys(cache_size, cache_lifetime)

    def known(self, data: bytes, associated_data: bytes) -> bytes | None:
        """Return a data key that is cached; None when it is not."""
        return self._recent.get(name_of(data, associated_data))

    def encrypting(self, plaintext: bytes, associated_data: bytes) -> Steps[bytes]:
        """Encrypt a data key under the newest known version.

        :raises ValueError: when the key cannot bind associated data, or has no version.
        """
        client = self._client
        algorithm = yield from self._algorithm_of(client, associated_data)
        if isinstance(algorithm, KeyWrapAlgorithm):
            result = yield partial(client.wrap_key, algorithm, plaintext)
            body = result.encrypted_key
        elif algorithm is EncryptionAlgorithm.rsa_oaep_256:
            result = yield partial(client.encrypt, algorithm, plaintext)
            body = result.ciphertext
        else:
            result = yield partial(
                client.encrypt, algorithm, plaintext, additional_authenticated_data=associated_data or None
            )
            body = _joined(result)
        data = bytes(Packed(_version_of(result.key_id), body))
        self._recent.put(name_of(data, associated_data), plaintext)
        return data

    def decrypting(self, data: bytes, associated_data: bytes) -> Steps[bytes]:
        """Decrypt a data key with the version that encrypted it; without a header, with the client's.

        :raises ValueError: when the data is malformed, or the key cannot bind associated data.
        """
        packed = Packed.parse(data)
        client = self._client_of(packed.version)
        algorithm = yield from self._algorithm_of(client, associated_data)
        key: bytes
        if isinstance(algorithm, KeyWrapAlgorithm):
            key = (yield partial(client.unwrap_key, algorithm, packed.body)).key
        elif algorithm is EncryptionAlgorithm.rsa_oaep_256:
            key = (yield partial(client.decrypt, algorithm, packed.body)).plaintext
        elif len(packed.body) < _NONCE + _TAG:
            raise ValueError("the encrypted data is too short for AES-GCM")
        else:
            decrypt = partial(
                client.decrypt,
                algorithm,
                packed.body[_NONCE:-_TAG],
                iv=packed.body[:_NONCE],
                authentication_tag=packed.body[-_TAG:],
                additional_authenticated_data=associated_data or None,
            )
            key = (yield decrypt).plaintext
        self._recent.put(name_of(data, associated_data), key)
        return key

    def _client_of(self, version: str | None) -> Client:
        """Return a client of a version of this key: the vault and the name are never taken from the data."""
        state = self._client._state
        if version is None or (state.identifier is not None and state.version == version):
            return self._client
        if state.identifier is None:
            raise ValueError("the encrypted data names a version of a key, and this client's key is in no vault")
        return self._client._of_version(version)

    def _algorithm_of(self, client: Client, associated_data: bytes) -> Steps[EncryptionAlgorithm | KeyWrapAlgorithm]:
        algorithm = self._fixed or (yield from _for_key(client, self._given))
        if associated_data and algorithm not in _AUTHENTICATED:
            raise ValueError(
                "An RSA key cannot bind associated data to what it encrypts; a symmetric key in a Managed HSM can. "
                "In an envelope, associated data is bound by the data key: pass it there"
            )
        return algorithm


_AUTHENTICATED = (EncryptionAlgorithm.a128_gcm, EncryptionAlgorithm.a192_gcm, EncryptionAlgorithm.a256_gcm)


def _fixed(
    algorithm: EncryptionAlgorithm | KeyWrapAlgorithm | str | None,
) -> EncryptionAlgorithm | KeyWrapAlgorithm | None:
    """Return the algorithm that the caller chose; None when it depends on the key."""
    if algorithm is None:
        return None
    if isinstance(algorithm, (EncryptionAlgorithm, KeyWrapAlgorithm)):
        if algorithm in (*_AUTHENTICATED, EncryptionAlgorithm.rsa_oaep_256, KeyWrapAlgorithm.rsa_oaep_256):
            return algorithm
    elif algorithm == EncryptionAlgorithm.rsa_oaep_256.value:
        return None  # its two operations produce the same data, and the key tells which of them it allows
    elif any(algorithm == one.value for one in _AUTHENTICATED):
        return EncryptionAlgorithm(algorithm)
    raise ValueError(
        f"data keys are encrypted with RSA-OAEP-256, or with A128GCM, A192GCM or A256GCM, not {algorithm!r}"
    )


def _for_key(client: Client, given: object) -> Steps[EncryptionAlgorithm | KeyWrapAlgorithm]:
    """Return the algorithm for the key of a client.

    RSA-OAEP-256 has two operations with the same result, and a key need not allow both.
    """
    if client._state.facts is None:
        yield partial(client._get_key, {})
    material = client._state.material
    if material is None:  # the caller may not read the key
        return KeyWrapAlgorithm.rsa_oaep_256
    kind = str(material.kty or "").upper().removesuffix("-HSM")
    operations = material.key_ops
    if kind == "RSA":
        wraps = operations is None or "wrapKey" in operations or "unwrapKey" in operations
        return KeyWrapAlgorithm.rsa_oaep_256 if wraps else EncryptionAlgorithm.rsa_oaep_256
    if kind == "OCT" and given is None:
        return EncryptionAlgorithm.a256_gcm
    raise ValueError(f"a key of type {material.kty} cannot encrypt data keys{f' with {given}' if given else ''}")


def _joined(result: EncryptResult) -> bytes:
    """Join nonce, ciphertext and tag in the order of Tink's AES-GCM."""
    nonce, tag = result.iv or b"", result.tag or b""
    if not any(nonce[_NONCE:]):  # some HSMs return 16 bytes, the last four of them zero, and accept 12
        nonce = nonce[:_NONCE]
    if len(nonce) != _NONCE or len(tag) != _TAG:
        raise ValueError("the vault did not return the nonce of 12 bytes and the tag of 16 bytes that AES-GCM needs")
    return nonce + result.ciphertext + tag


def _version_of(key_id: str | None) -> str:
    identifier = KeyVaultKeyIdentifier.try_parse(key_id) if key_id else None
    version = identifier.version if identifier else None
    if version is None or not _VERSION.fullmatch(version):
        raise ValueError(f"the key {key_id} has no version of 32 hex digits, which is needed to decrypt its data later")
    return version
