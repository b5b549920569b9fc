"""When a call's time is up, the work behind it ends: nothing is sent later, no socket stays open, threads are few."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import AzureError, ServiceRequestTimeoutError
from fixtures.stub_vault import StubWorld
from raw_server import Conversation, RawServer, Received, drip

Serve = Callable[..., RawServer]

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"


def flood(request: Received, talk: Conversation) -> None:
    while not talk.server.over.is_set():
        talk.say(b"HTTP/1.1 100 Continue\r\n\r\n" * 100)


def trickle(request: Received, talk: Conversation) -> None:
    talk.say(HEAD)
    drip(talk, b" " * 100_000, 0.01)


def trickling_head(request: Received, talk: Conversation) -> None:
    talk.say(b"HTTP/1.1 200 OK\r\n")
    drip(talk, b"X-A: b\r\n" * 10_000, 0.01)


ANSWERS = {"trickle": trickle, "trickling-head": trickling_head, "100-continue": flood}


_earlier: set[threading.Thread] = set()


@pytest.fixture(autouse=True)
def _threads_of_earlier_tests() -> None:
    """Leave out the threads that are there already, such as those of emulators for the whole run."""
    _earlier.clear()
    _earlier.update(threading.enumerate())


def own_threads() -> list[threading.Thread]:
    """Return the library's threads that have started since the test began."""
    return [
        thread for thread in threading.enumerate() if thread.name.startswith("keyvault-") and thread not in _earlier
    ]


def wait_until(condition: Callable[[], bool], seconds: float = 5) -> bool:
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)
    return condition()


async def known(server: RawServer, connect: Any) -> None:
    """Have this process know what the vault wants, so that the calls of a test begin with their requests."""
    server.handler, handler = (lambda request, talk: talk.answer(talk.server.bundle())), server.handler
    await connect(server).get_key("orders")
    server.handler = handler


async def all_of(stub: StubWorld, call: Callable[[], Any], times: int) -> list[Any]:
    """Make a call so often at the same time; return what each brought."""
    if stub.world.is_async:
        return await asyncio.gather(*(call() for _ in range(times)), return_exceptions=True)
    outcomes: list[Any] = []

    async def one() -> Any:
        return await call()

    def run() -> None:
        try:
            outcomes.append(asyncio.run(one()))
        except Exception as error:
            outcomes.append(error)

    threads = [threading.Thread(target=run) for _ in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    return outcomes


@pytest.mark.case("P8")
@pytest.mark.parametrize("how", ANSWERS)
async def test_no_thread_and_no_socket_outlives_a_call_whose_answer_does_not_end(
    serve: Serve, connect: Any, stub: StubWorld, how: str
) -> None:
    come: list[Received] = []
    gone: list[Received] = []

    def handler(request: Received, talk: Conversation) -> None:
        come.append(request)
        try:
            ANSWERS[how](request, talk)
        finally:
            gone.append(request)  # writing to the client fails

    server = serve(handler)
    client = connect(server, retry_total=0)
    await known(server, connect)
    outcomes = await all_of(stub, lambda: client.get_key("orders", timeout=0.3), 5)
    assert [isinstance(outcome, AzureError) for outcome in outcomes] == [True] * 5
    assert wait_until(lambda: own_threads() == [])  # the thread of a look-up ends a moment after it
    for _ in range(500):
        if len(gone) == len(come):
            break
        await asyncio.sleep(0.01)
    assert len(gone) == len(come) > 0


@pytest.fixture
def slow_names(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Have every look-up of a name wait until it is let go."""
    go = threading.Event()
    real = socket.getaddrinfo

    def look_up(host: Any, *args: Any, **options: Any) -> Any:
        if host == "localhost":
            go.wait(20)
        return real(host, *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    yield go
    go.set()


@pytest.mark.case("P8")
async def test_request_is_not_sent_when_its_host_is_found_too_late(
    serve: Serve, connect: Any, slow_names: threading.Event
) -> None:
    server = serve(lambda request, talk: talk.answer(talk.server.bundle()))
    client = connect(server, retry_total=0)
    with pytest.raises(AzureError):
        await client.create_rsa_key("orders", timeout=0.2)
    slow_names.set()
    assert wait_until(lambda: own_threads() == [])
    await asyncio.sleep(0.3)
    assert (server.received, server.connections) == ([], 0)


@pytest.mark.case("P8")
async def test_calls_for_a_name_that_hangs_wait_in_one_thread(
    serve: Serve, connect: Any, slow_names: threading.Event
) -> None:
    client = connect(serve(lambda request, talk: talk.answer(talk.server.bundle())), retry_total=0)
    for _ in range(20):
        with pytest.raises(AzureError):
            await client.get_key("orders", timeout=0.02)
    assert len(own_threads()) == 1
    slow_names.set()
    assert (await client.get_key("orders")).name == "orders"


class Hung:
    """A credential that answers when it is let go."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.asked = 0

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        self.asked += 1
        self.go.wait(20)
        return AccessToken("token", int(time.time()) + 3600)


@pytest.fixture
def hung() -> Iterator[Hung]:
    credential = Hung()
    yield credential
    credential.go.set()


@pytest.mark.case("P8")
async def test_calls_that_wait_for_a_hung_credential_cost_few_threads(serve: Serve, connect: Any, hung: Hung) -> None:
    server = serve(lambda request, talk: talk.answer(talk.server.bundle()))
    await known(server, connect)
    client = connect(server, credential=hung, retry_total=0)
    for _ in range(30):
        with pytest.raises(ServiceRequestTimeoutError):
            await client.create_rsa_key("orders", timeout=0.05)
    assert 0 < len(own_threads()) <= 4
    assert hung.asked <= 4
    hung.go.set()
    assert wait_until(lambda: own_threads() == [])
    assert hung.asked <= 4  # nobody waits for what was not begun
    assert [seen.method for seen in server.calls] == ["GET"]
    assert (await client.get_key("orders", timeout=10)).name == "orders"


@pytest.mark.case("P8")
async def test_hung_credential_takes_no_thread_of_the_event_loop(
    serve: Serve, connect: Any, stub: StubWorld, hung: Hung
) -> None:
    if not stub.world.is_async:
        pytest.skip("there is no event loop")
    server = serve(flood)
    await known(server, connect)
    clients = [connect(server, credential=hung, retry_total=0) for _ in range(10)]
    loop = asyncio.get_running_loop()
    begun = threading.Semaphore(0)
    for client in clients:
        with pytest.raises(ServiceRequestTimeoutError):
            await client.get_key("orders", timeout=0.05)
    for _ in range(3):
        await asyncio.wait_for(loop.run_in_executor(None, begun.release), 5)
    assert not [thread for thread in threading.enumerate() if "keyvault" in thread.name and not thread.daemon]


@pytest.mark.case("P8")
async def test_end_of_the_loop_does_not_wait_for_a_hung_credential(
    serve: Serve, connect: Any, stub: StubWorld, trust: Any, hung: Hung
) -> None:
    if not stub.world.is_async:
        pytest.skip("there is no event loop")
    from azure.keyvault.keys.aio import KeyClient

    server = serve(flood)
    await known(server, connect)

    async def call() -> None:
        async with KeyClient(server.url, hung, connection_verify=trust) as client:  # type: ignore[arg-type]
            await client.get_key("orders", timeout=0.1)

    def run() -> None:
        with pytest.raises(ServiceRequestTimeoutError):
            asyncio.run(call())

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(10)
    assert not thread.is_alive()
    assert not hung.go.is_set()


@pytest.mark.case("P8")
async def test_transport_of_the_callers_that_hangs_costs_few_threads(stub: StubWorld) -> None:
    if stub.world.is_async:
        pytest.skip("asyncio cancels it")
    from azure.core.pipeline.transport import RequestsTransport

    go = threading.Event()
    sent: list[str] = []

    class Hanging(RequestsTransport):  # type: ignore[misc]
        def send(self, request: Any, **options: Any) -> Any:
            sent.append(request.method)
            go.wait(20)
            raise AssertionError("nobody waits")

    client = stub.world.adapt(
        stub.world.KeyClient("https://localhost", stub.credential(stub_tokens()), transport=Hanging(), retry_total=0)
    )
    for _ in range(40):
        with pytest.raises(AzureError):
            await client.get_key("orders", timeout=0.01)
    assert len(own_threads()) <= 32
    assert len(sent) <= 32
    go.set()
    assert wait_until(lambda: own_threads() == [])
    assert len(sent) <= 32


def stub_tokens() -> Any:
    from fixtures.stub_vault import Tokens

    return Tokens()
