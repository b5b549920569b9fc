"""Other programs read what local keys make, and the other way round: joserfc, PyJWT, openssl."""

from __future__ import annotations

import hashlib
import json
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from joserfc import jwe, jws
from joserfc.jwk import ECKey, OctKey, RSAKey

from azure.keyvault.keys._jwk import JsonWebKey
from azure.keyvault.keys._jwk.ec import CURVES
from azure.keyvault.keys._jwk.rfc7517 import decode_base64url, encode_base64url
from azure.keyvault.keys.crypto._local import LocalKey, load
from azure.keyvault.keys.crypto._local import algorithms as algorithms
from azure.keyvault.keys.crypto._local.algorithms import ALGORITHMS, Algorithm
from azure.keyvault.keys.crypto._local.der import der_to_raw, raw_to_der

# The other libraries, and the openssl of most machines, have no ML-DSA: vectors/test_published_ml_dsa.py judges that.
SIGNATURE = [row for row in ALGORITHMS if row.kind == "signature" and row.local and not row.message]
every_signature = pytest.mark.parametrize("row", SIGNATURE, ids=lambda row: row.name)


@cache
def jwk_for(family: str | None, curve: str | None) -> JsonWebKey:
    if family == "EC":
        return JsonWebKey.from_cryptography(ec.generate_private_key(CURVES[str(curve)].make()))
    return JsonWebKey.from_cryptography(rsa.generate_private_key(65537, 2048))


def jwk_of(row: Algorithm) -> JsonWebKey:
    return jwk_for(row.family, row.curve)


def opened(jwk: JsonWebKey) -> LocalKey:
    key = load(jwk)
    assert key is not None
    return key


def theirs(jwk: JsonWebKey) -> Any:
    kind: Any = {"RSA": RSAKey, "EC": ECKey, "oct": OctKey}[str(jwk.kty)]
    return kind.import_key(json.loads(jwk.to_json(private=True)))


def digest_of(row: Algorithm, data: str | bytes) -> bytes:
    return hashlib.new(row.hash_name or "", data.encode() if isinstance(data, str) else data).digest()


def compact(row: Algorithm, payload: bytes) -> str:
    header = encode_base64url(json.dumps({"alg": row.name}).encode())
    signed = f"{header}.{encode_base64url(payload)}"
    signature = opened(jwk_of(row)).sign(row, digest_of(row, signed))
    return f"{signed}.{encode_base64url(signature)}"


def is_ours(row: Algorithm, token: str) -> bool:
    signed, _, signature = token.rpartition(".")
    return opened(jwk_of(row)).verify(row, digest_of(row, signed), decode_base64url("signature", signature))


@every_signature
def test_joserfc_and_we_verify_each_other(row: Algorithm) -> None:
    token = compact(row, b"payload")
    assert jws.deserialize_compact(token, theirs(jwk_of(row)), algorithms=[row.name]).payload == b"payload"
    assert is_ours(
        row, jws.serialize_compact({"alg": row.name}, b"payload", theirs(jwk_of(row)), algorithms=[row.name])
    )


@every_signature
def test_pyjwt_and_we_verify_each_other(row: Algorithm) -> None:
    jwk = jwk_of(row)
    token = compact(row, b'{"sub":"x"}')
    assert jwt.decode(token, jwk.to_cryptography(), algorithms=[row.name]) == {"sub": "x"}
    assert is_ours(row, jwt.encode({"sub": "x"}, jwk.to_cryptography(private=True), algorithm=row.name))


def openssl(*arguments: str | Path) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["openssl", *arguments], capture_output=True, check=False)


def padding_options(row: Algorithm) -> list[str]:
    if not row.name.startswith("PS"):
        return []
    return ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest"]


@pytest.mark.case("J12")
@every_signature
def test_openssl_and_we_verify_each_other(row: Algorithm, tmp_path: Path) -> None:
    private, public, data, signature = (tmp_path / name for name in ("private", "public", "data", "signature"))
    private.write_bytes(jwk_of(row).to_pem(private=True))
    public.write_bytes(jwk_of(row).to_pem())
    data.write_bytes(b"to be signed")
    options = [f"-{row.hash_name}", *padding_options(row)]
    key, digest = opened(jwk_of(row)), digest_of(row, b"to be signed")
    ours = key.sign(row, digest)
    signature.write_bytes(raw_to_der(ours) if row.curve else ours)
    assert openssl("dgst", *options, "-verify", public, "-signature", signature, data).returncode == 0
    made = openssl("dgst", *options, "-sign", private, data).stdout
    assert key.verify(row, digest, der_to_raw(made, row.signature_size or 0) if row.curve else made)


CONTENT_KEYS = {"A128CBC-HS256": 32, "A192CBC-HS384": 48, "A256CBC-HS512": 64}


def wrapping_key(alg: str) -> JsonWebKey:
    size = algorithms.key_wrap(alg).key_size
    return JsonWebKey(kty="oct", k=bytes(range(size))) if size else jwk_for("RSA", None)


@pytest.mark.case("L9")
@pytest.mark.filterwarnings("ignore:JWE algorithm .RSA1_5. is deprecated")
@pytest.mark.parametrize("enc", list(CONTENT_KEYS))
@pytest.mark.parametrize("alg", ["RSA1_5", "RSA-OAEP", "RSA-OAEP-256", "A128KW", "A192KW", "A256KW"])
def test_joserfc_and_we_decrypt_each_other(alg: str, enc: str) -> None:
    registry = jwe.JWERegistry(algorithms=[alg, enc])
    jwk = wrapping_key(alg)
    wrap, content = algorithms.key_wrap(alg), algorithms.encryption(enc)

    token = jwe.encrypt_compact({"alg": alg, "enc": enc}, b"secret", theirs(jwk), registry=registry)
    header, *parts = token.split(".")
    encrypted_key, iv, ciphertext, tag = (decode_base64url("part", part) for part in parts)
    key = opened(JsonWebKey(kty="oct", k=opened(jwk).unwrap(wrap, encrypted_key)))
    assert key.decrypt(content, ciphertext, iv, tag, header.encode()) == b"secret"

    content_key = bytes(reversed(range(CONTENT_KEYS[enc])))
    encrypted = opened(JsonWebKey(kty="oct", k=content_key)).encrypt(content, b"secret", None, header.encode())
    made = [opened(jwk).wrap(wrap, content_key), encrypted[1], encrypted[0], encrypted[2]]
    ours = ".".join([header, *(encode_base64url(part or b"") for part in made)])
    assert jwe.decrypt_compact(ours, theirs(jwk), registry=registry).plaintext == b"secret"


OAEP_OPTIONS = {
    "RSA1_5": ["-pkeyopt", "rsa_padding_mode:pkcs1"],
    "RSA-OAEP": ["-pkeyopt", "rsa_padding_mode:oaep", "-pkeyopt", "rsa_oaep_md:sha1"],
    "RSA-OAEP-256": ["-pkeyopt", "rsa_padding_mode:oaep", "-pkeyopt", "rsa_oaep_md:sha256"],
}


@pytest.mark.parametrize("alg", list(OAEP_OPTIONS))
def test_openssl_and_we_decrypt_each_other(alg: str, tmp_path: Path) -> None:
    row, jwk = algorithms.encryption(alg), jwk_for("RSA", None)
    private, data = tmp_path / "private", tmp_path / "data"
    private.write_bytes(jwk.to_pem(private=True))
    data.write_bytes(opened(jwk).encrypt(row, b"secret")[0])
    options: list[str | Path] = ["-inkey", private, *OAEP_OPTIONS[alg], "-in", data]
    assert openssl("pkeyutl", "-decrypt", *options).stdout == b"secret"
    data.write_bytes(b"secret")
    assert opened(jwk).decrypt(row, openssl("pkeyutl", "-encrypt", *options).stdout) == b"secret"


@pytest.mark.parametrize("size", [128, 192, 256])
def test_openssl_and_we_decrypt_cbc_of_each_other(size: int, tmp_path: Path) -> None:
    row, jwk = algorithms.encryption(f"A{size}CBCPAD"), JsonWebKey(kty="oct", k=bytes(range(size // 8)))
    data = tmp_path / "data"
    key, iv = opened(jwk), bytes(range(16))
    command = ["enc", f"-aes-{size}-cbc", "-K", (jwk.k or b"").hex(), "-iv", iv.hex(), "-in", str(data)]
    for plaintext in (b"", b"secret", bytes(32)):
        data.write_bytes(plaintext)
        ciphertext = openssl(*command).stdout
        assert key.encrypt(row, plaintext, iv)[0] == ciphertext
        assert key.decrypt(row, ciphertext, iv) == plaintext
