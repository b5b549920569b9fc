"""Delete keys, recover one, and purge them. Wait for each step, or do something else in the meantime.

Set VAULT_URL to the URL of a vault where you have all key permissions, and sign in with ``az login`` or another way
that DefaultAzureCredential supports. Or run the sample without Azure:

    python -m azure.keyvault.keys.emulator run python samples/recover_purge_operations.py
"""

import os
import uuid

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.identity import DefaultAzureCredential

from azure.keyvault.keys import KeyClient

VAULT_URL = os.environ["VAULT_URL"]


def show(seconds: float) -> None:
    """Redraw a progress bar that grows every half second."""
    print(f"\rDeleting  {'#' * int(2 * seconds + 1)} {seconds:.1f} s", end="", flush=True)


def main() -> None:
    # Names of deleted keys stay reserved until they are purged, so every run uses new ones.
    run = uuid.uuid4().hex[:8]
    name, other = f"recover-{run}", f"purge-{run}"

    with DefaultAzureCredential() as credential, KeyClient(VAULT_URL, credential) as client:
        key = client.create_ec_key(name)
        client.create_ec_key(other)
        print(f"Created   {name} and {other}")

        # delete_key returns when the deletion has finished, so the key can be recovered or purged immediately.
        deleted = client.delete_key(name, progress=show)
        print()
        print(f"Deleted   {name} on {deleted.deleted_date}; the vault purges it on {deleted.scheduled_purge_date}")

        # begin_delete_key returns when the vault has accepted the deletion. The result is available before it finishes.
        poller = client.begin_delete_key(other)
        print(f"Deleting  {poller.result().name}, {poller.status()}")
        poller.wait()
        print(f"Deleted   {other}, {poller.status()}")

        try:
            client.get_key(name)
        except ResourceNotFoundError:
            print(f"Missed    {name}: get_key does not find deleted keys")
        try:
            client.create_ec_key(name)
        except ResourceExistsError:
            print(f"Refused   to create {name}: the name stays reserved until the deleted key is purged")
        found = client.get_deleted_key(name)
        print(f"Found     {found.name} among the deleted keys, as {found.recovery_id}")

        recovered = client.recover_deleted_key(name)
        same = recovered.properties.version == key.properties.version
        print(f"Recovered {recovered.name}, {'the same version' if same else 'another version'} as before")

        client.delete_key(name)
        for each in (name, other):
            client.purge_deleted_key(each)
            print(f"Purged    {each}")
        try:
            client.get_deleted_key(name)
        except ResourceNotFoundError:
            print(f"Gone      {name}")


if __name__ == "__main__":
    main()
