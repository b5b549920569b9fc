"""Objects that people read: in a prompt, in a notebook, as JSON, in help; and callbacks that show long work."""

from __future__ import annotations

import importlib
import inspect
import json
import os
import textwrap
from typing import Any, is_typeddict

import pytest
from fixtures.keyring import private_jwk
from fixtures.targets import Target
from fixtures.worlds import World, listed

import azure.keyvault.keys
from azure.keyvault.keys import JsonWebKey, KeyProperties, KeyReleasePolicy, KeyRotationPolicy, ReleaseKeyResult
from azure.keyvault.keys.crypto import DecryptResult, UnwrapResult
from azure.keyvault.keys.emulator import KeyVaultEmulator

pytestmark = pytest.mark.usefixtures("emulator_only")


def _bare(thing: Any) -> Any:
    return getattr(thing, "subject", thing)


async def test_clients_show_vault_and_key(client: Any, vault: Target, name: str) -> None:
    key = await client.create_ec_key(name)
    assert repr(_bare(client)) == f"<KeyClient [{vault.url}]>"
    crypto = client.get_cryptography_client(key, execution="remote")
    assert repr(_bare(crypto)) == f"<CryptographyClient [{key.id}], remote>"


async def test_keys_show_what_they_are(client: Any, name: str) -> None:
    key = await client.create_rsa_key(name, size=3072, enabled=False)
    assert repr(key) == f"<KeyVaultKey [{key.id}] RSA 3072, enabled=False>"
    assert repr(key.properties).startswith(f"<KeyProperties [{key.id}] enabled=False, created_on=20")
    assert "EC P-384" in repr(await client.create_ec_key(name, curve="P-384"))


async def test_keys_that_were_read_equal_are_equal(client: Any, name: str) -> None:
    made = await client.create_ec_key(name, tags={"team": "blue"})
    read = await client.get_key(name)
    assert made == read
    assert made.properties == read.properties
    assert hash(made) == hash(read)
    assert {made, read} == {made}
    changed = await client.update_key(name, tags={"team": "red"})
    assert changed != read
    assert changed.properties != read.properties
    assert (await client.create_ec_key(name)) != made
    assert made != made.id


async def test_key_as_a_dictionary_is_json_and_has_its_public_parts(client: Any, name: str) -> None:
    key = await client.import_key(name, private_jwk("RSA 2048"), tags={"team": "blue"})
    members = json.loads(json.dumps(key.as_dict()))
    assert members["name"] == name
    assert members["key_type"] == "RSA"
    assert members["properties"]["tags"] == {"team": "blue"}
    assert members["properties"]["created_on"] == key.properties.created_on.isoformat()
    assert members["key"]["n"] == json.loads(key.key.to_json())["n"]
    assert "expires_on" not in members["properties"]


async def test_deleted_key_and_policy_are_dictionaries_as_well(client: Any, name: str) -> None:
    await client.create_ec_key(name)
    policy = await client.get_key_rotation_policy(name)
    assert json.loads(json.dumps(policy.as_dict()))["lifetime_actions"][0]["action"] == "Notify"
    deleted = await client.delete_key(name)
    members = json.loads(json.dumps(deleted.as_dict()))
    assert members["recovery_id"] == deleted.recovery_id
    assert "scheduled_purge_date=" in repr(deleted)


def test_private_parts_are_in_no_view() -> None:
    for kind in ("RSA 2048", "EC P-256", "oct 256"):
        jwk = private_jwk(kind)
        assert set(jwk.as_dict()) <= {"kid", "kty", "key_ops", "n", "e", "crv", "x", "y"}
        views = (repr(jwk), json.dumps(jwk.as_dict()), jwk._repr_html_())
        secrets = [json.loads(jwk.to_json(private=True)).get(name) for name in ("d", "p", "k")]
        assert not any(secret in view for view in views for secret in secrets if secret)


def test_plaintext_is_in_no_view() -> None:
    for result in (DecryptResult("kid", "RSA-OAEP", b"canary"), UnwrapResult("kid", "A256KW", b"canary")):
        html = result._repr_html_()
        assert "6 bytes" in html
        assert "canary" not in html + repr(result)


def test_released_key_is_in_no_view() -> None:
    released = ReleaseKeyResult("header.canary.signature")
    assert "canary" not in repr(released) + released._repr_html_()


def test_views_of_models_without_an_identifier() -> None:
    assert repr(KeyRotationPolicy(expires_in="P90D")) == "<KeyRotationPolicy [without an identifier] expires_in=P90D>"
    assert repr(KeyReleasePolicy(b"{}", immutable=True)) == "<KeyReleasePolicy [2 bytes] immutable>"
    assert KeyReleasePolicy(b"{}") == KeyReleasePolicy(b"{}")
    assert KeyReleasePolicy(b"{}") != KeyReleasePolicy(b"[]")


async def test_markup_in_what_a_vault_says_is_text(client: Any, name: str) -> None:
    key = await client.create_ec_key(name, tags={"<script>": "<b>&"})
    html = key._repr_html_()
    assert "<script>" not in html
    assert "properties.tags.&lt;script&gt;" in html
    assert "&lt;b&gt;&amp;" in html


async def test_list_shows_the_page_that_it_has_reached_and_asks_for_none(client: Any, name: str) -> None:
    await client.create_ec_key(name)
    pager = client.list_key_versions(name)
    bare = getattr(pager, "_items", pager)
    assert "not iterated yet" in repr(bare)
    assert "not iterated yet" in bare._repr_html_()
    assert len(await listed(pager)) == 1
    assert "at a page of 1 items" in repr(bare)
    assert f">{name}</th>" in bare._repr_html_()


async def test_poller_shows_what_it_waits_for(client: Any, name: str) -> None:
    key = await client.create_ec_key(name)
    poller = await client.begin_delete_key(name, polling_interval=0.02)
    assert f"[deletion of {key.id}: polling]" in repr(_bare(poller))
    await poller.wait()
    assert f"[deletion of {key.id}: finished]" in repr(_bare(poller))
    recovering = await client.begin_recover_deleted_key(name, polling_interval=0.02)
    assert f"[recovery of {key.id}: " in repr(_bare(recovering))
    await recovering.wait()


async def test_deletion_and_recovery_report_how_long_they_have_taken(client: Any, name: str) -> None:
    await client.create_ec_key(name)
    seconds: list[float] = []
    await client.delete_key(name, polling_interval=0.02, progress=seconds.append)
    assert seconds
    assert seconds == sorted(seconds)
    seconds.clear()
    await client.recover_deleted_key(name, polling_interval=0.02, progress=seconds.append)
    assert seconds


@pytest.mark.parametrize("expand", [False, True], ids=["properties", "whole keys"])
async def test_list_reports_how_many_keys_it_has_got(world: World, client_of: Any, expand: bool) -> None:
    with KeyVaultEmulator() as emulator:
        client = client_of(Target.emulated(emulator))
        for number in range(5):
            await client.create_ec_key(f"key-{number}")
        counts: list[int] = []
        await listed(client.list_keys(expand=expand, max_page_size=2, progress=counts.append))
        assert counts == [2, 4, 5]


@pytest.mark.parametrize("kind", ["KeyClient", "CryptographyClient"])
async def test_help_begins_with_an_example_that_runs(
    vault: Target, world: World, client: Any, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = inspect.getdoc(getattr(world, kind)).splitlines()
    assert lines[2].startswith("Example")
    block = textwrap.dedent("\n".join(lines[4 : next(at for at in range(4, len(lines)) if lines[at][:1].strip())]))
    assert len(block.splitlines()) >= 3
    await client.create_rsa_key("invoices")
    monkeypatch.setitem(os.environ, "VAULT_URL", vault.url)
    block = block.replace("DefaultAzureCredential()", "borrowed()")
    block = block.replace('os.environ["VAULT_URL"], credential)', 'os.environ["VAULT_URL"], credential, **options)')
    names: dict[str, Any] = {"client": _bare(client), "options": vault.options}
    names["borrowed"] = lambda: _Borrowed(world.credential(vault))
    exec(block, names)
    if world.is_async:
        await (names["main"]() if kind == "KeyClient" else names["use"](client))


class _Borrowed:
    """A credential that survives the ``with`` of an example."""

    def __init__(self, credential: Any) -> None:
        self.credential = credential

    def __enter__(self) -> Any:
        return self.credential

    async def __aenter__(self) -> Any:
        return self.credential

    def __exit__(self, *exc_info: object) -> None: ...

    async def __aexit__(self, *exc_info: object) -> None: ...


def test_completion_shows_what_is_public_and_the_submodules() -> None:
    shown = [name for name in dir(azure.keyvault.keys) if not name.startswith("__")]
    assert {"KeyClient", "aio", "crypto", "emulator"} <= set(shown)
    assert not [name for name in shown if name.startswith("_")]
    for name in [*azure.keyvault.keys.__all__, "aio", "crypto", "emulator"]:
        assert getattr(azure.keyvault.keys, name) is not None
    assert azure.keyvault.keys.crypto.aio.__name__ == "azure.keyvault.keys.crypto.aio"
    assert not hasattr(azure.keyvault.keys, "no_such_module")


def test_submodule_whose_packages_are_missing_is_no_attribute_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Any:
        raise ImportError("install it")

    monkeypatch.setattr("azure.keyvault.keys._lazy.import_module", missing)
    lazy = importlib.import_module("azure.keyvault.keys._lazy")
    with pytest.raises(AttributeError, match="has no attribute 'emulator': install it"):
        lazy.submodule("azure.keyvault.keys", ("emulator",), "emulator")


def test_properties_compare_with_nothing_else() -> None:
    assert KeyProperties("https://v.vault.azure.net/keys/k") != "https://v.vault.azure.net/keys/k"
    assert JsonWebKey(kty="EC") != KeyRotationPolicy()


PACKAGES = ["", ".aio", ".crypto", ".crypto.aio", ".emulator", ".ssh_agent"]


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_object_says_what_it_is(package: str) -> None:
    module = importlib.import_module(f"azure.keyvault.keys{package}")
    public = [getattr(module, name) for name in module.__all__]
    kinds = [kind for kind in public if inspect.isclass(kind) and not is_typeddict(kind)]
    assert [kind.__name__ for kind in kinds if kind.__repr__ is object.__repr__ and kind.__name__ not in ABSTRACT] == []


#: What has no instances of its own.
ABSTRACT = ("EmulatedVault",)


def test_emulator_says_where_it_is_and_what_is_turned() -> None:
    emulator = KeyVaultEmulator()
    assert repr(emulator) == "<KeyVaultEmulator [not started]>"
    with emulator:
        assert repr(emulator) == f"<KeyVaultEmulator [{emulator.url}]>"
        emulator.permissions.deny("get")
        emulator.faults.status(503)
        emulator.clock.advance(60)
        emulator.throttle.limit(5, seconds=10)
        assert repr(emulator.permissions) == "<Permissions [without get] rbac=False, firewall=False>"
        assert repr(emulator.faults) == "<Faults [1 waiting]>"
        assert repr(emulator.clock) == "<Clock [+60 seconds]>"
        assert repr(emulator.throttle) == "<Throttle [5 calls in 10 seconds]>"
