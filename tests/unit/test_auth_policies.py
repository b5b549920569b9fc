"""The drivers of the authentication flow: threads, tasks, failures that are shared, credentials of either world."""

from __future__ import annotations

import asyncio
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    ServiceRequestError,
    ServiceRequestTimeoutError,
)
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
    challenged,
    read_challenge,
)

from azure.keyvault.keys import KeyClient
from azure.keyvault.keys._shared.auth.flight import for_another
from azure.keyvault.keys._shared.auth.policy import ChallengeAuthPolicy
from azure.keyvault.keys._shared.auth.policy_async import AsyncChallengeAuthPolicy
from azure.keyvault.keys._shared.fork import _renew_all
from azure.keyvault.keys.aio import KeyClient as AsyncKeyClient

CALLERS = 50


def in_threads(work: Any, count: int = CALLERS) -> list[Any]:
    """Run work in that many threads at once; return results and exceptions."""
    barrier = threading.Barrier(count)

    def one() -> Any:
        barrier.wait(10)
        try:
            return work()
        except Exception as error:
            return error

    with ThreadPoolExecutor(count) as pool:
        return [future.result(30) for future in [pool.submit(one) for _ in range(count)]]


class SlowTransport(StubTransport):
    """Takes long enough for all callers to arrive."""

    def send(self, request: Any, **options: Any) -> Any:
        if "Authorization" not in request.headers:
            time.sleep(0.05)
        return super().send(request, **options)


class SlowAsyncTransport(AsyncStubTransport):
    """Lets all other tasks run before it answers a probe."""

    async def send(self, request: Any, **options: Any) -> Any:
        if "Authorization" not in request.headers:
            await asyncio.sleep(0.01)
        return await super().send(request, **options)


class SlowCredential(StubCredential):
    def get_token(self, *scopes: str, **options: Any) -> Any:
        time.sleep(0.05)
        return super().get_token(*scopes, **options)


class SlowAsyncCredential(AsyncStubCredential):
    async def get_token(self, *scopes: str, **options: Any) -> Any:
        await asyncio.sleep(0.01)
        return await super().get_token(*scopes, **options)


def slow_client(script: Script, tokens: Tokens, **options: Any) -> KeyClient:
    return KeyClient(URL, SlowCredential(tokens), transport=SlowTransport(script), **options)


def slow_async_client(script: Script, tokens: Tokens, **options: Any) -> AsyncKeyClient:
    return AsyncKeyClient(URL, SlowAsyncCredential(tokens), transport=SlowAsyncTransport(script), **options)


@pytest.mark.case("D1")
def test_cold_start_of_50_threads_costs_one_probe_and_one_token() -> None:
    script, tokens = Script(), Tokens()
    client = slow_client(script, tokens)
    results = in_threads(lambda: client.get_key("orders").name)
    assert results == ["orders"] * CALLERS
    assert (len(script.probes), len(tokens.asked), len(script.calls)) == (1, 1, CALLERS)


@pytest.mark.case("D1")
async def test_cold_start_of_50_tasks_costs_one_probe_and_one_token() -> None:
    script, tokens = Script(), Tokens()
    client = slow_async_client(script, tokens)
    results = await asyncio.gather(*(client.get_key("orders") for _ in range(CALLERS)))
    assert [key.name for key in results] == ["orders"] * CALLERS
    assert (len(script.probes), len(tokens.asked), len(script.calls)) == (1, 1, CALLERS)


@pytest.mark.case("D3")
def test_refresh_under_load_of_threads_asks_once_and_fails_nobody() -> None:
    script, tokens = Script(), Tokens(lifetime=100)
    client = slow_client(script, tokens)
    client.get_key("orders")
    tokens.lifetime = 3600
    results = in_threads(lambda: client.get_key("orders").name)
    assert results == ["orders"] * CALLERS
    assert len(tokens.asked) == 2


@pytest.mark.case("D3")
async def test_refresh_under_load_of_tasks_asks_once_and_fails_nobody() -> None:
    script, tokens = Script(), Tokens(lifetime=100)
    client = slow_async_client(script, tokens)
    await client.get_key("orders")
    tokens.lifetime = 3600
    await asyncio.gather(*(client.get_key("orders") for _ in range(CALLERS)))
    assert len(tokens.asked) == 2


@pytest.mark.case("P21", "D3")
def test_threads_that_wait_share_a_token_that_expires_soon() -> None:
    script, tokens = Script(), Tokens(lifetime=20)
    client = slow_client(script, tokens)
    together = threading.Barrier(CALLERS)

    def call() -> str:
        together.wait(30)
        return client.get_key("orders").name

    assert in_threads(call) == ["orders"] * CALLERS
    assert len(tokens.asked) < CALLERS // 5  # a thread that begins late asks for itself


@pytest.mark.case("P21", "D3")
async def test_tasks_that_wait_share_a_token_that_expires_soon() -> None:
    script, tokens = Script(), Tokens(lifetime=20)
    client = slow_async_client(script, tokens)
    await asyncio.gather(*(client.get_key("orders") for _ in range(CALLERS)))
    assert len(tokens.asked) == 1


def revoked(sent: Any) -> Answer:
    """Refuse the first token, as a vault does that has been moved."""
    if sent.token == "token-1":
        return challenged('Bearer authorization="https://login.windows.net/two", resource="https://vault.azure.net"')
    return Answer(200, bundle())


@pytest.mark.case("D3", "D4")
def test_challenge_under_load_of_threads_is_answered_once() -> None:
    script, tokens = Script(), Tokens()
    client = slow_client(script, tokens)
    client.get_key("orders")
    script.replies = [revoked]
    results = in_threads(lambda: client.get_key("orders").name)
    assert results == ["orders"] * CALLERS
    assert len(tokens.asked) == 2


@pytest.mark.case("D3", "D4")
async def test_challenge_under_load_of_tasks_is_answered_once() -> None:
    script, tokens = Script(), Tokens()
    client = slow_async_client(script, tokens)
    await client.get_key("orders")
    script.replies = [revoked]
    await asyncio.gather(*(client.get_key("orders") for _ in range(CALLERS)))
    assert len(tokens.asked) == 2


def assert_shared(failure: Exception, results: list[Any]) -> None:
    """Every call has failed for the same reason, with an error of its own: a traceback tells of no other call."""
    assert {(type(result), str(result)) for result in results} == {(type(failure), str(failure))}
    assert len({id(result) for result in results}) == CALLERS
    for result in results:
        frames = [frame.f_code.co_name for frame, _ in traceback.walk_tb(result.__traceback__)]
        assert frames.count("get_key") == 1


@pytest.mark.case("D1", "A25")
def test_threads_that_wait_share_the_failure_of_the_credential() -> None:
    failure = ClientAuthenticationError(message="no such application")
    script, tokens = Script(), Tokens(failure=failure)
    client = slow_client(script, tokens)
    results = in_threads(lambda: client.get_key("orders"))
    assert_shared(failure, results)
    assert len(tokens.asked) < 5  # a thread may arrive after the first failure


@pytest.mark.case("D1", "A25")
async def test_tasks_that_wait_share_the_failure_of_the_credential() -> None:
    failure = ClientAuthenticationError(message="no such application")
    script, tokens = Script(), Tokens(failure=failure)
    client = slow_async_client(script, tokens)
    results = await asyncio.gather(*(client.get_key("orders") for _ in range(CALLERS)), return_exceptions=True)
    assert_shared(failure, results)
    assert len(tokens.asked) == 1


@pytest.mark.case("D1", "C12")
@pytest.mark.parametrize("status", [429, 503])
async def test_tasks_that_wait_for_a_vault_out_of_breath_come_back_together(status: int) -> None:
    script, tokens = Script([Answer(status), challenged(), Answer(200, bundle())], challenge=None), Tokens()
    client = slow_async_client(script, tokens)
    results = await asyncio.gather(*(client.get_key("orders") for _ in range(CALLERS)))
    assert {key.name for key in results} == {"orders"}
    assert (len(script.probes), len(tokens.asked)) == (2, 1)


@pytest.mark.case("D1", "C12")
def test_threads_that_wait_share_the_answer_of_a_vault_out_of_breath() -> None:
    script = Script([Answer(503, {"error": {"code": "Busy", "message": "later"}})], challenge=None)
    client = slow_client(script, Tokens())
    results = in_threads(lambda: client.get_key("orders", retry_total=0))
    assert {(type(result), result.status_code) for result in results} == {(HttpResponseError, 503)}
    assert all("Busy" in str(result) for result in results)
    assert len(script.probes) < 5  # a thread may arrive after the first answer


@pytest.mark.case("D1")
async def test_tasks_do_not_queue_up_behind_a_probe_that_is_no_challenge() -> None:
    """Each has to ask for itself then, but not one after the other."""
    script = Script(challenge=None, replies=[Answer(403, {"error": {"code": "Forbidden"}})])
    client = slow_async_client(script, Tokens())
    results = await asyncio.wait_for(
        asyncio.gather(*(client.get_key("orders") for _ in range(CALLERS)), return_exceptions=True), 0.4
    )
    assert {type(result).__name__ for result in results} == {"HttpResponseError"}


@pytest.mark.case("D12")
async def test_cancelling_the_task_that_leads_hands_over_to_another() -> None:
    script, tokens = Script(), Tokens()
    client = slow_async_client(script, tokens)
    leader, *others = [asyncio.ensure_future(client.get_key("orders")) for _ in range(5)]
    await asyncio.sleep(0)
    leader.cancel()
    results = await asyncio.gather(leader, *others, return_exceptions=True)
    assert isinstance(results[0], asyncio.CancelledError)
    assert [key.name for key in results[1:]] == ["orders"] * 4
    assert len(tokens.asked) == 1


@pytest.mark.case("D12")
@pytest.mark.parametrize("moment", ["probe", "token"])
async def test_cancelled_call_leaves_no_lock_behind(moment: str) -> None:
    script, tokens = Script(), Tokens()
    client = slow_async_client(script, tokens)
    call = asyncio.ensure_future(client.get_key("orders"))
    while not (script.probes if moment == "token" else True):
        await asyncio.sleep(0)
    await asyncio.sleep(0)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert (await asyncio.wait_for(client.get_key("orders"), 2)).name == "orders"


@pytest.mark.case("C9", "D12")
def test_thread_whose_call_runs_out_of_time_does_not_fail_the_others() -> None:
    """Its credential is slow; who has more time gets the token in the end."""
    script, started = Script(), threading.Event()

    class Waits(StubCredential):
        def get_token(self, *scopes: str, **options: Any) -> Any:
            first = not started.is_set()
            started.set()
            if first:
                time.sleep(0.2)
            return super().get_token(*scopes, **options)

    client = KeyClient(URL, Waits(Tokens()), transport=StubTransport(script))
    with ThreadPoolExecutor(2) as pool:
        hurried = pool.submit(client.get_key, "orders", timeout=0.05)
        started.wait(5)
        patient = pool.submit(client.get_key, "orders")
        with pytest.raises(ServiceRequestTimeoutError):
            hurried.result(5)
        assert patient.result(5).name == "orders"


@pytest.mark.case("C9", "D12")
async def test_task_whose_call_runs_out_of_time_does_not_fail_the_others() -> None:
    script, tokens = Script(), Tokens()

    class Waits(AsyncStubCredential):
        async def get_token(self, *scopes: str, **options: Any) -> Any:
            token = await super().get_token(*scopes, **options)
            await asyncio.sleep(0.2 if len(self.tokens.asked) == 1 else 0)
            return token

    client = AsyncKeyClient(URL, Waits(tokens), transport=AsyncStubTransport(script))
    hurried = asyncio.ensure_future(client.get_key("orders", timeout=0.02))
    await asyncio.sleep(0)
    patient = asyncio.ensure_future(client.get_key("orders"))
    with pytest.raises(ServiceRequestTimeoutError):
        await hurried
    assert (await patient).name == "orders"


@pytest.mark.case("D7")
def test_child_of_a_fork_does_not_wait_for_threads_that_are_not_there() -> None:
    """The locks are held as another thread would hold them at the moment of the fork."""
    script, entered, leave = Script(), threading.Event(), threading.Event()

    class Hangs(StubCredential):
        def get_token(self, *scopes: str, **options: Any) -> Any:
            if not entered.is_set():
                entered.set()
                leave.wait(10)
            return super().get_token(*scopes, **options)

    client = KeyClient(URL, Hangs(Tokens()), transport=StubTransport(script))
    stuck = threading.Thread(target=client.get_key, args=("orders",))
    stuck.start()
    entered.wait(5)
    client._connection._lock.current.acquire()
    _renew_all()
    assert client.get_key("orders").name == "orders"
    assert stuck.is_alive()
    leave.set()
    stuck.join()


@pytest.mark.case("A22")
def test_asynchronous_credential_is_refused_by_the_synchronous_client() -> None:
    with pytest.raises(TypeError, match=r"asynchronous: use it with azure\.keyvault\.keys\.aio"):
        KeyClient(URL, AsyncStubCredential(Tokens()))  # type: ignore[arg-type]


@pytest.mark.case("A22")
def test_asynchronous_credential_in_disguise_is_refused_when_it_is_asked() -> None:
    inner = AsyncStubCredential(Tokens())

    class Wrapper:
        def get_token(self, *scopes: str, **options: Any) -> Any:
            return inner.get_token(*scopes, **options)

    with pytest.raises(TypeError, match="Wrapper is asynchronous"):
        KeyClient(URL, Wrapper(), transport=StubTransport(Script())).get_key("orders")


@pytest.mark.case("A22")
async def test_synchronous_credential_serves_the_asyncio_client_at_first_and_at_expiry() -> None:
    script, tokens = Script(), Tokens(lifetime=10)
    threads: set[int] = set()

    class Noted(StubCredential):
        def get_token(self, *scopes: str, **options: Any) -> Any:
            threads.add(threading.get_ident())
            return super().get_token(*scopes, **options)

    client = AsyncKeyClient(URL, Noted(tokens), transport=AsyncStubTransport(script))  # type: ignore[arg-type]
    await client.get_key("orders")
    await client.get_key("orders")
    assert len(tokens.asked) == 2
    assert threading.get_ident() not in threads


@pytest.mark.case("A22")
async def test_asynchronous_credential_in_disguise_serves_the_asyncio_client() -> None:
    inner = AsyncStubCredential(Tokens())

    class Wrapper:
        def get_token(self, *scopes: str, **options: Any) -> Any:
            return inner.get_token(*scopes, **options)

    client = AsyncKeyClient(URL, Wrapper(), transport=AsyncStubTransport(Script()))  # type: ignore[arg-type]
    assert (await client.get_key("orders")).name == "orders"


@pytest.mark.case("A25")
@pytest.mark.parametrize("total", [0, 10], ids=["no-retries", "retries"])
async def test_failure_of_the_credential_is_not_retried(stub: StubWorld, total: int) -> None:
    failure = ServiceRequestError("the authority is down")
    script, tokens = Script(), Tokens(failure=failure)
    with pytest.raises(ServiceRequestError) as caught:
        await stub.client(script, tokens, retry_total=total).get_key("orders")
    assert caught.value is failure
    assert (len(tokens.asked), script.slept) == (1, [])


@pytest.mark.case("A18")
@pytest.mark.parametrize(
    "url",
    [r"https://demo.vault.azure.net\@evil.example/keys", "https://user@demo.vault.azure.net/keys",
     "https://demo.vault.azure.net\r\nX: y/keys", "https://demo.vault .azure.net/keys"],
    ids=["backslash", "user", "crlf", "blank"],
)  # fmt: skip
@pytest.mark.parametrize("policy", [ChallengeAuthPolicy, AsyncChallengeAuthPolicy], ids=["sync", "aio"])
async def test_request_whose_authority_is_ambiguous_is_refused_without_io(policy: Any, url: str) -> None:
    tokens = Tokens()
    request = HttpRequest("GET", URL)
    request.url = url

    async def send() -> None:
        await policy(StubCredential(tokens)).send(PipelineRequest(request, PipelineContext(None)))

    with pytest.raises(ValueError, match="holds"):
        await send()
    assert tokens.asked == []


@pytest.mark.case("B8", "B9")
@pytest.mark.parametrize("url", ["http://demo.vault.azure.net/keys", "httpsx://demo.vault.azure.net/keys"])
def test_request_that_is_not_https_gets_no_token(url: str) -> None:
    with pytest.raises(ServiceRequestError, match=url):
        ChallengeAuthPolicy(StubCredential(Tokens())).send(
            PipelineRequest(HttpRequest("GET", url), PipelineContext(None))
        )


@pytest.mark.case("A21")
async def test_token_is_of_the_form_that_credentials_have_returned_since_2024(stub: StubWorld) -> None:
    """get_token_info goes before get_token, and gets its options as a mapping."""
    tokens = Tokens()
    credential = stub.credential(tokens)
    asked: list[Any] = []

    if stub.world.is_async:

        async def get_token_info_async(*scopes: str, options: Any = None) -> Any:
            asked.append((scopes, options))
            return AccessToken("info", int(time.time()) + 3600)

        credential.get_token_info = get_token_info_async
    else:

        def get_token_info(*scopes: str, options: Any = None) -> Any:
            asked.append((scopes, options))
            return AccessToken("info", int(time.time()) + 3600)

        credential.get_token_info = get_token_info
    script = Script()
    await stub.client(script, credential=credential).get_key("orders")
    assert asked == [(("https://vault.azure.net/.default",), {"enable_cae": True, "tenant_id": "tenant-one"})]
    assert (tokens.asked, script.calls[0].token) == ([], "info")


async def test_streamed_request_reads_the_401_it_drops(stub: StubWorld) -> None:
    """Otherwise its connection would never come back."""
    refusal = challenged()
    read: list[bool] = []

    if stub.world.is_async:

        async def read_async() -> bytes:
            read.append(True)
            return b""

        refusal.read = read_async  # type: ignore[attr-defined]
    else:
        refusal.read = lambda: read.append(True)  # type: ignore[attr-defined]
    script = Script(challenge=refusal)
    response = await stub.client(script).send_request(HttpRequest("GET", "/keys"), stream=True)
    assert response.status_code == 200
    assert read == [True]


class Particular(Exception):
    """An error whose constructor does not take what it makes of it."""

    def __init__(self, why: str, *, code: int) -> None:
        super().__init__("Login failed: " + why)
        self.code = code


class Choosy(Exception):
    """An error that cannot be made of what it says."""

    def __new__(cls, *args: object) -> Choosy:
        if not args or not isinstance(args[0], int):
            raise ValueError("it takes a number")
        return super().__new__(cls, *args)

    def __init__(self, number: int) -> None:
        super().__init__(f"Login failed: {number}")


@pytest.mark.case("A25")
def test_failure_that_cannot_be_copied_is_shared_as_it_is() -> None:
    failure = Choosy(5)
    assert for_another(failure) is failure


@pytest.mark.case("I2")
def test_failure_that_is_shared_is_copied_without_being_made_anew() -> None:
    try:
        raise Particular("no", code=5)
    except Particular as error:
        failure = error
    own = for_another(failure)
    assert isinstance(own, Particular)
    assert (str(own), own.code, own.__traceback__) == ("Login failed: no", 5, None)
    assert failure.__traceback__ is not None


@pytest.mark.parametrize(
    ("method", "content", "streamed"),
    [("GET", None, True), ("GET", b"x", False), ("POST", b"x", False), ("DELETE", None, False)],
)
async def test_probe_is_streamed_only_when_its_response_could_be_the_callers(
    stub: StubWorld, method: str, content: bytes | None, streamed: bool
) -> None:
    script = Script(challenge=read_challenge())
    await stub.client(script).send_request(HttpRequest(method, "/keys/orders", content=content), stream=True)
    assert [bool(sent.options.get("stream")) for sent in script.sent] == [streamed, True]
