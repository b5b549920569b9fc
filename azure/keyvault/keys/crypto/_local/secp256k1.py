"""What Bitcoin and Ethereum need of an ES256K signature and the service does not provide: a low s and a recovery id.

Signature, digest and public key are public, so nothing here has to run in constant time.
"""

from __future__ import annotations

from ..._jwk.ec import P_256K

_P, _ORDER = P_256K.p, P_256K.order
_Point = tuple[int, int]
# x = X / Z^2 and y = Y / Z^3, so that adding needs no division; None is the point at infinity.
_Jacobian = tuple[int, int, int] | None

_GENERATOR: _Point = (
    0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
    0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8,
)


def low_s(signature: bytes) -> bytes:
    """Replace s by the order minus s when s is in the upper half; both signatures are valid (BIP 62, EIP-2).

    :param signature: r and s of 32 bytes each.
    :raises ValueError: when the signature has another length, or s is out of range.
    """
    r, s = _split(signature)
    return signature if 2 * s < _ORDER else r.to_bytes(32, "big") + (_ORDER - s).to_bytes(32, "big")


def recovery_id(signature: bytes, digest: bytes, x: bytes, y: bytes) -> int:
    """Find which of the possible signers of a signature is the given key (SEC 1 section 4.1.6).

    :param signature: r and s of 32 bytes each.
    :param digest: the 32 bytes that were signed.
    :param x: coordinate of the public key.
    :param y: coordinate of the public key.
    :returns: 0 or 1; 2 or 3 when r is the remainder of a coordinate above the order, which never happens by chance.
    :raises ValueError: when it is not the key's signature of the digest.
    """
    r, s = _split(signature)
    key = int.from_bytes(x, "big"), int.from_bytes(y, "big")
    inverse = pow(s, -1, _ORDER)
    message = int.from_bytes(digest, "big")
    nonce = _combined(message * inverse % _ORDER, r * inverse % _ORDER, key)
    if nonce is None or nonce[0] % _ORDER != r:
        raise ValueError("'signature' is not the key's signature of the digest")
    return (nonce[1] & 1) | (2 if nonce[0] >= _ORDER else 0)


def _split(signature: bytes) -> tuple[int, int]:
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    if len(signature) != 64 or not 0 < r < _ORDER or not 0 < s < _ORDER:
        raise ValueError("'signature' must be r and s of an ES256K signature, 32 bytes each")
    return r, s


def _combined(factor: int, key_factor: int, key: _Point) -> _Point | None:
    """Return the generator times one factor plus a key times another."""
    total: _Jacobian = None
    for bit in range(_ORDER.bit_length() - 1, -1, -1):
        total = _doubled(total)
        if factor >> bit & 1:
            total = _added(total, _GENERATOR)
        if key_factor >> bit & 1:
            total = _added(total, key)
    if total is None:
        return None
    x, y, z = total
    inverse = pow(z, -1, _P)
    return x * inverse**2 % _P, y * inverse**3 % _P


def _doubled(point: _Jacobian) -> _Jacobian:
    if point is None:
        return None
    x, y, z = point
    square = y * y % _P
    middle = 4 * x * square % _P
    slope = 3 * x * x % _P
    new_x = (slope * slope - 2 * middle) % _P
    return new_x, (slope * (middle - new_x) - 8 * square * square) % _P, 2 * y * z % _P


def _added(point: _Jacobian, other: _Point) -> _Jacobian:
    if point is None:
        return *other, 1
    x, y, z = point
    square = z * z % _P
    across = (other[0] * square - x) % _P
    up = (other[1] * square * z - y) % _P
    if not across:
        return None if up else _doubled(point)
    across_2 = across * across % _P
    across_3 = across_2 * across % _P
    middle = x * across_2 % _P
    new_x = (up * up - across_3 - 2 * middle) % _P
    return new_x, (up * (middle - new_x) - y * across_3) % _P, z * across % _P
