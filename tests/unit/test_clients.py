"""What all clients have in common."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
from azure.core.pipeline.policies import RetryPolicy
from fixtures.stub_vault import URL, Answer, Script, StubCredential, StubWorld, Tokens, bundle

from azure.keyvault.keys import ApiVersion, KeyClient, KeyVaultKey
from azure.keyvault.keys.crypto import CryptographyClient


def bare(client: Any) -> Any:
    return getattr(client, "subject", client)


@pytest.mark.case("D8")
@pytest.mark.parametrize(
    "how", [lambda key: pickle.loads(pickle.dumps(key)), copy.copy, copy.deepcopy], ids=["pickle", "copy", "deepcopy"]
)
async def test_key_is_copied_whole(stub: StubWorld, how: Any) -> None:
    key = await stub.client(Script([Answer(200, bundle(exp=5))])).get_key("orders")
    copied: KeyVaultKey = how(key)
    assert (copied.id, copied.key.n, copied.properties.expires_on) == (key.id, key.key.n, key.properties.expires_on)


@pytest.mark.parametrize("version", [ApiVersion.V7_4, "7.4", "2099-01-01"], ids=str)
async def test_version_is_plain_text_and_sent_as_given(stub: StubWorld, version: Any) -> None:
    script = Script()
    client = stub.client(script, api_version=version)
    await client.get_key("orders")
    assert type(client.api_version) is str
    assert script.calls[0].url.endswith(f"?api-version={client.api_version}")


@pytest.mark.parametrize("version", [7.4, 5, b"7.4"], ids=repr)
def test_version_of_another_type_is_refused(stub: StubWorld, version: Any) -> None:
    with pytest.raises(TypeError, match="api_version"):
        stub.client(Script(), api_version=version)


@pytest.mark.case("B8", "B10")
@pytest.mark.parametrize("url", ["", "http://demo.vault.azure.net", "demo", f"{URL}/keys/x", f"{URL})"])
def test_address_with_a_defect_is_refused_at_construction(stub: StubWorld, url: str) -> None:
    with pytest.raises(ValueError, match="vault_url"):
        stub.client(Script(), url=url)


@pytest.mark.parametrize("url", [f"{URL}/", f" {URL} ", URL])
def test_address_is_stripped(stub: StubWorld, url: str) -> None:
    assert stub.client(Script(), url=url).vault_url == URL


def test_client_of_a_key_in_no_vault_has_no_address() -> None:
    from azure.keyvault.keys import JsonWebKey

    client = CryptographyClient.from_jwk(JsonWebKey(kty="oct", k=b"0" * 16))
    assert client._vault is None


async def test_configuration_made_beforehand_is_used_by_several_clients(stub: StubWorld) -> None:
    kind = stub.world.KeyClient
    config = kind.create_config(stub.credential(Tokens()), retry_total=0)
    before = dict(vars(config))
    script = Script([Answer(503), Answer(200, bundle())])
    client = stub.client(script, config=config)
    with pytest.raises(Exception, match="503"):
        await client.get_key("orders")
    assert vars(config) == before


async def test_policy_of_the_caller_replaces_the_own(stub: StubWorld) -> None:
    script = Script([Answer(503)])
    if stub.world.is_async:
        from azure.core.pipeline.policies import AsyncRetryPolicy

        policy: Any = AsyncRetryPolicy(retry_total=1, retry_backoff_factor=0)
    else:
        policy = RetryPolicy(retry_total=1, retry_backoff_factor=0)
    with pytest.raises(Exception, match="503"):
        await stub.client(script, retry_policy=policy).get_key("orders")
    assert len(script.calls) == 2


async def test_options_of_azure_core_are_honoured(stub: StubWorld) -> None:
    script, seen = Script(), list[Any]()
    client = stub.client(script, user_agent="mine", headers={"X-Client": "1"})
    await client.get_key(
        "orders", headers={"X-Call": "2"}, request_id="r-1", raw_response_hook=seen.append, logging_enable=True
    )
    headers = {name.lower(): value for name, value in script.calls[0].headers.items()}
    assert "mine" in headers["user-agent"]
    assert "keyvault-keys" in headers["user-agent"]
    assert (headers["x-client"], headers["x-call"], headers["x-ms-client-request-id"]) == ("1", "2", "r-1")
    assert seen


async def test_cls_gets_response_and_result(stub: StubWorld) -> None:
    script = Script([Answer(204)])
    found = []
    await stub.client(script).purge_deleted_key("orders", cls=lambda *arguments: found.append(arguments))
    response, result, headers = found[0]
    assert (response.http_response.status_code, result, headers) == (204, None, {})


def test_proxies_of_one_client_do_not_become_those_of_the_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:8080")
    config = KeyClient.create_config(StubCredential(Tokens()))
    with KeyClient(URL, StubCredential(Tokens()), config=config):
        assert config.proxy_policy is not None
        assert config.proxy_policy.proxies is None


async def test_closed_client_says_so_and_sends_nothing(stub: StubWorld) -> None:
    """One that was never used as well, and the cryptography clients that share its connection."""
    for used in (True, False):
        script = Script()
        client = stub.client(script)
        crypto = client.get_cryptography_client("orders")
        if used:
            await client.get_key("orders")
        sent = len(script.sent)
        await client.close()
        await client.close()
        for call in (
            lambda: client.get_key("orders"),  # noqa: B023
            lambda: client.create_rsa_key("orders"),  # noqa: B023
            lambda: client.delete_key("orders"),  # noqa: B023
            lambda: client.list_keys().__anext__(),  # noqa: B023
            lambda: crypto.sign("RS256", bytes(32)),  # noqa: B023
            lambda: client.__aenter__(),  # noqa: B023
        ):
            with pytest.raises(ValueError, match="This client is closed: create another one"):
                await call()
        assert len(script.sent) == sent
