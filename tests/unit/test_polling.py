"""Waiting for deletions and recoveries."""

from __future__ import annotations

import math
import time
from types import SimpleNamespace
from typing import Any, ClassVar, cast

import pytest
from azure.core.exceptions import (
    AzureError,
    HttpResponseError,
    ResourceNotFoundError,
    ServiceResponseTimeoutError,
)
from azure.core.polling import AsyncLROPoller, LROPoller
from fixtures.stub_vault import URL, Answer, Script, StubWorld, bundle
from fixtures.worlds import SYNC

from azure.keyvault.keys._continuation import PendingOperation
from azure.keyvault.keys._generated import operations
from azure.keyvault.keys._generated.models import DeletedKeyBundle
from azure.keyvault.keys._polling import AsyncKeyVaultPoller, KeyVaultPoller, Progress

DELETED = {**bundle(), "recoveryId": f"{URL}/deletedkeys/orders", "deletedDate": 1, "scheduledPurgeDate": 2}
NOT_YET = Answer(404, {"error": {"code": "KeyNotFound", "message": "not yet"}})
DONE = Answer(200, DELETED)


def forbidden(inner: str | None = None) -> Answer:
    error: dict[str, Any] = {"code": "Forbidden", "message": "no"}
    if inner:
        error["innererror"] = {"code": inner}
    return Answer(403, {"error": error})


@pytest.mark.case("N1", "N5")
async def test_delete_waits_for_as_long_as_it_takes(stub: StubWorld) -> None:
    script = Script([DONE, NOT_YET, NOT_YET, DONE])
    deleted = await stub.client(script).delete_key("orders", polling_interval=3)
    assert deleted.name == "orders"
    assert (script.slept, len(script.calls)) == ([3, 3], 4)
    assert [sent.url.partition("?")[0] for sent in script.calls[1:]] == [f"{URL}/deletedkeys/orders"] * 3


@pytest.mark.case("N4")
async def test_recovery_waits_for_the_key(stub: StubWorld) -> None:
    script = Script([Answer(200, bundle()), NOT_YET, Answer(200, bundle())])
    assert (await stub.client(script).recover_deleted_key("orders")).name == "orders"
    assert (script.slept, script.calls[1].url.partition("?")[0]) == ([0.25], f"{URL}/keys/orders")


@pytest.mark.case("N5")
async def test_pauses_grow_to_two_seconds(stub: StubWorld) -> None:
    script = Script([DONE, *[NOT_YET] * 6, DONE])
    await stub.client(script).delete_key("orders")
    assert script.slept == [0.25, 0.5, 1, 2, 2, 2]


@pytest.mark.case("N5")
async def test_vault_without_soft_delete_is_not_asked_again(stub: StubWorld) -> None:
    script = Script([Answer(200, bundle())])
    await stub.client(script).delete_key("orders")
    assert len(script.calls) == 1


@pytest.mark.case("N2")
async def test_caller_who_may_not_read_sees_the_end_in_the_refusal(stub: StubWorld) -> None:
    script = Script([DONE, NOT_YET, forbidden("ForbiddenByPolicy")])
    await stub.client(script).delete_key("orders")
    assert len(script.calls) == 3


@pytest.mark.case("N2")
@pytest.mark.parametrize(
    ("code", "text"), [("ForbiddenByFirewall", "network rules"), ("ForbiddenByConnection", "private endpoints")]
)
async def test_network_rules_are_not_taken_for_the_end(stub: StubWorld, code: str, text: str) -> None:
    script = Script([DONE, forbidden(code)])
    with pytest.raises(HttpResponseError, match=text):
        await stub.client(script).delete_key("orders")


@pytest.mark.case("N5")
@pytest.mark.parametrize("status", [400, 409, 500])
async def test_other_errors_surface(stub: StubWorld, status: int) -> None:
    script = Script([DONE, Answer(status, {"error": {"code": "Other", "message": "m"}})])
    with pytest.raises(HttpResponseError) as caught:
        await stub.client(script, retry_total=0).delete_key("orders")
    assert caught.value.status_code == status


async def test_poller_has_its_result_before_the_end_and_knows_its_state(stub: StubWorld) -> None:
    script = Script([DONE, NOT_YET, DONE])
    poller = await stub.client(script).begin_delete_key("orders")
    kind = AsyncLROPoller if stub.world.is_async else LROPoller
    assert isinstance(getattr(poller, "subject", poller), kind)
    assert (poller.done(), poller.status()) == (False, "polling")
    assert (await poller.result()).name == "orders"
    assert len(script.calls) == 1
    await poller.wait()
    assert (poller.done(), poller.status()) == (True, "finished")
    await poller.wait()
    assert len(script.calls) == 3


@pytest.mark.case("N5")
async def test_wait_with_no_time_looks_once(stub: StubWorld) -> None:
    script = Script([DONE, NOT_YET])
    poller = await stub.client(script).begin_delete_key("orders")
    await poller.wait(0)
    assert (poller.done(), len(script.calls), script.slept) == (False, 2, [])


@pytest.mark.case("C9", "N5")
@pytest.mark.parametrize("where", ["call", "client"])
async def test_timeout_bounds_the_whole_deletion(stub: StubWorld, where: str) -> None:
    class Sleeping(Script):
        """Sleeps in fact, for otherwise no time would pass."""

        def reply_to(self, request: Any, options: dict[str, Any]) -> Any:
            time.sleep(0.01)
            return super().reply_to(request, options)

    script = Sleeping([DONE, NOT_YET])
    client = stub.client(script, **({"timeout": 0.3} if where == "client" else {}))
    began = time.monotonic()
    with pytest.raises(AzureError, match="timeout ran out"):
        await client.delete_key("orders", polling_interval=0, **({"timeout": 0.3} if where == "call" else {}))
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("interval", [-1, "2"], ids=repr)
async def test_interval_that_makes_no_sense_is_refused_before_anything_is_sent(stub: StubWorld, interval: Any) -> None:
    script = Script()
    with pytest.raises((ValueError, TypeError), match="polling_interval"):
        await stub.client(script).delete_key("orders", polling_interval=interval)
    assert script.sent == []


async def test_missing_key_is_told_at_once(stub: StubWorld) -> None:
    with pytest.raises(ResourceNotFoundError):
        await stub.client(Script([NOT_YET])).begin_delete_key("orders")


@pytest.mark.case("N5")
async def test_awaiting_an_asynchronous_poller_waits_for_the_end() -> None:
    """A poller that is awaited is an operation that is awaited; its result() is there at once, as in the sync world."""

    class Connection:
        answers: ClassVar[list[Exception | None]] = [ResourceNotFoundError("not yet"), None]
        slept: ClassVar[list[float]] = []

        async def send(self, question: Any) -> None:
            if error := self.answers.pop(0):
                raise error

        async def sleep(self, seconds: float) -> None:
            self.slept.append(seconds)

    pending = PendingOperation(URL, operations.delete_key("orders"), DeletedKeyBundle())
    progress = Progress(pending, "the key", operations.get_deleted_key("orders"), 3)
    poller = AsyncKeyVaultPoller(cast(Any, Connection()), progress, {})
    assert (await poller.result(), poller.done()) == ("the key", False)
    assert (await poller, poller.done(), Connection.slept) == ("the key", True, [3])


@pytest.mark.case("N5")
async def test_wait_without_end_has_none(stub: StubWorld) -> None:
    poller = await stub.client(Script([DONE, NOT_YET, DONE])).begin_delete_key("orders")
    await poller.wait(math.inf)
    assert poller.done()
    with pytest.raises(ValueError, match="not NaN"):
        await (await stub.client(Script([DONE, NOT_YET])).begin_delete_key("orders")).wait(math.nan)


async def asked_with(stub: StubWorld, **wait: Any) -> list[dict[str, Any]]:
    """Return the options of a call under which a poller looks at a key."""
    seen: list[dict[str, Any]] = []

    class Connection:
        def send(self, operation: Any, **options: Any) -> Any:
            seen.append(options)

        async def send_async(self, operation: Any, **options: Any) -> Any:
            seen.append(options)

    connection: Any = Connection()
    if stub.world.is_async:
        connection.send = connection.send_async
    poller = (AsyncKeyVaultPoller if stub.world.is_async else KeyVaultPoller)(
        connection,
        Progress(PendingOperation(URL, operations.delete_key("orders"), cast(Any, None)), None, QUESTION, None),
        {"retry_total": 0},
    )
    ended = poller.wait(**wait)
    if ended is not None:
        await ended
    return seen


QUESTION = operations.get_deleted_key("orders")


@pytest.mark.case("N5", "C9")
async def test_look_ends_with_the_wait_that_it_is_for(stub: StubWorld) -> None:
    before = time.monotonic()
    (options,) = await asked_with(stub, timeout=5)
    assert before + 5 <= options.pop("keyvault_deadline") <= time.monotonic() + 5
    assert options == {"retry_total": 0}


@pytest.mark.case("N5")
@pytest.mark.parametrize("timeout", [None, 0], ids=["no limit", "one query"])
async def test_look_takes_as_long_as_the_call_where_the_wait_has_no_limit(
    stub: StubWorld, timeout: float | None
) -> None:
    assert await asked_with(stub, timeout=timeout) == [{"retry_total": 0}]


@pytest.mark.case("N5")
def test_removed_watcher_is_not_called_and_others_are() -> None:
    client = StubWorld(SYNC).client(Script([DONE])).subject
    poller = client.begin_delete_key("orders")
    called: list[str] = []

    def first(_: Any) -> None:
        called.append("first")

    def second(_: Any) -> None:
        called.append("second")

    for watcher in (first, second):
        poller.add_done_callback(watcher)
    poller.remove_done_callback(first)
    poller.wait()
    assert called == ["second"]


def test_time_since_the_start_is_reported_at_every_look() -> None:
    pending: Any = SimpleNamespace(finished=False)
    reported: list[float] = []
    before = time.monotonic()
    progress = Progress(pending, "result", operations.get_deleted_key("orders"), None, report=reported.append)
    progress.note(cast(HttpResponseError, ResourceNotFoundError("not yet")))
    progress.note(None)
    assert progress.finished
    assert len(reported) == 2
    assert 0 <= reported[0] <= reported[1] <= time.monotonic() - before


async def test_poller_goes_on_from_its_token(stub: StubWorld) -> None:
    poller = await stub.client(Script([DONE, NOT_YET])).begin_delete_key("orders")
    script = Script([DONE])
    other = await stub.client(script).begin_delete_key("orders", continuation_token=poller.continuation_token())
    assert (other.done(), (await other.result()).name) == (False, "orders")
    await other.wait()
    assert other.done()
    assert [sent.method for sent in script.calls] == ["GET"]


@pytest.mark.parametrize("recovers", [False, True], ids=["deletion", "recovery"])
async def test_repr_says_what_a_poller_waits_for_and_whether_it_has_finished(stub: StubWorld, recovers: bool) -> None:
    client = stub.client(Script([Answer(200, bundle()) if recovers else DONE]))
    poller = await (client.begin_recover_deleted_key("orders") if recovers else client.begin_delete_key("orders"))
    subject = getattr(poller, "subject", poller)
    what = f"{'recovery' if recovers else 'deletion'} of {(await poller.result()).id}"
    assert repr(subject) == f"<{type(subject).__name__} [{what}: polling]>"
    await poller.wait()
    assert repr(subject) == f"<{type(subject).__name__} [{what}: finished]>"


@pytest.mark.case("N5")
def test_watcher_of_a_finished_poller_is_called_at_once_and_cannot_be_removed() -> None:
    poller = StubWorld(SYNC).client(Script([DONE])).subject.begin_delete_key("orders")
    poller.wait()
    called: list[Any] = []
    poller.add_done_callback(called.append)
    assert called == [poller.polling_method()]
    with pytest.raises(ValueError, match="have been called"):
        poller.remove_done_callback(called.append)


def poller_whose_polls_time_out(stub: StubWorld, error: AzureError, **options: Any) -> Any:
    """Return a poller of a call with such options, and with a connection on which every poll times out."""

    class Connection:
        def send(self, operation: Any, **options: Any) -> None:
            raise error

    class AsyncConnection:
        async def send(self, operation: Any, **options: Any) -> None:
            raise error

    pending = PendingOperation(URL, operations.delete_key("orders"), DeletedKeyBundle())
    progress = Progress(pending, None, QUESTION, None)
    if stub.world.is_async:
        return AsyncKeyVaultPoller(cast(Any, AsyncConnection()), progress, options)
    return KeyVaultPoller(cast(Any, Connection()), progress, options)


async def wait_for(poller: Any, timeout: float | None) -> None:
    ended = poller.wait(timeout)
    if ended is not None:
        await ended


@pytest.mark.case("C9", "N5")
@pytest.mark.parametrize("timeout", [None, 0, 60], ids=repr)
async def test_poll_that_outlasts_the_call_ends_the_wait_and_says_that_the_vault_goes_on(
    stub: StubWorld, timeout: float | None
) -> None:
    late = ServiceResponseTimeoutError("late")
    poller = poller_whose_polls_time_out(stub, late, keyvault_deadline=time.monotonic() - 1)
    with pytest.raises(ServiceResponseTimeoutError, match="The vault goes on") as caught:
        await wait_for(poller, timeout)
    assert caught.value.__cause__ is late
    assert caught.value.continuation_token == poller.continuation_token()


@pytest.mark.case("C9", "N5")
@pytest.mark.parametrize("timeout", [None, 60], ids=repr)
@pytest.mark.parametrize("limited", [False, True], ids=["no limit", "limit"])
async def test_poll_that_times_out_by_itself_raises_its_own_error(
    stub: StubWorld, timeout: float | None, limited: bool
) -> None:
    late = ServiceResponseTimeoutError("late")
    options = {"keyvault_deadline": time.monotonic() + 60} if limited else {}
    with pytest.raises(ServiceResponseTimeoutError) as caught:
        await wait_for(poller_whose_polls_time_out(stub, late, **options), timeout)
    assert caught.value is late


@pytest.mark.case("N5")
async def test_poll_that_outlasts_only_its_wait_ends_the_wait_without_an_error(stub: StubWorld) -> None:
    poller = poller_whose_polls_time_out(stub, ServiceResponseTimeoutError("late"))
    await wait_for(poller, 0)
    assert not poller.done()
