"""What is logged of requests and responses: what helps, and no secret."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from fixtures.stub_vault import URL, Answer, Script, StubWorld, bundle

NAME = "azure.keyvault.keys"


@pytest.fixture(autouse=True)
def _all(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)


@pytest.mark.case("I1")
@pytest.mark.parametrize("where", ["client", "call"])
async def test_trace_is_there_when_it_is_asked_for(
    stub: StubWorld, caplog: pytest.LogCaptureFixture, where: str
) -> None:
    on = {"logging_enable": True}
    client = stub.client(Script(), **(on if where == "client" else {}))
    await client.create_rsa_key("orders", tags={"a": "tag-of-mine"}, **(on if where == "call" else {}))
    trace = "\n".join(record.getMessage() for record in caplog.records if record.name == NAME)
    assert f"POST {URL}/keys/orders/create" in trace
    assert "body of" in trace
    assert "Authorization: REDACTED" in trace
    assert "token-1" not in trace
    assert "tag-of-mine" not in trace


@pytest.mark.case("I1")
@pytest.mark.parametrize("where", ["client", "call"])
async def test_trace_is_not_there_when_it_is_not_asked_for(
    stub: StubWorld, caplog: pytest.LogCaptureFixture, where: str
) -> None:
    client = stub.client(Script(), logging_enable=where == "call")
    await client.get_key("orders", **({"logging_enable": False} if where == "call" else {}))
    assert [record for record in caplog.records if record.name == NAME] == []


@pytest.mark.case("I1")
async def test_trace_costs_nothing_when_nobody_listens(stub: StubWorld, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    await stub.client(Script(), logging_enable=True).get_key("orders")
    assert [record for record in caplog.records if record.name == NAME] == []


@pytest.mark.case("I1")
@pytest.mark.parametrize("header", ["Authorization", "proxy-authorization", "Cookie", "SET-COOKIE"])
async def test_secret_header_is_not_shown_whatever_its_case(
    stub: StubWorld, caplog: pytest.LogCaptureFixture, header: str
) -> None:
    script = Script([Answer(200, bundle(), {header: "canary"})])
    await stub.client(script, logging_enable=True).get_key("orders")
    assert "canary" not in caplog.text
    assert "REDACTED" in caplog.text


@pytest.mark.case("I5")
@pytest.mark.parametrize(
    ("header", "shown"),
    [
        ("x-ms-keyvault-region", True),
        ("x-ms-keyvault-network-info", True),
        ("x-ms-keyvault-service-version", True),
        ("x-ms-request-id", True),
        ("x-made-up", False),
    ],
)
async def test_headers_that_help_are_readable_at_info(
    stub: StubWorld, caplog: pytest.LogCaptureFixture, header: str, shown: bool
) -> None:
    caplog.set_level(logging.INFO)
    await stub.client(Script([Answer(200, bundle(), {header: "value-of-it"})])).get_key("orders")
    assert ("value-of-it" in caplog.text) is shown
    assert "api-version=2026-04-01" in caplog.text


@pytest.mark.case("I6")
@pytest.mark.parametrize("level", [logging.INFO, logging.DEBUG], ids=logging.getLevelName)
async def test_query_of_the_caller_is_redacted(stub: StubWorld, caplog: pytest.LogCaptureFixture, level: int) -> None:
    from azure.core.rest import HttpRequest

    caplog.set_level(level)
    client = stub.client(Script(), logging_enable=True)
    await client.send_request(HttpRequest("GET", "/keys?sig=canary&maxresults=5"))
    assert "canary" not in caplog.text
    told = caplog.text if level == logging.INFO else "".join(r.getMessage() for r in caplog.records if r.name == NAME)
    assert "sig=REDACTED&maxresults=" in told
    assert "api-version=2026-04-01" in told


@pytest.mark.case("I2")
async def test_exception_is_logged_without_the_token(stub: StubWorld, caplog: pytest.LogCaptureFixture) -> None:
    def fail(sent: Any) -> Any:
        raise RuntimeError("the transport broke")

    with pytest.raises(RuntimeError, match="broke"):
        await stub.client(Script([fail]), logging_enable=True).get_key("orders")
    assert "token-1" not in caplog.text
