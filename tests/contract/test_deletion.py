"""Deleting, recovering and purging keys, waiting included."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.core.polling import AsyncLROPoller, LROPoller
from fixtures.targets import Target, Traffic
from fixtures.worlds import World, listed

from azure.keyvault.keys import DeletedKey, KeyClient, KeyVaultKey
from azure.keyvault.keys.emulator import KeyVaultEmulator

#: Seconds that a deletion takes in the slow vault, whose clock tests advance.
DELAY = 300


@pytest.fixture(scope="module")
def slow(emulator_only: None) -> Iterator[KeyVaultEmulator]:
    """A vault where nothing is deleted or recovered before a test says so."""
    with KeyVaultEmulator(deletion_delay=DELAY) as emulator:
        yield emulator


async def test_delete_key_n1_lets_the_name_be_used_again_after_a_purge(client: Any, vault: Target, name: str) -> None:
    await client.create_ec_key(name)
    await client.delete_key(name, **vault.waiting)
    await client.purge_deleted_key(name)
    assert (await client.create_ec_key(name)).name == name


async def test_delete_key_returns_the_deleted_key_when_it_is_deleted(client: Any, vault: Target, name: str) -> None:
    key = await client.create_ec_key(name, tags={"a": "b"})
    deleted = await client.delete_key(name, **vault.waiting)
    assert isinstance(deleted, DeletedKey)
    assert (deleted.id, deleted.name, deleted.key, deleted.properties.tags) == (key.id, name, key.key, {"a": "b"})
    assert deleted.recovery_id == f"{vault.url}/deletedkeys/{name}"
    assert deleted.scheduled_purge_date - deleted.deleted_date == timedelta(days=90)
    found = await client.get_deleted_key(name)
    assert (found.id, found.recovery_id, found.deleted_date) == (key.id, deleted.recovery_id, deleted.deleted_date)
    with pytest.raises(ResourceNotFoundError):
        await client.get_key(name)


async def test_begin_delete_key_n5_gives_its_result_at_once_and_waits_when_asked(
    client_of: Any, slow: KeyVaultEmulator, world: World, name: str
) -> None:
    client = client_of(Target.emulated(slow))
    await client.create_ec_key(name)
    poller = await client.begin_delete_key(name, polling_interval=0)
    assert isinstance(poller if world.is_async else poller.subject, AsyncLROPoller if world.is_async else LROPoller)
    assert (poller.done(), poller.status()) == (False, "polling")
    assert (await poller.result()).recovery_id.endswith(name)
    with pytest.raises(ResourceNotFoundError):
        await client.get_deleted_key(name)
    slow.clock.advance(DELAY)
    await poller.wait()
    assert (poller.done(), poller.status()) == (True, "finished")
    assert (await client.get_deleted_key(name)).name == name


async def test_wait_n5_after_the_end_asks_nothing(client: Any, vault: Target, name: str, traffic: Traffic) -> None:
    await client.create_ec_key(name)
    poller = await client.begin_delete_key(name, **vault.waiting)
    await poller.wait()
    traffic.restart()
    await poller.wait()
    await poller.result()
    assert len(traffic) == 0


async def test_wait_n5_with_a_timeout_of_zero_looks_once(client_of: Any, slow: KeyVaultEmulator, name: str) -> None:
    client = client_of(Target.emulated(slow))
    await client.create_ec_key(name)
    poller = await client.begin_delete_key(name, polling_interval=60)
    slow.requests.clear()
    await poller.wait(0)
    assert (len(slow.requests), poller.done()) == (1, False)


@pytest.mark.parametrize("keyword", ["polling_interval", "_polling_interval"])
async def test_begin_delete_key_takes_the_interval_under_both_names(client: Any, name: str, keyword: str) -> None:
    await client.create_ec_key(name)
    poller = await client.begin_delete_key(name, **{keyword: 0.02})
    await poller.wait()
    assert poller.done()


async def test_done_callbacks_n5_are_called_once_when_the_key_has_arrived(vault: Target, name: str) -> None:
    """Azure-core's asyncio pollers have none."""
    calls: list[str] = []

    def first(method: Any) -> None:
        calls.append("first")

    def removed(method: Any) -> None:
        calls.append("removed")

    with KeyClient(vault.url, vault.credential, **vault.options) as client:
        client.create_ec_key(name)
        poller = client.begin_delete_key(name, **vault.waiting)
        poller.add_done_callback(first)
        poller.add_done_callback(removed)
        poller.remove_done_callback(removed)
        assert calls == []
        poller.wait()
        poller.wait()
        assert calls == ["first"]
        poller.add_done_callback(lambda method: calls.append("late"))
        assert calls == ["first", "late"]
        with pytest.raises(ValueError, match="The key has arrived"):
            poller.remove_done_callback(first)


async def test_wait_n5_tells_of_an_unknown_error(
    client: Any, vault: Target, emulator: KeyVaultEmulator, name: str
) -> None:
    await client.create_ec_key(name)
    poller = await client.begin_delete_key(name, **vault.waiting)
    emulator.faults.status(400, code="BadParameter", message="Something new", path=f"/deletedkeys/{name}")
    with pytest.raises(HttpResponseError, match="Something new"):
        await poller.wait()
    assert not poller.done()


async def test_delete_key_n2_without_the_permission_to_get_ends_when_there_is_a_key_to_read(
    client: Any, vault: Target, emulator: KeyVaultEmulator, name: str
) -> None:
    await client.create_ec_key(name)
    emulator.permissions.deny("get")
    assert (await client.delete_key(name, **vault.waiting)).name == name


async def test_wait_n2_behind_a_firewall_is_not_told_to_be_finished(
    client: Any, vault: Target, emulator: KeyVaultEmulator, name: str
) -> None:
    await client.create_ec_key(name)
    poller = await client.begin_delete_key(name, **vault.waiting)
    emulator.permissions.firewall = True
    with pytest.raises(HttpResponseError, match="ForbiddenByFirewall") as caught:
        await poller.wait()
    assert (caught.value.status_code, poller.done()) == (403, False)


async def test_delete_key_without_soft_delete_is_finished_at_once(client_of: Any) -> None:
    with KeyVaultEmulator(soft_delete=False) as emulator:
        client = client_of(Target.emulated(emulator))
        await client.create_ec_key("orders")
        poller = await client.begin_delete_key("orders")
        assert (poller.done(), (await poller.result()).recovery_id) == (True, None)
        assert (await client.create_ec_key("orders")).name == "orders"


async def test_recover_deleted_key_brings_the_key_back(client: Any, vault: Target, name: str) -> None:
    key = await client.create_ec_key(name, tags={"a": "b"})
    await client.delete_key(name, **vault.waiting)
    recovered = await client.recover_deleted_key(name, **vault.waiting)
    assert isinstance(recovered, KeyVaultKey)
    assert not isinstance(recovered, DeletedKey)
    assert (recovered.id, recovered.key, recovered.properties.tags) == (key.id, key.key, {"a": "b"})
    assert (await client.get_key(name)).id == key.id
    with pytest.raises(ResourceNotFoundError):
        await client.get_deleted_key(name)


async def test_begin_recover_deleted_key_gives_its_result_at_once_and_waits_when_asked(
    client: Any, vault: Target, name: str
) -> None:
    await client.create_ec_key(name)
    await client.delete_key(name, **vault.waiting)
    poller = await client.begin_recover_deleted_key(name, **vault.waiting)
    assert (poller.done(), (await poller.result()).name) == (False, name)
    await poller.wait()
    assert poller.done()
    assert (await client.get_key(name)).name == name


async def test_recover_deleted_key_n4_lets_the_key_be_used_and_changed_at_once(
    client: Any, vault: Target, name: str
) -> None:
    await client.create_ec_key(name)
    await client.delete_key(name, **vault.waiting)
    await client.recover_deleted_key(name, **vault.waiting)
    assert (await client.update_key(name, tags={"used": "yes"})).properties.tags == {"used": "yes"}
    assert (await client.create_ec_key(name)).name == name


async def test_delete_key_deletes_all_versions(client: Any, vault: Target, name: str) -> None:
    first = await client.create_ec_key(name)
    await client.create_ec_key(name)
    await client.delete_key(name, **vault.waiting)
    assert await listed(client.list_key_versions(name)) == []
    await client.recover_deleted_key(name, **vault.waiting)
    assert (await client.get_key(name, first.properties.version)).id == first.id


@pytest.mark.parametrize("method", ["create_ec_key", "create_rsa_key"])
async def test_create_n3_of_a_deleted_name_tells_what_to_do(client: Any, vault: Target, name: str, method: str) -> None:
    await client.create_ec_key(name)
    await client.delete_key(name, **vault.waiting)
    with pytest.raises(ResourceExistsError, match="recover_deleted_key, or purge it with purge_deleted_key") as caught:
        await getattr(client, method)(name)
    assert "ObjectIsDeletedButRecoverable" in str(caught.value)


@pytest.mark.parametrize(
    "method", ["delete_key", "begin_delete_key", "get_deleted_key", "recover_deleted_key", "purge_deleted_key"]
)
async def test_deletion_of_no_key_raises(client: Any, name: str, method: str) -> None:
    with pytest.raises(ResourceNotFoundError, match="KeyNotFound") as caught:
        await getattr(client, method)(name)
    assert caught.value.status_code == 404


async def test_purge_deleted_key_too_early_raises(client_of: Any, slow: KeyVaultEmulator, name: str) -> None:
    client = client_of(Target.emulated(slow))
    await client.create_ec_key(name)
    await client.begin_delete_key(name)
    with pytest.raises(ResourceExistsError, match="currently being deleted") as caught:
        await client.purge_deleted_key(name, retry_total=0)
    assert "Wait until the deletion has finished" in str(caught.value)


async def test_purge_deleted_key_n1_too_early_is_tried_again(client: Any, name: str) -> None:
    await client.create_ec_key(name)
    await client.begin_delete_key(name)
    await client.purge_deleted_key(name)
    with pytest.raises(ResourceNotFoundError):
        await client.get_deleted_key(name)


async def test_purge_deleted_key_under_purge_protection_raises(client_of: Any) -> None:
    with KeyVaultEmulator(purge_protection=True, deletion_delay=0) as emulator:
        client = client_of(Target.emulated(emulator))
        await client.create_ec_key("orders")
        await client.delete_key("orders", polling_interval=0.01)
        with pytest.raises(HttpResponseError, match="purge protection is enabled") as caught:
            await client.purge_deleted_key("orders")
    assert caught.value.status_code == 403


async def test_delete_key_in_a_managed_hsm_is_visible_at_once(hsm_client: Any, name: str) -> None:
    await hsm_client.create_ec_key(name)
    poller = await hsm_client.begin_delete_key(name, polling_interval=60)
    await poller.wait()
    await hsm_client.purge_deleted_key(name)
    with pytest.raises(ResourceNotFoundError):
        await hsm_client.get_deleted_key(name)
