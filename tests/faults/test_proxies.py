"""Connections through a proxy that are refused, or break."""

from __future__ import annotations

import socket
import ssl
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from importlib.util import find_spec
from typing import Any

import pytest
import trustme
from azure.core.exceptions import AzureError, ServiceRequestError, ServiceResponseError, ServiceResponseTimeoutError
from azure.core.pipeline.policies import SansIOHTTPPolicy
from fixtures.stub_vault import StubCredential, StubWorld, Tokens
from raw_proxy import RawProxy, raw_proxy
from raw_server import Conversation, RawServer, Received, accepting
from socks_proxy import socks_proxy

from azure.keyvault.keys import KeyClient

Serve = Callable[..., RawServer]

if sys.version_info < (3, 11):
    # asyncio of Python 3.10 complains of TLS connections that the other side has ended, although they are closed.
    pytestmark = pytest.mark.filterwarnings("ignore:.*_SSLProtocolTransport:pytest.PytestUnraisableExceptionWarning")


needs_pysocks = pytest.mark.skipif(find_spec("socks") is None, reason="PySocks is not installed")


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


def of_proxy(authority: trustme.CA) -> ssl.SSLContext:
    """The certificate of a proxy that speaks TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    return context


def bundle(request: Received, talk: Conversation) -> None:
    talk.answer(talk.server.bundle())


async def test_proxy_that_speaks_tls_is_used(
    ends: ExitStack, authority: trustme.CA, serve: Serve, connect: Any, stub: StubWorld
) -> None:
    if stub.world.is_async and sys.version_info < (3, 11):
        pytest.skip("asyncio of Python 3.10 has no TLS within TLS")
    proxy = ends.enter_context(raw_proxy(certificate=of_proxy(authority)))
    url = proxy.url.replace("127.0.0.1", "me:secret@localhost")
    client = connect(serve(bundle), proxies={"https": url})
    for _ in range(2):
        assert (await client.get_key("orders")).name == "orders"
    assert [head.partition(" ")[0] for head in proxy.heads] == ["CONNECT"]
    assert "Proxy-Authorization: Basic bWU6c2VjcmV0" in proxy.heads[0]


@pytest.mark.case("C9")
async def test_answer_that_trickles_in_through_a_proxy_that_speaks_tls_is_cut_off(
    ends: ExitStack, serve: Serve, connect: Any, authority: trustme.CA, stub: StubWorld
) -> None:
    """Each byte is a part of the vault's TLS record, of which nothing can be read before it is whole."""
    if stub.world.is_async and sys.version_info < (3, 11):
        pytest.skip("asyncio of Python 3.10 has no TLS within TLS")
    server = serve(lambda request, talk: talk.answer(talk.server.bundle()))
    proxy = ends.enter_context(raw_proxy(certificate=of_proxy(authority)))
    proxy.drips = lambda: bool(server.calls)
    client = connect(server, proxies={"https": proxy.url.replace("127.0.0.1", "localhost")}, retry_total=0)
    began = time.monotonic()
    with pytest.raises(ServiceResponseTimeoutError):
        await client.get_key("orders", timeout=1.5)
    assert time.monotonic() - began < 4


async def test_proxy_that_speaks_tls_needs_a_certificate_that_the_client_trusts(
    ends: ExitStack, serve: Serve, connect: Any
) -> None:
    server = serve(bundle)
    proxy = ends.enter_context(raw_proxy(certificate=of_proxy(trustme.CA())))
    client = connect(server, proxies={"https": proxy.url.replace("127.0.0.1", "localhost")}, retry_total=0)
    with pytest.raises(ServiceRequestError, match="CERTIFICATE_VERIFY_FAILED"):
        await client.get_key("orders")
    assert proxy.heads == []
    assert server.received == []


@needs_pysocks
@pytest.mark.parametrize("scheme", ["socks5", "socks5h"])
def test_socks_proxy_is_used_by_synchronous_clients(
    ends: ExitStack, serve: Serve, trust: ssl.SSLContext, scheme: str
) -> None:
    proxy = ends.enter_context(socks_proxy("me:secret"))
    proxies = {"https": f"{scheme}://me:secret@{proxy.address}"}
    server = serve(bundle)
    with KeyClient(server.url, StubCredential(Tokens()), connection_verify=trust, proxies=proxies) as client:
        assert client.get_key("orders").name == "orders"
        assert client.get_key("orders", timeout=5).name == "orders"
    asked = {target in ("127.0.0.1", "::1") for target in proxy.targets}
    assert asked == {scheme == "socks5"}  # whose clients look the name up, while "h" has the proxy do that


@needs_pysocks
def test_socks_proxy_is_taken_from_the_environment(
    ends: ExitStack, serve: Serve, trust: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = ends.enter_context(socks_proxy())
    for name in ("NO_PROXY", "no_proxy", "HTTPS_PROXY", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ALL_PROXY", f"socks5h://{proxy.address}")
    with KeyClient(serve(bundle).url, StubCredential(Tokens()), connection_verify=trust) as client:
        assert client.get_key("orders").name == "orders"
    assert proxy.targets == ["localhost"]


@needs_pysocks
def test_socks_proxy_that_refuses_the_password_is_an_error_without_it(ends: ExitStack, serve: Serve) -> None:
    proxy = ends.enter_context(socks_proxy("me:secret"))
    proxies, server = {"https": f"socks5h://me:canary@{proxy.address}"}, serve(bundle)
    with (
        KeyClient(server.url, StubCredential(Tokens()), proxies=proxies, retry_total=0) as client,
        pytest.raises(ServiceRequestError, match=r"through the proxy at 127\.0\.0\.1") as caught,
    ):
        client.get_key("orders")
    assert "canary" not in "".join(traceback.format_exception(caught.value)) + repr(caught.value.inner_exception)
    assert server.received == []


@needs_pysocks
def test_socks_proxy_that_is_silent_ends_with_the_call(ends: ExitStack) -> None:
    proxies = {"https": f"socks5h://{silent(ends)}"}
    with (
        KeyClient("https://localhost:1", StubCredential(Tokens()), proxies=proxies) as client,
        pytest.raises(ServiceRequestError),
    ):
        client.get_key("orders", timeout=0.5)


def test_socks_proxy_without_pysocks_is_an_error_that_names_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "socks", None)
    with (
        KeyClient("https://localhost:1", StubCredential(Tokens()), proxies={"https": "socks5://127.0.0.1:1"}) as client,
        pytest.raises(ValueError, match="pip install PySocks"),
    ):
        client.get_key("orders")


async def test_socks_proxy_is_refused_by_clients_for_asyncio(connect: Any, stub: StubWorld) -> None:
    if not stub.world.is_async:
        pytest.skip("synchronous clients use SOCKS proxies")
    client = connect("https://localhost:1", proxies={"https": "socks5://127.0.0.1:1"})
    with pytest.raises(ValueError, match="SOCKS"):
        await client.get_key("orders")


@needs_pysocks
@pytest.mark.case("C9")
@pytest.mark.parametrize("scheme", ["socks5", "socks5h", "socks4", "socks4a"])
def test_socks_proxy_that_trickles_is_given_up_in_time(ends: ExitStack, trust: ssl.SSLContext, scheme: str) -> None:
    """The longest greeting that one may send has 262 bytes."""
    over = threading.Event()

    def serve(sock: socket.socket) -> None:
        with suppress(OSError), sock:
            sock.recv(4096)
            for byte in b"\x05\x00\x05\x00\x00\x03\xff" + b"a" * 257 if scheme.startswith("socks5") else b"\x00Z" * 4:
                sock.sendall(bytes([byte]))
                over.wait(0.4)

    listener = ends.enter_context(socket.create_server(("127.0.0.1", 0)))
    ends.enter_context(accepting(listener, serve, over))
    proxies = {"https": f"{scheme}://127.0.0.1:{listener.getsockname()[1]}"}
    began = time.monotonic()
    with (
        KeyClient("https://localhost:1", StubCredential(Tokens()), proxies=proxies, connection_verify=trust) as client,
        pytest.raises(AzureError),
    ):
        client.get_key("orders", timeout=1, retry_total=0)
    assert time.monotonic() - began < 2.5
