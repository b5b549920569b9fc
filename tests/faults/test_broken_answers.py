"""Connections that break in every phase, answers that are endless, compressed or late."""

from __future__ import annotations

import sys
import time
import tracemalloc
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from azure.core.exceptions import (
    AzureError,
    DecodeError,
    HttpResponseError,
    IncompleteReadError,
    ServiceRequestError,
    ServiceResponseError,
    ServiceResponseTimeoutError,
)
from azure.core.rest import HttpRequest
from raw_server import Conversation, RawServer, Received, drip

Serve = Callable[..., RawServer]

if sys.version_info < (3, 11):
    # asyncio of Python 3.10 complains of TLS connections that the other side has ended, although they are closed.
    pytestmark = pytest.mark.filterwarnings("ignore:.*_SSLProtocolTransport:pytest.PytestUnraisableExceptionWarning")


def whole(server: RawServer, body: bytes | None = None) -> bytes:
    body = server.bundle() if body is None else body
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


BREAKS: dict[str, Callable[[Conversation], None]] = {
    "none-fin": lambda talk: talk.finish(),
    "none-rst": lambda talk: talk.finish(reset=True),
    "head-fin": lambda talk: (talk.say(whole(talk.server)[:60]), talk.finish()),  # type: ignore[func-returns-value,dict-item]
    "partial-fin": lambda talk: (talk.say(whole(talk.server)[:-20]), talk.finish()),  # type: ignore[func-returns-value,dict-item]
    "partial-rst": lambda talk: (talk.say(whole(talk.server)[:-20]), talk.finish(reset=True)),  # type: ignore[func-returns-value,dict-item]
    "chunk-fin": lambda talk: (  # type: ignore[dict-item]
        talk.say(b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"key\r\n'),  # type: ignore[func-returns-value]
        talk.finish(),  # type: ignore[func-returns-value]
    ),
    "garbage": lambda talk: (talk.say(b"\x00\x01SSH-2.0\r\n\r\n"), talk.finish()),  # type: ignore[func-returns-value,dict-item]
}


@pytest.mark.case("C15")
@pytest.mark.parametrize("how", BREAKS)
async def test_read_is_repeated_after_a_broken_answer(serve: Serve, connect: Any, how: str) -> None:
    def handler(request: Received, talk: Conversation) -> None:
        if len(talk.server.calls) == 1:
            BREAKS[how](talk)
        else:
            talk.answer(talk.server.bundle())

    server = serve(handler)
    assert (await connect(server).get_key("orders")).name == "orders"
    assert len(server.calls) == 2


@pytest.mark.case("C5", "C15")
@pytest.mark.parametrize("how", BREAKS)
async def test_call_that_makes_a_version_is_sent_once_and_fails_cleanly(serve: Serve, connect: Any, how: str) -> None:
    server = serve(lambda request, talk: BREAKS[how](talk))
    with pytest.raises((ServiceResponseError, IncompleteReadError)):
        await connect(server).create_rsa_key("orders")
    assert len(server.calls) == 1


@pytest.mark.case("C15")
async def test_head_cut_short_ends_in_a_retry_or_a_typed_error(serve: Serve, connect: Any) -> None:
    """http.client takes the end of the connection for that of the head: the answer is then an empty one."""

    def handler(request: Received, talk: Conversation) -> None:
        if len(talk.server.calls) > 1:
            talk.answer(talk.server.bundle())
            return
        talk.say(b"HTTP/1.1 200 OK\r\nContent-")
        talk.finish()

    client = connect(serve(handler))
    try:
        assert (await client.get_key("orders")).name == "orders"
    except DecodeError as error:
        cut_short = error
        assert "it is not JSON" in str(cut_short)


@pytest.mark.case("C5", "C15")
@pytest.mark.parametrize("sent", [0, 1, 40], ids=["no-head", "head", "half-a-body"])
async def test_call_that_makes_a_version_and_hangs_is_sent_once(serve: Serve, connect: Any, sent: int) -> None:
    def handler(request: Received, talk: Conversation) -> None:
        if sent:
            talk.say(whole(talk.server)[: 40 + sent])
        talk.hang()

    server = serve(handler)
    with pytest.raises(ServiceResponseTimeoutError):
        await connect(server, read_timeout=0.2).create_rsa_key("orders")
    assert len(server.calls) == 1


@pytest.mark.case("C15", "E1")
async def test_answer_cut_short_as_if_it_were_whole_is_a_decode_error(serve: Serve, connect: Any) -> None:
    server = serve(lambda request, talk: talk.answer(talk.server.bundle()[:-20], x_ms_request_id="r-1"))
    with pytest.raises(DecodeError, match="r-1"):
        await connect(server).get_key("orders")
    assert len(server.calls) == 1


@pytest.mark.case("C3", "C10")
async def test_connection_that_is_refused_is_tried_again_and_named(connect: Any) -> None:
    with pytest.raises(ServiceRequestError, match="localhost") as caught:
        await connect("https://localhost:1", retry_connect=1).create_rsa_key("orders")
    assert str(caught.value).startswith("Cannot connect to localhost:1: [Errno ")
    assert str(caught.value).count("Cannot connect") == 1


@pytest.mark.case("C10")
async def test_proxy_that_refuses_the_connection_is_named(connect: Any) -> None:
    client = connect("https://no-such-vault.invalid", retry_total=0, proxies={"https": "http://localhost:1"})
    with pytest.raises(ServiceRequestError) as caught:
        await client.get_key("orders")
    reason = "Cannot connect to no-such-vault.invalid:443 through the proxy at localhost:1: [Errno "
    assert str(caught.value).startswith(reason)


@pytest.mark.case("C10")
async def test_host_that_does_not_exist_fails_in_seconds_and_is_named(connect: Any) -> None:
    began = time.monotonic()
    with pytest.raises(ServiceRequestError, match=r"no-such-vault\.invalid"):
        await connect("https://no-such-vault.invalid", retry_connect=1).get_key("orders")
    assert time.monotonic() - began < 10


def endless(head: bytes, block: bytes) -> Callable[[Received, Conversation], None]:
    def handler(request: Received, talk: Conversation) -> None:
        talk.say(head)
        while not talk.server.over.is_set():
            talk.say(block)

    return handler


ENDLESS = {
    "chunks": endless(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + b" " * 65536 + b"\r\n"),
    "no-length": endless(b"HTTP/1.1 200 OK\r\n\r\n", b" " * 65536),
    "a-gigabyte": endless(b"HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n", b" " * 65536),
    "error": endless(b"HTTP/1.1 500 Oops\r\nTransfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + b" " * 65536 + b"\r\n"),
}


@pytest.mark.case("B18")
@pytest.mark.parametrize("how", ENDLESS)
async def test_endless_answer_is_refused_without_being_kept(serve: Serve, connect: Any, how: str) -> None:
    server = serve(ENDLESS[how])
    client = connect(server)
    tracemalloc.start()
    try:
        with pytest.raises(DecodeError, match="longer than 16777216 bytes"):
            await client.get_key("orders")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 64 * 1024 * 1024
    assert len(server.calls) == 1


@pytest.mark.case("B18")
@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "gzip, gzip", "x-made-up"])
async def test_compressed_answer_is_refused_unread(serve: Serve, connect: Any, encoding: str) -> None:
    bomb = zlib.compress(b" " * 10_000_000)
    server = serve(lambda request, talk: talk.answer(bomb, Content_Encoding=encoding))
    with pytest.raises(DecodeError, match="encoded as"):
        await connect(server).get_key("orders")
    assert [seen.header("Accept-Encoding") for seen in server.received] == ["identity", "identity"]


@pytest.mark.case("B18")
async def test_plain_answer_may_say_so(serve: Serve, connect: Any) -> None:
    server = serve(lambda request, talk: talk.answer(talk.server.bundle(), Content_Encoding="identity"))
    assert (await connect(server).get_key("orders")).name == "orders"


@pytest.mark.case("B18")
@pytest.mark.parametrize("size", [0, 1, 65536, 300_000])
async def test_answer_in_chunks_is_read_and_its_connection_kept(serve: Serve, connect: Any, size: int) -> None:
    def handler(request: Received, talk: Conversation) -> None:
        body = talk.server.bundle() + b" " * size
        talk.say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(body), body))

    server = serve(handler)
    client = connect(server)
    for _ in range(3):
        assert (await client.get_key("orders")).name == "orders"
    assert server.connections == 1


async def test_connection_is_kept_from_call_to_call(serve: Serve, connect: Any) -> None:
    server = serve(lambda request, talk: talk.answer(talk.server.bundle()))
    client = connect(server)
    for _ in range(5):
        await client.get_key("orders")
    assert server.connections == 1


LATE: dict[str, Callable[[Received, Conversation], None]] = {
    "silent": lambda request, talk: talk.hang(),
    "dripping-head": lambda request, talk: drip(talk, b"HTTP/1.1 200 OK\r\nX: " + b"y" * 500),
    "dripping-body": lambda request, talk: drip(talk, b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n" + b" " * 500),
    "dripping-chunks": lambda request, talk: drip(
        talk, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\n \r\n" * 100
    ),
    "throttling": lambda request, talk: talk.answer(b"", 429),
    "asking-for-patience": lambda request, talk: talk.answer(b"", 503, Retry_After="1"),
}


@pytest.mark.case("C9")
@pytest.mark.parametrize("how", LATE)
async def test_timeout_bounds_the_whole_call(serve: Serve, connect: Any, how: str) -> None:
    server = serve(LATE[how])
    client = connect(server, retry_backoff_factor=0.8)
    began = time.monotonic()
    with pytest.raises(AzureError):
        await client.get_key("orders", timeout=0.5)
    assert time.monotonic() - began < 1.5


@pytest.mark.case("C9")
async def test_timeout_of_the_client_is_that_of_every_call(serve: Serve, connect: Any) -> None:
    def handler(request: Received, talk: Conversation) -> None:
        if len(talk.server.calls) < 3:
            LATE["dripping-body"](request, talk)
        else:
            talk.answer(talk.server.bundle())

    server = serve(handler)
    client = connect(server, timeout=1)
    for _ in range(2):
        with pytest.raises(ServiceResponseTimeoutError, match="timeout ran out"):
            await client.get_key("orders")
    assert (await client.get_key("orders")).name == "orders"
    assert len(server.calls) == 3


@pytest.mark.case("C9")
async def test_call_in_time_knows_nothing_of_its_timeout(serve: Serve, connect: Any) -> None:
    server = serve(lambda request, talk: talk.answer(talk.server.bundle()))
    client = connect(server)
    for _ in range(3):
        assert (await client.get_key("orders", timeout=30)).name == "orders"
    assert server.connections == 1


@pytest.mark.case("C9")
async def test_limits_of_the_client_hold_beside_the_timeout_of_a_call(serve: Serve, connect: Any) -> None:
    def handler(request: Received, talk: Conversation) -> None:
        if len(talk.server.calls) == 1:
            talk.hang()
        else:
            talk.answer(talk.server.bundle())

    server = serve(handler)
    assert (await connect(server, read_timeout=0.3).get_key("orders", timeout=15)).name == "orders"
    assert len(server.calls) == 2


@pytest.mark.case("C9", "C10")
async def test_host_that_swallows_everything_fails_in_time(connect: Any) -> None:
    """A full queue of connections: the handshake is never answered."""
    import socket

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        url = f"https://localhost:{listener.getsockname()[1]}"
        began = time.monotonic()
        with pytest.raises(AzureError):
            await connect(url).get_key("orders", timeout=0.5)
        assert time.monotonic() - began < 1.5


@pytest.mark.case("E8")
async def test_error_answer_is_an_error_with_status_whatever_it_holds(serve: Serve, connect: Any) -> None:
    server = serve(
        lambda request, talk: talk.answer(b"\xff\xfe<html>", 403, Content_Type="text/html; charset=nonsense")
    )
    with pytest.raises(HttpResponseError) as caught:
        await connect(server).get_key("orders")
    assert caught.value.status_code == 403
    assert str(caught.value)


MALFORMED = {
    "length": b"HTTP/1.1 200 OK\r\nContent-Length: abc\r\n\r\n{}",
    "location": b"HTTP/1.1 307 Elsewhere\r\nLocation: https://[::1\r\nContent-Length: 0\r\n\r\n",
}


@pytest.mark.case("C5", "C15")
@pytest.mark.parametrize("how", MALFORMED)
async def test_malformed_head_is_a_typed_error_and_no_reason_to_create_twice(
    serve: Serve, connect: Any, how: str
) -> None:
    def handler(request: Received, talk: Conversation) -> None:
        talk.say(MALFORMED[how])
        talk.finish()

    server = serve(handler)
    with pytest.raises(AzureError):
        await connect(server).create_rsa_key("orders")
    assert len(server.calls) == 1


async def test_cookie_is_not_kept(serve: Serve, connect: Any) -> None:
    server = serve(lambda request, talk: talk.answer(talk.server.bundle(), Set_Cookie="a=b; Secure; Path=/"))
    client = connect(server)
    for _ in range(2):
        await client.get_key("orders")
    assert [seen.header("Cookie") for seen in server.received] == [None] * 3


def refused(head: str) -> bytes:
    return f"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Bearer\r\n{head}\r\n\r\n".encode()


@pytest.mark.case("C9")
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_refusal_of_the_probe_that_trickles_in_is_not_waited_for(
    serve: Serve, connect: Any, stream: bool
) -> None:
    def handler(request: Received, talk: Conversation) -> None:
        talk.say(refused("Content-Length: 1000"))
        drip(talk, b"x" * 1000)

    server = serve(handler)
    server.challenge = False
    began = time.monotonic()
    with pytest.raises(AzureError, match="timeout ran out"):
        await connect(server).send_request(HttpRequest("GET", "/keys"), stream=stream, timeout=0.5)
    assert time.monotonic() - began < 10


@pytest.mark.case("B18")
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("head", ["Content-Length: 99999999", "Transfer-Encoding: chunked"])
async def test_refusal_of_the_probe_that_does_not_end_is_refused(
    serve: Serve, connect: Any, stream: bool, head: str
) -> None:
    handler = endless(refused(head), b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
    server = serve(handler)
    server.challenge = False
    with pytest.raises(DecodeError, match="longer than"):
        await connect(server).send_request(HttpRequest("GET", "/keys"), stream=stream)


async def test_streamed_conflict_is_returned_as_it_is(serve: Serve, connect: Any) -> None:
    body = b'{"error": {"code": "Conflict", "innererror": {"code": "ObjectIsBeingDeleted"}}}'
    server = serve(lambda request, talk: talk.answer(body, 409, Content_Type="application/json"))
    response = await connect(server).send_request(HttpRequest("GET", "keys/orders"), stream=True)
    read = response.read()
    assert (response.status_code, await read if hasattr(read, "__await__") else read) == (409, body)
    assert len(server.calls) == 1


@pytest.mark.case("C9")
@pytest.mark.parametrize("wait", [0.3, 0.6])
async def test_wait_for_a_deletion_ends_in_time_though_the_answer_does_not_come(
    serve: Serve, connect: Any, wait: float
) -> None:
    def handler(request: Received, talk: Conversation) -> None:
        if request.method == "DELETE":
            talk.answer(talk.server.bundle().replace(b'"attributes"', b'"recoveryId": "https://x/d", "attributes"'))
        else:
            talk.hang()

    server = serve(handler)
    poller = await connect(server).begin_delete_key("orders")
    await poller.wait(wait)  # with the transport's own limit it would take 5 minutes
    assert not poller.done()
    assert [request.method for request in server.calls] == ["DELETE", "GET"]
