"""What a caller brings is used as azure-core would: hooks, policies, requests of its own, spans, proxies, limits."""

from __future__ import annotations

import asyncio
import math
import threading
import time
from typing import Any
from unittest.mock import Mock

import pytest
from azure.core.credentials import AccessToken
from azure.core.pipeline import PipelineContext, PipelineRequest
from azure.core.pipeline.policies import SansIOHTTPPolicy
from azure.core.rest import HttpRequest
from azure.core.settings import settings
from fixtures.stub_vault import URL, Answer, Script, StubWorld, bundle

from azure.keyvault.keys._lazy import lazy_property
from azure.keyvault.keys._shared.pipeline.call import CallPolicy, remaining
from azure.keyvault.keys._shared.sockets.proxies import environment_proxies


async def test_hook_of_a_call_sees_the_request_itself_and_not_the_probe(stub: StubWorld) -> None:
    def mark(request: PipelineRequest[Any]) -> None:
        request.http_request.headers["X-Mark"] = "1"

    script = Script()
    await stub.client(script).get_key("orders", raw_request_hook=mark)
    assert [("X-Mark" in sent.headers, sent.token is not None) for sent in script.sent] == [
        (False, False),
        (True, True),
    ]


async def test_hook_survives_a_probe_that_fails(stub: StubWorld) -> None:
    seen: list[Any] = []
    script = Script([Answer(503), Answer(200, bundle())], challenge=None)
    await stub.client(script).get_key("orders", raw_request_hook=seen.append)
    assert len(script.sent) == 2


async def test_hooks_that_are_set_on_a_policy_are_called(stub: StubWorld) -> None:
    policy = SansIOHTTPPolicy[Any, Any]()
    policy.on_request = Mock()  # type: ignore[method-assign]
    await stub.client(Script(), per_call_policies=[policy]).get_key("orders")
    policy.on_request.assert_called_once()


async def test_mock_of_a_policy_is_one(stub: StubWorld) -> None:
    policy = Mock(spec=SansIOHTTPPolicy)
    await stub.client(Script(), per_call_policies=[policy]).get_key("orders")
    assert [policy.on_request.call_count, policy.on_response.call_count] == [1, 1]


@pytest.mark.case("I2")
async def test_callers_request_stays_as_it_is_and_gets_no_token(stub: StubWorld) -> None:
    request = HttpRequest("GET", "keys/orders", headers={"X-Own": "1"})
    script = Script()
    client = stub.client(script)
    for _ in range(2):
        assert (await client.send_request(request)).status_code == 200
    assert (request.url, dict(request.headers)) == ("keys/orders", {"X-Own": "1"})
    assert [sent.headers["X-Own"] for sent in script.calls] == ["1", "1"]
    assert len({sent.headers["x-ms-client-request-id"] for sent in script.calls}) == 2


@pytest.mark.parametrize("everywhere", [True, False], ids=["tracing on", "tracing off"])
async def test_call_that_is_not_to_be_traced_leaves_nothing_for_the_transport(
    stub: StubWorld, everywhere: bool
) -> None:
    settings.tracing_enabled = everywhere
    try:
        script = Script()
        client = stub.client(script)
        await client.get_key("orders", tracing_options={"enabled": False}, tracing_attributes={"mine": "1"})
    finally:
        settings.tracing_enabled.unset_value()
    assert not {"tracing_options", "tracing_attributes"} & set(script.calls[-1].options)


@pytest.mark.parametrize(
    ("variables", "proxies"),
    [
        ({"HTTP_PROXY": "http://plain:1"}, {}),
        ({"HTTPS_PROXY": "http://tls:1", "HTTP_PROXY": "http://plain:1"}, {"https": "http://tls:1"}),
        ({"ALL_PROXY": "http://all:1"}, {"https": "http://all:1"}),
        ({"HTTPS_PROXY": "http://tls:1", "NO_PROXY": "vault.azure.net"}, {}),
        ({}, {}),
    ],
    ids=["http only", "https", "all", "exempted", "none"],
)
def test_proxy_is_the_one_that_the_environment_names_for_the_vault(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], proxies: dict[str, str]
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert environment_proxies(URL) == proxies


@pytest.mark.parametrize("timeout", [math.inf, 1e10, 1e300, 10**400], ids=["inf", "1e10", "1e300", "int"])
async def test_limit_that_is_none_limits_nothing(stub: StubWorld, timeout: float) -> None:
    script = Script()
    assert (await stub.client(script).get_key("orders", timeout=timeout)).name == "orders"


def test_limit_that_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="timeout must be a number of seconds, not NaN"):
        CallPolicy(math.nan)


def test_limit_that_is_none_leaves_no_end() -> None:
    context = PipelineContext(None, timeout=math.inf)
    CallPolicy().on_request(PipelineRequest(HttpRequest("GET", URL), context))
    assert remaining(context) is None


class Slow:
    """A credential whose first token is good for a while, and whose next one does not come."""

    def __init__(self) -> None:
        self.asked = 0
        self.given_up = threading.Event()

    def token(self) -> AccessToken:
        self.asked += 1
        return AccessToken("token", int(time.time()) + 200)  # less than it takes to be left alone

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        if self.asked:
            self.given_up.wait(20)
        return self.token()


class AsyncSlow(Slow):
    async def get_token(self, *scopes: str, **options: Any) -> AccessToken:  # type: ignore[override]
        if self.asked:
            await asyncio.sleep(20)
        return self.token()


@pytest.mark.case("D3")
async def test_slow_credential_does_not_use_up_the_time_of_a_call_that_has_a_token(stub: StubWorld) -> None:
    credential = AsyncSlow() if stub.world.is_async else Slow()
    client = stub.client(Script(), credential=credential)
    await client.get_key("orders")
    try:
        assert (await client.get_key("orders", timeout=1)).name == "orders"
    finally:
        credential.given_up.set()
    assert credential.asked == 1


@pytest.mark.case("D7")
def test_lazy_property_of_one_instance_does_not_wait_for_another() -> None:
    both = threading.Barrier(2, timeout=10)

    class Key:
        made = 0

        @lazy_property
        def material(self) -> object:
            """The material."""
            both.wait()
            self.made += 1
            return object()

    one, other = Key(), Key()
    thread = threading.Thread(target=lambda: other.material)
    thread.start()
    assert one.material is one.material
    thread.join()
    assert [one.made, other.made, Key.material.__doc__] == [1, 1, "The material."]
