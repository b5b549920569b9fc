"""Keys that are rotated: new data gets the newest version, and what older ones have made stays readable."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from fixtures.targets import Target, Traffic
from fixtures.worlds import World

from azure.keyvault.keys import KeyVaultKey
from azure.keyvault.keys.crypto import (
    CryptographyClient,
    EncryptResult,
    KeyEncryptionKey,
    KeyResolver,
    SignResult,
    WrapResult,
)
from azure.keyvault.keys.crypto.aio import CryptographyClient as AsyncCryptographyClient
from azure.keyvault.keys.emulator import KeyVaultEmulator

DIGEST = bytes(32)


@pytest.fixture
async def key(client: Any, name: str) -> KeyVaultKey:
    """A key with one version."""
    created: KeyVaultKey = await client.create_rsa_key(name)
    return created


def without_version(key: KeyVaultKey) -> str:
    return key.id.rpartition("/")[0]


def paths(traffic: Traffic) -> list[str]:
    """Return what was asked of the vault: method, version and operation."""
    found = [(request.method, *request.path.removeprefix("/keys/").split("/")[1:]) for request in traffic.calls]
    return [" ".join(parts).strip() for parts in found]


class Clock:
    """Turns the clock of a client's look-ups."""

    def __init__(self, client: Any) -> None:
        self.now = 0.0
        client = getattr(client, "subject", client)
        client._refresh._clock = lambda: self.now


# What older versions have made


async def test_whole_results_go_to_the_version_that_made_them(
    crypto_of: Callable[..., Any], client: Any, key: KeyVaultKey, vault: Target
) -> None:
    writer = crypto_of(without_version(key), vault)
    encrypted = await writer.encrypt("RSA-OAEP-256", b"secret")
    wrapped = await writer.wrap_key("RSA-OAEP-256", bytes(range(32)))
    signed = await writer.sign("PS256", DIGEST)
    signed_data = await writer.sign_data("RS256", b"message")
    for _ in range(3):
        await client.rotate_key(key.name)
    newest = await client.get_key(key.name)
    for reader in (
        crypto_of(without_version(key), vault),
        crypto_of(newest.id, vault),
        crypto_of(newest, vault),
        client.get_cryptography_client(key.name),
        client.get_cryptography_client(key.name, execution="remote"),
        client.get_cryptography_client(key.name, refresh_after=600),
    ):
        decrypted = await reader.decrypt(EncryptResult.from_dict(json.loads(json.dumps(encrypted.to_dict()))))
        assert (decrypted.plaintext, decrypted.key_id) == (b"secret", key.id)
        unwrapped = await reader.unwrap_key(WrapResult.from_dict(wrapped.to_dict()))
        assert (unwrapped.key, unwrapped.key_id) == (bytes(range(32)), key.id)
        verified = await reader.verify(SignResult.from_dict(signed.to_dict()), DIGEST)
        assert (verified.is_valid, verified.key_id) == (True, key.id)
        assert not (await reader.verify(signed, b"1" * 32)).is_valid
        assert (await reader.verify_data(signed_data, b"message")).is_valid
        assert not (await reader.verify_data(signed_data, b"other")).is_valid


async def test_identifier_beside_the_data_does_too(
    crypto_of: Callable[..., Any], client: Any, key: KeyVaultKey, vault: Target
) -> None:
    writer = crypto_of(key.id, vault)
    encrypted = await writer.encrypt("RSA-OAEP-256", b"secret")
    wrapped = await writer.wrap_key("RSA-OAEP-256", bytes(32))
    signed = await writer.sign("PS256", DIGEST)
    await client.rotate_key(key.name)
    reader = crypto_of(without_version(key), vault)
    with pytest.raises(ValueError):  # the newest version cannot
        await reader.decrypt("RSA-OAEP-256", encrypted.ciphertext)
    assert (await reader.decrypt("RSA-OAEP-256", encrypted.ciphertext, key_id=key.id)).plaintext == b"secret"
    assert (await reader.decrypt("RSA-OAEP-256", encrypted.ciphertext, key_id=key)).plaintext == b"secret"
    assert (await reader.unwrap_key("RSA-OAEP-256", wrapped.encrypted_key, key_id=key.id)).key == bytes(32)
    assert not (await reader.verify("PS256", DIGEST, signed.signature)).is_valid
    assert (await reader.verify("PS256", DIGEST, signed.signature, key_id=key.id)).is_valid


async def test_reading_asks_for_the_version_once_and_for_no_other(
    crypto_of: Callable[..., Any], client: Any, key: KeyVaultKey, vault: Target, traffic: Traffic
) -> None:
    encrypted = await crypto_of(key.id, vault).encrypt("RSA-OAEP-256", b"secret")
    await client.rotate_key(key.name)
    reader = crypto_of(without_version(key), vault)
    traffic.restart()
    for _ in range(3):
        await reader.decrypt(encrypted)
    assert paths(traffic) == [f"GET {key.version}", *[f"POST {key.version} decrypt"] * 3]


async def test_who_may_not_read_one_version_does_not_ask_for_each(
    crypto_of: Callable[..., Any], client: Any, key: KeyVaultKey, vault: Target, emulator: KeyVaultEmulator
) -> None:
    encrypted = [await crypto_of(key.id, vault).encrypt("RSA-OAEP-256", b"secret")]
    for _ in range(2):
        rotated = await client.rotate_key(key.name)
        encrypted.append(await crypto_of(rotated.id, vault).encrypt("RSA-OAEP-256", b"secret"))
    emulator.permissions.deny("get")
    reader, traffic = crypto_of(without_version(key), vault), Traffic(emulator)
    await reader.encrypt("RSA-OAEP-256", b"secret")
    for result in encrypted:
        assert (await reader.decrypt(result)).plaintext == b"secret"
    assert [line.split()[0] for line in paths(traffic)] == ["GET", "POST", "POST", "POST", "POST"]


async def test_another_keys_data_is_refused_before_anything_is_sent(
    crypto_of: Callable[..., Any], key: KeyVaultKey, vault: Target, traffic: Traffic
) -> None:
    reader = crypto_of(without_version(key), vault)
    traffic.restart()
    for key_id in (
        f"{vault.url}/keys/another/{key.version}",
        f"https://another.vault.azure.net/keys/{key.name}/{key.version}",
        f"{vault.url}/secrets/{key.name}/{key.version}",
        f"{key.id}/../../another",
        f"{without_version(key)}/..",
    ):
        with pytest.raises(ValueError):  # each with its own text
            await reader.decrypt(EncryptResult(key_id, "RSA-OAEP", bytes(256)))  # type: ignore[arg-type]  # text
        with pytest.raises(ValueError):
            await reader.unwrap_key("RSA-OAEP", bytes(256), key_id=key_id)
        with pytest.raises(ValueError):
            await reader.verify(SignResult(key_id, "RS256", bytes(256)), DIGEST)  # type: ignore[arg-type]  # text
    assert not traffic.calls


async def test_whole_result_comes_alone(crypto_of: Callable[..., Any], key: KeyVaultKey, vault: Target) -> None:
    client = crypto_of(key, vault)
    wrapped, signed = await client.wrap_key("RSA-OAEP", bytes(32)), await client.sign("RS256", DIGEST)
    for wrong in (
        lambda: client.unwrap_key(wrapped, wrapped.encrypted_key),
        lambda: client.verify(signed, DIGEST, signed.signature),
        lambda: client.verify(signed, DIGEST, encoding="der"),
        lambda: client.verify_data(signed, b"", signed.signature),
    ):
        with pytest.raises(TypeError, match="pass nothing else with it"):
            await wrong()
    for wrong in (
        lambda: client.unwrap_key("RSA-OAEP"),
        lambda: client.verify("RS256", DIGEST),
        lambda: client.verify(signed),
        lambda: client.decrypt(wrapped),
        lambda: client.unwrap_key(signed),
        lambda: client.verify(wrapped, DIGEST),
    ):
        with pytest.raises(TypeError):
            await wrong()


def test_sixty_four_threads_get_an_older_version_once(
    key: KeyVaultKey, vault: Target, traffic: Traffic, emulator: KeyVaultEmulator
) -> None:
    with CryptographyClient(without_version(key), vault.credential, **vault.options) as client:
        encrypted = client.encrypt("RSA-OAEP", b"x")
        older = EncryptResult(key.id, encrypted.algorithm, encrypted.ciphertext)
        with CryptographyClient(without_version(key), vault.credential, **vault.options) as reader:
            traffic.restart()
            with ThreadPoolExecutor(64) as pool:
                plaintexts = {result.plaintext for result in pool.map(reader.decrypt, [older] * 64)}
    assert plaintexts == {b"x"}
    assert [line.split()[0] for line in paths(traffic)].count("GET") == 1


# The newest version for new data


async def test_newest_version_is_found_when_its_time_has_come(
    crypto_of: Callable[..., Any], client: Any, key: KeyVaultKey, vault: Target, traffic: Traffic
) -> None:
    crypto = crypto_of(without_version(key), vault, refresh_after=600)
    clock = Clock(crypto)
    first = await crypto.encrypt("RSA-OAEP", b"x")
    second = await client.rotate_key(key.name)
    clock.now += 599
    traffic.restart()
    assert (await crypto.encrypt("RSA-OAEP", b"x")).key_id == key.id
    assert not traffic.calls
    clock.now += 1
    encrypted = await crypto.encrypt("RSA-OAEP", b"x")
    assert (encrypted.key_id, crypto.key_id, encrypted.performed) == (second.id, second.id, "local")
    assert (await crypto.wrap_key("RSA-OAEP", b"k" * 32)).key_id == second.id
    assert (await crypto.sign("RS256", DIGEST)).key_id == second.id
    assert paths(traffic) == ["GET", f"POST {second.version} sign"]
    # What the version before has made is readable without another look at it.
    traffic.restart()
    assert (await crypto.decrypt(first)).plaintext == b"x"
    assert paths(traffic) == [f"POST {key.version} decrypt"]


async def test_client_keeps_its_first_version_unless_asked_to_refresh(
    crypto_of: Callable[..., Any], client: Any, key: KeyVaultKey, vault: Target
) -> None:
    crypto = crypto_of(without_version(key), vault)
    await crypto.encrypt("RSA-OAEP", b"x")
    await client.rotate_key(key.name)
    assert (await crypto.encrypt("RSA-OAEP", b"x")).key_id == key.id


async def test_key_client_passes_it_on(client: Any, key: KeyVaultKey) -> None:
    crypto = client.get_cryptography_client(key.name, refresh_after=600)
    clock = Clock(crypto)
    await crypto.encrypt("RSA-OAEP", b"x")
    second = await client.rotate_key(key)
    clock.now += 600
    assert (await crypto.sign("RS256", DIGEST)).key_id == second.id
    for wrong in (key, key.id):
        with pytest.raises(ValueError, match="refresh_after is for a key without a version"):
            client.get_cryptography_client(wrong, refresh_after=600)


async def test_reading_looks_for_no_newer_version(
    crypto_of: Callable[..., Any], key: KeyVaultKey, vault: Target, traffic: Traffic
) -> None:
    crypto = crypto_of(without_version(key), vault, refresh_after=600)
    clock = Clock(crypto)
    encrypted, signed = await crypto.encrypt("RSA-OAEP", b"x"), await crypto.sign("RS256", DIGEST)
    clock.now += 10_000
    traffic.restart()
    await crypto.decrypt(encrypted)
    await crypto.decrypt("RSA-OAEP", encrypted.ciphertext)
    await crypto.verify(signed, DIGEST)
    assert paths(traffic) == [f"POST {key.version} decrypt"] * 2


LATER = datetime.now(timezone.utc) + timedelta(days=30)
EARLIER = datetime.now(timezone.utc) - timedelta(days=1)


@pytest.mark.parametrize(
    "unusable",
    [{"not_before": LATER}, {"enabled": False}, {"not_before": EARLIER - timedelta(1), "expires_on": EARLIER}],
    ids=["not-yet-valid", "disabled", "expired"],
)
@pytest.mark.parametrize("fresh", [True, False], ids=["fresh", "at-the-look-up"])
async def test_newest_version_that_may_not_protect_data_is_skipped(
    crypto_of: Callable[..., Any],
    client: Any,
    key: KeyVaultKey,
    vault: Target,
    traffic: Traffic,
    emulator: KeyVaultEmulator,
    unusable: dict[str, Any],
    fresh: bool,
) -> None:
    """The newest of the others is used, until the newest may be."""
    emulator.clock.advance(seconds=2)  # as versions of one second have no order
    second = await client.rotate_key(key.name)
    crypto = crypto_of(without_version(key), vault, refresh_after=600)
    clock = Clock(crypto)
    if not fresh:
        assert (await crypto.encrypt("RSA-OAEP", b"x")).key_id == second.id
        clock.now += 600
    emulator.clock.advance(seconds=2)
    third = await client.rotate_key(key.name)
    await client.update_key(third, **unusable)
    traffic.restart()
    assert (await crypto.encrypt("RSA-OAEP", b"x")).key_id == second.id
    assert paths(traffic) == ["GET", "GET versions", f"GET {second.version}"]
    assert (await crypto.wrap_key("RSA-OAEP", b"k" * 32)).key_id == second.id
    assert (await crypto.sign("RS256", DIGEST)).key_id == second.id
    if "enabled" in unusable:
        await client.update_key(third, enabled=True)
        clock.now += 600
        assert (await crypto.encrypt("RSA-OAEP", b"x")).key_id == third.id


async def test_versions_are_looked_for_on_every_page(
    crypto_of: Callable[..., Any], client: Any, key: KeyVaultKey, vault: Target, emulator: KeyVaultEmulator
) -> None:
    for _ in range(30):
        emulator.clock.advance(seconds=2)
        await client.create_ec_key(key.name + "-ec")
    versions = [one async for one in client.list_key_versions(key.name + "-ec")]
    newest, usable = sorted(versions, key=lambda one: one.created_on)[-1:-3:-1]
    await client.update_key(newest, enabled=False)
    crypto = crypto_of(f"{vault.url}/keys/{key.name}-ec", vault, refresh_after=600)
    assert (await crypto.sign("ES256", DIGEST)).key_id == usable.id


async def test_version_in_use_stays_where_versions_may_not_be_listed(
    crypto_of: Callable[..., Any], client: Any, key: KeyVaultKey, vault: Target, emulator: KeyVaultEmulator
) -> None:
    crypto = crypto_of(without_version(key), vault, refresh_after=600)
    clock = Clock(crypto)
    await crypto.encrypt("RSA-OAEP", b"x")
    second = await client.rotate_key(key.name)
    await client.update_key(second, not_before=LATER)
    emulator.permissions.deny("list")
    clock.now += 600
    assert (await crypto.encrypt("RSA-OAEP", b"x")).key_id == key.id
    with pytest.raises(ValueError, match="not useable until"):
        await crypto_of(without_version(key), vault, refresh_after=600).encrypt("RSA-OAEP", b"x")
    await client.update_key(key, enabled=False)
    clock.now += 600
    with pytest.raises(ValueError, match="not useable until"):
        await crypto.encrypt("RSA-OAEP", b"x")


async def test_key_without_a_usable_version_is_refused(
    crypto_of: Callable[..., Any], client: Any, key: KeyVaultKey, vault: Target
) -> None:
    await client.update_key(await client.rotate_key(key.name), enabled=False)
    await client.update_key(key, not_before=LATER)
    crypto = crypto_of(without_version(key), vault, refresh_after=600)
    with pytest.raises(ValueError, match=r"disabled|not enabled"):
        await crypto.encrypt("RSA-OAEP", b"x")


async def test_without_refreshing_the_newest_version_is_used_as_it_is(
    crypto_of: Callable[..., Any], client: Any, key: KeyVaultKey, vault: Target, traffic: Traffic
) -> None:
    await client.update_key(await client.rotate_key(key.name), not_before=LATER)
    traffic.restart()
    with pytest.raises(ValueError, match="not useable until"):
        await crypto_of(without_version(key), vault).encrypt("RSA-OAEP", b"x")
    assert paths(traffic) == ["GET"]


async def test_changed_properties_of_the_same_version_are_taken_in(
    crypto_of: Callable[..., Any], client: Any, key: KeyVaultKey, vault: Target
) -> None:
    crypto = crypto_of(without_version(key), vault, refresh_after=600)
    clock = Clock(crypto)
    await crypto.encrypt("RSA-OAEP", b"x")
    await client.update_key(key, enabled=False)
    await crypto.encrypt("RSA-OAEP", b"x")
    clock.now += 600
    with pytest.raises(ValueError, match="disabled"):
        await crypto.encrypt("RSA-OAEP", b"x")


async def test_failed_look_up_keeps_the_version_and_is_tried_again_soon(
    crypto_of: Callable[..., Any],
    client: Any,
    key: KeyVaultKey,
    vault: Target,
    emulator: KeyVaultEmulator,
    caplog: pytest.LogCaptureFixture,
) -> None:
    crypto = crypto_of(without_version(key), vault, refresh_after=600)
    clock = Clock(crypto)
    await crypto.encrypt("RSA-OAEP", b"x")
    second = await client.rotate_key(key.name)
    clock.now += 600
    for status in (503, 429, 403, 404):
        emulator.faults.status(status)
        traffic = Traffic(emulator)
        with caplog.at_level(logging.WARNING, "azure.keyvault.keys.crypto"):
            assert (await crypto.encrypt("RSA-OAEP", b"x")).key_id == key.id
            assert (await crypto.encrypt("RSA-OAEP", b"x")).key_id == key.id
        assert paths(traffic) == ["GET"]
        assert key.id in caplog.messages[-1]
        clock.now += 100
    assert len(caplog.messages) == 4
    assert (await crypto.encrypt("RSA-OAEP", b"x")).key_id == second.id


async def test_look_up_leaves_the_call_time_for_its_own_work(
    crypto_of: Callable[..., Any], key: KeyVaultKey, vault: Target, emulator: KeyVaultEmulator
) -> None:
    crypto = crypto_of(without_version(key), vault, refresh_after=600)
    clock = Clock(crypto)
    await crypto.sign("RS256", DIGEST)
    clock.now += 600
    emulator.faults.delay(30)
    assert (await crypto.sign("RS256", DIGEST, timeout=2)).key_id == key.id


def test_threads_go_on_while_one_looks_up(
    client: Any, key: KeyVaultKey, vault: Target, emulator: KeyVaultEmulator
) -> None:
    with (
        CryptographyClient(without_version(key), vault.credential, refresh_after=600, **vault.options) as crypto,
        ThreadPoolExecutor(32) as pool,
    ):
        clock = Clock(crypto)
        crypto.encrypt("RSA-OAEP", b"x")
        clock.now += 600
        traffic, asked, go_on = Traffic(emulator), threading.Event(), threading.Event()
        send = crypto._connection.send

        def slow_send(operation: Any, **options: Any) -> Any:
            asked.set()
            assert go_on.wait(30)
            return send(operation, **options)

        crypto._connection.send = slow_send  # type: ignore[method-assign]  # to hold the look-up
        first = pool.submit(crypto.encrypt, "RSA-OAEP", b"x")
        assert asked.wait(30)
        others = list(pool.map(lambda _: crypto.encrypt("RSA-OAEP", b"x").key_id, range(100)))
        assert not first.done()
        go_on.set()
        assert first.result().key_id == key.id
    assert set(others) == {key.id}
    assert paths(traffic) == ["GET"]


async def test_tasks_go_on_while_one_looks_up(key: KeyVaultKey, vault: Target, emulator: KeyVaultEmulator) -> None:
    async with AsyncCryptographyClient(
        without_version(key), vault.async_credential, refresh_after=600, **vault.options
    ) as crypto:
        clock = Clock(crypto)
        await crypto.encrypt("RSA-OAEP", b"x")
        clock.now += 600
        traffic = Traffic(emulator)
        emulator.faults.delay(0.5)
        first = asyncio.ensure_future(crypto.encrypt("RSA-OAEP", b"x"))
        await asyncio.sleep(0)
        others = {(await crypto.encrypt("RSA-OAEP", b"x")).key_id for _ in range(50)}
        assert not first.done()
        assert others == {(await first).key_id} == {key.id}
    assert paths(traffic) == ["GET"]


async def test_cancelled_look_up_is_the_next_callers(
    key: KeyVaultKey, vault: Target, emulator: KeyVaultEmulator
) -> None:
    async with AsyncCryptographyClient(
        without_version(key), vault.async_credential, refresh_after=600, **vault.options
    ) as crypto:
        clock = Clock(crypto)
        await crypto.encrypt("RSA-OAEP", b"x")
        clock.now += 600
        emulator.faults.delay(5)
        first = asyncio.ensure_future(crypto.encrypt("RSA-OAEP", b"x"))
        await asyncio.sleep(0.1)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        traffic = Traffic(emulator)
        await crypto.encrypt("RSA-OAEP", b"x")
    assert paths(traffic) == ["GET"]


async def test_vault_finds_the_newest_version_itself_where_everything_runs_there(
    crypto_of: Callable[..., Any], client: Any, key: KeyVaultKey, vault: Target, traffic: Traffic
) -> None:
    crypto = crypto_of(without_version(key), vault, execution="remote", refresh_after=600)
    assert (await crypto.encrypt("RSA-OAEP", b"x")).key_id == key.id
    second = await client.rotate_key(key.name)
    assert (await crypto.encrypt("RSA-OAEP", b"x")).key_id == second.id
    assert "GET" not in {line.split()[0] for line in paths(traffic)}


# What must stay with one version


def test_key_object_stays_with_its_version(client: Any, key: KeyVaultKey, vault: Target, world: World) -> None:
    """Its public key is in a certificate already."""
    with CryptographyClient(without_version(key), vault.credential, refresh_after=600, **vault.options) as crypto:
        clock = Clock(crypto)
        private = crypto.create_rsa_private_key()
        rotate(vault, key)
        clock.now += 600
        newer = crypto.create_rsa_private_key()
        assert crypto.encrypt("RSA-OAEP", b"x").key_id != key.id
        for made in (private, newer):
            signature = made.sign(b"message", padding.PKCS1v15(), hashes.SHA256())
            public = made.public_key().public_numbers().public_key()
            public.verify(signature, b"message", padding.PKCS1v15(), hashes.SHA256())
        assert private.public_key() != newer.public_key()


def test_key_encryption_key_stays_with_its_version(key: KeyVaultKey, vault: Target) -> None:
    with CryptographyClient(without_version(key), vault.credential, refresh_after=600, **vault.options) as crypto:
        clock = Clock(crypto)
        encryption_key = KeyEncryptionKey(crypto, "RSA-OAEP-256")
        rotate(vault, key)
        clock.now += 600
        wrapped = encryption_key.wrap_key(bytes(32))
        assert encryption_key.get_kid() == key.id
        assert encryption_key.unwrap_key(wrapped, "RSA-OAEP-256") == bytes(32)
        assert crypto.unwrap_key("RSA-OAEP-256", wrapped, key_id=key.id).key == bytes(32)


def test_resolver_finds_the_version_of_a_result(key: KeyVaultKey, vault: Target) -> None:
    with CryptographyClient(without_version(key), vault.credential, **vault.options) as crypto:
        wrapped = crypto.wrap_key("RSA-OAEP-256", bytes(32))
    rotate(vault, key)
    with KeyResolver(vault.credential, **vault.options) as resolver:
        assert resolver(str(wrapped.key_id)).unwrap_key(wrapped.encrypted_key, "RSA-OAEP-256") == bytes(32)


def rotate(vault: Target, key: KeyVaultKey) -> None:
    from azure.keyvault.keys import KeyClient

    with KeyClient(vault.url, vault.credential, **vault.options) as client:
        client.rotate_key(key)
