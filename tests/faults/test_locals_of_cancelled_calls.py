"""What printers of the local variables in a traceback see of a call that was cancelled or interrupted: no secret."""

from __future__ import annotations

import asyncio
import base64
import signal
import threading
from collections.abc import Callable
from typing import Any

import pytest
from fixtures.printed_locals import printed_locals
from fixtures.stub_vault import StubWorld
from raw_server import Conversation, RawServer, Received

from azure.keyvault.keys import JsonWebKey

Serve = Callable[..., RawServer]

SECRET = b"canary-of-cancelled-calls" * 3
SENT = base64.urlsafe_b64encode(SECRET).decode()
TOKEN = "token-1"


class Interrupted(BaseException):
    """What a signal makes."""


def assert_hidden(error: BaseException) -> None:
    shown = printed_locals(error)
    assert not [secret for secret in (SECRET.decode(), SENT, TOKEN) if secret in shown]


@pytest.mark.case("P15", "D12")
@pytest.mark.parametrize("timeout", [None, 20], ids=["no-timeout", "timeout"])
async def test_cancelled_call_leaves_no_local_variables(
    serve: Serve, connect: Any, stub: StubWorld, timeout: float | None
) -> None:
    """A synchronous call is interrupted by a signal instead, which any debugger or supervisor may send."""
    asked = threading.Event()

    def handler(request: Received, talk: Conversation) -> None:
        asked.set()
        talk.hang()

    server = serve(handler)
    client = connect(server, retry_total=0)

    async def call() -> None:
        await client.import_key("orders", JsonWebKey(kty="oct", k=SECRET), timeout=timeout)

    with pytest.raises((asyncio.CancelledError, Interrupted)) as caught:
        await (cancelled if stub.world.is_async else interrupted)(call, asked)
    assert_hidden(caught.value)


async def cancelled(call: Callable[[], Any], asked: threading.Event) -> None:
    """Make a call in a task, and cancel it when it waits for its answer."""
    task = asyncio.ensure_future(call())
    await asyncio.to_thread(asked.wait, 20)
    task.cancel()
    await task


async def interrupted(call: Callable[[], Any], asked: threading.Event) -> None:
    """Make a call, and interrupt it when it waits for its answer."""

    def interrupt(*_: object) -> None:
        raise Interrupted

    def send_signal() -> None:
        asked.wait(20)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)

    before = signal.signal(signal.SIGUSR1, interrupt)
    sender = threading.Thread(target=send_signal, daemon=True)
    sender.start()
    try:
        await call()
    finally:
        sender.join()
        signal.signal(signal.SIGUSR1, before)
