"""Keys of joserfc and jwcrypto that are in a vault."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from fixtures.virtual_environments import library_environment
from joserfc import jwe, jws, jwt
from joserfc.jwk import ECKey, RSAKey

from azure.keyvault.keys import KeyClient, aio, jose
from azure.keyvault.keys.emulator import KeyVaultEmulator

CURVES = {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512", "P-256K": "ES256K"}
RSA = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"]


@pytest.mark.parametrize("algorithm", RSA)
def test_joserfc_signs_and_verifies_with_an_rsa_key(client: KeyClient, algorithm: str) -> None:
    key = jose.joserfc_key(client.get_cryptography_client(client.create_rsa_key("signer")))
    token = jwt.encode({"alg": algorithm}, {"sub": "x"}, key, algorithms=[algorithm])
    public = RSAKey.import_key(client.get_key("signer").key.to_pem())
    assert jwt.decode(token, public, algorithms=[algorithm]).claims == {"sub": "x"}
    assert jwt.decode(token, key, algorithms=[algorithm]).claims == {"sub": "x"}


@pytest.mark.parametrize("curve", CURVES)
def test_joserfc_signs_and_verifies_with_an_ec_key(client: KeyClient, curve: str) -> None:
    key = jose.joserfc_key(client.get_cryptography_client(client.create_ec_key("signer-ec", curve=curve)))
    text = jws.serialize_compact({"alg": CURVES[curve]}, b"data", key, algorithms=[CURVES[curve]])
    public = ECKey.import_key(client.get_key("signer-ec").key.to_pem())
    assert jws.deserialize_compact(text, public, algorithms=[CURVES[curve]]).payload == b"data"


@pytest.mark.parametrize("algorithm", ["RSA-OAEP", "RSA-OAEP-256"])
def test_joserfc_decrypts(client: KeyClient, vault: KeyVaultEmulator, algorithm: str) -> None:
    made = client.create_rsa_key("reader")
    key = jose.joserfc_key(client.get_cryptography_client(made))
    algorithms = [algorithm, "A256GCM"]
    public = RSAKey.import_key(made.key.to_pem())
    text = jwe.encrypt_compact({"alg": algorithm, "enc": "A256GCM"}, b"secret", public, algorithms=algorithms)
    vault.requests.clear()
    assert jwe.decrypt_compact(text, key, algorithms=algorithms).plaintext == b"secret"
    assert [request.path.rpartition("/")[2] for request in vault.requests] == ["decrypt"]


def test_joserfc_key_is_private_and_named_by_its_thumbprint(client: KeyClient) -> None:
    made = client.create_ec_key("named")
    key = jose.joserfc_key(client.get_cryptography_client(made))
    assert key.is_private
    assert key.kid == key.thumbprint() == made.key.thumbprint()
    assert set(key.as_dict()) == {"kty", "kid", "crv", "x", "y"}
    with pytest.raises(ValueError, match="stays in the vault"):
        key.as_pem(private=True)


def test_key_that_other_libraries_cannot_have_is_refused(client: KeyClient, vault: KeyVaultEmulator) -> None:
    with KeyVaultEmulator(managed_hsm=True) as hsm, KeyClient(hsm.url, hsm.credential, **hsm.client_options) as there:
        crypto = there.get_cryptography_client(there.create_oct_key("aes", size=256))
        with pytest.raises(ValueError, match="is for RSA and EC keys"):
            jose.joserfc_key(crypto)
    client.create_rsa_key("unreadable")
    vault.permissions.deny("get")
    try:
        with pytest.raises(ValueError, match="may not be read"):
            jose.joserfc_key(client.get_cryptography_client("unreadable"))
    finally:
        vault.permissions.reset()


async def test_client_of_asyncio_is_refused_with_what_to_do(vault: KeyVaultEmulator) -> None:
    async with aio.KeyClient(vault.url, vault.async_credential, **vault.client_options) as there:
        crypto: Any = there.get_cryptography_client("any")
        with pytest.raises(TypeError, match="other libraries cannot await a key"):
            jose.joserfc_key(crypto)


JWCRYPTO = """
import os
from azure.identity import DefaultAzureCredential
from azure.keyvault.keys import KeyClient, jose
from jwcrypto import jwe, jwk, jws, jwt

with DefaultAzureCredential() as credential, KeyClient(os.environ["VAULT_URL"], credential) as client:
    made = client.create_rsa_key("rsa")
    key = jose.jwcrypto_key(client.get_cryptography_client(made))
    public = jwk.JWK.from_pem(made.key.to_pem())
    assert key.thumbprint() == public.thumbprint() == key["kid"]
    for alg in "RS256 RS384 RS512 PS256 PS384 PS512".split():
        token = jwt.JWT(header={"alg": alg, "kid": key["kid"]}, claims={"sub": "x"})
        token.make_signed_token(key)
        assert jwt.JWT(jwt=token.serialize(), key=public, algs=[alg]).claims == '{"sub":"x"}'
    for alg in ("RSA-OAEP", "RSA-OAEP-256"):
        sealed = jwe.JWE(b"secret", jwe.json_encode({"alg": alg, "enc": "A256CBC-HS512"}), recipient=public)
        opened = jwe.JWE()
        opened.deserialize(sealed.serialize(compact=True), key)
        assert opened.payload == b"secret"
    for curve, alg in {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512", "P-256K": "ES256K"}.items():
        made = client.create_ec_key(f"ec-{curve}", curve=curve)
        key = jose.jwcrypto_key(client.get_cryptography_client(made))
        token = jws.JWS(b"data")
        token.allowed_algs = [alg]
        token.add_signature(key, alg, jws.json_encode({"alg": alg}))
        seen = jws.JWS()
        seen.allowed_algs = [alg]
        seen.deserialize(token.serialize(compact=True), jwk.JWK.from_pem(made.key.to_pem()))
        assert seen.payload == b"data"
        if curve != "P-256":
            try:
                jws.JWS(b"data").add_signature(key, "ES256", '{"alg": "ES256"}')
            except (jws.InvalidJWSObject, jwk.InvalidJWKValue):
                pass
            else:
                raise SystemExit("a key of another curve signed")
    assert jwk.JWK(**key.export_public(as_dict=True)).thumbprint() == key.thumbprint()
    try:
        key.export_private()
    except jwk.InvalidJWKType:
        print("jwcrypto signs and decrypts")
"""


@pytest.mark.slow
def test_jwcrypto_signs_and_decrypts(tmp_path: Path) -> None:
    python, environment = library_environment("jwcrypto", ["jwcrypto==1.6.1"])
    emulator = [sys.executable, "-m", "azure.keyvault.keys.emulator", "run", "--"]
    run = subprocess.run(
        [*emulator, str(python), "-c", JWCRYPTO],
        cwd=tmp_path,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert run.stdout == "jwcrypto signs and decrypts\n"


@pytest.mark.parametrize("module", ["joserfc", "jwcrypto"])
def test_missing_package_is_named_with_the_extra(module: str, tmp_path: Path) -> None:
    program = f"""
import sys
sys.modules["{module}"] = None
try:
    from azure.keyvault.keys import jose
    jose.jwcrypto_key(None)
except ImportError as error:
    print(error.name, error)
"""
    run = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr
    assert run.stdout.startswith(f"{module} ")
    assert f"needs {module}, which is not installed. Run" in run.stdout
    assert ("[jose]" if module == "joserfc" else "pip install jwcrypto") in run.stdout
