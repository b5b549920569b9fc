"""Results as JSON, and what is no such JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest

from azure.keyvault.keys.crypto import (
    EncryptionAlgorithm,
    EncryptResult,
    KeyWrapAlgorithm,
    SignatureAlgorithm,
    SignResult,
    WrapResult,
)

KEY_ID = "https://demo.vault.azure.net/keys/orders/v1"
CASES: dict[str, tuple[Any, dict[str, str]]] = {
    "RSA": (
        EncryptResult(KEY_ID, EncryptionAlgorithm.rsa_oaep_256, b"\xff\xfe"),
        {"kid": KEY_ID, "alg": "RSA-OAEP-256", "ciphertext": "__4"},
    ),
    "AES-GCM": (
        EncryptResult(
            KEY_ID,
            EncryptionAlgorithm.a256_gcm,
            b"",
            iv=bytes(3),
            authentication_tag=b"\x01",
            additional_authenticated_data=b"",
        ),
        {"kid": KEY_ID, "alg": "A256GCM", "ciphertext": "", "iv": "AAAA", "tag": "AQ", "aad": ""},
    ),
    "without a key id": (
        EncryptResult(None, EncryptionAlgorithm.a128_cbcpad, b"x", iv=bytes(16)),
        {"alg": "A128CBCPAD", "ciphertext": "eA", "iv": "A" * 22},
    ),
    "wrap": (
        WrapResult(KEY_ID, KeyWrapAlgorithm.aes_256, b"key"),
        {"kid": KEY_ID, "alg": "A256KW", "encrypted_key": "a2V5"},
    ),
    "sign": (
        SignResult(KEY_ID, SignatureAlgorithm.es256, b"sig"),
        {"kid": KEY_ID, "alg": "ES256", "signature": "c2ln"},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_result_is_the_same_after_json(case: str) -> None:
    result, members = CASES[case]
    assert result.to_dict() == members
    assert all(type(value) is str for value in result.to_dict().values())
    restored = type(result).from_dict(json.loads(json.dumps(result.to_dict())))
    assert type(restored) is type(result)
    assert vars(restored) == vars(result)
    assert type(restored.algorithm) is type(result.algorithm)


def test_algorithm_that_is_not_known_stays_text() -> None:
    restored = WrapResult.from_dict({"alg": "X-KW", "encrypted_key": "AA"})
    assert restored.algorithm == "X-KW"
    assert restored.to_dict() == {"alg": "X-KW", "encrypted_key": "AA"}


def test_members_of_the_application_have_no_effect() -> None:
    restored = SignResult.from_dict({"kid": KEY_ID, "alg": "ES256", "signature": "c2ln", "made_by": "me"})
    assert restored.to_dict() == CASES["sign"][1]


def test_padding_is_accepted() -> None:
    assert WrapResult.from_dict({"alg": "A256KW", "encrypted_key": "AA=="}).encrypted_key == b"\0"


@pytest.mark.parametrize(
    ("members", "told"),
    [
        ({}, "'alg' is missing"),
        ({"alg": ""}, "'alg' is missing"),
        ({"alg": 5, "ciphertext": "AA"}, "'alg' must be text, not int"),
        ({"alg": "RSA-OAEP"}, "'ciphertext' is missing"),
        ({"alg": "RSA-OAEP", "encrypted_key": "AA"}, "'ciphertext' is missing"),
        ({"alg": "RSA-OAEP", "ciphertext": None}, "'ciphertext' is missing"),
        ({"alg": "RSA-OAEP", "ciphertext": b"AA"}, "'ciphertext' must be text, not bytes"),
        ({"alg": "RSA-OAEP", "ciphertext": "A"}, "'ciphertext' is not base64url"),
        ({"alg": "RSA-OAEP", "ciphertext": "A+/A"}, "'ciphertext' is not base64url"),
        ({"alg": "RSA-OAEP", "ciphertext": "AA\n"}, "'ciphertext' is not base64url"),
        ({"alg": "RSA-OAEP", "ciphertext": "AA", "iv": "?"}, "'iv' is not base64url"),
        ({"alg": "RSA-OAEP", "ciphertext": "AA", "kid": 5}, "'kid' must be text, not int"),
    ],
    ids=str,
)
def test_what_is_missing_or_malformed_is_named(members: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        EncryptResult.from_dict(members)


@pytest.mark.parametrize("wrong", [None, "{}", [("alg", "A256KW")]], ids=repr)
def test_what_is_no_mapping_is_refused(wrong: Any) -> None:
    with pytest.raises(TypeError, match="members must be the members of a result"):
        WrapResult.from_dict(wrong)
