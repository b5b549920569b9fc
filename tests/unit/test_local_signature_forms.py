"""The forms of ECDSA signatures: side by side, DER, and what secp256k1 adds."""

from __future__ import annotations

import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from azure.keyvault.keys._jwk import JsonWebKey
from azure.keyvault.keys._jwk.ec import CURVES
from azure.keyvault.keys.crypto._local import LocalKey, load, secp256k1
from azure.keyvault.keys.crypto._local.algorithms import signature as signature_row
from azure.keyvault.keys.crypto._local.der import der_to_raw, is_der, raw_to_der

ES256K = signature_row("ES256K")


def key_pair() -> tuple[LocalKey, JsonWebKey]:
    """Return a new key on secp256k1, to work with and as a JWK."""
    jwk = JsonWebKey.from_cryptography(ec.generate_private_key(ec.SECP256K1()))
    key = load(jwk)
    assert key is not None
    return key, jwk


# DER


@pytest.mark.case("J5")
@given(st.binary(min_size=1, max_size=66))
def test_raw_signature_survives_der(half: bytes) -> None:
    for raw in (half + half[::-1], half + bytes(len(half)), bytes(2 * len(half))):
        assert der_to_raw(raw_to_der(raw), len(raw)) == raw


@pytest.mark.case("J5")
@given(st.integers(1, 2**521), st.integers(1, 2**521))
def test_der_is_that_of_cryptography(r: int, s: int) -> None:
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

    der = encode_dss_signature(r, s)
    raw = r.to_bytes(66, "big") + s.to_bytes(66, "big")
    assert raw_to_der(raw) == der
    assert der_to_raw(der, 132) == raw
    assert decode_dss_signature(raw_to_der(raw)) == (r, s)


@pytest.mark.case("J5")
@given(st.binary(max_size=150) | st.binary(max_size=12).map(lambda data: b"\x30" + bytes([len(data)]) + data))
def test_what_is_taken_as_der_is_strict_der(data: bytes) -> None:
    try:
        raw = der_to_raw(data, 128)
    except ValueError:
        return
    assert raw_to_der(raw) == data


GOOD = bytes.fromhex("3006020101020102")


@pytest.mark.case("J5")
@pytest.mark.parametrize(
    "der",
    [
        "",
        "30",
        "3000",
        "3006020101020102ff",  # trailing byte
        "3007020101020102ff",  # trailing byte inside
        "308106020101020102",  # length not minimal
        "3080020101020102" + "0000",  # indefinite length
        "300702020001020102",  # integer not minimal
        "30060201ff020102",  # negative
        "3006020101020180",  # negative
        "3005020002010200",  # empty integer
        "3006020101030102",  # not an integer
        "3106020101020102",  # not a sequence
        "3006020101020202",  # integer longer than the data
    ],
)
def test_what_is_not_strict_der_is_refused(der: str) -> None:
    assert der_to_raw(GOOD, 4) == b"\0\1\0\2"
    with pytest.raises(ValueError, match="not an ECDSA signature in DER"):
        der_to_raw(bytes.fromhex(der), 64)


@pytest.mark.case("J5")
def test_integer_too_large_for_the_curve_is_refused() -> None:
    with pytest.raises(ValueError, match="fit the curve"):
        der_to_raw(raw_to_der(b"\1" * 66), 64)


@pytest.mark.case("J5")
@pytest.mark.parametrize("raw", [b"", b"1", b"123"])
def test_raw_signature_of_odd_length_has_no_der(raw: bytes) -> None:
    with pytest.raises(ValueError, match="side by side"):
        raw_to_der(raw)


# secp256k1


@pytest.mark.case("J10")
def test_low_s_verifies_and_has_a_recovery_id() -> None:
    key, jwk = key_pair()
    assert jwk.x is not None
    assert jwk.y is not None
    found, changed_ones = set(), 0
    for number in range(64):
        digest = hashlib.sha256(bytes([number])).digest()
        signature = key.sign(ES256K, digest)
        low = secp256k1.low_s(signature)
        changed_ones += low != signature
        assert 2 * int.from_bytes(low[32:], "big") < CURVES["P-256K"].order
        assert key.verify(ES256K, digest, low)
        assert secp256k1.low_s(low) == low
        recovered = secp256k1.recovery_id(low, digest, jwk.x, jwk.y)
        if low != signature:
            assert secp256k1.recovery_id(signature, digest, jwk.x, jwk.y) == recovered ^ 1
        found.add(recovered)
    assert found == {0, 1}
    assert changed_ones


@pytest.mark.case("J10")
def test_recovery_id_is_that_of_a_published_signature() -> None:
    # EIP-155's example: private key 0x46 32 times, v = 37 on chain 1, so a recovery id of 0.
    jwk = JsonWebKey.from_cryptography(ec.derive_private_key(int("46" * 32, 16), ec.SECP256K1()))
    assert jwk.x is not None
    assert jwk.y is not None
    digest = bytes.fromhex("daf5a779ae972f972197303d7b574746c7ef83eadac0f2791ad23db92e4c8e53")
    signature = bytes.fromhex(
        "28ef61340bd939bc2195fe537567866003e1a15d3c71ff63e1590620aa636276"
        "67cbe9d8997f761aecb703304b3800ccf555c9f3dc64214b297fb1966a3b6d83"
    )
    assert secp256k1.recovery_id(signature, digest, jwk.x, jwk.y) == 0


@pytest.mark.case("J10")
def test_recovery_id_of_a_foreign_signature_is_refused() -> None:
    key, _ = key_pair()
    _, jwk = key_pair()
    assert jwk.x is not None
    assert jwk.y is not None
    signature = key.sign(ES256K, bytes(32))
    with pytest.raises(ValueError, match="not the key's signature"):
        secp256k1.recovery_id(signature, bytes(32), jwk.x, jwk.y)
    for bad in (b"", bytes(64), b"\xff" * 64, signature[:-1]):
        with pytest.raises(ValueError, match="r and s of an ES256K signature"):
            secp256k1.low_s(bad)


@pytest.mark.case("J5")
@pytest.mark.parametrize("first", [1, 126, 127, 128, 255])
@pytest.mark.parametrize("size", [1, 2, 59, 60, 61, 62, 63, 66, 123, 124, 125])
def test_der_of_every_length_is_that_of_cryptography(first: int, size: int) -> None:
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

    r, s = bytes([first]) + b"\1" * (size - 1), b"\0" * (size // 2) + b"\x7f" * (size - size // 2)
    for left, right in ((r, s), (s, r), (r, r), (s, s)):
        der = encode_dss_signature(int.from_bytes(left, "big"), int.from_bytes(right, "big"))
        if len(der) < 259:
            assert raw_to_der(left + right) == der
            assert der_to_raw(der, 2 * size) == left + right
        else:  # beyond every curve
            with pytest.raises(ValueError, match="fit the curve"):
                der_to_raw(der, 2 * size)


LONG = raw_to_der(b"\xff" * 132)


@pytest.mark.case("J5")
@pytest.mark.parametrize(
    "der",
    [
        bytes.fromhex("3006" + "0200" + "02020080"),
        bytes.fromhex("3006" + "02020080" + "0200"),
        b"\x31" + LONG[1:],
        LONG[:2] + bytes([LONG[2] - 1]) + LONG[3:],
        LONG[:2] + bytes([LONG[2] + 1]) + LONG[3:],
        LONG + b"\0",
        LONG[:1] + b"\x82" + LONG[2:],
    ],
    ids=["no r", "no s", "no sequence", "too short", "too long", "trailing", "82"],
)
def test_length_that_is_not_as_der_has_it_is_refused(der: bytes) -> None:
    with pytest.raises(ValueError, match="not an ECDSA signature in DER"):
        der_to_raw(der, 2 * len(der))


def test_127_bytes_have_the_short_form() -> None:
    raw = b"\x7f" * 62 + b"\0" + b"\x7f" * 61
    der = raw_to_der(raw)
    assert (len(der), der[:2]) == (129, b"\x30\x7f")
    assert der_to_raw(der, 124) == raw
    with pytest.raises(ValueError, match="not an ECDSA signature in DER"):
        der_to_raw(b"\x30\x81\x7f" + der[2:], 124)


def test_128_bytes_have_the_long_form() -> None:
    der = raw_to_der(b"\x7f" * 124)
    assert (len(der), der[:3]) == (131, b"\x30\x81\x80")
    with pytest.raises(ValueError, match="not an ECDSA signature in DER"):
        der_to_raw(b"\x30\x80" + der[3:], 124)  # 0x80 stands for a length that is not told


def test_signature_is_told_to_look_like_der() -> None:
    assert is_der(GOOD)
    assert is_der(LONG)
    assert not is_der(b"\1" * 64)
    assert not is_der(b"")


def test_sum_of_a_point_and_its_opposite_is_nothing() -> None:
    x, y = secp256k1._GENERATOR
    opposite = (x, secp256k1._P - y)
    assert secp256k1._added((x, y, 1), opposite) is None
    assert secp256k1._added(None, opposite) == (*opposite, 1)
    assert secp256k1._added((x, y, 1), (x, y)) == secp256k1._doubled((x, y, 1))


@pytest.mark.parametrize(
    ("r", "s"), [(0, 1), (1, 0), (secp256k1._ORDER, 1), (1, secp256k1._ORDER)], ids=["r=0", "s=0", "r=order", "s=order"]
)
def test_number_of_a_signature_that_is_out_of_range_is_refused(r: int, s: int) -> None:
    with pytest.raises(ValueError, match="must be r and s of an ES256K signature"):
        secp256k1._split(r.to_bytes(32, "big") + s.to_bytes(32, "big"))


def test_smallest_numbers_of_a_signature_are_in_range() -> None:
    assert secp256k1._split((1).to_bytes(32, "big") * 2) == (1, 1)
