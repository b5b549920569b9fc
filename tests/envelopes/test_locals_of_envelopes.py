"""What printers of local variables see of an envelope that failed: neither plaintexts nor keysets."""

from __future__ import annotations

import inspect
import io
from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("tink", reason="Tink is not installed (extra tink)")

import tink
from azure.core.exceptions import HttpResponseError
from fixtures.printed_locals import printed_locals
from fixtures.targets import Target
from tink import aead, secret_key_access
from tink.proto import tink_pb2

from azure.keyvault.keys import tink as sync_streams
from azure.keyvault.keys.crypto import CryptographyClient
from azure.keyvault.keys.crypto import aio as crypto_aio
from azure.keyvault.keys.emulator import KeyVaultEmulator
from azure.keyvault.keys.tink import AzureKmsAead, encrypt_stream
from azure.keyvault.keys.tink import aio as async_streams

aead.register()
MARK = "canary-of-envelopes"
SECRET = MARK.encode()
AeadOf = Callable[[str], AzureKmsAead]


def assert_hidden(error: BaseException, *secrets: bytes) -> None:
    shown = printed_locals(error)
    assert shown  # there are frames to look at
    for secret in (SECRET, *secrets):
        assert repr(secret)[2:-1] not in shown


class Breaking(io.BytesIO):
    """A stream that fails when it is written to, or read once more."""

    def write(self, data: Any) -> int:
        raise OSError("no space left")

    def read(self, size: int | None = -1) -> bytes:
        if self.tell():
            raise OSError("gone")
        return super().read(size)


AEAD: dict[str, Callable[[AzureKmsAead], Any]] = {
    "too long": lambda key: key.encrypt(SECRET * 100, b""),
    "associated data": lambda key: key.encrypt(b"keyset", SECRET),
    "not bytes": lambda key: key.encrypt([SECRET], b""),  # type: ignore[arg-type]
    "not decrypted": lambda key: key.decrypt(SECRET * 20, b""),
    "other version": lambda key: key.decrypt(b"azure:v1:" + SECRET, b""),
}


@pytest.mark.case("P15", "I2")
@pytest.mark.parametrize("what", AEAD)
def test_refused_data_key_leaves_no_local_variables(uri: str, aead_of: AeadOf, what: str) -> None:
    with pytest.raises((tink.TinkError, TypeError, HttpResponseError)) as caught:
        AEAD[what](aead_of(uri))
    assert_hidden(caught.value)


@pytest.mark.case("P15", "I2")
def test_data_key_that_the_vault_does_not_decrypt_leaves_no_local_variables(
    uri: str, aead_of: AeadOf, emulator: KeyVaultEmulator
) -> None:
    encrypted = aead_of(uri).encrypt(SECRET, b"")
    emulator.permissions.deny("unwrapKey")
    with pytest.raises(HttpResponseError) as caught:
        aead_of(uri).decrypt(encrypted, b"")
    assert_hidden(caught.value, encrypted)


class Keeping(aead.Aead):
    """A key that remembers the keysets that pass through it, and refuses to encrypt them if it is told to."""

    def __init__(self, key: aead.Aead, *, refusing: bool = False) -> None:
        self.keysets: list[bytes] = []
        self._key, self._refusing = key, refusing

    def encrypt(self, plaintext: bytes, associated_data: bytes) -> bytes:
        self.keysets.append(plaintext)
        if self._refusing:
            raise tink.TinkError("not today")
        return self._key.encrypt(plaintext, associated_data)

    def decrypt(self, ciphertext: bytes, associated_data: bytes) -> bytes:
        return self._key.decrypt(ciphertext, associated_data)


@pytest.fixture
def local() -> aead.Aead:
    """A key of Tink's own."""
    return tink.new_keyset_handle(aead.aead_key_templates.AES256_GCM).primitive(aead.Aead)  # type: ignore[no-any-return]


@pytest.fixture(params=["sync", "aio"])
def streams(request: pytest.FixtureRequest) -> Any:
    """The functions for streams of each of the two worlds, and its data keys."""
    return sync_streams if request.param == "sync" else async_streams


async def done(result: Any) -> None:
    if inspect.isawaitable(result):
        await result


@pytest.mark.case("P15", "I2")
@pytest.mark.parametrize("reused", [False, True], ids=["a data key each", "DataKeys"])
@pytest.mark.parametrize("what", ["source", "target", "key"])
async def test_failed_encryption_of_a_stream_leaves_no_local_variables(
    local: aead.Aead, streams: Any, what: str, reused: bool
) -> None:
    key = Keeping(local, refusing=what == "key")
    source = Breaking(SECRET * 10) if what == "source" else io.BytesIO(SECRET * 200_000)
    target = Breaking() if what == "target" else io.BytesIO()
    with pytest.raises((OSError, tink.TinkError)) as caught:
        await done(
            streams.encrypt_stream(source, target, streams.DataKeys(key) if reused else key, associated_data=SECRET)
        )
    assert len(key.keysets) == 1
    assert_hidden(caught.value, key.keysets[0])


@pytest.mark.case("P15", "I2")
@pytest.mark.parametrize("what", ["target", "damage", "another keyset"])
async def test_failed_decryption_of_a_stream_leaves_no_local_variables(
    local: aead.Aead, streams: Any, what: str
) -> None:
    key = Keeping(local)
    stream = io.BytesIO()
    encrypt_stream(io.BytesIO(SECRET * 200_000), stream, key)
    data = bytearray(stream.getvalue())
    if what == "damage":
        data[-1] ^= 1
    if what == "another keyset":
        keyset = tink.proto_keyset_format.serialize(
            tink.new_keyset_handle(aead.aead_key_templates.AES256_GCM), secret_key_access.TOKEN
        )
        outer = tink_pb2.EncryptedKeyset(encrypted_keyset=key.encrypt(keyset, b"")).SerializeToString()
        data = bytearray(len(outer).to_bytes(4, "big") + outer)
    target = Breaking() if what == "target" else io.BytesIO()
    with pytest.raises((OSError, tink.TinkError)) as caught:
        await done(streams.decrypt_stream(io.BytesIO(bytes(data)), target, key))
    assert_hidden(caught.value, *key.keysets)


@pytest.mark.case("P15", "I2")
async def test_stream_that_the_vault_does_not_encrypt_leaves_no_local_variables(
    uri: str, vault: Target, streams: Any, emulator: KeyVaultEmulator
) -> None:
    emulator.permissions.deny("get", "wrapKey")
    key_id = uri.removeprefix("azure-kms://")
    asynchronous = streams is async_streams
    kind: Any = crypto_aio.CryptographyClient if asynchronous else CryptographyClient
    client = kind(key_id, vault.async_credential if asynchronous else vault.credential, **vault.options)
    with pytest.raises(HttpResponseError) as caught:
        await done(streams.encrypt_stream(io.BytesIO(SECRET), io.BytesIO(), client, associated_data=SECRET))
    await done(client.close())
    assert_hidden(caught.value)
