"""Edwards-curve keys and EdDSA (RFC 8037), which one preview of the API offered for Managed HSMs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from .._errors import invalid_property, malformed_jwk
from . import jose
from .material import SignatureAlgorithm, required_members

_CURVE = "Ed25519"


class OkpMaterial:
    """An Ed25519 key."""

    family = "OKP"
    size = None

    def __init__(self, key: ed25519.Ed25519PrivateKey) -> None:
        self.key = key
        self._x = jose.encode(key.public_key().public_bytes_raw())

    @classmethod
    def generate(cls, curve: str | None) -> OkpMaterial:
        """Generate a key."""
        if curve not in (None, "", _CURVE):
            raise invalid_property("crv")
        return cls(ed25519.Ed25519PrivateKey.generate())

    @classmethod
    def from_jwk(cls, curve: str, jwk: Mapping[str, bytes]) -> OkpMaterial:
        """Import a private JWK, given as decoded members.

        :raises ServiceError: 400 for missing members, an unknown curve, or a public part that does not match the key.
        """
        required_members(jwk, ("x", "d"), malformed_jwk)
        if curve != _CURVE or len(jwk["d"]) != 32:
            raise malformed_jwk()
        key = ed25519.Ed25519PrivateKey.from_private_bytes(jwk["d"])
        if key.public_key().public_bytes_raw() != jwk["x"]:
            raise malformed_jwk()
        return cls(key)

    @classmethod
    def load(cls, members: Mapping[str, str], private: bytes) -> OkpMaterial:
        """Restore a key from its PKCS #8 form."""
        return cls(cast(ed25519.Ed25519PrivateKey, serialization.load_der_private_key(private, None)))

    def public_members(self) -> dict[str, str]:
        """Return ``crv`` and ``x``."""
        return {"crv": _CURVE, "x": self._x}

    def private_bytes(self) -> bytes:
        """Return the key as PKCS #8."""
        return self.key.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )

    def renewed(self) -> OkpMaterial:
        """Generate a new key."""
        return self.generate(None)


def _sign(material: OkpMaterial, message: bytes) -> bytes:
    return material.key.sign(message)


def _verify(material: OkpMaterial, message: bytes, signature: bytes) -> bool:
    try:
        material.key.public_key().verify(signature, message)
    except InvalidSignature:
        return False
    return True


SIGNATURES = (
    SignatureAlgorithm(name="EdDSA", family="OKP", since="7.4-preview.1", digest_size=None, sign=_sign, verify=_verify),
)
