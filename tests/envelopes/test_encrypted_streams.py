"""Streams of any length: what comes out, what is refused, what is written before that, what happens to the files."""

from __future__ import annotations

import gc
import io
import os
import random
import tracemalloc
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("tink", reason="Tink is not installed (extra tink)")

import tink
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from fixtures.targets import Target, Traffic
from tink import aead, secret_key_access, streaming_aead
from tink.proto import aes_gcm_hkdf_streaming_pb2, tink_pb2

from azure.keyvault.keys import KeyClient
from azure.keyvault.keys.crypto import CryptographyClient
from azure.keyvault.keys.crypto import aio as crypto_aio
from azure.keyvault.keys.emulator import KeyVaultEmulator
from azure.keyvault.keys.tink import (
    AzureKmsAead,
    AzureKmsClient,
    DataKeys,
    StreamDecryptionError,
    decrypt_stream,
    encrypt_stream,
)

aead.register()
MIB = 1 << 20
SMALL = b"42 crates of tea"
AeadOf = Callable[[str], AzureKmsAead]
ClientOf = Callable[[str], CryptographyClient]


def encrypted(data: bytes, key: Any, associated_data: bytes = b"") -> bytes:
    """Return encrypted data."""
    target = io.BytesIO()
    assert encrypt_stream(io.BytesIO(data), target, key, associated_data=associated_data) == len(data)
    return target.getvalue()


def decrypted(data: bytes, key: Any, associated_data: bytes = b"") -> bytes:
    """Return decrypted data."""
    target = io.BytesIO()
    count = decrypt_stream(io.BytesIO(data), target, key, associated_data=associated_data)
    assert count == len(target.getvalue())
    return target.getvalue()


def refused(data: bytes, key: Any, associated_data: bytes = b"") -> tuple[Exception, bytes]:
    """Return the error that data makes, and what was written before it."""
    target = io.BytesIO()
    with pytest.raises((StreamDecryptionError, HttpResponseError)) as error:
        decrypt_stream(io.BytesIO(data), target, key, associated_data=associated_data)
    return error.value, target.getvalue()


@pytest.fixture(scope="module")
def local() -> aead.Aead:
    """A key that is no vault's, for what does not depend on it."""
    return tink.new_keyset_handle(aead.aead_key_templates.AES256_GCM).primitive(aead.Aead)


@pytest.mark.parametrize("size", [0, 1, 100, MIB - 400, MIB, MIB + 1, 3 * MIB + 7])
def test_data_of_any_size_comes_back(uri: str, aead_of: AeadOf, size: int) -> None:
    data = random.Random(size).randbytes(size)
    assert decrypted(encrypted(data, aead_of(uri), b"orders"), aead_of(uri), b"orders") == data


def test_stream_is_decrypted_after_rotations_and_by_a_client(
    client_of: ClientOf, keys: KeyClient, vault: Target, uri: str, name: str, aead_of: AeadOf
) -> None:
    client = client_of(uri)
    data = encrypted(SMALL, client)
    for _ in range(3):
        keys.rotate_key(name)
    assert decrypted(data, aead_of(uri)) == SMALL
    assert decrypted(data, client) == SMALL
    fresh = client_of(uri)
    assert decrypted(data, fresh) == SMALL


def test_symmetric_key_of_an_hsm_encrypts_streams(hsm_aead: AzureKmsAead) -> None:
    data = encrypted(SMALL, hsm_aead, b"orders")
    assert decrypted(data, AzureKmsAead(hsm_aead._cipher.client), b"orders") == SMALL


def test_tink_alone_reads_what_is_written(uri: str, aead_of: AeadOf) -> None:
    """The layout is 4 bytes of length, Tink's encrypted keyset, Tink's stream."""
    data = encrypted(SMALL * 100, aead_of(uri), b"orders")
    length = int.from_bytes(data[:4], "big")
    handle = tink.proto_keyset_format.parse_encrypted(data[4 : 4 + length], aead_of(uri), b"")
    stream = handle.primitive(streaming_aead.StreamingAead).new_decrypting_stream(
        io.BytesIO(data[4 + length :]), b"orders"
    )
    assert stream.read() == SMALL * 100


@pytest.mark.parametrize("informed", [True, False], ids=["with-keyset-info", "without"])
def test_what_tink_alone_writes_is_read(uri: str, aead_of: AeadOf, informed: bool) -> None:
    handle = tink.new_keyset_handle(streaming_aead.streaming_aead_key_templates.AES128_GCM_HKDF_4KB)
    keyset = tink.proto_keyset_format.serialize_encrypted(handle, aead_of(uri), b"")
    if not informed:
        outer = tink_pb2.EncryptedKeyset.FromString(keyset)
        keyset = tink_pb2.EncryptedKeyset(encrypted_keyset=outer.encrypted_keyset).SerializeToString()
    body = Kept()
    stream = handle.primitive(streaming_aead.StreamingAead).new_encrypting_stream(body, b"orders")
    stream.write(SMALL * 1000)
    stream.close()
    data = len(keyset).to_bytes(4, "big") + keyset + body.getvalue()
    assert decrypted(data, aead_of(uri), b"orders") == SMALL * 1000


class Kept(io.BytesIO):
    """A file in memory that outlives its closing."""

    def close(self) -> None: ...


def mutations(data: bytes) -> Iterator[bytes]:
    """Give data with every byte changed: its lowest bit, its highest bit, the bit of letters' case, all bits."""
    for position in range(len(data)):
        for mask in (0x01, 0x80, 0x20, 0xFF):
            changed = bytearray(data)
            changed[position] ^= mask
            yield bytes(changed)


@pytest.mark.case("L13")
def test_every_changed_byte_is_refused_and_nothing_is_released(uri: str, aead_of: AeadOf) -> None:
    data = encrypted(SMALL, aead_of(uri), b"orders")
    reader = aead_of(uri)
    count = 0
    for changed in mutations(data):
        error, released = refused(changed, reader, b"orders")
        assert released == b"", error
        count += 1
    assert count == 4 * len(data)
    assert decrypted(data, reader, b"orders") == SMALL


def test_every_truncation_is_refused_and_nothing_is_released(uri: str, aead_of: AeadOf) -> None:
    data = encrypted(SMALL, aead_of(uri))
    reader = aead_of(uri)
    for length in range(len(data)):
        error, released = refused(data[:length], reader)
        assert (released, getattr(error, "verified", 0)) == (b"", 0)


@pytest.mark.parametrize("extra", [b"\0", b"x" * 16, bytes(MIB)], ids=["a-byte", "a-tag", "a-segment"])
def test_extended_stream_is_refused(local: aead.Aead, extra: bytes) -> None:
    for data in (SMALL, bytes(2 * MIB)):
        plain = data
        error, released = refused(encrypted(plain, local) + extra, local)
        assert isinstance(error, StreamDecryptionError)
        assert plain.startswith(released)
        assert released != plain or len(plain) > MIB


def segments(data: bytes) -> list[bytes]:
    """Take a stream apart: its beginning with the header, and its segments of 1 MiB; the first is shorter."""
    start = 4 + int.from_bytes(data[:4], "big")
    header = 40  # of AES256_GCM_HKDF: its length, a salt of 32 bytes, a nonce's prefix of 7
    ends = [start + MIB, *range(start + 2 * MIB, len(data), MIB), len(data)]
    starts = [start + header, *ends[:-1]]
    return [data[: start + header], *(data[a:b] for a, b in zip(starts, ends, strict=True))]


@pytest.mark.case("L13")
@pytest.mark.parametrize(
    "order",
    [
        (0, 2, 1, 3, 4),
        (0, 1, 3, 2, 4),
        (0, 1, 2, 4, 3),
        (0, 1, 2, 4),
        (0, 1, 2, 3),
        (0, 1, 1, 2, 3, 4),
        (0, 4),
        (0, 1, 2, 3, 4, 4),
    ],
    ids=str,
)
def test_reordered_repeated_and_missing_segments_are_refused(local: aead.Aead, order: tuple[int, ...]) -> None:
    """What is written before that is the beginning of the data, and the error says how much."""
    plain = random.Random(1).randbytes(3 * MIB + MIB // 2)
    parts = segments(encrypted(plain, local))
    assert len(parts) == 5
    assert decrypted(b"".join(parts), local) == plain
    error, released = refused(b"".join(parts[number] for number in order), local)
    assert isinstance(error, StreamDecryptionError)
    assert error.verified == len(released) < len(plain)
    assert plain.startswith(released)
    assert str(error.verified) in str(error)


def test_changed_segment_releases_what_is_before_it_and_no_more(local: aead.Aead) -> None:
    plain = random.Random(2).randbytes(5 * MIB)
    data = bytearray(encrypted(plain, local))
    for position in (len(data) - 1, 3 * MIB + 1000, MIB - 1):
        changed = data.copy()
        changed[position] ^= 1
        error, released = refused(bytes(changed), local)
        assert isinstance(error, StreamDecryptionError)
        assert plain.startswith(released)
        assert error.verified == len(released)
        assert position - MIB - 1000 <= len(released) <= position


def test_segments_of_another_stream_are_refused(local: aead.Aead) -> None:
    """Even when both were encrypted under one data key."""
    reused = DataKeys(local)
    one, other = (encrypted(bytes([number]) * (2 * MIB), reused) for number in (1, 2))
    parts, others = segments(one), segments(other)
    assert one[: 4 + int.from_bytes(one[:4], "big")] == other[: 4 + int.from_bytes(other[:4], "big")]
    error, released = refused(parts[0] + parts[1] + others[2] + others[3], local)
    assert isinstance(error, StreamDecryptionError)
    assert released == bytes([1]) * len(released)
    assert len(released) < MIB


def test_header_of_another_stream_is_refused(uri: str, aead_of: AeadOf) -> None:
    key = aead_of(uri)
    one, other = (encrypted(SMALL, key) for _ in range(2))
    start = 4 + int.from_bytes(one[:4], "big")
    error, released = refused(other[:start] + one[start:], aead_of(uri))
    assert isinstance(error, StreamDecryptionError)
    assert released == b""


def test_header_of_another_key_and_the_version_of_another_name_are_refused(
    keys: KeyClient, vault: Target, uri: str, name: str, aead_of: AeadOf
) -> None:
    data = encrypted(SMALL, aead_of(uri))
    other = f"azure-kms://{vault.url}/keys/{name}-other"
    keys.create_rsa_key(f"{name}-other")
    theirs = encrypted(SMALL, aead_of(other))
    for mixed in (theirs, theirs[:50] + data[50:], data[:50] + theirs[50:]):
        error, released = refused(mixed, aead_of(uri))
        assert isinstance(error, (StreamDecryptionError, ResourceNotFoundError))
        assert released == b""


def test_other_associated_data_is_refused(local: aead.Aead) -> None:
    data = encrypted(SMALL, local, b"orders")
    for associated_data in (b"", b"order", b"orders "):
        error, released = refused(data, local, associated_data)
        assert isinstance(error, StreamDecryptionError)
        assert released == b""


def test_vault_is_not_asked_about_what_begins_otherwise(uri: str, aead_of: AeadOf, traffic: Traffic) -> None:
    reader = aead_of(uri)
    for data in (b"", b"PK\3\4", bytes(4), b"\xff" * 4, b"\0\0\x10\1" + bytes(5000), b"\0\0\0\5hello"):
        error, released = refused(data, reader)
        assert isinstance(error, StreamDecryptionError)
        assert released == b""
    assert [request.method for request in traffic.calls] in ([], ["GET"])


def enveloped(keyset: tink_pb2.Keyset, key: aead.Aead) -> bytes:
    """Return the beginning of a stream that a stranger with the public key can make."""
    outer = tink_pb2.EncryptedKeyset(encrypted_keyset=key.encrypt(keyset.SerializeToString(), b""))
    return len(outer.SerializeToString()).to_bytes(4, "big") + outer.SerializeToString()


def keyset_of(*templates: Any) -> tink_pb2.Keyset:
    """Return a keyset with a new key for each template."""
    keyset = tink_pb2.Keyset()
    for template in templates:
        serialized = tink.proto_keyset_format.serialize(tink.new_keyset_handle(template), secret_key_access.TOKEN)
        keyset.MergeFromString(serialized)
    return keyset


def test_keysets_that_a_stream_does_not_have_are_refused(local: aead.Aead) -> None:
    """Of other primitives, with several keys, or with segments that would fill the memory."""
    streams = streaming_aead.streaming_aead_key_templates
    huge = keyset_of(streams.AES256_GCM_HKDF_1MB)
    key = aes_gcm_hkdf_streaming_pb2.AesGcmHkdfStreamingKey.FromString(huge.key[0].key_data.value)
    key.params.ciphertext_segment_size = (1 << 31) - 1
    huge.key[0].key_data.value = key.SerializeToString()
    for keyset in (
        huge,
        keyset_of(streams.AES256_GCM_HKDF_1MB, streams.AES256_GCM_HKDF_1MB),
        keyset_of(aead.aead_key_templates.AES256_GCM),
        tink_pb2.Keyset(),
    ):
        error, released = refused(enveloped(keyset, local) + bytes(100), local)
        assert isinstance(error, StreamDecryptionError)
        assert released == b""


def test_missing_permission_is_the_vaults_error(uri: str, aead_of: AeadOf, emulator: KeyVaultEmulator) -> None:
    data = encrypted(SMALL, aead_of(uri))
    emulator.permissions.deny("unwrapKey")
    error, _ = refused(data, aead_of(uri))
    assert isinstance(error, HttpResponseError)
    assert error.status_code == 403


def test_files_stay_open_and_are_used_from_where_they_stand(local: aead.Aead, tmp_path: Path) -> None:
    plain, secret = tmp_path / "plain", tmp_path / "secret"
    plain.write_bytes(b"not this " + SMALL)
    with plain.open("rb") as source, secret.open("w+b", buffering=0) as target:
        source.seek(9)
        target.write(b"head")
        encrypt_stream(source, target, local)
        assert not source.closed
        assert not target.closed
        target.seek(4)
        result = io.BytesIO(b"before")
        result.seek(6)
        decrypt_stream(target, result, local)
        assert not target.closed
        assert not result.closed
    assert result.getvalue() == b"before" + SMALL


class Choppy(io.RawIOBase):
    """A file that reads and writes a few bytes at a time."""

    def __init__(self, data: bytes = b"", error: BaseException | None = None, after: int = 1 << 40) -> None:
        self.data = bytearray(data)
        self._position = 0
        self._error, self._after = error, after

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        piece = bytes(self.data[self._position : self._position + min(size, 777_777)])
        self._position += len(piece)
        self._fail(self._position)
        return piece

    def write(self, data: Any) -> int:
        self.data += data[:777_777]
        self._fail(len(self.data))
        return len(data[:777_777])

    def _fail(self, count: int) -> None:
        if self._error is not None and count >= self._after:
            raise self._error


def test_streams_that_do_little_at_a_time_are_waited_for(local: aead.Aead) -> None:
    plain = random.Random(3).randbytes(3 * MIB)
    middle, result = Choppy(), Choppy()
    encrypt_stream(Choppy(plain), middle, local)  # type: ignore[arg-type]
    decrypt_stream(Choppy(bytes(middle.data)), result, local)  # type: ignore[arg-type]
    assert result.data == plain


class Broken(Exception):
    """What a stream of the caller's may raise."""


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), Broken("it"), KeyboardInterrupt()], ids=repr)
@pytest.mark.parametrize("side", ["source", "target"])
def test_failure_of_a_stream_is_raised_as_it_is(local: aead.Aead, error: BaseException, side: str) -> None:
    plain = bytes(4 * MIB)
    data = encrypted(plain, local)
    for work, content in ((encrypt_stream, plain), (decrypt_stream, data)):
        failing = Choppy(content if side == "source" else b"", error, 2 * MIB)
        streams: Any = (failing, io.BytesIO()) if side == "source" else (io.BytesIO(content), failing)
        with pytest.raises(type(error)) as raised:
            work(*streams, local)
        assert raised.value is error


def test_interrupted_encryption_does_not_leave_a_complete_stream(local: aead.Aead) -> None:
    """Tink would complete it when its stream is collected."""
    for after in (1, MIB, 2 * MIB + 5):
        target = io.BytesIO()
        with pytest.raises(Broken):
            encrypt_stream(Choppy(bytes(3 * MIB), Broken(), after), target, local)  # type: ignore[arg-type]
        gc.collect()
        error, _ = refused(target.getvalue(), local)
        assert isinstance(error, StreamDecryptionError)


def test_target_that_keeps_what_is_written_to_it_has_it_unchanged(local: aead.Aead) -> None:
    """Only files promise not to keep it."""

    class Keeping:
        def __init__(self) -> None:
            self.parts: list[bytes] = []

        def write(self, data: bytes) -> None:
            self.parts.append(data)

    plain = random.Random(8).randbytes(3 * MIB + 5)
    middle, result = Keeping(), Keeping()
    encrypt_stream(io.BytesIO(plain), middle, local)  # type: ignore[arg-type]
    decrypt_stream(io.BytesIO(b"".join(middle.parts)), result, local)  # type: ignore[arg-type]
    assert b"".join(result.parts) == plain


def test_client_is_collected_after_its_streams(uri: str, vault: Target) -> None:
    client = CryptographyClient(uri.removeprefix("azure-kms://"), vault.credential, **vault.options)
    encrypted(SMALL, client)
    client.close()
    gone = weakref.ref(client)
    del client
    gc.collect()
    assert gone() is None


def test_progress_is_told_in_bytes_of_the_source(local: aead.Aead) -> None:
    plain = bytes(3 * MIB + 1)
    seen: list[int] = []
    target = io.BytesIO()
    encrypt_stream(io.BytesIO(plain), target, local, progress=seen.append)
    assert seen == [MIB, 2 * MIB, 3 * MIB, 3 * MIB + 1]
    seen.clear()
    decrypt_stream(io.BytesIO(target.getvalue()), io.BytesIO(), local, progress=seen.append)
    assert seen == sorted(set(seen))
    assert seen[-1] == len(target.getvalue())

    def interrupt(count: int) -> None:
        raise Broken

    with pytest.raises(Broken):
        encrypt_stream(io.BytesIO(plain), io.BytesIO(), local, progress=interrupt)
    with pytest.raises(Broken):
        decrypt_stream(io.BytesIO(target.getvalue()), io.BytesIO(), local, progress=interrupt)


def test_memory_does_not_grow_with_the_stream(local: aead.Aead, tmp_path: Path) -> None:
    def peak(size: int) -> int:
        path = tmp_path / str(size)
        tracemalloc.reset_peak()
        with path.open("wb") as target:
            encrypt_stream(Zeros(size), target, local)
        with path.open("rb") as source, open(os.devnull, "wb") as target:
            assert decrypt_stream(source, target, local) == size
        return tracemalloc.get_traced_memory()[1]

    tracemalloc.start()
    try:
        peak(4 * MIB)
        assert peak(64 * MIB) < peak(8 * MIB) + MIB
    finally:
        tracemalloc.stop()


class Zeros(io.BytesIO):
    """So many zeros, one piece at a time."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self._left = size

    def read(self, size: int | None = -1) -> bytes:
        count = min(self._left, MIB)
        self._left -= count
        return bytes(count)


@pytest.mark.parametrize(
    ("source", "target", "message"),
    [
        ("text", io.BytesIO(), "source"),
        (io.StringIO("text"), io.BytesIO(), "binary"),
        (io.BytesIO(), None, "target"),
        (b"bytes", io.BytesIO(), "source"),
    ],
    ids=["path", "text-file", "no-target", "bytes"],
)
def test_what_is_no_binary_file_is_refused(local: aead.Aead, source: Any, target: Any, message: str) -> None:
    for work in (encrypt_stream, decrypt_stream):
        with pytest.raises(TypeError, match=message):
            work(source, target, local)


def test_what_is_no_key_is_refused(vault: Target) -> None:
    client = crypto_aio.CryptographyClient("https://demo.vault.azure.net/keys/k", vault.async_credential)
    for key in (client, "https://demo.vault.azure.net/keys/k", None):
        for work in (encrypt_stream, decrypt_stream):
            with pytest.raises(TypeError, match="'key' must be"):
                work(io.BytesIO(), io.BytesIO(), key)  # type: ignore[arg-type]
    for work in (encrypt_stream, decrypt_stream):
        with pytest.raises(TypeError, match="associated_data"):
            work(io.BytesIO(), io.BytesIO(), client, associated_data="orders")  # type: ignore[arg-type]


def test_stream_without_data_yet_is_refused(local: aead.Aead) -> None:
    """Taking it for the end would cut the data off."""

    class Waiting(io.RawIOBase):
        def readable(self) -> bool:
            return True

        def read(self, size: int = -1) -> None:
            return None

    with pytest.raises(BlockingIOError):
        encrypt_stream(Waiting(), io.BytesIO(), local)  # type: ignore[arg-type]


def test_requests_do_not_grow_with_streams(
    uri: str, kms: Callable[[], AzureKmsClient], aead_of: AeadOf, traffic: Traffic
) -> None:
    """125 streams share a data key: 1,000 of them cost 8 keysets, which a reader has unwrapped once each."""
    reused = DataKeys(aead_of(uri), max_messages=125)
    streams = [encrypted(SMALL, reused) for _ in range(1000)]
    assert [request.method for request in traffic.calls] == ["GET"]
    traffic.restart()
    reader = aead_of(uri)
    assert all(decrypted(stream, reader) == SMALL for stream in streams)
    assert [request.method for request in traffic.calls] == ["GET"] + ["POST"] * 8
