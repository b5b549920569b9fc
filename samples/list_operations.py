"""List keys, versions and deleted keys. Read a list page by page, and continue it later.

Set VAULT_URL to the URL of a vault where you have all key permissions, and sign in with ``az login`` or another way
that DefaultAzureCredential supports. Or run the sample without Azure:

    python -m azure.keyvault.keys.emulator run python samples/list_operations.py
"""

import os
import uuid

from azure.identity import DefaultAzureCredential

from azure.keyvault.keys import KeyClient

VAULT_URL = os.environ["VAULT_URL"]


def show(count: int) -> None:
    """Redraw a progress bar that grows with every key."""
    print(f"\rListing   {'#' * count} {count} keys", end="", flush=True)


def main() -> None:
    # Names of deleted keys stay reserved until they are purged, so every run uses new ones.
    run = uuid.uuid4().hex[:8]
    names = [f"list-{number}-{run}" for number in range(3)]

    with DefaultAzureCredential() as credential, KeyClient(VAULT_URL, credential) as client:
        for name in names:
            client.create_ec_key(name)
        print(f"Created   {', '.join(names)}")
        client.create_ec_key(names[0])
        print(f"Created   a second version of {names[0]}")

        # A list contains the properties of keys, without key material and versions. The iteration requests the next
        # page when it gets there.
        for properties in client.list_keys():
            if properties.name in names:
                print(f"Listed    {properties.name}, enabled: {properties.enabled}, created {properties.created_on}")

        # Complete keys take one more request each, so a long list shows its progress.
        whole = [key for key in client.list_keys(expand=True, progress=show) if key.name in names]
        print(f"\nExpanded  {', '.join(f'{key.name} ({key.key_type})' for key in whole)}")

        # The vault returns versions in no particular order. Sort them by date to get the order of creation.
        for properties in client.list_key_versions(names[0]):
            print(f"Listed    version {properties.version} of {names[0]}, created {properties.created_on}")

        # Small pages show how to interrupt and continue a long list. The token is text that can be stored anywhere.
        pages = client.list_keys(max_page_size=2).by_page()
        first = [properties.name for properties in next(pages)]
        token = pages.continuation_token
        print(f"Paged     {len(first)} keys on the first page, and a token for the rest: {(token or '')[:40]}...")
        rest = [properties for page in client.list_keys(max_page_size=2).by_page(token) for properties in page]
        print(f"Continued the list: {len(rest)} more")

        for name in names:
            client.delete_key(name)
        deleted = [key for key in client.list_deleted_keys() if key.name in names]
        for key in deleted:
            print(f"Deleted   {key.name}; the vault keeps it until {key.scheduled_purge_date}")

        for name in names:
            client.purge_deleted_key(name)
            print(f"Purged    {name}")
        left = [key.name for key in client.list_keys() if key.name in names]
        print(f"Left      {len(left)} keys of this run")


if __name__ == "__main__":
    main()
