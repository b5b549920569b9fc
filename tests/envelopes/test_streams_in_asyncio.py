"""Streams in asyncio: what comes out, what is refused, the event loop meanwhile, and what a cancelled task leaves."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import io
import os
import pickle
import random
import threading
import time
import tracemalloc
import weakref
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("tink", reason="Tink is not installed (extra tink)")

import aiohttp
import tink
from aiohttp import web
from azure.core.exceptions import HttpResponseError
from fixtures.targets import Target, Traffic
from test_encrypted_streams import MIB, SMALL, Broken, Choppy, Kept, Zeros, mutations, segments
from test_encrypted_streams import decrypted as decrypted_in_sync
from test_encrypted_streams import encrypted as encrypted_in_sync
from tink import aead, streaming_aead

from azure.keyvault.keys import KeyClient
from azure.keyvault.keys.crypto import CryptographyClient as SyncClient
from azure.keyvault.keys.crypto.aio import CryptographyClient
from azure.keyvault.keys.emulator import KeyVaultEmulator
from azure.keyvault.keys.tink import AzureKmsAead, StreamDecryptionError
from azure.keyvault.keys.tink.aio import DataKeys, decrypt_stream, encrypt_stream

aead.register()
ClientOf = Callable[[str], CryptographyClient]
AeadOf = Callable[[str], AzureKmsAead]


@pytest.fixture
async def async_client_of(vault: Target) -> AsyncIterator[ClientOf]:
    """Makes clients of keys by their URI, as a process that has just started would, and closes them."""
    clients: list[CryptographyClient] = []

    def make(key_uri: str) -> CryptographyClient:
        key_id = key_uri.removeprefix("azure-kms://")
        clients.append(CryptographyClient(key_id, vault.async_credential, **vault.options))
        return clients[-1]

    yield make
    for client in clients:
        await client.close()


@pytest.fixture(scope="module")
def local() -> aead.Aead:
    """A key that is no vault's, for what does not depend on it."""
    return tink.new_keyset_handle(aead.aead_key_templates.AES256_GCM).primitive(aead.Aead)


async def encrypted(data: bytes, key: Any, associated_data: bytes = b"") -> bytes:
    """Return encrypted data."""
    target = io.BytesIO()
    assert await encrypt_stream(io.BytesIO(data), target, key, associated_data=associated_data) == len(data)
    return target.getvalue()


async def decrypted(data: bytes, key: Any, associated_data: bytes = b"") -> bytes:
    """Return decrypted data."""
    target = io.BytesIO()
    count = await decrypt_stream(io.BytesIO(data), target, key, associated_data=associated_data)
    assert count == len(target.getvalue())
    return target.getvalue()


async def refused(data: bytes, key: Any, associated_data: bytes = b"") -> tuple[Exception, bytes]:
    """Return the error that data makes, and what was written before it."""
    target = io.BytesIO()
    with pytest.raises((StreamDecryptionError, HttpResponseError)) as error:
        await decrypt_stream(io.BytesIO(data), target, key, associated_data=associated_data)
    return error.value, target.getvalue()


async def pieces(data: bytes, size: int) -> AsyncIterator[bytes]:
    """Give data in pieces, with empty ones in between."""
    for start in range(0, len(data), size):
        yield b""
        yield data[start : start + size]


class Response:
    """What an asynchronous target is: a ``write`` that is awaited."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []

    async def write(self, data: bytes) -> None:
        await asyncio.sleep(0)
        self.parts.append(data)

    @property
    def data(self) -> bytes:
        return b"".join(self.parts)


def threads() -> list[threading.Thread]:
    """Return the threads of streams that do not end: they need nothing of the event loop any more."""
    of_streams = [thread for thread in threading.enumerate() if thread.name == "keyvault-stream"]
    for thread in of_streams:
        thread.join(5)
    return [thread for thread in of_streams if thread.is_alive()]


@pytest.mark.parametrize("size", [0, 1, 100, MIB - 400, MIB, MIB + 1, 3 * MIB + 7])
async def test_data_of_any_size_comes_back(uri: str, async_client_of: ClientOf, aead_of: AeadOf, size: int) -> None:
    data = random.Random(size).randbytes(size)
    secret = await encrypted(data, async_client_of(uri), b"orders")
    assert await decrypted(secret, async_client_of(uri), b"orders") == data
    assert decrypted_in_sync(secret, aead_of(uri), b"orders") == data
    assert await decrypted(encrypted_in_sync(data, aead_of(uri), b"orders"), async_client_of(uri), b"orders") == data
    assert threads() == []


async def test_stream_is_decrypted_after_rotations(
    async_client_of: ClientOf, keys: KeyClient, uri: str, name: str
) -> None:
    client = async_client_of(uri)
    secret = await encrypted(SMALL, client)
    for _ in range(3):
        await asyncio.to_thread(keys.rotate_key, name)
    assert await decrypted(secret, client) == SMALL
    assert await decrypted(secret, async_client_of(uri)) == SMALL


async def test_symmetric_key_of_an_hsm_encrypts_streams(hsm: Target, hsm_aead: AzureKmsAead, name: str) -> None:
    for _ in range(2):
        async with CryptographyClient(f"{hsm.url}/keys/{name}", hsm.async_credential, **hsm.options) as client:
            secret = await encrypted(SMALL, client, b"orders")
            assert await decrypted(secret, client, b"orders") == SMALL
        assert decrypted_in_sync(secret, hsm_aead, b"orders") == SMALL


async def test_tink_alone_reads_what_is_written(uri: str, async_client_of: ClientOf, aead_of: AeadOf) -> None:
    secret = await encrypted(SMALL * 100, async_client_of(uri), b"orders")
    length = int.from_bytes(secret[:4], "big")
    handle = await asyncio.to_thread(
        tink.proto_keyset_format.parse_encrypted, secret[4 : 4 + length], aead_of(uri), b""
    )
    stream = handle.primitive(streaming_aead.StreamingAead).new_decrypting_stream(
        io.BytesIO(secret[4 + length :]), b"orders"
    )
    assert stream.read() == SMALL * 100


async def test_what_tink_alone_writes_is_read(uri: str, async_client_of: ClientOf, aead_of: AeadOf) -> None:
    handle = tink.new_keyset_handle(streaming_aead.streaming_aead_key_templates.AES128_GCM_HKDF_4KB)
    keyset = await asyncio.to_thread(tink.proto_keyset_format.serialize_encrypted, handle, aead_of(uri), b"")
    body = Kept()
    stream = handle.primitive(streaming_aead.StreamingAead).new_encrypting_stream(body, b"orders")
    stream.write(SMALL * 1000)
    stream.close()
    secret = len(keyset).to_bytes(4, "big") + keyset + body.getvalue()
    assert await decrypted(secret, async_client_of(uri), b"orders") == SMALL * 1000


@pytest.mark.case("L13")
async def test_every_changed_byte_is_refused_and_nothing_is_released(uri: str, async_client_of: ClientOf) -> None:
    secret = await encrypted(SMALL, async_client_of(uri), b"orders")
    reader = async_client_of(uri)
    count = 0
    for changed in mutations(secret):
        error, released = await refused(changed, reader, b"orders")
        assert released == b"", error
        count += 1
    assert count == 4 * len(secret)
    assert await decrypted(secret, reader, b"orders") == SMALL


async def test_every_truncation_is_refused_and_nothing_is_released(uri: str, async_client_of: ClientOf) -> None:
    secret = await encrypted(SMALL, async_client_of(uri))
    reader = async_client_of(uri)
    for length in range(len(secret)):
        error, released = await refused(secret[:length], reader)
        assert (released, getattr(error, "verified", 0)) == (b"", 0)


@pytest.mark.parametrize("order", [(0, 2, 1, 3), (0, 1, 3), (0, 1, 2), (0, 1, 1, 2, 3), (0, 1, 2, 3, 3)], ids=str)
async def test_reordered_repeated_and_missing_segments_are_refused(local: aead.Aead, order: tuple[int, ...]) -> None:
    plain = random.Random(1).randbytes(2 * MIB + MIB // 2)
    parts = segments(await encrypted(plain, local))
    assert len(parts) == 4
    error, released = await refused(b"".join(parts[number] for number in order), local)
    assert isinstance(error, StreamDecryptionError)
    assert error.verified == len(released) < len(plain)
    assert plain.startswith(released)


async def test_changed_segment_of_an_awaited_source_releases_what_is_before_it(local: aead.Aead) -> None:
    plain = random.Random(2).randbytes(5 * MIB)
    changed = bytearray(await encrypted(plain, local))
    position = 3 * MIB + 1000
    changed[position] ^= 1
    target = Response()
    with pytest.raises(StreamDecryptionError) as error:
        await decrypt_stream(pieces(bytes(changed), 70_000), target, local)
    assert plain.startswith(target.data)
    assert error.value.verified == len(target.data)
    assert position - MIB - 1000 <= len(target.data) <= position


async def test_missing_permission_is_the_vaults_error(
    uri: str, async_client_of: ClientOf, emulator: KeyVaultEmulator
) -> None:
    secret = await encrypted(SMALL, async_client_of(uri))
    emulator.permissions.deny("unwrapKey")
    error, _ = await refused(secret, async_client_of(uri))
    assert isinstance(error, HttpResponseError)
    assert error.status_code == 403


@pytest.mark.parametrize("size", [1000, 65_536, 3 * MIB])
async def test_asynchronous_iterables_and_writers_are_awaited(local: aead.Aead, size: int) -> None:
    plain = random.Random(4).randbytes(3 * MIB + 5)
    middle, result = Response(), Response()
    assert await encrypt_stream(pieces(plain, size), middle, local) == len(plain)
    assert await decrypt_stream(pieces(middle.data, size), result, local) == len(plain)
    assert result.data == plain
    assert {type(part) for part in middle.parts + result.parts} == {bytes}


async def test_iterable_that_uses_its_buffer_again_is_read_in_time(local: aead.Aead) -> None:
    async def recycled() -> AsyncIterator[bytearray]:
        buffer = bytearray(1000)
        for number in range(200):
            buffer[:] = bytes([number]) * 1000
            yield buffer

    target = io.BytesIO()
    await encrypt_stream(recycled(), target, local)
    assert await decrypted(target.getvalue(), local) == b"".join(bytes([number]) * 1000 for number in range(200))


async def test_asyncio_streams_carry_data_over_a_socket(local: aead.Aead) -> None:
    plain = random.Random(5).randbytes(3 * MIB + 5)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await encrypt_stream(reader, writer, local)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname()[:2])
        result = io.BytesIO()
        decrypting = asyncio.create_task(decrypt_stream(reader, result, local))
        writer.write(plain)
        writer.write_eof()
        assert await decrypting == len(plain)
        writer.close()
        await writer.wait_closed()
    assert result.getvalue() == plain


async def test_aiohttp_uploads_and_downloads(local: aead.Aead) -> None:
    """A request's body is encrypted into the answer, and decrypted from it."""
    plain = random.Random(6).randbytes(3 * MIB + 5)

    async def encrypting(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        await encrypt_stream(request.content, answer, local)
        await answer.write_eof()
        return answer

    app = web.Application(client_max_size=8 * MIB)
    app.router.add_post("/", encrypting)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
        async with aiohttp.ClientSession() as session, session.post(url, data=io.BytesIO(plain)) as answer:
            result = io.BytesIO()
            assert await decrypt_stream(answer.content, result, local) == len(plain)
    finally:
        await runner.cleanup()
    assert result.getvalue() == plain


async def test_streams_are_awaited_by_the_callers_task(local: aead.Aead) -> None:
    """Timeouts and cancel scopes of an iterator are left by the task that has entered them."""
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="not set")
    variable.set("the caller's")
    seen: set[Any] = set()

    async def watching() -> AsyncIterator[bytes]:
        async with asyncio.TaskGroup() if hasattr(asyncio, "TaskGroup") else asyncio.Lock():
            for _ in range(3):
                seen.add((asyncio.current_task(), variable.get()))
                yield bytes(MIB)

    await encrypt_stream(watching(), io.BytesIO(), local)
    assert seen == {(asyncio.current_task(), "the caller's")}


async def test_event_loop_is_free_and_more_streams_than_threads_of_the_executor_run(local: aead.Aead) -> None:
    """Sources that need the loop's executor are read although 40 streams wait for theirs."""
    plain = random.Random(7).randbytes(200_000)

    async def from_the_executor(all_there: asyncio.Event) -> AsyncIterator[bytes]:
        nonlocal waiting
        waiting += 1
        if waiting == 40:
            all_there.set()
        await all_there.wait()
        yield await asyncio.to_thread(bytes, plain)

    waiting = 0
    event = asyncio.Event()
    targets = [io.BytesIO() for _ in range(40)]
    await asyncio.gather(*(encrypt_stream(from_the_executor(event), target, local) for target in targets))
    assert await decrypted(targets[-1].getvalue(), local) == plain
    assert threads() == []


async def test_loop_goes_on_while_a_file_blocks(local: aead.Aead) -> None:
    """The file is read only after the loop has done something else."""
    released = threading.Event()

    class Waiting(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            assert released.wait(20)
            return super().read(size)

    working = asyncio.create_task(encrypt_stream(Waiting(SMALL), target := io.BytesIO(), local))
    await asyncio.sleep(0.05)
    released.set()
    assert await working == len(SMALL)
    assert await decrypted(target.getvalue(), local) == SMALL


class Endless:
    """A source without an end, that says when it has been read for a while."""

    def __init__(self) -> None:
        self.read_for_a_while = asyncio.Event()
        self.pieces = 0

    def __aiter__(self) -> Endless:
        return self

    async def __anext__(self) -> bytes:
        self.pieces += 1
        if self.pieces == 3:
            self.read_for_a_while.set()
        await asyncio.sleep(0)
        return bytes(MIB)


async def test_cancelled_encryption_ends_and_leaves_no_complete_stream(local: aead.Aead) -> None:
    source, target = Endless(), io.BytesIO()
    working = asyncio.create_task(encrypt_stream(source, target, local))
    await source.read_for_a_while.wait()
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    assert threads() == []
    left, read = target.getvalue(), source.pieces
    gc.collect()
    await asyncio.sleep(0.02)
    assert (target.getvalue(), source.pieces) == (left, read)
    error, released = await refused(left, local)
    assert isinstance(error, StreamDecryptionError)
    assert not any(released)


async def test_cancelled_stream_between_files_is_left_alone(local: aead.Aead) -> None:
    """A thread that reads and writes files asks the loop for nothing, and ends all the same."""
    loop = asyncio.get_running_loop()
    begun = asyncio.Event()

    class EndlessFile(io.RawIOBase):
        def readable(self) -> bool:
            return True

        def read(self, size: int = -1) -> bytes:
            loop.call_soon_threadsafe(begun.set)
            return bytes(MIB)

    with open(os.devnull, "wb") as target:
        working = asyncio.create_task(encrypt_stream(EndlessFile(), target, local))  # type: ignore[arg-type]
        await begun.wait()
        for _ in range(3):  # a task may be cancelled more than once
            working.cancel()
            await asyncio.sleep(0)
        with pytest.raises(asyncio.CancelledError):
            await working
        assert threads() == []


async def test_timeout_ends_a_stream_whose_source_gives_nothing(local: aead.Aead) -> None:
    cancelled = asyncio.Event()

    class Silent:
        async def read(self, size: int) -> bytes:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                cancelled.set()
                raise
            return b""

    for work in (encrypt_stream, decrypt_stream):
        cancelled.clear()
        with pytest.raises((asyncio.TimeoutError, TimeoutError)):
            await asyncio.wait_for(work(Silent(), io.BytesIO(), local), 0.05)
        assert cancelled.is_set()
        assert threads() == []


async def test_cancelled_while_the_vault_is_asked(
    uri: str, async_client_of: ClientOf, emulator: KeyVaultEmulator
) -> None:
    secret = await encrypted(SMALL, async_client_of(uri))
    reader = async_client_of(uri)
    emulator.faults.hang(30, path=".*/unwrapkey")
    target = io.BytesIO()
    with pytest.raises((asyncio.TimeoutError, TimeoutError)):
        await asyncio.wait_for(decrypt_stream(io.BytesIO(secret), target, reader), 0.3)
    assert target.getvalue() == b""
    assert threads() == []


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), Broken("it")], ids=repr)
@pytest.mark.parametrize("side", ["source", "target"])
@pytest.mark.parametrize("kind", ["file", "awaited"])
async def test_failure_of_a_stream_is_raised_as_it_is(local: aead.Aead, error: Exception, side: str, kind: str) -> None:
    class FailingResponse(Response):
        async def write(self, data: bytes) -> None:
            await super().write(data)
            if len(self.data) > MIB:
                raise error

    async def failing(data: bytes) -> AsyncIterator[bytes]:
        yield data[: 2 * MIB]
        raise error

    plain = bytes(4 * MIB)
    for work, content in ((encrypt_stream, plain), (decrypt_stream, await encrypted(plain, local))):
        broken: Any = Choppy(content if side == "source" else b"", error, 2 * MIB)
        if kind == "awaited":
            broken = failing(content) if side == "source" else FailingResponse()
        streams: Any = (broken, io.BytesIO()) if side == "source" else (io.BytesIO(content), broken)
        with pytest.raises(type(error)) as raised:
            await work(*streams, local)
        assert raised.value is error
        assert threads() == []


async def test_progress_is_told_in_the_event_loop(local: aead.Aead) -> None:
    plain = bytes(3 * MIB + 1)
    seen: list[int] = []

    def tell(count: int) -> None:
        assert asyncio.get_running_loop()
        seen.append(count)

    async def tell_later(count: int) -> None:
        await asyncio.sleep(0)
        seen.append(count)

    def interrupt(count: int) -> None:
        raise Broken

    for progress in (tell, tell_later):
        seen.clear()
        target = io.BytesIO()
        await encrypt_stream(io.BytesIO(plain), target, local, progress=progress)
        assert seen == [MIB, 2 * MIB, 3 * MIB, 3 * MIB + 1]
        seen.clear()
        await decrypt_stream(io.BytesIO(target.getvalue()), io.BytesIO(), local, progress=progress)
        assert seen == sorted(set(seen))
        assert seen[-1] == len(target.getvalue())
    with pytest.raises(Broken):
        await encrypt_stream(io.BytesIO(plain), io.BytesIO(), local, progress=interrupt)


async def test_files_stay_open_and_are_used_from_where_they_stand(local: aead.Aead, tmp_path: Path) -> None:
    plain, secret = tmp_path / "plain", tmp_path / "secret"
    plain.write_bytes(b"not this " + SMALL)
    with plain.open("rb") as source, secret.open("w+b", buffering=0) as target:
        source.seek(9)
        await encrypt_stream(source, target, local)
        target.seek(0)
        result = io.BytesIO()
        await decrypt_stream(target, result, local)
        assert not any(file.closed for file in (source, target, result))
    assert result.getvalue() == SMALL


async def test_memory_does_not_grow_with_the_stream(local: aead.Aead, tmp_path: Path) -> None:
    class Discarding:
        async def write(self, data: bytes) -> None:
            """Forget it."""

    async def zeros(size: int) -> AsyncIterator[bytes]:
        source = Zeros(size)
        while piece := source.read():
            for start in range(0, len(piece), 1 << 16):
                yield piece[start : start + (1 << 16)]

    async def peak(size: int) -> int:
        path = tmp_path / str(size)
        tracemalloc.reset_peak()
        with path.open("wb") as target:
            await encrypt_stream(zeros(size), target, local)
        with path.open("rb") as source:
            assert await decrypt_stream(source, Discarding(), local) == size
        return tracemalloc.get_traced_memory()[1]

    tracemalloc.start()
    try:
        await peak(4 * MIB)
        assert await peak(64 * MIB) < await peak(8 * MIB) + 4 * MIB  # as thread and loop hold pieces by turns
    finally:
        tracemalloc.stop()


async def test_requests_do_not_grow_with_streams(uri: str, async_client_of: ClientOf, traffic: Traffic) -> None:
    """125 streams share a data key, in tasks that run together: 1,000 of them cost 8 keysets, unwrapped once each."""
    reused = DataKeys(async_client_of(uri), max_messages=125)
    streams: list[bytes] = []
    for _ in range(20):
        streams += await asyncio.gather(*(encrypted(SMALL, reused) for _ in range(50)))
    assert [request.method for request in traffic.calls] == ["GET"]
    assert len({stream[: 4 + int.from_bytes(stream[:4], "big")] for stream in streams}) == 8
    traffic.restart()
    reader = async_client_of(uri)
    for start in range(0, 1000, 50):
        results = await asyncio.gather(*(decrypted(stream, reader) for stream in streams[start : start + 50]))
        assert set(results) == {SMALL}
    assert [request.method for request in traffic.calls] == ["GET"] + ["POST"] * 8


async def test_data_keys_decrypt_and_are_renewed(uri: str, async_client_of: ClientOf, traffic: Traffic) -> None:
    keys = DataKeys(async_client_of(uri), max_bytes=100)
    first, second, third = [await encrypted(bytes(40), keys) for _ in range(3)]
    assert first[:300] == second[:300] != third[:300]
    keys.renew()
    assert (await encrypted(bytes(1), keys))[:300] != third[:300]
    assert await decrypted(first, keys) == bytes(40)
    assert [request.method for request in traffic.calls] == ["GET"], "what was encrypted lately is known"


def test_data_keys_work_in_several_event_loops(local: aead.Aead) -> None:
    keys = DataKeys(local)
    one, other = (asyncio.run(encrypted(SMALL, keys)) for _ in range(2))
    assert one[:200] == other[:200]
    assert asyncio.run(decrypted(one, keys)) == SMALL


def test_data_keys_keep_no_event_loop_that_has_ended(local: aead.Aead) -> None:
    class Slow(aead.Aead):
        def encrypt(self, plaintext: bytes, associated_data: bytes) -> bytes:
            time.sleep(0.01)
            return local.encrypt(plaintext, associated_data)

        def decrypt(self, ciphertext: bytes, associated_data: bytes) -> bytes:
            return local.decrypt(ciphertext, associated_data)

    keys = DataKeys(Slow())
    loops: list[weakref.ref[Any]] = []

    async def several() -> None:
        """Have streams wait for each other: then a lock refers to its loop."""
        loops.append(weakref.ref(asyncio.get_running_loop()))
        keys.renew()
        await asyncio.gather(*(encrypted(SMALL, keys) for _ in range(3)))

    for _ in range(4):
        asyncio.run(several())
    gc.collect()
    assert [loop() is None for loop in loops[:3]] == [True] * 3


async def test_data_keys_travel_without_their_data_keys(uri: str, vault: Target, async_client_of: ClientOf) -> None:
    keys = DataKeys(async_client_of(uri), max_messages=7)
    await encrypted(SMALL, keys)
    data = pickle.dumps(keys)
    copy = pickle.loads(data)
    assert copy is pickle.loads(data)
    assert copy._reuse.limits == keys._reuse.limits
    assert await decrypted(await encrypted(SMALL, copy), async_client_of(uri)) == SMALL
    await copy._given.close()


@pytest.mark.parametrize("limit", ["max_age", "max_messages", "max_bytes"])
def test_limits_must_be_positive(local: aead.Aead, limit: str) -> None:
    options: Any = {limit: 0}
    with pytest.raises(ValueError, match=limit):
        DataKeys(local, **options)


async def test_what_is_no_key_or_no_stream_is_refused(vault: Target, local: aead.Aead) -> None:
    key_id = "https://demo.vault.azure.net/keys/k"
    with SyncClient(key_id, vault.credential) as client:
        for key in (client, key_id, None):
            with pytest.raises(TypeError, match="'key' must be"):
                DataKeys(key)  # type: ignore[arg-type]
            for work in (encrypt_stream, decrypt_stream):
                with pytest.raises(TypeError, match="'key' must be"):
                    await work(io.BytesIO(), io.BytesIO(), key)  # type: ignore[arg-type]

    async def text() -> AsyncIterator[str]:
        yield "text"

    async def nothing() -> AsyncIterator[Any]:
        yield SMALL
        yield None
        yield SMALL

    wrong: list[tuple[Any, Any, str]] = [
        (nothing(), io.BytesIO(), "bytes, not NoneType"),
        ("text", io.BytesIO(), "source"),
        (b"bytes", io.BytesIO(), "source"),
        ([b"bytes"], io.BytesIO(), "source"),
        (io.StringIO("text"), io.BytesIO(), "binary"),
        (text(), io.BytesIO(), "bytes"),
        (io.BytesIO(), None, "target"),
    ]
    for source, target, message in wrong:
        with pytest.raises(TypeError, match=message):
            await encrypt_stream(source, target, local)
    with pytest.raises(TypeError, match="associated_data"):
        await encrypt_stream(io.BytesIO(), io.BytesIO(), local, associated_data="x")  # type: ignore[arg-type]
    assert threads() == []


async def test_methods_that_only_return_what_is_awaited_are_found_out(local: aead.Aead) -> None:
    """Compiled coroutines are not recognized as coroutine functions."""
    source, target = io.BytesIO(SMALL), Response()

    class Opaque:
        def read(self, size: int) -> Any:
            async def read() -> bytes:
                return source.read(size)

            return read()

        def write(self, data: bytes) -> Any:
            return target.write(data)

        def tell(self) -> Any:
            async def tell() -> int:
                return source.tell()

            return tell()

        def seek(self, offset: int, whence: int = io.SEEK_SET) -> Any:
            async def seek() -> int:
                return source.seek(offset, whence)

            return seek()

    for key in (local, DataKeys(local)):
        source.seek(0)
        target.parts.clear()
        await encrypt_stream(Opaque(), Opaque(), key)  # type: ignore[arg-type]
        assert await decrypted(target.data, local) == SMALL


async def test_client_is_collected_after_its_streams(uri: str, vault: Target) -> None:
    client = CryptographyClient(uri.removeprefix("azure-kms://"), vault.async_credential, **vault.options)
    await encrypted(SMALL, client)
    await client.close()
    gone = weakref.ref(client)
    del client
    assert threads() == []
    gc.collect()
    assert gone() is None
