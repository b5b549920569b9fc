"""Reading keys and changing their properties."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest
from azure.core.exceptions import ResourceNotFoundError
from fixtures.targets import Traffic

LATER = datetime(2091, 1, 31, 12, tzinfo=timezone.utc)


@pytest.mark.parametrize("version", [None, ""], ids=["none", "empty"])
async def test_get_key_without_a_version_returns_the_latest(client: Any, name: str, version: str | None) -> None:
    first = await client.create_ec_key(name)
    second = await client.create_ec_key(name)
    assert (await client.get_key(name, version)).id == second.id
    assert (await client.get_key(name, first.properties.version)).id == first.id


async def test_get_key_finds_it_in_any_case_and_tells_the_case_of_its_creation(client: Any, name: str) -> None:
    key = await client.create_ec_key(name)
    assert (await client.get_key(name.upper())).id == key.id


async def test_get_key_of_an_unknown_version_raises(client: Any, name: str) -> None:
    await client.create_ec_key(name)
    with pytest.raises(ResourceNotFoundError):
        await client.get_key(name, "0" * 32)


async def test_get_key_attestation_details_are_none_without_them(client: Any, name: str) -> None:
    key = await client.create_ec_key(name)
    properties = (await client.get_key(name)).properties
    assert (properties.attestation, properties.managed, properties.external_key, properties.release_policy) == (
        (None,) * 4
    )
    assert (properties.exportable, properties.hsm_platform) == (False, "0")
    assert properties.id == key.id


@pytest.mark.case("N6")
@pytest.mark.parametrize("method", ["update_key", "update_key_properties"])
@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"enabled": False}, {"enabled": False}),
        ({"tags": {"state": "frozen"}}, {"tags": {"state": "frozen"}}),
        ({"tags": {}}, {"tags": None}),
        ({"expires_on": LATER}, {"expires_on": LATER}),
        ({"expires": LATER}, {"expires_on": LATER}),
        ({"not_before": LATER}, {"not_before": LATER}),
    ],
    ids=["enabled", "tags", "no tags", "expires_on", "expires", "not_before"],
)
async def test_update_changes_what_is_given_and_nothing_else(
    client: Any, name: str, method: str, change: dict[str, Any], expected: dict[str, Any]
) -> None:
    before = await client.create_ec_key(name, tags={"a": "1", "b": "2"}, key_operations=["verify", "sign"])
    await getattr(client, method)(name, **change)
    after = await client.get_key(name)
    told = ("enabled", "tags", "expires_on", "not_before", "created_on", "version")
    assert {which: getattr(after.properties, which) for which in told} == {
        **{which: getattr(before.properties, which) for which in told},
        **expected,
    }
    assert (after.key_operations, after.key.x) == (["verify", "sign"], before.key.x)


async def test_update_key_operations_replaces_the_list_in_its_order(client: Any, name: str) -> None:
    await client.create_rsa_key(name, tags={"kept": "yes"})
    key = await client.update_key(name, key_operations=["verify", "encrypt"])
    assert (key.key_operations, key.properties.tags) == (["verify", "encrypt"], {"kept": "yes"})


@pytest.mark.parametrize("method", ["update_key", "update_key_properties"])
async def test_update_of_a_version_leaves_the_others_alone(client: Any, name: str, method: str) -> None:
    first = await client.create_ec_key(name)
    second = await client.create_ec_key(name)
    await getattr(client, method)(name, first.properties.version, enabled=False)
    assert (await client.get_key(name, first.properties.version)).properties.enabled is False
    assert (await client.get_key(name, second.properties.version)).properties.enabled is True


async def test_update_of_a_disabled_key_enables_it_again(client: Any, name: str) -> None:
    await client.create_ec_key(name, enabled=False)
    assert (await client.update_key(name, enabled=True)).properties.enabled is True


@pytest.mark.case("N6")
async def test_update_sends_nothing_that_was_not_given(client: Any, name: str, traffic: Traffic) -> None:
    await client.create_ec_key(name)
    await client.update_key(name, enabled=False)
    (patch,) = [request for request in traffic.calls if request.method == "PATCH"]
    assert patch.body == b'{"attributes":{"enabled":false}}'


async def test_update_of_no_key_raises(client: Any, name: str) -> None:
    with pytest.raises(ResourceNotFoundError, match="KeyNotFound"):
        await client.update_key(name, enabled=False)
