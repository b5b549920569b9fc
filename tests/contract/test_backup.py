"""Backups of keys, and keys restored from them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from fixtures.targets import Target, Traffic
from fixtures.worlds import listed

from azure.keyvault.keys.emulator import KeyVaultEmulator


@pytest.mark.parametrize("method", ["restore_key", "restore_key_backup"])
async def test_restore_brings_back_all_versions_as_they_were(
    client: Any, vault: Target, name: str, method: str
) -> None:
    first = await client.create_ec_key(name, tags={"version": "1"})
    second = await client.create_rsa_key(name, tags={"version": "2"}, enabled=False)
    backup = await client.backup_key(name)
    await client.delete_key(name, **vault.waiting)
    await client.purge_deleted_key(name)

    restored = await getattr(client, method)(backup)

    assert (restored.id, restored.key, restored.properties.enabled) == (second.id, second.key, False)
    assert restored.properties.created_on == second.properties.created_on
    versions = {item.version: item.tags for item in await listed(client.list_key_versions(name))}
    assert versions == {first.properties.version: {"version": "1"}, second.properties.version: {"version": "2"}}


async def test_backup_key_gives_bytes_that_the_service_alone_can_read(client: Any, name: str) -> None:
    await client.create_ec_key(name)
    backup = await client.backup_key(name)
    assert isinstance(backup, bytes)
    assert backup.startswith(b"&AzureKeyVaultKeyBackupV1.microsoft.com")


@pytest.mark.parametrize("kind", [bytearray, memoryview], ids=["bytearray", "memoryview"])
async def test_restore_key_takes_any_bytes(client: Any, vault: Target, name: str, kind: type) -> None:
    await client.create_ec_key(name)
    backup = await client.backup_key(name)
    await client.delete_key(name, **vault.waiting)
    await client.purge_deleted_key(name)
    assert (await client.restore_key(kind(backup))).name == name


async def test_restore_key_over_a_live_key_raises(client: Any, name: str) -> None:
    await client.create_ec_key(name)
    backup = await client.backup_key(name)
    with pytest.raises(ResourceExistsError, match="conflict restoring"):
        await client.restore_key(backup)


async def test_restore_key_over_a_deleted_key_raises(client: Any, vault: Target, name: str) -> None:
    await client.create_ec_key(name)
    backup = await client.backup_key(name)
    await client.delete_key(name, **vault.waiting)
    with pytest.raises(ResourceExistsError):
        await client.restore_key(backup)


@pytest.mark.case("N9")
async def test_restore_key_of_what_is_no_backup_tells_the_services_words(client: Any) -> None:
    with pytest.raises(HttpResponseError, match="Backup blob is corrupt"):
        await client.restore_key(b"no backup")


@pytest.mark.case("N9")
@pytest.mark.usefixtures("emulator_only")
async def test_restore_key_of_another_domains_backup_tells_the_services_words(
    client_of: Any, hsm_client: Any, tmp_path: Path
) -> None:
    with KeyVaultEmulator(managed_hsm=True, data_dir=tmp_path) as elsewhere:
        other = client_of(Target.emulated(elsewhere))
        await other.create_ec_key("orders")
        backup = await other.backup_key("orders")
    with pytest.raises(HttpResponseError, match="different crypto domain"):
        await hsm_client.restore_key(backup)


@pytest.mark.parametrize("method", ["restore_key", "restore_key_backup"])
@pytest.mark.parametrize("backup", [None, "text", 5], ids=["none", "text", "number"])
async def test_restore_of_something_else_than_bytes_raises(
    client: Any, traffic: Traffic, method: str, backup: Any
) -> None:
    with pytest.raises(TypeError, match="backup must be bytes"):
        await getattr(client, method)(backup)
    assert len(traffic) == 0


async def test_backup_key_of_no_key_raises(client: Any, name: str) -> None:
    with pytest.raises(ResourceNotFoundError):
        await client.backup_key(name)
