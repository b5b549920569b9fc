"""What the cryptographic operations return. Reprs show names and sizes, never data, which may be secret."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

from .._display import table, tolerant
from .._frames import clears_locals
from ._enums import EncryptionAlgorithm, KeySecureWrapAlgorithm, KeyWrapAlgorithm, SignatureAlgorithm
from ._storable import restored, stored

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey, EllipticCurvePublicKey
    from typing_extensions import Self

    from .._jwk import JsonWebKey
    from .._models import KeyVaultKey

Performed = Literal["local", "remote"]
_Algorithm = TypeVar("_Algorithm")


class _Result(Generic[_Algorithm]):
    """What every result says: which key and algorithm produced it, and where."""

    # No __slots__: azure-cli prints what it finds in __dict__.
    key_id: str | None
    algorithm: _Algorithm
    performed: Performed

    def _details(self) -> str:
        return ""

    def _repr_html_(self) -> str:
        # Show only the size of data: a plaintext must not appear on a screen.
        members = ((name.strip("_"), value) for name, value in vars(self).items() if value is not None)
        rows = [(name, f"{len(value)} bytes" if isinstance(value, bytes) else str(value)) for name, value in members]
        return table(rows, caption=type(self).__name__)

    @tolerant
    def __repr__(self) -> str:
        algorithm = getattr(self.algorithm, "value", self.algorithm)
        return (
            f"{type(self).__name__}(key_id={self.key_id!r}, algorithm={algorithm!r}, "
            f"performed={self.performed!r}{self._details()})"
        )


@clears_locals
class EncryptResult(_Result[EncryptionAlgorithm]):
    """The result of an encryption (``POST /keys/{name}/{version}/encrypt``, or here).

    :ivar key_id: the full identifier of the key version, which decryption needs; ``None`` for a key without one.
    :ivar algorithm: the algorithm that was used.
    :ivar ciphertext: the encrypted bytes.
    :ivar iv: the initialization vector, for algorithms that use one.
    :ivar tag: the authentication tag, for authenticated algorithms; also available as ``authentication_tag``.
    :ivar aad: the data that was authenticated but not encrypted; also available as ``additional_authenticated_data``.
    :ivar performed: ``"local"`` or ``"remote"``, where the operation ran.
    """

    def __init__(
        self,
        key_id: str | None,
        algorithm: EncryptionAlgorithm,
        ciphertext: bytes,
        *,
        iv: bytes | None = None,
        authentication_tag: bytes | None = None,
        additional_authenticated_data: bytes | None = None,
        performed: Performed = "remote",
    ) -> None:
        self.key_id = key_id
        self.algorithm = algorithm
        self.ciphertext = ciphertext
        self.iv = iv
        self.tag = authentication_tag
        self.aad = additional_authenticated_data
        self.performed = performed

    @property
    def authentication_tag(self) -> bytes | None:
        """The authentication tag, under the name of decrypt's parameter."""
        return self.tag

    @property
    def additional_authenticated_data(self) -> bytes | None:
        """The authenticated data, under the name of decrypt's parameter."""
        return self.aad

    def to_dict(self) -> dict[str, str]:
        """Return what decryption needs, ready to be stored as JSON.

        :returns: ``kid``, ``alg``, ``ciphertext``, ``iv``, ``tag`` and ``aad``. Binary members are base64url text
            (RFC 7515), and members without a value are left out.
        """
        return stored(self)

    @classmethod
    def from_dict(cls, members: Mapping[str, Any]) -> Self:
        """Recreate a result from the members that :meth:`to_dict` returned.

        Anyone who can write to the store can choose the members, so protect the store accordingly. Where the operation
        ran is not stored: ``performed`` of the new result is ``"remote"``.

        :param members: the members. Members that :meth:`to_dict` does not return are ignored.
        :returns: the result, for :meth:`CryptographyClient.decrypt`.
        :raises ValueError: when a member is missing or malformed.
        :raises TypeError: when ``members`` is not a mapping.
        """
        return cls(**restored(cls, members))

    def _details(self) -> str:
        return f", ciphertext=<{len(self.ciphertext)} bytes>"


class DecryptResult(_Result[EncryptionAlgorithm]):
    """The result of a decryption (``POST /keys/{name}/{version}/decrypt``, or here).

    :ivar key_id: the full identifier of the key version; ``None`` for a key without one.
    :ivar algorithm: the algorithm that was used.
    :ivar plaintext: the decrypted bytes.
    :ivar performed: ``"local"`` or ``"remote"``, where the operation ran.
    """

    def __init__(
        self,
        key_id: str | None,
        algorithm: EncryptionAlgorithm,
        plaintext: bytes,
        *,
        performed: Performed = "remote",
    ) -> None:
        self.key_id = key_id
        self.algorithm = algorithm
        self.plaintext = plaintext
        self.performed = performed


@clears_locals
class SignResult(_Result[SignatureAlgorithm]):
    """The result of signing (``POST /keys/{name}/{version}/sign``, or here).

    :ivar key_id: the full identifier of the key version; ``None`` for a key without one.
    :ivar algorithm: the algorithm that was used.
    :ivar signature: the signature. An ECDSA signature is r and s concatenated (RFC 7518 section 3.4), not DER.
    :ivar performed: ``"local"`` or ``"remote"``, where the operation ran.
    """

    def __init__(
        self,
        key_id: str | None,
        algorithm: SignatureAlgorithm,
        signature: bytes,
        *,
        performed: Performed = "remote",
    ) -> None:
        self.key_id = key_id
        self.algorithm = algorithm
        self.signature = signature
        self.performed = performed

    def to_dict(self) -> dict[str, str]:
        """Return what verification needs, ready to be stored as JSON.

        :returns: ``kid``, ``alg`` and ``signature``. Binary members are base64url text
            (RFC 7515), and members without a value are left out.
        """
        return stored(self)

    @classmethod
    def from_dict(cls, members: Mapping[str, Any]) -> Self:
        """Recreate a result from the members that :meth:`to_dict` returned.

        Anyone who can write to the store can choose the members, so protect the store accordingly. Where the operation
        ran is not stored: ``performed`` of the new result is ``"remote"``.

        :param members: the members. Members that :meth:`to_dict` does not return are ignored.
        :returns: the result, for :meth:`CryptographyClient.verify`.
        :raises ValueError: when a member is missing or malformed.
        :raises TypeError: when ``members`` is not a mapping.
        """
        return cls(**restored(cls, members))

    def to_der(self) -> bytes:
        """Return an ECDSA signature in the DER form that X.509, TLS and OpenSSL use (RFC 3279 section 2.2.3).

        :returns: the DER sequence of r and s.
        :raises ValueError: when the signature is not an ECDSA signature; others have no DER form.
        """
        from ._local.algorithms import signature
        from ._local.der import raw_to_der

        row = signature(self.algorithm)
        if row.curve is None:
            raise ValueError(f"{row.name} signatures have no DER form; only ECDSA signatures have")
        return raw_to_der(self.signature)

    def to_low_s(self) -> SignResult:
        """Return an ES256K signature in the only form that Bitcoin and Ethereum accept (BIP 62, EIP-2).

        For every ECDSA signature (r, s), (r, -s) is also valid. Bitcoin and Ethereum require the one with the smaller
        s; the service returns either.

        :returns: a result with that signature; this same object if it already has the smaller s.
        :raises ValueError: when the algorithm is not ES256K.
        """
        from ._local.secp256k1 import low_s

        self._require_es256k("low s")
        low = low_s(self.signature)
        if low == self.signature:
            return self
        return SignResult(self.key_id, self.algorithm, low, performed=self.performed)

    def recovery_id(
        self, digest: bytes, key: JsonWebKey | KeyVaultKey | EllipticCurvePublicKey | EllipticCurvePrivateKey
    ) -> int:
        """Find the recovery id of an ES256K signature, from which Bitcoin and Ethereum recover the signer's key.

        The recovery id depends on s, so call :meth:`to_low_s` first::

            signed = client.sign(SignatureAlgorithm.es256_k, digest).to_low_s()
            v = 27 + signed.recovery_id(digest, key)
            r, s = signed.signature[:32], signed.signature[32:]

        The computation takes a few milliseconds.

        :param digest: the 32 bytes that were signed.
        :param key: the public key of the signer.
        :returns: 0 or 1; in theory 2 or 3, which never happens by chance.
        :raises ValueError: when the algorithm is not ES256K, or the key did not make this signature of the digest.
        """
        from .._jwk import JsonWebKey
        from .._jwk.ec import P_256K, curve_of
        from .._models import KeyVaultKey
        from ._local.algorithms import signature
        from ._local.checks import check_sign
        from ._local.secp256k1 import recovery_id

        self._require_es256k("recovery id")
        jwk = key.key if isinstance(key, KeyVaultKey) else key
        if not isinstance(jwk, JsonWebKey):
            jwk = JsonWebKey.from_cryptography(jwk)
        if curve_of(jwk) is not P_256K:
            raise ValueError(f"'key' must be on {P_256K.name} to have recovery ids, and is on {curve_of(jwk).name}")
        checked, _, _ = check_sign(signature(self.algorithm), digest)
        return recovery_id(self.signature, checked, jwk.x or b"", jwk.y or b"")

    def _require_es256k(self, what: str) -> None:
        if self.algorithm != SignatureAlgorithm.es256_k:
            raise ValueError(f"A {what} is for ES256K signatures, and this is one of {str.__str__(self.algorithm)}")

    def _details(self) -> str:
        return f", signature=<{len(self.signature)} bytes>"


class VerifyResult(_Result[SignatureAlgorithm]):
    """The result of verifying a signature (``POST /keys/{name}/{version}/verify``, or here).

    :ivar key_id: the full identifier of the key version; ``None`` for a key without one.
    :ivar is_valid: whether the key made this signature of the digest.
    :ivar algorithm: the algorithm that was used.
    :ivar performed: ``"local"`` or ``"remote"``, where the operation ran.
    """

    def __init__(
        self,
        key_id: str | None,
        is_valid: bool,
        algorithm: SignatureAlgorithm,
        *,
        performed: Performed = "remote",
    ) -> None:
        self.key_id = key_id
        self.is_valid = is_valid
        self.algorithm = algorithm
        self.performed = performed

    def __bool__(self) -> bool:
        """Return whether the signature is valid, so that ``if client.verify(...)`` works as expected."""
        return self.is_valid

    def _details(self) -> str:
        return f", is_valid={self.is_valid!r}"


@clears_locals
class WrapResult(_Result[KeyWrapAlgorithm]):
    """The result of wrapping a key (``POST /keys/{name}/{version}/wrapkey``, or here).

    :ivar key_id: the full identifier of the wrapping key's version; ``None`` for a key without one.
    :ivar algorithm: the algorithm that was used.
    :ivar encrypted_key: the wrapped key.
    :ivar performed: ``"local"`` or ``"remote"``, where the operation ran.
    """

    def __init__(
        self,
        key_id: str | None,
        algorithm: KeyWrapAlgorithm,
        encrypted_key: bytes,
        *,
        performed: Performed = "remote",
    ) -> None:
        self.key_id = key_id
        self.algorithm = algorithm
        self.encrypted_key = encrypted_key
        self.performed = performed

    def to_dict(self) -> dict[str, str]:
        """Return what unwrapping needs, ready to be stored as JSON.

        :returns: ``kid``, ``alg`` and ``encrypted_key``. Binary members are base64url text
            (RFC 7515), and members without a value are left out.
        """
        return stored(self)

    @classmethod
    def from_dict(cls, members: Mapping[str, Any]) -> Self:
        """Recreate a result from the members that :meth:`to_dict` returned.

        Anyone who can write to the store can choose the members, so protect the store accordingly. Where the operation
        ran is not stored: ``performed`` of the new result is ``"remote"``.

        :param members: the members. Members that :meth:`to_dict` does not return are ignored.
        :returns: the result, for :meth:`CryptographyClient.unwrap_key`.
        :raises ValueError: when a member is missing or malformed.
        :raises TypeError: when ``members`` is not a mapping.
        """
        return cls(**restored(cls, members))

    def _details(self) -> str:
        return f", encrypted_key=<{len(self.encrypted_key)} bytes>"


class UnwrapResult(_Result[KeyWrapAlgorithm]):
    """The result of unwrapping a key (``POST /keys/{name}/{version}/unwrapkey``, or here).

    :ivar key_id: the full identifier of the wrapping key's version; ``None`` for a key without one.
    :ivar algorithm: the algorithm that was used.
    :ivar key: the unwrapped key.
    :ivar performed: ``"local"`` or ``"remote"``, where the operation ran.
    """

    def __init__(
        self,
        key_id: str | None,
        algorithm: KeyWrapAlgorithm,
        key: bytes,
        *,
        performed: Performed = "remote",
    ) -> None:
        self.key_id = key_id
        self.algorithm = algorithm
        self.key = key
        self.performed = performed


class SecureWrapResult(_Result[KeySecureWrapAlgorithm]):
    """The result of ``POST /keys/{name}/{version}/securewrapkey``: a key that the service generated and returns only in
    wrapped form.

    :ivar key_id: the full identifier of the wrapping key's version.
    :ivar algorithm: the algorithm that was used.
    :ivar encrypted_key: the wrapped key.
    :ivar performed: always ``"remote"``.
    """

    def __init__(
        self,
        key_id: str | None,
        algorithm: KeySecureWrapAlgorithm,
        encrypted_key: bytes,
        *,
        performed: Performed = "remote",
    ) -> None:
        self.key_id = key_id
        self.algorithm = algorithm
        self.encrypted_key = encrypted_key
        self.performed = performed

    def _details(self) -> str:
        return f", encrypted_key=<{len(self.encrypted_key)} bytes>"


class SecureUnwrapResult(_Result[KeySecureWrapAlgorithm]):
    """The result of ``POST /keys/{name}/{version}/secureunwrapkey``, for an attested environment.

    :ivar key_id: the full identifier of the wrapping key's version.
    :ivar algorithm: the algorithm that was used.
    :ivar key: the key as the service released it.
    :ivar performed: always ``"remote"``.
    """

    def __init__(
        self,
        key_id: str | None,
        algorithm: KeySecureWrapAlgorithm,
        key: bytes,
        *,
        performed: Performed = "remote",
    ) -> None:
        self.key_id = key_id
        self.algorithm = algorithm
        self.key = key
        self.performed = performed
