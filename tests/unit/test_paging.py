"""Lists: what leads to the next page, and what does not."""

from __future__ import annotations

import tracemalloc
from typing import Any

import pytest
from azure.core.exceptions import DecodeError, HttpResponseError
from fixtures.stub_vault import URL, Answer, Script, StubWorld, Tokens

from azure.keyvault.keys._paging import _LoopGuard


def page(names: list[str], link: str | None = None) -> Answer:
    return Answer(200, {"value": [{"kid": f"{URL}/keys/{name}"} for name in names], "nextLink": link})


def link(number: Any) -> str:
    return f"{URL}/keys?api-version=7.6&$skiptoken={number}"


LISTS = {
    "keys": lambda client, **options: client.list_properties_of_keys(**options),
    "versions": lambda client, **options: client.list_properties_of_key_versions("orders", **options),
    "deleted": lambda client, **options: client.list_deleted_keys(**options),
}


async def names(items: Any) -> list[str]:
    return [item.name async for item in items]


@pytest.mark.parametrize("which", LISTS)
@pytest.mark.parametrize("end", [None, ""], ids=["null", "empty"])
async def test_all_pages_are_read_F1(stub: StubWorld, which: str, end: str | None) -> None:
    script = Script([page(["a", "b"], link(2)), page(["c"], link(3)), page(["d"], end)])
    assert await names(LISTS[which](stub.client(script))) == ["a", "b", "c", "d"]
    assert [sent.url for sent in script.calls[1:]] == [link(2), link(3)]
    assert {sent.method for sent in script.calls} == {"GET"}


async def test_empty_page_is_not_the_last_F2(stub: StubWorld) -> None:
    script = Script([page([], link(2)), page([], link(3)), page(["a"])])
    assert await names(stub.client(script).list_properties_of_keys()) == ["a"]


@pytest.mark.parametrize("body", [{}, {"value": None}, {"value": []}], ids=str)
async def test_page_without_items_is_an_empty_list_F2(stub: StubWorld, body: Any) -> None:
    assert await names(stub.client(Script([Answer(200, body)])).list_properties_of_keys()) == []


@pytest.mark.parametrize("circle", [1, 2, 7])
async def test_links_that_lead_in_a_circle_end_in_an_error_F3(stub: StubWorld, circle: int) -> None:
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


def test_guard_lets_a_million_different_links_pass_in_constant_memory_F6() -> None:
    guard = _LoopGuard()
    tracemalloc.start()
    try:
        for number in range(100_000):
            guard.follow(str(number))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 10_000


async def test_many_pages_need_the_memory_of_one_F6(stub: StubWorld) -> None:
    class Many(Script):
        def reply_to(self, request: Any, options: dict[str, Any]) -> Any:
            token = "Authorization" in request.headers
            number = int(request.url.partition("skiptoken=")[2] or 0)
            if not token:
                return self.challenge
            return page([f"key-{number}-{n}" for n in range(25)], link(number + 1) if number < 200 else None)

    client = stub.client(Many())
    seen = 0
    peaks = []
    tracemalloc.start()
    try:
        async for _ in client.list_properties_of_keys():
            seen += 1
            if seen in (1000, 5000):
                peaks.append(tracemalloc.get_traced_memory()[1])
                tracemalloc.reset_peak()
    finally:
        tracemalloc.stop()
    assert seen == 201 * 25
    assert peaks[1] < peaks[0] * 1.5


async def test_reading_may_end_early_F6(stub: StubWorld) -> None:
    script = Script([page(["a", "b"], link(2)), page(["c"])])
    async for item in stub.client(script).list_properties_of_keys():
        if item.name == "a":
            break
    assert len(script.calls) == 1


async def test_continuation_token_is_the_link_as_text_and_resumes_F4(stub: StubWorld) -> None:
    script = Script([page(["a"], link(2)), page(["b"])])
    client = stub.client(script)
    pages = client.list_properties_of_keys().by_page()
    assert [item.name async for item in await pages.__anext__()] == ["a"]
    token = pages.continuation_token
    assert token == link(2)
    resumed = client.list_properties_of_keys().by_page(token)
    assert [item.name async for item in await resumed.__anext__()] == ["b"]
    assert script.calls[-1].url == link(2)


@pytest.mark.parametrize(
    "token", ["https://evil.example/keys", "gASVBAAAAAAAAACMAWGULg==", "http://demo.vault.azure.net/"]
)
async def test_continuation_token_of_elsewhere_is_refused_without_io_F4_B2(stub: StubWorld, token: str) -> None:
    script, tokens = Script(), Tokens()
    pages = stub.client(script, tokens).list_properties_of_keys().by_page(token)
    with pytest.raises(ValueError, match="link to the next page"):
        await pages.__anext__()
    assert (script.sent, tokens.asked) == ([], [])


@pytest.mark.parametrize(
    "target", ["https://evil.example/keys", "https://unknown.vault.azure.net/keys", "http://demo.vault.azure.net/keys"]
)
async def test_link_of_the_service_to_elsewhere_is_refused_without_io_B2_B3_B8(stub: StubWorld, target: str) -> None:
    script, tokens = Script([page(["a"], target)]), Tokens()
    with pytest.raises(DecodeError, match="leads to another origin"):
        await names(stub.client(script, tokens).list_properties_of_keys())
    assert (len(script.sent), len(tokens.asked)) == (2, 1)


async def test_link_with_the_port_spelled_out_costs_no_second_probe_A26(stub: StubWorld) -> None:
    target = f"{URL}:443/keys?api-version=7.0&$skiptoken=eyJO&maxresults=2"
    script, tokens = Script([page(["a"], target), page(["b"])]), Tokens()
    assert await names(stub.client(script, tokens).list_properties_of_keys()) == ["a", "b"]
    assert (script.calls[1].url, len(script.probes), len(tokens.asked)) == (target, 1, 1)


async def test_link_is_sent_unchanged_F7(stub: StubWorld) -> None:
    target = f"{URL}/keys?api-version=7.0&$skiptoken=a%2Fb+c%20%C3%A9"
    script = Script([page(["a"], target), page(["b"])])
    await names(stub.client(script).list_properties_of_keys())
    assert script.calls[1].url == target


@pytest.mark.parametrize("which", LISTS)
async def test_page_size_is_sent_F5(stub: StubWorld, which: str) -> None:
    script = Script([page(["a"])])
    await names(LISTS[which](stub.client(script), max_page_size=26))
    assert script.calls[0].url.endswith("&maxresults=25")


async def test_failure_of_a_page_tells_where_to_go_on_F4(stub: StubWorld) -> None:
    script = Script([page(["a"], link(2)), Answer(403, {"error": {"code": "Forbidden"}})])
    with pytest.raises(HttpResponseError) as caught:
        await names(stub.client(script).list_properties_of_keys())
    assert caught.value.continuation_token == link(2)
