"""What Bitcoin and Ethereum want of an ES256K signature, and the service does not give: a low s, and a recovery id.

Everything here is public: signature, digest and public key. So nothing has to run in constant time.
"""

from __future__ import annotations

from ..._jwk_ec import P_256K

_P, _ORDER = P_256K.p, P_256K.order
_Point = tuple[int, int] | None

_GENERATOR: _Point = (
    0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
    0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8,
)


def low_s(signature: bytes) -> bytes:
    """Replace s by the order minus s when it is in the upper half; both sign the same (BIP 62, EIP-2).

    :param signature: r and s of 32 bytes each.
    :raises ValueError: when the signature has another length, or s is out of range.
    """
    r, s = _split(signature)
    return signature if 2 * s < _ORDER else r.to_bytes(32, "big") + (_ORDER - s).to_bytes(32, "big")


def recovery_id(signature: bytes, digest: bytes, x: bytes, y: bytes) -> int:
    """Find which of the keys that a signature could be from is the given one (SEC 1 section 4.1.6).

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
    nonce = _add(_times(message * inverse % _ORDER, _GENERATOR), _times(r * inverse % _ORDER, key))
    if nonce is None or nonce[0] % _ORDER != r:
        raise ValueError("'signature' is not the key's signature of the digest")
    return (nonce[1] & 1) | (2 if nonce[0] >= _ORDER else 0)


def _split(signature: bytes) -> tuple[int, int]:
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    if len(signature) != 64 or not 0 < r < _ORDER or not 0 < s < _ORDER:
        raise ValueError("'signature' must be r and s of an ES256K signature, 32 bytes each")
    return r, s


def _add(first: _Point, second: _Point) -> _Point:
    if first is None or second is None:
        return first or second
    (x1, y1), (x2, y2) = first, second
    if x1 != x2:
        slope = (y2 - y1) * pow(x2 - x1, -1, _P)
    elif y1 == y2:
        slope = 3 * x1 * x1 * pow(2 * y1, -1, _P)
    else:
        return None
    x = (slope * slope - x1 - x2) % _P
    return x, (slope * (x1 - x) - y1) % _P


def _times(factor: int, point: _Point) -> _Point:
    total: _Point = None
    while factor:
        if factor & 1:
            total = _add(total, point)
        point = _add(point, point)
        factor >>= 1
    return total
