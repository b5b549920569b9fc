"""The service's refusals as azure-core's exceptions, with its code and its words in their text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from azure.core.exceptions import (
    ClientAuthenticationError,
    DecodeError,
    HttpResponseError,
    ResourceExistsError,
    ResourceNotFoundError,
)
from fixtures.keyring import private_jwk
from fixtures.targets import Target
from fixtures.worlds import World, listed

from azure.keyvault.keys import ExternalKey, KeyRotationPolicy
from azure.keyvault.keys.emulator import KeyVaultEmulator

CALLS: dict[str, Callable[[Any], Any]] = {
    "create_key": lambda client: client.create_key("k", "EC"),
    "create_rsa_key": lambda client: client.create_rsa_key("k"),
    "create_ec_key": lambda client: client.create_ec_key("k"),
    "create_oct_key": lambda client: client.create_oct_key("k"),
    "import_key": lambda client: client.import_key("k", private_jwk("EC P-256")),
    "get_key": lambda client: client.get_key("k"),
    "update_key": lambda client: client.update_key("k", enabled=True),
    "update_key_properties": lambda client: client.update_key_properties("k", enabled=True),
    "delete_key": lambda client: client.delete_key("k"),
    "begin_delete_key": lambda client: client.begin_delete_key("k"),
    "get_deleted_key": lambda client: client.get_deleted_key("k"),
    "list_keys": lambda client: listed(client.list_keys()),
    "list_key_versions": lambda client: listed(client.list_key_versions("k")),
    "list_deleted_keys": lambda client: listed(client.list_deleted_keys()),
    "recover_deleted_key": lambda client: client.recover_deleted_key("k"),
    "begin_recover_deleted_key": lambda client: client.begin_recover_deleted_key("k"),
    "purge_deleted_key": lambda client: client.purge_deleted_key("k"),
    "backup_key": lambda client: client.backup_key("k"),
    "restore_key": lambda client: client.restore_key(b"backup"),
    "rotate_key": lambda client: client.rotate_key("k"),
    "get_key_rotation_policy": lambda client: client.get_key_rotation_policy("k"),
    "update_key_rotation_policy": lambda client: client.update_key_rotation_policy("k", KeyRotationPolicy()),
    "release_key": lambda client: client.release_key("k", "token"),
    "get_key_attestation": lambda client: client.get_key_attestation("k"),
    "create_external_key": lambda client: client.create_external_key("k", ExternalKey(id="there")),
    "encrypt": lambda client: _crypto(client).encrypt("RSA-OAEP", b"x"),
    "decrypt": lambda client: _crypto(client).decrypt("RSA-OAEP", b"x"),
    "wrap_key": lambda client: _crypto(client).wrap_key("RSA-OAEP", b"x"),
    "unwrap_key": lambda client: _crypto(client).unwrap_key("RSA-OAEP", b"x"),
    "sign": lambda client: _crypto(client).sign("RS256", b"x" * 32),
    "verify": lambda client: _crypto(client).verify("RS256", b"x" * 32, b"s" * 256),
}
STATUSES: list[tuple[int, type[HttpResponseError]]] = [
    (400, HttpResponseError),
    (401, ClientAuthenticationError),
    (403, HttpResponseError),
    (404, ResourceNotFoundError),
    (409, ResourceExistsError),
    (418, HttpResponseError),
    (500, HttpResponseError),
]
SPECIAL = {ClientAuthenticationError, ResourceNotFoundError, ResourceExistsError}


def _crypto(client: Any) -> Any:
    return client.get_cryptography_client("k", execution="remote")


@pytest.mark.parametrize("call", CALLS)
async def test_every_call_raises_the_statuss_exception_with_the_services_words(
    client_of: Any, vault: Target, emulator: KeyVaultEmulator, call: str
) -> None:
    client = client_of(vault, retry_total=0)
    for status, kind in STATUSES:
        emulator.faults.clear()
        emulator.faults.status(status, code="ItsCode", message="In the words of the service.", times=None)
        with pytest.raises(HttpResponseError, match="In the words of the service") as caught:
            await CALLS[call](client)
        error = caught.value
        assert {special for special in SPECIAL if isinstance(error, special)} == SPECIAL & {kind}
        assert (error.status_code, error.error.code) == (status, "ItsCode")
        assert "ItsCode" in str(error)


async def test_missing_key_raises_resource_not_found(client: Any, name: str) -> None:
    with pytest.raises(ResourceNotFoundError, match=rf"\(KeyNotFound\) A key with \(name/id\) {name} was not found"):
        await client.get_key(name)


async def test_deleted_name_raises_resource_exists(client: Any, vault: Target, name: str) -> None:
    await client.create_ec_key(name)
    await client.delete_key(name, **vault.waiting)
    with pytest.raises(ResourceExistsError, match=r"\(Conflict\)") as caught:
        await client.import_key(name, private_jwk("EC P-256"))
    assert caught.value.status_code == 409


@pytest.mark.parametrize("rbac", [False, True], ids=["access policy", "role"])
async def test_missing_permission_raises_with_its_name(client: Any, emulator: KeyVaultEmulator, rbac: bool) -> None:
    emulator.permissions.deny("get")
    emulator.permissions.rbac = rbac
    with pytest.raises(HttpResponseError, match="vaults/keys/read" if rbac else "keys get permission") as caught:
        await client.get_key("any")
    assert (caught.value.status_code, caught.value.error.code) == (403, "Forbidden")
    assert ("ForbiddenByRbac" if rbac else "ForbiddenByPolicy") in str(caught.value)


async def test_token_that_the_vault_refuses_raises_client_authentication_error(world: World, vault: Target) -> None:
    class Stranger:
        """A credential whose tokens are of no use here."""

        def get_token(self, *scopes: str, **kwargs: Any) -> Any:
            from azure.core.credentials import AccessToken

            return AccessToken("not.a.token", 2**31)

    class AsyncStranger(Stranger):
        async def get_token(self, *scopes: str, **kwargs: Any) -> Any:
            return Stranger.get_token(self)

    credential = AsyncStranger() if world.is_async else Stranger()
    client = world.adapt(world.KeyClient(vault.url, credential, **vault.options))
    async with client:
        with pytest.raises(ClientAuthenticationError, match="Unauthorized") as caught:
            await client.get_key("any")
    assert caught.value.status_code == 401
    assert "not.a.token" not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "kind"), [(404, ResourceNotFoundError), (403, HttpResponseError)], ids=["404", "403"]
)
@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"<html>No such page</html>", "text/html"),
        (b"", None),
        (b"\xff\xfe{", "application/json"),
        (b"[]", "text/json"),
    ],
    ids=["html", "empty", "no utf-8", "no object"],
)
async def test_error_that_is_no_json_raises_the_statuss_exception(
    client: Any,
    emulator: KeyVaultEmulator,
    status: int,
    kind: type[HttpResponseError],
    body: bytes,
    content_type: str | None,
) -> None:
    emulator.faults.answer(body, status=status, content_type=content_type)
    with pytest.raises(HttpResponseError, match=str(status)) as caught:
        await client.get_key("any")
    assert type(caught.value) is kind


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"null", b"{", b'{"key":{}}'], ids=repr)
async def test_success_that_is_no_key_raises_decode_error(client: Any, emulator: KeyVaultEmulator, body: bytes) -> None:
    emulator.faults.answer(body)
    with pytest.raises(DecodeError, match="The vault's response cannot be used"):
        await client.get_key("any")
