"""Creating keys: what is asked for is sent, and what the service made is told."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError
from fixtures.targets import Traffic

from azure.keyvault.keys import KeyCurveName, KeyOperation, KeyReleasePolicy, KeyType

# Far away, and the same in every run, as recordings are to be played back.
SOON = datetime(2091, 1, 1, 12, tzinfo=timezone.utc)
LATER = SOON + timedelta(days=30)
ALL_RSA = ["encrypt", "decrypt", "sign", "verify", "wrapKey", "unwrapKey"]


@pytest.mark.parametrize("size", [2048, 3072, 4096], ids="{} bits".format)
async def test_create_rsa_key_of_a_size_has_it(client: Any, name: str, size: int) -> None:
    key = await client.create_rsa_key(name, size=size)
    assert (key.name, key.key_type, len(key.key.n) * 8) == (name, KeyType.rsa, size)
    assert int.from_bytes(key.key.e, "big") == 65537


@pytest.mark.parametrize("curve", list(KeyCurveName), ids=lambda curve: curve.value)
async def test_create_ec_key_on_a_curve_has_it(client: Any, name: str, curve: KeyCurveName) -> None:
    key = await client.create_ec_key(name, curve=curve)
    width = {"P-521": 66, "P-384": 48}.get(curve.value, 32)
    assert (key.key_type, key.key.crv, len(key.key.x), len(key.key.y)) == (KeyType.ec, curve, width, width)


@pytest.mark.parametrize("size", [128, 192, 256], ids="{} bits".format)
async def test_create_oct_key_in_an_hsm_keeps_its_material_there(hsm_client: Any, name: str, size: int) -> None:
    key = await hsm_client.create_oct_key(name, size=size, hsm=True)
    assert (key.key_type, key.key.k, key.properties.key_size) == (KeyType.oct_hsm, None, size)


async def test_create_rsa_key_without_options_has_the_defaults_of_the_service(client: Any, name: str) -> None:
    key = await client.create_rsa_key(name)
    properties = key.properties
    assert (len(key.key.n), key.key_operations) == (256, ALL_RSA)
    assert (properties.enabled, properties.tags, properties.expires_on, properties.not_before) == (True,) + (None,) * 3
    assert (properties.recovery_level, properties.recoverable_days) == ("Recoverable+Purgeable", 90)
    assert properties.created_on == properties.updated_on
    assert properties.created_on.utcoffset() == timedelta(0)
    assert key.id == f"{client.vault_url}/keys/{name}/{properties.version}"
    assert properties.vault_url == client.vault_url


async def test_create_ec_key_without_options_has_the_defaults_of_the_service(client: Any, name: str) -> None:
    key = await client.create_ec_key(name)
    assert (key.key.crv, key.key_operations) == ("P-256", ["sign", "verify"])


@pytest.mark.case("N8", "N10")
@pytest.mark.parametrize("expiry", ["expires", "expires_on"])
async def test_create_key_sends_every_option(client: Any, name: str, expiry: str) -> None:
    key = await client.create_key(
        name,
        KeyType.rsa,
        size=3072,
        key_operations=[KeyOperation.verify, "sign"],
        enabled=False,
        tags={"team": "blue", "": "empty name"},
        not_before=SOON,
        **{expiry: LATER},
    )
    properties = key.properties
    assert (len(key.key.n) * 8, key.key_operations) == (3072, ["verify", "sign"])
    assert (properties.enabled, properties.tags) == (False, {"team": "blue", "": "empty name"})
    assert (properties.not_before, properties.expires_on) == (SOON, LATER)
    assert (await client.get_key(name)).properties.expires_on == LATER


@pytest.mark.case("N8")
async def test_create_rsa_key_in_a_managed_hsm_has_the_public_exponent(hsm_client: Any, name: str) -> None:
    key = await hsm_client.create_rsa_key(name, public_exponent=3)
    assert int.from_bytes(key.key.e, "big") == 3


@pytest.mark.case("N10")
async def test_create_key_with_a_release_policy_keeps_it(hsm_client: Any, name: str) -> None:
    encoded = json.dumps(
        {
            "version": "1.0.0",
            "anyOf": [{"authority": "https://attest.example", "allOf": [{"claim": "a", "equals": "b"}]}],
        }
    ).encode()
    policy = KeyReleasePolicy(encoded, immutable=False)
    key = await hsm_client.create_rsa_key(name, hsm=True, exportable=True, release_policy=policy)
    assert key.properties.exportable is True
    found = key.properties.release_policy
    assert json.loads(found.encoded_policy) == json.loads(encoded)
    assert (found.content_type, found.immutable) == ("application/json; charset=utf-8", False)


@pytest.mark.parametrize("keyword", ["hsm", "hardware_protected"])
@pytest.mark.parametrize(
    ("method", "protected", "software"),
    [
        ("create_rsa_key", KeyType.rsa_hsm, KeyType.rsa),
        ("create_ec_key", KeyType.ec_hsm, KeyType.ec),
    ],
    ids=["rsa", "ec"],
)
async def test_hardware_protection_under_either_name_chooses_the_type(
    client: Any, new_name: Callable[[], str], method: str, protected: KeyType, software: KeyType, keyword: str
) -> None:
    create = getattr(client, method)
    assert (await create(new_name(), **{keyword: True})).key_type == protected
    assert (await create(new_name(), **{keyword: False})).key_type == software
    assert (await create(new_name(), hsm=True, hardware_protected=True)).key_type == protected


async def test_positional_arguments_of_the_readme_are_hsm_and_size_or_curve(
    client: Any, new_name: Callable[[], str]
) -> None:
    rsa = await client.create_rsa_key(new_name(), False, 3072)
    ec = await client.create_ec_key(new_name(), True, "P-384")
    assert (rsa.key_type, len(rsa.key.n) * 8) == (KeyType.rsa, 3072)
    assert (ec.key_type, ec.key.crv) == (KeyType.ec_hsm, "P-384")


@pytest.mark.parametrize("method", ["create_rsa_key", "create_ec_key", "create_oct_key"])
@pytest.mark.parametrize(("hsm", "hardware_protected"), [(True, False), (False, True)], ids=["hsm", "not hsm"])
async def test_hardware_protection_told_differently_by_its_two_names_raises(
    client: Any, traffic: Traffic, method: str, hsm: bool, hardware_protected: bool
) -> None:
    with pytest.raises(TypeError, match=r"hardware_protected and hsm"):
        await getattr(client, method)("unused", hsm=hsm, hardware_protected=hardware_protected)
    assert len(traffic) == 0


async def test_expiry_told_differently_by_its_two_names_raises(client: Any, traffic: Traffic) -> None:
    with pytest.raises(TypeError, match=r"expires_on and expires"):
        await client.create_ec_key("unused", expires=SOON, expires_on=LATER)
    assert len(traffic) == 0


async def test_create_key_of_an_existing_name_makes_a_new_version(client: Any, name: str) -> None:
    first = await client.create_ec_key(name, tags={"a": "1"})
    second = await client.create_rsa_key(name)
    latest = await client.get_key(name)
    assert first.properties.version != second.properties.version
    assert (latest.id, latest.key_type, latest.properties.tags) == (second.id, KeyType.rsa, None)
    assert (await client.get_key(name, first.properties.version)).key == first.key


@pytest.mark.parametrize("key_type", ["EC", KeyType.ec], ids=["text", "member"])
@pytest.mark.parametrize("curve", ["P-384", KeyCurveName.p_384], ids=["curve as text", "curve as member"])
async def test_create_key_takes_type_and_curve_as_text_or_member(
    client: Any, name: str, key_type: Any, curve: Any
) -> None:
    key = await client.create_key(name, key_type, curve=curve)
    assert (key.key_type, key.key.crv) == (KeyType.ec, KeyCurveName.p_384)


async def test_create_key_of_a_type_the_vault_has_not_tells_the_services_words(client: Any, name: str) -> None:
    with pytest.raises(HttpResponseError, match="Invalid kty value: oct") as caught:
        await client.create_oct_key(name)
    assert (caught.value.status_code, caught.value.error.code) == (400, "BadParameter")


@pytest.mark.case("G5")
@pytest.mark.parametrize(
    "tags",
    [
        {"emoji": "\N{KEY}", "\N{KEY}": "name"},
        {"rtl": "\u05de\u05e4\u05ea\u05d7", "trailing ": " space "},
        {"n" * 256: "v" * 256},
        {f"tag-{number}": str(number) for number in range(15)},
        {"quote": '"\\\r\n\t\x00', "markup": "<a&b>"},
    ],
    ids=["emoji", "right-to-left", "256 characters", "15 entries", "escapes"],
)
async def test_create_key_keeps_tags_as_they_are(client: Any, name: str, tags: dict[str, str]) -> None:
    assert (await client.create_ec_key(name, tags=tags)).properties.tags == tags
    assert (await client.get_key(name)).properties.tags == tags


@pytest.mark.case("G5")
async def test_create_key_with_too_many_tags_raises(client: Any, traffic: Traffic) -> None:
    with pytest.raises(ValueError, match="tags may have 15 entries at most, not 16"):
        await client.create_ec_key("unused", tags={str(number): "" for number in range(16)})
    assert len(traffic) == 0


@pytest.mark.case("G5")
async def test_create_key_with_a_tag_too_long_is_told_so_by_the_service(client: Any, name: str) -> None:
    with pytest.raises(HttpResponseError, match="tags"):
        await client.create_ec_key(name, tags={"n": "v" * 257})


async def test_create_key_with_a_time_without_zone_takes_it_as_utc_and_warns_at_the_callers_line(
    client: Any, name: str
) -> None:
    naive = LATER.replace(tzinfo=None)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        key = await client.create_ec_key(name, expires_on=naive)
    assert key.properties.expires_on == LATER
    (warning,) = [entry for entry in caught if "expires_on" in str(entry.message)]
    assert "UTC" in str(warning.message)
    assert _is_of_the_test(warning.filename)


def _is_of_the_test(filename: str) -> bool:
    # The adapter of the synchronous world is a caller like any other.
    return filename.endswith(("test_create.py", "worlds.py"))


async def test_create_key_with_a_time_in_another_zone_sends_the_same_moment(client: Any, name: str) -> None:
    moment = LATER.astimezone(timezone(timedelta(hours=5, minutes=30))) + timedelta(microseconds=999_999)
    assert (await client.create_ec_key(name, expires_on=moment)).properties.expires_on == LATER
