"""ML-DSA (FIPS 204): keys of type AKP, which sign messages, in a context or by their representative mu."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from typing import Any

import pytest
from fixtures.keyring import needs_ml_dsa, private_jwk, transfer_blob
from fixtures.targets import Target, Traffic

from azure.keyvault.keys import ApiVersion, JsonWebKey, KeyOperation, KeyType, KeyVaultKey
from azure.keyvault.keys.crypto import SignatureAlgorithm
from azure.keyvault.keys.emulator import KeyVaultEmulator

pytestmark = needs_ml_dsa

SIZES = {"ML-DSA-44": (1312, 2420), "ML-DSA-65": (1952, 3309), "ML-DSA-87": (2592, 4627)}
MESSAGE = b"forty-two crates"
every_set = pytest.mark.parametrize("alg", SIZES)
every_place = pytest.mark.parametrize("place", ["vault", "hsm"])


@pytest.fixture
def client_in(client_of: Callable[..., Any], target_of: Callable[[str], Target]) -> Callable[[str], Any]:
    """Gives a client for a place, which speaks the version that has ML-DSA."""
    return lambda place: client_of(target_of(place), api_version=ApiVersion.V2026_05_01_PREVIEW)


@pytest.fixture
def preview(client_in: Callable[[str], Any]) -> Any:
    """A client for the vault, which speaks the version that has ML-DSA."""
    return client_in("vault")


@every_set
@every_place
@pytest.mark.parametrize("kty", ["AKP", "AKP-HSM"])
async def test_create_key_of_every_parameter_set(
    client_in: Callable[[str], Any], name: str, place: str, kty: str, alg: str
) -> None:
    client = client_in(place)
    key = await client.create_key(name, kty, alg=alg, tags={"a": "b"})
    assert (key.name, key.key_type, key.key.alg, key.properties.tags) == (name, KeyType.akp_hsm, alg, {"a": "b"})
    assert len(key.key.pub) == SIZES[alg][0]
    assert key.key.priv is None
    assert sorted(key.key_operations) == [KeyOperation.sign, KeyOperation.verify]
    assert (await client.get_key(name)).key == key.key


async def test_rotate_key_makes_another_of_the_same_parameter_set(preview: Any, name: str) -> None:
    key = await preview.create_key(name, KeyType.akp, alg=SignatureAlgorithm.ml_dsa_44)
    rotated = await preview.rotate_key(name)
    assert (rotated.key_type, rotated.key.alg) == (KeyType.akp_hsm, "ML-DSA-44")
    assert rotated.key.pub != key.key.pub


FORMS: dict[str, tuple[tuple[Any, ...], dict[str, Any]]] = {
    "message": ((MESSAGE,), {}),
    "empty message": ((b"",), {}),
    "context": ((MESSAGE,), {"context": b"invoices"}),
    "longest context": ((MESSAGE,), {"context": bytes(255)}),
    "mu": ((None,), {"external_mu": bytes(range(64))}),
}


@pytest.mark.parametrize(
    ("place", "alg", "form"),
    [*(("vault", alg, form) for alg in SIZES for form in FORMS), *(("hsm", "ML-DSA-65", form) for form in FORMS)],
)
async def test_signature_of_the_vault_is_valid_here_and_there(
    client_in: Callable[[str], Any], name: str, place: str, alg: str, form: str
) -> None:
    client, (arguments, options) = client_in(place), FORMS[form]
    key = await client.create_key(name, "AKP", alg=alg)
    remote = client.get_cryptography_client(key, execution="remote")
    auto = client.get_cryptography_client(key.id)
    signed = await auto.sign(alg, *arguments, **options)
    assert (signed.key_id, signed.algorithm, signed.performed) == (key.id, alg, "remote")
    assert len(signed.signature) == SIZES[alg][1]
    there = await remote.verify(alg, *arguments, signed.signature, **options)
    here = await auto.verify(SignatureAlgorithm(alg), *arguments, signed.signature, **options)
    assert (there.is_valid, here.is_valid) == (True, True)
    assert (there.performed, here.performed) == ("remote", "local")
    assert (there.key_id, here.key_id) == (key.id, key.id)


async def test_signature_of_something_else_is_not_valid_here_and_there(preview: Any, name: str) -> None:
    key = await preview.create_key(name, "AKP", alg="ML-DSA-65")
    auto = preview.get_cryptography_client(key)
    signature = (await auto.sign("ML-DSA-65", MESSAGE, context=b"invoices")).signature
    for client in (auto, preview.get_cryptography_client(key, execution="remote")):
        for message, options in (
            (MESSAGE, {}),
            (MESSAGE, {"context": b"receipts"}),
            (b"forty-three crates", {"context": b"invoices"}),
            (hashlib.sha512(MESSAGE).digest(), {"context": b"invoices"}),
            (None, {"external_mu": bytes(64)}),
        ):
            assert not (await client.verify("ML-DSA-65", message, signature, **options)).is_valid
        assert not (await client.verify("ML-DSA-65", MESSAGE, b"short", context=b"invoices")).is_valid


async def test_mu_that_the_caller_computes_stands_for_message_and_context(preview: Any, name: str) -> None:
    """FIPS 204 section 6.2. So a message of any size is signed, of which the vault gets 64 bytes."""
    key = await preview.create_key(name, "AKP", alg="ML-DSA-44")
    context = b"invoices"
    hashed = hashlib.shake_256(hashlib.shake_256(key.key.pub).digest(64) + bytes([0, len(context)]) + context)
    hashed.update(MESSAGE)
    client = preview.get_cryptography_client(key)
    signed = await client.sign("ML-DSA-44", external_mu=hashed.digest(64))
    assert (await client.verify("ML-DSA-44", MESSAGE, signed.signature, context=context)).is_valid


async def test_sign_data_signs_bytes_files_and_chunks_alike(preview: Any, name: str) -> None:
    client = preview.get_cryptography_client(await preview.create_key(name, "AKP", alg="ML-DSA-44"))
    data = b"message" * 100
    signed = await client.sign_data("ML-DSA-44", io.BytesIO(data), context=b"c")
    assert (await client.verify("ML-DSA-44", data, signed.signature, context=b"c")).is_valid
    for form in (data, io.BytesIO(data), [data[:100], data[100:]]):
        assert (await client.verify_data("ML-DSA-44", form, signed.signature, context=b"c")).is_valid


async def test_import_key_by_a_transfer_blob_takes_the_key_over(client_in: Callable[[str], Any], new_name: Any) -> None:
    client, given = client_in("hsm"), private_jwk("AKP ML-DSA-65")
    exchange = await client.create_rsa_key(new_name(), hsm=True, key_operations=[KeyOperation.import_key])
    blob = transfer_blob(exchange, given)
    key = await client.import_key(new_name(), JsonWebKey(kty=KeyType.akp_hsm, alg="ML-DSA-65", t=blob))
    assert (key.key_type, key.key.alg, key.key.pub) == (KeyType.akp_hsm, "ML-DSA-65", given.pub)
    owner = client.get_cryptography_client(KeyVaultKey(key.id, given), execution="local")
    signed = await owner.sign("ML-DSA-65", MESSAGE)
    assert signed.performed == "local"
    remote = client.get_cryptography_client(key, execution="remote")
    assert (await remote.verify("ML-DSA-65", MESSAGE, signed.signature)).is_valid
    there = await remote.sign("ML-DSA-65", MESSAGE)
    assert (await owner.verify("ML-DSA-65", MESSAGE, there.signature)).is_valid


# What is decided without the vault.


MISTAKES: dict[str, Callable[[Any], Any]] = {
    "'context' must have at most 255": lambda crypto: crypto.sign("ML-DSA-65", MESSAGE, context=bytes(256)),
    "'external_mu' must have 64 bytes": lambda crypto: crypto.sign("ML-DSA-65", external_mu=bytes(32)),
    "'external_mu' stands for the message": lambda crypto: crypto.sign("ML-DSA-65", MESSAGE, external_mu=bytes(64)),
    "'context' can't be given with it": lambda crypto: crypto.verify(
        "ML-DSA-65", None, b"s", context=b"c", external_mu=bytes(64)
    ),
    "needs the message to sign or verify": lambda crypto: crypto.sign("ML-DSA-65"),
    "ML-DSA-87 needs a key of ML-DSA-87": lambda crypto: crypto.sign("ML-DSA-87", MESSAGE),
    "ES256 is for EC keys": lambda crypto: crypto.sign("ES256", bytes(32)),
    "'context' can't be given for RS256": lambda crypto: crypto.sign("RS256", bytes(32), context=b"c"),
    "'external_mu' can't be given for ES256": lambda crypto: crypto.verify(
        "ES256", bytes(32), b"s", external_mu=bytes(64)
    ),
    "'context' can't be given for HS256": lambda crypto: crypto.sign_data("HS256", b"", context=b"c"),
    "encoding 'der' is for EC": lambda crypto: crypto.verify("ML-DSA-65", MESSAGE, b"s", encoding="der"),
}


@pytest.mark.parametrize("execution", ["auto", "remote"])
@pytest.mark.parametrize("text", MISTAKES)
async def test_mistake_of_the_caller_raises_without_a_request(
    crypto_of: Any, vault: Target, emulated_vault: KeyVaultEmulator, text: str, execution: str
) -> None:
    given = private_jwk("AKP ML-DSA-65")
    material = JsonWebKey(kty="AKP-HSM", alg=given.alg, pub=given.pub)
    key = KeyVaultKey(f"{vault.url}/keys/unused/1", material)
    client = crypto_of(key, vault, execution=execution, api_version=ApiVersion.V2026_05_01_PREVIEW)
    traffic = Traffic(emulated_vault)
    with pytest.raises(ValueError, match=text):
        await MISTAKES[text](client)
    assert len(traffic) == 0


async def test_version_without_ml_dsa_is_refused_without_a_request_and_verifies_here(
    crypto_of: Any, client: Any, vault: Target, emulated_vault: KeyVaultEmulator
) -> None:
    given = private_jwk("AKP ML-DSA-65")
    traffic = Traffic(emulated_vault)
    with pytest.raises(ValueError, match="alg needs API version 2026-05-01-preview or later"):
        await client.create_key("unused", KeyType.akp, alg="ML-DSA-65")
    for key in (f"{vault.url}/keys/unused", KeyVaultKey(f"{vault.url}/keys/unused/1", JsonWebKey(kty="AKP-HSM"))):
        with pytest.raises(ValueError, match="ML-DSA-65 needs API version 2026-05-01-preview or later"):
            await crypto_of(key, vault).sign("ML-DSA-65", MESSAGE)
    owner = crypto_of(KeyVaultKey(f"{vault.url}/keys/unused/1", given), vault)
    signed = await owner.sign("ML-DSA-65", MESSAGE)
    assert (await owner.verify("ML-DSA-65", MESSAGE, signed.signature)).performed == "local"
    assert len(traffic) == 0


async def test_import_of_a_seed_is_refused_without_a_request(preview: Any, traffic: Traffic) -> None:
    given = private_jwk("AKP ML-DSA-44")
    for form in (given, given.to_pem(private=True), given.to_cryptography(private=True)):
        with pytest.raises(ValueError, match="in the clear"):
            await preview.import_key("unused", form)
    assert len(traffic) == 0
