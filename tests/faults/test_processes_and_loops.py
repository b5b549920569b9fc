"""Clients that outlive a fork, an event loop, or their owner's attention."""

from __future__ import annotations

import asyncio
import gc
import ssl
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import pytest
from azure.core.exceptions import AzureError
from fixtures.stub_vault import AsyncStubCredential, StubCredential, Tokens
from fixtures.worlds import AIO
from raw_server import Conversation, RawServer, Received

from azure.keyvault.keys import KeyClient
from azure.keyvault.keys._shared.transport.transport import VaultTransport
from azure.keyvault.keys.aio import KeyClient as AsyncKeyClient

Serve = Callable[..., RawServer]


def obliging(request: Received, talk: Conversation) -> None:
    talk.answer(talk.server.bundle())


FORKING = """
import os, sys, time
from azure.core.credentials import AccessToken
from azure.keyvault.keys import KeyClient

class Credential:
    def get_token(self, *scopes, **options):
        return AccessToken("token", int(time.time()) + 3600)

client = KeyClient(sys.argv[1], Credential(), connection_verify=sys.argv[2])
client.get_key("parent")
child = os.fork()
if child == 0:
    client.get_key("child")
    client.get_key("child")
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
client.get_key("parent")
"""

FORKING_BETWEEN_LOOPS = """
import asyncio, os, sys, time
from azure.core.credentials import AccessToken
from azure.keyvault.keys.aio import KeyClient

class Credential:
    async def get_token(self, *scopes, **options):
        return AccessToken("token", int(time.time()) + 3600)

client = KeyClient(sys.argv[1], Credential(), connection_verify=sys.argv[2])

async def get(name, times):
    for _ in range(times):
        await client.get_key(name)
    if name == "child":
        await client.close()

asyncio.run(get("parent", 2))
child = os.fork()
if child == 0:
    asyncio.run(get("child", 2))
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
asyncio.run(client.close())
"""


@pytest.mark.case("D6")
@pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="this system has no fork")
@pytest.mark.parametrize("program", [FORKING, FORKING_BETWEEN_LOOPS], ids=["sync", "aio"])
def test_child_of_a_fork_connects_anew_and_has_its_own_identifiers(
    serve: Serve, bundle_path: str, program: str
) -> None:
    connection_of: dict[str, set[int]] = {}

    def handler(request: Received, talk: Conversation) -> None:
        name = request.head.split("/keys/")[1].split("?")[0]
        connection_of.setdefault(name, set()).add(id(talk))
        talk.answer(talk.server.bundle(name))

    server = serve(handler)
    subprocess.run([sys.executable, "-c", program, server.url, bundle_path], check=True, timeout=30)
    assert [len(connection_of["parent"]), len(connection_of["child"])] == [1, 1]
    assert connection_of["parent"].isdisjoint(connection_of["child"])
    identifiers = [seen.header("x-ms-client-request-id") for seen in server.calls]
    assert len(set(identifiers)) == len(identifiers) == 4


LOOPS = """
import asyncio, sys, time
from azure.core.credentials import AccessToken
from azure.keyvault.keys.aio import KeyClient

class Credential:
    async def get_token(self, *scopes, **options):
        return AccessToken("token", int(time.time()) + 3600)

client = KeyClient(sys.argv[1], Credential(), connection_verify=sys.argv[2])

async def call():
    return (await client.get_key("orders")).name

async def last():
    async with client:
        return await call()

assert [asyncio.run(call()), asyncio.run(call()), asyncio.run(last())] == ["orders"] * 3
"""


@pytest.mark.case("D9")
def test_client_outlives_the_loop_of_its_first_calls(serve: Serve, bundle_path: str) -> None:
    """In a process of its own: asyncio complains of the transports that its loops have left behind."""
    server = serve(obliging)
    subprocess.run([sys.executable, "-c", LOOPS, server.url, bundle_path], check=True, timeout=30)
    assert (len(server.calls), len(server.received), server.connections) == (3, 4, 3)


@pytest.mark.case("D9")
def test_client_in_two_loops_that_both_run_is_a_clear_error(serve: Serve, trust: ssl.SSLContext) -> None:
    server = serve(obliging)
    client = AsyncKeyClient(server.url, AsyncStubCredential(Tokens()), connection_verify=trust)
    entered, leave = threading.Event(), threading.Event()

    async def first() -> None:
        async with client:
            await client.get_key("orders")
            entered.set()
            await asyncio.to_thread(leave.wait, 10)
            await asyncio.sleep(0.02)

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(lambda: asyncio.run(first()))
        assert entered.wait(10)
        with pytest.raises(RuntimeError, match="create a client for each loop"):
            asyncio.run(client.get_key("orders"))
        leave.set()
        running.result(10)


@pytest.mark.case("D11")
def test_client_that_nobody_closed_says_so_itself(
    serve: Serve, trust: ssl.SSLContext, caplog: pytest.LogCaptureFixture
) -> None:
    server = serve(obliging)

    async def forget() -> None:
        client = AsyncKeyClient(server.url, AsyncStubCredential(Tokens()), connection_verify=trust)
        await client.get_key("orders")
        del client
        gc.collect()
        await asyncio.sleep(0.05)

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        asyncio.run(forget())
        gc.collect()
    messages = [str(warning.message) for warning in caught if warning.category is ResourceWarning]
    assert len(messages) == 1
    assert "azure.keyvault.keys" in messages[0]
    assert "async with" in messages[0]
    assert "Unclosed" not in caplog.text


@pytest.mark.case("D11")
async def test_client_that_was_closed_is_silent(serve: Serve, trust: ssl.SSLContext) -> None:
    client = AsyncKeyClient(serve(obliging).url, AsyncStubCredential(Tokens()), connection_verify=trust)
    async with client:
        await client.get_key("orders")
    del client
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        gc.collect()


@pytest.mark.case("D11")
def test_connection_that_was_given_up_ends_with_its_client(serve: Serve, trust: ssl.SSLContext) -> None:
    """The server hangs, so it does not answer the end of TLS either."""
    server = serve(lambda request, talk: talk.hang())

    async def give_up() -> None:
        async with AsyncKeyClient(server.url, AsyncStubCredential(Tokens()), connection_verify=trust) as client:
            with pytest.raises(AzureError):
                await client.get_key("orders", timeout=0.3)

    def give_up_in_place() -> None:
        client = KeyClient(server.url, StubCredential(Tokens()), connection_verify=trust)
        with client, pytest.raises(AzureError):
            client.get_key("orders", timeout=0.3)

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        asyncio.run(give_up())
        give_up_in_place()
        gc.collect()
    assert [str(warning.message) for warning in caught if warning.category is ResourceWarning] == []
    assert len(server.calls) == 2


@pytest.mark.case("D13")
def test_client_is_made_without_any_loop(trust: ssl.SSLContext) -> None:
    def make() -> AsyncKeyClient:
        return AsyncKeyClient("https://localhost:1", AsyncStubCredential(Tokens()), connection_verify=trust)

    with ThreadPoolExecutor(1) as pool:  # a thread has no loop, not even one that is not set
        client = pool.submit(make).result()
    assert client.vault_url == "https://localhost:1"
    asyncio.run(client.close())


@pytest.mark.case("D14")
async def test_client_is_closed_twice_and_not_used_afterwards(serve: Serve, connect: Any) -> None:
    server = serve(obliging)
    client = connect(server)
    await client.get_key("orders")
    await client.close()
    await client.close()
    with pytest.raises(ValueError, match="closed"):
        await client.get_key("orders")
    assert len(server.calls) == 1


@pytest.mark.case("D10")
async def test_pages_that_are_read_after_the_end_of_their_client_say_so(serve: Serve, connect: Any) -> None:
    def handler(request: Received, talk: Conversation) -> None:
        item = b'{"kid":"%b/keys/a"}' % talk.server.url.encode()
        talk.answer(b'{"value":[%b],"nextLink":"%b/keys?page=2"}' % (item, talk.server.url.encode()))

    async with connect(serve(handler)) as client:
        keys = client.list_properties_of_keys()
        assert (await keys.__anext__()).name == "a"
    with pytest.raises(ValueError, match="closed"):
        await keys.__anext__()


@pytest.mark.case("D1")
def test_50_threads_over_tls_share_probe_token_and_connections(serve: Serve, trust: ssl.SSLContext) -> None:
    server, tokens = serve(obliging), Tokens()
    barrier = threading.Barrier(50)
    with KeyClient(server.url, StubCredential(tokens), connection_verify=trust) as client:

        def call() -> str:
            barrier.wait(10)
            return client.get_key("orders").name

        with ThreadPoolExecutor(50) as pool:
            names = [future.result(30) for future in [pool.submit(call) for _ in range(50)]]
        before = server.connections
        for _ in range(10):
            client.get_key("orders")
    assert names == ["orders"] * 50
    assert (len(server.received) - len(server.calls), len(tokens.asked)) == (1, 1)
    assert server.connections == before <= 51


@pytest.mark.case("D1", "D6")
@pytest.mark.parametrize("forked", [False, True], ids=["first-use", "child-of-a-fork"])
def test_threads_that_call_first_have_a_connection_each(serve: Serve, trust: ssl.SSLContext, forked: bool) -> None:
    together = threading.Barrier(8)

    def handler(request: Received, talk: Conversation) -> None:
        if "/keys/orders" in request.head:
            together.wait(10)  # all of them are under way at the same time
        talk.answer(talk.server.bundle(request.head.split("/keys/")[1].split("?")[0]))

    server, transport = serve(handler), VaultTransport(connection_verify=trust)
    with closing(KeyClient(server.url, StubCredential(Tokens()), transport=transport, retry_total=0)) as client:
        client.get_key("first")
        before = server.connections
        if forked:
            transport.renew()  # as the child does
        with ThreadPoolExecutor(8) as pool:
            calls = [pool.submit(client.get_key, "orders") for _ in range(8)]
            outcomes = [call.exception(30) or call.result().name for call in calls]
        after = server.connections
        client.get_key("last")
    assert outcomes == ["orders"] * 8
    assert after - before == (8 if forked else 7)
    assert server.connections == after


@pytest.mark.case("D1")
async def test_50_tasks_over_tls_share_probe_token_and_connections(serve: Serve, trust: ssl.SSLContext) -> None:
    server, tokens = serve(obliging), Tokens()
    async with AsyncKeyClient(server.url, AsyncStubCredential(tokens), connection_verify=trust) as client:
        keys = await asyncio.gather(*(client.get_key("orders") for _ in range(50)))
    assert [key.name for key in keys] == ["orders"] * 50
    assert (len(server.received) - len(server.calls), len(tokens.asked)) == (1, 1)
    assert server.connections <= 51


# In asyncio only: threads are not cancelled.
@pytest.mark.case("C13", "D12")
@pytest.mark.parametrize("stub", [AIO], ids=["aio"], indirect=True)
async def test_cancelled_call_gives_its_connection_back_or_up(serve: Serve, connect: Any) -> None:
    def handler(request: Received, talk: Conversation) -> None:
        if "slow" in request.head:
            talk.hang(5)
        else:
            talk.answer(talk.server.bundle())

    client = connect(serve(handler))
    await client.get_key("orders")
    call = asyncio.ensure_future(client.get_key("slow"))
    await asyncio.sleep(0.05)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert (await client.get_key("orders")).name == "orders"
