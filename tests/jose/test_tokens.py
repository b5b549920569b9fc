"""Tokens that a vault signs are those of JSON Web Token libraries."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import jwt
import pytest
from fixtures.jose_world import Jose
from fixtures.keyring import needs_ml_dsa, private_jwk
from joserfc import jwt as joserfc_jwt
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from azure.keyvault.keys import JsonWebKey, KeyClient, jose
from azure.keyvault.keys.crypto import CryptographyClient, SignatureAlgorithm
from azure.keyvault.keys.emulator import KeyVaultEmulator

KEYS: dict[str, dict[str, Any]] = {
    "RSA": {"key_type": "RSA"},
    "P-256": {"key_type": "EC", "curve": "P-256"},
    "P-384": {"key_type": "EC", "curve": "P-384"},
    "P-521": {"key_type": "EC", "curve": "P-521"},
    "P-256K": {"key_type": "EC", "curve": "P-256K"},
}
DEFAULTS = {"RSA": "RS256", "P-256": "ES256", "P-384": "ES384", "P-521": "ES512", "P-256K": "ES256K"}
ALGORITHMS = [*DEFAULTS.items(), *(("RSA", name) for name in ("RS384", "RS512", "PS256", "PS384", "PS512"))]


@pytest.fixture(scope="module", autouse=True)
def keys(client: KeyClient) -> Iterator[None]:
    """A key of each kind, with its kind for a name."""
    for name, kind in KEYS.items():
        client.create_key(name, **kind)
    return


@pytest.mark.parametrize(("name", "algorithm"), ALGORITHMS, ids=lambda value: str(value))
async def test_token_is_verified_by_joserfc_and_pyjwt(
    world: Jose, client: KeyClient, name: str, algorithm: str
) -> None:
    chosen = None if algorithm == DEFAULTS[name] else algorithm
    token = await world.sign_jwt(world.crypto(name), {"sub": "orders", "n": 1}, algorithm=chosen)
    jwks = await world.jwk_set(name, algorithm=chosen)
    seen = joserfc_jwt.decode(token, KeySet.import_key_set(jwks), algorithms=[algorithm])  # type: ignore[arg-type]
    assert seen.claims == {"sub": "orders", "n": 1}
    public = client.get_key(name).key
    assert seen.header == {"typ": "JWT", "alg": algorithm, "kid": public.thumbprint()}
    assert jwt.decode(token, public.to_cryptography(), [algorithm]) == seen.claims


async def test_datetimes_become_numbers(world: Jose) -> None:
    end = datetime(2040, 1, 1, tzinfo=timezone.utc)
    token = await world.sign_jwt(world.crypto("P-256"), {"exp": end, "iat": end - timedelta(seconds=1)})
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims == {"exp": int(end.timestamp()), "iat": int(end.timestamp()) - 1}


async def test_claims_are_left_as_they_are(world: Jose) -> None:
    claims = {"exp": datetime(2040, 1, 1, tzinfo=timezone.utc)}
    await world.sign_jwt(world.crypto("P-256"), claims)
    assert claims == {"exp": datetime(2040, 1, 1, tzinfo=timezone.utc)}


async def test_headers_add_replace_and_remove(world: Jose) -> None:
    crypto = world.crypto("P-256")
    added = {"kid": "mine", "typ": "at+jwt", "nonce": "n", "x5c": ["AAAA"]}
    token = await world.sign_jwt(crypto, {}, headers=added)
    assert jwt.get_unverified_header(token) == {"alg": "ES256", **added}
    token = await world.sign_jwt(crypto, {}, headers={"kid": None, "typ": None})
    assert jwt.get_unverified_header(token) == {"alg": "ES256"}


async def test_algorithm_that_does_not_fit_is_refused_at_once(world: Jose, vault: KeyVaultEmulator) -> None:
    crypto = world.crypto("P-256")
    await world.sign_jwt(crypto, {})
    before = len(vault.requests)
    with pytest.raises(ValueError, match="'algorithm'"):
        await world.sign_jwt(crypto, {}, algorithm="RS256")
    with pytest.raises(ValueError, match="'algorithm' A256KW is for"):
        await world.sign_jwt(crypto, {}, algorithm="A256KW")
    assert len(vault.requests) == before


async def test_key_that_may_not_be_read_signs_with_a_given_algorithm_and_no_kid(
    world: Jose, client: KeyClient, vault: KeyVaultEmulator
) -> None:
    crypto = world.crypto("P-256")
    vault.permissions.deny("get")
    try:
        with pytest.raises(ValueError, match="'algorithm' is required"):
            await world.sign_jwt(crypto, {"sub": "x"})
        token = await world.sign_jwt(crypto, {"sub": "x"}, algorithm=SignatureAlgorithm.es256)
    finally:
        vault.permissions.reset()
    assert jwt.get_unverified_header(token) == {"alg": "ES256", "typ": "JWT"}
    assert jwt.decode(token, client.get_key("P-256").key.to_cryptography(), ["ES256"]) == {"sub": "x"}


def test_key_without_a_vault_signs() -> None:
    secret = JsonWebKey(kty="oct", k=bytes(32))
    with pytest.raises(NotImplementedError):
        jose.sign_jwt(CryptographyClient.from_jwk(secret), {}, algorithm="HS256")
    key = private_jwk("EC P-256")
    token = jose.sign_jwt(CryptographyClient.from_jwk(key), {"sub": "x"})
    assert jwt.decode(token, key.to_cryptography(), ["ES256"]) == {"sub": "x"}


@needs_ml_dsa
def test_key_of_ml_dsa_signs_with_its_own_algorithm(vault: KeyVaultEmulator) -> None:
    options: dict[str, Any] = {**vault.client_options, "api_version": "2026-05-01-preview"}
    with KeyClient(vault.url, vault.credential, **options) as client:
        key = client.create_key("pq", "AKP", alg="ML-DSA-44")
        token = jose.sign_jwt(client.get_cryptography_client(key), {"sub": "x"})
        jwks = jose.jwk_set(client, "pq")
    head, _, signature = token.rpartition(".")
    assert jwt.get_unverified_header(token)["alg"] == jwks["keys"][0]["alg"] == "ML-DSA-44"
    raw = jwt.utils.base64url_decode(signature)
    assert CryptographyClient.from_jwk(json.dumps(jwks["keys"][0])).verify("ML-DSA-44", head.encode(), raw).is_valid


async def test_long_tokens_and_unknown_headers_are_verified(world: Jose, client: KeyClient) -> None:
    claims = {"roles": ["reader"] * 500, "name": "Grüße"}
    token = await world.sign_jwt(world.crypto("RSA"), claims, headers={"ver": 2})
    registry = JWSRegistry(algorithms=["RS256"], strict_check_header=False)
    jwks = KeySet.import_key_set(await world.jwk_set("RSA"))  # type: ignore[arg-type]
    assert joserfc_jwt.decode(token, jwks, registry=registry).claims == claims
