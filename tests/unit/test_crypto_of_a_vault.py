"""Whose key get_cryptography_client takes, and whose credential a CryptographyClient."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest
from azure.core.exceptions import DecodeError
from fixtures.stub_vault import URL, VERSION, Answer, Script, StubWorld, Tokens, usable_bundle

from azure.keyvault.keys import KeyVaultKey
from azure.keyvault.keys._shared.fork import _renew_all
from azure.keyvault.keys.crypto import CryptographyClient, KeyResolver
from azure.keyvault.keys.crypto._state import KeyState

VAULT = "https://demo.vault.azure.net"
OTHER = "https://other.vault.azure.net"


@pytest.mark.case("B11")
@pytest.mark.parametrize("suffix", ["", "/v1"], ids=["latest", "version"])
def test_identifier_of_another_vaults_key_is_refused(suffix: str) -> None:
    """A key of the same name in this vault is another key."""
    with pytest.raises(ValueError, match="another vault"):
        KeyState.within(VAULT, f"{OTHER}/keys/orders{suffix}", None, "auto")


@pytest.mark.case("B11")
def test_key_of_another_vault_without_a_version_is_refused() -> None:
    with pytest.raises(ValueError, match="another vault"):
        KeyState.within(VAULT, KeyVaultKey(f"{OTHER}/keys/orders"), None, "auto")


@pytest.mark.case("B11")
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
def test_key_of_this_vault_is_used_in_this_vault(key: Any, version: str) -> None:
    state = KeyState.within(VAULT, key, None, "auto")
    assert (state.vault_url, state.name, state.version) == (VAULT, "orders", version)


class Asked:
    """A client for a version of a key, of which the vault answers with this identifier."""

    def __init__(self, stub: StubWorld, kid: str) -> None:
        self.identifier = f"{URL}/keys/orders/{VERSION}"
        self.kid = kid
        bundle = usable_bundle()
        bundle["key"]["kid"] = kid
        signature = bundle["key"]["n"]  # as long as one
        self.script = Script([Answer(200, bundle), Answer(200, {"kid": self.identifier, "value": signature})])
        self.transport, self.credential = stub.transport(self.script), stub.credential(Tokens())
        self.stub = stub

    def client(self, key: Any = None, **options: Any) -> Any:
        client = self.stub.world.CryptographyClient
        return self.stub.world.adapt(
            client(key or self.identifier, self.credential, transport=self.transport, **options)
        )


@pytest.mark.case("B11")
@pytest.mark.parametrize(
    "kid",
    [
        f"{URL}/keys/invoices/{VERSION}",
        f"{URL}/keys/orders/ffff",
        f"{URL}/secrets/orders/{VERSION}",
        f"{OTHER}/keys/orders/ffff",
        f"{OTHER}/keys/orders/{VERSION}",
        f"{OTHER}/keys/orders",
    ],
    ids=["name", "version", "collection", "vault and version", "vault", "vault, no version"],
)
async def test_answer_that_is_another_key_is_refused(stub: StubWorld, kid: str) -> None:
    with pytest.raises(DecodeError, match="was asked for the key"):
        await Asked(stub, kid).client().encrypt("RSA-OAEP", b"x")


@pytest.mark.case("B11")
@pytest.mark.parametrize(
    "kid",
    [
        f"{URL}/keys/orders/{VERSION}",
        f"{URL}/keys/orders",
        f"{OTHER}/keys/orders/{VERSION}",
        f"{OTHER}/keys/orders",
        f"{URL}/keys/ORDERS/{VERSION.upper()}",
    ],
    ids=["same", "no version", "another address", "another address, no version", "letter case"],
)
async def test_answer_does_not_lead_away_from_the_vault_and_version_that_were_asked(stub: StubWorld, kid: str) -> None:
    asked = Asked(stub, kid)
    client = asked.client(verify_challenge_resource=False)  # of a vault with an address of its own
    await client.encrypt("RSA-OAEP", b"x")
    assert client.key_id.lower() == asked.identifier
    await client.sign("RS256", bytes(32))
    assert asked.script.sent[-1].url.split("?")[0].lower() == f"{asked.identifier}/sign"


@pytest.mark.case("B11")
async def test_key_is_used_in_the_vault_that_it_was_got_from(stub: StubWorld) -> None:
    """Whatever address the answer tells: the credential's token is for this vault."""
    asked = Asked(stub, f"{OTHER}/keys/orders/{VERSION}")
    key = await stub.client(asked.script, verify_challenge_resource=False).get_key("orders")
    assert key.id == asked.kid
    await asked.client(key).sign("RS256", bytes(32))
    assert {urlsplit(sent.url).netloc for sent in asked.script.sent} == {urlsplit(URL).netloc}


class AsyncCredential:
    """A credential for asyncio."""

    async def get_token(self, *scopes: str, **kwargs: Any) -> Any: ...


@pytest.mark.case("A22")
@pytest.mark.parametrize(
    "construct",
    [lambda credential: CryptographyClient(f"{VAULT}/keys/orders", credential), KeyResolver],
    ids=["CryptographyClient", "KeyResolver"],
)
def test_asynchronous_credential_is_refused_at_construction(construct: Any) -> None:
    with pytest.raises(TypeError, match=r"AsyncCredential is asynchronous: use it with azure\.keyvault\.keys\.aio"):
        construct(AsyncCredential())


@pytest.mark.parametrize("key", [f"{VAULT}/keys/orders", f"{VAULT}/keys/orders/v1"], ids=["latest", "same version"])
def test_version_goes_with_an_identifier(key: str) -> None:
    state = KeyState.within(VAULT, key, "v1", "auto")
    assert (state.version, state.key_id) == ("v1", f"{VAULT}/keys/orders/v1")


@pytest.mark.parametrize(
    "key",
    [f"{VAULT}/keys/orders/v2", KeyVaultKey(f"{VAULT}/keys/orders/v2"), KeyVaultKey(f"{VAULT}/keys/orders")],
    ids=["identifier", "key", "key without a version"],
)
def test_version_that_is_not_the_keys_is_refused(key: Any) -> None:
    with pytest.raises(ValueError, match="key_version 'v1' does not match the version of the key"):
        KeyState.within(VAULT, key, "v1", "auto")


@pytest.mark.case("D7")
def test_resolver_does_not_wait_for_a_thread_of_the_parent_process() -> None:
    class Credential:
        def get_token(self, *scopes: str, **options: Any) -> Any: ...

    resolver = KeyResolver(Credential())
    resolver._lock.current.acquire()
    _renew_all()
    assert resolver(f"{VAULT}/keys/orders/v1").get_kid() == f"{VAULT}/keys/orders/v1"
