"""What needs a Managed HSM or a key in hardware: random bytes, attestation, release, external keys."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from cryptography.hazmat.primitives.asymmetric import rsa
from fixtures.targets import Target, Traffic

from azure.keyvault.keys import ExternalKey, KeyExportEncryptionAlgorithm, KeyReleasePolicy, KeyType
from azure.keyvault.keys.emulator import KeyVaultEmulator


@pytest.mark.parametrize("count", [1, 128])
async def test_get_random_bytes_gives_that_many(hsm_client: Any, count: int) -> None:
    given = await hsm_client.get_random_bytes(count)
    assert isinstance(given, bytes)
    assert len(given) == count


async def test_get_random_bytes_gives_others_each_time(hsm_client: Any) -> None:
    assert await hsm_client.get_random_bytes(32) != await hsm_client.get_random_bytes(32)


@pytest.mark.parametrize(
    ("count", "kind"),
    [(0, ValueError), (-1, ValueError), (129, ValueError), ("16", TypeError), (16.0, TypeError), (True, TypeError)],
    ids=repr,
)
async def test_get_random_bytes_of_an_impossible_count_raises(
    hsm_client: Any, emulated_hsm: KeyVaultEmulator, count: Any, kind: type[Exception]
) -> None:
    emulated_hsm.requests.clear()
    with pytest.raises(kind, match="count"):
        await hsm_client.get_random_bytes(count)
    assert len(emulated_hsm.requests) == 0


async def test_get_random_bytes_of_a_vault_raises(client: Any) -> None:
    with pytest.raises(HttpResponseError):
        await client.get_random_bytes(16)


@pytest.mark.parametrize("of_version", [False, True], ids=["latest", "version"])
async def test_get_key_attestation_gives_the_key_with_the_proof(hsm_client: Any, name: str, of_version: bool) -> None:
    key = await hsm_client.create_rsa_key(name)
    attested = await hsm_client.get_key_attestation(name, key.properties.version if of_version else None)
    proof = attested.properties.attestation
    assert attested.id == key.id
    assert b"BEGIN CERTIFICATE" in proof.certificate_pem_file
    assert proof.private_key_attestation
    assert proof.public_key_attestation
    assert proof.version
    assert (await hsm_client.get_key(name)).properties.attestation is None


async def test_get_key_attestation_of_no_key_raises(hsm_client: Any, name: str) -> None:
    with pytest.raises(ResourceNotFoundError):
        await hsm_client.get_key_attestation(name)


async def _exportable(client: Any, emulator: KeyVaultEmulator, name: str) -> Any:
    condition = {"authority": emulator.attestation.url, "allOf": [{"claim": "ready", "equals": "yes"}]}
    policy = KeyReleasePolicy(json.dumps({"version": "1.0.0", "anyOf": [condition]}).encode())
    return await client.create_rsa_key(name, hsm=True, exportable=True, release_policy=policy)


@pytest.mark.parametrize("algorithm", [None, *KeyExportEncryptionAlgorithm], ids=str)
async def test_release_key_to_an_attested_environment_gives_a_signed_token(
    hsm_client: Any, emulated_hsm: KeyVaultEmulator, name: str, algorithm: Any
) -> None:
    key = await _exportable(hsm_client, emulated_hsm, name)
    environment = rsa.generate_private_key(65537, 2048)
    token = emulated_hsm.attestation.issue({"ready": "yes"}, environment.public_key())
    released = await hsm_client.release_key(name, token, algorithm=algorithm, nonce="n")
    _header, payload, _signature = released.value.split(".")
    content = json.loads(urlsafe_b64decode(payload + "=="))
    assert content["response"]["key"]["key"]["kid"] == key.id
    assert content["request"]["enc"] == (algorithm or KeyExportEncryptionAlgorithm.ckm_rsa_aes_key_wrap).value


async def test_release_key_to_another_environment_raises(
    hsm_client: Any, emulated_hsm: KeyVaultEmulator, name: str
) -> None:
    key = await _exportable(hsm_client, emulated_hsm, name)
    token = emulated_hsm.attestation.issue({"ready": "no"}, rsa.generate_private_key(65537, 2048).public_key())
    with pytest.raises(HttpResponseError) as caught:
        await hsm_client.release_key(name, token, version=key.properties.version)
    assert caught.value.status_code in (400, 403)


async def test_release_key_for_what_is_no_token_raises(hsm_client: Any, name: str) -> None:
    condition = {"authority": "https://attest.example", "allOf": [{"claim": "ready", "equals": "yes"}]}
    policy = KeyReleasePolicy(json.dumps({"version": "1.0.0", "anyOf": [condition]}).encode())
    await hsm_client.create_rsa_key(name, hsm=True, exportable=True, release_policy=policy)
    with pytest.raises(HttpResponseError) as caught:
        await hsm_client.release_key(name, "no token")
    assert caught.value.status_code in (400, 403)


@pytest.mark.parametrize("token", [None, 5, b"token"], ids=repr)
async def test_release_key_for_a_token_of_the_wrong_type_raises(client: Any, traffic: Traffic, token: Any) -> None:
    with pytest.raises((TypeError, ValueError), match="target_attestation_token"):
        await client.release_key("unused", token)
    assert len(traffic) == 0


async def test_create_external_key_names_the_key_elsewhere(client_of: Any, hsm: Target, name: str) -> None:
    client = client_of(hsm, api_version="2026-04-01")
    key = await client.create_external_key(name, ExternalKey(id="there-1"), tags={"a": "b"})
    assert (key.key_type, key.properties.external_key.id, key.properties.tags) == (
        KeyType.oct_hsm,
        "there-1",
        {"a": "b"},
    )


async def test_create_external_key_of_another_type_says_so(client_of: Any, hsm: Target, name: str) -> None:
    key = await client_of(hsm).create_external_key(name, ExternalKey(id="there-2"), key_type=KeyType.rsa_hsm)
    assert (key.key_type, key.properties.external_key.id) == (KeyType.rsa_hsm, "there-2")


@pytest.mark.parametrize("key", [None, "there-1", {"id": "there-1"}], ids=repr)
async def test_create_external_key_of_the_wrong_type_raises(client: Any, traffic: Traffic, key: Any) -> None:
    with pytest.raises(TypeError, match="external_key"):
        await client.create_external_key("unused", key)
    assert len(traffic) == 0
