"""Deleting, recovering and purging keys, waiting included."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from base64 import urlsafe_b64decode
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    ResourceExistsError,
    ResourceNotFoundError,
    ServiceResponseTimeoutError,
)
from azure.core.polling import AsyncLROPoller, LROPoller
from fixtures.keyring import private_jwk
from fixtures.targets import Target, Traffic
from fixtures.worlds import World, listed

from azure.keyvault.keys import DeletedKey, KeyClient, KeyVaultKey
from azure.keyvault.keys.emulator import KeyVaultEmulator

#: Seconds that a deletion takes in the slow vault, whose clock tests advance.
DELAY = 300


#: What makes a key of a name that is free.
MAKERS: dict[str, Callable[[Any, str, bytes], Any]] = {
    "create_ec_key": lambda client, name, backup: client.create_ec_key(name),
    "create_rsa_key": lambda client, name, backup: client.create_rsa_key(name),
    "import_key": lambda client, name, backup: client.import_key(name, private_jwk("EC P-256")),
    "restore_key": lambda client, name, backup: client.restore_key(backup),
}
any_maker = pytest.mark.parametrize("maker", MAKERS)


@pytest.fixture(scope="module")
def hesitant(emulator_only: None) -> Iterator[KeyVaultEmulator]:
    """A vault whose deletions, recoveries and purges take their time, in which nobody turns its clock."""
    with KeyVaultEmulator(deletion_delay=0.2, purge_delay=0.3) as emulator:
        yield emulator


@pytest.fixture(scope="module")
def slow(emulator_only: None) -> Iterator[KeyVaultEmulator]:
    """A vault where nothing is deleted or recovered before a test says so."""
    with KeyVaultEmulator(deletion_delay=DELAY) as emulator:
        yield emulator


@pytest.mark.case("N1")
async def test_delete_key_lets_the_name_be_used_again_after_a_purge(client: Any, vault: Target, name: str) -> None:
    await client.create_ec_key(name)
    await client.delete_key(name, **vault.waiting)
    await client.purge_deleted_key(name)
    assert (await client.create_ec_key(name)).name == name


@pytest.mark.case("N1")
@any_maker
async def test_delete_key_then_purge_frees_the_name_of_a_hesitant_vault(
    client_of: Any, hesitant: KeyVaultEmulator, name: str, maker: str
) -> None:
    client = client_of(Target.emulated(hesitant))
    await client.create_ec_key(name)
    backup = await client.backup_key(name)
    await client.delete_key(name, polling_interval=0.05)
    await client.purge_deleted_key(name)
    assert (await MAKERS[maker](client, name, backup)).name == name
    assert (await client.get_key(name)).name == name


@pytest.mark.case("N4")
async def test_recover_right_after_a_deletion_that_nobody_waited_for_succeeds(
    client_of: Any, hesitant: KeyVaultEmulator, name: str
) -> None:
    client = client_of(Target.emulated(hesitant))
    key = await client.create_ec_key(name)
    await client.begin_delete_key(name)
    await client.begin_recover_deleted_key(name)
    newer = await client.create_ec_key(name)
    assert {item.id for item in await listed(client.list_key_versions(name))} == {key.id, newer.id}


async def test_error_map_leaves_the_polls_of_a_deletion_alone(
    client_of: Any, hesitant: KeyVaultEmulator, name: str
) -> None:
    client = client_of(Target.emulated(hesitant))
    await client.create_ec_key(name)
    deleted = await client.delete_key(name, error_map={404: ClientAuthenticationError}, polling_interval=0.05)
    assert deleted.name == name
    assert [item.status for item in hesitant.requests if item.path == f"/deletedkeys/{name}"][:1] == [404]


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


@pytest.mark.case("N5")
async def test_begin_delete_key_gives_its_result_at_once_and_waits_when_asked(
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


@pytest.mark.case("N5")
async def test_wait_after_the_end_asks_nothing(client: Any, vault: Target, name: str, traffic: Traffic) -> None:
    await client.create_ec_key(name)
    poller = await client.begin_delete_key(name, **vault.waiting)
    await poller.wait()
    traffic.restart()
    await poller.wait()
    await poller.result()
    assert len(traffic) == 0


@pytest.mark.case("N5")
async def test_wait_with_a_timeout_of_zero_looks_once(client_of: Any, slow: KeyVaultEmulator, name: str) -> None:
    client = client_of(Target.emulated(slow))
    await client.create_ec_key(name)
    poller = await client.begin_delete_key(name, polling_interval=60)
    slow.requests.clear()
    await poller.wait(0)
    assert (len(slow.requests), poller.done()) == (1, False)


@pytest.mark.case("N5")
async def test_delete_key_out_of_time_says_that_the_vault_goes_on(
    client_of: Any, slow: KeyVaultEmulator, name: str
) -> None:
    client = client_of(Target.emulated(slow))
    await client.create_ec_key(name)
    with pytest.raises(ServiceResponseTimeoutError, match="The vault goes on with the deletion") as caught:
        await client.delete_key(name, timeout=0.4)
    slow.clock.advance(DELAY)
    deleted = await client.delete_key(name, continuation_token=caught.value.continuation_token)
    assert deleted.name == name


@pytest.mark.parametrize("keyword", ["polling_interval", "_polling_interval"])
async def test_begin_delete_key_takes_the_interval_under_both_names(client: Any, name: str, keyword: str) -> None:
    await client.create_ec_key(name)
    poller = await client.begin_delete_key(name, **{keyword: 0.02})
    await poller.wait()
    assert poller.done()


@pytest.mark.case("N5")
async def test_done_callbacks_are_called_once_when_the_key_has_arrived(vault: Target, name: str) -> None:
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


@pytest.mark.case("N5")
async def test_wait_tells_of_an_unknown_error(
    client: Any, vault: Target, emulator: KeyVaultEmulator, name: str
) -> None:
    await client.create_ec_key(name)
    poller = await client.begin_delete_key(name, **vault.waiting)
    emulator.faults.status(400, code="BadParameter", message="Something new", path=f"/deletedkeys/{name}")
    with pytest.raises(HttpResponseError, match="Something new"):
        await poller.wait()
    assert not poller.done()


@pytest.mark.case("N2")
async def test_delete_key_without_the_permission_to_get_ends_when_there_is_a_key_to_read(
    client: Any, vault: Target, emulator: KeyVaultEmulator, name: str
) -> None:
    await client.create_ec_key(name)
    emulator.permissions.deny("get")
    assert (await client.delete_key(name, **vault.waiting)).name == name


@pytest.mark.case("N2")
async def test_wait_behind_a_firewall_is_not_told_to_be_finished(
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


@pytest.mark.case("N4")
async def test_recover_deleted_key_lets_the_key_be_used_and_changed_at_once(
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


@pytest.mark.case("N3")
@pytest.mark.parametrize("method", ["create_ec_key", "create_rsa_key"])
async def test_create_of_a_deleted_name_tells_what_to_do(client: Any, vault: Target, name: str, method: str) -> None:
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


async def test_begin_delete_key_goes_on_from_a_continuation_token(
    client: Any, client_of: Any, vault: Target, name: str
) -> None:
    key = await client.create_ec_key(name, tags={"a": "b"})
    token = (await client.begin_delete_key(name)).continuation_token()
    poller = await client_of(vault).begin_delete_key(name, continuation_token=token, **vault.waiting)
    assert not poller.done()
    deleted = await poller.result()
    assert isinstance(deleted, DeletedKey)
    assert (deleted.id, deleted.key, deleted.properties.tags) == (key.id, key.key, {"a": "b"})
    assert deleted.scheduled_purge_date - deleted.deleted_date == timedelta(days=90)
    await poller.wait()
    assert (await client.get_deleted_key(name)).id == key.id


async def test_recover_deleted_key_goes_on_from_a_continuation_token(
    client: Any, client_of: Any, vault: Target, name: str
) -> None:
    await client.create_ec_key(name)
    await client.delete_key(name, **vault.waiting)
    token = (await client.begin_recover_deleted_key(name)).continuation_token()
    recovered = await client_of(vault).recover_deleted_key(name.upper(), continuation_token=token, **vault.waiting)
    found = await client.get_key(name)
    assert isinstance(recovered, KeyVaultKey)
    assert (recovered.id, recovered.key) == (found.id, found.key)


ELSEWHERE = """
import asyncio, os, sys
from azure.identity import DefaultAzureCredential
from azure.identity.aio import DefaultAzureCredential as AsyncDefaultAzureCredential
from azure.keyvault.keys import KeyClient
from azure.keyvault.keys.aio import KeyClient as AsyncKeyClient

world, name, token = sys.argv[1:]
url = os.environ["VAULT_URL"]

def sync():
    with DefaultAzureCredential() as credential, KeyClient(url, credential) as client:
        poller = client.begin_delete_key(name, continuation_token=token, polling_interval=0.02)
        before = poller.done()
        poller.wait(60)
        return before, poller.done(), poller.result().id

async def aio():
    async with AsyncDefaultAzureCredential() as credential, AsyncKeyClient(url, credential) as client:
        poller = await client.begin_delete_key(name, continuation_token=token, polling_interval=0.02)
        before = poller.done()
        await poller.wait(60)
        return before, poller.done(), (await poller.result()).id

print(*(asyncio.run(aio()) if world == "aio" else sync()))
"""


async def test_begin_delete_key_goes_on_in_another_process(
    client_of: Any, slow: KeyVaultEmulator, world: World, name: str
) -> None:
    client = client_of(Target.emulated(slow))
    key = await client.create_ec_key(name)
    token = (await client.begin_delete_key(name)).continuation_token()
    slow.requests.clear()
    with subprocess.Popen(
        [sys.executable, "-W", "error", "-c", ELSEWHERE, world.name, name, token],
        env={**os.environ, **slow.environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as elsewhere:
        while not any(request.status == 404 for request in slow.requests) and elsewhere.poll() is None:
            await asyncio.sleep(0.01)
        slow.clock.advance(DELAY)
        told, complaint = elsewhere.communicate(timeout=60)
    assert told.split() == ["False", "True", key.id], complaint
    calls = {(request.method, request.path, request.status) for request in slow.requests if request.authorised}
    assert calls == {("GET", f"/deletedkeys/{name}", 404), ("GET", f"/deletedkeys/{name}", 200)}


async def test_continuation_token_of_a_finished_poller_needs_no_request(
    client: Any, vault: Target, name: str, traffic: Traffic
) -> None:
    await client.create_ec_key(name)
    poller = await client.begin_delete_key(name, **vault.waiting)
    await poller.wait()
    traffic.restart()
    resumed = await client.begin_delete_key(name, continuation_token=poller.continuation_token())
    await resumed.wait()
    assert (resumed.done(), (await resumed.result()).name, len(traffic)) == (True, name, 0)


async def test_continuation_token_holds_nothing_secret(client: Any, vault: Target, name: str) -> None:
    key = await client.import_key(name, private_jwk("RSA 2048"))
    token = (await client.begin_delete_key(name)).continuation_token()
    state = json.loads(urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    assert (state["vault"], state["path"]) == (vault.url, f"/keys/{name}")
    assert set(state) == {"format", "vault", "operation", "path", "finished", "answer"}
    assert state["answer"]["key"].keys() == {"kid", "kty", "key_ops", "n", "e"}
    assert state["answer"]["key"]["kid"] == key.id


MALFORMED = {
    "empty": "",
    "not base64": "no token!",
    "not ASCII": "tokén",
    "not JSON": "bm8ganNvbg",
    "a list": "W10",
    "pickle": "gASVBAAAAAAAAACMAWGULg==",
    "of another format": "eyJmb3JtYXQiOjJ9",
    "incomplete": "eyJmb3JtYXQiOjF9",
}


@pytest.mark.parametrize("token", MALFORMED.values(), ids=MALFORMED)
@pytest.mark.parametrize("method", ["begin_delete_key", "delete_key", "begin_recover_deleted_key"])
async def test_malformed_continuation_token_raises(client: Any, traffic: Traffic, method: str, token: str) -> None:
    with pytest.raises(ValueError, match="continuation_token is malformed"):
        await getattr(client, method)("unused", continuation_token=token)
    assert len(traffic) == 0


@pytest.mark.parametrize("token", [b"token", 5], ids=repr)
async def test_continuation_token_of_the_wrong_type_raises(client: Any, traffic: Traffic, token: Any) -> None:
    with pytest.raises(TypeError, match="continuation_token must be text"):
        await client.begin_delete_key("unused", continuation_token=token)
    assert len(traffic) == 0


async def test_foreign_continuation_token_raises(
    client: Any, client_of: Any, slow: KeyVaultEmulator, name: str, traffic: Traffic
) -> None:
    for key in (name, f"{name}-2"):
        await client.create_ec_key(key)
    token = (await client.begin_delete_key(name)).continuation_token()
    traffic.restart()
    with pytest.raises(ValueError, match=f"continuation_token belongs to a vault other than this client's, {slow.url}"):
        await client_of(Target.emulated(slow)).begin_delete_key(name, continuation_token=token)
    with pytest.raises(ValueError, match=f"a call other than delete_key for /keys/{name}-2"):
        await client.begin_delete_key(f"{name}-2", continuation_token=token)
    with pytest.raises(ValueError, match=f"a call other than recover_deleted_key for /deletedkeys/{name}/recover"):
        await client.begin_recover_deleted_key(name, continuation_token=token)
    assert len(traffic) == 0


@pytest.mark.case("N5")
async def test_error_of_waiting_tells_where_to_go_on(
    client: Any, vault: Target, emulator: KeyVaultEmulator, name: str
) -> None:
    await client.create_ec_key(name)
    emulator.faults.status(400, code="BadParameter", message="Something new", path=f"/deletedkeys/{name}")
    with pytest.raises(HttpResponseError, match="Something new") as caught:
        await client.delete_key(name, **vault.waiting)
    token = caught.value.continuation_token
    assert (await client.delete_key(name, continuation_token=token, **vault.waiting)).name == name


@pytest.mark.case("N3")
@any_maker
async def test_conflict_with_a_key_on_its_way_tells_what_to_wait_for(
    client_of: Any, slow: KeyVaultEmulator, name: str, maker: str
) -> None:
    client = client_of(Target.emulated(slow), retry_total=0)
    await client.create_ec_key(name)
    backup = await client.backup_key(name)
    await client.begin_delete_key(name)
    with pytest.raises(ResourceExistsError, match="Wait until the deletion has finished: delete_key does"):
        await MAKERS[maker](client, name, backup)
    slow.clock.advance(DELAY)
    await client.begin_recover_deleted_key(name)
    with pytest.raises(ResourceExistsError, match="Wait until the recovery has finished: recover_deleted_key does"):
        await MAKERS[maker](client, name, backup)
    for method in ("begin_recover_deleted_key", "purge_deleted_key"):
        with pytest.raises(ResourceExistsError, match="has finished: recover_deleted_key does"):
            await getattr(client, method)(name)


async def test_purge_deleted_key_too_early_raises(client_of: Any, slow: KeyVaultEmulator, name: str) -> None:
    client = client_of(Target.emulated(slow))
    await client.create_ec_key(name)
    await client.begin_delete_key(name)
    with pytest.raises(ResourceExistsError, match="currently being deleted") as caught:
        await client.purge_deleted_key(name, retry_total=0)
    assert "Wait until the deletion has finished" in str(caught.value)


@pytest.mark.case("N1")
async def test_purge_deleted_key_too_early_is_tried_again(client: Any, name: str) -> None:
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
