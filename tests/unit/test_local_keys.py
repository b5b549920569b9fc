"""Local keys: what loads, what is refused, and what each operation does and does not give away."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given, settings
from hypothesis import strategies as st

from azure.keyvault.keys._jwk import JsonWebKey
from azure.keyvault.keys._jwk.ec import CURVES
from azure.keyvault.keys._jwk.rsa import private_numbers
from azure.keyvault.keys.crypto._local import DecryptionError, LocalKey, load
from azure.keyvault.keys.crypto._local import algorithms as algorithms
from azure.keyvault.keys.crypto._local import checks as checks
from azure.keyvault.keys.crypto._local.algorithms import ALGORITHMS, Algorithm
from azure.keyvault.keys.crypto._local.der import der_to_raw, is_der, raw_to_der

ENCRYPTION = [row for row in ALGORITHMS if row.kind == "encryption" and row.local]
WRAP = [row for row in ALGORITHMS if row.kind == "key wrap" and row.local]
SIGNATURE = [row for row in ALGORITHMS if row.kind == "signature" and row.local and not row.message]
every = {
    kind: pytest.mark.parametrize("row", rows, ids=lambda row: row.name)
    for kind, rows in (("encryption", ENCRYPTION), ("wrap", WRAP), ("signature", SIGNATURE))
}


@cache
def jwk_for(family: str | None, detail: Any = None, number: int = 0) -> JsonWebKey:
    if family == "RSA":
        return JsonWebKey.from_cryptography(rsa.generate_private_key(65537, 2048))
    if family == "EC":
        return JsonWebKey.from_cryptography(ec.generate_private_key(CURVES[detail].make()))
    return JsonWebKey(kty="oct", k=os.urandom(detail))


def jwk_of(row: Algorithm, number: int = 0) -> JsonWebKey:
    return jwk_for(row.family, row.curve or row.key_size, number)


def opened(jwk: JsonWebKey, **options: Any) -> LocalKey:
    key = load(jwk, **options)
    assert key is not None
    return key


@cache
def key_of(row: Algorithm, number: int = 0) -> LocalKey:
    return opened(jwk_of(row, number))


def changed(jwk: JsonWebKey, **changes: Any) -> JsonWebKey:
    return JsonWebKey(**{**vars(jwk), **changes})


def encrypt(row: Algorithm, key: LocalKey, plaintext: bytes) -> tuple[bytes, bytes | None, bytes | None]:
    return key.encrypt(row, *checks.check_encrypt(row, plaintext, None, b"aad" if row.aad else None))


# Round trips


@every["encryption"]
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_what_is_encrypted_is_decrypted(row: Algorithm, data: st.DataObject) -> None:
    longest = 256 - row.overhead if row.family == "RSA" else 300
    plaintext = data.draw(st.binary(max_size=longest))
    plaintext = plaintext[: len(plaintext) // row.block * row.block]
    ciphertext, iv, tag = encrypt(row, key_of(row), plaintext)
    assert len(iv or b"") == (16 if row.iv else 0)
    assert len(tag or b"") == row.tag_size
    aad = b"aad" if row.aad else None
    assert key_of(row).decrypt(row, *checks.check_decrypt(row, ciphertext, iv, tag, aad)) == plaintext


@every["wrap"]
@settings(max_examples=20, deadline=None)
@given(blocks=st.binary(min_size=2, max_size=16))
def test_what_is_wrapped_is_unwrapped(row: Algorithm, blocks: bytes) -> None:
    secret = blocks * 8
    wrapped = key_of(row).wrap(row, secret)
    assert wrapped != secret
    assert key_of(row).unwrap(row, wrapped) == secret


@every["signature"]
def test_what_is_signed_is_verified(row: Algorithm) -> None:
    digest = os.urandom(row.digest_size or 0)
    signature = key_of(row).sign(row, digest)
    public = opened(JsonWebKey.from_der(jwk_of(row).to_der()))
    assert len(signature) == (row.signature_size or 256)
    assert public.verify(row, digest, signature) is True
    assert public.verify(row, digest[::-1], signature) is False
    assert key_of(row, 1).verify(row, digest, signature) is False


@pytest.mark.case("J2", "K10")
@every["signature"]
@settings(max_examples=60, deadline=None)
@given(signature=st.binary(max_size=300))
def test_any_bytes_as_signature_are_just_not_valid(row: Algorithm, signature: bytes) -> None:
    digest = bytes(row.digest_size or 0)
    good = key_of(row).sign(row, digest)
    for bad in (signature, b"", b"\0", good[:-1], good + b"\0", b"\0" + good, bytes(len(good)), b"\xff" * len(good)):
        assert key_of(row).verify(row, digest, bad) is False


@pytest.mark.case("J4")
@pytest.mark.parametrize("name", ["ES256", "ES384", "ES512", "ES256K"])
def test_ecdsa_signature_always_has_its_full_length(name: str) -> None:
    row = algorithms.signature(name)
    key, small, number = key_of(row), 0, 0
    while small < 3:  # about one in 128 begins with a zero, or its second half does
        signature = key.sign(row, hashlib.new(row.hash_name or "", number.to_bytes(4, "big")).digest())
        assert len(signature) == row.signature_size
        half = len(signature) // 2
        small += signature[0] == 0 or signature[half] == 0
        number += 1


@pytest.mark.case("J3")
def test_der_signature_is_not_valid_as_it_is() -> None:
    row = algorithms.signature("ES256")
    signature = key_of(row).sign(row, bytes(32))
    assert key_of(row).verify(row, bytes(32), raw_to_der(signature)) is False
    assert key_of(row).verify(row, bytes(32), der_to_raw(raw_to_der(signature), 64)) is True
    assert is_der(raw_to_der(signature))
    assert not is_der(signature)


# Loading


@pytest.mark.case("L12")
@pytest.mark.parametrize(
    "jwk",
    [
        JsonWebKey(),
        JsonWebKey(kty="oct"),
        JsonWebKey(kty="oct-HSM", key_ops=["wrapKey"]),
        JsonWebKey(kty="RSA"),
        JsonWebKey(kty="RSA-HSM", n=b"", e=b""),
        JsonWebKey(kty="EC", crv="P-256"),
        JsonWebKey(kty="EC", crv="P-224", x=b"x", y=b"y"),
        JsonWebKey(kty="AKP", alg="ML-DSA-44"),
        JsonWebKey(kty="AKP", alg="ML-DSA-1", pub=b"p"),
        JsonWebKey(kty="AKP", pub=b"p"),
        JsonWebKey(kty="OKP", crv="Ed25519", x=bytes(32)),
    ],
    ids=repr,
)
def test_no_usable_material_is_no_local_key(jwk: JsonWebKey) -> None:
    assert load(jwk) is None


@pytest.mark.case("E9")
@pytest.mark.parametrize("kty", ["RSA", "RSA-HSM", "rsa", "Rsa-Hsm"])
def test_key_of_an_hsm_loads_as_any_other(kty: str) -> None:
    assert opened(changed(jwk_for("RSA"), kty=kty)).has_private


@pytest.mark.case("G7")
@pytest.mark.parametrize("crv", ["P-256K", "SECP256K1", "secp256k1"])
def test_names_of_secp256k1_are_the_same_curve(crv: str) -> None:
    row = algorithms.signature("ES256K")
    assert opened(changed(jwk_for("EC", "P-256K"), crv=crv)).supports("sign", row)


def test_later_change_of_the_jwk_does_not_matter() -> None:
    jwk = changed(jwk_for("oct", 32))
    key, row = opened(jwk), algorithms.key_wrap("A256KW")
    wrapped = key.wrap(row, bytes(16))
    jwk.k = bytes(32)
    assert key.unwrap(row, wrapped) == bytes(16)


POINTS: list[tuple[str, Callable[[JsonWebKey], dict[str, Any]]]] = [
    ("off the curve", lambda jwk: {"x": jwk.y, "y": jwk.x}),
    ("infinity", lambda jwk: {"x": bytes(len(jwk.x or b"")), "y": bytes(len(jwk.y or b""))}),
    ("x at least p", lambda jwk: {"x": b"\xff" * len(jwk.x or b"")}),
    ("y at least p", lambda jwk: {"y": b"\xff" * len(jwk.y or b"")}),
    ("long", lambda jwk: {"y": b"\1" + (jwk.y or b"")}),
    ("d is zero", lambda jwk: {"d": bytes(32)}),
    ("d is empty", lambda jwk: {"d": b""}),
    ("d is the order", lambda jwk: {"d": CURVES[str(jwk.crv)].order.to_bytes(66, "big")}),
    ("d of another key", lambda jwk: {"d": jwk_for("EC", jwk.crv, 1).d}),
    ("d without point", lambda jwk: {"x": None, "y": None}),
]


@pytest.mark.case("J8", "J9")
@pytest.mark.parametrize("curve", ["P-256", "P-384", "P-521", "P-256K"])
@pytest.mark.parametrize(("what", "change"), POINTS, ids=[what for what, _ in POINTS])
def test_broken_ec_key_is_refused(curve: str, what: str, change: Callable[[JsonWebKey], dict[str, Any]]) -> None:
    jwk = jwk_for("EC", curve)
    with pytest.raises(ValueError, match=r"'[xyd]'"):
        load(changed(jwk, **change(jwk)))


@pytest.mark.case("J9")
@pytest.mark.parametrize("curve", ["P-256", "P-384", "P-521", "P-256K"])
def test_private_values_up_to_the_order_are_taken(curve: str) -> None:
    parameters = CURVES[curve]
    for secret in (1, 2, parameters.order - 1):
        jwk = JsonWebKey.from_cryptography(ec.derive_private_key(secret, parameters.make()))
        assert opened(jwk).has_private
        assert opened(changed(jwk, d=(jwk.d or b"").lstrip(b"\0"))).has_private
    assert jwk.d == (parameters.order - 1).to_bytes(parameters.size, "big")


def integer(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


def public(n: int, e: int = 65537) -> JsonWebKey:
    return JsonWebKey(kty="RSA", n=integer(n), e=integer(e))


@pytest.mark.case("K6")
@pytest.mark.parametrize(
    ("jwk", "message"),
    [
        (public(2**2047 + 2), "'n' is even"),
        (public(2**2047 + 1, 65536), "'e' must be odd"),
        (public(2**2047 + 1, 1), "'e' must be odd, at least 3"),
        (public(2**2046 + 1), "'n' must have 2048 to 16384 bits, not 2047"),
        (public(2**1023 + 1), "not 1024"),
        (public(2**16384 + 1), "not 16385"),
        (public(2**2047 + 1, 2**2047 + 3), "'e' must be odd, at least 3 and less than 'n'"),
    ],
)
def test_broken_rsa_public_key_is_refused(jwk: JsonWebKey, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        load(jwk)


@pytest.mark.case("K6")
def test_size_floor_of_rsa_can_be_lowered() -> None:
    jwk = JsonWebKey.from_cryptography(rsa.generate_private_key(65537, 1024))
    with pytest.raises(ValueError, match="not 1024"):
        load(jwk)
    key = opened(jwk, min_rsa_bits=1024)
    assert key.supports("sign", algorithms.signature("RS512"))
    assert not key.supports("sign", algorithms.signature("PS512"))
    assert "at least 1040 bits" in (key.misfit(algorithms.signature("PS512")) or "")


@pytest.mark.case("K7")
@pytest.mark.parametrize("missing", ["p q", "p q dp dq qi", "dp dq qi", "q", "p"])
def test_private_rsa_key_is_never_shortened_to_public(missing: str) -> None:
    jwk = changed(jwk_for("RSA"), **dict.fromkeys(missing.split()))
    key, row = opened(jwk), algorithms.signature("RS256")
    assert key.has_private
    assert key.sign(row, bytes(32)) == opened(jwk_for("RSA")).sign(row, bytes(32))


@pytest.mark.case("K7", "K8")
@pytest.mark.parametrize(
    "changes",
    [{"p": b"\3"}, {"q": b"\5"}, {"d": b"\7"}, {"d": None}, {"d": b""}, {"d": b"\7", "p": None, "q": None}, {"p": b""}],
    ids=repr,
)
def test_broken_rsa_private_key_is_refused(changes: dict[str, Any]) -> None:
    jwk = changed(jwk_for("RSA"), **changes)
    if changes == {"p": b""}:
        assert opened(jwk).has_private  # It is as good as missing: q gives p.
        return
    with pytest.raises(ValueError, match=r"'[ndpq]'"):
        load(jwk)


@pytest.mark.case("K8")
def test_composite_prime_is_refused_at_first_use() -> None:
    p, q, r = (rsa.generate_private_key(65537, 1024).private_numbers().p for _ in range(3))
    n = p * q * r
    d = pow(65537, -1, (p - 1) * (q - 1) * (r - 1))
    jwk = JsonWebKey(kty="RSA", n=integer(n), e=integer(65537), d=integer(d), p=integer(p * q), q=integer(r))
    with pytest.raises(ValueError, match=r"."):
        opened(jwk, min_rsa_bits=1024).sign(algorithms.signature("RS256"), bytes(32))


@pytest.mark.case("L11")
@pytest.mark.parametrize("size", [0, 1, 8, 15, 17, 33, 65])
def test_symmetric_key_of_odd_size_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match="'k' must have 16, 24, 32, 48, 64 bytes"):
        load(JsonWebKey(kty="oct", k=bytes(size)))


@pytest.mark.case("L6", "L11")
@pytest.mark.parametrize("row", [row for row in ALGORITHMS if row.family == "oct" and row.key_size])
@pytest.mark.parametrize("size", [16, 24, 32, 48, 64])
def test_symmetric_key_must_have_exactly_the_size(row: Algorithm, size: int) -> None:
    key = opened(JsonWebKey(kty="oct", k=bytes(size)))
    if row.key_size == size:
        assert key.misfit(row) is None
        assert key.supports("encrypt", row) is row.local
    else:
        assert key.misfit(row) == f"{row.name} needs a key of exactly {row.key_size} bytes, and the key has {size}"
        assert not key.supports("encrypt", row)


@pytest.mark.case("J6")
@every["signature"]
@pytest.mark.parametrize("curve", ["P-256", "P-384", "P-521", "P-256K"])
def test_curve_must_fit_the_algorithm(row: Algorithm, curve: str) -> None:
    key = opened(jwk_for("EC", curve))
    assert key.supports("sign", row) is (row.curve == curve)
    assert key.supports("verify", row) is (row.curve == curve)


def test_public_key_supports_only_public_operations() -> None:
    key, row = opened(JsonWebKey.from_der(jwk_for("RSA").to_der())), algorithms.encryption("RSA-OAEP")
    assert [key.supports(operation, row) for operation in ("encrypt", "decrypt")] == [True, False]
    with pytest.raises(NotImplementedError, match="no private part"):
        key.decrypt(row, bytes(256))


@pytest.mark.parametrize(
    ("operation", "call"),
    [
        ("encrypt", lambda key, row: key.encrypt(row, b"")),
        ("decrypt", lambda key, row: key.decrypt(row, b"")),
        ("wrapKey", lambda key, row: key.wrap(row, b"")),
        ("unwrapKey", lambda key, row: key.unwrap(row, b"")),
    ],
)
def test_operation_that_a_family_has_not_is_not_implemented(operation: str, call: Any) -> None:
    with pytest.raises(NotImplementedError, match=f'"{operation}" operation with algorithm "RSA-OAEP"'):
        call(opened(jwk_for("EC", "P-256")), algorithms.encryption("RSA-OAEP"))


# Failure


@pytest.mark.case("K2", "L5")
@every["encryption"]
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_bad_ciphertext_fails_in_one_way(row: Algorithm, data: st.DataObject) -> None:
    good, iv, tag = encrypt(row, key_of(row), bytes(32))
    aad = b"aad" if row.aad else None
    position = data.draw(st.integers(0, 8 * len(good) - 1))
    flipped = bytearray(good)
    flipped[position // 8] ^= 1 << position % 8
    for bad in (bytes(flipped), good[:-1], good + b"\0", b"", data.draw(st.binary(max_size=300))):
        try:
            plaintext = key_of(row).decrypt(row, *checks.check_decrypt(row, bad, iv, tag, aad))
        except ValueError as error:
            assert type(error) is DecryptionError  # noqa: PT017
            assert str(error) == str(DecryptionError())  # noqa: PT017
            assert error.__cause__ is error.__context__ is None  # noqa: PT017
        else:
            # Only what detects no tampering may answer: CBC by nature, RSA1_5 by implicit rejection.
            assert row.weakness
            assert bad == good or plaintext != bytes(32)


@pytest.mark.case("K2", "L7")
@every["wrap"]
@settings(max_examples=40, deadline=None)
@given(bad=st.binary(max_size=300))
def test_bad_wrapped_key_fails_in_one_way(row: Algorithm, bad: bytes) -> None:
    good = key_of(row).wrap(row, bytes(32))
    for wrapped in (bad, good[:-1], good + b"\0", good[::-1], b""):
        try:
            unwrapped = key_of(row).unwrap(row, wrapped)
        except ValueError as error:
            assert type(error) is DecryptionError  # noqa: PT017
            assert error.__cause__ is error.__context__ is None  # noqa: PT017
        else:
            assert row.name == "RSA1_5"
            assert unwrapped != bytes(32)


@pytest.mark.case("L9")
@pytest.mark.parametrize("part", ["iv", "tag", "aad"])
@pytest.mark.parametrize("row", [row for row in ENCRYPTION if row.tag_size], ids=lambda row: row.name)
def test_tampering_is_detected_before_decryption(row: Algorithm, part: str) -> None:
    ciphertext, iv, tag = encrypt(row, key_of(row), b"secret")
    arguments = {"iv": iv or b"", "tag": tag or b"", "aad": b"aad"}
    assert key_of(row).decrypt(row, ciphertext, **arguments) == b"secret"
    for index in range(len(arguments[part])):
        value = bytearray(arguments[part])
        value[index] ^= 1
        with pytest.raises(DecryptionError):
            key_of(row).decrypt(row, ciphertext, **{**arguments, part: bytes(value)})
    with pytest.raises(DecryptionError):
        key_of(row).decrypt(row, ciphertext, **{**arguments, part: b""})


@pytest.mark.case("K9")
@pytest.mark.parametrize(("name", "longest"), [("RSA1_5", 245), ("RSA-OAEP", 214), ("RSA-OAEP-256", 190)])
def test_longest_plaintext_of_rsa_is_taken_and_named(name: str, longest: int) -> None:
    key, row = opened(jwk_for("RSA")), algorithms.encryption(name)
    assert key.decrypt(row, key.encrypt(row, bytes(longest))[0]) == bytes(longest)
    with pytest.raises(ValueError, match=f"'plaintext' has {longest + 1} bytes; {name} .*2048-bit key takes {longest}"):
        key.encrypt(row, bytes(longest + 1))
    with pytest.raises(ValueError, match=f"'key' has {longest + 1} bytes"):
        key.wrap(algorithms.key_wrap(name), bytes(longest + 1))


@pytest.mark.case("L10")
def test_length_of_large_additional_data_is_counted_in_64_bits() -> None:
    from azure.keyvault.keys.crypto._local import oct

    class Huge(bytes):
        def __len__(self) -> int:
            return 2**29

    seen: list[bytes] = []

    def digest(key: bytes, data: bytes, name: str) -> bytes:
        seen.append(data)
        return bytes(32)

    row = algorithms.encryption("A128CBC-HS256")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hmac.digest", digest)
        oct._tag(row, bytes(16), Huge(), bytes(16), b"")
    assert seen[0].endswith((2**32).to_bytes(8, "big"))


@pytest.mark.case("I2", "I3")
def test_error_and_repr_show_no_secret() -> None:
    row = algorithms.key_wrap("A256KW")
    key = opened(JsonWebKey(kty="oct", k=b"canary" * 5 + b"ca"))
    assert "canary" not in repr(key)
    with pytest.raises(DecryptionError) as caught:
        key.unwrap(row, b"canary" * 4)
    assert "canary" not in repr(caught.value)


def test_private_exponent_out_of_range_is_refused_by_name() -> None:
    n = jwk_for("RSA").n
    assert n is not None
    for d in (b"\1", n):
        with pytest.raises(ValueError, match="'d' must be a private exponent"):
            private_numbers(changed(jwk_for("RSA"), d=d, p=None, q=None))


def test_square_of_a_prime_is_refused() -> None:
    prime = 2**127 - 1
    key = JsonWebKey(
        kty="RSA",
        n=integer(prime**2),
        e=b"\1\0\1",
        d=integer(pow(65537, -1, prime - 1)),
        p=integer(prime),
        q=integer(prime),
    )
    with pytest.raises(ValueError, match="not two different primes"):
        private_numbers(key)


def test_private_numbers_make_the_key_that_they_are_of() -> None:
    jwk = jwk_for("RSA")
    assert JsonWebKey.from_cryptography(private_numbers(jwk).to_key()).to_json(private=True) == changed(
        jwk, kid=None, key_ops=None
    ).to_json(private=True)


def test_smallest_public_exponent_is_taken() -> None:
    n = jwk_for("RSA").n
    assert opened(JsonWebKey(kty="RSA", n=n, e=b"\3")).size == 256
    with pytest.raises(ValueError, match="'e' must be odd, at least 3"):
        opened(JsonWebKey(kty="RSA", n=n, e=b"\1"))
    with pytest.raises(ValueError, match="less than 'n'"):
        opened(JsonWebKey(kty="RSA", n=n, e=n))


@pytest.mark.parametrize(
    ("bits", "exponent", "operation", "long"),
    [
        (2048, 65537, "sign", True),
        (2048, 65537, "verify", False),
        (8192, 65537, "verify", False),
        (8200, 65537, "verify", True),
        (2048, 2**31 + 1, "verify", False),
        (2048, 2**32 + 1, "verify", True),
    ],
)
def test_operation_that_would_hold_up_an_event_loop_is_known(
    bits: int, exponent: int, operation: str, long: bool
) -> None:
    key = opened(JsonWebKey(kty="RSA", n=integer((1 << bits) - 1), e=integer(exponent)))
    assert key.takes_long(operation, 0) is long


def test_primes_are_recovered_and_numbers_written_without_leading_zeros() -> None:
    numbers = rsa.generate_private_key(65537, 2048).private_numbers()
    n, d = integer(numbers.public_numbers.n), integer(numbers.d)
    jwk = JsonWebKey.from_cryptography(JsonWebKey(kty="RSA", n=n, e=b"\1\0\1", d=d).to_cryptography(private=True))
    assert {jwk.p, jwk.q} == {integer(numbers.p), integer(numbers.q)}
    assert (jwk.n, jwk.e, jwk.d) == (n, b"\1\0\1", d)
