# pyright: strict
"""Every name of the asyncio key client, with the types that a user sees."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from azure.core.async_paging import AsyncItemPaged
from azure.core.configuration import Configuration
from azure.core.polling import AsyncLROPoller
from azure.core.rest import AsyncHttpResponse, HttpRequest
from azure.identity.aio import DefaultAzureCredential
from typing_extensions import assert_type

from azure.keyvault.keys import (
    DeletedKey,
    ExternalKey,
    JsonWebKey,
    KeyProperties,
    KeyRotationPolicy,
    KeyVaultKey,
    ReleaseKeyResult,
)
from azure.keyvault.keys.aio import KeyClient
from azure.keyvault.keys.crypto.aio import CryptographyClient

URL = "https://my-vault.vault.azure.net"


async def clients() -> None:
    """Make clients."""
    async with DefaultAzureCredential() as credential, KeyClient(URL, credential) as client:
        assert_type(client, KeyClient)
        assert_type(client.vault_url, str)
        assert_type(client.api_version, str)
        assert_type(KeyClient.create_config(credential), Configuration[Any, Any])
        assert_type(await client.send_request(HttpRequest("GET", "keys")), AsyncHttpResponse)
        await client.close()


async def create_and_change(client: KeyClient) -> None:
    """Create, import, get and update keys."""
    assert_type(await client.create_key("k", "RSA"), KeyVaultKey)
    assert_type(await client.create_key("k", "AKP", alg="ML-DSA-65"), KeyVaultKey)
    assert_type(await client.create_rsa_key("k", size=2048, hardware_protected=True), KeyVaultKey)
    assert_type(await client.create_ec_key("k", curve="P-256"), KeyVaultKey)
    assert_type(await client.create_oct_key("k", size=256), KeyVaultKey)
    assert_type(await client.create_external_key("k", ExternalKey(id="theirs")), KeyVaultKey)
    assert_type(await client.import_key("k", JsonWebKey()), KeyVaultKey)
    assert_type(await client.get_key("k"), KeyVaultKey)
    assert_type(await client.get_key(await client.get_key("k")), KeyVaultKey)
    assert_type(await client.delete_key(await client.get_key("k")), DeletedKey)
    assert_type(await client.get_key_attestation("k"), KeyVaultKey)
    assert_type(await client.update_key_properties("k", enabled=True), KeyVaultKey)
    assert_type(await client.update_key("k", enabled=True), KeyVaultKey)
    assert_type(client.get_cryptography_client("k"), CryptographyClient)


async def list_all(client: KeyClient) -> None:
    """List keys."""
    assert_type([item async for item in client.list_properties_of_keys()], list[KeyProperties])
    async for properties in client.list_keys(max_page_size=5):
        assert_type(properties, KeyProperties)
    assert_type([item async for item in client.list_keys(expand=True, max_page_size=5)], list[KeyVaultKey])
    assert_type([item async for item in client.list_properties_of_keys(expand=True)], list[KeyVaultKey])
    assert_type([item async for item in client.list_keys(expand=False)], list[KeyProperties])
    async for key in client.list_keys(expand=True):
        assert_type(key, KeyVaultKey)
    pages = client.list_properties_of_key_versions("k").by_page()
    assert_type(pages.continuation_token, str | None)
    async for page in pages:
        assert_type([item async for item in page], list[KeyProperties])
    as_azure_core_has_it: AsyncItemPaged[KeyProperties] = client.list_keys()
    assert_type(await anext(as_azure_core_has_it), KeyProperties)
    assert_type([item async for item in client.list_key_versions("k")], list[KeyProperties])
    assert_type([item async for item in client.list_deleted_keys()], list[DeletedKey])


async def delete(client: KeyClient) -> None:
    """Delete, recover, purge, back up and restore."""
    poller = await client.begin_delete_key("k", polling_interval=1)
    assert_type(poller, AsyncLROPoller[DeletedKey])
    token = poller.continuation_token()
    assert_type(token, str)
    assert_type(await client.begin_delete_key("k", continuation_token=token), AsyncLROPoller[DeletedKey])
    await poller.wait()
    assert_type(await poller.result(), DeletedKey)
    assert_type(await client.delete_key("k"), DeletedKey)
    assert_type(await client.get_deleted_key("k"), DeletedKey)
    assert_type(await client.begin_recover_deleted_key("k"), AsyncLROPoller[KeyVaultKey])
    recovering = await client.begin_recover_deleted_key("k", continuation_token=token, polling_interval=1)
    assert_type(recovering, AsyncLROPoller[KeyVaultKey])
    assert_type(await client.recover_deleted_key("k"), KeyVaultKey)
    await client.purge_deleted_key("k")
    backup = await client.backup_key("k")
    assert_type(backup, bytes)
    assert_type(await client.restore_key_backup(backup), KeyVaultKey)
    assert_type(await client.restore_key(backup), KeyVaultKey)


async def rotate_and_release(client: KeyClient) -> None:
    """Rotate, release, and ask for random bytes."""
    assert_type(await client.rotate_key("k"), KeyVaultKey)
    policy = await client.get_key_rotation_policy("k")
    assert_type(policy, KeyRotationPolicy)
    changed = await client.update_key_rotation_policy("k", policy, expires_in=timedelta(90))
    assert_type(changed, KeyRotationPolicy)
    assert_type(await client.release_key("k", "token", algorithm="CKM_RSA_AES_KEY_WRAP"), ReleaseKeyResult)
    assert_type(await client.get_random_bytes(16), bytes)


async def mistakes(client: KeyClient) -> None:
    """Make mistakes: a checker that lets one of them pass calls its comment unused."""
    KeyClient(URL, DefaultAzureCredential(), timout=3)  # type: ignore[call-arg]
    await client.get_key("k", retry_totl=1)  # type: ignore[call-arg]
    await client.get_key("k", retry_total="1")  # type: ignore[arg-type]
    await client.update_key("k", enable=False)  # type: ignore[call-arg]
    await client.delete_key("k", polling_intervall=3)  # type: ignore[call-arg]
