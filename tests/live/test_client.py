"""The clients take what the live service answered, with every method that sends requests."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    ResourceExistsError,
    ResourceNotFoundError,
)
from fixtures.stub_vault import Answer, Script, StubWorld, Tokens, bundle, stub

from azure.keyvault.keys import KeyClient
from azure.keyvault.keys._shared.auth.challenge import CHALLENGES
from azure.keyvault.keys.crypto import CryptographyClient

from .methods import CRYPTO_VERBS, Call, Check, methods_of
from .scenarios import Exchange, Scenario, scenarios
from .served import HEX, body_of, headers_of, served, url_of

__all__ = ["stub"]

ERRORS = {401: ClientAuthenticationError, 404: ResourceNotFoundError, 409: ResourceExistsError}
#: Methods that send no request, or one of the caller's own.
WITHOUT_AN_EXCHANGE = {
    *("api_version", "close", "create_config", "get_cryptography_client", "send_request", "vault_url", "key_id"),
    *("from_jwk", "create_ec_private_key", "create_ec_public_key", "create_rsa_private_key", "create_rsa_public_key"),
}
#: Names that no key can have, and a count that is too high: the clients do not ask.
UNASKED = ("/keys//create", "/keys/key$%23%28%29%213789901543/create")


def exchanges(*, challenges: bool) -> list[Any]:
    """Return the exchanges that begin with a challenge, or the others."""
    found = []
    for scenario in scenarios():
        for number, exchange in enumerate(scenario.exchanges):
            if exchange.setup or (exchange.status == 401) is not challenges or exchange.path in UNASKED:
                continue
            if challenges:
                found.append(pytest.param(scenario, exchange, id=f"{scenario.name}-{number}"))
                continue
            for method, call, check in methods_of(exchange):
                found.append(
                    pytest.param(scenario, exchange, method, call, check, id=f"{scenario.name}-{number}-{method}")
                )
    return found


CASES = exchanges(challenges=False)


@pytest.fixture(autouse=True)
def _no_known_challenges() -> None:
    CHALLENGES.clear()


def _client(stub: StubWorld, scenario: Scenario, exchange: Exchange, script: Script) -> Any:
    url = url_of(scenario)
    options: dict[str, Any] = {"api_version": scenario.api_version, "verify_challenge_resource": False}
    if exchange.verb not in CRYPTO_VERBS:
        return stub.client(script, url=url, **options)
    client = stub.world.CryptographyClient(
        f"{url}/keys/{exchange.name}/{HEX}",
        stub.credential(Tokens()),
        execution="remote",
        transport=stub.transport(script),
        **options,
    )
    return stub.world.adapt(client)


def _script(scenario: Scenario, exchange: Exchange, method: str) -> Script:
    body = served(scenario, exchange)
    last_page = {name: value for name, value in body.items() if name != "nextLink"} if isinstance(body, dict) else body
    answer = Answer(exchange.status, body_of(body), headers_of(exchange))
    if isinstance(body, dict) and body.get("nextLink"):
        return Script([answer, Answer(200, body_of({**last_page, "value": []}))])
    # A poller looks for what has become of the key.
    return Script([answer, Answer(200, body_of(body))] if "delete" in method or "recover" in method else [answer])


@pytest.mark.parametrize(("scenario", "exchange", "method", "call", "check"), CASES)
async def test_method_takes_the_answer_of_the_live_service(
    stub: StubWorld, scenario: Scenario, exchange: Exchange, method: str, call: Call, check: Check
) -> None:
    script = _script(scenario, exchange, method)
    if exchange.status >= 300:
        script.replies = script.replies[:1]
        with pytest.raises(ERRORS.get(exchange.status, HttpResponseError)) as caught:
            await call(_client(stub, scenario, exchange, script))
        assert caught.value.status_code == exchange.status
        error = exchange.response["error"]
        assert caught.value.error is not None
        assert caught.value.error.code == error["code"]
        assert served(scenario, exchange)["error"]["message"].strip() in str(caught.value)
    else:
        check(await call(_client(stub, scenario, exchange, script)), served(scenario, exchange))
    assert script.calls[0].method == exchange.method
    assert f"api-version={scenario.api_version}" in script.calls[-1].url


@pytest.mark.parametrize(("scenario", "exchange"), exchanges(challenges=True))
async def test_challenge_of_the_live_service_is_answered(
    stub: StubWorld, scenario: Scenario, exchange: Exchange
) -> None:
    body = bundle()
    body["key"]["kid"] = f"{url_of(scenario)}/keys/orders/{HEX}"
    script, tokens = Script([Answer(200, body)]), Tokens()
    script.challenge = Answer(401, body_of(served(scenario, exchange)), headers_of(exchange))
    client = stub.client(script, tokens, url=url_of(scenario), api_version=scenario.api_version)
    assert (await client.get_key("orders")).name == "orders"
    resource = "managedhsm" if scenario.is_hsm else "vault"
    assert [scopes for scopes, _ in tokens.asked] == [(f"https://{resource}.azure.net/.default",)]


def test_every_method_is_tried() -> None:
    public = {
        name
        for client in (KeyClient, CryptographyClient)
        for name, _ in inspect.getmembers(client)
        if not name.startswith("_")
    }
    assert {case.values[2] for case in CASES} == public - WITHOUT_AN_EXCHANGE
