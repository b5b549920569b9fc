"""Secure wrap and unwrap: keys that the service makes, and shows to attested environments only."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.keywrap import aes_key_unwrap, aes_key_unwrap_with_padding
from fixtures.keyring import private_jwk
from fixtures.targets import Target, Traffic

from azure.keyvault.keys import JsonWebKey, KeyOperation, KeyReleasePolicy
from azure.keyvault.keys.crypto import KeySecureWrapAlgorithm
from azure.keyvault.keys.emulator import KeyVaultEmulator

OPERATIONS = [KeyOperation.secure_wrap_key, KeyOperation.secure_unwrap_key]
OAEP = padding.OAEP(padding.MGF1(SHA256()), SHA256(), None)
CASES = [
    ("vault", "RSA 2048", "RSA-OAEP-256"),
    ("hsm", "RSA 2048", "RSA-OAEP-256"),
    *(("hsm", f"oct {bits}", f"A{bits}KW{pad}") for bits in (128, 192, 256) for pad in ("", "PAD")),
    *(("hsm", "oct 256", f"CKM_AES_KEY_WRAP{pad}") for pad in ("", "_PAD")),
]
every_case = pytest.mark.parametrize(
    ("place", "kind", "algorithm"), CASES, ids=[f"{place}-{kind}-{algorithm}" for place, kind, algorithm in CASES]
)


def test_every_algorithm_is_covered() -> None:
    assert {algorithm for _, _, algorithm in CASES} == {member.value for member in KeySecureWrapAlgorithm}


def opened(kind: str, algorithm: str, wrapped: bytes) -> bytes:
    """Unwrap with the key's private part, as nobody can whose key was made in the service."""
    jwk: Any = private_jwk(kind)
    if kind.startswith("RSA"):
        return bytes(jwk.to_cryptography(private=True).decrypt(wrapped, OAEP))
    return (aes_key_unwrap_with_padding if algorithm.endswith("PAD") else aes_key_unwrap)(jwk.k, wrapped)


@every_case
async def test_secure_wrap_key_makes_a_key_and_gives_it_wrapped(
    client_of: Any, target_of: Callable[[str], Target], name: str, place: str, kind: str, algorithm: str
) -> None:
    client = client_of(target_of(place))
    given = private_jwk(kind)
    members = {field: value for field, value in vars(given).items() if value is not None}
    key = await client.import_key(name, JsonWebKey(**{**members, "key_ops": OPERATIONS}), hsm=True)
    crypto = client.get_cryptography_client(key.id)
    wrapped = await crypto.secure_wrap_key(KeySecureWrapAlgorithm(algorithm))
    assert (wrapped.key_id, wrapped.algorithm, wrapped.performed) == (key.id, algorithm, "remote")
    other = await crypto.secure_wrap_key(algorithm)
    made = {opened(kind, algorithm, result.encrypted_key) for result in (wrapped, other)}
    assert [len(secret) for secret in made] == [32, 32]


def _policy(emulator: KeyVaultEmulator) -> KeyReleasePolicy:
    condition = {"authority": emulator.attestation.url, "allOf": [{"claim": "ready", "equals": "yes"}]}
    return KeyReleasePolicy(json.dumps({"version": "1.0.0", "anyOf": [condition]}).encode())


async def _exportable(client: Any, emulator: KeyVaultEmulator, name: str, kind: str) -> Any:
    given = private_jwk(kind)
    members = {field: value for field, value in vars(given).items() if value is not None}
    jwk = JsonWebKey(**{**members, "key_ops": OPERATIONS})
    return await client.import_key(name, jwk, hsm=True, exportable=True, release_policy=_policy(emulator))


@every_case
async def test_secure_unwrap_key_gives_the_key_to_an_attested_environment(
    client_of: Any,
    target_of: Callable[[str], Target],
    emulated_vault: KeyVaultEmulator,
    emulated_hsm: KeyVaultEmulator,
    name: str,
    place: str,
    kind: str,
    algorithm: str,
) -> None:
    """The emulator encrypts it for the environment; how the service does it is not known."""
    client, emulator = client_of(target_of(place)), emulated_vault if place == "vault" else emulated_hsm
    key = await _exportable(client, emulator, name, kind)
    crypto = client.get_cryptography_client(key)
    wrapped = await crypto.secure_wrap_key(algorithm)
    environment = rsa.generate_private_key(65537, 2048)
    token = emulator.attestation.issue({"ready": "yes"}, environment.public_key())
    released = await crypto.secure_unwrap_key(wrapped.algorithm, wrapped.encrypted_key, token)
    assert (released.key_id, released.algorithm, released.performed) == (key.id, algorithm, "remote")
    assert environment.decrypt(released.key, OAEP) == opened(kind, algorithm, wrapped.encrypted_key)


@pytest.mark.parametrize("claims", [{"ready": "no"}, None], ids=["other claims", "no token"])
async def test_secure_unwrap_key_for_another_environment_raises(
    hsm_client: Any, emulated_hsm: KeyVaultEmulator, name: str, claims: Any
) -> None:
    crypto = hsm_client.get_cryptography_client(await _exportable(hsm_client, emulated_hsm, name, "oct 256"))
    wrapped = await crypto.secure_wrap_key("A256KW")
    environment = rsa.generate_private_key(65537, 2048).public_key()
    token = emulated_hsm.attestation.issue(claims, environment) if claims else "no.token.atall"
    with pytest.raises(HttpResponseError) as caught:
        await crypto.secure_unwrap_key("A256KW", wrapped.encrypted_key, token)
    assert caught.value.status_code == 403
    assert token not in str(caught.value)


async def test_secure_unwrap_key_of_damaged_data_raises(
    hsm_client: Any, emulated_hsm: KeyVaultEmulator, name: str
) -> None:
    crypto = hsm_client.get_cryptography_client(await _exportable(hsm_client, emulated_hsm, name, "oct 256"))
    token = emulated_hsm.attestation.issue({"ready": "yes"}, rsa.generate_private_key(65537, 2048).public_key())
    with pytest.raises(ValueError) as caught:
        await crypto.secure_unwrap_key("A256KW", bytes(40), token)
    assert isinstance(caught.value, HttpResponseError)


async def test_secure_wrap_key_with_a_key_that_is_not_for_it_raises_without_a_request(
    hsm_client: Any, emulated_hsm: KeyVaultEmulator, name: str
) -> None:
    key = await hsm_client.create_oct_key(name, size=256)
    traffic = Traffic(emulated_hsm)
    with pytest.raises(ValueError, match='does not allow the "secureWrapKey" operation'):
        await hsm_client.get_cryptography_client(key).secure_wrap_key("A256KW")
    with pytest.raises(NotImplementedError, match='"secureWrapKey" operation with algorithm "RSA-OAEP-256" locally'):
        await hsm_client.get_cryptography_client(
            await _key_of_another_kind(hsm_client, name), execution="local"
        ).secure_wrap_key("RSA-OAEP-256")
    assert [request.path for request in traffic.calls if "secure" in request.path] == []


async def _key_of_another_kind(client: Any, name: str) -> Any:
    return await client.create_rsa_key(f"{name}-rsa", key_operations=OPERATIONS)


@pytest.mark.parametrize("operation", ["secure_wrap_key", "secure_unwrap_key"])
async def test_version_without_it_is_refused_without_a_request(
    crypto_of: Any, hsm: Target, emulated_hsm: KeyVaultEmulator, operation: str
) -> None:
    client = crypto_of(f"{hsm.url}/keys/unused", hsm, api_version="2025-07-01")
    arguments = ("A256KW", b"w", "t") if operation == "secure_unwrap_key" else ("A256KW",)
    traffic = Traffic(emulated_hsm)
    with pytest.raises(ValueError, match=f"{operation} needs API version 2026-01-01-preview or later"):
        await getattr(client, operation)(*arguments)
    assert len(traffic) == 0


async def test_client_for_a_jwk_cannot_secure_wrap(world: Any) -> None:
    client = world.from_jwk(private_jwk("oct 256"))
    with pytest.raises(NotImplementedError, match="secureWrapKey"):
        await client.secure_wrap_key("A256KW")
    with pytest.raises(NotImplementedError, match="secureUnwrapKey"):
        await client.secure_unwrap_key("A256KW", bytes(40), "token")


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        (("A256KW", "text", "token"), TypeError, "'encrypted_key' must be bytes"),
        (("A256KW", bytes(40), b"token"), TypeError, "'target_attestation_token' must be text"),
        (("A256KW", bytes(40), ""), ValueError, "'target_attestation_token' must be the token"),
        (("A256GCM", bytes(40), "token"), ValueError, "A256GCM is for encrypt and decrypt"),
        ((256, bytes(40), "token"), TypeError, "'algorithm' must be"),
    ],
    ids=["key", "token of another type", "empty token", "algorithm of another operation", "algorithm of another type"],
)
async def test_argument_of_the_wrong_kind_raises_without_a_request(
    crypto_of: Any, hsm: Target, emulated_hsm: KeyVaultEmulator, arguments: Any, error: type[Exception], text: str
) -> None:
    client = crypto_of(f"{hsm.url}/keys/unused", hsm)
    traffic = Traffic(emulated_hsm)
    with pytest.raises(error, match=text):
        await client.secure_unwrap_key(*arguments)
    assert len(traffic) == 0
