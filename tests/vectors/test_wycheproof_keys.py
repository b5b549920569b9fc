"""Wycheproof's public EC keys, as JWK and as SubjectPublicKeyInfo: points off the curve, other encodings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import wycheproof

from azure.keyvault.keys import JsonWebKey

CURVES = {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521", "secp256k1": "P-256K"}


def loads(open_key: Callable[..., Any], jwk: dict[str, str]) -> bool:
    try:
        open_key(JsonWebKey.from_json(jwk))
    except ValueError:
        return False
    return True


@pytest.mark.case("J8")
@pytest.mark.parametrize("curve", list(CURVES))
def test_public_jwk_off_its_curve_is_refused(curve: str, open_key: Callable[..., Any], tally: Counter[str]) -> None:
    wrong = []
    for group in wycheproof.groups("Protocol", f"ecdh_{curve}_webcrypto_test.json"):
        for case in group["tests"]:
            # These are invalid only for a key agreement between two curves, which is not what is tested here.
            if "curve" in case["comment"] and case["public"]["crv"] != CURVES[curve]:
                continue
            if case["public"]["crv"] != CURVES[curve]:
                continue
            tally[case["result"]] += 1
            if loads(open_key, case["public"]) is not (case["result"] == "valid"):
                wrong.append((case["tcId"], case["comment"]))
    assert wrong == []


@pytest.mark.case("J8")
@pytest.mark.parametrize("curve", list(CURVES))
def test_public_key_in_der_is_read_or_refused(curve: str, tally: Counter[str]) -> None:
    wrong = []
    for group in wycheproof.groups("Protocol", f"ecdh_{curve}_test.json"):
        for case in group["tests"]:
            tally[case["result"]] += 1
            try:
                jwk = JsonWebKey.from_der(bytes.fromhex(case["public"]))
            except ValueError:
                jwk = None
            # Of an invalid key, what can be read must be a point on the curve that it says.
            if (jwk is None) if case["result"] == "valid" else (jwk is not None and not jwk.to_der()):
                wrong.append((case["tcId"], case["comment"]))
    assert wrong == []
