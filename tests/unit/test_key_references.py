"""A key is named by its name, its identifier or an object that has one, and is of this vault."""

from __future__ import annotations

from typing import Any

import pytest
from fixtures.stub_vault import URL, VERSION, Answer, Script, StubWorld, bundle
from fixtures.worlds import listed

from azure.keyvault.keys import KeyProperties, KeyRotationPolicy, KeyVaultKey, KeyVaultKeyIdentifier
from azure.keyvault.keys._key_references import resolve
from azure.keyvault.keys._shared.pipeline.tracing import name_and_version

KEY = f"{URL}/keys/orders"
V1 = f"{KEY}/{VERSION}"
DELETED = f"{URL}/deletedkeys/orders"
REFERENCES: dict[str, Any] = {
    "name": "orders",
    "identifier": V1,
    "identifier without a version": KEY,
    "KeyVaultKey": KeyVaultKey(V1),
    "KeyProperties": KeyProperties(V1),
    "KeyVaultKeyIdentifier": KeyVaultKeyIdentifier(V1),
}
VERSIONED = [name for name, reference in REFERENCES.items() if reference not in ("orders", KEY)]


@pytest.mark.parametrize("kind", REFERENCES)
def test_name_and_version_are_found(kind: str) -> None:
    assert resolve(REFERENCES[kind], URL) == ("orders", VERSION if kind in VERSIONED else "")
    assert resolve(REFERENCES[kind], URL, VERSION) == ("orders", VERSION)


@pytest.mark.parametrize("kind", VERSIONED)
def test_another_version_than_the_keys_is_refused(kind: str) -> None:
    with pytest.raises(ValueError, match="version 'ffff' does not match the version of the key"):
        resolve(REFERENCES[kind], URL, "ffff")


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ("https://other.vault.azure.net/keys/orders", "another vault"),
        (KeyVaultKey("https://other.vault.azure.net/keys/orders/v1"), "another vault"),
        (KeyProperties("https://other.vault.azure.net/keys/orders/v1"), "another vault"),
        (f"{URL}:444/keys/orders", "another vault"),
        (f"{URL}/secrets/orders", "one of secrets"),
        (DELETED, "one of deletedkeys"),
        (f"{KEY}/v1/v2", "not a valid ID"),
        ("keys/orders", "not a valid ID"),
    ],
    ids=str,
)
def test_what_is_no_key_of_this_vault_is_refused(wrong: Any, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        resolve(wrong, URL)


async def test_key_is_of_the_vault_that_returned_it_whatever_address_it_names(stub: StubWorld) -> None:
    answer = bundle()
    answer["key"]["kid"] = f"https://alias.internal.example/keys/orders/{VERSION}"
    script = Script([Answer(200, answer)])
    client = stub.client(script, verify_challenge_resource=False)  # of a vault with an address of its own
    await client.get_key(await client.get_key("orders"))
    assert script.calls[-1].url.startswith(f"{V1}?")


DELETION = {**bundle(), "recoveryId": DELETED}
CALLS: dict[str, tuple[Any, str, Any]] = {
    "get_key": (lambda client, key: client.get_key(key), f"{V1}?", bundle()),
    "update_key": (lambda client, key: client.update_key(key, enabled=True), f"{V1}?", bundle()),
    "update_key_properties": (lambda client, key: client.update_key_properties(key), f"{V1}?", bundle()),
    "get_key_attestation": (lambda client, key: client.get_key_attestation(key), f"{V1}/attestation?", bundle()),
    "release_key": (lambda client, key: client.release_key(key, "t"), f"{V1}/release?", {"value": "v"}),
    "begin_delete_key": (lambda client, key: client.begin_delete_key(key), f"{KEY}?", DELETION),
    "delete_key": (lambda client, key: client.delete_key(key), f"{DELETED}?", DELETION),
    "get_deleted_key": (lambda client, key: client.get_deleted_key(key), f"{DELETED}?", DELETION),
    "purge_deleted_key": (lambda client, key: client.purge_deleted_key(key), f"{DELETED}?", None),
    "begin_recover_deleted_key": (
        lambda client, key: client.begin_recover_deleted_key(key),
        f"{DELETED}/recover?",
        bundle(),
    ),
    "recover_deleted_key": (lambda client, key: client.recover_deleted_key(key), f"{KEY}?", bundle()),
    "backup_key": (lambda client, key: client.backup_key(key), f"{KEY}/backup?", {"value": "AA"}),
    "rotate_key": (lambda client, key: client.rotate_key(key), f"{KEY}/rotate?", bundle()),
    "get_key_rotation_policy": (lambda client, key: client.get_key_rotation_policy(key), f"{KEY}/rotationpolicy?", {}),
    "update_key_rotation_policy": (
        lambda client, key: client.update_key_rotation_policy(key, KeyRotationPolicy()),
        f"{KEY}/rotationpolicy?",
        {},
    ),
    "list_key_versions": (lambda client, key: listed(client.list_key_versions(key)), f"{KEY}/versions?", {"value": []}),
    "list_properties_of_key_versions": (
        lambda client, key: listed(client.list_properties_of_key_versions(key)),
        f"{KEY}/versions?",
        {"value": []},
    ),
}


@pytest.mark.parametrize("kind", VERSIONED)
@pytest.mark.parametrize("call", CALLS)
async def test_every_method_takes_what_names_a_key(stub: StubWorld, call: str, kind: str) -> None:
    run, url, body = CALLS[call]
    script = Script([Answer(204 if body is None else 200, body)])
    await run(stub.client(script, api_version="2026-05-01-preview"), REFERENCES[kind])
    assert script.calls[-1].url.startswith(url)


@pytest.mark.parametrize("call", CALLS)
async def test_every_method_refuses_another_vaults_key_before_anything_is_sent(stub: StubWorld, call: str) -> None:
    script = Script()
    client = stub.client(script, api_version="2026-05-01-preview")
    with pytest.raises(ValueError, match="another vault"):
        await CALLS[call][0](client, "https://other.vault.azure.net/keys/orders/v1")
    assert not script.sent


@pytest.mark.parametrize("call", [name for name in CALLS if "deleted" in name])
async def test_deleted_key_is_named_by_its_recovery_id_too(stub: StubWorld, call: str) -> None:
    run, _, body = CALLS[call]
    script = Script([Answer(204 if body is None else 200, body)])
    await run(stub.client(script), DELETED)
    assert "/orders" in script.calls[-1].url


@pytest.mark.parametrize("kind", REFERENCES)
def test_cryptography_client_takes_what_names_a_key(stub: StubWorld, kind: str) -> None:
    crypto = stub.client(Script()).get_cryptography_client(REFERENCES[kind])
    assert crypto.key_id == (V1 if kind in VERSIONED else KEY)


@pytest.mark.parametrize("kind", REFERENCES)
def test_span_tells_of_the_key_however_it_is_named(kind: str) -> None:
    assert name_and_version(REFERENCES[kind]) == ("orders", VERSION if kind in VERSIONED else None)


@pytest.mark.parametrize("nothing", [None, 5, "a/b", object()], ids=["none", "number", "malformed", "object"])
def test_span_tells_nothing_of_what_names_no_key(nothing: Any) -> None:
    assert name_and_version(nothing) == (None, None)


@pytest.mark.parametrize(("key_id", "version"), [(V1, VERSION), (KEY, None), (DELETED, None)])
def test_key_tells_its_version(key_id: str, version: str | None) -> None:
    assert KeyVaultKey(key_id).version == version
