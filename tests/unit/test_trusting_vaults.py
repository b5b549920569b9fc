"""What a vault is given before and after it has shown who it is, by clients of both worlds."""

from __future__ import annotations

from typing import Any

import pytest
from azure.core.exceptions import AzureError, ClientAuthenticationError
from azure.core.pipeline.policies import AsyncHTTPPolicy, HTTPPolicy
from azure.core.rest import HttpRequest
from fixtures.stub_vault import URL, Answer, Script, StubWorld, Tokens, bundle, challenged

from azure.keyvault.keys import JsonWebKey

SECRET = b"canary-canary-16"
ELSEWHERE = "https://elsewhere.example"


@pytest.mark.case("P6")
@pytest.mark.parametrize(
    "call",
    [
        lambda client: client.import_key("orders", JsonWebKey(kty="oct", k=SECRET)),
        lambda client: client.restore_key_backup(SECRET),
        lambda client: client.get_cryptography_client("orders", execution="remote").encrypt("RSA-OAEP", SECRET),
        lambda client: client.send_request(HttpRequest("POST", "/keys/orders/create", json={"kty": "RSA"})),
    ],
    ids=["import", "restore", "encrypt", "send_request"],
)
async def test_body_goes_to_no_vault_that_asks_for_no_token(stub: StubWorld, call: Any) -> None:
    script = Script([Answer(200, bundle())], challenge=None)
    with pytest.raises(ClientAuthenticationError, match="verify_challenge_resource=False"):
        await call(stub.client(script))
    assert [sent.content for sent in script.sent] == [None]


@pytest.mark.case("P6")
async def test_body_goes_to_a_vault_that_the_caller_vouches_for(stub: StubWorld) -> None:
    script = Script([Answer(200, bundle())], challenge=None)
    await stub.client(script, verify_challenge_resource=False).create_key("orders", "RSA")
    assert [sent.content is None for sent in script.sent] == [True, False]


@pytest.mark.case("P6", "C5")
async def test_rotation_is_no_probe(stub: StubWorld) -> None:
    script = Script()
    await stub.client(script).rotate_key("orders")
    assert [(sent.method, sent.token is None) for sent in script.sent] == [("GET", True), ("POST", False)]


class Follow:
    """A caller's own policy, below the authentication, that follows a redirect with the same request."""

    def led(self, request: Any, response: Any) -> bool:
        if response.http_response.status_code != 307:
            return False
        request.http_request.url = response.http_response.headers["Location"]
        return True


class FollowPolicy(Follow, HTTPPolicy[Any, Any]):
    def send(self, request: Any) -> Any:
        response = self.next.send(request)
        return self.next.send(request) if self.led(request, response) else response


class AsyncFollowPolicy(Follow, AsyncHTTPPolicy[Any, Any]):
    async def send(self, request: Any) -> Any:
        response = await self.next.send(request)
        return await self.next.send(request) if self.led(request, response) else response


@pytest.mark.case("P19", "B5")
@pytest.mark.parametrize("target", [f"{ELSEWHERE}/keys/orders", URL.replace("https", "http") + "/keys/orders"])
async def test_redirect_that_a_callers_policy_follows_elsewhere_is_not_sent(stub: StubWorld, target: str) -> None:
    def reply(sent: Any) -> Answer:
        return challenged() if sent.url == target else Answer(307, None, {"Location": target})

    script, tokens = Script([reply]), Tokens()
    policy = AsyncFollowPolicy() if stub.world.is_async else FollowPolicy()
    client = stub.client(script, tokens, per_retry_policies=[policy])
    with pytest.raises(AzureError, match="another origin"):
        await client.get_key("orders")
    assert len(tokens.asked) == 1
    assert target not in [sent.url for sent in script.sent]


@pytest.mark.case("P19", "B5")
@pytest.mark.parametrize(
    "target", [f"{ELSEWHERE}/keys/orders", URL.replace("https", "http") + "/keys/orders", f"{URL}:8443/keys/orders"]
)
@pytest.mark.parametrize("by", ["policy", "hook", "policies"])
async def test_request_that_is_led_away_below_the_authentication_is_not_sent(
    stub: StubWorld, target: str, by: str
) -> None:
    """The request has a token and a body by then."""
    script = Script([Answer(200, bundle()), Answer(307, None, {"Location": target})])
    policy = AsyncFollowPolicy() if stub.world.is_async else FollowPolicy()
    options: dict[str, Any] = {"per_retry_policies": [policy]} if by == "policy" else {}
    if by == "policies":
        config = stub.world.KeyClient.create_config(stub.credential(Tokens()))
        options["policies"] = [config.authentication_policy, policy]
    client = stub.client(script, **options)
    await client.get_key("orders")

    def lead(request: Any) -> None:
        request.http_request.url = target

    hooks = {"raw_request_hook": lead} if by == "hook" else {}
    with pytest.raises(ClientAuthenticationError, match="another origin"):
        await client.import_key("orders", JsonWebKey(kty="oct", k=SECRET), **hooks)
    assert {sent.url.partition("/keys")[0] for sent in script.sent} == {URL}
    assert script.slept == []


@pytest.mark.case("P19", "B5")
async def test_request_that_a_callers_redirect_policy_led_away_is_not_sent(stub: StubWorld) -> None:
    from azure.core.pipeline.policies import AsyncRedirectPolicy, RedirectPolicy

    script, tokens = Script([Answer(307, None, {"Location": f"{ELSEWHERE}/keys/orders"})]), Tokens()
    policy: Any = AsyncRedirectPolicy() if stub.world.is_async else RedirectPolicy()
    client = stub.client(script, tokens, redirect_policy=policy)
    with pytest.raises(AzureError, match="which is not the vault's origin"):
        await client.create_key("orders", "RSA")
    assert {sent.url.partition("/keys")[0] for sent in script.sent} == {URL}


@pytest.mark.case("P19", "A5")
async def test_token_that_was_refused_is_not_sent_again(stub: StubWorld) -> None:
    foreign = challenged('Bearer authorization="https://login.windows.net/t", resource="https://elsewhere.example"')
    script = Script([Answer(200, bundle()), foreign, Answer(200, bundle())])
    client = stub.client(script)
    await client.get_key("orders")
    with pytest.raises(ValueError, match="does not match the vault's host"):
        await client.create_key("orders", "RSA")
    await client.create_key("orders", "RSA")
    assert [sent.token for sent in script.sent] == [None, "token-1", "token-1", None, "token-2"]


@pytest.mark.case("P18")
async def test_token_of_a_fake_credential_is_taken(stub: StubWorld) -> None:
    from azure.core.credentials import AccessToken

    script = Script()
    await stub.client(script, Tokens(fixed=AccessToken("***", 4102444800))).get_key("orders")
    assert script.calls[0].token == "***"
