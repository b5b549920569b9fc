"""A transport or session that the caller brings sends each request once, too. Counted at the socket."""

from __future__ import annotations

import asyncio
import gc
import sys
import warnings
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import pytest
import requests
from azure.core.exceptions import HttpResponseError, ServiceRequestError, ServiceResponseError
from azure.core.pipeline.transport import AioHttpTransport, AsyncHttpTransport, HttpTransport, RequestsTransport
from azure.core.rest import HttpRequest
from fixtures.stub_vault import StubCredential, StubWorld, Tokens
from fixtures.worlds import SYNC
from raw_server import Conversation, RawServer, Received
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from azure.keyvault.keys import JsonWebKey

Serve = Callable[..., RawServer]
METHODS = ["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "POST", "PATCH"]

if sys.version_info < (3, 11):
    # asyncio of Python 3.10 complains of TLS connections that the other side has ended, although they are closed.
    pytestmark = pytest.mark.filterwarnings("ignore:.*_SSLProtocolTransport:pytest.PytestUnraisableExceptionWarning")


class Wrapping(HttpTransport):  # type: ignore[type-arg]
    """A caller's own class around a transport of azure-core's."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def send(self, request: Any, **options: Any) -> Any:
        return self._inner.send(request, **options)

    def open(self) -> None:
        self._inner.open()

    def close(self) -> None:
        self._inner.close()

    def __exit__(self, *exc_info: object) -> None:
        self.close()


class AsyncWrapping(AsyncHttpTransport):  # type: ignore[type-arg]
    """The same for asyncio."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    async def send(self, request: Any, **options: Any) -> Any:
        return await self._inner.send(request, **options)

    async def open(self) -> None:
        await self._inner.open()

    async def close(self) -> None:
        await self._inner.close()

    async def __aexit__(self, *exc_info: object) -> None:
        await self.close()


class Bring:
    """Makes what callers bring, and closes it after the test."""

    def __init__(self, stub: StubWorld, bundle: str) -> None:
        self._is_async = stub.world.is_async
        self._bundle = bundle
        self._sessions: list[Any] = []
        self.seen: list[str] = []

    def session(self) -> Any:
        """Return a session; that of aiohttp has a middleware of the caller's."""

        async def note(request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
            self.seen.append(request.method)
            return await send(request)

        session: Any = aiohttp.ClientSession(middlewares=(note,)) if self._is_async else requests.Session()
        self._sessions.append(session)
        return session

    def transport(self, **options: Any) -> Any:
        """Return a transport of azure-core's."""
        kind: Any = AioHttpTransport if self._is_async else RequestsTransport
        return kind(connection_verify=self._bundle, **options)

    def options(self, what: str) -> dict[str, Any]:
        """Return the options of a client to which the caller brings something."""
        if what == "session":
            return {"session": self.session(), "session_owner": False, "connection_verify": self._bundle}
        if what == "transport":
            return {"transport": self.transport()}
        transport = self.transport(session=self.session(), session_owner=False)
        if what == "transport with a session":
            return {"transport": transport}
        return {"transport": AsyncWrapping(transport) if self._is_async else Wrapping(transport)}

    async def close(self) -> None:
        """Close the sessions."""
        for session in self._sessions:
            closing = session.close()
            if closing is not None:
                await closing
        if self._is_async:
            await asyncio.sleep(0.02)
        # http.client leaves the reader of a connection that was reset open, and whichever of it and its socket is
        # collected first decides whether Python complains of the latter.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            gc.collect()


@pytest.fixture
async def bring(stub: StubWorld, bundle_path: str) -> AsyncIterator[Bring]:
    """What callers bring."""
    found = Bring(stub, bundle_path)
    yield found
    await found.close()


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
@pytest.mark.parametrize("what", ["session", "transport", "transport with a session"])
@pytest.mark.parametrize("method", METHODS)
async def test_request_without_retries_is_sent_once_whatever_its_method(
    serve: Serve, connect: Any, bring: Bring, what: str, method: str, reset: bool
) -> None:
    server = serve(dropping(1, reset=reset))
    client = connect(server, retry_total=0, **bring.options(what))
    await client.get_key("orders")
    body = {} if method in ("GET", "HEAD", "OPTIONS", "DELETE") else {"json": {"key": {}}}
    with pytest.raises(ServiceResponseError):
        await client.send_request(HttpRequest(method, "keys/orders", **body))
    assert [seen.method for seen in server.calls] == ["GET", method]


@pytest.mark.case("P1", "C5")
@pytest.mark.parametrize("reset", [False, True], ids=["fin", "rst"])
@pytest.mark.parametrize("what", ["session", "transport", "transport with a session"])
async def test_import_whose_answer_is_lost_is_not_sent_again(
    serve: Serve, connect: Any, bring: Bring, what: str, reset: bool
) -> None:
    server = serve(dropping(1, reset=reset))
    client = connect(server, **bring.options(what))  # with the usual retries
    await client.get_key("orders")
    with pytest.raises(ServiceResponseError):
        await client.import_key("orders", JsonWebKey(kty="oct", k=b"0123456789abcdef"))
    assert [seen.method for seen in server.calls] == ["GET", "PUT"]


@pytest.mark.case("P1", "C5")
@pytest.mark.parametrize("reset", [False, True], ids=["fin", "rst"])
async def test_creation_whose_answer_is_lost_is_not_sent_again_through_a_transport_of_another_class(
    serve: Serve, connect: Any, bring: Bring, reset: bool
) -> None:
    """azure-core's transport calls the failure one of a request that was not sent, and nobody stands between."""
    server = serve(dropping(1, reset=reset))
    client = connect(server, **bring.options("transport of another class"))
    await client.get_key("orders")
    with pytest.raises((ServiceRequestError, ServiceResponseError)):
        await client.create_rsa_key("orders")
    assert [seen.method for seen in server.calls] == ["GET", "POST"]


@pytest.mark.case("P1", "C3")
@pytest.mark.parametrize("what", ["transport", "transport with a session", "transport of another class"])
async def test_creation_is_tried_again_while_there_is_no_connection(
    serve: Serve, connect: Any, bring: Bring, stub: StubWorld, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    refusals = 0
    server = serve(lambda request, talk: talk.answer(talk.server.bundle()))
    options = bring.options(what)
    inner = getattr(options["transport"], "_inner", options["transport"])
    sending = inner.send
    elsewhere = "https://127.0.0.1:9/keys"  # nobody listens there

    def send(request: Any, **given: Any) -> Any:
        nonlocal refusals
        if request.method == "POST" and refusals < 2 and "Authorization" in request.headers:
            refusals += 1
            return sending(HttpRequest("POST", elsewhere, content=b"{}"), **given)
        return sending(request, **given)

    monkeypatch.setattr(inner, "send", send)
    assert (await connect(server, **options).create_rsa_key("orders")).name == "orders"
    assert (refusals, len(server.calls)) == (2, 1)


async def test_middlewares_of_the_callers_session_still_see_each_request(
    serve: Serve, connect: Any, bring: Bring, stub: StubWorld
) -> None:
    if not stub.world.is_async:
        pytest.skip("requests has no middlewares")
    server = serve(lambda request, talk: talk.answer(talk.server.bundle()))
    await connect(server, **bring.options("transport with a session")).get_key("orders")
    assert bring.seen == ["GET", "GET"]  # the probe and the call


REPEATING: dict[str, Any] = {
    "a number": 3,
    "everything": Retry(3, allowed_methods=None),
    "what was lost": Retry(connect=0, read=2),
    "other failures": Retry(connect=0, read=0, other=2),
    "statuses": Retry(0, status=2, status_forcelist=[503], allowed_methods=["PUT"], read=False).new(total=5),
}


@pytest.mark.case("P1", "C5")
@pytest.mark.parametrize("how", ["session", "transport"])
@pytest.mark.parametrize("retries", REPEATING)
async def test_session_with_retries_of_its_own_sends_an_import_once(
    serve: Serve, connect: Any, stub: StubWorld, bundle_path: str, retries: str, how: str
) -> None:
    if stub.world.is_async:
        pytest.skip("a session of requests is for the sync clients")

    def handler(request: Received, talk: Conversation) -> None:
        if request.method == "PUT" and retries == "statuses":
            talk.answer(b"{}", status=503)
        elif request.method == "PUT":
            talk.finish(reset=False)
        else:
            talk.answer(talk.server.bundle())

    server = serve(handler)
    with requests.Session() as session:
        own = Adapter(max_retries=REPEATING[retries])
        session.mount("https://", own)
        options: dict[str, Any] = {"session": session, "session_owner": False, "connection_verify": bundle_path}
        if how == "transport":
            options = {"transport": RequestsTransport(**options)}
        client = connect(server, retry_total=0, **options)
        await client.get_key("orders")
        with pytest.raises((ServiceResponseError, HttpResponseError)):
            await client.import_key("orders", JsonWebKey(kty="oct", k=b"0123456789abcdef"))
        assert [seen.method for seen in server.calls] == ["GET", "PUT"]
        assert session.get_adapter("https://elsewhere.example/") is own
        assert own.sent == 0
        mounted = session.get_adapter(f"{server.url}/keys")
        assert isinstance(mounted, Adapter)
        assert mounted.poolmanager is own.poolmanager


class Adapter(HTTPAdapter):
    """An adapter of the caller's, with state of its own."""

    sent = 0

    def send(self, *args: Any, **kwargs: Any) -> Any:
        self.sent += 1
        return super().send(*args, **kwargs)


@pytest.mark.case("P1", "C5")
@pytest.mark.parametrize("path", ["", "/", "/keys", "/keys/"])
def test_session_with_an_adapter_for_the_vault_alone_does_not_repeat(path: str) -> None:
    url = "https://vault.example"
    with requests.Session() as session:
        for mounted in ("https://", url.upper() + path, "https://vault.example.elsewhere/"):
            session.mount(mounted, HTTPAdapter(max_retries=3))
        SYNC.KeyClient(url, StubCredential(Tokens()), transport=RequestsTransport(session=session))
        adapters = [session.get_adapter(f"{url}/{asked}") for asked in ("", "keys/orders", "deletedkeys/orders")]
        assert [adapter.max_retries.total for adapter in adapters] == [0, 0, 0]
        assert session.get_adapter("https://vault.example.elsewhere/keys").max_retries.total == 3


@pytest.mark.case("P1")
@pytest.mark.parametrize("retries", [0, Retry(False)], ids=["nothing", "not at all"])
def test_session_without_retries_keeps_its_adapter(stub: StubWorld, retries: Any) -> None:
    with requests.Session() as session:
        own = HTTPAdapter(max_retries=retries)
        session.mount("https://", own)
        transport = RequestsTransport(session=session)
        stub.world.KeyClient("https://vault.example", stub.credential(Tokens()), transport=transport)
        assert session.get_adapter("https://vault.example/keys") is own
