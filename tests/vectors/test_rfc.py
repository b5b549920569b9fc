"""The examples printed in RFC 7515 to 7518, 7520 and 7638."""

from __future__ import annotations

import hashlib
import json
from base64 import urlsafe_b64decode
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from azure.keyvault.keys import JsonWebKey
from azure.keyvault.keys.crypto._local import DecryptionError

RFC = json.loads((Path(__file__).parent / "data" / "rfc.json").read_text("utf-8"))
EXAMPLES = {
    kind: [pytest.param(item, id=item["source"]) for item in RFC[kind]] for kind in ("jws", "jwe", "thumbprints")
}
CBC_HMAC = [pytest.param(item, id=item["source"]) for item in RFC["aes_cbc_hmac"]]


def unb64(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def key_of(example: dict[str, Any]) -> JsonWebKey:
    return JsonWebKey.from_json(RFC["keys"][example["key"]])


@pytest.mark.parametrize("example", EXAMPLES["jws"])
def test_signature_of_the_rfc_verifies(
    example: dict[str, Any], open_key: Callable[..., Any], tally: Counter[str]
) -> None:
    signed, _, signature = example["compact"].rpartition(".")
    digest = hashlib.new(f"sha{example['alg'][2:]}", signed.encode()).digest()
    key = open_key(key_of(example))
    assert key.verify(example["alg"], digest, unb64(signature))
    assert not key.verify(example["alg"], digest[::-1], unb64(signature))
    assert key.verify(example["alg"], digest, key.sign(example["alg"], digest))
    if example["alg"].startswith("RS"):
        assert key.sign(example["alg"], digest) == unb64(signature)
    tally["valid"] += 1


@pytest.mark.parametrize("example", EXAMPLES["jwe"])
def test_encryption_of_the_rfc_decrypts(
    example: dict[str, Any], open_key: Callable[..., Any], tally: Counter[str]
) -> None:
    header, encrypted_key, iv, ciphertext, tag = example["compact"].split(".")
    content_key = open_key(key_of(example)).unwrap(example["alg"], unb64(encrypted_key))
    if example["enc"].endswith("GCM"):
        plaintext = AESGCM(content_key).decrypt(unb64(iv), unb64(ciphertext) + unb64(tag), header.encode())
    else:
        content = open_key(JsonWebKey(kty="oct", k=content_key))
        plaintext = content.decrypt(example["enc"], unb64(ciphertext), unb64(iv), unb64(tag), header.encode())
    assert plaintext == unb64(example["plaintext"])
    tally["valid"] += 1


@pytest.mark.case("L9")
@pytest.mark.parametrize("example", CBC_HMAC)
def test_authenticated_cbc_is_that_of_rfc7518(
    example: dict[str, str], open_key: Callable[..., Any], tally: Counter[str]
) -> None:
    values = {name: bytes.fromhex(text) for name, text in example.items() if name not in ("source", "alg")}
    key = open_key(JsonWebKey(kty="oct", k=values["key"]))
    arguments = values["ciphertext"], values["iv"], values["tag"], values["aad"]
    assert tuple(key.encrypt(example["alg"], values["plaintext"], values["iv"], values["aad"])) == arguments[:3]
    assert key.decrypt(example["alg"], *arguments) == values["plaintext"]
    for index in range(4):
        tampered = [*arguments]
        tampered[index] = bytes([tampered[index][0] ^ 1]) + tampered[index][1:]
        with pytest.raises(DecryptionError):
            key.decrypt(example["alg"], *tampered)
    tally["valid"] += 1


@pytest.mark.parametrize("example", EXAMPLES["thumbprints"])
def test_thumbprint_is_that_of_rfc7638(example: dict[str, Any], tally: Counter[str]) -> None:
    assert key_of(example).thumbprint() == example["thumbprint"]
    tally["valid"] += 1


@pytest.mark.parametrize("name", list(RFC["keys"]))
def test_key_of_the_rfc_is_read_and_written(name: str, open_key: Callable[..., Any], tally: Counter[str]) -> None:
    source = RFC["keys"][name]
    jwk = JsonWebKey.from_json(source)
    private = any(member in source for member in ("d", "k"))
    written = json.loads(jwk.to_json(private=private))
    ignored = {"alg", "use", "x5c"}
    assert {member for member in source if member not in ignored} <= set(written)
    assert all(written[member] == source[member] for member in source if member not in ignored)
    open_key(jwk)
    tally["valid"] += 1
