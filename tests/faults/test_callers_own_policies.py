"""What policies and hooks ask of an answer, and what becomes of a transport that a caller brings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResponseNotReadError, ServiceResponseError, StreamConsumedError
from azure.core.pipeline.policies import (
    AsyncHTTPPolicy,
    ContentDecodePolicy,
    HttpLoggingPolicy,
    HTTPPolicy,
    NetworkTraceLoggingPolicy,
    SansIOHTTPPolicy,
)
from azure.core.pipeline.transport import AioHttpTransport, RequestsTransport
from azure.core.rest import AsyncHttpResponse, HttpRequest, HttpResponse
from fixtures.stub_vault import StubWorld, Tokens
from raw_server import Conversation, RawServer, Received

from azure.keyvault.keys import KeyVaultKey

Serve = Callable[..., RawServer]


def obliging(request: Received, talk: Conversation) -> None:
    talk.answer(talk.server.bundle(), Content_Type="application/json", X_Twice="a")


class Curious(SansIOHTTPPolicy[Any, Any]):
    """Asks an answer for everything that azure-core says it has."""

    def __init__(self) -> None:
        self.seen: list[dict[str, Any]] = []

    def on_response(self, request: Any, response: Any) -> None:
        answer = response.http_response
        self.seen.append(
            {
                "type": isinstance(answer, (HttpResponse, AsyncHttpResponse)),
                "status": answer.status_code,
                "reason": answer.reason,
                "url": answer.url == answer.request.url,
                "header": answer.headers.get("x-twice"),
                "names": "X-TWICE" in answer.headers,
                "content type": answer.content_type,
                "text": answer.text() == answer.content.decode() == answer.body().decode(),
                "json": sorted(answer.json()),
                "closed": answer.is_closed and answer.is_stream_consumed,
                "request": answer.request is request.http_request,
            }
        )


async def test_answer_has_what_a_policy_may_ask_for(serve: Serve, connect: Any) -> None:
    curious = Curious()
    await connect(serve(obliging), per_call_policies=[curious]).get_key("orders")
    assert curious.seen == [
        {
            "type": True,
            "status": 200,
            "reason": "Reason",
            "url": True,
            "header": "a",
            "names": True,
            "content type": "application/json",
            "text": True,
            "json": ["attributes", "key"],
            "closed": True,
            "request": True,
        }
    ]


async def test_policies_of_azure_core_work_on_answers(
    serve: Serve, connect: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    hooked: list[Any] = []
    policies = [ContentDecodePolicy(), NetworkTraceLoggingPolicy(logging_enable=True), HttpLoggingPolicy()]
    client = connect(serve(obliging), per_retry_policies=policies)
    await client.get_key("orders", raw_response_hook=hooked.append)
    assert hooked[0].context[ContentDecodePolicy.CONTEXT_NAME]["attributes"] == {"enabled": True}
    assert "Response status: 200" in caplog.text


async def test_policy_of_the_callers_may_read_an_answer_again(serve: Serve, connect: Any, stub: StubWorld) -> None:
    read: list[bytes] = []

    class Reading(HTTPPolicy[Any, Any]):
        def send(self, request: Any) -> Any:
            response = self.next.send(request)
            read.append(response.http_response.read())
            read.append(b"".join(response.http_response.iter_bytes()))
            return response

    class AsyncReading(AsyncHTTPPolicy[Any, Any]):
        async def send(self, request: Any) -> Any:
            response = await self.next.send(request)
            read.append(await response.http_response.read())
            read.append(b"".join([piece async for piece in response.http_response.iter_bytes()]))
            return response

    server = serve(obliging)
    server.challenge = False
    policy = AsyncReading() if stub.world.is_async else Reading()
    client = connect(server, per_retry_policies=[policy], verify_challenge_resource=False)
    await client.get_key("orders")
    assert read[:2] == [server.bundle()] * 2


async def test_streamed_answer_is_read_once_and_its_connection_kept(
    serve: Serve, connect: Any, stub: StubWorld
) -> None:
    server = serve(lambda request, talk: talk.answer(b"x" * 10_000))
    client = connect(server)
    for _ in range(3):
        answer = await client.send_request(HttpRequest("GET", "keys/orders"), stream=True)
        with pytest.raises(ResponseNotReadError):
            answer.content  # noqa: B018
        raw = answer.iter_raw()
        pieces = [piece async for piece in raw] if stub.world.is_async else list(raw)
        assert b"".join(pieces) == b"x" * 10_000
        with pytest.raises(StreamConsumedError):
            await _read(answer)
    assert server.connections == 1


async def _read(answer: Any) -> Any:
    read = answer.read()
    return await read if hasattr(read, "__await__") else read


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
async def test_streamed_answer_that_is_not_compressed_as_it_says_is_an_error_of_azure_core(
    serve: Serve, connect: Any, encoding: str
) -> None:
    server = serve(lambda request, talk: talk.answer(b"not compressed" * 10, Content_Encoding=encoding))
    answer = await connect(server).send_request(HttpRequest("GET", "/keys/orders"), stream=True)
    with pytest.raises(ServiceResponseError):
        await _read(answer)


async def test_streamed_answer_that_is_closed_early_gives_its_connection_up(serve: Serve, connect: Any) -> None:
    server = serve(lambda request, talk: talk.answer(b"x" * 10_000_000))
    client = connect(server)
    for _ in range(2):
        answer = await client.send_request(HttpRequest("GET", "keys/orders"), stream=True)
        closing = answer.close()
        if closing is not None:
            await closing
        assert answer.is_closed
    assert server.connections == 2


async def test_error_of_an_answer_is_that_of_azure_core(serve: Serve, connect: Any) -> None:
    server = serve(lambda request, talk: talk.answer(b'{"error": {"code": "No", "message": "not today"}}', 403))
    response = await connect(server).send_request(HttpRequest("GET", "keys/orders"))
    with pytest.raises(HttpResponseError, match="not today") as caught:
        response.raise_for_status()
    assert (caught.value.status_code, caught.value.response) == (403, response)


async def test_option_of_a_call_adds_to_its_request(serve: Serve, connect: Any) -> None:
    server = serve(obliging)
    await connect(server).get_key("orders", params={"x": "a b"}, cookies={"c": "d"})
    assert "&x=a+b " in server.calls[0].head
    assert server.calls[0].header("Cookie") == "c=d"


class Watched:
    """Counts how often a transport is closed."""

    def __init__(self, stub: StubWorld) -> None:
        self.closed = 0
        watched = self
        base: Any = AioHttpTransport if stub.world.is_async else RequestsTransport

        class Sync(base):  # type: ignore[misc]
            def close(self) -> None:
                watched.closed += 1
                super().close()

        class Async(base):  # type: ignore[misc]
            async def close(self) -> None:
                watched.closed += 1
                await super().close()

        self.transport = (Async if stub.world.is_async else Sync)()


@pytest.mark.case("P20")
async def test_closing_a_cryptography_client_that_was_never_used_closes_the_callers_transport(
    stub: StubWorld,
) -> None:
    watched = Watched(stub)
    key = KeyVaultKey("https://vault.example/keys/orders/1", {"kty": "RSA", "n": b"\xc1" * 256, "e": b"\x01\0\x01"})
    client = stub.world.CryptographyClient(key, stub.credential(Tokens()), transport=watched.transport)
    for _ in range(2):
        closing = client.close()
        if closing is not None:
            await closing
    assert watched.closed == 1
