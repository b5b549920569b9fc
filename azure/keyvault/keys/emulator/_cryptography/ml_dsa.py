"""ML-DSA keys (FIPS 204, kty AKP), as far as the installed ``cryptography`` supports them.

The service's responses are only known from its 2026-05-01-preview contract.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization

from .._errors import bad_parameter, invalid_property
from . import jose
from .material import SignatureAlgorithm

_PRIVATE_KEYS: dict[str, Any] = {}
try:
    from cryptography.hazmat.primitives.asymmetric import mldsa
except ImportError:  # cryptography before 47
    pass
else:
    if hasattr(mldsa.MLDSA44PrivateKey, "sign_mu"):  # since cryptography 49
        _PRIVATE_KEYS = {
            "ML-DSA-44": mldsa.MLDSA44PrivateKey,
            "ML-DSA-65": mldsa.MLDSA65PrivateKey,
            "ML-DSA-87": mldsa.MLDSA87PrivateKey,
        }

NAMES = ("ML-DSA-44", "ML-DSA-65", "ML-DSA-87")


class MlDsaMaterial:
    """An ML-DSA key. The private key is Any because older ``cryptography`` has no type for it."""

    family = "AKP"
    size = None

    def __init__(self, alg: str, key: Any) -> None:
        self.alg = alg
        self.key = key
        self.public_key = key.public_key()
        self._pub = jose.encode(self.public_key.public_bytes_raw())

    @classmethod
    def generate(cls, alg: str | None) -> MlDsaMaterial:
        """Generate a key of the named parameter set.

        :raises ServiceError: 400 for an unknown name, or if the installed ``cryptography`` cannot generate such a key.
        """
        if alg not in NAMES:
            raise invalid_property("alg")
        try:
            return cls(alg, _PRIVATE_KEYS[alg].generate())
        except (KeyError, UnsupportedAlgorithm) as error:
            raise bad_parameter(f"The installed cryptography package cannot make {alg} keys.") from error

    @classmethod
    def load(cls, members: Mapping[str, str], private: bytes) -> MlDsaMaterial:
        """Restore a key from its public members and its PKCS #8 form."""
        return cls(members["alg"], serialization.load_der_private_key(private, None))

    @classmethod
    def of(cls, alg: str, key: Any) -> MlDsaMaterial:
        """Wrap an imported key.

        :raises ValueError: if the key does not belong to the named parameter set.
        """
        if not isinstance(key, _PRIVATE_KEYS.get(alg, ())):
            raise ValueError("another key type")
        return cls(alg, key)

    def public_members(self) -> dict[str, str]:
        """Return ``alg`` and ``pub``."""
        return {"alg": self.alg, "pub": self._pub}

    def private_bytes(self) -> bytes:
        """Return the key as PKCS #8."""
        pkcs8: bytes = self.key.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return pkcs8

    def renewed(self) -> MlDsaMaterial:
        """Generate a new key of the same parameter set."""
        return self.generate(self.alg)

    def sign(self, message: bytes, context: bytes | None = None, *, external_mu: bool = False) -> bytes:
        """Sign a message, or a 64-byte message representative mu."""
        signature: bytes = self.key.sign_mu(message) if external_mu else self.key.sign(message, context)
        return signature

    def verify(
        self, message: bytes, signature: bytes, context: bytes | None = None, *, external_mu: bool = False
    ) -> bool:
        """Return whether the signature is valid."""
        try:
            if external_mu:
                self.public_key.verify_mu(signature, message)
            else:
                self.public_key.verify(signature, message, context)
        except InvalidSignature:
            return False
        return True


def _sign(material: MlDsaMaterial, message: bytes) -> bytes:
    return material.sign(message)


def _verify(material: MlDsaMaterial, message: bytes, signature: bytes) -> bool:
    return material.verify(message, signature)


SIGNATURES = tuple(
    SignatureAlgorithm(
        name=name,
        family="AKP",
        since="2026-05-01-preview",
        digest_size=None,
        sign=_sign,
        verify=_verify,
        curves=(name,),
    )
    for name in NAMES
)
