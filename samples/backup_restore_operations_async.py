"""Back up a key with all its versions, lose it, and restore it (with asyncio).

Set VAULT_URL to the URL of a vault where you have all key permissions, and sign in with ``az login`` or another way
that DefaultAzureCredential supports. Or run the sample without Azure:

    python -m azure.keyvault.keys.emulator run python samples/backup_restore_operations_async.py
"""

import asyncio
import os
import uuid

from azure.core.exceptions import ResourceExistsError
from azure.identity.aio import DefaultAzureCredential

from azure.keyvault.keys.aio import KeyClient

VAULT_URL = os.environ["VAULT_URL"]


async def main() -> None:
    # Names of deleted keys stay reserved until they are purged, so every run uses a new one.
    name = f"backup-{uuid.uuid4().hex[:8]}"

    async with DefaultAzureCredential() as credential, KeyClient(VAULT_URL, credential) as client:
        first = await client.create_ec_key(name)
        second = await client.create_ec_key(name)
        print(f"Created   {name} with the versions {first.properties.version} and {second.properties.version}")

        # Only Key Vault can read these bytes, so they can be stored like any other file.
        backup = await client.backup_key(name)
        print(f"Backed up {name} with all its versions, {len(backup)} bytes")

        try:
            await client.restore_key(backup)
        except ResourceExistsError:
            print(f"Refused   to restore {name} while it exists")

        await client.delete_key(name)
        await client.purge_deleted_key(name)
        print(f"Lost      {name}: deleted and purged")

        restored = await client.restore_key(backup)
        print(f"Restored  {restored.name}, version {restored.properties.version}")
        versions = {properties.version async for properties in client.list_key_versions(name)}
        complete = versions == {first.properties.version, second.properties.version}
        print(f"Compared  the versions: {'all are back' if complete else 'some are missing'}")

        await client.delete_key(name)
        await client.purge_deleted_key(name)
        print(f"Purged    {name}")


if __name__ == "__main__":
    asyncio.run(main())
