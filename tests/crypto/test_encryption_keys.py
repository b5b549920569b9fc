"""Key-encryption keys as azure-storage's client-side encryption wants them, and the resolver that finds them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError
from fixtures.keyring import Keyring, private_jwk
from fixtures.targets import Target, Traffic

from azure.keyvault.keys import JsonWebKey, KeyClient
from azure.keyvault.keys.crypto import CryptographyClient, KeyEncryptionKey, KeyResolver, KeyWrapAlgorithm
from azure.keyvault.keys.crypto.aio import CryptographyClient as AsyncCryptographyClient
from azure.keyvault.keys.emulator import KeyVaultEmulator

#: The content keys of azure-storage: version 1, and version 2 with the version in front, filled up to a block.
CONTENT_KEYS = (bytes(range(32)), b"2.0" + bytes(5) + bytes(range(32)))
ALGORITHMS = {
    "RSA-OAEP": ("vault", "RSA 2048"),
    "RSA-OAEP-256": ("vault", "RSA 2048"),
    "RSA1_5": ("vault", "RSA 2048"),
    "A256KW": ("hsm", "oct 256"),
}


@pytest.fixture
def resolver(vault: Target) -> Iterator[KeyResolver]:
    with KeyResolver(vault.credential, **vault.options) as found:
        yield found


@pytest.fixture
def client(keyring_of: Callable[[Target], Keyring], vault: Target) -> Iterator[CryptographyClient]:
    key = keyring_of(vault).imported("RSA 2048")
    with CryptographyClient(key, vault.credential, **vault.options) as made:
        yield made


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_content_key_is_wrapped_and_unwrapped(
    request: pytest.FixtureRequest, keyring_of: Callable[[Target], Keyring], algorithm: str
) -> None:
    place, kind = ALGORITHMS[algorithm]
    target = request.getfixturevalue(place)
    key = keyring_of(target).imported(kind)
    with CryptographyClient(key, target.credential, **target.options) as made:
        kek = KeyEncryptionKey(made, KeyWrapAlgorithm(algorithm))
        for content_key in CONTENT_KEYS:
            wrapped = kek.wrap_key(content_key)
            assert type(wrapped) is bytes
            assert kek.unwrap_key(wrapped, algorithm) == content_key
        assert kek.get_kid() == key.id
        assert type(kek.get_key_wrap_algorithm()) is str
        assert json.loads(json.dumps([kek.get_kid(), kek.get_key_wrap_algorithm()])) == [key.id, algorithm]
        assert repr(kek) == f"KeyEncryptionKey({key.id!r}, {algorithm!r})"


def test_stored_algorithm_is_used_to_unwrap(client: CryptographyClient) -> None:
    kek = KeyEncryptionKey(client, "RSA-OAEP-256")
    wrapped = client.wrap_key("RSA-OAEP", CONTENT_KEYS[0]).encrypted_key
    assert kek.unwrap_key(wrapped, "RSA-OAEP") == CONTENT_KEYS[0]
    with pytest.raises(ValueError):
        kek.unwrap_key(wrapped, "RSA-OAEP-256")
    for unfit in ("A256KW", "RS256"):
        with pytest.raises(ValueError, match="algorithm"):
            kek.unwrap_key(wrapped, unfit)


def test_identifier_stays_when_the_key_is_rotated(vault: Target, name: str) -> None:
    with KeyClient(vault.url, vault.credential, **vault.options) as keys:
        first = keys.create_rsa_key(name)
        with CryptographyClient(f"{vault.url}/keys/{name}", vault.credential, **vault.options) as client:
            kek = KeyEncryptionKey(client, "RSA-OAEP")
            wrapped = kek.wrap_key(CONTENT_KEYS[1])
            keys.rotate_key(name)
            assert kek.get_kid() == first.id
            assert kek.unwrap_key(wrapped, "RSA-OAEP") == CONTENT_KEYS[1]


def test_identifier_without_a_version_that_cannot_be_read_is_refused(
    vault: Target, keyring_of: Callable[[Target], Keyring], emulator: KeyVaultEmulator
) -> None:
    unversioned = keyring_of(vault).imported("RSA 2048").id.rpartition("/")[0]
    emulator.permissions.deny("get")
    for options in ({}, {"execution": "remote"}):
        with (
            CryptographyClient(unversioned, vault.credential, **vault.options, **options) as client,
            pytest.raises(ValueError, match="version"),
        ):
            KeyEncryptionKey(client, "RSA-OAEP")


def test_failure_to_get_the_key_is_raised(vault: Target, name: str) -> None:
    with (
        CryptographyClient(f"{vault.url}/keys/{name}", vault.credential, **vault.options) as client,
        pytest.raises(HttpResponseError, match="KeyNotFound"),
    ):
        KeyEncryptionKey(client, "RSA-OAEP")


def test_key_that_is_in_no_vault_wraps_too() -> None:
    jwk = JsonWebKey(kty="oct", k=private_jwk("oct 256").k, kid="local:key1")
    kek = KeyEncryptionKey(CryptographyClient.from_jwk(jwk), "A256KW")
    assert kek.unwrap_key(kek.wrap_key(CONTENT_KEYS[0]), "A256KW") == CONTENT_KEYS[0]
    assert kek.get_kid() == "local:key1"
    with pytest.raises(ValueError, match="kid"):
        KeyEncryptionKey(CryptographyClient.from_jwk(private_jwk("oct 256")), "A256KW")


def test_what_is_no_client_or_does_not_wrap_is_refused(client: CryptographyClient) -> None:
    other: Any = AsyncCryptographyClient.from_jwk(private_jwk("oct 256"))
    with pytest.raises(TypeError, match="synchronous"):
        KeyEncryptionKey(other, "A256KW")
    with pytest.raises(ValueError, match="wrap_key"):
        KeyEncryptionKey(client, "RS256")


def test_resolver_finds_the_key_of_a_stored_identifier(
    resolver: KeyResolver, client: CryptographyClient, traffic: Traffic
) -> None:
    kek = KeyEncryptionKey(client, "RSA-OAEP")
    wrapped = kek.wrap_key(CONTENT_KEYS[1])
    found = resolver(kek.get_kid())
    assert found.get_kid() == kek.get_kid()
    assert found.unwrap_key(wrapped, kek.get_key_wrap_algorithm()) == CONTENT_KEYS[1]
    assert [request.method for request in traffic.calls] == ["GET", "POST"]


@pytest.mark.case("D1")
def test_resolver_keeps_one_key_for_each_identifier(resolver: KeyResolver, client: CryptographyClient) -> None:
    with ThreadPoolExecutor(16) as pool:
        found = set(map(id, pool.map(resolver, [str(client.key_id)] * 64)))
    assert len(found) == 1
    assert resolver(str(client.key_id).rpartition("/")[0]) is not resolver(str(client.key_id))


def test_identifier_without_a_version_is_compared_as_it_was_stored(
    resolver: KeyResolver, client: CryptographyClient
) -> None:
    unversioned = str(client.key_id).rpartition("/")[0]
    assert resolver(unversioned).get_kid() == unversioned


@pytest.mark.parametrize(
    ("key_id", "message"),
    [
        ("https://v.vault.azure.net/secrets/s/1", "get the secret and make a KeyEncryptionKey"),
        ("https://v.vault.azure.net/certificates/c/1", "certificates"),
        ("http://v.vault.azure.net/keys/k/1", "allowed vaults"),
        ("key1", "not a valid ID"),
        ("", "not a valid ID"),
    ],
)
def test_resolver_says_what_is_wrong_with_an_identifier(resolver: KeyResolver, key_id: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        resolver(key_id)


@pytest.mark.case("L15")
def test_resolver_asks_only_allowed_vaults(vault: Target) -> None:
    with KeyResolver(vault.credential, allowed_suffixes=["vault.azure.net"]) as resolver:
        assert resolver("https://v.vault.azure.net/keys/k/1").get_kid() == "https://v.vault.azure.net/keys/k/1"
        for elsewhere in ("https://evil.example/keys/k/1", "https://vault.azure.net.evil.example/keys/k/1"):
            with pytest.raises(ValueError, match="allowed vaults"):
                resolver(elsewhere)


def test_resolver_is_closed_with_its_connections(vault: Target, client: CryptographyClient) -> None:
    wrapped = client.wrap_key("RSA-OAEP", CONTENT_KEYS[0]).encrypted_key
    with KeyResolver(vault.credential, **vault.options) as resolver:
        kek = resolver(str(client.key_id))
    with pytest.raises(ValueError, match="closed"):
        kek.unwrap_key(wrapped, "RSA-OAEP")


def test_resolver_refuses_what_cannot_work(vault: Target) -> None:
    nobody: Any = None
    with pytest.raises(ValueError, match="credential"):
        KeyResolver(nobody)
    with pytest.raises(ValueError, match="wrap_key"):
        KeyResolver(vault.credential, algorithm="RS256")
