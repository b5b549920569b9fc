"""EC keys in a vault that implement ``cryptography``'s interfaces."""

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

# The signature algorithm and hash for the keys of each curve.
_BY_CURVE = {row.curve: row for row in ALGORITHMS if row.curve is not None}


@clears_locals
class _EcKeyObject(KeyObject):
    """An EC key. Its curve must be known, because it determines the signature algorithm."""

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
        """Return the algorithm for a scheme, and whether the data is already hashed."""
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

    Call :meth:`CryptographyClient.create_ec_private_key` to get one. Whatever Key Vault does not support raises
    ``UnsupportedAlgorithm``: a hash other than the curve's own (SHA-256 for P-256 and P-256K, SHA-384 for P-384,
    SHA-512 for P-521), deterministic signatures, and key exchange. The client's errors are raised unchanged.

    :param client: the client of the key, which performs the operations.
    :param key_material: the known key material; None when the key may not be read.
    :raises ValueError: when the key has a different type, or its curve is not known.
    """

    def public_key(self) -> KeyVaultECPublicKey:
        """Return the public key, which works through the same client."""
        return KeyVaultECPublicKey(self._client, self._material)

    def sign(self, data: Buffer, signature_algorithm: ec.EllipticCurveSignatureAlgorithm) -> bytes:
        """Sign data.

        :param data: the data, or its digest when the hash is ``Prehashed``.
        :param signature_algorithm: ``ECDSA`` with the curve's hash, or with ``Prehashed`` of it.
        :returns: the signature in DER.
        :raises ~cryptography.exceptions.UnsupportedAlgorithm: when Key Vault does not support this kind of signature.
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
        """Return the numbers of a private key that the client holds.

        :returns: the numbers.
        :raises ValueError: when it is in the vault, which never returns it; the message says what to do instead.
        """
        instead = INSTEAD_OF_NUMBERS.format(methods="sign() signs")
        return self._private_or(instead).private_numbers()  # type: ignore[no-any-return]

    def private_bytes(
        self, encoding: Encoding, format: PrivateFormat, encryption_algorithm: KeySerializationEncryption
    ) -> bytes:
        """Serialize a private key that the client holds.

        :param encoding: an ``Encoding`` of ``cryptography``: PEM or DER.
        :param format: a ``PrivateFormat`` of ``cryptography``, for example PKCS#8.
        :param encryption_algorithm: a ``KeySerializationEncryption`` of ``cryptography``.
        :returns: the key.
        :raises ValueError: when it is in the vault, which never returns it; the message says what to do instead.
        """
        private_key = self._private_or(INSTEAD_OF_BYTES)
        return private_key.private_bytes(encoding, format, encryption_algorithm)  # type: ignore[no-any-return]


@clears_locals
class KeyVaultECPublicKey(_EcKeyObject, ec.EllipticCurvePublicKey):
    """An EC public key of a vault, as an ``EllipticCurvePublicKey`` of ``cryptography``.

    Call :meth:`CryptographyClient.create_ec_public_key` to get one. It is equal to any EC public key with the same
    numbers.

    :param client: the client of the key, which performs the operations.
    :param key_material: the known key material; None when the key may not be read.
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
        :param signature_algorithm: ``ECDSA`` with the curve's hash, or with ``Prehashed`` of it.
        :raises ~cryptography.exceptions.InvalidSignature: when the signature is not valid.
        :raises ~cryptography.exceptions.UnsupportedAlgorithm: when Key Vault does not support this kind of signature.
        """
        name, hashed = self._algorithm_for(signature_algorithm)
        self._verify(name, signature, data, hashed, "der")

    def public_numbers(self) -> ec.EllipticCurvePublicNumbers:
        """Return the coordinates of the point."""
        return self._public.public_numbers()  # type: ignore[no-any-return]

    def public_bytes(self, encoding: Encoding, format: PublicFormat) -> bytes:
        """Serialize the public key.

        :param encoding: an ``Encoding`` of ``cryptography``: PEM, DER or X962.
        :param format: a ``PublicFormat`` of ``cryptography``, for example SubjectPublicKeyInfo.
        :returns: the key.
        """
        return self._public.public_bytes(encoding, format)  # type: ignore[no-any-return]
