"""The key client itself: its settings, its pipeline, requests of the caller's own, and the clients it hands out."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from typing import Any

import pytest
from azure.core.configuration import Configuration
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.core.rest import HttpRequest
from fixtures.targets import Target, Traffic
from fixtures.worlds import World, listed

from azure.keyvault.keys import ApiVersion, KeyVaultKey

ALIASES = [
    ("update_key", "update_key_properties"),
    ("list_keys", "list_properties_of_keys"),
    ("list_key_versions", "list_properties_of_key_versions"),
    ("delete_key", "begin_delete_key"),
    ("recover_deleted_key", "begin_recover_deleted_key"),
    ("restore_key", "restore_key_backup"),
]


@pytest.mark.parametrize(("readme", "older"), ALIASES, ids=[readme for readme, _ in ALIASES])
async def test_both_names_of_a_method_are_public(world: World, readme: str, older: str) -> None:
    assert getattr(world.KeyClient, readme).__doc__
    assert getattr(world.KeyClient, older).__doc__


async def test_vault_url_is_given_back_without_blanks_and_slashes(world: World, vault: Target) -> None:
    client = world.KeyClient(f" {vault.url}/ ", world.credential(vault))
    assert client.vault_url == vault.url
    await world.adapt(client).close()


@pytest.mark.parametrize("version", list(ApiVersion), ids=lambda version: version.value)
async def test_every_api_version_serves_the_basics(
    client_of: Any, vault: Target, traffic: Traffic, name: str, version: ApiVersion
) -> None:
    client = client_of(vault, api_version=version)
    key = await client.create_ec_key(name, curve="P-256K", tags={"a": "b"})
    assert client.api_version == version.value
    assert (await client.get_key(name)).id == key.id
    assert key.key.crv == "P-256K"
    assert (key.properties.recoverable_days is None) == (version.value in ("2016-10-01", "7.0"))
    signer = client.get_cryptography_client(key)
    signature = (await signer.sign("ES256K", b"d" * 32)).signature
    assert (await signer.verify("ES256K", b"d" * 32, signature)).is_valid
    assert {request.query["api-version"] for request in traffic.calls} == {version.value}


async def test_unknown_api_version_is_sent_as_it_is(client_of: Any, vault: Target, traffic: Traffic) -> None:
    with pytest.raises(Exception, match=r"The specified version \(9\.9\) is not recognized"):
        await client_of(vault, api_version="9.9").get_key("any")
    assert {request.query["api-version"] for request in traffic.calls} == {"9.9"}


async def test_option_that_the_api_version_lacks_raises(client_of: Any, vault: Target, traffic: Traffic) -> None:
    client = client_of(vault, api_version=ApiVersion.V7_2)
    with pytest.raises(ValueError, match=r"exportable needs API version 7\.3 or later, and this client uses 7\.2"):
        await client.create_rsa_key("unused", hsm=True, exportable=True)
    assert len(traffic) == 0


async def test_create_config_gives_policies_that_the_client_uses(
    world: World, client_of: Any, vault: Target, name: str
) -> None:
    config = world.KeyClient.create_config(world.credential(vault), logging_enable=True, retry_total=1)
    assert isinstance(config, Configuration)
    assert config.retry_policy.total_retries == 1
    config.user_agent_policy.add_user_agent("my-application/1.0")
    sent: list[str] = []

    def look(request: Any) -> None:
        sent.append(request.http_request.headers["User-Agent"])

    key = await client_of(vault, config=config).create_ec_key(name, raw_request_hook=look)
    assert key.name == name
    assert all("my-application/1.0" in agent and "keyvault-keys/" in agent for agent in sent)
    assert sent


async def test_options_of_a_call_reach_the_pipeline(client: Any, name: str, traffic: Traffic) -> None:
    answers: list[int] = []
    await client.create_ec_key(
        name,
        headers={"x-ms-client-request-id": "mine"},
        raw_response_hook=lambda response: answers.append(response.http_response.status_code),
        cls=None,
    )
    assert answers[-1] == 200
    assert traffic.calls[-1].headers["x-ms-client-request-id"] == "mine"


async def test_cls_of_a_call_makes_the_wire_result(client: Any, name: str) -> None:
    await client.create_ec_key(name)
    statuses: list[int] = []

    def note(response: Any, result: Any, headers: Any) -> Any:
        statuses.append(response.http_response.status_code)
        return result

    assert (await client.get_key(name, cls=note)).name == name
    assert statuses == [200]


@pytest.mark.usefixtures("emulator_only")
@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
@pytest.mark.parametrize("verify", ["path", "context", "off"])
async def test_connection_verify_takes_a_path_a_context_or_false(client_of: Any, vault: Target, verify: str) -> None:
    bundle = vault.options["connection_verify"]
    value = {"path": bundle, "context": ssl.create_default_context(cafile=bundle), "off": False}[verify]
    with pytest.raises(ResourceNotFoundError):
        await client_of(vault, connection_verify=value).get_key("no-such-key")


async def test_client_is_a_context_manager_and_closing_it_twice_does_no_harm(
    world: World, vault: Target, name: str
) -> None:
    async with world.key_client(vault) as client:
        assert (await client.create_ec_key(name)).name == name
    await client.close()
    await client.close()


async def test_send_request_relative_goes_to_the_vault_with_the_clients_version(
    client: Any, name: str, traffic: Traffic
) -> None:
    await client.create_ec_key(name)
    for url in (f"keys/{name}", f"/keys/{name}"):
        response = await client.send_request(HttpRequest("GET", url))
        response.raise_for_status()
        assert response.json()["key"]["crv"] == "P-256"
    assert {request.query["api-version"] for request in traffic.calls} == {client.api_version}


async def test_send_request_absolute_keeps_its_own_version(
    client: Any, vault: Target, name: str, traffic: Traffic
) -> None:
    await client.create_ec_key(name)
    traffic.restart()
    response = await client.send_request(HttpRequest("GET", f"{vault.url}/keys/{name}", params={"api-version": "7.0"}))
    assert response.status_code == 200
    assert "recoverableDays" not in response.json()["attributes"]
    assert {request.query["api-version"] for request in traffic.calls} == {"7.0"}


async def test_send_request_with_a_body_sends_it(client: Any, name: str) -> None:
    response = await client.send_request(HttpRequest("POST", f"/keys/{name}/create", json={"kty": "EC"}))
    assert response.status_code == 200
    assert (await client.get_key(name)).key_type == "EC"


async def test_send_request_returns_errors_as_responses(client: Any) -> None:
    response = await client.send_request(HttpRequest("GET", "/keys/no-such-key"))
    assert response.status_code == 404
    with pytest.raises(HttpResponseError, match="KeyNotFound"):
        response.raise_for_status()


async def test_send_request_as_a_stream_leaves_the_body_unread(client: Any, world: World) -> None:
    response = await client.send_request(HttpRequest("GET", "/keys"), stream=True)
    body = await response.read() if world.is_async else response.read()
    await response.close() if world.is_async else response.close()
    assert body.startswith(b'{"value":')


async def test_asynchronous_credential_in_a_synchronous_client_raises(world: World, vault: Target) -> None:
    """And a synchronous one in an asyncio client works."""
    if world.is_async:
        async with world.KeyClient(vault.url, vault.credential, **vault.options) as client:
            with pytest.raises(ResourceNotFoundError):
                await client.get_key("no-such-key")
    else:
        with pytest.raises(TypeError, match=r"credential Async\w+ is asynchronous"):
            world.KeyClient(vault.url, vault.async_credential)


# The cryptography clients that it hands out.


WAYS: dict[str, Callable[[KeyVaultKey], tuple[tuple[Any, ...], dict[str, Any]]]] = {
    "name": lambda key: ((key.name,), {}),
    "name as keyword": lambda key: ((), {"key_name": key.name}),
    "name and version": lambda key: ((key.name,), {"key_version": key.properties.version}),
    "id": lambda key: ((key.id,), {}),
    "id without version": lambda key: ((key.id.rpartition("/")[0],), {}),
    "key": lambda key: ((key,), {}),
}


@pytest.mark.parametrize("way", WAYS)
async def test_get_cryptography_client_by_any_way_uses_the_key(client: Any, name: str, way: str) -> None:
    key = await client.create_rsa_key(name)
    arguments, keywords = WAYS[way](key)
    crypto = client.get_cryptography_client(*arguments, **keywords)
    assert crypto.vault_url == client.vault_url
    encrypted = await crypto.encrypt("RSA-OAEP-256", b"plaintext")
    assert (encrypted.key_id, encrypted.performed) == (key.id, "local")
    decrypted = await crypto.decrypt(encrypted)
    assert (decrypted.plaintext, decrypted.performed, decrypted.key_id) == (b"plaintext", "remote", key.id)
    assert crypto.key_id == key.id


async def test_get_cryptography_client_of_a_version_uses_that_version(client: Any, name: str) -> None:
    first = await client.create_ec_key(name)
    await client.create_ec_key(name)
    crypto = client.get_cryptography_client(name, key_version=first.properties.version)
    assert (await crypto.sign("ES256", b"d" * 32)).key_id == first.id


@pytest.mark.parametrize("execution", ["auto", "remote"])
async def test_get_cryptography_client_takes_the_execution(client: Any, name: str, execution: str) -> None:
    key = await client.create_rsa_key(name)
    crypto = client.get_cryptography_client(key, execution=execution)
    assert (await crypto.encrypt("RSA-OAEP", b"x")).performed == ("local" if execution == "auto" else "remote")


async def test_closing_a_cryptography_client_of_a_key_client_leaves_that_open(client: Any, name: str) -> None:
    await client.create_ec_key(name)
    async with client.get_cryptography_client(name) as crypto:
        await crypto.sign("ES256", b"d" * 32)
    await crypto.close()
    assert (await client.get_key(name)).name == name


async def test_get_cryptography_client_without_a_key_raises(client: Any) -> None:
    with pytest.raises(ValueError, match="key_name"):
        client.get_cryptography_client("")


async def test_get_cryptography_client_sends_the_clients_version(
    client_of: Any, vault: Target, name: str, traffic: Traffic
) -> None:
    client = client_of(vault, api_version="7.4")
    crypto = client.get_cryptography_client(await client.create_ec_key(name))
    await crypto.sign("ES256", b"d" * 32)
    await crypto.send_request(HttpRequest("GET", f"/keys/{name}"))
    assert crypto.api_version == "7.4"
    assert {request.query["api-version"] for request in traffic.calls} == {"7.4"}


@pytest.mark.case("N7")
async def test_rotation_between_encrypt_and_decrypt_is_bridged_by_the_results_key_id(
    client: Any, crypto_of: Any, vault: Target, name: str
) -> None:
    await client.create_rsa_key(name)
    encrypted = await client.get_cryptography_client(name).encrypt("RSA-OAEP-256", b"old data")
    await client.create_rsa_key(name)
    assert encrypted.key_id != (await client.get_key(name)).id
    decrypted = await crypto_of(encrypted.key_id, vault).decrypt(encrypted)
    assert decrypted.plaintext == b"old data"


async def test_names_that_differ_in_case_are_one_key(client: Any, name: str) -> None:
    await client.create_ec_key(name)
    await client.create_ec_key(name.upper())
    assert len(await listed(client.list_key_versions(name))) == 2
