"""How a client comes to know its key: once, however many ask; what it does when it may not; what it obeys then."""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from types import FrameType
from typing import Any

import pytest
from azure.core.exceptions import (
    AzureError,
    HttpResponseError,
    ResourceNotFoundError,
    ServiceRequestTimeoutError,
    ServiceResponseTimeoutError,
)
from fixtures.keyring import Keyring
from fixtures.stub_vault import (
    URL,
    Answer,
    AsyncStubCredential,
    AsyncStubTransport,
    Script,
    StubCredential,
    StubTransport,
    Tokens,
    usable_bundle,
)
from fixtures.targets import Target, Traffic
from fixtures.worlds import World

from azure.keyvault.keys import JsonWebKey, KeyVaultKey
from azure.keyvault.keys._shared.auth.flight import SingleFlight
from azure.keyvault.keys._shared.auth.flight_async import AsyncSingleFlight
from azure.keyvault.keys.crypto import CryptographyClient
from azure.keyvault.keys.crypto.aio import CryptographyClient as AsyncCryptographyClient
from azure.keyvault.keys.emulator import KeyVaultEmulator

DIGEST = bytes(32)


@pytest.fixture
def key(keyring_of: Callable[[Target], Keyring], vault: Target) -> KeyVaultKey:
    return keyring_of(vault).imported("RSA 2048")


@pytest.mark.case("D2")
def test_sixty_four_threads_get_the_key_once(key: KeyVaultKey, vault: Target, traffic: Traffic) -> None:
    with (
        CryptographyClient(key.id, vault.credential, **vault.options) as client,
        ThreadPoolExecutor(64) as pool,
    ):
        results = list(pool.map(lambda _: client.encrypt("RSA-OAEP", b"x"), range(64)))
    assert {result.performed for result in results} == {"local"}
    assert [request.method for request in traffic.calls] == ["GET"]


@pytest.mark.case("D2")
async def test_sixty_four_tasks_get_the_key_once(key: KeyVaultKey, vault: Target, traffic: Traffic) -> None:
    async with AsyncCryptographyClient(key.id, vault.async_credential, **vault.options) as client:
        results = await asyncio.gather(*(client.encrypt("RSA-OAEP", b"x") for _ in range(64)))
    assert {result.performed for result in results} == {"local"}
    assert [request.method for request in traffic.calls] == ["GET"]


@pytest.mark.case("M6")
async def test_key_that_may_not_be_read_is_asked_for_once(
    crypto_of: Any, key: KeyVaultKey, vault: Target, emulator: KeyVaultEmulator, caplog: pytest.LogCaptureFixture
) -> None:
    emulator.permissions.deny("get")
    client, traffic = crypto_of(key.id, vault), Traffic(emulator)
    caplog.set_level(logging.DEBUG, "azure.keyvault.keys")
    for _ in range(3):
        assert (await client.encrypt("RSA-OAEP", b"x")).performed == "remote"
    assert (await client.sign("RS256", DIGEST)).performed == "remote"
    assert [request.method for request in traffic.calls] == ["GET", "POST", "POST", "POST", "POST"]
    ours = [record for record in caplog.records if record.name.startswith("azure.keyvault.keys.crypto")]
    assert {record.levelno for record in ours} == {logging.DEBUG}


@pytest.mark.case("M7")
@pytest.mark.parametrize(
    ("status", "kind"), [(404, ResourceNotFoundError), (401, HttpResponseError), (429, HttpResponseError)], ids=repr
)
async def test_other_failure_to_get_the_key_is_raised_and_the_key_got_later(
    crypto_of: Any, key: KeyVaultKey, vault: Target, emulator: KeyVaultEmulator, status: int, kind: type[Exception]
) -> None:
    client, traffic = crypto_of(key.id, vault, retry_total=0), Traffic(emulator)
    emulator.faults.status(status)
    with pytest.raises(kind):
        await client.encrypt("RSA-OAEP", b"x")
    assert "POST" not in {request.method for request in traffic.calls}
    assert (await client.encrypt("RSA-OAEP", b"x")).performed == "local"


@pytest.mark.case("M7")
async def test_refusal_by_the_firewall_is_raised_and_the_key_got_later(
    crypto_of: Any, key: KeyVaultKey, vault: Target, emulator: KeyVaultEmulator
) -> None:
    client = crypto_of(key.id, vault)
    emulator.permissions.firewall = True
    with pytest.raises(HttpResponseError, match="network rules"):
        await client.encrypt("RSA-OAEP", b"x")
    emulator.permissions.firewall = False
    assert (await client.encrypt("RSA-OAEP", b"x")).performed == "local"


@pytest.mark.case("C9")
async def test_time_limit_holds_for_getting_the_key_and_using_it_together(
    crypto_of: Any, key: KeyVaultKey, vault: Target, emulator: KeyVaultEmulator
) -> None:
    client = crypto_of(key.id, vault)
    emulator.faults.delay(0.4, times=None)
    started = time.monotonic()
    with pytest.raises((ServiceRequestTimeoutError, ServiceResponseTimeoutError)):
        await client.sign("RS256", DIGEST, timeout=0.6)
    assert time.monotonic() - started < 0.75


class Held(StubTransport):
    """Keeps the answer to a request for the key until it is released."""

    def __init__(self, script: Script) -> None:
        super().__init__(script)
        self.arrived, self.released = threading.Event(), threading.Event()

    def send(self, request: Any, **options: Any) -> Any:
        if "Authorization" in request.headers:
            self.arrived.set()
            assert self.released.wait(30)
        return super().send(request, **options)


@pytest.mark.case("C9")
def test_who_waits_for_anothers_get_waits_no_longer_than_its_own_time() -> None:
    script = Script([Answer(200, usable_bundle())])
    transport = Held(script)
    client = CryptographyClient(f"{URL}/keys/orders", StubCredential(Tokens()), transport=transport)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(client.encrypt, "RSA-OAEP", b"x")
        try:
            assert transport.arrived.wait(30)
            with pytest.raises(AzureError):
                client.encrypt("RSA-OAEP", b"x", timeout=0.2)
            assert not first.done()
        finally:
            transport.released.set()
        assert first.result().performed == "local"
    assert len(script.calls) == 1


class AsyncHeld(AsyncStubTransport):
    """Keeps the answer to a request for the key until it is released."""

    def __init__(self, script: Script) -> None:
        super().__init__(script)
        self.arrived, self.released = asyncio.Event(), asyncio.Event()

    async def send(self, request: Any, **options: Any) -> Any:
        if "Authorization" in request.headers:
            self.arrived.set()
            await asyncio.wait_for(self.released.wait(), 30)
        return await super().send(request, **options)


@pytest.mark.case("C9")
async def test_task_that_waits_for_anothers_get_waits_no_longer_than_its_own_time() -> None:
    script = Script([Answer(200, usable_bundle())])
    transport = AsyncHeld(script)
    client = AsyncCryptographyClient(f"{URL}/keys/orders", AsyncStubCredential(Tokens()), transport=transport)
    first = asyncio.ensure_future(client.encrypt("RSA-OAEP", b"x"))
    await asyncio.wait_for(transport.arrived.wait(), 30)
    with pytest.raises(AzureError):
        await client.encrypt("RSA-OAEP", b"x", timeout=0.2)
    assert not first.done()
    transport.released.set()
    assert (await first).performed == "local"
    assert len(script.calls) == 1


NOW = datetime.now(timezone.utc)
LIVES: dict[str, dict[str, Any]] = {
    "expired": {"expires_on": NOW - timedelta(hours=1)},
    "too early": {"not_before": NOW + timedelta(hours=1)},
    "outside": {"not_before": NOW + timedelta(hours=1), "expires_on": NOW + timedelta(hours=2)},
}
OBTAINED = ("key", "identifier", "name", "key of the key client")


async def obtain(how: str, client: Any, crypto_of: Any, key: KeyVaultKey, vault: Target) -> Any:
    """Return a cryptography client for a key, in one of the ways to get one."""
    if how == "key":
        return crypto_of(key, vault)
    if how == "identifier":
        return crypto_of(key.id, vault)
    if how == "name":
        return client.get_cryptography_client(key.name)
    return client.get_cryptography_client(await client.get_key(key.name))


@pytest.mark.case("M1", "M2")
@pytest.mark.parametrize("how", OBTAINED)
@pytest.mark.parametrize("life", LIVES)
async def test_key_outside_its_time_protects_nothing_and_reads_everything(
    client: Any, crypto_of: Any, vault: Target, emulated_vault: KeyVaultEmulator, name: str, how: str, life: str
) -> None:
    key = await client.create_rsa_key(name)
    encrypted = await crypto_of(key, vault).encrypt("RSA-OAEP", b"x")
    signed = await crypto_of(key, vault).sign("RS256", DIGEST)
    key = await client.update_key_properties(name, **LIVES[life])
    cryptography = await obtain(how, client, crypto_of, key, vault)
    traffic = Traffic(emulated_vault)
    for call in (
        cryptography.encrypt("RSA-OAEP", b"x"),
        cryptography.wrap_key("RSA-OAEP", b"x"),
    ):
        with pytest.raises(ValueError, match="This key"):
            await call
    assert "POST" not in {request.method for request in traffic.calls}
    assert (await cryptography.decrypt(encrypted)).plaintext == b"x"
    verified = await cryptography.verify("RS256", DIGEST, signed.signature)
    assert (verified.is_valid, verified.performed) == (True, "local")


@pytest.mark.case("M3")
@pytest.mark.parametrize("how", OBTAINED)
async def test_disabled_key_does_nothing_here(
    client: Any, crypto_of: Any, vault: Target, emulated_vault: KeyVaultEmulator, name: str, how: str
) -> None:
    key = await client.create_rsa_key(name, enabled=False)
    cryptography = await obtain(how, client, crypto_of, key, vault)
    traffic = Traffic(emulated_vault)
    for call in (
        cryptography.encrypt("RSA-OAEP", b"x"),
        cryptography.wrap_key("RSA-OAEP", b"x"),
        cryptography.verify("RS256", DIGEST, bytes(256)),
    ):
        with pytest.raises(ValueError, match="disabled"):
            await call
    assert "POST" not in {request.method for request in traffic.calls}
    with pytest.raises(ValueError, match="KeyDisabled"):
        await cryptography.sign("RS256", DIGEST)


@pytest.mark.case("M3")
async def test_disabled_private_part_that_is_here_does_nothing(
    crypto_of: Any, keyring_of: Any, vault: Target, emulated_vault: KeyVaultEmulator
) -> None:
    found = keyring_of(vault).with_private_part("EC P-256")
    key = KeyVaultKey(found.id, found.key)
    key.properties._attributes = type("Attributes", (), {"enabled": False, "expires": None, "not_before": None})()
    traffic = Traffic(emulated_vault)
    for call in ("sign", "verify"):
        arguments = ("ES256", DIGEST) if call == "sign" else ("ES256", DIGEST, bytes(64))
        with pytest.raises(ValueError, match="disabled"):
            await getattr(crypto_of(key, vault), call)(*arguments)
    assert len(traffic) == 0


@pytest.mark.case("M4")
@pytest.mark.parametrize("how", OBTAINED)
async def test_operation_that_is_not_the_keys_is_refused(
    client: Any, crypto_of: Any, vault: Target, emulated_vault: KeyVaultEmulator, name: str, how: str
) -> None:
    key = await client.create_rsa_key(name, key_operations=["verify"])
    cryptography = await obtain(how, client, crypto_of, key, vault)
    traffic = Traffic(emulated_vault)
    for call in (
        cryptography.encrypt("RSA-OAEP", b"x"),
        cryptography.decrypt("RSA-OAEP", bytes(256)),
        cryptography.wrap_key("RSA-OAEP", b"x"),
        cryptography.unwrap_key("RSA-OAEP", bytes(256)),
        cryptography.sign("RS256", DIGEST),
    ):
        with pytest.raises(AzureError, match="does not allow") as caught:
            await call
        assert isinstance(caught.value, ValueError)
    assert "POST" not in {request.method for request in traffic.calls}


async def test_decision_is_logged_once_and_never_as_a_warning(
    crypto_of: Any, key: KeyVaultKey, vault: Target, caplog: pytest.LogCaptureFixture
) -> None:
    client = crypto_of(key, vault)
    caplog.set_level(logging.DEBUG, "azure.keyvault.keys.crypto")
    for _ in range(3):
        await client.encrypt("RSA-OAEP", b"x")
        await client.sign("RS256", DIGEST)
        with pytest.raises(ValueError, match="for EC keys"):
            await client.verify("ES256", DIGEST, b"")
    told = [record.getMessage() for record in caplog.records if record.name == "azure.keyvault.keys.crypto"]
    assert told[:2] == [
        f"encrypt with RSA-OAEP and the key {key.id}: local (the operation can run locally)",
        f"sign with RS256 and the key {key.id}: remote (otherwise)",
    ]
    assert len(told) == 3
    assert {record.levelno for record in caplog.records} == {logging.DEBUG}


@pytest.mark.case("M8")
@pytest.mark.parametrize(("execution", "performed"), [("auto", "local"), ("local", "local"), ("remote", "remote")])
async def test_result_tells_where_it_ran(
    crypto_of: Any, key: KeyVaultKey, vault: Target, traffic: Traffic, execution: str, performed: str
) -> None:
    client = crypto_of(key, vault, execution=execution)
    encrypted = await client.encrypt("RSA-OAEP", b"x")
    verified = await client.verify("RS256", DIGEST, bytes(256))
    wrapped = await client.wrap_key("RSA-OAEP", b"x")
    assert {result.performed for result in (encrypted, verified, wrapped)} == {performed}
    assert {result.key_id for result in (encrypted, verified, wrapped)} == {key.id}
    assert [request.method for request in traffic.calls] == ([] if performed == "local" else ["POST"] * 3)


@pytest.mark.case("M8")
async def test_key_is_never_got_for_execution_in_the_vault(
    crypto_of: Any, key: KeyVaultKey, vault: Target, traffic: Traffic
) -> None:
    client = crypto_of(key.id, vault, execution="remote")
    await client.encrypt("RSA-OAEP", b"x")
    assert [request.method for request in traffic.calls] == ["POST"]


@pytest.mark.case("M8")
async def test_execution_here_needs_the_material(world: World, key: KeyVaultKey, vault: Target) -> None:
    with pytest.raises(ValueError, match="material"):
        world.cryptography_client(key.id, vault, execution="local")
    with pytest.raises(ValueError, match="execution"):
        world.cryptography_client(key.id, vault, execution="both")


@pytest.mark.case("M11")
async def test_key_without_operations_is_not_restricted(world: World) -> None:
    jwk = JsonWebKey(kty="oct", k=bytes(32))
    client = world.from_jwk(jwk)
    wrapped = await client.wrap_key("A256KW", bytes(16))
    assert (await client.unwrap_key("A256KW", wrapped.encrypted_key)).key == bytes(16)
    restricted = world.from_jwk(JsonWebKey(kty="oct", k=bytes(32), key_ops=[]))
    with pytest.raises(ValueError, match="key_ops are: none"):
        await restricted.wrap_key("A256KW", bytes(16))


class Slow503(StubTransport):
    """Answers the first request for the key late and with a refusal that passes."""

    def send(self, request: Any, **options: Any) -> Any:
        if "Authorization" in request.headers and not self.script.calls:
            time.sleep(0.3)
        return super().send(request, **options)


@pytest.mark.case("C9")
@pytest.mark.parametrize("terms", [{"retry_total": 0}, {"timeout": 30, "retry_total": 0}], ids=["tries", "limit"])
def test_who_waits_does_not_fail_for_anothers_lack_of_patience(terms: dict[str, Any]) -> None:
    script = Script([Answer(503), Answer(200, usable_bundle())])
    client = CryptographyClient(f"{URL}/keys/orders", StubCredential(Tokens()), transport=Slow503(script))
    with ThreadPoolExecutor(2) as pool:
        hasty = pool.submit(client.encrypt, "RSA-OAEP", b"x", **terms)
        time.sleep(0.1)
        patient = pool.submit(client.encrypt, "RSA-OAEP", b"x")
        assert patient.result().performed == "local"
        assert isinstance(hasty.exception(), HttpResponseError)
    assert len(script.calls) == 2


@pytest.mark.case("C13", "D12")
def test_interrupt_between_two_steps_leaves_no_flight_behind() -> None:
    """It comes as the thread is about to do what it has taken on."""
    flight = SingleFlight()

    def interrupt(frame: FrameType, event: str, argument: Any) -> None:
        if frame.f_code is SingleFlight._lead.__code__:
            sys.settrace(None)
            raise KeyboardInterrupt

    before = sys.gettrace()
    sys.settrace(interrupt)
    try:
        with pytest.raises(KeyboardInterrupt):
            flight.run(lambda: "never", context={})
    finally:
        sys.settrace(before)
    assert flight.run(lambda: "done", context={}, optional=True) == "done"


@pytest.mark.case("D1")
@pytest.mark.parametrize("shared", [True, False], ids=["shared", "its own"])
async def test_failure_of_one_task_is_that_of_others_or_not(shared: bool) -> None:
    flight, arrived = AsyncSingleFlight(), asyncio.Event()

    async def fail() -> str:
        await arrived.wait()
        raise HttpResponseError("no")

    async def succeed() -> str:
        return "done"

    leader = asyncio.ensure_future(flight.run(fail, context={}, shared=shared))
    await asyncio.sleep(0)
    waiter = asyncio.ensure_future(flight.run(succeed, context={}))
    await asyncio.sleep(0)
    arrived.set()
    led, waited = await asyncio.gather(leader, waiter, return_exceptions=True)
    assert str(led) == "no"
    assert (waited == "done") is not shared
    assert waited is not led


@pytest.mark.case("D2")
async def test_limit_of_the_client_is_the_same_for_all_who_wait(vault: Target, traffic: Traffic) -> None:
    key_id = f"{vault.url}/keys/there-is-none"
    async with AsyncCryptographyClient(key_id, vault.async_credential, timeout=60, **vault.options) as client:
        calls = (client.encrypt("RSA-OAEP", b"x") for _ in range(16))
        results = await asyncio.gather(*calls, return_exceptions=True)
    assert {type(result) for result in results} == {ResourceNotFoundError}
    assert len(traffic.calls) == 1
