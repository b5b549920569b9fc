"""Keys that encrypt data keys. The tests run where Tink is installed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest
from fixtures.targets import Target

from azure.keyvault.keys import KeyClient
from azure.keyvault.keys._shared.auth.challenge import CHALLENGES
from azure.keyvault.keys.crypto import CryptographyClient

if TYPE_CHECKING:
    from azure.keyvault.keys.tink import AzureKmsAead, AzureKmsClient


@pytest.fixture(autouse=True)
def _no_known_challenges() -> None:
    CHALLENGES.clear()


@pytest.fixture
def keys(vault: Target) -> Iterator[KeyClient]:
    """A client of the vault."""
    with KeyClient(vault.url, vault.credential, **vault.options) as client:
        yield client


@pytest.fixture
def kms(vault: Target) -> Callable[[], AzureKmsClient]:
    """Makes clients that have not met the vault yet."""
    from azure.keyvault.keys.tink import AzureKmsClient

    return lambda **options: AzureKmsClient(
        vault.credential, allowed_suffixes=["localhost"], **vault.options, **options
    )


@pytest.fixture
def client_of(vault: Target) -> Iterator[Callable[[str], CryptographyClient]]:
    """Makes clients of keys by their URI, and closes them."""
    with ExitStack() as stack:
        yield lambda key_uri: stack.enter_context(
            CryptographyClient(key_uri.removeprefix("azure-kms://"), vault.credential, **vault.options)
        )


@pytest.fixture
def uri(vault: Target, keys: KeyClient, name: str) -> str:
    """The URI of a new RSA key."""
    keys.create_rsa_key(name)
    return f"azure-kms://{vault.url}/keys/{name}"


@pytest.fixture
def aead_of(kms: Callable[[], AzureKmsClient]) -> Callable[[str], AzureKmsAead]:
    """Gives the Aead of a URI, each time as a process that has just started would."""
    return lambda key_uri: kms().get_aead(key_uri)


@pytest.fixture
def hsm_aead(hsm: Target, name: str) -> AzureKmsAead:
    """The Aead of a symmetric key in a Managed HSM."""
    from azure.keyvault.keys.tink import AzureKmsClient

    options: Any = hsm.options
    with KeyClient(hsm.url, hsm.credential, **options) as client:
        client.create_oct_key(name, size=256, hardware_protected=True)
    return AzureKmsClient(hsm.credential, allowed_suffixes=["localhost"], **options).get_aead(
        f"azure-kms://{hsm.url}/keys/{name}"
    )
