"""Streamed responses that redirects and retries replace: their connections are closed."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Callable
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError
from azure.core.rest import HttpRequest
from raw_server import Conversation, RawServer, Received

from azure.keyvault.keys._shared.auth.challenge import CHALLENGES

Serve = Callable[..., RawServer]

HALF = b"Content-Length: 100000\r\n\r\n" + b"y" * 50_000

FIRST = {
    "redirect": b"HTTP/1.1 302 Found\r\nLocation: /keys/orders\r\n" + HALF,
    "retry": b"HTTP/1.1 500 Failed\r\n" + HALF,
    "throttled": b"HTTP/1.1 429 Failed\r\nRetry-After: 0\r\n" + HALF,
}
REFUSED = {
    "elsewhere": b"HTTP/1.1 302 Found\r\nLocation: https://elsewhere.example/\r\n" + HALF,
    "in-a-circle": b"HTTP/1.1 302 Found\r\nLocation: /keys/first\r\n" + HALF,
}


@pytest.fixture(autouse=True)
def _open(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Connections that are left to the garbage collector are errors."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)
        yield
        gc.collect()


@pytest.mark.case("P23")
@pytest.mark.parametrize("how", FIRST)
async def test_streamed_response_that_another_one_replaces_is_closed(serve: Serve, connect: Any, how: str) -> None:
    def handler(request: Received, talk: Conversation) -> None:
        if len(talk.server.calls) == 1:
            talk.say(FIRST[how])
        else:
            talk.answer(talk.server.bundle())

    client = connect(serve(handler))
    answer = await client.send_request(HttpRequest("GET", "/keys/first"), stream=True)
    read = answer.read()
    assert b"orders" in (read if isinstance(read, bytes) else await read)
    gc.collect()


@pytest.mark.case("P23")
@pytest.mark.parametrize("how", REFUSED)
async def test_streamed_redirect_that_is_refused_is_closed(serve: Serve, connect: Any, how: str) -> None:
    client = connect(serve(lambda request, talk: talk.say(REFUSED[how])))
    with pytest.raises(HttpResponseError):
        await client.send_request(HttpRequest("GET", "/keys/first"), stream=True)
    gc.collect()


@pytest.mark.case("P23")
async def test_response_to_the_probe_of_a_stream_is_closed(serve: Serve, connect: Any) -> None:
    """A vault that asks for no token answers the probe as well."""
    CHALLENGES.clear()
    server = serve(lambda request, talk: talk.answer(talk.server.bundle()))
    server.challenge = False
    client = connect(server, verify_challenge_resource=False)
    answer = await client.send_request(HttpRequest("POST", "/keys/orders", json={}), stream=True)
    read = answer.read()
    assert b"orders" in (read if isinstance(read, bytes) else await read)
    assert server.connections == 1
    gc.collect()
