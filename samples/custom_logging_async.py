"""Log network traffic to your own handler, for one client or for one call (with asyncio).

Set VAULT_URL to the URL of a vault where you have all key permissions, and sign in with ``az login`` or another way
that DefaultAzureCredential supports. Or run the sample without Azure:

    python -m azure.keyvault.keys.emulator run python samples/custom_logging_async.py
"""

import asyncio
import logging
import os
import uuid

from azure.identity.aio import DefaultAzureCredential

from azure.keyvault.keys.aio import KeyClient
from azure.keyvault.keys.crypto import SignatureAlgorithm

VAULT_URL = os.environ["VAULT_URL"]


class Collector(logging.Handler):
    """Collects records. A real handler would send them to the log store of a service."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(f"{record.levelname} {record.name}: {record.getMessage()}")

    def take(self) -> list[str]:
        texts, self.texts = self.texts, []
        return texts


async def main() -> None:
    # Names of deleted keys stay reserved until they are purged, so every run uses a new one.
    name = f"logging-{uuid.uuid4().hex[:8]}"

    # The library writes to "azure.keyvault.keys"; azure-core's own summaries, at INFO, go to "azure.core".
    handler = Collector()
    logger = logging.getLogger("azure.keyvault.keys")
    logger.setLevel(logging.DEBUG)
    logger.addHandler(handler)

    async with DefaultAzureCredential() as credential:
        # By default nothing is traced, but you can trace a single call.
        async with KeyClient(VAULT_URL, credential) as client:
            await client.create_ec_key(name)
            print(f"Created   {name}: {len(handler.take())} records")
            await client.get_key(name, logging_enable=True)
            for text in handler.take():
                print(f"Logged    {text.splitlines()[0]}")

        # To trace all calls of a client, use a configuration, or pass logging_enable=True to the client.
        config = KeyClient.create_config(credential, logging_enable=True)
        async with KeyClient(VAULT_URL, credential, config=config) as client:
            signed = await client.get_cryptography_client(name).sign(SignatureAlgorithm.es256, os.urandom(32))
            texts = handler.take()
            print(f"Signed    {signed.performed}: {len(texts)} records")
            # Headers are logged without tokens. Bodies are not logged: they hold plaintext, private keys and backups.
            print(f"Searched  the records for a token: {'found one' if 'Bearer ey' in str(texts) else 'found none'}")
            await client.get_key(name, logging_enable=False)
            print(f"Got       {name}, without logging: {len(handler.take())} records")

            await client.delete_key(name)
            await client.purge_deleted_key(name)
            print(f"Purged    {name}, in {len(handler.take())} records")


if __name__ == "__main__":
    asyncio.run(main())
