"""Lists: what leads to the next page, and what does not."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import threading
import time
import tracemalloc
from statistics import median
from typing import Any

import pytest
from azure.core.exceptions import AzureError, DecodeError, HttpResponseError, ResourceNotFoundError
from fixtures.stub_vault import URL, Answer, Script, StubWorld, Tokens, bundle

from azure.keyvault.keys._generated.models import KeyBundle, KeyItem
from azure.keyvault.keys._generated.operations import Operation
from azure.keyvault.keys._paging import _AT_ONCE, LoopGuard, whole_keys, whole_keys_async


def page(names: list[str], link: str | None = None) -> Answer:
    return Answer(200, {"value": [{"kid": f"{URL}/keys/{name}"} for name in names], "nextLink": link})


def whole(url: str) -> Answer:
    """Return the key that a request asks for."""
    return Answer(200, bundle(url.partition("/keys/")[2].partition("?")[0].strip("/")))


def link(number: Any) -> str:
    return f"{URL}/keys?api-version=7.6&$skiptoken={number}"


LISTS = {
    "keys": lambda client, **options: client.list_properties_of_keys(**options),
    "versions": lambda client, **options: client.list_properties_of_key_versions("a", **options),
    "deleted": lambda client, **options: client.list_deleted_keys(**options),
}


async def names(items: Any) -> list[str]:
    return [item.name async for item in items]


@pytest.mark.case("F1")
@pytest.mark.parametrize("which", LISTS)
@pytest.mark.parametrize("end", [None, ""], ids=["null", "empty"])
async def test_all_pages_are_read(stub: StubWorld, which: str, end: str | None) -> None:
    found = ["a"] * 4 if which == "versions" else ["a", "b", "c", "d"]
    script = Script([page(found[:2], link(2)), page(found[2:3], link(3)), page(found[3:], end)])
    assert await names(LISTS[which](stub.client(script))) == found
    assert [sent.url for sent in script.calls[1:]] == [link(2), link(3)]
    assert {sent.method for sent in script.calls} == {"GET"}


@pytest.mark.case("F2")
async def test_empty_page_is_not_the_last(stub: StubWorld) -> None:
    script = Script([page([], link(2)), page([], link(3)), page(["a"])])
    assert await names(stub.client(script).list_properties_of_keys()) == ["a"]


@pytest.mark.case("F2")
@pytest.mark.parametrize("body", [{}, {"value": None}, {"value": []}], ids=str)
async def test_page_without_items_is_an_empty_list(stub: StubWorld, body: Any) -> None:
    assert await names(stub.client(Script([Answer(200, body)])).list_properties_of_keys()) == []


@pytest.mark.case("F3")
@pytest.mark.parametrize("circle", [1, 2, 7])
async def test_links_that_lead_in_a_circle_end_in_an_error(stub: StubWorld, circle: int) -> None:
    class Endless(Script):
        def reply_to(self, request: Any, options: dict[str, Any]) -> Any:
            super().reply_to(request, options)
            return (
                self.challenge if "Authorization" not in request.headers else page(["a"], link(len(self.sent) % circle))
            )

    script = Endless()
    with pytest.raises(DecodeError, match="leads in a circle"):
        await names(stub.client(script).list_properties_of_keys())
    assert len(script.calls) < 4 * circle + 4


@pytest.mark.case("F6")
def test_guard_lets_many_different_links_pass_in_constant_memory() -> None:
    guard = LoopGuard()
    tracemalloc.start()
    try:
        for number in range(100_000):
            guard.follow(str(number))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # The links would take more than five million bytes. Other threads may allocate a little meanwhile.
    assert peak < 500_000


@pytest.mark.case("F6")
@pytest.mark.parametrize("expand", [False, True], ids=["properties", "whole keys"])
async def test_many_pages_need_the_memory_of_one(stub: StubWorld, expand: bool) -> None:
    class Many(Script):
        def reply_to(self, request: Any, options: dict[str, Any]) -> Any:
            token = "Authorization" in request.headers
            number = int(request.url.partition("skiptoken=")[2] or 0)
            if not token:
                return self.challenge
            if "/keys/" in request.url:
                return whole(request.url)
            return page([f"key-{number}-{n}" for n in range(25)], link(number + 1) if number < 100 else None)

    script = Many()
    client = stub.client(script)
    seen = 0
    peaks = []
    gc.freeze()  # collecting looks at nothing older than this
    tracemalloc.start()
    try:
        async for _ in client.list_properties_of_keys(expand=expand):
            seen += 1
            if seen % 25 == 0:
                script.calls.clear()
                gc.collect()  # or it would be a matter of luck which of the peaks has the garbage of more pages
                peaks.append(tracemalloc.get_traced_memory()[1])
                tracemalloc.reset_peak()
    finally:
        tracemalloc.stop()
        gc.unfreeze()
    assert seen == 101 * 25
    # Caches of a bounded size fill up meanwhile, with about 1 kB for a page. Its items would be 5 kB at least.
    # Medians, as a thread that falls behind may hold a page for a moment.
    assert median(peaks[-20:]) - median(peaks[:20]) < 80 * 5_000


@pytest.mark.case("F6")
async def test_reading_may_end_early(stub: StubWorld) -> None:
    script = Script([page(["a", "b"], link(2)), page(["c"])])
    async for item in stub.client(script).list_properties_of_keys():
        if item.name == "a":
            break
    assert len(script.calls) == 1


@pytest.mark.case("F4")
async def test_continuation_token_is_the_link_as_text_and_resumes(stub: StubWorld) -> None:
    script = Script([page(["a"], link(2)), page(["b"])])
    client = stub.client(script)
    pages = client.list_properties_of_keys().by_page()
    assert [item.name async for item in await pages.__anext__()] == ["a"]
    token = pages.continuation_token
    assert token == link(2)
    resumed = client.list_properties_of_keys().by_page(token)
    assert [item.name async for item in await resumed.__anext__()] == ["b"]
    assert script.calls[-1].url == link(2)


@pytest.mark.case("F4", "B2")
@pytest.mark.parametrize(
    "token", ["https://evil.example/keys", "gASVBAAAAAAAAACMAWGULg==", "http://demo.vault.azure.net/"]
)
async def test_continuation_token_of_elsewhere_is_refused_without_io(stub: StubWorld, token: str) -> None:
    script, tokens = Script(), Tokens()
    pages = stub.client(script, tokens).list_properties_of_keys().by_page(token)
    with pytest.raises(ValueError, match="link to the next page"):
        await pages.__anext__()
    assert (script.sent, tokens.asked) == ([], [])


@pytest.mark.case("B2", "B3", "B8")
@pytest.mark.parametrize(
    "target", ["https://evil.example/keys", "https://unknown.vault.azure.net/keys", "http://demo.vault.azure.net/keys"]
)
async def test_link_of_the_service_to_elsewhere_is_refused_without_io(stub: StubWorld, target: str) -> None:
    script, tokens = Script([page(["a"], target)]), Tokens()
    with pytest.raises(DecodeError, match="leads to another origin"):
        await names(stub.client(script, tokens).list_properties_of_keys())
    assert (len(script.sent), len(tokens.asked)) == (2, 1)


@pytest.mark.case("A26")
async def test_link_with_the_port_spelled_out_costs_no_second_probe(stub: StubWorld) -> None:
    target = f"{URL}:443/keys?api-version=7.0&$skiptoken=eyJO&maxresults=2"
    script, tokens = Script([page(["a"], target), page(["b"])]), Tokens()
    assert await names(stub.client(script, tokens).list_properties_of_keys()) == ["a", "b"]
    assert (script.calls[1].url, len(script.probes), len(tokens.asked)) == (target, 1, 1)


@pytest.mark.case("F7")
async def test_link_is_sent_unchanged(stub: StubWorld) -> None:
    target = f"{URL}/keys?api-version=7.0&$skiptoken=a%2Fb+c%20%C3%A9"
    script = Script([page(["a"], target), page(["b"])])
    await names(stub.client(script).list_properties_of_keys())
    assert script.calls[1].url == target


@pytest.mark.case("F5")
@pytest.mark.parametrize("which", LISTS)
async def test_page_size_is_sent(stub: StubWorld, which: str) -> None:
    script = Script([page(["a"])])
    await names(LISTS[which](stub.client(script), max_page_size=26))
    assert script.calls[0].url.endswith("&maxresults=25")


@pytest.mark.case("F4")
async def test_failure_of_a_page_tells_where_to_go_on(stub: StubWorld) -> None:
    script = Script([page(["a"], link(2)), Answer(403, {"error": {"code": "Forbidden"}})])
    with pytest.raises(HttpResponseError) as caught:
        await names(stub.client(script).list_properties_of_keys())
    assert caught.value.continuation_token == link(2)


ITEMS = [KeyItem(kid=f"{URL}/keys/key-{number}") for number in range(2 * _AT_ONCE)]
PATHS = [f"/keys/key-{number}" for number in range(2 * _AT_ONCE)]
REQUEST = contextvars.ContextVar("REQUEST", default="none")


class Crowd:
    """Answers when as many ask as may at a time, and with what was asked; knows how many that were at most."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._barrier = threading.Barrier(_AT_ONCE)
        self._full = asyncio.Event()
        self._inside = 0
        self.most = 0

    def _enter(self) -> None:
        with self._lock:
            self._inside += 1
            self.most = max(self.most, self._inside)

    def _leave(self) -> None:
        with self._lock:
            self._inside -= 1

    def send(self, operation: Operation[KeyBundle]) -> Any:
        self._enter()
        self._barrier.wait(timeout=30)
        self._leave()
        return operation.path

    async def send_async(self, operation: Operation[KeyBundle]) -> Any:
        self._enter()
        if self._inside == _AT_ONCE:
            self._full.set()
        await asyncio.wait_for(self._full.wait(), timeout=30)
        self._leave()
        return operation.path


async def test_whole_keys_are_asked_for_a_few_at_a_time_and_come_in_order(stub: StubWorld) -> None:
    crowd = Crowd()
    if stub.world.is_async:
        found: list[Any] = await whole_keys_async(crowd.send_async, ITEMS)
    else:
        found = list(whole_keys(crowd.send, ITEMS))
    assert (found, crowd.most) == (PATHS, _AT_ONCE)


async def test_whole_keys_are_asked_for_in_the_context_of_the_caller(stub: StubWorld) -> None:
    """So that spans have their parent, and log records what an application adds to them."""
    seen: set[str] = set()

    def send(operation: Operation[KeyBundle]) -> Any:
        seen.add(REQUEST.get())
        return operation.path

    async def send_async(operation: Operation[KeyBundle]) -> Any:
        return send(operation)

    token = REQUEST.set("mine")
    await whole_keys_async(send_async, ITEMS) if stub.world.is_async else whole_keys(send, ITEMS)
    REQUEST.reset(token)
    assert seen == {"mine"}


@pytest.mark.parametrize("error", [HttpResponseError("no"), KeyboardInterrupt()], ids=["refusal", "interrupt"])
def test_whole_keys_after_an_error_asks_for_no_more_and_ends_its_threads(error: BaseException) -> None:
    asked: list[str] = []
    go = threading.Event()

    def send(operation: Operation[KeyBundle]) -> Any:
        asked.append(operation.path)
        if operation.path == PATHS[0]:
            raise error
        go.wait(0.2)  # the others are on their way while it is told
        return operation.path

    with pytest.raises(type(error)):
        whole_keys(send, ITEMS)
    assert len(asked) < len(ITEMS)
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("keyvault-list")] == []


async def test_whole_keys_after_an_error_cancels_its_tasks() -> None:
    cancelled: list[str] = []

    async def send(operation: Operation[KeyBundle]) -> Any:
        if operation.path == PATHS[0]:
            await asyncio.sleep(0)
            raise HttpResponseError("no")
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(operation.path)
            raise

    with pytest.raises(HttpResponseError):
        await whole_keys_async(send, ITEMS)
    # Those that have begun by then are told, and no other begins.
    assert set(cancelled) <= set(PATHS[1 : _AT_ONCE + 1])
    assert len(cancelled) >= _AT_ONCE - 1
    assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.mark.case("D12")
async def test_whole_keys_that_are_cancelled_cancel_their_tasks() -> None:
    begun = asyncio.Event()

    async def send(operation: Operation[KeyBundle]) -> Any:
        begun.set()
        await asyncio.Event().wait()

    waiting = asyncio.ensure_future(whole_keys_async(send, ITEMS))
    await begun.wait()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_whole_keys_without_those_that_are_gone(stub: StubWorld) -> None:
    def send(operation: Operation[KeyBundle]) -> Any:
        if operation.path in PATHS[2:5]:
            raise ResourceNotFoundError("gone")
        return operation.path

    async def send_async(operation: Operation[KeyBundle]) -> Any:
        return send(operation)

    found: list[Any] = (
        await whole_keys_async(send_async, ITEMS) if stub.world.is_async else list(whole_keys(send, ITEMS))
    )
    assert found == PATHS[:2] + PATHS[5:]


async def test_whole_keys_of_an_empty_page_ask_nothing(stub: StubWorld) -> None:
    script = Script([page([])])
    assert await names(stub.client(script).list_keys(expand=True)) == []
    assert len(script.calls) == 1


@pytest.mark.case("C9")
async def test_timeout_bounds_a_page_with_its_keys(stub: StubWorld) -> None:
    class Slow(Script):
        def reply_to(self, request: Any, options: dict[str, Any]) -> Any:
            answer = super().reply_to(request, options)
            if "/keys/" in request.url:
                time.sleep(0.1)  # four times, one after another: the page has more keys than are asked for at a time
            return answer

    script = Slow([page([f"key-{number}" for number in range(25)]), lambda sent: whole(sent.url)])
    with pytest.raises(AzureError, match="timeout ran out"):
        await names(stub.client(script).list_keys(expand=True, timeout=0.25))
