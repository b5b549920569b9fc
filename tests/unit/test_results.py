"""The results of operations: constructors and attributes of 4.x, and reprs that show no data."""

from __future__ import annotations

from typing import Any

import pytest

from azure.keyvault.keys.crypto import _results
from azure.keyvault.keys.crypto._enums import EncryptionAlgorithm, KeyWrapAlgorithm, SignatureAlgorithm

CANARY = b"canary, never to be seen"
OAEP, KW, ES256 = EncryptionAlgorithm.rsa_oaep, KeyWrapAlgorithm.aes_256, SignatureAlgorithm.es256

POSITIONAL: list[tuple[str, tuple[Any, ...], tuple[str, ...]]] = [
    ("EncryptResult", ("kid", OAEP, CANARY), ("key_id", "algorithm", "ciphertext")),
    ("DecryptResult", ("kid", OAEP, CANARY), ("key_id", "algorithm", "plaintext")),
    ("SignResult", ("kid", ES256, CANARY), ("key_id", "algorithm", "signature")),
    ("VerifyResult", ("kid", True, ES256), ("key_id", "is_valid", "algorithm")),
    ("WrapResult", ("kid", KW, CANARY), ("key_id", "algorithm", "encrypted_key")),
    ("UnwrapResult", ("kid", KW, CANARY), ("key_id", "algorithm", "key")),
    ("SecureWrapResult", ("kid", KW, CANARY), ("key_id", "algorithm", "encrypted_key")),
    ("SecureUnwrapResult", ("kid", KW, CANARY), ("key_id", "algorithm", "key")),
]
every_result = pytest.mark.parametrize(("name", "arguments", "attributes"), POSITIONAL, ids=[x[0] for x in POSITIONAL])


@every_result
def test_constructor_takes_arguments_in_the_order_of_4_x(
    name: str, arguments: tuple[Any, ...], attributes: tuple[str, ...]
) -> None:
    result = getattr(_results, name)(*arguments)
    assert tuple(getattr(result, attribute) for attribute in attributes) == arguments


@pytest.mark.case("M8")
@every_result
def test_result_tells_where_it_was_performed(
    name: str, arguments: tuple[Any, ...], attributes: tuple[str, ...]
) -> None:
    make = getattr(_results, name)
    assert make(*arguments).performed == "remote"
    assert make(*arguments, performed="local").performed == "local"
    assert make(**dict(zip(attributes, arguments, strict=True))).performed == "remote"


@pytest.mark.case("I3")
@every_result
def test_repr_shows_no_data(name: str, arguments: tuple[Any, ...], attributes: tuple[str, ...]) -> None:
    text = repr(getattr(_results, name)(*arguments))
    assert text.startswith(f"{name}(key_id='kid', algorithm='")
    assert "canary" not in text


def test_encrypt_result_is_read_under_both_names() -> None:
    result = _results.EncryptResult(
        "kid", OAEP, b"c", iv=b"i", authentication_tag=b"t", additional_authenticated_data=b"a"
    )
    assert (result.iv, result.tag, result.aad) == (b"i", b"t", b"a")
    assert (result.authentication_tag, result.additional_authenticated_data) == (b"t", b"a")
    plain = _results.EncryptResult(None, OAEP, b"c")
    assert (plain.iv, plain.tag, plain.aad) == (None, None, None)


def test_misspelled_keyword_is_refused() -> None:
    with pytest.raises(TypeError):
        _results.EncryptResult("kid", OAEP, b"c", nonce=b"i")  # type: ignore[call-arg]


@pytest.mark.case("J5")
def test_signature_in_der() -> None:
    signature = b"\0" * 31 + b"\1" + b"\x80" + b"\0" * 31
    assert _results.SignResult(None, ES256, signature).to_der() == (
        b"\x30\x26\x02\x01\x01\x02\x21\x00\x80" + b"\0" * 31
    )


@pytest.mark.parametrize("algorithm", [SignatureAlgorithm.rs256, SignatureAlgorithm.hs256, "ML-DSA-44"])
def test_signature_without_der_form_is_refused(algorithm: Any) -> None:
    with pytest.raises(ValueError, match="no DER form"):
        _results.SignResult(None, algorithm, bytes(64)).to_der()
