"""Whose key get_cryptography_client takes, and whose credential a CryptographyClient."""

from __future__ import annotations

from typing import Any

import pytest

from azure.keyvault.keys import KeyVaultKey
from azure.keyvault.keys.crypto import CryptographyClient, KeyResolver
from azure.keyvault.keys.crypto._state import KeyState

VAULT = "https://demo.vault.azure.net"
OTHER = "https://other.vault.azure.net"


@pytest.mark.parametrize("suffix", ["", "/v1"], ids=["latest", "version"])
def test_identifier_of_another_vaults_key_is_refused_B11(suffix: str) -> None:
    """A key of the same name in this vault is another key."""
    with pytest.raises(ValueError, match="another vault"):
        KeyState.within(VAULT, f"{OTHER}/keys/orders{suffix}", None, "auto")


def test_key_of_another_vault_without_a_version_is_refused_B11() -> None:
    with pytest.raises(ValueError, match="another vault"):
        KeyState.within(VAULT, KeyVaultKey(f"{OTHER}/keys/orders"), None, "auto")


@pytest.mark.parametrize(
    ("key", "version"),
    [
        ("orders", ""),
        (f"{VAULT}/keys/orders", ""),
        ("https://DEMO.vault.azure.net:443/keys/orders/v1", "v1"),
        (KeyVaultKey(f"{VAULT}/keys/orders"), ""),
        (KeyVaultKey("https://alias.internal.example/keys/orders/v1"), "v1"),
    ],
    ids=["name", "identifier", "same place spelt otherwise", "key", "key under another address, by version"],
)
def test_key_of_this_vault_is_used_in_this_vault_B11(key: Any, version: str) -> None:
    state = KeyState.within(VAULT, key, None, "auto")
    assert (state.vault_url, state.name, state.version) == (VAULT, "orders", version)


class AsyncCredential:
    """A credential for asyncio."""

    async def get_token(self, *scopes: str, **kwargs: Any) -> Any: ...


@pytest.mark.parametrize(
    "construct",
    [lambda credential: CryptographyClient(f"{VAULT}/keys/orders", credential), KeyResolver],
    ids=["CryptographyClient", "KeyResolver"],
)
def test_asynchronous_credential_is_refused_at_construction_A22(construct: Any) -> None:
    with pytest.raises(TypeError, match=r"AsyncCredential is asynchronous: use it with azure\.keyvault\.keys\.aio"):
        construct(AsyncCredential())
