"""The table of algorithms, and the checks of arguments against it."""

from __future__ import annotations

import dataclasses
import hashlib
from enum import Enum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from azure.keyvault.keys import JsonWebKey
from azure.keyvault.keys.crypto import _enums
from azure.keyvault.keys.crypto._local import algorithms as algorithms
from azure.keyvault.keys.crypto._local import checks as checks
from azure.keyvault.keys.crypto._local import load
from azure.keyvault.keys.crypto._local.algorithms import ALGORITHMS

TABLES: list[tuple[Any, type[Enum], str]] = [
    (algorithms.encryption, _enums.EncryptionAlgorithm, "encryption"),
    (algorithms.key_wrap, _enums.KeyWrapAlgorithm, "key wrap"),
    (algorithms.signature, _enums.SignatureAlgorithm, "signature"),
    (algorithms.secure_wrap, _enums.KeySecureWrapAlgorithm, "secure wrap"),
]
every_table = pytest.mark.parametrize(("lookup", "enum", "kind"), TABLES, ids=[kind for _, _, kind in TABLES])


@pytest.mark.case("M5")
@every_table
def test_every_member_and_its_string_find_the_same_row(lookup: Any, enum: type[Enum], kind: str) -> None:
    for member in enum:
        row = lookup(member)
        assert row is lookup(member.value)
        assert (row.name, row.kind) == (member.value, kind)
        assert type(row.name) is str


def test_every_row_is_a_member() -> None:
    enums = {kind: enum for _, enum, kind in TABLES}
    assert all(row.name in [member.value for member in enums[row.kind]] for row in ALGORITHMS)


@every_table
def test_unknown_algorithm_is_left_to_the_service(lookup: Any, enum: type[Enum], kind: str) -> None:
    row = lookup("ML-DSA-1")
    assert (row.name, row.kind, row.family, row.local, row.remote) == ("ML-DSA-1", kind, None, False, True)


@pytest.mark.parametrize(
    ("lookup", "algorithm", "message"),
    [
        (algorithms.encryption, "RS256", "RS256 is for sign and verify, not for encrypt and decrypt"),
        (algorithms.key_wrap, "A128GCM", "A128GCM is for encrypt and decrypt, not for wrap_key and unwrap_key"),
        (algorithms.signature, _enums.KeyWrapAlgorithm.aes_128, "A128KW is for wrap_key and unwrap_key, not for sign"),
    ],
)
def test_algorithm_of_another_operation_is_refused(lookup: Any, algorithm: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        lookup(algorithm)


@every_table
@pytest.mark.parametrize("algorithm", [None, 7, b"RS256", 1.5])
def test_algorithm_that_is_no_string_is_refused(lookup: Any, enum: type[Enum], kind: str, algorithm: Any) -> None:
    with pytest.raises(TypeError, match="'algorithm' must be"):
        lookup(algorithm)


def test_rows_can_not_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        ALGORITHMS[0].local = False  # type: ignore[misc]


def test_sizes_agree_with_the_hashes() -> None:
    for row in ALGORITHMS:
        if row.hash_name and row.digest_size:
            assert hashlib.new(row.hash_name).digest_size == row.digest_size
        if row.kind == "signature":
            assert row.message is (row.digest_size is None)


def test_algorithms_that_run_locally() -> None:
    local = {row.name for row in ALGORITHMS if row.local}
    assert local == {
        *("RSA1_5", "RSA-OAEP", "RSA-OAEP-256"),
        *(f"{scheme}{size}" for scheme in ("RS", "PS", "ES") for size in (256, 384, 512)),
        "ES256K",
        *(f"A{size}{mode}" for size in (128, 192, 256) for mode in ("KW", "CBC", "CBCPAD")),
        *("A128CBC-HS256", "A192CBC-HS384", "A256CBC-HS512"),
        *("ML-DSA-44", "ML-DSA-65", "ML-DSA-87"),
    }
    assert {row.name for row in ALGORITHMS if not row.remote} == {"A128CBC-HS256", "A192CBC-HS384", "A256CBC-HS512"}


@pytest.mark.case("K3")
def test_weak_algorithms_are_marked() -> None:
    weak = {row.name for row in ALGORITHMS if row.weakness}
    assert weak == {"RSA1_5", "RSA-OAEP", *(f"A{size}{m}" for size in (128, 192, 256) for m in ("CBC", "CBCPAD"))}


# Checks

ENCRYPTION = {name: algorithms.encryption(name) for name in [member.value for member in _enums.EncryptionAlgorithm]}


def arguments_of(name: str) -> dict[str, Any]:
    row = ENCRYPTION[name]
    return {
        "iv": bytes(16) if row.iv else None,
        "tag": bytes(row.tag_size) if row.tag_size else None,
        "aad": b"aad" if row.aad else None,
    }


@pytest.mark.parametrize("name", list(ENCRYPTION))
def test_right_arguments_pass(name: str) -> None:
    row, arguments = ENCRYPTION[name], arguments_of(name)
    iv = arguments["iv"] if row.iv == "caller" else None
    assert checks.check_encrypt(row, bytes(16), iv, arguments["aad"]) == (bytes(16), iv, arguments["aad"])
    assert checks.check_decrypt(row, b"c", **arguments) == (b"c", *arguments.values())


@pytest.mark.case("L1")
@pytest.mark.parametrize("name", [name for name, row in ENCRYPTION.items() if row.iv == "caller"])
def test_missing_iv_is_made_fresh(name: str) -> None:
    ivs = {checks.check_encrypt(ENCRYPTION[name], bytes(16))[1] for _ in range(50)}
    assert len(ivs) == 50
    assert all(iv is not None and len(iv) == 16 for iv in ivs)


@pytest.mark.case("L8")
@pytest.mark.parametrize("size", [0, 1, 12, 15, 17, 32])
@pytest.mark.parametrize("name", [name for name, row in ENCRYPTION.items() if row.iv == "caller"])
def test_iv_of_wrong_length_is_refused(name: str, size: int) -> None:
    row, arguments = ENCRYPTION[name], arguments_of(name)
    with pytest.raises(ValueError, match="'iv' must have 16 bytes"):
        checks.check_encrypt(row, bytes(16), bytes(size))
    with pytest.raises(ValueError, match="'iv' must have 16 bytes"):
        checks.check_decrypt(row, b"c", **{**arguments, "iv": bytes(size)})


@pytest.mark.case("L2", "L3", "L4")
@pytest.mark.parametrize("name", list(ENCRYPTION))
def test_arguments_that_do_not_fit_are_refused(name: str) -> None:
    row, arguments = ENCRYPTION[name], arguments_of(name)
    if row.iv != "caller":
        with pytest.raises(ValueError, match="'iv' can't be given"):
            checks.check_encrypt(row, bytes(16), bytes(16))
    if row.iv:
        with pytest.raises(ValueError, match="'iv' is required"):
            checks.check_decrypt(row, b"c", **{**arguments, "iv": None})
    else:
        with pytest.raises(ValueError, match="'iv' can't be given"):
            checks.check_decrypt(row, b"c", bytes(16))
    if not row.aad and row.family == "RSA":
        with pytest.raises(ValueError, match="'additional_authenticated_data' can't be given"):
            checks.check_encrypt(row, bytes(16), aad=b"")
        with pytest.raises(ValueError, match="'additional_authenticated_data' can't be given"):
            checks.check_decrypt(row, b"c", **{**arguments, "aad": b""})
    if not row.aad:
        with pytest.raises(ValueError, match="'authentication_tag' can't be given"):
            checks.check_decrypt(row, b"c", **{**arguments, "tag": bytes(16)})


@pytest.mark.case("L4")
@pytest.mark.parametrize("size", [None, 0, 4, 12, 15, 17])
@pytest.mark.parametrize("name", [name for name, row in ENCRYPTION.items() if row.tag_size])
def test_tag_missing_or_of_wrong_length_is_refused(name: str, size: int | None) -> None:
    tag = None if size is None else bytes(size)
    with pytest.raises(ValueError, match=r"'authentication_tag' (is required|must have)"):
        checks.check_decrypt(ENCRYPTION[name], b"c", **{**arguments_of(name), "tag": tag})


def test_iv_of_the_service_may_have_any_size() -> None:
    row = ENCRYPTION["A256GCM"]
    assert checks.check_decrypt(row, b"c", bytes(12), bytes(16))[1] == bytes(12)


@pytest.mark.parametrize("size", [1, 15, 17, 31])
def test_cbc_without_padding_needs_whole_blocks_here_only(size: int) -> None:
    row = ENCRYPTION["A128CBC"]
    assert checks.check_encrypt(row, bytes(size), bytes(16)) == (bytes(size), bytes(16), None)
    key = load(JsonWebKey(kty="oct", k=bytes(16)))
    assert key is not None
    with pytest.raises(ValueError, match=r"'plaintext' must be a multiple of 16 bytes for A128CBC.*CBCPAD"):
        key.encrypt(row, bytes(size), bytes(16))


@pytest.mark.parametrize("name", [name for name, row in ENCRYPTION.items() if row.iv == "caller" and not row.aad])
def test_data_beside_cbc_is_refused_here_only(name: str) -> None:
    row = ENCRYPTION[name]
    assert checks.check_encrypt(row, bytes(16), bytes(16), b"aad")[2] == b"aad"
    assert checks.check_decrypt(row, bytes(16), bytes(16), aad=b"aad")[3] == b"aad"
    key = load(JsonWebKey(kty="oct", k=bytes(row.key_size or 0)))
    assert key is not None
    with pytest.raises(ValueError, match=r"'additional_authenticated_data' can't be given .* authenticates nothing"):
        key.encrypt(row, bytes(16), bytes(16), b"aad")
    with pytest.raises(ValueError, match=r"'additional_authenticated_data' can't be given .* authenticates nothing"):
        key.decrypt(row, bytes(16), bytes(16), aad=b"aad")


@pytest.mark.case("J7")
@pytest.mark.parametrize("name", [row.name for row in ALGORITHMS if row.kind == "signature" and not row.message])
def test_digest_of_wrong_length_is_refused(name: str) -> None:
    row = algorithms.signature(name)
    assert row.digest_size is not None
    for size in {0, 1, 20, 32, 48, 64, 65} - {row.digest_size}:
        with pytest.raises(ValueError, match=f"'digest' must be the {row.digest_size} bytes .* not {size} bytes"):
            checks.check_sign(row, bytes(size))
    assert checks.check_sign(row, bytes(row.digest_size)) == (bytes(row.digest_size), None, None)


MESSAGES = [row.name for row in ALGORITHMS if row.message]
WRONG_MESSAGES: dict[str, tuple[tuple[Any, ...], str]] = {
    "nothing": ((None,), "needs the message to sign or verify, or its 'external_mu'"),
    "context too long": ((b"m", bytes(256)), "'context' must have at most 255 bytes, not 256"),
    "context without message": ((None, b"c"), "needs the message"),
    "mu too short": ((None, None, bytes(63)), "'external_mu' must have 64 bytes, not 63"),
    "mu too long": ((None, None, bytes(65)), "'external_mu' must have 64 bytes, not 65"),
    "empty mu": ((None, None, b""), "'external_mu' must have 64 bytes, not 0"),
    "mu and message": ((b"m", None, bytes(64)), "'external_mu' stands for the message"),
    "mu and empty message": ((b"", None, bytes(64)), "'external_mu' stands for the message"),
    "mu and context": ((None, b"c", bytes(64)), "'context' can't be given with it"),
    "mu and empty context": ((None, b"", bytes(64)), "'context' can't be given with it"),
}


@pytest.mark.parametrize("name", MESSAGES)
@pytest.mark.parametrize("wrong", WRONG_MESSAGES)
def test_wrong_message_context_or_mu_is_refused(name: str, wrong: str) -> None:
    arguments, text = WRONG_MESSAGES[wrong]
    with pytest.raises(ValueError, match=text):
        checks.check_sign(algorithms.signature(name), *arguments)


@pytest.mark.parametrize("name", MESSAGES)
def test_right_message_context_or_mu_passes(name: str) -> None:
    row = algorithms.signature(name)
    for message in (b"", b"m", bytes(100_000)):
        assert checks.check_sign(row, message) == (message, None, None)
    assert checks.check_sign(row, bytearray(b"m"), memoryview(bytes(255))) == (b"m", bytes(255), None)
    assert checks.check_sign(row, b"m", b"") == (b"m", b"", None)
    assert checks.check_sign(row, None, None, bytearray(64)) == (b"", None, bytes(64))


@pytest.mark.parametrize("name", [row.name for row in ALGORITHMS if row.kind == "signature" and not row.message])
@pytest.mark.parametrize("argument", ["context", "external_mu"])
def test_context_and_mu_are_refused_where_there_is_none(name: str, argument: str) -> None:
    row = algorithms.signature(name)
    for value in (b"", bytes(64)):
        with pytest.raises(ValueError, match=f"'{argument}' can't be given for {name}: only ML-DSA has it"):
            checks.check_sign(row, bytes(row.digest_size or 0), **{argument: value})


@pytest.mark.parametrize(("token", "error"), [("", ValueError), (None, TypeError), (b"t", TypeError), (7, TypeError)])
def test_token_that_is_none_is_refused(token: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="'target_attestation_token' must be"):
        checks.check_token(token)
    assert checks.check_token("a.b.c") == "a.b.c"


@pytest.mark.case("L7")
@pytest.mark.parametrize("name", ["A128KW", "A192KW", "A256KW", "CKM_AES_KEY_WRAP"])
@pytest.mark.parametrize("size", [0, 8, 15, 17, 20])
def test_key_of_wrong_size_is_not_wrapped(name: str, size: int) -> None:
    with pytest.raises(ValueError, match="'key' must"):
        checks.check_wrap(algorithms.key_wrap(name), bytes(size))


@pytest.mark.case("L8")
@pytest.mark.parametrize("make", [bytes, bytearray, memoryview])
def test_any_buffer_is_taken(make: Any) -> None:
    row = ENCRYPTION["A128CBC-HS256"]
    passed = checks.check_decrypt(row, make(b"c"), make(bytes(16)), make(bytes(16)), make(b"a"))
    assert passed == (b"c", bytes(16), bytes(16), b"a")
    assert all(type(value) is bytes for value in passed)
    strided = memoryview(b"a-b-c-")[::2]
    assert checks.as_bytes("x", strided) == b"abc"


@pytest.mark.parametrize("value", ["text", 5, None, [1, 2], 1.5, object()])
def test_what_is_no_buffer_is_refused_by_name(value: Any) -> None:
    row, signature, wrap = ENCRYPTION["RSA-OAEP"], algorithms.signature("ES256"), algorithms.key_wrap("A128KW")
    for name, check in (
        ("plaintext", lambda: checks.check_encrypt(row, value)),
        ("ciphertext", lambda: checks.check_decrypt(row, value)),
        ("digest", lambda: checks.check_sign(signature, value)),
        ("key", lambda: checks.check_wrap(wrap, value)),
        ("encrypted_key", lambda: checks.check_unwrap(wrap, value)),
    ):
        with pytest.raises(TypeError, match=f"'{name}' must be bytes, not {type(value).__name__}"):
            check()


@given(st.sampled_from(list(ENCRYPTION.values())), *[st.none() | st.binary(max_size=40)] * 3, st.binary(max_size=40))
def test_checks_raise_only_value_errors_that_show_no_data(
    row: algorithms.Algorithm, iv: bytes | None, tag: bytes | None, aad: bytes | None, data: bytes
) -> None:
    for check in (
        lambda: checks.check_encrypt(row, data, iv, aad),
        lambda: checks.check_decrypt(row, data, iv, tag, aad),
    ):
        try:
            check()
        except ValueError as error:
            assert repr(data) not in str(error) or len(data) < 3  # noqa: PT017


def test_unknown_algorithm_passes_any_bytes() -> None:
    row = algorithms.encryption("A512XYZ")
    assert checks.check_encrypt(row, b"p", bytearray(b"i"), b"a") == (b"p", b"i", b"a")
    assert checks.check_encrypt(row, b"p") == (b"p", None, None)
    assert checks.check_decrypt(row, b"c", b"i", b"t", b"a") == (b"c", b"i", b"t", b"a")
    assert checks.check_sign(algorithms.signature("XYZ512"), b"any length") == (b"any length", None, None)
    assert checks.check_sign(algorithms.signature("XYZ512"), b"any", b"context") == (b"any", b"context", None)
    assert checks.check_sign(algorithms.signature("XYZ512"), None, None, bytes(64)) == (b"", None, bytes(64))


@pytest.mark.parametrize(("name", "reason"), [("A128GCM", "the service chooses it"), ("RSA-OAEP", "it has none")])
def test_reason_why_no_iv_may_be_given_is_told(name: str, reason: str) -> None:
    with pytest.raises(ValueError, match=f"'iv' can't be given for {name}: {reason}"):
        checks.check_encrypt(algorithms.encryption(name), b"data", bytes(12), None)


@pytest.mark.parametrize(
    ("size", "message"),
    [(15, "a multiple of 8 bytes"), (17, "a multiple of 8 bytes"), (8, "at least 16 bytes"), (0, "at least 16 bytes")],
)
def test_size_of_a_key_to_wrap_is_told_as_it_must_be(size: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        checks.check_wrap(algorithms.key_wrap("A128KW"), bytes(size))


@pytest.mark.parametrize("size", [16, 24, 32, 64])
def test_key_of_right_size_is_wrapped_as_it_is(size: int) -> None:
    key = bytes(range(size))
    assert checks.check_wrap(algorithms.key_wrap("A128KW"), key) == key
