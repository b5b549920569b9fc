"""Which failed calls are sent again, and when. Sleeping is what the transport's ``sleep`` is asked for."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from email.utils import formatdate
from typing import Any

import pytest
from azure.core.exceptions import (
    HttpResponseError,
    IncompleteReadError,
    ResourceExistsError,
    ServiceRequestError,
    ServiceResponseError,
)
from azure.core.pipeline.policies import SansIOHTTPPolicy
from azure.core.rest import HttpRequest
from fixtures.stub_vault import (
    REQUEST_ID,
    URL,
    Answer,
    AsyncStubCredential,
    AsyncStubTransport,
    Script,
    Streamed,
    StubCredential,
    StubTransport,
    StubWorld,
    Tokens,
    bundle,
    read_challenge,
)

from azure.keyvault.keys import KeyClient
from azure.keyvault.keys.aio import KeyClient as AsyncKeyClient

OK = Answer(200, bundle())
DIGEST = "AAAA"


async def read(client: Any) -> Any:
    return await client.get_key("orders")


async def sign(client: Any) -> Any:
    request = HttpRequest("POST", "/keys/orders/sign", json={"alg": "RS256", "value": DIGEST})
    response = await client.send_request(request, repeatable=True)
    if response.status_code >= 400:
        raise HttpResponseError(response=response)
    return response


async def create(client: Any) -> Any:
    return await client.create_rsa_key("orders")


async def rotate(client: Any) -> Any:
    return await client.rotate_key("orders")


async def import_key(client: Any) -> Any:
    from azure.keyvault.keys import JsonWebKey

    key = JsonWebKey(kty="oct", k=b"0123456789abcdef", key_ops=["encrypt"])
    return await client.import_key("orders", key)


async def restore(client: Any) -> Any:
    return await client.restore_key(b"backup")


HARMLESS = [pytest.param(read, id="read"), pytest.param(sign, id="sign")]
MAKERS = [
    pytest.param(create, id="create"),
    pytest.param(rotate, id="rotate"),
    pytest.param(import_key, id="import"),
    pytest.param(restore, id="restore"),
]


def failure(status: int = 503, **headers: str) -> Answer:
    return Answer(status, {"error": {"code": "Failure", "message": "An injected failure."}}, headers)


@pytest.mark.case("C1", "C2")
@pytest.mark.parametrize("call", HARMLESS)
@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
async def test_harmless_call_is_retried_with_growing_pauses(stub: StubWorld, call: Any, status: int) -> None:
    script = Script([failure(status)])
    with pytest.raises(HttpResponseError) as caught:
        await call(stub.client(script))
    assert caught.value.status_code == status
    assert len(script.calls) == 4
    for pause, base in zip(script.slept, (0.8, 1.6, 3.2), strict=True):
        assert base / 2 <= pause <= base


@pytest.mark.case("C1", "C4", "C15")
@pytest.mark.parametrize("call", HARMLESS)
async def test_harmless_call_succeeds_after_failures_of_every_kind(stub: StubWorld, call: Any) -> None:
    lost = [ServiceResponseError("reset"), IncompleteReadError("half"), ServiceRequestError("refused"), failure(429)]
    script = Script([*lost, OK])
    await call(stub.client(script))
    assert len(script.calls) == 5


@pytest.mark.case("C5")
@pytest.mark.parametrize("call", MAKERS)
@pytest.mark.parametrize(
    "reply",
    [failure(500), failure(502), failure(503), failure(408), ServiceResponseError("lost"), IncompleteReadError("half")],
    ids=["500", "502", "503", "408", "connection-lost", "half-an-answer"],
)
async def test_call_that_makes_a_version_is_not_repeated_blindly(stub: StubWorld, call: Any, reply: Any) -> None:
    script = Script([reply])
    with pytest.raises((HttpResponseError, ServiceResponseError)):
        await call(stub.client(script))
    assert (len(script.calls), script.slept) == (1, [])


@pytest.mark.case("C3", "C5")
@pytest.mark.parametrize("call", MAKERS)
@pytest.mark.parametrize("reply", [failure(429), ServiceRequestError("refused")], ids=["429", "not-connected"])
async def test_call_that_makes_a_version_is_repeated_when_it_was_not_processed(
    stub: StubWorld, call: Any, reply: Any
) -> None:
    script = Script([reply, OK])
    await call(stub.client(script))
    assert len(script.calls) == 2


@pytest.mark.case("A3", "C4")
@pytest.mark.parametrize("call", MAKERS)
async def test_probe_of_any_call_is_repeated_and_the_body_sent_in_the_end(stub: StubWorld, call: Any) -> None:
    class Once(Script):
        lost = False

        def reply_to(self, request: Any, options: dict[str, Any]) -> Any:
            found = super().reply_to(request, options)
            if not self.lost:
                self.lost = True
                raise ServiceResponseError("lost")
            return found

    script = Once()
    await call(stub.client(script))
    assert [sent.content for sent in script.probes] == [None, None]
    assert len(script.calls) == 1
    assert script.calls[0].content == script.sent[-1].content


@pytest.mark.case("C6")
@pytest.mark.parametrize("status", [400, 403, 404, 405, 409, 412, 501])
@pytest.mark.parametrize("call", [read, create], ids=["read", "create"])
async def test_refusal_is_not_retried_even_with_retry_after(stub: StubWorld, call: Any, status: int) -> None:
    script = Script([failure(status, **{"Retry-After": "0"})])
    with pytest.raises(HttpResponseError):
        await call(stub.client(script))
    assert (len(script.calls), script.slept) == (1, [])


def conflict(inner: str) -> Answer:
    return Answer(409, {"error": {"code": "Conflict", "message": "m", "innererror": {"code": inner}}})


PASSING = conflict("ObjectIsBeingDeleted")


@pytest.mark.case("C6")
@pytest.mark.parametrize("inner", ["ObjectIsBeingDeleted", "ObjectIsBeingRecovered"])
async def test_conflict_that_passes_is_retried(stub: StubWorld, inner: str) -> None:
    script = Script([conflict(inner), OK])
    await create(stub.client(script))
    assert len(script.calls) == 2


@pytest.mark.case("C6")
async def test_conflict_that_passes_is_waited_for_longer_than_a_failure(stub: StubWorld) -> None:
    script = Script([PASSING] * 10 + [OK])
    await create(stub.client(script))
    assert len(script.calls) == 11
    assert all(0.4 <= pause <= 4 for pause in script.slept)
    assert 15 <= sum(script.slept) <= 34


@pytest.mark.case("C6")
@pytest.mark.parametrize(
    ("options", "calls"),
    [({}, 11), ({"retry_total": 2}, 3), ({"retry_total": 0}, 1), ({"retry_status": 0}, 1)],
    ids=["default", "total", "no total", "no status"],
)
async def test_conflict_that_does_not_pass_is_raised_at_last(
    stub: StubWorld, options: dict[str, int], calls: int
) -> None:
    script = Script([PASSING])
    with pytest.raises(ResourceExistsError):
        await create(stub.client(script, **options))
    assert len(script.calls) == calls


@pytest.mark.case("C6")
async def test_conflict_that_passes_leaves_the_retries_of_failures(stub: StubWorld) -> None:
    script = Script([PASSING, failure(429), PASSING, failure(429), PASSING, failure(429), failure(429)])
    with pytest.raises(HttpResponseError) as caught:
        await create(stub.client(script))
    assert (len(script.calls), caught.value.status_code) == (7, 429)


@pytest.mark.case("C6", "E8")
@pytest.mark.parametrize(
    "body",
    [
        {"error": {"innererror": {"code": "ObjectIsDeletedButRecoverable"}}},
        {"error": None},
        [],
        b"<html>",
        b"[" * 99999,
    ],
    ids=["deleted", "null", "list", "html", "deep"],
)
async def test_other_conflict_is_not_retried(stub: StubWorld, body: Any) -> None:
    script = Script([Answer(409, body)])
    with pytest.raises(ResourceExistsError):
        await create(stub.client(script))
    assert len(script.calls) == 1


@pytest.mark.case("C8")
@pytest.mark.parametrize(
    ("headers", "pause"),
    [
        ({"Retry-After": "7"}, 7),
        ({"Retry-After": "0.5"}, 0.5),
        ({"Retry-After": "0"}, 0),
        ({"Retry-After": "-5"}, 0),
        ({"retry-after-ms": "250"}, 0.25),
        ({"x-ms-retry-after-ms": "1500"}, 1.5),
        ({"Retry-After": formatdate(0, usegmt=True)}, 0),
    ],
    ids=["seconds", "fraction", "zero", "negative", "ms", "x-ms", "date-in-the-past"],
)
async def test_retry_after_is_obeyed(stub: StubWorld, headers: dict[str, str], pause: float) -> None:
    script = Script([failure(429, **headers), OK])
    await read(stub.client(script))
    assert script.slept == [pause]


@pytest.mark.case("C8")
@pytest.mark.parametrize(
    "value", ["soon", "NaN", "", "9" * 400 + "x", "Mon, 99 Foo 2024 00:00:00 GMT", "\u0663", "1e"], ids=range(7)
)
async def test_retry_after_that_cannot_be_read_is_ignored(stub: StubWorld, value: str) -> None:
    script = Script([failure(503, **{"Retry-After": value}), OK])
    await read(stub.client(script))
    assert len(script.slept) == 1
    assert 0 <= script.slept[0] <= 3.0001


@pytest.mark.case("C7")
@pytest.mark.parametrize("value", ["99999", "inf", "1e300", formatdate(4e9, usegmt=True)], ids=range(4))
async def test_retry_after_beyond_patience_ends_the_call_and_is_told(stub: StubWorld, value: str) -> None:
    script = Script([failure(429, **{"Retry-After": value})])
    with pytest.raises(HttpResponseError) as caught:
        await read(stub.client(script))
    assert caught.value.response is not None
    assert caught.value.response.headers["Retry-After"] == value
    assert (len(script.calls), script.slept) == (1, [])


@pytest.mark.case("C7", "C9")
async def test_retry_after_beyond_the_timeout_ends_the_call(stub: StubWorld) -> None:
    script = Script([failure(429, **{"Retry-After": "60"})])
    with pytest.raises(HttpResponseError):
        await stub.client(script).get_key("orders", timeout=30)
    assert script.slept == []


@pytest.mark.case("C11")
async def test_every_try_has_the_same_body_and_identifier(stub: StubWorld) -> None:
    script = Script([failure(429), ServiceRequestError("refused"), OK])
    await stub.client(script).create_rsa_key("orders", tags={"a": "b"})
    bodies = {sent.content for sent in script.calls}
    identifiers = {sent.headers["x-ms-client-request-id"] for sent in script.sent}
    assert (len(script.calls), len(bodies), len(identifiers)) == (3, 1, 1)


@pytest.mark.case("C12")
async def test_pauses_of_many_clients_differ(stub: StubWorld) -> None:
    random.seed(12)
    pauses = set()
    for _ in range(20):
        script = Script([failure(429), OK])
        await read(stub.client(script))
        pauses.update(script.slept)
    assert len(pauses) == 20


@pytest.mark.case("C13", "D12")
async def test_cancelling_a_pause_ends_the_call_at_once_and_frees_everything() -> None:
    script = Script([failure(429), OK])
    pausing = asyncio.Event()

    class Endless(AsyncStubTransport):
        async def sleep(self, duration: float) -> None:
            pausing.set()
            await asyncio.Event().wait()

    client = AsyncKeyClient(URL, AsyncStubCredential(Tokens()), transport=Endless(script))
    call = asyncio.ensure_future(client.get_key("orders"))
    await pausing.wait()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert (await client.get_key("orders")).name == "orders"


@pytest.mark.case("C13")
def test_interrupting_a_pause_ends_the_call_at_once_and_frees_everything() -> None:
    script = Script([failure(429), OK])

    class Interrupted(StubTransport):
        def sleep(self, duration: float) -> None:
            raise KeyboardInterrupt

    client = KeyClient(URL, StubCredential(Tokens()), transport=Interrupted(script))
    with pytest.raises(KeyboardInterrupt):
        client.get_key("orders")
    assert client.get_key("orders").name == "orders"


@pytest.mark.case("C14")
@pytest.mark.parametrize("where", ["client", "call"])
async def test_no_retries_means_one_attempt(stub: StubWorld, where: str) -> None:
    script = Script([failure(429, **{"Retry-After": "0"})])
    client = stub.client(script, **({"retry_total": 0} if where == "client" else {}))
    with pytest.raises(HttpResponseError):
        await client.get_key("orders", **({"retry_total": 0} if where == "call" else {}))
    assert (len(script.calls), script.slept) == (1, [])


async def test_status_that_the_caller_adds_is_retried(stub: StubWorld) -> None:
    script = Script([failure(418), OK])
    await read(stub.client(script, retry_on_status_codes=[418]))
    assert len(script.calls) == 2


@pytest.mark.case("C1")
async def test_fixed_mode_pauses_alike(stub: StubWorld) -> None:
    script = Script([failure()])
    with pytest.raises(HttpResponseError):
        await read(stub.client(script, retry_mode="fixed", retry_backoff_factor=2))
    assert all(1 <= pause <= 2 for pause in script.slept)
    assert len(script.slept) == 3


@pytest.mark.case("C1")
async def test_pause_is_never_longer_than_the_caller_allows(stub: StubWorld) -> None:
    script = Script([failure()])
    with pytest.raises(HttpResponseError):
        await read(stub.client(script, retry_backoff_factor=100, retry_backoff_max=3))
    assert max(script.slept) <= 3


@pytest.mark.case("B17")
async def test_failure_of_certificate_is_not_retried(stub: StubWorld) -> None:
    error = ServiceRequestError("[SSL: CERTIFICATE_VERIFY_FAILED] self-signed certificate")
    script = Script([error])
    with pytest.raises(ServiceRequestError):
        await read(stub.client(script))
    assert (len(script.calls), script.slept) == (1, [])


@pytest.mark.case("C15")
async def test_error_names_the_request(stub: StubWorld) -> None:
    with pytest.raises(HttpResponseError) as caught:
        await read(stub.client(Script([failure(500)]), retry_total=0))
    assert caught.value.response is not None
    assert caught.value.response.headers["x-ms-request-id"] == REQUEST_ID


@pytest.fixture(autouse=True)
def _same_randomness_elsewhere() -> Iterator[None]:
    state = random.getstate()
    yield
    random.setstate(state)


@pytest.mark.case("C3")
async def test_failure_of_the_credential_is_not_retried_by_the_client(stub: StubWorld) -> None:
    script, tokens = Script(), Tokens(failure=ServiceRequestError("the authority is not reachable"))
    with pytest.raises(ServiceRequestError, match="the authority"):
        await stub.client(script, tokens).get_key("orders")
    assert (len(tokens.asked), script.calls, script.slept) == (1, [], [])


@pytest.mark.case("C16")
async def test_conflict_of_a_stream_is_left_to_the_caller(stub: StubWorld) -> None:
    script = Script([Answer(409, {"error": {"innererror": {"code": "ObjectIsBeingDeleted"}}}), OK], challenge=None)
    response = await stub.client(script).send_request(HttpRequest("GET", "/keys/orders"), stream=True)
    assert (response.status_code, len(script.sent)) == (409, 1)


async def test_retry_after_as_long_as_the_longest_pause_is_obeyed(stub: StubWorld) -> None:
    script = Script([Answer(503, None, {"Retry-After": "7"}), OK])
    await stub.client(script, retry_backoff_max=7).get_key("orders")
    assert script.slept == [7.0]


@pytest.mark.case("C9")
@pytest.mark.parametrize(("left", "tries"), [(5.0, 1), (5.1, 2)], ids=["all of it", "less"])
async def test_pause_that_takes_what_is_left_of_the_time_ends_the_call(
    stub: StubWorld, monkeypatch: pytest.MonkeyPatch, left: float, tries: int
) -> None:
    script = Script([Answer(503, None, {"Retry-After": "5"}), OK])
    monkeypatch.setattr("azure.keyvault.keys._shared.pipeline.retry.remaining", lambda context: left)
    client = stub.client(script)
    if tries == 1:
        with pytest.raises(HttpResponseError):
            await client.get_key("orders")
    else:
        await client.get_key("orders")
    assert len(script.calls) == tries


async def test_number_of_retries_is_noted_for_spans(stub: StubWorld) -> None:
    counts: list[int] = []

    class Watching(SansIOHTTPPolicy[Any, Any]):
        def on_request(self, request: Any) -> None:
            counts.append(request.context["retry_count"])

    await stub.client(Script([Answer(503), Answer(503), OK]), per_retry_policies=[Watching()]).get_key("orders")
    assert counts[-3:] == [0, 1, 2]


async def test_status_400_is_retried_where_the_caller_adds_it(stub: StubWorld) -> None:
    script = Script([Answer(400), OK])
    await stub.client(script, retry_on_status_codes=[400]).get_key("orders")
    assert len(script.calls) == 2


async def test_streamed_response_is_closed_before_the_next_try(stub: StubWorld) -> None:
    failed, last = Streamed(503), Streamed(200, bundle())
    await stub.client(Script([failed, last], read_challenge())).send_request(
        HttpRequest("GET", "/keys/orders"), stream=True
    )
    assert (failed.closed, last.closed) == (1, 0)


async def test_success_is_not_repeated_even_if_the_status_is_listed(stub: StubWorld) -> None:
    script = Script([OK])
    await stub.client(script, retry_on_status_codes=[200]).get_key("orders")
    assert len(script.calls) == 1


async def test_response_has_the_history_of_its_call(stub: StubWorld) -> None:
    histories: list[Any] = []

    class Watching(SansIOHTTPPolicy[Any, Any]):
        def on_response(self, request: Any, response: Any) -> None:
            histories.append(response.context.get("history"))

    await stub.client(Script([Answer(503), OK]), per_call_policies=[Watching()]).get_key("orders")
    ((failure,),) = histories
    assert failure.http_response.status_code == 503
