"""What a user of ``azure.keyvault.keys.tink`` and ``.parquet`` may write, and what a type checker must refuse."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import BinaryIO

from aiohttp import web
from azure.core.credentials import TokenCredential

from azure.keyvault.keys import parquet, tink
from azure.keyvault.keys.crypto import CryptographyClient, EncryptionAlgorithm, KeyWrapAlgorithm
from azure.keyvault.keys.crypto import aio as crypto_aio
from azure.keyvault.keys.tink import aio as tink_aio


def keys(credential: TokenCredential, client: CryptographyClient) -> tink.AzureKmsAead:
    with tink.AzureKmsClient(credential, allowed_suffixes=["vault.azure.net"], retry_total=3) as kms:
        supported: bool = kms.does_support("azure-kms://demo.vault.azure.net/keys/orders")
        key: tink.AzureKmsAead = kms.get_aead("azure-kms://demo.vault.azure.net/keys/orders")
    tink.AzureKmsClient(credential, allowed_suffixes=None).close()
    tink.AzureKmsAead(client, algorithm=EncryptionAlgorithm.a256_gcm, cache_size=0)
    tink.AzureKmsAead(client, algorithm=KeyWrapAlgorithm.rsa_oaep_256, cache_lifetime=60.0)
    encrypted: bytes = key.encrypt(b"a data key", b"")
    decrypted: bytes = key.decrypt(encrypted, b"")
    key.encrypt("text", b"")  # type: ignore[arg-type]
    return key if supported and decrypted else tink.AzureKmsAead(client)


def streams(source: BinaryIO, target: BinaryIO, client: CryptographyClient, key: tink.AzureKmsAead) -> int:
    reused = tink.DataKeys(client, max_age=300, max_messages=1000, max_bytes=1 << 30)
    reused.renew()
    count: int = tink.encrypt_stream(source, target, reused, associated_data=b"orders", progress=print)
    count += tink.encrypt_stream(source, target, client)
    tink.encrypt_stream(source, target, key, b"orders")  # type: ignore[call-arg]
    try:
        count += tink.decrypt_stream(source, target, key, associated_data=b"orders", progress=lambda done: None)
    except tink.StreamDecryptionError as error:
        verified: int = error.verified
        return verified
    return count


async def awaited(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    request: web.Request,
    response: web.StreamResponse,
    pieces: AsyncIterator[bytes],
    file: BinaryIO,
    client: crypto_aio.CryptographyClient,
) -> int:
    reused = tink_aio.DataKeys(client, max_age=300, max_messages=1000, max_bytes=1 << 30)
    reused.renew()
    count: int = await tink_aio.encrypt_stream(reader, writer, reused, associated_data=b"orders", progress=print)
    count += await tink_aio.encrypt_stream(request.content, response, client)
    count += await tink_aio.decrypt_stream(pieces, file, client, progress=lambda done: None)
    await tink_aio.encrypt_stream("text", file, client)  # type: ignore[arg-type]
    return count


def datasets(credential: TokenCredential) -> None:
    factory = parquet.crypto_factory(credential, allowed_suffixes=["vault.azure.net"], timeout=30)
    factory.file_decryption_properties(None)
    client: parquet.AzureKmsClient = parquet.AzureKmsClient(None, credential, allowed_suffixes=None)
    wrapped: str = client.wrap_key(b"0123456789abcdef", "orders")
    key: bytes = client.unwrap_key(wrapped, "orders/0123")
    client.unwrap_key(key, b"orders")  # type: ignore[arg-type]
