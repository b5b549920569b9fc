"""A client that is closed while a task still reads a response: the task gets an error and does not wait forever."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest
from azure.core.exceptions import ServiceResponseError
from azure.core.rest import HttpRequest
from fixtures.stub_vault import StubWorld
from raw_server import Conversation, RawServer, Received

Serve = Callable[..., RawServer]


@pytest.fixture
def half_answered(serve: Serve) -> tuple[RawServer, threading.Event]:
    """A server that sends half a response, and what says that it has."""
    begun = threading.Event()

    def handler(request: Received, talk: Conversation) -> None:
        talk.say(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{")
        begun.set()
        talk.hang()

    return serve(handler), begun


@pytest.mark.case("D14")
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_task_that_reads_a_response_ends_when_the_client_is_closed(
    half_answered: tuple[RawServer, threading.Event], connect: Any, stub: StubWorld, stream: bool
) -> None:
    if not stub.world.is_async:
        pytest.skip("a synchronous client closes connections in use when their requests are done")
    server, begun = half_answered
    client = connect(server, retry_total=0)

    async def read() -> None:
        answer = await client.send_request(HttpRequest("GET", "/keys/orders"), stream=stream)
        await answer.read()

    task = asyncio.ensure_future(read())
    await asyncio.to_thread(begun.wait, 20)
    await asyncio.sleep(0.2)
    await client.close()
    with pytest.raises(ServiceResponseError, match="closed"):
        await asyncio.wait_for(task, 5)
