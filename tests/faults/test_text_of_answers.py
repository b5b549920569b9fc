"""The charset of an answer decides nothing: JSON is UTF-8 (RFC 8259 section 8.1)."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceExistsError
from azure.core.pipeline.transport import AioHttpTransport, RequestsTransport
from azure.core.rest import HttpRequest
from fixtures.stub_vault import StubWorld
from raw_server import Conversation, RawServer, Received

Serve = Callable[..., RawServer]

CHARSETS = [
    "punycode",
    "zlib",
    "hex",
    "idna",
    "utf-7",
    "utf-16",
    "cp037",
    "rot13",
    "unknown-8bit",
    "x" * 300,
    "utf\x7f8",
]


def refusing(charset: str, status: int = 409) -> Callable[[Received, Conversation], None]:
    body = json.dumps({"error": {"code": "Conflict", "message": "Schlüssel gibt es schon"}}, ensure_ascii=False)

    def handler(request: Received, talk: Conversation) -> None:
        talk.answer(body.encode(), status, Content_Type=f"application/json; charset={charset}")

    return handler


@pytest.mark.case("P3")
@pytest.mark.parametrize("charset", CHARSETS)
async def test_error_is_read_as_utf_8_whatever_its_charset(serve: Serve, connect: Any, charset: str) -> None:
    server = serve(refusing(charset))
    with pytest.raises(ResourceExistsError, match="Schlüssel gibt es schon"):
        await connect(server).create_rsa_key("orders")


def with_a_transport_of_azure_core(stub: StubWorld, verify: Any) -> Any:
    kind = AioHttpTransport if stub.world.is_async else RequestsTransport
    return kind(connection_verify=verify)


@pytest.mark.case("P3")
@pytest.mark.parametrize("charset", ["punycode", "zlib", "utf-7", "utf-16"])
async def test_error_is_read_as_utf_8_from_a_transport_of_the_callers(
    serve: Serve, connect: Any, stub: StubWorld, bundle_path: str, charset: str
) -> None:
    client = connect(serve(refusing(charset)), transport=with_a_transport_of_azure_core(stub, bundle_path))
    with pytest.raises(ResourceExistsError, match="Schlüssel gibt es schon"):
        await client.create_rsa_key("orders")


@pytest.mark.case("P3")
@pytest.mark.parametrize("charset", ["punycode", "zlib", "utf-16"])
async def test_conflict_that_passes_is_recognised_whatever_its_charset(
    serve: Serve, connect: Any, charset: str
) -> None:
    body = b'{"error": {"code": "Conflict", "innererror": {"code": "ObjectIsBeingDeleted"}}}'

    def handler(request: Received, talk: Conversation) -> None:
        if len(talk.server.calls) == 1:
            talk.answer(body, 409, Content_Type=f"application/json; charset={charset}")
        else:
            talk.answer(talk.server.bundle())

    server = serve(handler)
    assert (await connect(server).create_rsa_key("orders")).name == "orders"
    assert len(server.calls) == 2


@pytest.mark.case("P3")
async def test_long_text_in_a_slow_charset_costs_nothing(serve: Serve, connect: Any) -> None:
    body = b"a-" * 100_000
    server = serve(lambda request, talk: talk.answer(body, 409, Content_Type="application/json; charset=punycode"))
    with pytest.raises(HttpResponseError) as caught:
        await connect(server).create_rsa_key("orders", timeout=5)
    assert caught.value.status_code == 409


@pytest.mark.case("P3")
async def test_callers_own_request_is_read_as_utf_8(serve: Serve, connect: Any) -> None:
    server = serve(
        lambda request, talk: talk.answer(b'{"name": "\xc3\xa4"}', Content_Type="application/json; charset=latin-1")
    )
    response = await connect(server).send_request(HttpRequest("GET", "keys"))
    assert response.json() == {"name": "ä"}
    assert response.text() == '{"name": "ä"}'


@pytest.mark.case("P3")
@pytest.mark.parametrize(
    ("kind", "body", "text"),
    [
        ("text/plain; charset=iso-8859-1", b"\xe4", "ä"),
        ("text/plain; charset=UTF-16", "ä".encode("utf-16"), "ä"),
        ("text/plain", b"\xc3\xa4", "ä"),
        ("text/plain; charset=zlib", b"\xc3\xa4", "ä"),
        ("text/plain", b"\xff", "�"),
    ],
)
async def test_other_text_may_name_an_encoding_that_is_safe(
    serve: Serve, connect: Any, kind: str, body: bytes, text: str
) -> None:
    server = serve(lambda request, talk: talk.answer(body, Content_Type=kind))
    assert (await connect(server).send_request(HttpRequest("GET", "keys"))).text() == text


def nested(depth: int) -> bytes:
    body: dict[str, Any] = {"code": "Deep", "message": "deep down"}
    for _ in range(depth):
        body = {"code": "Deep", "message": "deep down", "details": [body]}
    return json.dumps({"error": body}).encode()


DEEP = {"details": nested(400), "arrays": b'{"error":' + b"[" * 50_000 + b"]" * 50_000 + b"}"}


@pytest.mark.case("P13")
@pytest.mark.parametrize("what", DEEP)
async def test_error_with_deeply_nested_details_is_an_error_of_azure_core(
    serve: Serve, connect: Any, what: str
) -> None:
    server = serve(lambda request, talk: talk.answer(DEEP[what], 400, Content_Type="application/json"))
    with pytest.raises(HttpResponseError) as caught:
        await connect(server).get_key("orders")
    assert caught.value.status_code == 400
    assert "400" in str(caught.value)
    assert repr(caught.value)


@pytest.mark.case("P13")
async def test_error_keeps_as_many_levels_of_details_as_the_service_may_send(serve: Serve, connect: Any) -> None:
    server = serve(lambda request, talk: talk.answer(nested(50), 400, Content_Type="application/json"))
    with pytest.raises(HttpResponseError) as caught:
        await connect(server).get_key("orders")
    levels, error = 0, caught.value.error
    while error is not None and error.details:
        levels, error = levels + 1, error.details[0]
    assert 3 <= levels <= 12


@pytest.mark.case("P13")
async def test_deeply_nested_error_of_a_callers_own_request_is_one_of_azure_core(serve: Serve, connect: Any) -> None:
    server = serve(lambda request, talk: talk.answer(nested(400), 400, Content_Type="application/json"))
    response = await connect(server).send_request(HttpRequest("GET", "keys"))
    with pytest.raises(HttpResponseError) as caught:
        response.raise_for_status()
    assert caught.value.status_code == 400
    assert str(caught.value)
