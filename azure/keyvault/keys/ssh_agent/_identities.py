"""Keys in a vault, in the form that an SSH agent needs."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, NamedTuple

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from .._jwk import family_of
from . import _protocol

if TYPE_CHECKING:
    from .. import KeyClient
    from .._models import KeyVaultKey
    from ..crypto import CryptographyClient


class Scheme(NamedTuple):
    """How a key signs in SSH.

    :ivar name: of the signature algorithm in SSH.
    :ivar algorithm: of the same in the vault.
    :ivar encoded: writes a signature of the vault as SSH wants it.
    """

    name: str
    algorithm: str
    encoded: Callable[[bytes], bytes]


def _pair_of_numbers(signature: bytes) -> bytes:
    """Write r and s (RFC 5656 section 3.1.2)."""
    half = len(signature) // 2
    return _protocol.mpint(signature[:half]) + _protocol.mpint(signature[half:])


_SHA2_256 = Scheme("rsa-sha2-256", "RS256", bytes)
# RFC 8332: by the flags of a request. Without a flag it would be SHA-1, which no vault signs. A signature names its
# algorithm, so clients that take any, as "ssh-add -T" of OpenSSH 9.2, are served, and others refuse it.
_RSA = {
    0: _SHA2_256,
    2: _SHA2_256,
    4: Scheme("rsa-sha2-512", "RS512", bytes),
    2 | 4: _SHA2_256,
}
# RFC 5656: by the curve.
_EC = {
    "P-256": Scheme("ecdsa-sha2-nistp256", "ES256", _pair_of_numbers),
    "P-384": Scheme("ecdsa-sha2-nistp384", "ES384", _pair_of_numbers),
    "P-521": Scheme("ecdsa-sha2-nistp521", "ES512", _pair_of_numbers),
}


class Identity:
    """One version of a key.

    :param key: the key.
    :param crypto: the client that signs with it.
    :raises ValueError: when SSH has no such keys, or the key does not sign.
    """

    def __init__(self, key: KeyVaultKey, crypto: CryptographyClient) -> None:
        jwk = key.key
        self.comment = key.id
        self._crypto = crypto
        self._curve = None if family_of(jwk.kty) == "RSA" else str.__str__(jwk.crv or "")
        if self._curve is not None and (family_of(jwk.kty) != "EC" or self._curve not in _EC):
            what = f"{jwk.kty} {self._curve}".strip()
            raise ValueError(f"The key {key.id} is {what}: an SSH agent has RSA, P-256, P-384 and P-521 keys")
        if "sign" not in (jwk.key_ops or ()):
            raise ValueError(f'The key {key.id} does not sign: "sign" is not among its key_ops')
        self.line = jwk.to_cryptography().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode("ascii")
        self.blob = b64decode(self.line.split()[1])

    def scheme_for(self, flags: int) -> Scheme | None:
        """Return how to sign for a request; None when the vault does not support it."""
        if self._curve is not None:
            return _EC[self._curve]
        return _RSA.get(flags)

    def signed(self, scheme: Scheme, data: bytes, timeout: float) -> bytes:
        """Sign in the vault, and return the signature in SSH's form."""
        return scheme.encoded(self._crypto.sign_data(scheme.algorithm, data, timeout=timeout).signature)


def identities_of(client: KeyClient, names: Iterable[str]) -> list[Identity]:
    """Get keys of a vault.

    :param names: ``NAME``, ``NAME/VERSION`` or identifiers.
    """
    found = []
    for name in names:
        key = client.get_key(name) if "://" in name else client.get_key(*name.split("/", 1))
        found.append(Identity(key, client.get_cryptography_client(key)))
    return found
