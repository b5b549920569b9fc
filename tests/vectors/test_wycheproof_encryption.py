"""Wycheproof's RSA decryption and AES key wrap."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import wycheproof

from azure.keyvault.keys import JsonWebKey
from azure.keyvault.keys.crypto._local import DecryptionError

OAEP = {("SHA-1", "SHA-1"): "RSA-OAEP", ("SHA-256", "SHA-256"): "RSA-OAEP-256"}


def algorithm(group: dict[str, Any]) -> str | None:
    return OAEP.get((group["sha"], group["mgfSha"]))


OAEP_FILES = [
    name
    for name in wycheproof.names("Cipher", "rsa_oaep_")
    if any(algorithm(group) for group in wycheproof.groups("Cipher", name))
]


@pytest.mark.case("K2")
@pytest.mark.parametrize("name", OAEP_FILES)
def test_rsa_oaep_fails_in_one_way_only(name: str, open_private: Callable[..., Any], tally: Counter[str]) -> None:
    wrong, errors = [], set()
    for group in wycheproof.groups("Cipher", name):
        alg = algorithm(group)
        if alg is None:
            continue
        key = open_private(group)
        for case in wycheproof.cases(group):
            # The algorithms of JOSE have no label, so a valid ciphertext with one is not valid for them.
            valid = case["result"] != "invalid" and not case["label"]
            tally["with a label, refused" if case["label"] else case["result"]] += 1
            try:
                plaintext = key.decrypt(alg, case["ct"])
            except ValueError as error:
                errors.add((type(error), str(error)))
                plaintext = None
            if plaintext != (case["msg"] if valid else None):
                wrong.append((case["tcId"], case["comment"]))
    assert wrong == []
    assert len(errors) <= 1


@pytest.mark.case("K3")
@pytest.mark.parametrize("name", wycheproof.names("Cipher", "rsa_pkcs1_"))
def test_rsa_pkcs1_decryption_is_no_oracle(name: str, open_private: Callable[..., Any], tally: Counter[str]) -> None:
    wrong = []
    for group in wycheproof.groups("Cipher", name):
        key = open_private(group)
        for case in wycheproof.cases(group):
            tally[case["result"]] += 1
            try:
                plaintext = key.decrypt("RSA1_5", case["ct"])
            except DecryptionError:
                plaintext = None
            # A bad padding gives made-up bytes (implicit rejection) or the one error, never the message.
            if (plaintext == case["msg"]) is not (case["result"] == "valid"):
                wrong.append((case["tcId"], case["comment"]))
    assert wrong == []


@pytest.mark.case("L7")
def test_aes_key_wrap_is_judged_as_published(open_key: Callable[..., Any], tally: Counter[str]) -> None:
    wrong, errors = [], set()
    for group in wycheproof.groups("Cipher", "aes_wrap_test.json"):
        alg = f"A{group['keySize']}KW"
        for case in wycheproof.cases(group):
            tally[case["result"]] += 1
            key = open_key(JsonWebKey(kty="oct", k=case["key"]))
            try:
                unwrapped = key.unwrap(alg, case["ct"])
            except DecryptionError as error:
                errors.add(str(error))
                unwrapped = None
            if case["result"] == "valid":
                if unwrapped != case["msg"] or key.wrap(alg, case["msg"]) != case["ct"]:
                    wrong.append((case["tcId"], case["comment"]))
            elif unwrapped is not None and case["result"] == "invalid":
                wrong.append((case["tcId"], case["comment"]))
    assert wrong == []
    assert len(errors) == 1


@pytest.mark.case("L7")
def test_aes_key_wrap_refuses_keys_of_wrong_size(open_key: Callable[..., Any], tally: Counter[str]) -> None:
    for group in wycheproof.groups("Cipher", "aes_wrap_test.json"):
        for case in wycheproof.cases(group):
            if len(case["msg"]) % 8 or len(case["msg"]) < 16:
                tally["of wrong size, refused"] += 1
                key = open_key(JsonWebKey(kty="oct", k=case["key"]))
                with pytest.raises(ValueError, match="'key' must"):
                    key.wrap(f"A{group['keySize']}KW", case["msg"])
