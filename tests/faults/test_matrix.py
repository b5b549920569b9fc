"""Every operation meets every fault, in both worlds. It ends in the right result or in a documented error, and makes
nothing twice; no connection and no thread is alive afterwards. It prints what came of each combination with
``pytest -m slow tests/faults/test_matrix.py -s -n0``.
"""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from azure.core.exceptions import AzureError
from fixtures.worlds import listed
from raw_server import VERSION, Conversation, RawServer, Received, reset_when_closed

from azure.keyvault.keys import JsonWebKey, KeyRotationPolicy
from azure.keyvault.keys._shared.auth.challenge import ChallengeError

Call = Callable[[Any], Any]
BLOB = "AAECAwQFBgcICQoLDA0ODw"


def crypto(client: Any) -> Any:
    return client.get_cryptography_client("orders", key_version=VERSION, execution="remote")


#: Operations that may be sent again when nobody knows what has come of them.
REPEATABLE: dict[str, Call] = {
    "get_key": lambda client: client.get_key("orders"),
    "get_deleted_key": lambda client: client.get_deleted_key("orders"),
    "get_key_attestation": lambda client: client.get_key_attestation("orders"),
    "get_key_rotation_policy": lambda client: client.get_key_rotation_policy("orders"),
    "get_random_bytes": lambda client: client.get_random_bytes(16),
    "list_keys": lambda client: listed(client.list_keys()),
    "list_key_versions": lambda client: listed(client.list_key_versions("orders")),
    "list_deleted_keys": lambda client: listed(client.list_deleted_keys()),
    "backup_key": lambda client: client.backup_key("orders"),
    "release_key": lambda client: client.release_key("orders", "token"),
    "encrypt": lambda client: crypto(client).encrypt("RSA-OAEP", b"x"),
    "decrypt": lambda client: crypto(client).decrypt("RSA-OAEP", b"x"),
    "wrap_key": lambda client: crypto(client).wrap_key("RSA-OAEP", b"x"),
    "unwrap_key": lambda client: crypto(client).unwrap_key("RSA-OAEP", b"x"),
    "sign": lambda client: crypto(client).sign("RS256", bytes(32)),
    "verify": lambda client: crypto(client).verify("RS256", bytes(32), b"x"),
}
#: Operations that make or change something, sent again only when they were certainly not processed.
ONCE: dict[str, Call] = {
    "create_key": lambda client: client.create_key("orders", "RSA"),
    "import_key": lambda client: client.import_key("orders", JsonWebKey(kty="oct", k=bytes(16))),
    "rotate_key": lambda client: client.rotate_key("orders"),
    "restore_key": lambda client: client.restore_key(b"backup"),
    "begin_delete_key": lambda client: client.begin_delete_key("orders"),
    "begin_recover_deleted_key": lambda client: client.begin_recover_deleted_key("orders"),
    "purge_deleted_key": lambda client: client.purge_deleted_key("orders"),
}
#: Operations that change something in the same way however often they are sent.
CHANGING: dict[str, Call] = {
    "update_key_properties": lambda client: client.update_key_properties("orders", enabled=True),
    "update_key_rotation_policy": lambda client: client.update_key_rotation_policy("orders", KeyRotationPolicy()),
}
OPERATIONS = {**REPEATABLE, **ONCE, **CHANGING}


def good(operation: str, url: str) -> bytes:
    """Return what the service answers."""
    kid = f"{url}/keys/orders/{VERSION}"
    key = {"kid": kid, "kty": "RSA", "key_ops": [], "n": "AQAB", "e": "AQAB"}
    body: dict[str, Any] = {"kid": kid, "key": key, "value": BLOB, "recoveryId": f"{url}/deletedkeys/orders"}
    if operation.startswith("list_"):
        body["value"] = [{"kid": f"{url}/keys/orders"}]
    if operation == "verify":
        body["value"] = True
    return json.dumps(body).encode()


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
Fault = Callable[[bytes, Conversation], None]


def answers(status: int, body: bytes | None = None, **headers: str) -> Fault:
    return lambda right, talk: talk.answer(b'{"error":{"code":"x"}}' if body is None else body, status, **headers)


def ends(sent: Callable[[bytes], bytes], *, reset: bool) -> Fault:
    def fault(right: bytes, talk: Conversation) -> None:
        talk.say(sent(right))
        talk.finish(reset=reset)

    return fault


def head(right: bytes, extra: bytes = b"") -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n%b\r\n" % (len(right), extra)


#: Faults after which nobody knows what has come of the request: a call that makes something is sent once.
UNCERTAIN: dict[str, Fault] = {
    "reset after the request": lambda right, talk: talk.finish(reset=True),
    "closed after the request": lambda right, talk: talk.finish(),
    "reset in the head": ends(lambda right: head(right)[:20], reset=True),
    "reset in the body": ends(lambda right: head(right) + right[:5], reset=True),
    "closed in the body": ends(lambda right: head(right) + right[:5], reset=False),
    "truncated as if whole": lambda right, talk: talk.answer(right[:-5]),
    "not HTTP": ends(lambda right: b"SSH-2.0-OpenSSH\r\n\r\n", reset=False),
    "wrong length": ends(lambda right: b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n" + right, reset=False),
    "endless length": ends(lambda right: b"HTTP/1.1 200 OK\r\nContent-Length: %b\r\n\r\n" % (b"9" * 5000), reset=False),
    "negative chunk": ends(
        lambda right: b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nabc\r\n", reset=False
    ),
    "not JSON": answers(200, b"<html>captive portal</html>"),
    "another type": answers(200, b"[]"),
    "null": answers(200, b"null"),
    "empty": answers(200, b""),
    "not UTF-8": answers(200, b'{"value":"\xff"}'),
    "deep": answers(200, b"[" * 100_000),
    "huge": ends(lambda right: head(b" " * (17 << 20)) + b" " * 65536, reset=True),
    "compressed": lambda right, talk: talk.answer(right, Content_Encoding="gzip"),
    "slow head": lambda right, talk: talk.await_end(),
    "slow body": lambda right, talk: (talk.say(head(right) + right[:3]), talk.await_end())[0],  # type: ignore[func-returns-value]
    "members of another type": answers(200, b'{"key": "x", "value": {"a": 1}, "kid": 5, "attributes": [], "id": true}'),
    "202": answers(202, b""),
    **{str(status): answers(status) for status in (400, 403, 404, 405, 408, 412, *range(500, 505))},
    "redirect elsewhere": answers(307, b"", Location="https://elsewhere.example/keys"),
    "redirect to HTTP": answers(308, b"", Location="http://localhost/keys"),
    "redirect nowhere": answers(307, b""),
    "401 without a challenge": answers(401),
    "401 of elsewhere": answers(
        401, b"", WWW_Authenticate='Bearer authorization="https://x/t", resource="https://evil"'
    ),
    "401 of another scheme": answers(401, b"", WWW_Authenticate="PoP nonce=1"),
    "401 without end": answers(401, b"", WWW_Authenticate='Bearer x="' + "y" * 40_000 + '"'),
}
#: Times before and after which nobody calls again.
DATES = ("Wed, 21 Oct 2015 07:28:00 GMT", "Tue, 31 Dec 2199 23:59:59 GMT")
#: Faults that say that the request was not processed: any call may be sent again.
UNPROCESSED: dict[str, Fault] = {
    "429": answers(429),
    **{
        f"429, Retry-After: {value}": answers(429, Retry_After=value)
        for value in ("0", "-1", "0.01", "1e-2", "99999", "nan", "inf", "x", "", *DATES)
    },
    **{f"429, {name}": answers(429, **{name: "5"}) for name in ("retry_after_ms", "x_ms_retry_after_ms")},
    "401 with claims": answers(
        401, b"", WWW_Authenticate='Bearer realm="", error="insufficient_claims", claims="eyJhY2Nlc3NfdG9rZW4iOnt9fQ=="'
    ),
    "401 of another tenant": lambda right, talk: talk.answer(
        b"",
        401,
        WWW_Authenticate=f'Bearer authorization="https://x/{len(talk.server.calls)}", resource="{talk.server.url}"',
    ),
}
#: Forms of ends before any answer, on a connection that is new.
UNCONNECTED = ("refused", "reset before TLS", "closed before TLS")
CONNECTED = ("reset before the request", "reset during the request", "closed before the request")


def break_off(server: RawServer, fault: str) -> None:
    """Have a server end every connection early."""

    def end(stream: Any) -> None:
        if "during" in fault:
            stream.recv(16)
        if "reset" in fault:
            reset_when_closed(stream)

    if fault in UNCONNECTED:
        server.before_tls = end
    else:
        server.after_tls = end


#: Answers that are right, though unusual.
HARMLESS: dict[str, Fault] = {
    "wrong charset": lambda right, talk: talk.answer(right, Content_Type="application/json; charset=utf-16"),
    "wrong content type": lambda right, talk: talk.answer(right, Content_Type="text/html"),
    "in chunks": ends(
        lambda right: (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(right), right)
        ),
        reset=False,
    ),
    "without a length": ends(lambda right: b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + right, reset=False),
}
FAULTS = {**UNCERTAIN, **UNPROCESSED, **HARMLESS}
SLOW = ("slow head", "slow body")


earlier: set[threading.Thread] = set()


@pytest.fixture(autouse=True)
def _threads_of_earlier_tests() -> None:
    """Leave out the threads that are there already, such as those of emulators for the whole run."""
    earlier.clear()
    earlier.update(threading.enumerate())


async def outcome_of(call: Call, client: Any) -> str:
    """Return the name of the documented error that a call ends in, or "result". The client is closed."""
    try:
        await call(client)
    except (AzureError, ChallengeError) as error:
        return type(error).__name__
    else:
        return "result"
    finally:
        await client.close()


def tell(world: str, operation: str, fault: str, outcome: str, sent: int) -> None:
    print(f"{world:5} {operation:27} {fault:42} {outcome:32} sent {sent}")


async def assert_nothing_is_alive(server: RawServer) -> None:
    """Expect that no connection and no thread outlives the clients, which are closed."""
    for _ in range(500):
        threads = [one for one in threading.enumerate() if one.name.startswith("keyvault-") and one not in earlier]
        if not server.alive and not threads:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"{server.alive} connections and {threads} are alive")


@pytest.mark.slow
@pytest.mark.case("C5", "C15", "E1", "E2", "E3", "E8", "E16", "P8")
@pytest.mark.parametrize("fault", FAULTS)
async def test_every_operation_ends_in_the_right_result_or_a_documented_error(
    serve: Any, connect: Any, stub: Any, fault: str
) -> None:
    right = [b""]

    def handle(request: Received, talk: Conversation) -> None:
        FAULTS[fault](right[0], talk)

    server: RawServer = serve(handle)
    for operation, call in OPERATIONS.items():
        right[0] = good(operation, server.url)
        before = len(server.calls)
        options = {"timeout": 0.15} if fault in SLOW else {}
        client = connect(server, retry_total=2, retry_backoff_factor=0, api_version="7.6", **options)
        outcome = await outcome_of(call, client)
        sent = len(server.calls) - before
        tell(stub.name, operation, fault, outcome, sent)
        # A purge has no answer but 204, so that every other success is a fault.
        expected = fault in HARMLESS and operation != "purge_deleted_key"
        assert (outcome == "result") == expected, (operation, fault, outcome)
        if operation in ONCE and fault in UNCERTAIN:
            assert sent <= 1 + (fault == "401 of another scheme"), (operation, fault, sent)
        assert sent <= 4, (operation, fault, sent)
    await assert_nothing_is_alive(server)


@pytest.mark.slow
@pytest.mark.case("C3", "C5", "P8")
@pytest.mark.parametrize("fault", [*UNCONNECTED, *CONNECTED])
async def test_every_operation_meets_a_connection_that_ends_before_any_answer(
    serve: Any, connect: Any, stub: Any, fault: str
) -> None:
    """Without a connection every operation is tried again; with one, those that make something are not."""
    server: RawServer = serve(lambda request, talk: talk.answer(talk.server.bundle()))
    await outcome_of(OPERATIONS["get_key"], connect(server))  # so that the next requests are no probes
    await assert_nothing_is_alive(server)
    break_off(server, fault)
    attempts: Counter[str] = Counter()
    url = server.url
    if fault == "refused":
        with socket.create_server(("127.0.0.1", 0)) as unused:
            url = f"https://localhost:{unused.getsockname()[1]}"
    for operation, call in OPERATIONS.items():
        options = {"retry_total": 2, "retry_backoff_factor": 0, "api_version": "7.6"}
        before = server.accepted
        outcome = await outcome_of(call, connect(url, **options))
        attempts[operation] = server.accepted - before
        tell(stub.name, operation, fault, outcome, attempts[operation])
        documented = "ServiceRequestError" if fault in UNCONNECTED else "ServiceResponseError"
        assert outcome == documented, (operation, fault, outcome)
        assert len(server.calls) == 1
    expected = {name: 1 if fault in CONNECTED and name in ONCE else 3 for name in OPERATIONS}
    assert dict(attempts) == (dict.fromkeys(OPERATIONS, 0) if fault == "refused" else expected)
    await assert_nothing_is_alive(server)


@pytest.mark.slow
@pytest.mark.case("C3", "C5")
@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
async def test_every_operation_meets_a_kept_connection_that_has_ended(
    serve: Any, connect: Any, stub: Any, reset: bool
) -> None:
    """It is noticed before the request is sent, which goes over a new one."""
    right = [b""]

    def handle(request: Received, talk: Conversation) -> None:
        talk.answer(right[0])
        talk.server.over.wait(0.05)  # a reset would take away an answer that was not read yet
        talk.finish(reset=reset)

    server: RawServer = serve(handle)
    fault = f"kept connection {'reset' if reset else 'closed'}"
    for operation, call in OPERATIONS.items():
        client = connect(server, retry_total=0, api_version="7.6")
        right[0] = good("get_key", server.url)
        await client.get_key("orders")
        await assert_nothing_is_alive(server)
        await asyncio.sleep(0.01)
        right[0] = good(operation, server.url)
        before = len(server.calls)
        outcome = await outcome_of(call, client)
        sent = len(server.calls) - before
        tell(stub.name, operation, fault, outcome, sent)
        assert (outcome == "result") == (operation != "purge_deleted_key"), (operation, outcome)
        assert sent == 1, (operation, sent)
