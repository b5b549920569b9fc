"""Connections through a proxy that are refused, or break."""

from __future__ import annotations

import socket
import ssl
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from azure.core.exceptions import ServiceRequestError, ServiceResponseError
from azure.core.pipeline.policies import SansIOHTTPPolicy
from fixtures.stub_vault import StubCredential, Tokens
from raw_proxy import RawProxy, raw_proxy
from raw_server import Conversation, RawServer, Received

from azure.keyvault.keys import KeyClient

Serve = Callable[..., RawServer]

if sys.version_info < (3, 11):
    # asyncio of Python 3.10 complains of TLS connections that the other side has ended, although they are closed.
    pytestmark = pytest.mark.filterwarnings("ignore:.*_SSLProtocolTransport:pytest.PytestUnraisableExceptionWarning")


@pytest.fixture
def ends() -> Iterator[ExitStack]:
    """What a test has to end."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def proxy(ends: ExitStack) -> RawProxy:
    """A proxy that tunnels."""
    return ends.enter_context(raw_proxy())


@pytest.mark.case("C5", "C15")
@pytest.mark.parametrize("reset", [False, True], ids=["fin", "rst"])
async def test_call_that_makes_a_version_is_sent_once_through_a_proxy(
    proxy: RawProxy, serve: Serve, connect: Any, reset: bool
) -> None:
    server = serve(lambda request, talk: talk.finish(reset=reset))
    with pytest.raises(ServiceResponseError) as caught:
        await connect(server, proxies={"https": proxy.url}).create_rsa_key("orders")
    assert [request.method for request in server.calls] == ["POST"]
    assert "proxy" not in str(caught.value).lower()


@pytest.mark.case("C15")
@pytest.mark.parametrize("reset", [False, True], ids=["fin", "rst"])
async def test_read_is_repeated_through_a_proxy(proxy: RawProxy, serve: Serve, connect: Any, reset: bool) -> None:
    def handler(request: Received, talk: Conversation) -> None:
        if len(talk.server.calls) == 1:
            talk.finish(reset=reset)
        else:
            talk.answer(talk.server.bundle())

    server = serve(handler)
    assert (await connect(server, proxies={"https": proxy.url}).get_key("orders")).name == "orders"
    assert len(server.calls) == 2


def silent(ends: ExitStack) -> str:
    listener = ends.enter_context(socket.create_server(("127.0.0.1", 0)))
    return f"127.0.0.1:{listener.getsockname()[1]}"


UNUSABLE: dict[str, Callable[[ExitStack], str]] = {
    "not-there": lambda ends: "http://127.0.0.1:1",
    "unknown": lambda ends: "http://no-such-proxy.invalid:8080",
    "refusing": lambda ends: ends.enter_context(raw_proxy("503 Too busy")).url,
    "wanting-a-password": lambda ends: ends.enter_context(raw_proxy("407 Who are you")).url,
    "without-tls": lambda ends: "https://" + ends.enter_context(raw_proxy()).address,
    "silent": lambda ends: "https://" + silent(ends),
}


class Tries(SansIOHTTPPolicy[Any, Any]):
    """Counts how often a call is tried."""

    def __init__(self) -> None:
        self.methods: list[str] = []

    def on_request(self, request: Any) -> None:
        self.methods.append(request.http_request.method)


@pytest.mark.case("C3")
@pytest.mark.parametrize("how", UNUSABLE)
async def test_call_that_a_proxy_has_kept_from_being_sent_is_tried_again(
    ends: ExitStack, serve: Serve, connect: Any, trust: ssl.SSLContext, how: str
) -> None:
    server, tries = serve(lambda request, talk: talk.answer(talk.server.bundle())), Tries()
    with KeyClient(server.url, StubCredential(Tokens()), connection_verify=trust) as client:
        client.get_key("orders")  # the vault is known by now: what is tried below is the call itself, not a probe
    client = connect(
        server,
        proxies={"https": UNUSABLE[how](ends)},
        per_retry_policies=[tries],
        retry_total=2,
        connection_timeout=0.5,
    )
    with pytest.raises(ServiceRequestError):
        await client.create_rsa_key("orders")
    assert tries.methods == ["POST"] * 3
    assert len(server.calls) == 1


@pytest.mark.case("I6")
async def test_refusal_of_a_proxy_is_named_without_its_password(ends: ExitStack, connect: Any) -> None:
    address = ends.enter_context(raw_proxy("503 Too busy")).address
    client = connect("https://localhost:1", proxies={"https": f"http://me:canary@{address}"}, retry_total=0)
    with pytest.raises(ServiceRequestError, match="Tunnel connection failed: 503 Too busy") as caught:
        await client.get_key("orders")
    assert "canary" not in "".join(traceback.format_exception(caught.value)) + repr(caught.value.inner_exception)
