"""Delete keys, recover one, and purge them. Wait for each step, or do something else in the meantime (with asyncio).

Set VAULT_URL to the URL of a vault where you have all key permissions, and sign in with ``az login`` or another way
that DefaultAzureCredential supports. Or run the sample without Azure:

    python -m azure.keyvault.keys.emulator run python samples/recover_purge_operations_async.py
"""

import asyncio
import os
import uuid

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.identity.aio import DefaultAzureCredential

from azure.keyvault.keys.aio import KeyClient

VAULT_URL = os.environ["VAULT_URL"]


def show(seconds: float) -> None:
    """Redraw a progress bar that grows every half second."""
    print(f"\rDeleting  {'#' * int(2 * seconds + 1)} {seconds:.1f} s", end="", flush=True)


async def main() -> None:
    # Names of deleted keys stay reserved until they are purged, so every run uses new ones.
    run = uuid.uuid4().hex[:8]
    name, other = f"recover-{run}", f"purge-{run}"

    async with DefaultAzureCredential() as credential, KeyClient(VAULT_URL, credential) as client:
        key = await client.create_ec_key(name)
        await client.create_ec_key(other)
        print(f"Created   {name} and {other}")

        # delete_key returns when the deletion has finished, so the key can be recovered or purged immediately.
        deleted = await client.delete_key(name, progress=show)
        print()
        print(f"Deleted   {name} on {deleted.deleted_date}; the vault purges it on {deleted.scheduled_purge_date}")

        # begin_delete_key returns when the vault has accepted the deletion. The result is available before it finishes.
        poller = await client.begin_delete_key(other)
        print(f"Deleting  {(await poller.result()).name}, {poller.status()}")
        await poller.wait()
        print(f"Deleted   {other}, {poller.status()}")

        try:
            await client.get_key(name)
        except ResourceNotFoundError:
            print(f"Missed    {name}: get_key does not find deleted keys")
        try:
            await client.create_ec_key(name)
        except ResourceExistsError:
            print(f"Refused   to create {name}: the name stays reserved until the deleted key is purged")
        found = await client.get_deleted_key(name)
        print(f"Found     {found.name} among the deleted keys, as {found.recovery_id}")

        recovered = await client.recover_deleted_key(name)
        same = recovered.properties.version == key.properties.version
        print(f"Recovered {recovered.name}, {'the same version' if same else 'another version'} as before")

        await client.delete_key(name)
        for each in (name, other):
            await client.purge_deleted_key(each)
            print(f"Purged    {each}")
        try:
            await client.get_deleted_key(name)
        except ResourceNotFoundError:
            print(f"Gone      {name}")


if __name__ == "__main__":
    asyncio.run(main())
