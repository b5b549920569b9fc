"""What takes long in this process does not hold up the event loop: it runs in a thread, and nothing else does."""

from __future__ import annotations

import io
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from fixtures.keyring import needs_ml_dsa, private_jwk

from azure.keyvault.keys import JsonWebKey
from azure.keyvault.keys.crypto import CryptographyClient as SyncCryptographyClient
from azure.keyvault.keys.crypto._local import LocalKey, load
from azure.keyvault.keys.crypto._local.akp import AkpKey
from azure.keyvault.keys.crypto._local.ec import EcKey
from azure.keyvault.keys.crypto._local.oct import OctKey
from azure.keyvault.keys.crypto._local.rsa import RsaKey
from azure.keyvault.keys.crypto.aio import CryptographyClient

SMALL, LARGE = bytes(1 << 10), bytes(1 << 20)
DIGEST = bytes(32)


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> list[threading.Thread]:
    """The threads in which local keys have worked."""
    seen: list[threading.Thread] = []
    for kind in (RsaKey, EcKey, OctKey, AkpKey):
        for name in ("encrypt", "decrypt", "wrap", "unwrap", "sign", "verify"):
            method = getattr(kind, name)

            def spy(*args: Any, method: Any = method) -> Any:
                seen.append(threading.current_thread())
                return method(*args)

            monkeypatch.setattr(kind, name, spy)
    return seen


CALLS: dict[str, tuple[str, str, tuple[Any, ...], bool]] = {
    "RSA sign": ("RSA 2048", "sign", ("RS256", DIGEST), True),
    "RSA decrypt": ("RSA 2048", "decrypt", ("RSA-OAEP", bytes(256)), True),
    "RSA unwrap": ("RSA 2048", "unwrap_key", ("RSA-OAEP", bytes(256)), True),
    "RSA encrypt": ("RSA 4096", "encrypt", ("RSA-OAEP", b"x"), False),
    "RSA wrap": ("RSA 4096", "wrap_key", ("RSA-OAEP", b"x"), False),
    "RSA verify": ("RSA 4096", "verify", ("RS256", DIGEST, bytes(512)), False),
    "EC sign": ("EC P-521", "sign", ("ES512", bytes(64)), False),
    "EC verify": ("EC P-521", "verify", ("ES512", bytes(64), b"s"), False),
    "ML-DSA sign": ("AKP ML-DSA-44", "sign", ("ML-DSA-44", b"m"), True),
    "ML-DSA verify": ("AKP ML-DSA-44", "verify", ("ML-DSA-44", b"m", bytes(2420)), False),
    "ML-DSA verify of a lot": ("AKP ML-DSA-44", "verify", ("ML-DSA-44", LARGE, bytes(2420)), True),
    "AES of a little": ("oct 256", "encrypt", ("A256CBCPAD", SMALL), False),
    "AES of a lot": ("oct 256", "encrypt", ("A256CBCPAD", LARGE), True),
    "AES wrap of a lot": ("oct 256", "wrap_key", ("A256KW", LARGE), True),
}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=needs_ml_dsa) if CALLS[name][0].startswith("AKP") else name for name in CALLS]
)
async def test_only_what_takes_long_runs_in_a_thread(name: str, threads: list[threading.Thread]) -> None:
    kind, method, arguments, elsewhere = CALLS[name]
    client = CryptographyClient.from_jwk(private_jwk(kind))
    try:
        await getattr(client, method)(*arguments)
    except ValueError:
        pass
    assert threads
    assert all((thread is not threading.current_thread()) == elsewhere for thread in threads)


def test_public_exponent_as_long_as_the_modulus_takes_long() -> None:
    jwk = private_jwk("RSA 2048")
    usual, unusual = load(jwk), load(JsonWebKey(kty="RSA", n=jwk.n, e=b"\x7f" + bytes(200) + b"\1"))
    assert usual
    assert unusual
    assert not usual.takes_long("verify", 32)
    assert unusual.takes_long("verify", 32)


def test_synchronous_client_uses_no_thread(threads: list[threading.Thread]) -> None:
    SyncCryptographyClient.from_jwk(private_jwk("RSA 2048")).sign("RS256", DIGEST)
    assert set(threads) == {threading.current_thread()}


def test_private_key_is_loaded_when_it_is_first_used() -> None:
    key: Any = load(private_jwk("RSA 2048"))
    assert isinstance(key, LocalKey)
    assert "_private" not in vars(key)


class File(io.BytesIO):
    """A file that notes where it was read."""

    threads: set[threading.Thread]

    def read(self, size: int | None = -1) -> bytes:
        self.threads.add(threading.current_thread())
        return super().read(size)


async def test_file_is_read_in_a_thread() -> None:
    client, file = CryptographyClient.from_jwk(private_jwk("EC P-256")), File(LARGE)
    file.threads = set()
    signed = await client.sign_data("ES256", file)
    assert threading.current_thread() not in file.threads
    assert (await client.verify_data("ES256", LARGE, signed.signature)).is_valid


@pytest.mark.parametrize("piece", [b"small", SMALL, LARGE], ids=["tiny", "small", "large"])
async def test_iterables_are_run_where_the_caller_is(piece: bytes) -> None:
    client, seen = CryptographyClient.from_jwk(private_jwk("EC P-256")), set()

    def pieces() -> Iterator[bytes]:
        for _ in range(5):
            seen.add(threading.current_thread())
            yield piece

    async def awaited() -> AsyncIterator[bytes]:
        for found in pieces():
            yield found

    signed = await client.sign_data("ES256", pieces())
    for data in (awaited(), pieces(), piece * 5, bytearray(piece * 5), memoryview(piece * 5)):
        assert (await client.verify_data("ES256", data, signed.signature)).is_valid
    assert not (await client.verify_data("ES256", piece * 4, signed.signature)).is_valid
    assert seen == {threading.current_thread()}


@pytest.mark.parametrize("data", ["text", 7, None, ["text"], io.StringIO("text")], ids=lambda data: type(data).__name__)
async def test_what_is_no_data_is_a_type_error(data: Any) -> None:
    client = CryptographyClient.from_jwk(private_jwk("EC P-256"))
    with pytest.raises(TypeError, match="data"):
        await client.sign_data("ES256", data)


async def test_asynchronous_iterable_of_text_is_a_type_error() -> None:
    async def texts() -> AsyncIterator[Any]:
        yield "text"

    with pytest.raises(TypeError, match="binary mode"):
        await CryptographyClient.from_jwk(private_jwk("EC P-256")).sign_data("ES256", texts())


def test_data_is_read_in_constant_memory() -> None:
    class Endless(io.RawIOBase):
        largest = 0
        left = 64

        def read(self, size: int = -1) -> bytes:
            assert 0 < size <= 1 << 20
            self.left -= 1
            return bytes(size) if self.left else b""

    client = SyncCryptographyClient.from_jwk(private_jwk("EC P-256"))
    signed = client.sign_data("ES256", Endless())  # type: ignore[arg-type]  # all of a file that is needed
    pieces = (bytes(1 << 20) for _ in range(63))
    assert client.verify_data("ES256", pieces, signed.signature).is_valid
