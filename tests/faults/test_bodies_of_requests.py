"""Bodies of a caller's own requests: read once, and sent as often as it takes."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from azure.core.rest import HttpRequest
from fixtures.stub_vault import StubWorld
from raw_server import Conversation, RawServer, Received

Serve = Callable[..., RawServer]

CLAIMS = base64.b64encode(json.dumps({"access_token": {"nbf": {"value": "1"}}}).encode()).decode()


def wanting_claims(request: Received, talk: Conversation) -> None:
    """Answer the first request with a challenge for another token, the second with a failure, the third as asked."""
    calls = len(talk.server.calls)
    if calls == 1:
        challenge = f'Bearer authorization="https://x/tenant", error="insufficient_claims", claims="{CLAIMS}"'
        talk.answer(b"", 401, WWW_Authenticate=challenge)
    elif calls == 2:
        talk.answer(b"", 429)
    else:
        talk.answer(talk.server.bundle())


def pieces() -> Iterator[bytes]:
    yield b"one "
    yield b"two"


BODIES: dict[str, Callable[[], dict[str, Any]]] = {
    "bytes": lambda: {"content": b"one two"},
    "text": lambda: {"content": "one two"},
    "file": lambda: {"content": io.BytesIO(b"one two")},
    "text-file": lambda: {"content": io.StringIO("one two")},
    "iterator": lambda: {"content": pieces()},
    "list": lambda: {"content": [b"one ", b"two"]},
}


@pytest.mark.case("P7")
@pytest.mark.parametrize("how", BODIES)
@pytest.mark.parametrize("method", ["POST", "PUT"])
async def test_body_is_whole_however_often_it_is_sent(serve: Serve, connect: Any, how: str, method: str) -> None:
    server = serve(wanting_claims)
    response = await connect(server).send_request(HttpRequest(method, "keys/orders", **BODIES[how]()))
    assert response.status_code == 200
    assert [seen.body for seen in server.calls] == [b"one two"] * 3
    assert [seen.header("Content-Length") for seen in server.calls] == ["7"] * 3
    assert [seen.header("Transfer-Encoding") for seen in server.calls] == [None] * 3


@pytest.mark.case("P7")
async def test_body_of_an_asynchronous_iterator_is_whole(serve: Serve, connect: Any, stub: StubWorld) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"one "
        yield b"two"

    server = serve(wanting_claims)
    request = HttpRequest("POST", "keys/orders", content=chunks())
    if not stub.world.is_async:
        with pytest.raises(TypeError, match=r"azure\.keyvault\.keys\.aio"):
            await connect(server).send_request(request)
        assert server.calls == []
        return
    await connect(server).send_request(request)
    assert [seen.body for seen in server.calls] == [b"one two"] * 3


async def test_text_beyond_ascii_has_the_length_of_its_bytes(serve: Serve, connect: Any) -> None:
    server = serve(wanting_claims)
    await connect(server).send_request(HttpRequest("POST", "keys/orders", content="Schlüssel"))
    assert [seen.body.decode() for seen in server.calls] == ["Schlüssel"] * 3


async def test_form_is_encoded(serve: Serve, connect: Any) -> None:
    server = serve(wanting_claims)
    await connect(server).send_request(HttpRequest("POST", "keys/orders", data={"a": "b c", "d": ["1", "2"]}))
    assert [seen.body for seen in server.calls] == [b"a=b+c&d=1&d=2"] * 3
    assert server.calls[0].header("Content-Type") == "application/x-www-form-urlencoded"


async def test_files_are_sent_as_parts(serve: Serve, connect: Any) -> None:
    server = serve(wanting_claims)
    await connect(server).send_request(HttpRequest("POST", "keys/orders", files={"key": io.BytesIO(b"one two")}))
    assert [b"one two" in seen.body for seen in server.calls] == [True] * 3
    assert (server.calls[0].header("Content-Type") or "").startswith("multipart/form-data; boundary=")


async def test_request_of_the_caller_stays_as_it_is(serve: Serve, connect: Any) -> None:
    request = HttpRequest("POST", "keys/orders", json={"kty": "RSA"})
    before = (request.url, dict(request.headers), request.content)
    server = serve(wanting_claims)
    await connect(server).send_request(request)
    assert (request.url, dict(request.headers), request.content) == before
