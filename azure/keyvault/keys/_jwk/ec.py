"""EC members of a JSON Web Key (RFC 7518 section 6.2): checked, padded, and turned into key objects."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec

if TYPE_CHECKING:
    from .shapes import EcMembers


@dataclass(frozen=True, slots=True)
class Curve:
    """A curve y^2 = x^3 + ax + b over the integers modulo p (SEC 2).

    :ivar name: its name in the service's JWKs.
    :ivar jose: its name in RFC 7518 and RFC 8812.
    :ivar size: bytes of a coordinate, and of a private value.
    :ivar order: the order of the base point.
    :ivar make: its class in ``cryptography``.
    """

    name: str
    jose: str
    size: int
    p: int
    a: int
    b: int
    order: int
    make: type[ec.EllipticCurve]


P_256 = Curve(
    "P-256",
    "P-256",
    32,
    2**256 - 2**224 + 2**192 + 2**96 - 1,
    -3,
    0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B,
    0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
    ec.SECP256R1,
)
P_384 = Curve(
    "P-384",
    "P-384",
    48,
    2**384 - 2**128 - 2**96 + 2**32 - 1,
    -3,
    0xB3312FA7E23EE7E4988E056BE3F82D19181D9C6EFE8141120314088F5013875AC656398D8A2ED19D2A85C8EDD3EC2AEF,
    0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973,
    ec.SECP384R1,
)
P_521 = Curve(
    "P-521",
    "P-521",
    66,
    2**521 - 1,
    -3,
    (0x0051953EB9618E1C9A1F929A21A0B68540EEA2DA725B99B315F3B8B489918EF109 << 264)
    + 0xE156193951EC7E937B1652C0BD3BB1BF073573DF883D2C34F1EF451FD46B503F00,
    (0x01FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF << 264)
    + 0xFA51868783BF2F966B7FCC0148F709A5D03BB5C9B8899C47AEBB6FB71E91386409,
    ec.SECP521R1,
)
P_256K = Curve(
    "P-256K",
    "secp256k1",
    32,
    2**256 - 2**32 - 977,
    0,
    7,
    0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141,
    ec.SECP256K1,
)

# The service called P-256K SECP256K1 in 2016-10-01 and RFC 8812 calls it secp256k1.
CURVES: dict[str, Curve] = {
    "P-256": P_256,
    "P-384": P_384,
    "P-521": P_521,
    "P-256K": P_256K,
    "SECP256K1": P_256K,
    "secp256k1": P_256K,
}


def curve_of(jwk: EcMembers) -> Curve:
    """Find the curve of a key.

    :raises ValueError: when it is missing, or the service does not support it.
    """
    curve = CURVES.get(jwk.crv or "")
    if curve is None:
        raise ValueError(f"'crv' must be one of {', '.join(CURVES)}, not {jwk.crv!r}")
    return curve


@dataclass(frozen=True, slots=True)
class EcPublic:
    """A point on a curve."""

    curve: Curve
    x: int
    y: int

    def to_key(self) -> ec.EllipticCurvePublicKey:
        """Make the key object of ``cryptography``."""
        return self._numbers().public_key()

    def _numbers(self) -> ec.EllipticCurvePublicNumbers:
        return ec.EllipticCurvePublicNumbers(self.x, self.y, self.curve.make())


@dataclass(frozen=True, slots=True)
class EcPrivate(EcPublic):
    """A point on a curve and its private value."""

    d: int

    def to_key(self) -> ec.EllipticCurvePrivateKey:  # type: ignore[override]  # the private key of this point
        """Make the key object of ``cryptography``.

        :raises ValueError: when the private value does not belong to the point.
        """
        try:
            key = ec.EllipticCurvePrivateNumbers(self.d, self._numbers()).private_key()
        except ValueError:
            key = None
        if key is None or key.public_key().public_numbers() != self._numbers():
            raise ValueError("'d' does not belong to 'x' and 'y'")
        return key


def public_numbers(jwk: EcMembers) -> EcPublic:
    """Read the public point, whose coordinates may lack leading zeros, and check that it is on the curve.

    :raises ValueError: when a coordinate is missing or too long, or the point is not on the curve.
    """
    curve = curve_of(jwk)
    x, y = (int.from_bytes(_fit(name, value, curve), "big") for name, value in (("x", jwk.x), ("y", jwk.y)))
    return _point(curve, x, y)


def _point(curve: Curve, x: int, y: int) -> EcPublic:
    if x >= curve.p or y >= curve.p or (y * y - (x * x + curve.a) * x - curve.b) % curve.p:
        raise ValueError(f"'x' and 'y' are not a point on {curve.name}")
    return EcPublic(curve, x, y)


def private_numbers(jwk: EcMembers) -> EcPrivate:
    """Read the point, and the private value, which may lack leading zeros.

    :raises ValueError: when the point is not on the curve, or the private value is out of range.
    """
    return _private_value(public_numbers(jwk), int.from_bytes(jwk.d or b"", "big"))


def _private_value(point: EcPublic, d: int) -> EcPrivate:
    if not 0 < d < point.curve.order:
        raise ValueError(f"'d' must be greater than 0 and less than the order of {point.curve.name}")
    return EcPrivate(point.curve, point.x, point.y, d)


def complete_fields(jwk: EcMembers, private: bool) -> dict[str, bytes]:
    """Return the members of the public key, or all of them, at the full length of the curve.

    :raises ValueError: when the curve is unknown, a value is missing or too long for it, or the values are
        inconsistent.
    """
    curve = curve_of(jwk)
    fields = {name: _fit(name, getattr(jwk, name), curve) for name in ("x", "y", *(("d",) if private else ()))}
    numbers = {name: int.from_bytes(value, "big") for name, value in fields.items()}
    point = _point(curve, numbers["x"], numbers["y"])
    if private:
        with suppress(UnsupportedAlgorithm):  # the service supports the curve even if OpenSSL does not
            _private_value(point, numbers["d"]).to_key()
    return fields


def _fit(name: str, value: bytes | None, curve: Curve) -> bytes:
    if not value:
        raise ValueError(f"'{name}' is missing")
    # Other libraries drop leading zeros, or add one as a sign.
    value = value.lstrip(b"\0")
    if len(value) > curve.size:
        raise ValueError(f"'{name}' must have at most {curve.size} bytes for {curve.name}, not {len(value)}")
    return value.rjust(curve.size, b"\0")


def members_of(key: ec.EllipticCurvePublicKey | ec.EllipticCurvePrivateKey) -> dict[str, str | bytes]:
    """Return the members of a key object of ``cryptography``.

    :raises ValueError: when the service does not support its curve.
    """
    curve = next((known for known in CURVES.values() if isinstance(key.curve, known.make)), None)
    if curve is None:
        raise ValueError(f"Key Vault has no keys on the curve {key.curve.name}")
    public = (key.public_key() if isinstance(key, ec.EllipticCurvePrivateKey) else key).public_numbers()
    numbers = {"x": public.x, "y": public.y}
    if isinstance(key, ec.EllipticCurvePrivateKey):
        numbers["d"] = key.private_numbers().private_value
    fields: dict[str, str | bytes] = {name: number.to_bytes(curve.size, "big") for name, number in numbers.items()}
    return {"crv": curve.name, **fields}
