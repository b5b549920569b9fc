"""Mistakes of the caller: told by name, before anything is sent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from azure.core.rest import HttpRequest
from fixtures.keyring import private_jwk
from fixtures.targets import Target, Traffic
from fixtures.worlds import World, listed

from azure.keyvault.keys import ExternalKey, KeyRotationPolicy

pytestmark = pytest.mark.usefixtures("emulator_only")

NAMED: dict[str, Callable[[Any, Any], Any]] = {
    "create_key": lambda client, name: client.create_key(name, "EC"),
    "create_rsa_key": lambda client, name: client.create_rsa_key(name),
    "create_ec_key": lambda client, name: client.create_ec_key(name),
    "create_oct_key": lambda client, name: client.create_oct_key(name),
    "import_key": lambda client, name: client.import_key(name, private_jwk("EC P-256")),
    "get_key": lambda client, name: client.get_key(name),
    "update_key": lambda client, name: client.update_key(name),
    "update_key_properties": lambda client, name: client.update_key_properties(name),
    "delete_key": lambda client, name: client.delete_key(name),
    "begin_delete_key": lambda client, name: client.begin_delete_key(name),
    "get_deleted_key": lambda client, name: client.get_deleted_key(name),
    "list_key_versions": lambda client, name: listed(client.list_key_versions(name)),
    "list_properties_of_key_versions": lambda client, name: listed(client.list_properties_of_key_versions(name)),
    "recover_deleted_key": lambda client, name: client.recover_deleted_key(name),
    "begin_recover_deleted_key": lambda client, name: client.begin_recover_deleted_key(name),
    "purge_deleted_key": lambda client, name: client.purge_deleted_key(name),
    "backup_key": lambda client, name: client.backup_key(name),
    "rotate_key": lambda client, name: client.rotate_key(name),
    "get_key_rotation_policy": lambda client, name: client.get_key_rotation_policy(name),
    "update_key_rotation_policy": lambda client, name: client.update_key_rotation_policy(name, KeyRotationPolicy()),
    "release_key": lambda client, name: client.release_key(name, "token"),
    "get_key_attestation": lambda client, name: client.get_key_attestation(name),
    "create_external_key": lambda client, name: client.create_external_key(name, ExternalKey(id="there")),
}
IMPOSSIBLE = [
    "",
    "a/b",
    "../secrets/x",
    "a?b",
    "a b",
    "a#b",
    "a%2Fb",
    "\u043a\u043b\u044e\u0447",
    "x" * 128,
    "a\n",
    "\u0661",
]
WRONG_TYPES = [None, 5, b"orders", ["orders"]]


@pytest.mark.case("G3", "G4")
@pytest.mark.parametrize("call", NAMED)
async def test_impossible_name_raises(client: Any, traffic: Traffic, call: str) -> None:
    for wrong in IMPOSSIBLE:
        with pytest.raises(ValueError, match="name"):
            await NAMED[call](client, wrong)
    assert len(traffic) == 0


@pytest.mark.parametrize("call", NAMED)
async def test_name_of_the_wrong_type_raises(client: Any, traffic: Traffic, call: str) -> None:
    for wrong in WRONG_TYPES:
        with pytest.raises((TypeError, ValueError), match="name"):
            await NAMED[call](client, wrong)
    assert len(traffic) == 0


CREATE = {"create_key": ("EC",), "create_rsa_key": (), "create_ec_key": (), "create_oct_key": ()}
WRONG_OPTIONS: list[tuple[str, Any]] = [
    ("key_operations", "sign"),
    ("key_operations", 5),
    ("key_operations", [5]),
    ("enabled", "yes"),
    ("tags", "a=b"),
    ("tags", [("a", "b")]),
    ("tags", {"a": 1}),
    ("tags", {1: "a"}),
    ("not_before", "2030-01-01"),
    ("expires_on", 1893456000),
    ("expires", "never"),
    ("release_policy", {"version": "1.0.0"}),
]


@pytest.mark.parametrize("method", [*CREATE, "import_key", "update_key", "update_key_properties"])
async def test_option_of_the_wrong_type_raises(client: Any, traffic: Traffic, method: str) -> None:
    arguments: tuple[Any, ...] = (private_jwk("EC P-256"),) if method == "import_key" else CREATE.get(method, ())
    for option, value in WRONG_OPTIONS:
        if method == "import_key" and option == "key_operations":
            continue  # It takes them inside its key.
        with pytest.raises(TypeError, match=option):
            await getattr(client, method)("unused", *arguments, **{option: value})
    assert len(traffic) == 0


@pytest.mark.parametrize(
    ("method", "option"),
    [
        ("create_rsa_key", {"size": "2048"}),
        ("create_rsa_key", {"size": 2048.0}),
        ("create_rsa_key", {"size": True}),
        ("create_rsa_key", {"public_exponent": "3"}),
        ("create_rsa_key", {"exportable": "yes"}),
        ("create_rsa_key", {"hsm": 1}),
        ("create_ec_key", {"hardware_protected": "yes"}),
        ("create_ec_key", {"curve": 256}),
        ("create_oct_key", {"size": b"128"}),
        ("create_oct_key", {"hsm": "yes"}),
    ],
    ids=lambda value: value if isinstance(value, str) else "{}={!r}".format(*next(iter(value.items()))),
)
async def test_option_of_one_kind_of_key_of_the_wrong_type_raises(
    client: Any, traffic: Traffic, method: str, option: dict[str, Any]
) -> None:
    with pytest.raises(TypeError, match=next(iter(option))):
        await getattr(client, method)("unused", **option)
    assert len(traffic) == 0


@pytest.mark.parametrize("key_type", ["", None, 5, b"RSA"], ids=repr)
async def test_key_type_of_none_or_the_wrong_type_raises(client: Any, traffic: Traffic, key_type: Any) -> None:
    with pytest.raises((ValueError, TypeError), match="key_type"):
        await client.create_key("unused", key_type)
    assert len(traffic) == 0


@pytest.mark.parametrize("method", ["get_key", "update_key", "update_key_properties"])
@pytest.mark.parametrize("version", [5, b"0", "a/b", "../x", "a b"], ids=repr)
async def test_impossible_version_raises(client: Any, traffic: Traffic, method: str, version: Any) -> None:
    with pytest.raises((ValueError, TypeError), match="version"):
        await getattr(client, method)("unused", version)
    assert len(traffic) == 0


@pytest.mark.parametrize(
    "method", ["begin_delete_key", "delete_key", "begin_recover_deleted_key", "recover_deleted_key"]
)
@pytest.mark.parametrize(
    ("interval", "kind"),
    [(-1, ValueError), (float("nan"), ValueError), (float("inf"), ValueError), ("2", TypeError), (True, TypeError)],
    ids=["negative", "not a number", "infinite", "text", "truth"],
)
async def test_impossible_polling_interval_raises(
    client: Any, traffic: Traffic, method: str, interval: Any, kind: type[Exception]
) -> None:
    with pytest.raises(kind, match="polling_interval"):
        await getattr(client, method)("unused", polling_interval=interval)
    assert len(traffic) == 0


@pytest.mark.parametrize("size", ["5", 2.0, True], ids=repr)
@pytest.mark.parametrize("method", ["list_keys", "list_properties_of_keys", "list_deleted_keys"])
async def test_page_size_of_the_wrong_type_raises(client: Any, traffic: Traffic, method: str, size: Any) -> None:
    with pytest.raises(TypeError, match="max_page_size"):
        getattr(client, method)(max_page_size=size)
    assert len(traffic) == 0


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/keys",
        "http://localhost/keys",
        "https://localhost:1/keys",
        "https://localhost@evil.example",
    ],
)
async def test_send_request_to_another_origin_raises(client: Any, traffic: Traffic, url: str) -> None:
    with pytest.raises(ValueError, match="The URL"):
        await client.send_request(HttpRequest("GET", url))
    assert len(traffic) == 0


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("", ValueError),
        (None, (ValueError, TypeError)),
        (5, TypeError),
        (b"https://demo.vault.azure.net", TypeError),
        ("demo.vault.azure.net", ValueError),
        ("http://demo.vault.azure.net", ValueError),
        ("ftp://demo.vault.azure.net", ValueError),
        ("https://", ValueError),
        ("https:///keys", ValueError),
        ("https://user:secret@demo.vault.azure.net", ValueError),
        ("https://demo.vault.azure.net/keys/orders", ValueError),
        ("https://demo.vault.azure.net?api-version=7.4", ValueError),
        ("https://demo vault.azure.net", ValueError),
        ("https://demo.vault.azure.net\\@evil.example", ValueError),
        ("https://[::1", ValueError),
        ("https://demo.vault.azure.net:99999", ValueError),
    ],
    ids=repr,
)
async def test_impossible_vault_url_raises(world: World, vault: Target, url: Any, kind: type[Exception]) -> None:
    with pytest.raises(kind, match="vault_url") as caught:
        world.KeyClient(url, world.credential(vault))
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("credential", "kind"),
    [(None, ValueError), ("", ValueError), ("text", TypeError), (object(), TypeError)],
    ids=["none", "empty", "text", "object"],
)
async def test_no_credential_raises(world: World, vault: Target, credential: Any, kind: type[Exception]) -> None:
    with pytest.raises(kind, match="credential"):
        world.KeyClient(vault.url, credential)
    with pytest.raises(kind, match="credential"):
        world.KeyClient.create_config(credential)
    with pytest.raises(kind, match="credential"):
        world.CryptographyClient(f"{vault.url}/keys/orders", credential)


@pytest.mark.parametrize("key", [None, 5, "", "orders"], ids=repr)
async def test_key_of_a_cryptography_client_that_is_none_raises(world: World, vault: Target, key: Any) -> None:
    with pytest.raises(ValueError, match=r"'key' must be|not a valid ID"):
        world.CryptographyClient(key, world.credential(vault))


@pytest.mark.case("G2")
@pytest.mark.parametrize(
    "key_id",
    [
        "https://demo.vault.azure.net",
        "https://demo.vault.azure.net/keys",
        "https://demo.vault.azure.net/secrets/orders",
        "https://demo.vault.azure.net/deletedkeys/orders",
        "https://demo.vault.azure.net/keys/orders/0/1",
    ],
)
async def test_identifier_that_is_none_of_a_key_raises(world: World, vault: Target, key_id: str) -> None:
    with pytest.raises(ValueError, match="not a valid ID"):
        world.CryptographyClient(key_id, world.credential(vault))


async def test_cryptography_client_over_http_raises(world: World, vault: Target) -> None:
    with pytest.raises(ValueError, match="only https is allowed"):
        world.CryptographyClient("http://demo.vault.azure.net/keys/orders", world.credential(vault))


@pytest.mark.parametrize("execution", ["", "cloud", None, 5], ids=repr)
async def test_impossible_execution_raises(world: World, vault: Target, execution: Any) -> None:
    with pytest.raises(ValueError, match="execution must be 'auto', 'local' or 'remote'"):
        world.CryptographyClient(f"{vault.url}/keys/orders", world.credential(vault), execution=execution)
