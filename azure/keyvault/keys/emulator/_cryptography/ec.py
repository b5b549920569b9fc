"""Elliptic-curve keys and ECDSA.

RFC 7518 section 3.4 defines ES256, ES384 and ES512; RFC 8812 defines ES256K. ECDSA256 is the old name of ES256K.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import cast

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils

from .._errors import invalid_property, malformed_jwk
from . import jose
from .material import SignatureAlgorithm, integer, required_members

#: Curve names of the service. 2016-10-01 calls P-256K SECP256K1; a key keeps the name it was created with.
CURVES: dict[str, ec.EllipticCurve] = {
    "P-256": ec.SECP256R1(),
    "P-384": ec.SECP384R1(),
    "P-521": ec.SECP521R1(),
    "P-256K": ec.SECP256K1(),
    "SECP256K1": ec.SECP256K1(),
}
_PRIVATE_MEMBERS = ("x", "y", "d")


class EcMaterial:
    """An EC key. Coordinates are written at the full width of the field."""

    family = "EC"
    size = None

    def __init__(self, curve: str, key: ec.EllipticCurvePrivateKey) -> None:
        self.curve = curve
        self.key = key
        self.public_key = key.public_key()
        self.width = (key.curve.key_size + 7) // 8
        public = self.public_key.public_numbers()
        self._x = jose.encode(public.x.to_bytes(self.width, "big"))
        self._y = jose.encode(public.y.to_bytes(self.width, "big"))

    @classmethod
    def generate(cls, curve: str | None = None) -> EcMaterial:
        """Generate a key, on P-256 if the curve is None or empty."""
        name = curve or "P-256"
        if name not in CURVES:
            raise invalid_property("crv")
        return cls(name, ec.generate_private_key(CURVES[name]))

    @classmethod
    def from_jwk(cls, curve: str, jwk: Mapping[str, bytes]) -> EcMaterial:
        """Import a private JWK, given as decoded members.

        :raises ServiceError: 400 for missing members, an unknown curve, or a point that does not match the key.
        """
        if curve not in CURVES:
            raise malformed_jwk()
        required_members(jwk, _PRIVATE_MEMBERS, malformed_jwk)
        width = (CURVES[curve].key_size + 7) // 8
        if any(len(jwk[name].lstrip(b"\0")) > width for name in _PRIVATE_MEMBERS):
            raise malformed_jwk()
        x, y, d = (integer(jwk[name]) for name in _PRIVATE_MEMBERS)
        try:
            key = ec.derive_private_key(d, CURVES[curve])
        except ValueError as error:
            raise malformed_jwk() from error
        if key.public_key().public_numbers() != ec.EllipticCurvePublicNumbers(x, y, CURVES[curve]):
            raise malformed_jwk()
        return cls(curve, key)

    @classmethod
    def load(cls, members: Mapping[str, str], private: bytes) -> EcMaterial:
        """Restore a key from its public members and its PKCS #8 form."""
        key = serialization.load_der_private_key(private, None)
        return cls(members["crv"], cast(ec.EllipticCurvePrivateKey, key))

    def public_members(self) -> dict[str, str]:
        """Return ``crv``, ``x`` and ``y``."""
        return {"crv": self.curve, "x": self._x, "y": self._y}

    def private_bytes(self) -> bytes:
        """Return the key as PKCS #8."""
        return self.key.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )

    def renewed(self) -> EcMaterial:
        """Generate a new key on the same curve."""
        return self.generate(self.curve)


def _sign(digest: hashes.HashAlgorithm, material: EcMaterial, value: bytes) -> bytes:
    """Return r and s concatenated, each as wide as the field. Like the service, use neither DER nor low-S."""
    r, s = utils.decode_dss_signature(material.key.sign(value, ec.ECDSA(utils.Prehashed(digest))))
    return r.to_bytes(material.width, "big") + s.to_bytes(material.width, "big")


def _verify(digest: hashes.HashAlgorithm, material: EcMaterial, value: bytes, signature: bytes) -> bool:
    if len(signature) != 2 * material.width:
        return False
    r, s = integer(signature[: material.width]), integer(signature[material.width :])
    try:
        material.public_key.verify(utils.encode_dss_signature(r, s), value, ec.ECDSA(utils.Prehashed(digest)))
    except InvalidSignature:
        return False
    return True


def _signature(name: str, digest: hashes.HashAlgorithm, since: str, *curves: str) -> SignatureAlgorithm:
    return SignatureAlgorithm(
        name=name,
        family="EC",
        since=since,
        digest_size=digest.digest_size,
        sign=partial(_sign, digest),
        verify=partial(_verify, digest),
        curves=curves,
    )


SIGNATURES = (
    _signature("ES256", hashes.SHA256(), "2016-10-01", "P-256"),
    _signature("ES384", hashes.SHA384(), "2016-10-01", "P-384"),
    _signature("ES512", hashes.SHA512(), "2016-10-01", "P-521"),
    _signature("ES256K", hashes.SHA256(), "7.0", "P-256K"),
    # Later versions keep the name: a key created as SECP256K1 works with no other. The service's message about
    # incompatible curves also names P-256.
    _signature("ECDSA256", hashes.SHA256(), "2016-10-01", "P-256", "SECP256K1"),
)
