"""Redirects: followed within a vault, refused to anywhere else."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, TooManyRedirectsError
from azure.core.pipeline import PipelineRequest, PipelineResponse
from azure.core.pipeline.policies import AsyncHTTPPolicy, HTTPPolicy
from azure.core.rest import HttpRequest
from fixtures.stub_vault import URL, Answer, Script, Streamed, StubWorld, Tokens, bundle, read_challenge

OK = Answer(200, bundle())


def moved(location: str, status: int = 307) -> Answer:
    return Answer(status, None, {"Location": location})


@pytest.mark.case("B4")
@pytest.mark.parametrize("location", [f"{URL}/keys/other?api-version=7.6", f"{URL}:443/keys/other", "/keys/other"])
@pytest.mark.parametrize("status", [307, 308])
async def test_redirect_within_the_vault_is_followed_with_token_and_body(
    stub: StubWorld, status: int, location: str
) -> None:
    script, tokens = Script([moved(location, status), OK]), Tokens()
    await stub.client(script, tokens).create_rsa_key("orders")
    first, second = script.calls
    assert second.url.startswith(URL)
    assert second.url.removeprefix(URL).removeprefix(":443").startswith("/keys/other")
    assert (second.method, second.content, second.token) == ("POST", first.content, "token-1")
    assert (len(script.probes), len(tokens.asked)) == (1, 1)


@pytest.mark.case("B4", "B8")
@pytest.mark.parametrize(
    "location",
    [
        "https://evil.example/keys/orders",
        "https://demo.vault.azure.net.evil.example/",
        "https://demo.vault.azure.net:8443/keys/orders",
        "http://demo.vault.azure.net/keys/orders",
        "https://user:pw@demo.vault.azure.net/keys/orders",
        "//evil.example/keys/orders",
        "https://demo.vault.azure.net\\@evil.example/",
        "https://[::1",
    ],
)
@pytest.mark.parametrize("status", [300, 303, 307, 308])
async def test_redirect_to_another_origin_is_refused_and_named(stub: StubWorld, location: str, status: int) -> None:
    script, tokens = Script([moved(location, status)]), Tokens()
    with pytest.raises(HttpResponseError, match="is another origin") as caught:
        await stub.client(script, tokens).restore_key(b"secret backup")
    assert repr(location).strip("'/") in str(caught.value)
    assert caught.value.status_code == status
    assert len(script.calls) == 1


@pytest.mark.case("B5")
async def test_redirect_of_a_probe_to_another_origin_is_refused_before_any_token(stub: StubWorld) -> None:
    script, tokens = Script(challenge=moved("https://evil.example/")), Tokens()
    with pytest.raises(HttpResponseError, match="is another origin"):
        await stub.client(script, tokens).restore_key(b"secret backup")
    assert ([sent.content for sent in script.sent], tokens.asked) == ([None], [])


@pytest.mark.case("A3")
async def test_redirect_of_a_probe_within_the_vault_keeps_the_body(stub: StubWorld) -> None:
    class Moving(Script):
        def reply_to(self, request: Any, options: dict[str, Any]) -> Any:
            found = super().reply_to(request, options)
            return moved(f"{URL}/keys/restore2") if len(self.sent) == 1 else found

    script = Moving([OK])
    await stub.client(script).restore_key(b"backup")
    assert [sent.content for sent in script.probes] == [None, None]
    assert script.calls[0].content == b'{"value":"YmFja3Vw"}'


@pytest.mark.case("B6")
async def test_303_becomes_a_get_without_content(stub: StubWorld) -> None:
    script = Script([moved("/keys/orders", 303), OK])
    await stub.client(script).create_rsa_key("orders")
    second = script.calls[1]
    assert (second.method, second.content) == ("GET", None)
    assert {"content-type", "content-length"}.isdisjoint(name.lower() for name in second.headers)


@pytest.mark.case("B7")
async def test_circle_of_redirects_ends_in_a_typed_error(stub: StubWorld) -> None:
    script = Script([moved("/keys/orders")])
    with pytest.raises(TooManyRedirectsError):
        await stub.client(script).get_key("orders")
    assert len(script.calls) == 31


@pytest.mark.case("B6")
@pytest.mark.parametrize("status", [301, 302])
async def test_redirect_that_would_change_the_method_is_an_error(stub: StubWorld, status: int) -> None:
    script = Script([moved("/keys/orders", status)])
    with pytest.raises(HttpResponseError) as caught:
        await stub.client(script).create_rsa_key("orders")
    assert (caught.value.status_code, len(script.calls)) == (status, 1)


@pytest.mark.case("B7")
async def test_redirect_without_location_is_an_error(stub: StubWorld) -> None:
    script = Script([Answer(307)])
    with pytest.raises(HttpResponseError) as caught:
        await stub.client(script).get_key("orders")
    assert caught.value.status_code == 307


@pytest.mark.case("B1", "B8")
@pytest.mark.parametrize("url", ["https://other.vault.azure.net/keys", "http://demo.vault.azure.net/keys"])
async def test_request_of_the_caller_to_another_origin_is_refused(stub: StubWorld, url: str) -> None:
    script, tokens = Script(), Tokens()
    with pytest.raises(ValueError, match="leads to another origin"):
        await stub.client(script, tokens).send_request(HttpRequest("GET", url))
    assert (script.sent, tokens.asked) == ([], [])


class Copying(HTTPPolicy[Any, Any]):
    """Sends a copy of the request, as a policy of a caller may."""

    def send(self, request: PipelineRequest[Any]) -> PipelineResponse[Any, Any]:
        return self.next.send(PipelineRequest(copy.copy(request.http_request), request.context))


class AsyncCopying(AsyncHTTPPolicy[Any, Any]):
    """Sends a copy of the request, as a policy of a caller may."""

    async def send(self, request: PipelineRequest[Any]) -> PipelineResponse[Any, Any]:
        return await self.next.send(PipelineRequest(copy.copy(request.http_request), request.context))


@pytest.mark.case("B4")
async def test_redirect_of_a_copied_request_is_followed(stub: StubWorld) -> None:
    script = Script([moved("/keys/other"), OK])
    policy = AsyncCopying() if stub.world.is_async else Copying()
    await stub.client(script, per_retry_policies=[policy]).get_key("orders")
    assert [sent.url.partition("?")[0] for sent in script.calls] == [f"{URL}/keys/orders", f"{URL}/keys/other"]


@pytest.mark.case("B4")
async def test_streamed_redirect_is_closed_when_it_is_followed(stub: StubWorld) -> None:
    redirect, last = Streamed(307, None, {"Location": "/keys/other"}), Streamed(200, bundle())
    await stub.client(Script([redirect, last], read_challenge())).send_request(
        HttpRequest("GET", "/keys/orders"), stream=True
    )
    assert (redirect.closed, last.closed) == (1, 0)


@pytest.mark.case("B4")
async def test_streamed_redirect_is_closed_when_it_is_refused(stub: StubWorld) -> None:
    redirect = Streamed(307, None, {"Location": "https://evil.example/"})
    with pytest.raises(HttpResponseError, match="is another origin"):
        await stub.client(Script([redirect], read_challenge())).send_request(
            HttpRequest("GET", "/keys/orders"), stream=True
        )
    assert redirect.closed == 1
