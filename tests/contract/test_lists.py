"""The three lists: pages, their size, going on from a continuation token."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable
from itertools import chain
from typing import Any

import pytest
import pytest_asyncio
from azure.core.exceptions import DecodeError, HttpResponseError
from fixtures.targets import Target, Traffic
from fixtures.worlds import SYNC, World, listed, pages_of

from azure.keyvault.keys import DeletedKey, KeyProperties, KeyVaultKey
from azure.keyvault.keys.emulator import KeyVaultEmulator, RecordedRequest

COUNT = 28
NAMES = [f"key-{number:02}" for number in range(COUNT)]
DELETED = [f"old-{number:02}" for number in range(COUNT)]


@pytest.fixture(scope="module")
def library(emulator_only: None) -> Any:
    """A vault with more keys, versions and deleted keys than a page holds."""
    with KeyVaultEmulator(deletion_delay=0) as emulator:
        target = Target.emulated(emulator)
        with SYNC.KeyClient(target.url, target.credential, **target.options) as client:
            for name in NAMES:
                client.create_ec_key(name, tags={"of": name}, enabled=name != NAMES[0])
            for _ in range(COUNT - 1):
                client.create_ec_key(NAMES[0])
            for name in DELETED:
                client.create_ec_key(name, tags={"of": name})
                client.begin_delete_key(name)
        yield emulator


@pytest.fixture
def shelf(library: KeyVaultEmulator) -> Any:
    """The same vault, its requests and faults forgotten."""
    library.requests.clear()
    yield library
    library.faults.clear()


@pytest_asyncio.fixture
async def reader(client_of: Any, shelf: KeyVaultEmulator) -> AsyncIterator[Any]:
    """A client for that vault."""
    yield client_of(Target.emulated(shelf))


LISTS: dict[str, Callable[..., Any]] = {
    "list_keys": lambda client, **options: client.list_keys(**options),
    "list_properties_of_keys": lambda client, **options: client.list_properties_of_keys(**options),
    "list_keys whole": lambda client, **options: client.list_keys(expand=True, **options),
    "list_properties_of_keys whole": lambda client, **options: client.list_properties_of_keys(expand=True, **options),
    "list_key_versions": lambda client, **options: client.list_key_versions(NAMES[0], **options),
    "list_properties_of_key_versions": lambda client, **options: client.list_properties_of_key_versions(
        NAMES[0], **options
    ),
    "list_deleted_keys": lambda client, **options: client.list_deleted_keys(**options),
}
WHOLE = ["list_keys whole", "list_properties_of_keys whole"]
any_list = pytest.mark.parametrize("which", LISTS)
any_whole_list = pytest.mark.parametrize("which", WHOLE)


def asked_for_pages(shelf: KeyVaultEmulator) -> list[RecordedRequest]:
    """Return the requests for pages, without those for the single keys of a page."""
    return [request for request in shelf.requests if request.authorised and request.path.count("/") != 2]


@pytest.mark.case("F1")
@any_list
async def test_list_longer_than_a_page_gives_every_item_once(reader: Any, which: str) -> None:
    items = await listed(LISTS[which](reader))
    assert len({item.id for item in items}) == len(items) == COUNT


@pytest.mark.case("F5")
@any_list
async def test_by_page_with_a_page_size_gives_pages_of_it(reader: Any, which: str) -> None:
    pages = await pages_of(LISTS[which](reader, max_page_size=10).by_page())
    assert [len(page) for page in pages] == [10, 10, 8]


@pytest.mark.case("F5")
@any_list
async def test_by_page_without_a_page_size_leaves_it_to_the_service(
    reader: Any, shelf: KeyVaultEmulator, which: str
) -> None:
    pages = await pages_of(LISTS[which](reader).by_page())
    assert [len(page) for page in pages] == [25, 3]
    assert all("maxresults" not in request.query for request in shelf.requests)


@pytest.mark.case("F5")
@any_list
@pytest.mark.parametrize("size", [26, 1000])
async def test_by_page_with_more_than_the_service_gives_asks_for_its_most(
    reader: Any, shelf: KeyVaultEmulator, which: str, size: int
) -> None:
    assert len(await listed(LISTS[which](reader, max_page_size=size))) == COUNT
    assert {request.query["maxresults"] for request in asked_for_pages(shelf)} == {"25"}


@pytest.mark.case("F5")
@any_list
@pytest.mark.parametrize("size", [0, -1], ids=["zero", "negative"])
async def test_list_with_a_page_size_below_one_raises(
    reader: Any, shelf: KeyVaultEmulator, which: str, size: int
) -> None:
    with pytest.raises(ValueError, match=f"max_page_size must be 1 or more, not {size}"):
        LISTS[which](reader, max_page_size=size)
    assert len(shelf.requests) == 0


@pytest.mark.case("F4")
@any_list
async def test_by_page_goes_on_from_a_continuation_token(client_of: Any, shelf: Any, which: str) -> None:
    """The token is text that another client, in another process, may use."""
    target = Target.emulated(shelf)
    pages = LISTS[which](client_of(target), max_page_size=10).by_page()
    first = await listed(await anext(pages))
    token = json.loads(json.dumps(pages.continuation_token))
    rest = await pages_of(LISTS[which](client_of(target), max_page_size=10).by_page(token))
    everything = await listed(LISTS[which](client_of(target)))
    assert [item.id for item in chain(first, *rest)] == [item.id for item in everything]


@pytest.mark.case("F4")
@any_list
async def test_by_page_at_the_end_has_no_continuation_token(reader: Any, which: str) -> None:
    pages = LISTS[which](reader).by_page()
    await pages_of(pages)
    assert pages.continuation_token is None


@pytest.mark.case("F4")
@any_list
@pytest.mark.parametrize(
    "token",
    ["https://evil.example/keys?api-version=7.4", "http://localhost/keys", "https://localhost:1/keys", "gASVBQAAAA=="],
    ids=["other host", "not https", "other port", "no link"],
)
async def test_by_page_refuses_a_token_that_leads_away(
    reader: Any, shelf: KeyVaultEmulator, which: str, token: str
) -> None:
    with pytest.raises(ValueError, match="The link to the next page"):
        await pages_of(LISTS[which](reader).by_page(token))
    assert len(shelf.requests) == 0


@pytest.mark.case("F4")
@any_list
async def test_by_page_refuses_a_link_of_the_service_that_leads_away(
    reader: Any, shelf: KeyVaultEmulator, which: str
) -> None:
    shelf.faults.answer(b'{"value":[],"nextLink":"https://evil.example/keys?api-version=7.4"}')
    with pytest.raises(DecodeError, match="leads to another origin"):
        await listed(LISTS[which](reader))


@pytest.mark.case("F3")
@any_list
async def test_list_whose_links_lead_in_a_circle_raises(reader: Any, shelf: KeyVaultEmulator, which: str) -> None:
    link = f"{shelf.url}/keys?api-version=7.4&$skiptoken=again"
    shelf.faults.answer(json.dumps({"value": [], "nextLink": link}).encode(), times=None)
    with pytest.raises(DecodeError, match="leads in a circle"):
        await listed(LISTS[which](reader))


@pytest.mark.case("F2")
@any_list
async def test_list_goes_on_after_an_empty_page(client_of: Any, which: str) -> None:
    with KeyVaultEmulator(empty_pages=True, deletion_delay=0) as emulator:
        client = client_of(Target.emulated(emulator))
        for name in (NAMES[0], DELETED[0], DELETED[1]):
            await client.create_ec_key(name)
        await client.create_ec_key(NAMES[0])
        for name in DELETED[:2]:
            await client.begin_delete_key(name)
        pages = await pages_of(LISTS[which](client, max_page_size=1).by_page())
        expected = 1 if which.startswith(("list_keys", "list_properties_of_keys")) else 2
        assert [len(page) for page in pages] == [0, 1] * expected
        assert len(await listed(LISTS[which](client))) == expected


@pytest.mark.case("F2")
@any_list
@pytest.mark.parametrize("end", ["null", '""', None], ids=["null", "empty", "absent"])
async def test_list_of_nothing_is_empty(reader: Any, shelf: KeyVaultEmulator, which: str, end: str | None) -> None:
    shelf.faults.answer(b'{"value":[]}' if end is None else f'{{"value":[],"nextLink":{end}}}'.encode())
    assert await listed(LISTS[which](reader)) == []


@pytest.mark.case("F7")
async def test_list_follows_a_link_as_it_is(reader: Any, shelf: KeyVaultEmulator) -> None:
    query = "api-version=7.4&$skiptoken=a%2Fb+c%C3%A9&maxresults=2"
    shelf.faults.answer(json.dumps({"value": [], "nextLink": f"{shelf.url}/keys?{query}"}).encode())
    shelf.faults.answer(b'{"value":[],"nextLink":null}')
    sent: list[str] = []
    await listed(reader.list_keys(raw_request_hook=lambda request: sent.append(request.http_request.url)))
    assert sent[-1].partition("?")[2] == query


@pytest.mark.case("F6")
async def test_list_asks_for_a_page_when_it_is_needed(reader: Any, shelf: KeyVaultEmulator) -> None:
    items = reader.list_keys(max_page_size=5)
    assert len(shelf.requests) == 0
    async for _ in items:
        break
    assert len([request for request in shelf.requests if request.authorised]) == 1


async def test_list_keys_gives_properties_without_versions(reader: Any) -> None:
    items = await listed(reader.list_keys())
    assert [item.name for item in items] == NAMES
    assert {type(item) for item in items} == {KeyProperties}
    assert {item.version for item in items} == {None}
    # The attributes are those of the latest version, and the first key has had many.
    assert [item.tags for item in items[1:]] == [{"of": name} for name in NAMES[1:]]
    assert {item.enabled for item in items} == {True}


@any_whole_list
async def test_list_of_whole_keys_gives_what_get_key_returns(reader: Any, shelf: KeyVaultEmulator, which: str) -> None:
    keys = await listed(LISTS[which](reader))
    assert len([request for request in shelf.requests if request.authorised]) == 2 + COUNT
    assert {type(key) for key in keys} == {KeyVaultKey}
    assert [key.name for key in keys] == NAMES
    single = await reader.get_key(NAMES[0])
    assert (keys[0].id, keys[0].key, keys[0].key_operations) == (single.id, single.key, single.key_operations)
    assert [key.properties.tags for key in keys[1:]] == [{"of": name} for name in NAMES[1:]]


@any_whole_list
async def test_list_of_whole_keys_leaves_out_those_deleted_meanwhile(
    reader: Any, shelf: KeyVaultEmulator, which: str
) -> None:
    gone = NAMES[3:5]
    for name in gone:
        shelf.faults.status(404, code="KeyNotFound", message="meanwhile", path=f"^/keys/{name}")
    pages = await pages_of(LISTS[which](reader, max_page_size=10).by_page())
    assert [len(page) for page in pages] == [8, 10, 8]
    assert [key.name for page in pages for key in page] == [name for name in NAMES if name not in gone]


@any_whole_list
async def test_list_of_whole_keys_tells_of_a_refusal_and_goes_on_from_there(
    reader: Any, shelf: KeyVaultEmulator, which: str
) -> None:
    shelf.faults.status(403, code="Forbidden", message="not this one", path=f"^/keys/{NAMES[13]}")
    pages = LISTS[which](reader, max_page_size=10).by_page()
    first = await listed(await anext(pages))
    with pytest.raises(HttpResponseError, match="not this one") as caught:
        await anext(pages)
    assert caught.value.continuation_token == pages.continuation_token
    rest = await pages_of(LISTS[which](reader, max_page_size=10).by_page(caught.value.continuation_token))
    assert [key.name for key in chain(first, *rest)] == NAMES
    assert [key.name for page in await pages_of(pages) for key in page] == NAMES[10:]


@pytest.mark.case("F6")
@any_whole_list
async def test_list_of_whole_keys_leaves_nothing_behind_when_it_is_abandoned(
    reader: Any, shelf: KeyVaultEmulator, which: str
) -> None:
    async for _ in LISTS[which](reader, max_page_size=5):
        break
    assert len([request for request in shelf.requests if request.authorised]) == 1 + 5
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("keyvault-list")] == []
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_list_key_versions_gives_properties_with_versions(reader: Any) -> None:
    items = await listed(reader.list_key_versions(NAMES[0]))
    assert {item.name for item in items} == {NAMES[0]}
    assert all(len(item.version) == 32 for item in items)
    assert [item.enabled for item in items].count(False) == 1


async def test_list_key_versions_of_no_key_is_empty(reader: Any) -> None:
    assert await listed(reader.list_key_versions("no-such-key")) == []


async def test_list_deleted_keys_gives_deleted_keys(reader: Any) -> None:
    items = await listed(reader.list_deleted_keys())
    assert {type(item) for item in items} == {DeletedKey}
    assert [item.name for item in items] == DELETED
    assert [item.recovery_id.rpartition("/")[2] for item in items] == DELETED
    assert all(item.scheduled_purge_date > item.deleted_date for item in items)
    assert [item.properties.tags for item in items] == [{"of": name} for name in DELETED]


async def test_lists_of_any_vault_tell_of_these_keys(client: Any, vault: Target, new_name: Callable[[], str]) -> None:
    """Others may be there as well, which the vault above has not."""
    names = [new_name() for _ in range(3)]
    for name in (names[0], *names):
        await client.create_ec_key(name)
    assert {item.name for item in await listed(client.list_keys(max_page_size=2))} >= set(names)
    pages = await pages_of(client.list_key_versions(names[0], max_page_size=1).by_page())
    assert sum(map(len, pages)) == 2
    for name in names:
        await client.delete_key(name, **vault.waiting)
    assert {item.name for item in await listed(client.list_deleted_keys(max_page_size=2))} >= set(names)


async def test_list_of_a_refusing_service_raises_at_the_first_item(
    client: Any, emulator: KeyVaultEmulator, traffic: Traffic
) -> None:
    emulator.permissions.deny("list")
    items = client.list_keys()
    assert len(traffic) == 0
    with pytest.raises(HttpResponseError, match="does not have keys list permission"):
        await listed(items)


async def test_list_twice_of_one_pager_gives_what_is_left(world: World, reader: Any) -> None:
    """Azure-core's pagers are iterators: what has been read does not come again."""
    items = reader.list_keys()
    async for _ in items:
        break
    assert len(await listed(items)) == COUNT - 1
