"""What comes over a connection besides the answer that was asked for: it is never the answer to the next request."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from azure.core.exceptions import AzureError, DecodeError
from azure.core.rest import HttpRequest
from raw_server import Conversation, RawServer, Received

Serve = Callable[..., RawServer]
First = Callable[[Conversation], None]

EXPECTED = b"\x01\x00\x01"

# So much of an answer is read at a time: what comes behind it stays in the record of TLS.
_READ_AT_ONCE = 8192


def response(body: bytes, *lines: str) -> bytes:
    return "\r\n".join(["HTTP/1.1 200 OK", f"Content-Length: {len(body)}", *lines, "", ""]).encode() + body


def forged(talk: Conversation) -> bytes:
    """An answer that nobody has asked for yet: the key of the next call, with another number."""
    bundle = json.loads(talk.server.bundle("invoices"))
    bundle["key"]["n"] = "AgAB"
    return response(json.dumps(bundle).encode())


def filled(answer: Callable[..., bytes]) -> bytes:
    """Lengthen an answer to what is read at once."""
    return answer("X-Filling: " + "y" * (_READ_AT_ONCE - len(answer("X-Filling: "))))


def no_content(*lines: str) -> bytes:
    return "\r\n".join(["HTTP/1.1 204 No Content", *lines, "", ""]).encode()


def in_one_write(talk: Conversation) -> None:
    talk.say(response(talk.server.bundle()) + forged(talk))


def in_one_record(talk: Conversation) -> None:
    talk.say(filled(lambda *lines: response(talk.server.bundle(), *lines)) + forged(talk))


def behind_no_content(talk: Conversation) -> None:
    talk.say(filled(no_content) + forged(talk))


def behind_no_change(talk: Conversation) -> None:
    talk.say(b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n" + forged(talk))


def behind_two_lengths(talk: Conversation) -> None:
    talk.say(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + forged(talk))


def after_a_while(talk: Conversation) -> None:
    talk.say(response(talk.server.bundle()))
    time.sleep(0.1)
    talk.say(forged(talk))


LEFT: dict[str, First] = {
    found.__name__.replace("_", "-"): found
    for found in (
        in_one_write,
        in_one_record,
        behind_no_content,
        behind_no_change,
        behind_two_lengths,
        after_a_while,
    )
}


def first_and_second(first: First) -> Callable[[Received, Conversation], None]:
    """Answer the request for one key as given, and the one for another truly."""

    def handler(request: Received, talk: Conversation) -> None:
        if "/keys/orders" in request.head:
            first(talk)
        else:
            talk.answer(talk.server.bundle("invoices"))

    return handler


@pytest.mark.case("P22")
@pytest.mark.parametrize("how", LEFT)
async def test_answer_that_nobody_asked_for_is_not_that_of_the_next_call(serve: Serve, connect: Any, how: str) -> None:
    server = serve(first_and_second(LEFT[how]))
    client = connect(server, retry_total=0)
    try:
        await client.get_key("orders")
    except AzureError:
        pass  # what is no answer to a call is an error, and no news here
    time.sleep(0.3)  # without the event loop, which therefore has not seen what came
    key = (await client.get_key("invoices")).key
    assert key.n == EXPECTED
    assert server.connections == 2


@pytest.mark.case("P22")
async def test_answer_that_nobody_asked_for_ends_the_connection_of_a_stream(serve: Serve, connect: Any) -> None:
    server = serve(first_and_second(in_one_record))
    client = connect(server, retry_total=0)
    answer = await client.send_request(HttpRequest("GET", "/keys/orders"), stream=True)
    read = answer.read()
    assert json.loads(read if isinstance(read, bytes) else await read)["key"]["n"] == "AQAB"
    assert (await client.get_key("invoices")).key.n == EXPECTED
    assert server.connections == 2


@pytest.mark.case("P22")
@pytest.mark.parametrize("interim", ["100 Continue", "102 Processing", "103 Early Hints\r\nLink: x", "199 Odd"])
@pytest.mark.parametrize("times", [1, 5])
async def test_interim_answer_is_not_the_final_one(serve: Serve, connect: Any, interim: str, times: int) -> None:
    def first(talk: Conversation) -> None:
        talk.say(f"HTTP/1.1 {interim}\r\n\r\n".encode() * times)
        time.sleep(0.1)
        talk.answer(talk.server.bundle())

    server = serve(first_and_second(first))
    client = connect(server, retry_total=0)
    assert (await client.get_key("orders")).name == "orders"
    assert (await client.get_key("invoices")).key.n == EXPECTED
    assert server.connections == 1


@pytest.mark.case("P22")
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("lines", ["", "Upgrade: x\r\nConnection: upgrade\r\n"], ids=["bare", "upgrade"])
async def test_switch_of_protocols_is_an_error_and_ends_the_connection(
    serve: Serve, connect: Any, lines: str, stream: bool
) -> None:
    def first(talk: Conversation) -> None:
        talk.say(f"HTTP/1.1 101 Switching Protocols\r\n{lines}\r\n".encode())
        time.sleep(0.1)
        talk.say(forged(talk))

    server = serve(first_and_second(first))
    client = connect(server, retry_total=0)
    with pytest.raises(DecodeError, match="another protocol"):
        await client.send_request(HttpRequest("GET", "/keys/orders"), stream=stream)
    assert (await client.get_key("invoices")).key.n == EXPECTED
    assert server.connections == 2
