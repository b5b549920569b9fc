"""Through the clients: other programs verify and decrypt what we sign and encrypt, and the other way round."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from fixtures.keyring import Keyring, private_jwk
from fixtures.targets import Target
from joserfc import jwe, jws
from joserfc.jwk import ECKey, OctKey, RSAKey

from azure.keyvault.keys import JsonWebKey
from azure.keyvault.keys._jwk.rfc7517 import decode_base64url, encode_base64url
from azure.keyvault.keys.crypto import CryptographyClient, SignatureAlgorithm
from azure.keyvault.keys.crypto._local.algorithms import ALGORITHMS, Algorithm

# The other libraries, and the openssl of most machines, have no ML-DSA: vectors/test_published_ml_dsa.py judges that.
SIGNATURES = [row for row in ALGORITHMS if row.kind == "signature" and row.local and not row.message]
every_signature = pytest.mark.parametrize("row", SIGNATURES, ids=lambda row: row.name)

Make = Callable[[str], CryptographyClient]


def kind_for(row: Algorithm) -> str:
    return f"EC {row.curve}" if row.curve else "RSA 2048"


@pytest.fixture(params=["jwk", "here", "in the vault"])
def client_for(request: pytest.FixtureRequest, keyring_of: Callable[[Target], Keyring], hsm: Target) -> Iterator[Make]:
    """Makes clients for a kind of key: for a JWK, for a key whose private part is here, and for one in the vault."""
    made: list[CryptographyClient] = []

    def make(kind: str) -> CryptographyClient:
        if request.param == "jwk":
            return CryptographyClient.from_jwk(private_jwk(kind).to_json(private=True))
        execution: Any = "local" if request.param == "here" else "remote"
        key = keyring_of(hsm).with_private_part(kind)
        made.append(CryptographyClient(key, hsm.credential, execution=execution, **hsm.options))
        return made[-1]

    yield make
    for client in made:
        client.close()


def theirs(kind: str) -> Any:
    """Return the private key for joserfc."""
    family: Any = {"R": RSAKey, "E": ECKey, "o": OctKey}[kind[0]]
    return family.import_key(json.loads(private_jwk(kind).to_json(private=True)))


def compact(client: CryptographyClient, algorithm: str, payload: bytes) -> str:
    header = encode_base64url(json.dumps({"alg": algorithm}).encode())
    signed = f"{header}.{encode_base64url(payload)}"
    signature = client.sign_data(SignatureAlgorithm(algorithm), signed.encode()).signature
    return f"{signed}.{encode_base64url(signature)}"


def is_valid(client: CryptographyClient, algorithm: str, token: str) -> bool:
    signed, _, signature = token.rpartition(".")
    return client.verify_data(algorithm, signed.encode(), decode_base64url("signature", signature)).is_valid


@every_signature
def test_joserfc_and_we_verify_each_other(client_for: Make, row: Algorithm) -> None:
    client, key = client_for(kind_for(row)), theirs(kind_for(row))
    token = compact(client, row.name, b"payload")
    assert jws.deserialize_compact(token, key, algorithms=[row.name]).payload == b"payload"
    assert is_valid(client, row.name, jws.serialize_compact({"alg": row.name}, b"x", key, algorithms=[row.name]))
    assert not is_valid(client, row.name, token.replace(".", ".A", 1))


@every_signature
def test_pyjwt_and_we_verify_each_other(client_for: Make, row: Algorithm) -> None:
    client, jwk = client_for(kind_for(row)), private_jwk(kind_for(row))
    token = compact(client, row.name, b'{"sub":"x"}')
    assert jwt.decode(token, jwk.to_cryptography(), algorithms=[row.name]) == {"sub": "x"}
    assert is_valid(client, row.name, jwt.encode({"sub": "x"}, jwk.to_cryptography(private=True), algorithm=row.name))


def test_pyjwt_signs_with_a_key_object(client_for: Make) -> None:
    """PyJWT takes key objects of cryptography; ES512 with P-521 and PS256 are the special cases of both."""
    for kind, algorithm, make in (
        ("RSA 2048", "RS256", "create_rsa_private_key"),
        ("RSA 2048", "PS256", "create_rsa_private_key"),
        ("EC P-256", "ES256", "create_ec_private_key"),
        ("EC P-521", "ES512", "create_ec_private_key"),
    ):
        key = getattr(client_for(kind), make)()
        token = jwt.encode({"sub": "x"}, key, algorithm=algorithm)
        assert jwt.decode(token, private_jwk(kind).to_cryptography(), algorithms=[algorithm]) == {"sub": "x"}
        assert jwt.decode(token, key.public_key(), algorithms=[algorithm]) == {"sub": "x"}


def openssl(*arguments: str | Path) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["openssl", *arguments], capture_output=True, check=False)


@pytest.mark.case("J12")
@every_signature
def test_openssl_and_we_verify_each_other(client_for: Make, row: Algorithm, tmp_path: Path) -> None:
    client, jwk = client_for(kind_for(row)), private_jwk(kind_for(row))
    private, public, data, signature = (tmp_path / name for name in ("private", "public", "data", "signature"))
    private.write_bytes(jwk.to_pem(private=True))
    public.write_bytes(jwk.to_pem())
    data.write_bytes(b"to be signed")
    options = [f"-{row.hash_name}"]
    if row.name.startswith("PS"):
        options += ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest"]
    with data.open("rb") as file:
        signed = client.sign_data(row.name, file)
    signature.write_bytes(signed.to_der() if row.curve else signed.signature)
    assert openssl("dgst", *options, "-verify", public, "-signature", signature, data).returncode == 0
    made = openssl("dgst", *options, "-sign", private, data).stdout
    encoding: Any = "der" if row.curve else "jose"
    assert client.verify_data(row.name, [b"to be ", b"signed"], made, encoding=encoding).is_valid
    assert not client.verify_data(row.name, b"else", made, encoding=encoding).is_valid


CONTENT_KEYS = {"A128CBC-HS256": 32, "A192CBC-HS384": 48, "A256CBC-HS512": 64}
WRAPPING = {
    "RSA1_5": "RSA 2048",
    "RSA-OAEP": "RSA 2048",
    "RSA-OAEP-256": "RSA 2048",
    "A128KW": "oct 128",
    "A192KW": "oct 192",
    "A256KW": "oct 256",
}


@pytest.mark.case("L9")
@pytest.mark.filterwarnings("ignore:JWE algorithm .RSA1_5. is deprecated")
@pytest.mark.parametrize("enc", CONTENT_KEYS)
@pytest.mark.parametrize("alg", WRAPPING)
def test_joserfc_and_we_decrypt_each_other(client_for: Make, alg: str, enc: str) -> None:
    client, key = client_for(WRAPPING[alg]), theirs(WRAPPING[alg])
    registry = jwe.JWERegistry(algorithms=[alg, enc])

    header, *parts = jwe.encrypt_compact({"alg": alg, "enc": enc}, b"secret", key, registry=registry).split(".")
    encrypted_key, iv, ciphertext, tag = (decode_base64url("part", part) for part in parts)
    content = CryptographyClient.from_jwk({"kty": "oct", "k": client.unwrap_key(alg, encrypted_key).key})
    opened = content.decrypt(
        enc, ciphertext, iv=iv, authentication_tag=tag, additional_authenticated_data=header.encode()
    )
    assert opened.plaintext == b"secret"

    content_key = bytes(reversed(range(CONTENT_KEYS[enc])))
    content = CryptographyClient.from_jwk(JsonWebKey(kty="oct", k=content_key))
    sealed = content.encrypt(enc, b"secret", additional_authenticated_data=header.encode())
    made = [client.wrap_key(alg, content_key).encrypted_key, sealed.iv, sealed.ciphertext, sealed.tag]
    ours = ".".join([header, *(encode_base64url(part or b"") for part in made)])
    assert jwe.decrypt_compact(ours, key, registry=registry).plaintext == b"secret"


OAEP_OPTIONS = {
    "RSA1_5": ["-pkeyopt", "rsa_padding_mode:pkcs1"],
    "RSA-OAEP": ["-pkeyopt", "rsa_padding_mode:oaep", "-pkeyopt", "rsa_oaep_md:sha1"],
    "RSA-OAEP-256": ["-pkeyopt", "rsa_padding_mode:oaep", "-pkeyopt", "rsa_oaep_md:sha256"],
}


@pytest.mark.parametrize("alg", OAEP_OPTIONS)
def test_openssl_and_we_decrypt_each_other(client_for: Make, alg: str, tmp_path: Path) -> None:
    client = client_for("RSA 2048")
    private, data = tmp_path / "private", tmp_path / "data"
    private.write_bytes(private_jwk("RSA 2048").to_pem(private=True))
    options: list[str | Path] = ["-inkey", private, *OAEP_OPTIONS[alg], "-in", data]
    data.write_bytes(client.encrypt(alg, b"secret").ciphertext)
    assert openssl("pkeyutl", "-decrypt", *options).stdout == b"secret"
    data.write_bytes(b"secret")
    assert client.decrypt(alg, openssl("pkeyutl", "-encrypt", *options).stdout).plaintext == b"secret"


@pytest.mark.parametrize("bits", [128, 192, 256])
def test_openssl_and_we_decrypt_cbc_of_each_other(client_for: Make, bits: int, tmp_path: Path) -> None:
    client, data, iv = client_for(f"oct {bits}"), tmp_path / "data", bytes(range(16))
    secret = (private_jwk(f"oct {bits}").k or b"").hex()
    command = ["enc", f"-aes-{bits}-cbc", "-K", secret, "-iv", iv.hex(), "-in", str(data)]
    for plaintext in (b"secret", bytes(32)):
        data.write_bytes(plaintext)
        ciphertext = openssl(*command).stdout
        assert client.encrypt(f"A{bits}CBCPAD", plaintext, iv=iv).ciphertext == ciphertext
        assert client.decrypt(f"A{bits}CBCPAD", ciphertext, iv=iv).plaintext == plaintext


@every_signature
def test_digest_and_data_are_signed_alike(client_for: Make, row: Algorithm) -> None:
    client, digest = client_for(kind_for(row)), hashlib.new(row.hash_name or "", b"data").digest()
    assert client.verify(row.name, digest, client.sign_data(row.name, b"data").signature).is_valid
    assert client.verify_data(row.name, b"data", client.sign(row.name, digest).signature).is_valid
