"""ECDSA signatures in their two forms: r and s side by side (JOSE, the service) and DER (X.509, openssl).

``cryptography`` has this too, but every local ECDSA operation needs it: ``bytes`` methods take a third of the time of a
round trip through integers. This code also refuses encodings that are BER but not DER.
"""

from __future__ import annotations


def raw_to_der(signature: bytes) -> bytes:
    """Encode r and s, each of half the signature's length, as a DER sequence (RFC 3279 section 2.2.3).

    :raises ValueError: when the signature is empty or its length is odd.
    """
    size = len(signature)
    if not size or size % 2:
        raise ValueError("a raw ECDSA signature is r and s of the same length side by side")
    size //= 2
    r = signature[:size].lstrip(b"\0") or b"\0"
    s = signature[size:].lstrip(b"\0") or b"\0"
    if r[0] > 127:
        r = b"\0" + r
    if s[0] > 127:
        s = b"\0" + s
    body = b"\x02%c%b\x02%c%b" % (len(r), r, len(s), s)
    if len(body) < 128:
        return b"\x30%c%b" % (len(body), body)
    return b"\x30\x81%c%b" % (len(body), body)


def der_to_raw(signature: bytes, size: int) -> bytes:
    """Decode a DER sequence to r and s side by side, each padded to half of the size.

    :param signature: the DER sequence of r and s.
    :param size: bytes of the raw signature.
    :raises ValueError: when it is not strict DER (so also BER and trailing bytes), or when r or s is negative or
        too large.
    """
    end = len(signature)
    start = 2
    if end > 129:
        start = 3
        well_formed = end < 259 and signature[:2] == b"\x30\x81" and 127 < signature[2] == end - 3
    else:
        well_formed = end > 7 and signature[0] == 0x30 and signature[1] == end - 2
    if not well_formed:
        raise _not_der()
    r, start = _integer(signature, start, size // 2)
    s, start = _integer(signature, start, size // 2)
    if start != end:
        raise _not_der()
    return r + s


def is_der(signature: bytes) -> bool:
    """Return whether a signature looks like DER, to hint at the cause if a raw signature does not verify."""
    try:
        der_to_raw(signature, 2 * len(signature))
    except ValueError:
        return False
    return True


def _integer(data: bytes, start: int, size: int) -> tuple[bytes, int]:
    """Read one positive DER integer, padded to so many bytes, and return where the next element starts."""
    first = start + 2
    end = first + data[start + 1] if first < len(data) else 0
    if not first < end <= len(data) or data[start] != 2:
        raise _not_der()
    if data[first] > 127 or (data[first] == 0 and end - first > 1 and data[first + 1] < 128):
        raise _not_der()
    value = data[first:end].lstrip(b"\0")
    if len(value) > size:
        raise _not_der()
    return value.rjust(size, b"\0"), end


def _not_der() -> ValueError:
    return ValueError("not an ECDSA signature in DER: a sequence of two positive integers that fit the curve")
