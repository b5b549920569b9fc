"""RSA keys in a vault that implement ``cryptography``'s interfaces."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP, PSS, AsymmetricPadding, PKCS1v15

from ..._compatibility import digest_of_mask, label_of, salt_length_of
from ..._frames import clears_locals
from ..._jwk import JsonWebKey
from .._enums import EncryptionAlgorithm, SignatureAlgorithm
from .._local.algorithms import ALGORITHMS
from .._local.algorithms import signature as signature_row
from .base import INSTEAD_OF_BYTES, INSTEAD_OF_NUMBERS, KeyObject, hash_of

if TYPE_CHECKING:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric.utils import NoDigestInfo, Prehashed
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        KeySerializationEncryption,
        PrivateFormat,
        PublicFormat,
    )

#: The signature and the encryption algorithms, by padding and hash.
_SIGNATURES = {
    (row.padding, row.hash_name): SignatureAlgorithm(row.name)
    for row in ALGORITHMS
    if row.family == "RSA" and row.kind == "signature"
}
_ENCRYPTIONS = {
    (row.padding, row.hash_name): EncryptionAlgorithm(row.name)
    for row in ALGORITHMS
    if row.family == "RSA" and row.kind == "encryption"
}


@clears_locals
class KeyVaultRSAPrivateKey(KeyObject, rsa.RSAPrivateKey):
    """An RSA private key of a vault, as an ``RSAPrivateKey`` of ``cryptography``.

    Call :meth:`CryptographyClient.create_rsa_private_key` to get one. Whatever Key Vault does not support raises
    ``UnsupportedAlgorithm``: hashes other than SHA-256, SHA-384 and SHA-512, a PSS salt that is not as long as the
    hash, MGF1 with a different hash, and OAEP labels. The client's errors are raised unchanged.

    :param client: the client of the key, which performs the operations.
    :param key_material: the known key material; None when the key may not be read.
    :raises ValueError: when the key has a different type.
    """

    _family = "RSA"

    @property
    def key_size(self) -> int:
        """The size of the modulus in bits.

        :raises ValueError: when the caller may not read the key.
        """
        return self._public.key_size  # type: ignore[no-any-return]

    def public_key(self) -> KeyVaultRSAPublicKey:
        """Return the public key, which works through the same client."""
        return KeyVaultRSAPublicKey(self._client, self._material)

    def sign(
        self,
        data: bytes,
        padding: AsymmetricPadding,
        algorithm: Prehashed | hashes.HashAlgorithm | NoDigestInfo,
    ) -> bytes:
        """Sign data.

        :param data: the data, or its digest when the algorithm is ``Prehashed``.
        :param padding: ``PKCS1v15()``, or ``PSS`` with ``PSS.DIGEST_LENGTH`` (or just that length) and MGF1 with the
            same hash.
        :param algorithm: SHA-256, SHA-384 or SHA-512, or ``Prehashed`` with one of them.
        :returns: the signature.
        :raises ~cryptography.exceptions.UnsupportedAlgorithm: when Key Vault does not support this kind of signature.
        """
        name, hashed = _signature_algorithm(padding, algorithm, automatic=False)
        return self._sign(name, data, hashed).signature

    def decrypt(self, ciphertext: bytes, padding: AsymmetricPadding) -> bytes:
        """Decrypt.

        :param ciphertext: the encrypted data.
        :param padding: ``PKCS1v15()``, or ``OAEP`` with SHA-1 or SHA-256, MGF1 with the same hash and no label.
        :returns: the plaintext.
        :raises ~cryptography.exceptions.UnsupportedAlgorithm: when Key Vault does not support this kind of decryption.
        :raises ValueError: when it cannot be decrypted.
        """
        return self._client.decrypt(_encryption_algorithm(padding), ciphertext).plaintext

    def private_numbers(self) -> rsa.RSAPrivateNumbers:
        """Return the numbers of a private key that the client holds.

        :raises ValueError: when it is in the vault, which never returns it; the message says what to do instead.
        """
        instead = INSTEAD_OF_NUMBERS.format(methods="sign() and decrypt() work")
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

    def signer(self, padding: AsymmetricPadding, algorithm: hashes.HashAlgorithm) -> NoReturn:
        """Not implemented: ``cryptography`` removed this method, but 4.x had it.

        :param padding: not used.
        :param algorithm: not used.
        :returns: never.
        :raises NotImplementedError: always.
        """
        raise NotImplementedError("cryptography removed signer(): use sign()")


@clears_locals
class KeyVaultRSAPublicKey(KeyObject, rsa.RSAPublicKey):
    """An RSA public key of a vault, as an ``RSAPublicKey`` of ``cryptography``.

    Call :meth:`CryptographyClient.create_rsa_public_key` to get one. It is equal to any RSA public key or JSON Web Key
    with the same numbers. Whatever Key Vault does not support raises ``UnsupportedAlgorithm``, even if ``cryptography``
    supports it: the vault can decrypt everything that this object encrypts.

    :param client: the client of the key, which performs the operations.
    :param key_material: the known key material; None when the key may not be read.
    :raises ValueError: when the key has a different type.
    """

    _family = "RSA"

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if isinstance(other, JsonWebKey):
            return self._is_in(other)
        if not isinstance(other, rsa.RSAPublicKey):
            return NotImplemented
        try:
            return bool(self.public_numbers() == other.public_numbers())
        except ValueError:  # one of them may not be read
            return False

    @property
    def key_size(self) -> int:
        """The size of the modulus in bits.

        :raises ValueError: when the caller may not read the key.
        """
        return self._public.key_size  # type: ignore[no-any-return]

    def encrypt(self, plaintext: bytes, padding: AsymmetricPadding) -> bytes:
        """Encrypt.

        :param plaintext: the data.
        :param padding: ``PKCS1v15()``, or ``OAEP`` with SHA-1 or SHA-256, MGF1 with the same hash and no label.
        :returns: the encrypted data.
        :raises ~cryptography.exceptions.UnsupportedAlgorithm: when Key Vault does not support this kind of encryption.
        :raises ValueError: when the data is too long.
        """
        return self._client.encrypt(_encryption_algorithm(padding), plaintext).ciphertext

    def verify(
        self,
        signature: bytes,
        data: bytes,
        padding: AsymmetricPadding,
        algorithm: Prehashed | hashes.HashAlgorithm,
    ) -> None:
        """Verify a signature.

        :param signature: the signature.
        :param data: the data, or its digest when the algorithm is ``Prehashed``.
        :param padding: ``PKCS1v15()``, or ``PSS`` with MGF1 with the same hash and a salt as long as the hash.
            ``PSS.AUTO`` also means that length, the only one that Key Vault supports.
        :param algorithm: SHA-256, SHA-384 or SHA-512, or ``Prehashed`` with one of them.
        :raises ~cryptography.exceptions.InvalidSignature: when the signature is not valid.
        :raises ~cryptography.exceptions.UnsupportedAlgorithm: when Key Vault does not support this kind of signature.
        """
        name, hashed = _signature_algorithm(padding, algorithm, automatic=True)
        self._verify(name, signature, data, hashed, "jose")

    def public_numbers(self) -> rsa.RSAPublicNumbers:
        """Return modulus and public exponent.

        :raises ValueError: when the caller may not read the key.
        """
        return self._public.public_numbers()  # type: ignore[no-any-return]

    def public_bytes(self, encoding: Encoding, format: PublicFormat) -> bytes:
        """Serialize the public key.

        :param encoding: an ``Encoding`` of ``cryptography``: PEM or DER.
        :param format: a ``PublicFormat`` of ``cryptography``, for example SubjectPublicKeyInfo.
        :returns: the key.
        :raises ValueError: when the caller may not read the key.
        """
        return self._public.public_bytes(encoding, format)  # type: ignore[no-any-return]

    def recover_data_from_signature(
        self,
        signature: bytes,
        padding: AsymmetricPadding,
        algorithm: hashes.HashAlgorithm | NoDigestInfo | None,
    ) -> bytes:
        """Recover what was signed with PKCS#1 v1.5. Key Vault has no such operation: it runs in this process.

        :param signature: the signature.
        :param padding: ``PKCS1v15()``.
        :param algorithm: the hash; None leaves its identifier in what is returned.
        :returns: what was signed: the digest.
        :raises ~cryptography.exceptions.InvalidSignature: when the signature is not valid.
        :raises ~cryptography.exceptions.UnsupportedAlgorithm: when the client is for operations in the vault only.
        :raises ValueError: when the key may not be read, or does not allow verifying.
        """
        public = self._public
        if self._client._state.local_for("verify", signature_row("RS256")) is None:
            raise UnsupportedAlgorithm("Key Vault does not recover data from signatures, and may not be passed over")
        return public.recover_data_from_signature(signature, padding, algorithm)  # type: ignore[no-any-return]

    def verifier(self, signature: bytes, padding: AsymmetricPadding, algorithm: hashes.HashAlgorithm) -> NoReturn:
        """Not implemented: ``cryptography`` removed this method, but 4.x had it.

        :param signature: not used.
        :param padding: not used.
        :param algorithm: not used.
        :returns: never.
        :raises NotImplementedError: always.
        """
        raise NotImplementedError("cryptography removed verifier(): use verify()")


def _signature_algorithm(
    padding: AsymmetricPadding, algorithm: object, *, automatic: bool
) -> tuple[SignatureAlgorithm, bool]:
    """Return the algorithm that a padding and a hash stand for, and whether the data is hashed already.

    :param automatic: whether a salt of any length may be asked for.
    """
    hash_name, hashed = hash_of(algorithm)
    if not isinstance(padding, (PKCS1v15, PSS)):
        raise _unsupported_padding(padding)
    name = _SIGNATURES.get(("PSS" if isinstance(padding, PSS) else "PKCS1", hash_name))
    if name is None:
        raise UnsupportedAlgorithm(f"Key Vault signs with RSA and SHA-256, SHA-384 or SHA-512, not {hash_name}")
    if isinstance(padding, PSS):
        _check_mask(padding, hash_name)
        _check_salt(padding, signature_row(name).digest_size, automatic)
    return name, hashed


def _check_salt(padding: PSS, digest_size: int | None, automatic: bool) -> None:
    salt = salt_length_of(padding)
    # By type, as cryptography looks at them: securesystemslib hands over copies.
    is_automatic = automatic and isinstance(salt, type(PSS.AUTO))
    if isinstance(salt, type(PSS.DIGEST_LENGTH)) or salt == digest_size or is_automatic:
        return
    raise UnsupportedAlgorithm(f"Key Vault's PSS salts are as long as the hash: use PSS.DIGEST_LENGTH ({digest_size})")


def _encryption_algorithm(padding: AsymmetricPadding) -> EncryptionAlgorithm:
    """Return the algorithm that a padding stands for."""
    if isinstance(padding, PKCS1v15):
        return EncryptionAlgorithm.rsa1_5
    if not isinstance(padding, OAEP):
        raise _unsupported_padding(padding)
    hash_name = padding.algorithm.name
    name = _ENCRYPTIONS.get(("OAEP", hash_name))
    if name is None:
        raise UnsupportedAlgorithm(f"Key Vault has OAEP with SHA-1 and SHA-256, not with {hash_name}")
    _check_mask(padding, hash_name)
    # No label is the same as an empty one (RFC 8017 section 7.1.1).
    if label_of(padding):
        raise UnsupportedAlgorithm("Key Vault takes no OAEP label")
    return name


def _check_mask(padding: PSS | OAEP, hash_name: str) -> None:
    mask = padding.mgf
    if not isinstance(mask, MGF1) or getattr(digest_of_mask(mask), "name", None) != hash_name:
        raise UnsupportedAlgorithm(f"Key Vault uses MGF1 with the same hash, {hash_name}")


def _unsupported_padding(padding: object) -> Exception:
    if isinstance(padding, AsymmetricPadding):
        return UnsupportedAlgorithm(f"Key Vault does not have the padding {padding.name}")
    return TypeError(f"'padding' must be a padding of cryptography, not {type(padding).__name__}")
