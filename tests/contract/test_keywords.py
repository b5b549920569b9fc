"""Keywords: azure-core's are taken by every call, and a misspelt one is told, before anything is sent."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.core.pipeline.policies import SansIOHTTPPolicy
from fixtures.targets import Target, Traffic
from fixtures.worlds import World, listed

from azure.keyvault.keys._shared.pipeline.keywords import UNREAD, CallKeywords, ClientKeywords

pytestmark = pytest.mark.usefixtures("emulator_only")

#: A value of every keyword of a call; numbers are 1 and switches are True unless they are here.
VALUES: dict[str, Any] = {
    "headers": {"x-mine": "1"},
    "request_id": "mine",
    "user_agent": "mine",
    "proxies": {},
    "raw_request_hook": lambda request: None,
    "raw_response_hook": lambda response: None,
    "logger": logging.getLogger("tests"),
    "retry_on_methods": ["GET"],
    "timeout": 60,
    "connection_timeout": 60,
    "read_timeout": 60,
    "connection_verify": None,
    "connection_cert": None,
    "http_logging_level": logging.INFO,
    "response_encoding": "utf-8",
    "parent_span": None,
    "tracing_options": {"enabled": False},
    "tracing_attributes": {"mine": "1"},
    "cls": lambda response, result, headers: result,
    "error_map": {404: ResourceNotFoundError},
    "params": {},
    "auth": None,
    "cookies": None,
}


@pytest.mark.parametrize("keyword", sorted({*CallKeywords.__annotations__, *UNREAD}))
async def test_keyword_of_azure_core_is_taken_by_a_call(client: Any, vault: Target, name: str, keyword: str) -> None:
    given = {keyword: vault.options.get(keyword, VALUES.get(keyword, 1))}
    made = await client.create_ec_key(name, **given)
    assert (await client.get_key(name, **given)).id == made.id
    assert [item.name for item in await listed(client.list_key_versions(name, **given))] == [name]


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda client: client.update_key("orders", enable=False),
            r"update_key\(\) got an unexpected keyword argument 'enable'; did you mean 'enabled'\?",
        ),
        (lambda client: client.get_key("orders", timout=3), r"get_key\(\) .*'timout'; did you mean 'timeout'\?"),
        (lambda client: client.get_key("orders", retry_totl=3), r"did you mean 'retry_total'\?"),
        (lambda client: client.get_key("orders", headres={}), r"did you mean 'headers'\?"),
        (lambda client: client.get_key("orders", zzz=3), r"get_key\(\) got an unexpected keyword argument 'zzz'$"),
        (lambda client: client.create_rsa_key("orders", key_size=2048), r"did you mean 'size'\?"),
        (lambda client: client.create_ec_key("orders", curv="P-256"), r"did you mean 'curve'\?"),
        (lambda client: client.create_key("orders", "EC", expire=None), r"did you mean 'expires'\?"),
        (lambda client: client.import_key("orders", b"", hardware_proteced=1), r"did you mean 'hardware_protected'\?"),
        (lambda client: client.delete_key("orders", polling_intervall=1), r"did you mean 'polling_interval'\?"),
        (lambda client: client.begin_delete_key("orders", poling_interval=1), r"did you mean 'polling_interval'\?"),
        (lambda client: client.rotate_key("orders", logging_enabled=True), r"did you mean 'logging_enable'\?"),
        (lambda client: listed(client.list_keys(max_page_sise=1)), r"list_keys\(\) .*did you mean 'max_page_size'\?"),
        (lambda client: listed(client.list_key_versions("orders", page_size=1)), r"did you mean 'max_page_size'\?"),
        (lambda client: listed(client.list_deleted_keys(maxpagesize=1)), r"did you mean 'max_page_size'\?"),
    ],
)  # fmt: skip
async def test_misspelt_keyword_is_told_with_the_nearest(client: Any, traffic: Traffic, call: Any, text: str) -> None:
    with pytest.raises(TypeError, match=text):
        await call(client)
    assert len(traffic) == 0


@pytest.mark.parametrize(
    ("name", "nearest"),
    [("timout", "timeout"), ("retry_totals", "retry_total"), ("api_versoin", "api_version"), ("proxy", "proxies")],
)
def test_misspelt_keyword_of_a_client_is_told(vault: Target, world: World, name: str, nearest: str) -> None:
    credential = world.credential(vault)
    for make in (
        lambda: world.KeyClient(vault.url, credential, **{name: 3}),
        lambda: world.KeyClient.create_config(credential, **{name: 3}),
        lambda: world.CryptographyClient(f"{vault.url}/keys/orders", credential, **{name: 3}),
    ):
        with pytest.raises(TypeError, match=rf"\(\) got an unexpected keyword .*{name!r}; did you mean {nearest!r}\?"):
            make()


def test_misspelt_keyword_of_a_cryptography_client_of_a_vaults_is_told(client: Any) -> None:
    with pytest.raises(TypeError, match=r"get_cryptography_client\(\) .*did you mean 'key_version'\?"):
        client.get_cryptography_client("orders", version="1")


async def test_misspelt_keyword_of_cryptography_is_told_where_it_runs_locally_as_well(
    client: Any, name: str, traffic: Traffic
) -> None:
    key = await client.create_rsa_key(name)
    traffic.restart()
    crypto = client.get_cryptography_client(key)
    for call in (
        lambda: crypto.encrypt("RSA-OAEP", b"data", timout=3),
        lambda: crypto.sign_data("RS256", b"data", timout=3),
        lambda: crypto.sign("RS256", bytes(32), timout=3),
    ):
        with pytest.raises(TypeError, match="did you mean 'timeout'"):
            await call()
    assert len(traffic) == 0


class Reading(SansIOHTTPPolicy[Any, Any]):
    """A policy that has an option of its own."""

    def __init__(self) -> None:
        self.read: list[Any] = []

    def on_request(self, request: Any) -> None:
        self.read.append(request.context.options.pop("audit", None))


async def test_option_of_a_callers_own_policy_is_left_to_it(client_of: Any, vault: Target) -> None:
    policy = Reading()
    client = client_of(vault, per_call_policies=[policy])
    await listed(client.list_keys(audit="yes"))
    with pytest.raises(TypeError, match="did you mean 'timeout'"):
        await client.get_key("orders", timout=3)
    assert policy.read[0] == "yes"


def test_every_keyword_of_a_call_can_be_given_to_a_client_as_well() -> None:
    """But for those that are about one call."""
    of_one_call = {"merge_span", "parent_span", "tracing_options", "cls", "error_map", "params", "auth", "cookies"}
    assert set(CallKeywords.__annotations__) - set(ClientKeywords.__annotations__) == of_one_call


class Missing(Exception):
    """A program's own error, created as azure-core's ``map_error`` creates errors."""

    def __init__(self, *, response: Any) -> None:
        super().__init__(response.status_code)
        self.response = response


class MissingKey(HttpResponseError):
    """A program's own kind of azure-core's error."""


async def test_error_map_chooses_the_exception_of_a_status(client: Any, name: str) -> None:
    with pytest.raises(Missing) as caught:
        await client.get_key(name, error_map={404: Missing, 403: ValueError})
    assert caught.value.response.json()["error"]["code"] == "KeyNotFound"
    with pytest.raises(MissingKey, match=r"(?s)^\(KeyNotFound\) .*request id ") as found:
        await client.get_key(name, error_map={404: MissingKey})
    assert found.value.status_code == 404
    with pytest.raises(ResourceNotFoundError):
        await client.get_key(name, error_map={403: Missing})
    with pytest.raises(Missing):
        await client.delete_key(name, error_map={404: Missing})
