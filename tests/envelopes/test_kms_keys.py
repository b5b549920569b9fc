"""Keys of the vault as Tink's Aead: what they write, what they read, what they refuse, what they ask the vault."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("tink", reason="Tink is not installed (extra tink)")

import tink
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from fixtures.targets import Target, Traffic
from tink import aead, daead

from azure.keyvault.keys import KeyClient
from azure.keyvault.keys.crypto import CryptographyClient, EncryptionAlgorithm, KeyWrapAlgorithm
from azure.keyvault.keys.crypto import aio as crypto_aio
from azure.keyvault.keys.emulator import KeyVaultEmulator
from azure.keyvault.keys.tink import AzureKmsAead, AzureKmsClient

aead.register()
daead.register()
DATA = b"a data key, 32 bytes long. 012345"
TEMPLATE = aead.aead_key_templates.AES256_GCM
AeadOf = Callable[[str], AzureKmsAead]
ClientOf = Callable[[str], CryptographyClient]


def posts(traffic: Traffic) -> list[str]:
    """Return what was asked of keys, without their names and versions."""
    return [request.path.rsplit("/", 1)[1] for request in traffic.calls if request.method == "POST"]


def test_ciphertext_names_the_version_of_the_key(keys: KeyClient, uri: str, name: str, aead_of: AeadOf) -> None:
    version = keys.get_key(name).properties.version
    assert re.fullmatch(rb"azure:v1:[0-9a-f]{32}:.{256}", encrypted := aead_of(uri).encrypt(DATA, b""), re.DOTALL)
    assert encrypted.startswith(f"azure:v1:{version}:".encode())


def test_data_is_decrypted_after_three_rotations(keys: KeyClient, uri: str, name: str, aead_of: AeadOf) -> None:
    encrypted = []
    for _ in range(4):
        encrypted.append(aead_of(uri).encrypt(DATA, b""))
        keys.rotate_key(name)
    assert len({data[:42] for data in encrypted}) == 4
    assert [aead_of(uri).decrypt(data, b"") for data in encrypted] == [DATA] * 4
    reader = aead_of(uri)
    assert [reader.decrypt(data, b"") for data in encrypted] == [DATA] * 4


def test_data_without_a_header_is_decrypted_with_the_clients_version(
    keys: KeyClient, uri: str, name: str, aead_of: AeadOf
) -> None:
    encrypted = aead_of(uri).encrypt(DATA, b"")
    version = keys.get_key(name).properties.version
    assert aead_of(uri).decrypt(encrypted[42:], b"") == DATA
    keys.rotate_key(name)
    assert aead_of(f"{uri}/{version}").decrypt(encrypted[42:], b"") == DATA
    with pytest.raises(tink.TinkError):
        aead_of(uri).decrypt(encrypted[42:], b"")


def test_pinned_version_encrypts_although_the_key_was_rotated(
    keys: KeyClient, uri: str, name: str, aead_of: AeadOf
) -> None:
    version = keys.get_key(name).properties.version
    newer = keys.rotate_key(name).properties.version
    pinned = aead_of(f"{uri}/{version}")
    assert pinned.encrypt(DATA, b"").startswith(f"azure:v1:{version}:".encode())
    assert pinned.decrypt(encrypted := aead_of(uri).encrypt(DATA, b""), b"") == DATA
    assert encrypted.startswith(f"azure:v1:{newer}:".encode())


def test_writer_finds_the_newest_version_in_time(
    keys: KeyClient, uri: str, name: str, kms: Callable[..., AzureKmsClient], traffic: Traffic
) -> None:
    writer = kms(refresh_after=0.001).get_aead(uri)
    first = writer.encrypt(DATA, b"")
    newer = keys.rotate_key(name).properties.version
    while (second := writer.encrypt(DATA, b""))[:42] == first[:42]:
        assert len(traffic) < 1000
    assert second.startswith(f"azure:v1:{newer}:".encode())
    assert writer.decrypt(first, b"") == writer.decrypt(second, b"") == DATA


def test_pinned_uri_takes_the_options_of_one_without_a_version(
    keys: KeyClient, uri: str, name: str, kms: Callable[..., AzureKmsClient]
) -> None:
    client = kms(refresh_after=60)
    pinned = client.get_aead(f"{uri}/{keys.get_key(name).version}")
    assert pinned.decrypt(client.get_aead(uri).encrypt(DATA, b""), b"") == DATA


def test_reader_asks_for_the_version_and_for_the_data_key(
    keys: KeyClient, uri: str, name: str, aead_of: AeadOf, traffic: Traffic
) -> None:
    encrypted = aead_of(uri).encrypt(DATA, b"")
    version = keys.get_key(name).version
    keys.rotate_key(name)
    traffic.restart()
    assert aead_of(uri).decrypt(encrypted, b"") == DATA
    assert [request.path for request in traffic.calls] == [
        f"/keys/{name}/{version}",
        f"/keys/{name}/{version}/unwrapkey",
    ]


def test_versions_of_different_types_are_told_apart(hsm: Target, name: str) -> None:
    """A name may have an RSA key as one version and a symmetric one as the next."""
    with KeyClient(hsm.url, hsm.credential, **hsm.options) as client:
        client.create_rsa_key(name, hardware_protected=True)
        uri = f"azure-kms://{hsm.url}/keys/{name}"
        kms = AzureKmsClient(hsm.credential, allowed_suffixes=["localhost"], **hsm.options)
        first = kms.get_aead(uri).encrypt(DATA, b"")
        client.create_oct_key(name, size=256, hardware_protected=True)
    newer = AzureKmsClient(hsm.credential, allowed_suffixes=["localhost"], **hsm.options).get_aead(uri)
    second = newer.encrypt(DATA, b"")
    assert len(first) != len(second)
    for _ in range(2):
        reader = AzureKmsClient(hsm.credential, allowed_suffixes=["localhost"], **hsm.options).get_aead(uri)
        assert reader.decrypt(first, b"") == reader.decrypt(second, b"") == DATA


def test_writer_asks_for_the_key_once_and_needs_no_permission_to_decrypt(
    uri: str, aead_of: AeadOf, emulator: KeyVaultEmulator, traffic: Traffic
) -> None:
    emulator.permissions.deny("unwrapKey", "decrypt", "wrapKey", "encrypt")
    key = aead_of(uri)
    for _ in range(200):
        tink.proto_keyset_format.serialize_encrypted(tink.new_keyset_handle(TEMPLATE), key, b"")
    assert [(request.method, request.status) for request in traffic.calls] == [("GET", 200)]


def test_keyset_is_decrypted_once_by_however_many_threads(uri: str, aead_of: AeadOf, traffic: Traffic) -> None:
    encrypted = aead_of(uri).encrypt(DATA, b"")
    reader, plaintexts = aead_of(uri), list[bytes]()
    threads = [threading.Thread(target=lambda: plaintexts.append(reader.decrypt(encrypted, b""))) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert plaintexts == [DATA] * 16
    assert posts(traffic) == ["unwrapkey"]


def test_keyset_is_asked_for_again_without_memory_or_after_its_time(
    client_of: ClientOf, vault: Target, uri: str, aead_of: AeadOf, traffic: Traffic, monkeypatch: pytest.MonkeyPatch
) -> None:
    encrypted = aead_of(uri).encrypt(DATA, b"")
    client = client_of(uri)
    forgetful = AzureKmsAead(client, cache_size=0)
    assert [forgetful.decrypt(encrypted, b"") for _ in range(3)] == [DATA] * 3
    assert posts(traffic) == ["unwrapkey"] * 3
    now = [1000.0]
    monkeypatch.setattr("azure.keyvault.keys._key_cipher.recent.time.monotonic", lambda: now[0])
    brief = AzureKmsAead(client, cache_lifetime=60)
    for now[0], asked in ((1000.0, 4), (1059.0, 4), (1061.0, 5)):
        assert brief.decrypt(encrypted, b"") == DATA
        assert len(posts(traffic)) == asked


def test_memory_is_bounded(client_of: ClientOf, vault: Target, uri: str, aead_of: AeadOf, traffic: Traffic) -> None:
    writer = aead_of(uri)
    encrypted = [writer.encrypt(bytes([number]) * 32, b"") for number in range(4)]
    client = client_of(uri)
    reader = AzureKmsAead(client, cache_size=2)
    for data in encrypted * 2:
        reader.decrypt(data, b"")
    assert posts(traffic) == ["unwrapkey"] * 8


def test_one_version_is_not_taken_for_another(keys: KeyClient, uri: str, name: str, aead_of: AeadOf) -> None:
    """The header of another version, of another key, or of no key at all is refused."""
    encrypted = aead_of(uri).encrypt(DATA, b"")
    newer = keys.rotate_key(name).properties.version
    stranger = keys.create_rsa_key(f"{name}-other").properties.version
    with pytest.raises(tink.TinkError):
        aead_of(uri).decrypt(f"azure:v1:{newer}:".encode() + encrypted[42:], b"")
    for version in (stranger, "0" * 32):
        with pytest.raises(ResourceNotFoundError):
            aead_of(uri).decrypt(f"azure:v1:{version}:".encode() + encrypted[42:], b"")


@pytest.mark.parametrize(
    "version",
    [
        "",
        "x" * 32,
        "A" * 32,
        "../../keys/other/" + "0" * 15,
        "0" * 31,
        "0" * 33,
        "0" * 31 + "/",
        "%2e%2e%2f" + "0" * 23,
    ],
)
def test_header_that_names_no_version_is_refused_before_anything_is_sent(
    uri: str, aead_of: AeadOf, traffic: Traffic, version: str
) -> None:
    with pytest.raises(tink.TinkError, match="32 hex digits"):
        aead_of(uri).decrypt(f"azure:v1:{version}:".encode() + bytes(256), b"")
    assert len(traffic) == 0


def test_rsa_key_refuses_associated_data(uri: str, aead_of: AeadOf) -> None:
    """It could not bind it: accepting it would let any other pass."""
    key = aead_of(uri)
    encrypted = key.encrypt(DATA, b"")
    with pytest.raises(tink.TinkError, match="cannot bind associated data"):
        key.encrypt(DATA, b"orders")
    with pytest.raises(tink.TinkError, match="cannot bind associated data"):
        aead_of(uri).decrypt(encrypted, b"orders")


def test_too_long_data_is_refused(uri: str, aead_of: AeadOf) -> None:
    key = aead_of(uri)
    assert key.decrypt(key.encrypt(bytes(190), b""), b"") == bytes(190)
    with pytest.raises(tink.TinkError):
        key.encrypt(bytes(191), b"")


def test_symmetric_key_of_an_hsm_authenticates_data_and_associated_data(hsm_aead: AzureKmsAead) -> None:
    encrypted = hsm_aead.encrypt(DATA, b"orders")
    assert re.fullmatch(rb"azure:v1:[0-9a-f]{32}:.*", encrypted, re.DOTALL)
    reader = AzureKmsAead(hsm_aead._cipher.client)
    assert reader.decrypt(encrypted, b"orders") == DATA
    for associated_data in (b"", b"order"):
        with pytest.raises(tink.TinkError):
            reader.decrypt(encrypted, associated_data)
    for position in range(42, len(encrypted), 7):
        with pytest.raises(tink.TinkError):
            reader.decrypt(bytes(changed(encrypted, position)), b"orders")
    with pytest.raises(tink.TinkError):
        reader.decrypt(encrypted[:60], b"orders")


def changed(data: bytes, position: int, mask: int = 1) -> bytearray:
    """Return data of which one byte differs."""
    other = bytearray(data)
    other[position] ^= mask
    return other


@pytest.mark.parametrize(
    ("operations", "expected"),
    [(["wrapKey", "unwrapKey"], "unwrapkey"), (["encrypt", "decrypt"], "decrypt"), (None, "unwrapkey")],
    ids=["wrapping-key", "encrypting-key", "any-key"],
)
def test_key_is_used_by_the_operations_that_it_allows(
    keys: KeyClient, uri: str, name: str, aead_of: AeadOf, traffic: Traffic, operations: Any, expected: str
) -> None:
    keys.create_rsa_key(name, key_operations=operations)
    encrypted = aead_of(uri).encrypt(DATA, b"")
    assert aead_of(uri).decrypt(encrypted, b"") == DATA
    assert posts(traffic)[-1] == expected


@pytest.mark.parametrize(
    ("algorithm", "operation"),
    [(KeyWrapAlgorithm.rsa_oaep_256, "unwrapkey"), (EncryptionAlgorithm.rsa_oaep_256, "decrypt")],
)
def test_algorithm_chooses_the_operation(
    client_of: ClientOf, vault: Target, uri: str, aead_of: AeadOf, traffic: Traffic, algorithm: Any, operation: str
) -> None:
    encrypted = aead_of(uri).encrypt(DATA, b"")
    client = client_of(uri)
    assert AzureKmsAead(client, algorithm=algorithm).decrypt(encrypted, b"") == DATA
    assert posts(traffic)[-1] == operation


@pytest.mark.parametrize("algorithm", ["RSA1_5", "RSA-OAEP", EncryptionAlgorithm.a256_cbcpad, KeyWrapAlgorithm.aes_256])
def test_other_algorithms_are_refused(client_of: ClientOf, vault: Target, uri: str, algorithm: Any) -> None:
    client = client_of(uri)
    with pytest.raises(ValueError, match="RSA-OAEP-256"):
        AzureKmsAead(client, algorithm=algorithm)


def test_ec_key_cannot_encrypt(keys: KeyClient, vault: Target, name: str, aead_of: AeadOf) -> None:
    keys.create_ec_key(name)
    with pytest.raises(tink.TinkError, match="type EC cannot encrypt"):
        aead_of(f"azure-kms://{vault.url}/keys/{name}").encrypt(DATA, b"")


def test_missing_permission_is_the_vaults_error(uri: str, aead_of: AeadOf, emulator: KeyVaultEmulator) -> None:
    encrypted = aead_of(uri).encrypt(DATA, b"")
    emulator.permissions.deny("unwrapKey")
    with pytest.raises(HttpResponseError, match="unwrapKey permission") as refused:
        aead_of(uri).decrypt(encrypted, b"")
    assert refused.value.status_code == 403


def test_caller_that_may_not_read_the_key_encrypts_and_decrypts_in_the_vault(
    uri: str, aead_of: AeadOf, emulator: KeyVaultEmulator, traffic: Traffic
) -> None:
    emulator.permissions.deny("get")
    encrypted = aead_of(uri).encrypt(DATA, b"")
    assert encrypted.startswith(b"azure:v1:")
    assert aead_of(uri).decrypt(encrypted, b"") == DATA
    assert posts(traffic) == ["wrapkey", "unwrapkey"]


def test_tinks_envelopes_and_keysets_work_with_it(keys: KeyClient, uri: str, name: str, aead_of: AeadOf) -> None:
    envelope = aead.KmsEnvelopeAead(TEMPLATE, aead_of(uri))
    encrypted = envelope.encrypt(b"crates of tea", b"orders")
    handle = tink.new_keyset_handle(daead.deterministic_aead_key_templates.AES256_SIV)
    keyset = tink.json_proto_keyset_format.serialize_encrypted(handle, aead_of(uri), b"")
    keys.rotate_key(name)
    assert aead.KmsEnvelopeAead(TEMPLATE, aead_of(uri)).decrypt(encrypted, b"orders") == b"crates of tea"
    with pytest.raises(tink.TinkError):
        envelope.decrypt(encrypted, b"other")
    again = tink.json_proto_keyset_format.parse_encrypted(keyset, aead_of(uri), b"")
    primitives = [one.primitive(daead.DeterministicAead) for one in (handle, again)]
    assert primitives[0].encrypt_deterministically(b"x", b"") == primitives[1].encrypt_deterministically(b"x", b"")


@pytest.mark.parametrize("form", ["azure-kms://https://{}/keys/orders", "azure-kms://{}/keys/orders/" + "a" * 32])
@pytest.mark.parametrize(
    "host",
    [
        "demo.vault.azure.net",
        "demo.managedhsm.azure.net",
        "eu.demo.managedhsm.azure.net",
        "demo.vault.azure.cn",
        "demo.vault.usgovcloudapi.net",
        "Demo.Vault.Azure.Net",
    ],
)
def test_uri_of_a_key_in_any_cloud_is_supported(vault: Target, form: str, host: str) -> None:
    with AzureKmsClient(vault.credential) as client:
        assert client.does_support(form.format(host))
        assert "/keys/orders" in repr(client.get_aead(form.format(host)))


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "azure-kms://",
        "aws-kms://arn:aws:kms:us-east-1:1:key/1",
        "https://demo.vault.azure.net/keys/orders",
        "azure-kms://http://demo.vault.azure.net/keys/orders",
        "azure-kms://https://demo.vault.azure.net/secrets/orders",
        "azure-kms://https://demo.vault.azure.net/deletedkeys/orders",
        "azure-kms://https://demo.vault.azure.net/keys/",
        "azure-kms://https://demo.vault.azure.net/keys/orders/v/x",
        "azure-kms://https://demo.vault.azure.net.evil.example/keys/orders",
        "azure-kms://https://evilvault.azure.net/keys/orders",
        "azure-kms://https://demo.vault.azure.net@evil.example/keys/orders",
        "azure-kms://https://evil.example\\.vault.azure.net/keys/orders",
        "azure-kms://https://localhost:8443/keys/orders",
    ],
)
def test_other_uris_are_refused(vault: Target, uri: str) -> None:
    client = AzureKmsClient(vault.credential)
    assert not client.does_support(uri)
    with pytest.raises(tink.TinkError):
        client.get_aead(uri)


def test_every_host_is_admitted_when_asked_to(vault: Target) -> None:
    assert AzureKmsClient(vault.credential, allowed_suffixes=None).does_support("azure-kms://vault.example/keys/k")
    assert AzureKmsClient(vault.credential, allowed_suffixes=["vault.example"]).does_support(
        "azure-kms://vault.example/keys/k"
    )
    assert not AzureKmsClient(vault.credential, allowed_suffixes=[]).does_support("azure-kms://vault.example/keys/k")
    with pytest.raises(TypeError, match="must be a list of domains, such as"):
        AzureKmsClient(vault.credential, allowed_suffixes="vault.azure.net")


def test_synchronous_credentials_and_clients_are_asked_for(vault: Target) -> None:
    with pytest.raises(TypeError):
        AzureKmsClient(vault.async_credential)
    client = crypto_aio.CryptographyClient("https://demo.vault.azure.net/keys/k", vault.async_credential)
    with pytest.raises(TypeError, match="synchronous"):
        AzureKmsAead(client)  # type: ignore[arg-type]


def test_so_many_keys_are_kept_at_most(vault: Target) -> None:
    client = AzureKmsClient(vault.credential)
    for number in range(200):
        client.get_aead(f"azure-kms://demo.vault.azure.net/keys/k{number}")
    assert len(client._registry._ciphers) <= 64


def test_registered_client_serves_tinks_registry(kms: Callable[[], AzureKmsClient], uri: str) -> None:
    tink.register_kms_client(kms())
    try:
        key = tink.kms_client_from_uri(uri).get_aead(uri)
        template = aead.aead_key_templates.create_kms_envelope_aead_key_template(uri, TEMPLATE)
        envelope = tink.new_keyset_handle(template).primitive(aead.Aead)
        assert key.decrypt(key.encrypt(DATA, b""), b"") == DATA
        assert envelope.decrypt(envelope.encrypt(b"tea", b"a"), b"a") == b"tea"
    finally:
        tink._kms_clients.reset_kms_clients()
