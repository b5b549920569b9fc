"""Answers without end, and numbers that are none, in every part of an answer."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from azure.core.exceptions import AzureError, DecodeError
from raw_server import Conversation, RawServer, Received

from azure.keyvault.keys._shared.sockets import line
from azure.keyvault.keys._shared.transport import answer_body

Serve = Callable[..., RawServer]

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def endless(head: bytes, block: bytes) -> Callable[[Received, Conversation], None]:
    def handler(request: Received, talk: Conversation) -> None:
        talk.say(head)
        for _ in range(1024):  # 64 MiB, far more than anybody reads
            if talk.server.over.is_set():
                break
            talk.say(block)
        talk.finish()

    return handler


ENDLESS = {
    "trailers": endless(CHUNKED + b"2\r\n{}\r\n0\r\n", b"X-Trailer: y\r\n" * 4096),
    "one-trailer": endless(CHUNKED + b"2\r\n{}\r\n0\r\nX-Trailer: ", b"y" * 65536),
    "chunk-line": endless(CHUNKED + b"2;", b"y" * 65536),
    "chunk-extension": endless(CHUNKED + b"2;a=", b"b" * 65536),
    "chunks-of-one-byte": endless(CHUNKED, b"1\r\n \r\n" * 10_000),
    "status-line": endless(b"HTTP/1.1 200 ", b"y" * 65536),
    "header": endless(b"HTTP/1.1 200 OK\r\nX-Header: ", b"y" * 65536),
    "headers": endless(b"HTTP/1.1 200 OK\r\n", b"X-Header: y\r\n" * 4096),
    "continues": endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 2500),
    "early-hints": endless(b"", b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" * 2500),
}


@pytest.mark.case("P4", "B18")
@pytest.mark.parametrize("how", ENDLESS)
async def test_answer_without_end_is_given_up_without_being_kept(
    serve: Serve, connect: Any, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """With a lower limit, as reading up to the usual one takes long while memory is traced."""
    monkeypatch.setattr(answer_body, "MAX_BODY", 256 * 1024)
    monkeypatch.setattr(line, "_MOST", 1024 * 1024)
    server = serve(ENDLESS[how])
    client = connect(server, retry_total=0)
    tracemalloc.start()
    try:
        with pytest.raises(AzureError):
            await client.get_key("orders", timeout=3)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 8 * 1024 * 1024
    assert len(server.calls) == 1


def head(*lines: str) -> bytes:
    return "\r\n".join(["HTTP/1.1 200 OK", *lines, "", ""]).encode()


NUMBERS = {
    "length-of-5000-digits": head("Content-Length: " + "9" * 5000),
    "length-of-30-digits": head("Content-Length: " + "9" * 30),
    "length-below-zero": head("Content-Length: -5"),
    "length-with-a-sign": head("Content-Length: +5") + b"hello",
    "length-in-other-digits": b"HTTP/1.1 200 OK\r\nContent-Length: \xd9\xa5\r\n\r\n" + b"hello",
    "length-twice": head("Content-Length: 5", "Content-Length: 6") + b"hello",
    "length-with-blank": head("Content-Length: 1 5") + b"hello",
    "chunk-below-zero": CHUNKED + b"-5\r\nhello\r\n0\r\n\r\n",
    "chunk-that-is-none": CHUNKED + b"zz\r\nhello\r\n0\r\n\r\n",
    "chunk-with-a-sign": CHUNKED + b"+5\r\nhello\r\n0\r\n\r\n",
    "chunk-without-a-size": CHUNKED + b"\r\nhello\r\n0\r\n\r\n",
    "chunk-of-5000-digits": CHUNKED + b"f" * 5000 + b"\r\nhello",
    "chunk-of-16-digits": CHUNKED + b"7" + b"f" * 15 + b"\r\nhello",
    "chunk-of-20-digits": CHUNKED + b"f" * 20 + b"\r\nhello",
    "status-of-5000-digits": b"HTTP/1.1 " + b"2" * 5000 + b" OK\r\n\r\n",
    "status-below-zero": b"HTTP/1.1 -20 OK\r\nContent-Length: 0\r\n\r\n",
    "status-that-is-none": b"HTTP/1.1 OK OK\r\nContent-Length: 0\r\n\r\n",
    "version-9": b"HTTP/9.9 200 OK\r\nContent-Length: 2\r\n\r\n{}",
    "header-without-colon": head("X-Header", "Content-Length: 2") + b"{}",
    "null-in-a-header": b"HTTP/1.1 200 OK\r\nX: a\x00b\r\nContent-Length: 2\r\n\r\n{}",
    "bare-line-feeds": b"HTTP/1.1 200 OK\nContent-Length: 2\n\n{}",
}


@pytest.mark.case("P13")
@pytest.mark.parametrize("how", NUMBERS)
async def test_number_that_is_none_is_a_documented_error(serve: Serve, connect: Any, how: str) -> None:
    def handler(request: Received, talk: Conversation) -> None:
        talk.say(NUMBERS[how])
        talk.finish()

    server = serve(handler)
    with pytest.raises(AzureError):
        await connect(server, retry_total=0).create_rsa_key("orders", timeout=10)
    assert len(server.calls) == 1


@pytest.mark.case("P4")
async def test_chunk_that_promises_much_gets_no_room_before_it_comes(serve: Serve, connect: Any) -> None:
    def handler(request: Received, talk: Conversation) -> None:
        talk.say(CHUNKED + b"40000000\r\nhello")
        talk.finish()

    client = connect(serve(handler), retry_total=0)
    tracemalloc.start()
    try:
        with pytest.raises(AzureError):
            await client.get_key("orders", timeout=30)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 32 * 1024 * 1024


@pytest.mark.case("P13")
@pytest.mark.parametrize("digits", [30, 5000])
async def test_length_of_many_digits_is_named_in_short(serve: Serve, connect: Any, digits: int) -> None:
    server = serve(lambda request, talk: talk.say(head("Content-Length: " + "9" * digits)))
    with pytest.raises((DecodeError, AzureError)) as caught:
        await connect(server, retry_total=0).get_key("orders", timeout=10)
    assert len(str(caught.value)) < 1000
