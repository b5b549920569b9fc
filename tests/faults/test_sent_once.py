"""What is sent again is decided by this library's rules alone, and by no HTTP library below. Counted at the socket."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest
from azure.core.exceptions import ServiceResponseError
from azure.core.rest import HttpRequest
from raw_server import Conversation, RawServer, Received

from azure.keyvault.keys import JsonWebKey

Serve = Callable[..., RawServer]

if sys.version_info < (3, 11):
    # asyncio of Python 3.10 complains of TLS connections that the other side has ended, although they are closed.
    pytestmark = pytest.mark.filterwarnings("ignore:.*_SSLProtocolTransport:pytest.PytestUnraisableExceptionWarning")


def dropping(first: int, *, reset: bool) -> Callable[[Received, Conversation], None]:
    """Answer so many requests; drop the connections of the others after their requests were processed."""

    def handler(request: Received, talk: Conversation) -> None:
        if len(talk.server.calls) <= first:
            talk.answer(talk.server.bundle())
        else:
            talk.finish(reset=reset)

    return handler


@pytest.mark.case("P1", "C14")
@pytest.mark.parametrize("reset", [False, True], ids=["fin", "rst"])
@pytest.mark.parametrize("kept", [False, True], ids=["first-request-with-a-token", "connection-in-use-before"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "POST", "PATCH"])
async def test_request_without_retries_is_sent_once_whatever_its_method(
    serve: Serve, connect: Any, method: str, kept: bool, reset: bool
) -> None:
    server = serve(dropping(int(kept), reset=reset))
    client = connect(server, retry_total=0)
    if kept:
        await client.get_key("orders")
    body = {} if method in ("GET", "HEAD", "OPTIONS", "DELETE") else {"json": {"key": {}}}
    with pytest.raises(ServiceResponseError):
        await client.send_request(HttpRequest(method, "keys/orders", **body))
    assert [seen.method for seen in server.calls] == ["GET"] * kept + [method]


@pytest.mark.case("P1", "C5")
@pytest.mark.parametrize("reset", [False, True], ids=["fin", "rst"])
async def test_import_whose_answer_is_lost_is_not_sent_again(serve: Serve, connect: Any, reset: bool) -> None:
    server = serve(dropping(1, reset=reset))
    client = connect(server)  # with the usual retries
    await client.get_key("orders")
    with pytest.raises(ServiceResponseError):
        await client.import_key("orders", JsonWebKey(kty="oct", k=b"0123456789abcdef"))
    assert [seen.method for seen in server.calls] == ["GET", "PUT"]


@pytest.mark.case("P1", "C4")
@pytest.mark.parametrize("reset", [False, True], ids=["fin", "rst"])
async def test_read_is_sent_as_often_as_the_retries_say(serve: Serve, connect: Any, reset: bool) -> None:
    server = serve(dropping(1, reset=reset))
    client = connect(server, retry_total=2)
    await client.get_key("orders")
    with pytest.raises(ServiceResponseError):
        await client.get_key("orders")
    assert len(server.calls) == 1 + 3
