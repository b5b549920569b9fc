"""Which version of a key data was made with, and whose data is refused before anything is sent."""

from __future__ import annotations

from typing import Any

import pytest

from azure.keyvault.keys import JsonWebKey, KeyVaultKey, KeyVaultKeyIdentifier
from azure.keyvault.keys.crypto._state import KeyState
from azure.keyvault.keys.crypto._versions import MOST_VERSIONS, VersionClients, other_version, text_of

VAULT = "https://demo.vault.azure.net"
KEY = f"{VAULT}/keys/orders"


def state_of(key: str = KEY) -> KeyState:
    return KeyState.of(key, "auto")


@pytest.mark.parametrize(
    ("own", "named", "version"),
    [
        (KEY, KEY, None),
        (KEY, f"{KEY}/v1", "v1"),
        (f"{KEY}/v1", f"{KEY}/v1", None),
        (f"{KEY}/v1", f"{KEY}/V1", None),
        (f"{KEY}/v1", f"{KEY}/v2", "v2"),
        (f"{KEY}/v1", KEY, None),
        (f"{KEY}/v1", "https://DEMO.vault.azure.net:443/keys/Orders/v2", "v2"),
    ],
    ids=["none", "one", "the same", "the same, spelt otherwise", "another", "not told", "another, spelt otherwise"],
)
def test_version_is_found(own: str, named: str, version: str | None) -> None:
    assert other_version(named, state_of(own)) == version


@pytest.mark.parametrize(
    ("named", "told"),
    [
        ("https://other.vault.azure.net/keys/orders/v1", "another vault"),
        (f"{VAULT}:8443/keys/orders/v1", "another vault"),
        ("http://demo.vault.azure.net/keys/orders/v1", "another vault"),
        ("https://demo.vault.azure.net.example/keys/orders/v1", "another vault"),
        (f"{VAULT}/keys/invoices/v1", "this client is for the key orders"),
        (f"{VAULT}/secrets/orders/v1", "this client is for the key orders"),
        (f"{VAULT}/deletedkeys/orders/v1", "this client is for the key orders"),
        (f"{KEY}/v1/v2", "not a valid ID"),
        (f"{KEY}/v1?x", "not a valid ID"),
        (f"{VAULT}@evil.example/keys/orders/v1", "not a valid ID"),
        ("orders", "not a valid ID"),
        ("", "not a valid ID"),
    ],
    ids=str,
)
def test_another_vault_or_name_is_refused(named: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        other_version(named, state_of())


def test_key_that_names_another_address_of_its_vault_knows_both() -> None:
    """A key that a vault has returned is used there, whatever address it names itself."""
    key = KeyVaultKey("https://alias.internal.example/keys/orders/v1", kty="RSA")
    state = KeyState.within(VAULT, key, None, "auto")
    assert other_version("https://alias.internal.example/keys/orders/v2", state) == "v2"
    assert other_version(f"{KEY}/v2", state) == "v2"
    assert state.of_version("v2").vault_url == VAULT


def test_version_of_a_key_that_is_used_only_here_is_refused() -> None:
    state = KeyState.of(KeyVaultKey(f"{KEY}/v1", kty="oct", k=bytes(32)), "local")
    with pytest.raises(NotImplementedError, match="version v2 of the key orders"):
        state.of_version("v2")


@pytest.mark.parametrize(("kid", "refused"), [(None, False), (f"{KEY}/v1", False), ("other", True)])
def test_key_that_is_in_no_vault_has_one_version(kid: str | None, refused: bool) -> None:
    state = KeyState.of_jwk(JsonWebKey(kty="oct", k=bytes(32), kid=kid))
    if refused:
        with pytest.raises(ValueError, match="was made with the key"):
            other_version(f"{KEY}/v1", state)
    else:
        assert other_version(f"{KEY}/v1", state) is None


def test_what_may_not_be_read_in_one_version_is_not_asked_for_in_another() -> None:
    state = state_of()
    assert state.of_version("v2").facts is None
    state.unreadable = True
    assert state.of_version("v2").facts is not None


@pytest.mark.parametrize("key_id", [f"{KEY}/v1", KeyVaultKey(f"{KEY}/v1"), KeyVaultKeyIdentifier(f"{KEY}/v1")])
def test_identifier_is_taken_from_what_has_one(key_id: Any) -> None:
    assert text_of(key_id) == f"{KEY}/v1"


@pytest.mark.parametrize("wrong", [5, b"x", ["x"]], ids=repr)
def test_what_is_no_identifier_is_refused(wrong: Any) -> None:
    with pytest.raises(TypeError, match="key_id must be the identifier of a key"):
        text_of(wrong)


def test_few_versions_are_kept_and_the_least_used_forgotten() -> None:
    clients: VersionClients[str] = VersionClients()
    made: list[str] = []

    def get(version: str) -> str:
        return clients.get(version, lambda: made.append(version) or version)  # type: ignore[func-returns-value]

    for number in range(MOST_VERSIONS):
        get(f"v{number}")
    get("V0")
    get("new")  # v1 goes, as v0 was used since
    get("v0")
    assert made == [*(f"v{number}" for number in range(MOST_VERSIONS)), "new"]
    get("v1")
    assert made[-1] == "v1"
    for number in range(1000):
        get(f"stranger{number}")
    assert len(clients._clients) == MOST_VERSIONS
