"""The options of a call: its hard limit, and what may be repeated."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

import pytest
from azure.core.exceptions import ServiceRequestTimeoutError, ServiceResponseTimeoutError
from azure.core.pipeline import PipelineContext, PipelineRequest
from azure.core.rest import HttpRequest
from fixtures.stub_vault import (
    URL,
    Answer,
    AsyncStubCredential,
    AsyncStubTransport,
    Script,
    StubCredential,
    StubTransport,
    StubWorld,
    Tokens,
    bundle,
)

from azure.keyvault.keys import KeyClient
from azure.keyvault.keys._shared.pipeline.call import (
    CallPolicy,
    asked_url,
    deadline_of,
    end_of,
    ending_by,
    has_terms_of_its_own,
    is_repeatable,
    remaining,
    with_deadline,
)
from azure.keyvault.keys._shared.pipeline.deadline_async import within_async
from azure.keyvault.keys._shared.workers import OutOfTime, Workers
from azure.keyvault.keys.aio import KeyClient as AsyncKeyClient


def after(policy: CallPolicy, method: str = "GET", **options: Any) -> PipelineContext:
    request = PipelineRequest(HttpRequest(method, URL), PipelineContext(None, **options))
    policy.on_request(request)
    return request.context


def test_call_without_timeout_has_no_limit() -> None:
    assert remaining(after(CallPolicy())) is None


@pytest.mark.case("C9")
@pytest.mark.parametrize(("default", "given", "expected"), [(None, 5, 5), (9, 5, 5), (9, None, None), (5, "none", 5)])
def test_timeout_of_the_call_goes_before_the_clients(default: Any, given: Any, expected: Any) -> None:
    options = {} if given == "none" else {"timeout": given}
    left = remaining(after(CallPolicy(default), **options))
    assert left == (None if expected is None else pytest.approx(expected, abs=0.5))


def test_options_of_this_library_do_not_reach_the_transport() -> None:
    context = after(CallPolicy(), timeout=5, repeatable=True, read_timeout=3)
    assert context.options == {"read_timeout": 3}


@pytest.mark.case("H8")
def test_deadline_is_not_moved_by_the_wall_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    context = after(CallPolicy(), timeout=5)
    monkeypatch.setattr(time, "time", lambda: 0.0)
    assert remaining(context) == pytest.approx(5, abs=0.5)


def test_time_that_is_up_is_nothing_and_never_less() -> None:
    assert remaining(after(CallPolicy(), timeout=-5)) == 0


@pytest.mark.case("C9")
def test_several_requests_share_the_time_of_one_call() -> None:
    options = with_deadline({"timeout": 5, "headers": {}}, 9)
    assert "timeout" not in options
    assert remaining(after(CallPolicy(99), **options)) == pytest.approx(5, abs=0.5)
    assert with_deadline(options, 1) == options
    assert remaining(after(CallPolicy(), **with_deadline({}, None))) is None


@pytest.mark.case("C5")
@pytest.mark.parametrize(
    ("method", "repeatable"),
    [("GET", True), ("HEAD", True), ("PUT", False), ("DELETE", True), ("POST", False), ("PATCH", False)],
)
def test_request_of_the_caller_is_repeatable_after_its_method(method: str, repeatable: bool) -> None:
    assert is_repeatable(after(CallPolicy(), method)) is repeatable
    assert is_repeatable(after(CallPolicy(), method, repeatable=not repeatable)) is not repeatable


@pytest.mark.case("C9")
@pytest.mark.parametrize(
    ("option", "own"),
    [
        ("timeout", True),
        ("connection_timeout", True),
        ("read_timeout", True),
        ("retry_total", True),
        ("headers", False),
    ],
)
def test_call_has_terms_of_its_own_when_it_says_how_long_or_how_often(option: str, own: bool) -> None:
    assert has_terms_of_its_own({"raw_request_hook": None, option: 1}) is own


@pytest.mark.case("C9")
async def test_slow_token_is_not_waited_for(stub: StubWorld) -> None:
    over = threading.Event()

    class Slow(StubCredential):
        def get_token(self, *scopes: str, **options: Any) -> Any:
            over.wait(5)
            return super().get_token(*scopes, **options)

    class AsyncSlow(AsyncStubCredential):
        async def get_token(self, *scopes: str, **options: Any) -> Any:
            await asyncio.sleep(5)

    credential = (AsyncSlow if stub.world.is_async else Slow)(Tokens())
    client = stub.client(Script(), credential=credential)
    began = time.monotonic()
    with pytest.raises(ServiceRequestTimeoutError, match="before the request was sent"):
        await client.get_key("orders", timeout=0.1)
    over.set()
    assert time.monotonic() - began < 2


@pytest.mark.case("C9")
async def test_slow_transport_of_the_caller_is_not_waited_for() -> None:
    over = threading.Event()

    class Slow(StubTransport):
        def send(self, request: Any, **options: Any) -> Any:
            over.wait(5)
            return super().send(request, **options)

    class AsyncSlow(AsyncStubTransport):
        async def send(self, request: Any, **options: Any) -> Any:
            await asyncio.sleep(5)

    began = time.monotonic()
    with pytest.raises(ServiceResponseTimeoutError, match="vault's answer"):
        KeyClient(URL, StubCredential(Tokens()), transport=Slow(Script())).get_key("orders", timeout=0.1)
    over.set()
    client = AsyncKeyClient(URL, AsyncStubCredential(Tokens()), transport=AsyncSlow(Script()))
    with pytest.raises((ServiceRequestTimeoutError, ServiceResponseTimeoutError), match="timeout ran out"):
        await client.get_key("orders", timeout=0.1)
    assert time.monotonic() - began < 2


@pytest.mark.case("C9")
async def test_transport_is_given_no_more_time_than_is_left(stub: StubWorld) -> None:
    script = Script()
    await stub.client(script).get_key("orders", timeout=7, read_timeout=3)
    for sent in script.sent:
        assert sent.options["connection_timeout"] <= 7
        assert sent.options["read_timeout"] == 3


@pytest.mark.case("C9")
async def test_call_without_time_sends_nothing(stub: StubWorld) -> None:
    script = Script()
    with pytest.raises(ServiceRequestTimeoutError):
        await stub.client(script).get_key("orders", timeout=0)
    assert script.sent == []


@pytest.mark.case("C9")
async def test_throttled_call_ends_before_its_time_is_up(stub: StubWorld) -> None:
    script = Script([Answer(429)])
    with pytest.raises(Exception, match="429"):
        await stub.client(script, retry_backoff_factor=10).get_key("orders", timeout=4)
    assert sum(script.slept) < 4


@pytest.mark.case("C13", "D12")
@pytest.mark.parametrize("turns", range(4))
async def test_cancellation_that_comes_as_the_work_is_done_is_not_lost(turns: int) -> None:
    ready = asyncio.Event()

    async def use() -> None:
        await within_async(60, ready.wait())
        await asyncio.Event().wait()  # of which nobody hears

    task = asyncio.ensure_future(use())
    await asyncio.sleep(0.01)
    ready.set()
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    ended, _ = await asyncio.wait([task], timeout=1)
    task.cancel()
    assert ended
    assert task.cancelled()


@pytest.mark.case("C13")
async def test_cancelled_call_with_a_limit_cancels_its_work() -> None:
    began, cleaned = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            cleaned.set()

    task = asyncio.ensure_future(within_async(60, work()))
    await began.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert cleaned.is_set()


def test_failure_of_work_under_a_limit_is_its_own() -> None:
    def fail() -> None:
        raise KeyError("its own")

    with pytest.raises(KeyError, match="its own"):
        Workers(1, "work").within(5, fail)
    with pytest.raises(OutOfTime):
        Workers(1, "work").within(0.01, lambda: time.sleep(0.1))
    assert Workers(1, "work").within(5, lambda: 5) == 5


async def test_failure_of_awaited_work_under_a_limit_is_its_own() -> None:
    async def fail() -> None:
        raise asyncio.TimeoutError("its own")

    with pytest.raises(asyncio.TimeoutError, match="its own"):
        await within_async(5, fail())
    with pytest.raises(OutOfTime):
        await within_async(0.01, asyncio.sleep(5))
    assert await within_async(5, asyncio.sleep(0, 5)) == 5


async def test_work_under_a_limit_sees_the_context_of_its_caller(stub: StubWorld) -> None:
    import contextvars

    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable")
    seen: list[str] = []

    def look(sent: Any) -> Answer:
        seen.append(variable.get())
        return Answer(200, bundle())

    variable.set("mine")
    await stub.client(Script([look])).get_key("orders", timeout=5)
    assert seen == ["mine"]


@pytest.mark.case("C9")
@pytest.mark.parametrize(
    ("timeout", "error"),
    [(True, TypeError), ("5", TypeError), (float("nan"), ValueError)],
    ids=["bool", "text", "nan"],
)
def test_timeout_that_is_no_number_is_refused_when_the_client_is_made(timeout: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="timeout must be a number of seconds"):
        CallPolicy(timeout)


@pytest.mark.case("C9")
def test_timeout_beyond_what_python_can_wait_for_is_none() -> None:
    longest = threading.TIMEOUT_MAX / 2
    assert end_of(longest) is None
    assert end_of(longest - 2048) is not None


@pytest.mark.case("C9")
def test_call_within_a_wait_ends_with_whichever_ends_first() -> None:
    own = with_deadline({"timeout": 5}, None)
    end = deadline_of(own)
    assert end is not None
    assert deadline_of(ending_by({}, end)) == end
    assert deadline_of(ending_by(own, end + 1)) == end
    assert deadline_of(ending_by(own, end - 1)) == end - 1
    assert ending_by({"headers": {}}, end)["headers"] == {}


def test_call_remembers_where_the_caller_has_sent_it() -> None:
    assert asked_url(after(CallPolicy())) == URL
    assert asked_url({}) is None


def test_options_that_nothing_reads_do_not_reach_the_transport() -> None:
    assert after(CallPolicy(), enforce_https=False, enable_cae=True, read_timeout=3).options == {"read_timeout": 3}
