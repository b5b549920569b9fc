"""What printers of local variables see of a key of a Parquet file that could not be wrapped: nothing."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("pyarrow.parquet.encryption", reason="pyarrow is not installed (extra parquet)")

from azure.core.exceptions import HttpResponseError
from fixtures.printed_locals import printed_locals
from fixtures.targets import Target
from pyarrow.parquet import encryption

from azure.keyvault.keys import KeyClient
from azure.keyvault.keys._shared.auth.challenge import CHALLENGES
from azure.keyvault.keys.emulator import KeyVaultEmulator
from azure.keyvault.keys.parquet import AzureKmsClient

MARK = "canary-of-parquet"
SECRET = MARK.encode()


@pytest.fixture(autouse=True)
def _no_known_challenges() -> None:
    CHALLENGES.clear()


CALLS: dict[str, Callable[[AzureKmsClient, str], Any]] = {
    "too long": lambda client, name: client.wrap_key(SECRET * 100, name),
    "no master key": lambda client, name: client.wrap_key(SECRET, f"{name}/b/c"),
    "not base64": lambda client, name: client.unwrap_key(f"!{MARK}", name),
    "damaged": lambda client, name: client.unwrap_key(base64.b64encode(SECRET * 20), name),
    "of another version": lambda client, name: client.unwrap_key(base64.b64encode(b"azure:v1:" + SECRET), name),
}


@pytest.mark.case("P15", "I2")
@pytest.mark.parametrize("what", CALLS)
def test_refused_key_leaves_no_local_variables(vault: Target, new_name: Callable[[], str], what: str) -> None:
    name = new_name()
    with KeyClient(vault.url, vault.credential, **vault.options) as keys:
        keys.create_rsa_key(name)
    config = encryption.KmsConnectionConfig(kms_instance_url=vault.url)
    client = AzureKmsClient(config, vault.credential, allowed_suffixes=["localhost"], **vault.options)
    with pytest.raises((ValueError, HttpResponseError)) as caught:
        CALLS[what](client, name)
    shown = printed_locals(caught.value)
    assert MARK not in shown
    assert base64.b64encode(SECRET * 20).decode() not in shown


@pytest.mark.case("P15", "I2")
def test_key_that_the_vault_does_not_wrap_leaves_no_local_variables(
    vault: Target, new_name: Callable[[], str], emulator: KeyVaultEmulator
) -> None:
    name = new_name()
    with KeyClient(vault.url, vault.credential, **vault.options) as keys:
        keys.create_rsa_key(name)
    emulator.permissions.deny("get", "wrapKey")
    config = encryption.KmsConnectionConfig(kms_instance_url=vault.url)
    client = AzureKmsClient(config, vault.credential, allowed_suffixes=["localhost"], **vault.options)
    with pytest.raises(HttpResponseError) as caught:
        client.wrap_key(SECRET, name)
    assert MARK not in printed_locals(caught.value)
    assert base64.urlsafe_b64encode(SECRET).decode().rstrip("=") not in printed_locals(caught.value)
