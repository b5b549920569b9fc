"""How long a data key is used."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("tink", reason="Tink is not installed (extra tink)")

import tink
from tink import aead

from azure.keyvault.keys.tink import DataKeys, decrypt_stream, encrypt_stream

aead.register()


@pytest.fixture(scope="module")
def local() -> aead.Aead:
    """A key that is no vault's."""
    return tink.new_keyset_handle(aead.aead_key_templates.AES256_GCM).primitive(aead.Aead)


def header(keys: DataKeys, data: bytes = b"tea", opened: Callable[[bytes], Any] = io.BytesIO) -> bytes:
    """Encrypt data, and return the encrypted keyset of its stream."""
    target = io.BytesIO()
    encrypt_stream(opened(data), target, keys)
    return target.getvalue()[4 : 4 + int.from_bytes(target.getvalue()[:4], "big")]


def changes(headers: list[bytes]) -> list[int]:
    """Return where the data key is another than before."""
    return [number for number in range(1, len(headers)) if headers[number] != headers[number - 1]]


def test_key_changes_after_so_many_streams(local: aead.Aead) -> None:
    keys = DataKeys(local, max_messages=3)
    assert changes([header(keys) for _ in range(10)]) == [3, 6, 9]


def test_key_changes_before_it_has_encrypted_too_much(local: aead.Aead) -> None:
    keys = DataKeys(local, max_bytes=100)
    assert changes([header(keys, bytes(40)) for _ in range(6)]) == [2, 4]
    keys = DataKeys(local, max_bytes=100)
    assert changes([header(keys, bytes(size)) for size in (10, 1000, 10, 10)]) == [1, 2]


def test_length_that_is_not_known_beforehand_is_counted(local: aead.Aead) -> None:
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

        def seek(self, *where: int) -> int:
            raise io.UnsupportedOperation("seek")

        def tell(self) -> int:
            raise io.UnsupportedOperation("tell")

    keys = DataKeys(local, max_bytes=100)
    assert changes([header(keys, bytes(60), Pipe) for _ in range(5)]) == [2, 4]


def test_key_changes_when_it_is_too_old(local: aead.Aead, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [50.0]
    monkeypatch.setattr("azure.keyvault.keys.tink._reuse.time.monotonic", lambda: now[0])
    keys, headers = DataKeys(local, max_age=60), []
    for now[0] in (50.0, 109.0, 110.0, 169.0, 171.0):
        headers.append(header(keys))
    assert changes(headers) == [2, 4]


def test_key_changes_when_told_to(local: aead.Aead) -> None:
    keys = DataKeys(local)
    first = header(keys)
    assert header(keys) == first
    keys.renew()
    assert header(keys) != first


def test_streams_under_one_data_key_have_nothing_else_in_common(local: aead.Aead) -> None:
    keys = DataKeys(local)
    streams = []
    for _ in range(2):
        target = io.BytesIO()
        encrypt_stream(io.BytesIO(bytes(64)), target, keys)
        streams.append(target.getvalue())
    start = 4 + int.from_bytes(streams[0][:4], "big")
    assert streams[0][:start] == streams[1][:start]
    assert streams[0][start + 1 :] != streams[1][start + 1 :]
    for stream in streams:
        target = io.BytesIO()
        decrypt_stream(io.BytesIO(stream), target, keys)
        assert target.getvalue() == bytes(64)


@pytest.mark.parametrize("limit", ["max_age", "max_messages", "max_bytes"])
def test_limits_must_be_positive(local: aead.Aead, limit: str) -> None:
    options: Any = {limit: 0}
    with pytest.raises(ValueError, match=limit):
        DataKeys(local, **options)


def test_what_is_no_key_is_refused() -> None:
    with pytest.raises(TypeError, match="'key' must be"):
        DataKeys("orders")  # type: ignore[arg-type]
