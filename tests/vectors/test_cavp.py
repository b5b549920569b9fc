"""NIST's vectors: AES key wrap, AES-CBC, ECDSA and RSA verification."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable
from typing import Any

import cavp
import pytest

from azure.keyvault.keys import JsonWebKey
from azure.keyvault.keys.crypto._local import DecryptionError


def oct_key(key: str) -> JsonWebKey:
    return JsonWebKey(kty="oct", k=bytes.fromhex(key))


@pytest.mark.case("L7")
@pytest.mark.parametrize("size", [128, 192, 256])
def test_cavp_unwrap_is_judged_as_published(size: int, open_key: Callable[..., Any], tally: Counter[str]) -> None:
    for record in cavp.records(f"keywrap/kwtestvectors/KW_AD_{size}.txt"):
        key = open_key(oct_key(record["K"]))
        wrapped = bytes.fromhex(record["C"])
        if "FAIL" in record:
            with pytest.raises(DecryptionError):
                key.unwrap(f"A{size}KW", wrapped)
            tally["invalid"] += 1
        else:
            assert key.unwrap(f"A{size}KW", wrapped) == bytes.fromhex(record["P"])
            tally["valid"] += 1


@pytest.mark.case("L7")
@pytest.mark.parametrize("size", [128, 192, 256])
def test_cavp_wrap_gives_the_published_key(size: int, open_key: Callable[..., Any], tally: Counter[str]) -> None:
    for record in cavp.records(f"keywrap/kwtestvectors/KW_AE_{size}.txt"):
        key = open_key(oct_key(record["K"]))
        assert key.wrap(f"A{size}KW", bytes.fromhex(record["P"])) == bytes.fromhex(record["C"])
        tally["valid"] += 1


@pytest.mark.parametrize("size", [128, 192, 256])
@pytest.mark.parametrize("name", ["CBCGFSbox", "CBCKeySbox", "CBCMMT", "CBCVarKey", "CBCVarTxt"])
def test_cavp_cbc_gives_the_published_ciphertext(
    name: str, size: int, open_key: Callable[..., Any], tally: Counter[str]
) -> None:
    for record in cavp.records(f"ciphers/AES/CBC/{name}{size}.rsp"):
        if "KEY" not in record:
            continue
        key = open_key(oct_key(record["KEY"]))
        iv, plaintext, ciphertext = (bytes.fromhex(record[name]) for name in ("IV", "PLAINTEXT", "CIPHERTEXT"))
        assert key.encrypt(f"A{size}CBC", plaintext, iv)[0] == ciphertext
        assert key.decrypt(f"A{size}CBC", ciphertext, iv) == plaintext
        tally["valid"] += 1


ECDSA = {"P-256,SHA-256": ("ES256", 32), "P-384,SHA-384": ("ES384", 48), "P-521,SHA-512": ("ES512", 66)}


@pytest.mark.case("J1")
@pytest.mark.parametrize("section", list(ECDSA))
def test_cavp_ecdsa_is_judged_as_published(section: str, open_key: Callable[..., Any], tally: Counter[str]) -> None:
    alg, size = ECDSA[section]
    for record in cavp.records("asymmetric/ECDSA/FIPS_186-3/SigVer.rsp"):
        if record["section"] != section or "Msg" not in record:
            continue
        x, y, r, s = (int(record[name], 16).to_bytes(size, "big") for name in ("Qx", "Qy", "R", "S"))
        digest = hashlib.new(f"sha{section[-3:]}", bytes.fromhex(record["Msg"])).digest()
        valid = record["Result"].startswith("P")
        try:
            key = open_key(JsonWebKey(kty="EC", crv=section[:5], x=x, y=y))
            judged = key.verify(alg, digest, r + s)
        except ValueError:
            judged = False
        assert judged is valid
        tally["valid" if valid else "invalid"] += 1
