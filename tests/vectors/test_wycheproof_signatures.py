"""Wycheproof's signatures: ECDSA in P1363 and DER form, RSASSA-PKCS1-v1_5, RSASSA-PSS."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import wycheproof

from azure.keyvault.keys import JsonWebKey
from azure.keyvault.keys.crypto._local.der import der_to_raw

CURVES = {
    "secp256r1_sha256": "ES256",
    "secp384r1_sha384": "ES384",
    "secp521r1_sha512": "ES512",
    "secp256k1_sha256": "ES256K",
}
SIZES = {"ES256": 64, "ES384": 96, "ES512": 132, "ES256K": 64}


def public_key(group: dict[str, Any]) -> JsonWebKey:
    return JsonWebKey.from_der(bytes.fromhex(group["publicKeyDer"]))


def judge(tally: Counter[str], expected: str, valid: bool) -> bool:
    """Count a vector and tell whether it was judged wrongly. The acceptable ones may go either way."""
    tally[expected] += 1
    return expected != "acceptable" and valid is not (expected == "valid")


@pytest.mark.case("J1")
@pytest.mark.parametrize("name", list(CURVES))
def test_ecdsa_p1363_is_judged_as_published(name: str, open_key: Callable[..., Any], tally: Counter[str]) -> None:
    wrong = []
    for group in wycheproof.groups("Signature", f"ecdsa_{name}_p1363_test.json"):
        key = open_key(JsonWebKey.from_json(group["publicKeyJwk"]) if "publicKeyJwk" in group else public_key(group))
        for case in wycheproof.cases(group):
            valid = key.verify(CURVES[name], wycheproof.digest(group["sha"], case["msg"]), case["sig"])
            if judge(tally, case["result"], valid):
                wrong.append((case["tcId"], case["comment"]))
    assert wrong == []


@pytest.mark.case("J3", "J5")
@pytest.mark.parametrize("name", list(CURVES))
def test_ecdsa_der_is_judged_as_published(name: str, open_key: Callable[..., Any], tally: Counter[str]) -> None:
    alg = CURVES[name]
    wrong = []
    for group in wycheproof.groups("Signature", f"ecdsa_{name}_test.json"):
        key = open_key(public_key(group))
        for case in wycheproof.cases(group):
            try:
                raw = der_to_raw(case["sig"], SIZES[alg])
            except ValueError:
                raw = b""
            valid = key.verify(alg, wycheproof.digest(group["sha"], case["msg"]), raw)
            if judge(tally, case["result"], valid):
                wrong.append((case["tcId"], case["comment"]))
    assert wrong == []


PKCS1 = [
    name
    for name in wycheproof.names("Signature", "rsa_signature_")
    if name.split("_")[3] in ("sha256", "sha384", "sha512") and name.split("_")[4] == "test.json"
]


@pytest.mark.case("K1", "K10")
@pytest.mark.parametrize("name", PKCS1)
def test_rsa_pkcs1_signature_is_judged_as_published(
    name: str, open_key: Callable[..., Any], tally: Counter[str]
) -> None:
    wrong = []
    for group in wycheproof.groups("Signature", name):
        key = open_key(public_key(group))
        alg = "RS" + group["sha"].removeprefix("SHA-")
        for case in wycheproof.cases(group):
            valid = key.verify(alg, wycheproof.digest(group["sha"], case["msg"]), case["sig"])
            if judge(tally, case["result"], valid):
                wrong.append((case["tcId"], case["comment"]))
    assert wrong == []


@pytest.mark.case("K1")
@pytest.mark.parametrize("name", wycheproof.names("Signature", "rsa_pkcs1_"))
def test_rsa_pkcs1_signing_gives_the_published_signature(
    name: str, open_private: Callable[..., Any], tally: Counter[str]
) -> None:
    wrong = []
    for group in wycheproof.groups("Signature", name):
        if group["sha"] not in wycheproof.HASHES:
            continue
        key = open_private(group)
        alg = "RS" + group["sha"].removeprefix("SHA-")
        for case in wycheproof.cases(group):
            tally[case["result"]] += 1
            if key.sign(alg, wycheproof.digest(group["sha"], case["msg"])) != case["sig"]:
                wrong.append(case["tcId"])
    assert wrong == []


def ours(group: dict[str, Any]) -> bool:
    """Tell whether PSS parameters are those of PS256, PS384 or PS512: one hash for all, a salt as long as it."""
    return (
        group["sha"] in wycheproof.HASHES
        and group["mgfSha"] == group["sha"]
        and group["sLen"] == int(group["sha"].removeprefix("SHA-")) // 8
    )


PSS = [
    name
    for name in wycheproof.names("Signature", "rsa_pss_")
    if "_params_" not in name and any(ours(group) for group in wycheproof.groups("Signature", name))
]


@pytest.mark.case("K1")
@pytest.mark.parametrize("name", PSS)
def test_rsa_pss_signature_is_judged_as_published(name: str, open_key: Callable[..., Any], tally: Counter[str]) -> None:
    wrong = []
    for group in wycheproof.groups("Signature", name):
        if not ours(group):
            continue
        key = open_key(public_key(group))
        alg = "PS" + group["sha"].removeprefix("SHA-")
        for case in wycheproof.cases(group):
            valid = key.verify(alg, wycheproof.digest(group["sha"], case["msg"]), case["sig"])
            if judge(tally, case["result"], valid):
                wrong.append((case["tcId"], case["comment"]))
    assert wrong == []


OTHER_PARAMETERS = [
    "rsa_pss_2048_sha256_mgf1_0_test.json",
    "rsa_pss_2048_sha256_mgf1sha1_20_test.json",
    "rsa_pss_4096_sha512_mgf1_32_test.json",
    "rsa_pss_misc_test.json",
]


@pytest.mark.case("K1")
@pytest.mark.parametrize("name", OTHER_PARAMETERS)
def test_rsa_pss_with_other_salt_or_mask_hash_is_not_valid(
    name: str, open_key: Callable[..., Any], tally: Counter[str]
) -> None:
    wrong = []
    for group in wycheproof.groups("Signature", name):
        if ours(group) or group["sha"] not in wycheproof.HASHES:
            continue
        key = open_key(public_key(group))
        alg = "PS" + group["sha"].removeprefix("SHA-")
        for case in wycheproof.cases(group):
            # What is invalid there may have our parameters.
            if case["result"] != "valid":
                continue
            tally["of other parameters, refused"] += 1
            if key.verify(alg, wycheproof.digest(group["sha"], case["msg"]), case["sig"]):
                wrong.append((case["tcId"], case["comment"]))
    assert wrong == []
