"""EC keys of a vault as ``cryptography``'s interfaces want them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec

from ..._frames import clears_locals
from ..._jwk import JsonWebKey
from ..._jwk.ec import CURVES
from .._local.algorithms import ALGORITHMS
from .base import INSTEAD_OF_BYTES, INSTEAD_OF_NUMBERS, NO_KEY_EXCHANGE, KeyObject, hash_of

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        KeySerializationEncryption,
        PrivateFormat,
        PublicFormat,
    )
    from cryptography.utils import Buffer

    from .._client import CryptographyClient

# Which algorithm signs with the keys of a curve, and with which hash.
_BY_CURVE = {row.curve: row for row in ALGORITHMS if row.curve is not None}


@clears_locals
class _EcKeyObject(KeyObject):
    """An EC key, whose curve has to be known: it decides which algorithm signs."""

    _family = "EC"

    def __init__(self, client: CryptographyClient, key_material: JsonWebKey | None = None) -> None:
        super().__init__(client, key_material)
        name = self._known().crv
        if name not in CURVES:
            raise ValueError(f"The key {client.key_id} is on a curve that is not known here: {name}")
        self._curve = CURVES[name]

    @property
    def curve(self) -> ec.EllipticCurve:
        """The curve of the key."""
        return self._curve.make()

    @property
    def key_size(self) -> int:
        """The size of the curve's order in bits."""
        return self.curve.key_size

    def _algorithm_for(self, scheme: ec.EllipticCurveSignatureAlgorithm) -> tuple[str, bool]:
        """Return the algorithm that a scheme stands for, and whether the data is hashed already."""
        if not isinstance(scheme, ec.ECDSA):
            raise UnsupportedAlgorithm(f"Key Vault signs with EC keys by ECDSA, not by {type(scheme).__name__}")
        hash_name, hashed = hash_of(scheme.algorithm)
        row = _BY_CURVE[self._curve.name]
        if row.hash_name != hash_name:
            raise UnsupportedAlgorithm(f"Key Vault signs with {self._curve.name} and {row.hash_name}, not {hash_name}")
        return row.name, hashed


@clears_locals
class KeyVaultECPrivateKey(_EcKeyObject, ec.EllipticCurvePrivateKey):
    """An EC private key of a vault, as an ``EllipticCurvePrivateKey`` of ``cryptography``.

    It is made by :meth:`CryptographyClient.create_ec_private_key`. What Key Vault cannot do as it is asked raises
    ``UnsupportedAlgorithm``: another hash than the one that goes with the curve (SHA-256 with P-256 and P-256K, SHA-384
    with P-384, SHA-512 with P-521), deterministic signatures, key exchange. The client's errors are raised as they are.

    :param client: the client of the key, which does what needs it.
    :param key_material: what is known of the key; None when it may not be read.
    :raises ValueError: when the key has a different type, or its curve is not known.
    """

    def public_key(self) -> KeyVaultECPublicKey:
        """Return the public key, which works through the same client."""
        return KeyVaultECPublicKey(self._client, self._material)

    def sign(self, data: Buffer, signature_algorithm: ec.EllipticCurveSignatureAlgorithm) -> bytes:
        """Sign data.

        :param data: the data, or its digest when the hash is ``Prehashed``.
        :param signature_algorithm: ``ECDSA`` with the hash that goes with the curve, or ``Prehashed`` with it.
        :returns: the signature in DER.
        :raises ~cryptography.exceptions.UnsupportedAlgorithm: when Key Vault does not sign like that.
        """
        name, hashed = self._algorithm_for(signature_algorithm)
        if getattr(signature_algorithm, "deterministic_signing", False):
            raise UnsupportedAlgorithm("Key Vault does not sign deterministically (RFC 6979)")
        return self._sign(name, data, hashed).to_der()

    def exchange(self, algorithm: ec.ECDH, peer_public_key: ec.EllipticCurvePublicKey) -> NoReturn:
        """Not possible: Key Vault has no key exchange.

        :param algorithm: not used.
        :param peer_public_key: not used.
        :returns: never.
        :raises ~cryptography.exceptions.UnsupportedAlgorithm: always.
        """
        raise UnsupportedAlgorithm(NO_KEY_EXCHANGE)

    def private_numbers(self) -> ec.EllipticCurvePrivateNumbers:
        """Return the numbers of a private key that is here.

        :returns: the numbers.
        :raises ValueError: when it is in the vault, which never gives it away; the text says what to do instead.
        """
        instead = INSTEAD_OF_NUMBERS.format(methods="sign() signs")
        return self._private_or(instead).private_numbers()  # type: ignore[no-any-return]

    def private_bytes(
        self, encoding: Encoding, format: PrivateFormat, encryption_algorithm: KeySerializationEncryption
    ) -> bytes:
        """Serialise a private key that is here.

        :param encoding: of ``cryptography``: PEM or DER.
        :param format: of ``cryptography``: PKCS#8, for instance.
        :param encryption_algorithm: of ``cryptography``: how to encrypt it.
        :returns: the key.
        :raises ValueError: when it is in the vault, which never gives it away; the text says what to do instead.
        """
        private_key = self._private_or(INSTEAD_OF_BYTES)
        return private_key.private_bytes(encoding, format, encryption_algorithm)  # type: ignore[no-any-return]


@clears_locals
class KeyVaultECPublicKey(_EcKeyObject, ec.EllipticCurvePublicKey):
    """An EC public key of a vault, as an ``EllipticCurvePublicKey`` of ``cryptography``.

    It is made by :meth:`CryptographyClient.create_ec_public_key`, and equal to any EC public key with the same numbers.

    :param client: the client of the key, which does what needs it.
    :param key_material: what is known of the key; None when it may not be read.
    :raises ValueError: when the key has a different type, or its curve is not known.
    """

    def __eq__(self, other: object) -> bool:
        if isinstance(other, JsonWebKey):
            return self._is_in(other)
        if not isinstance(other, ec.EllipticCurvePublicKey):
            return NotImplemented
        return bool(self.public_numbers() == other.public_numbers())

    def verify(self, signature: Buffer, data: Buffer, signature_algorithm: ec.EllipticCurveSignatureAlgorithm) -> None:
        """Verify a signature.

        :param signature: the signature in DER.
        :param data: the data, or its digest when the hash is ``Prehashed``.
        :param signature_algorithm: ``ECDSA`` with the hash that goes with the curve, or ``Prehashed`` with it.
        :raises ~cryptography.exceptions.InvalidSignature: when the signature is not valid.
        :raises ~cryptography.exceptions.UnsupportedAlgorithm: when Key Vault does not verify like that.
        """
        name, hashed = self._algorithm_for(signature_algorithm)
        self._verify(name, signature, data, hashed, "der")

    def public_numbers(self) -> ec.EllipticCurvePublicNumbers:
        """Return the coordinates of the point."""
        return self._public.public_numbers()  # type: ignore[no-any-return]

    def public_bytes(self, encoding: Encoding, format: PublicFormat) -> bytes:
        """Serialise the public key.

        :param encoding: of ``cryptography``: PEM, DER or X962.
        :param format: of ``cryptography``: SubjectPublicKeyInfo, for instance.
        :returns: the key.
        """
        return self._public.public_bytes(encoding, format)  # type: ignore[no-any-return]
