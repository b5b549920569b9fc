"""What the key objects for ``cryptography`` share: a client that does the work, and the key's material."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, ClassVar

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import HashAlgorithm

from ..._compatibility import digest_of_prehashed
from ..._display import tolerant
from ..._frames import clears_locals
from ..._jwk import family_of
from ..._lazy import lazy_property
from .._local.checks import as_bytes
from .._signatures import Encoding

if TYPE_CHECKING:
    from typing_extensions import Self

    from ..._jwk import JsonWebKey
    from .._client import CryptographyClient
    from .._results import SignResult


# What to do instead of asking for what the vault never returns.
INSTEAD_OF_NUMBERS = "Its public numbers are in public_key().public_numbers(), and {methods} in the vault"
INSTEAD_OF_BYTES = (
    "Its public part is in public_key().public_bytes(). Give this object itself to what takes a private key of "
    "cryptography; for SSH there is the agent azure.keyvault.keys.ssh_agent, and KeyClient.backup_key backs the key up"
)
NO_KEY_EXCHANGE = (
    "Key Vault has no key exchange: to agree on a secret, have the other side encrypt it for an RSA key of the vault "
    "(RSA-OAEP-256), or exchange keys that are generated locally and sign them with this one"
)


@clears_locals
class KeyObject:
    """A key of ``cryptography`` whose private part is in a vault.

    :param client: the client that performs the operations.
    :param key_material: the key; None when it may not be read.
    :raises ValueError: when the key has a different type.
    """

    _family: ClassVar[str]

    def __init__(self, client: CryptographyClient, key_material: JsonWebKey | None = None) -> None:
        if key_material is not None and family_of(key_material.kty) != self._family:
            kty = str.__str__(key_material.kty or "unknown")
            raise ValueError(f"The key {client.key_id} is of type {kty}, and this is for {self._family} keys")
        self._client = client
        self._material = copy.copy(key_material)

    @tolerant
    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._client.key_id}>"

    # Neither the key nor its known material changes, so the object is its own copy.
    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def __reduce__(self) -> Any:
        return type(self), (self._client._of_known_version(), self._material)

    def _known(self) -> JsonWebKey:
        if self._material is None:
            raise ValueError(
                f"The public part of the key {self._client.key_id} is not known: it may not be read (keys/get)"
            )
        return self._material

    def _is_in(self, jwk: JsonWebKey) -> bool:
        """Return whether a JSON Web Key has the same public key."""
        if family_of(jwk.kty) != self._family or self._material is None:
            return False
        try:
            other: Any = jwk.to_cryptography()
        except ValueError:  # it is broken
            return False
        return bool(other.public_numbers() == self._public.public_numbers())

    @lazy_property
    def _public(self) -> Any:
        """The public key as one of ``cryptography``'s own objects."""
        return self._known().to_cryptography()

    @lazy_property
    def _private(self) -> Any:
        """The private key as one of ``cryptography``'s own objects."""
        return self._known().to_cryptography(private=True)

    def _private_or(self, instead: str) -> Any:
        """Return the private key as one of ``cryptography``'s own objects.

        :param instead: what to do when the private key is in the vault.
        :raises ValueError: when the private key is in the vault.
        """
        if not self._known()._has_private():
            raise ValueError(
                f"The private part of the key {self._client.key_id} is not here: it stays in the vault. {instead}"
            )
        return self._private

    def _sign(self, algorithm: str, data: object, hashed: bool) -> SignResult:
        content = as_bytes("data", data)
        return (self._client.sign if hashed else self._client.sign_data)(algorithm, content)

    def _verify(self, algorithm: str, signature: object, data: object, hashed: bool, encoding: Encoding) -> None:
        content, given = as_bytes("data", data), as_bytes("signature", signature)
        verify = self._client.verify if hashed else self._client.verify_data
        if not verify(algorithm, content, given, encoding=encoding).is_valid:
            raise InvalidSignature


def hash_of(algorithm: object) -> tuple[str, bool]:
    """Return the name of the hash that a caller of ``cryptography`` asks for, and whether the data is already hashed.

    :raises ~cryptography.exceptions.UnsupportedAlgorithm: when it is not a hash.
    """
    hashed = isinstance(algorithm, Prehashed)
    if hashed:
        algorithm = digest_of_prehashed(algorithm)
    if not isinstance(algorithm, HashAlgorithm):
        raise UnsupportedAlgorithm(f"Key Vault signs hashes, and {type(algorithm).__name__} is not a hash")
    return algorithm.name, hashed
