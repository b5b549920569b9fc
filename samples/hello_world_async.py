"""Create two keys, use them, list them, and delete them (with asyncio).

Set VAULT_URL to the URL of a vault where you have all key permissions, and sign in with ``az login`` or another way
that DefaultAzureCredential supports. Or run the sample without Azure:

    python -m azure.keyvault.keys.emulator run python samples/hello_world_async.py
"""

import asyncio
import os
import uuid
from datetime import datetime, timedelta, timezone

from azure.core.exceptions import ResourceNotFoundError
from azure.identity.aio import DefaultAzureCredential

from azure.keyvault.keys.aio import KeyClient
from azure.keyvault.keys.crypto import EncryptionAlgorithm, SignatureAlgorithm

VAULT_URL = os.environ["VAULT_URL"]


async def main() -> None:
    # Names of deleted keys stay reserved until they are purged, so every run uses new ones.
    run = uuid.uuid4().hex[:8]
    rsa_name, ec_name = f"hello-rsa-{run}", f"hello-ec-{run}"

    async with DefaultAzureCredential() as credential, KeyClient(VAULT_URL, credential) as client:
        rsa_key = await client.create_rsa_key(rsa_name, size=2048)
        print(f"Created   {rsa_key.name}, {rsa_key.key_type}, version {rsa_key.properties.version}")
        ec_key = await client.create_ec_key(ec_name, curve="P-256")
        print(f"Created   {ec_key.name}, {ec_key.key_type} on curve {ec_key.key.crv}")

        found = await client.get_key(rsa_name)
        print(f"Got       {found.name}, created {found.properties.created_on}, may {', '.join(found.key_operations)}")

        next_year = datetime.now(timezone.utc) + timedelta(days=365)
        updated = await client.update_key(rsa_name, expires=next_year, tags={"owner": "hello-world"})
        print(f"Updated   {updated.name}: expires {updated.properties.expires_on}, tags {updated.properties.tags}")

        crypto = client.get_cryptography_client(rsa_key)
        secret = await crypto.encrypt(EncryptionAlgorithm.rsa_oaep_256, b"Hello, world!")
        print(f"Encrypted 13 bytes to {len(secret.ciphertext)}, {secret.performed}")
        plain = await crypto.decrypt(secret)
        print(f"Decrypted {plain.plaintext.decode()!r}, {plain.performed}")

        crypto = client.get_cryptography_client(ec_key)
        signed = await crypto.sign_data(SignatureAlgorithm.es256, b"I was here")
        print(f"Signed    with {signed.algorithm.value}, {signed.performed}: {signed.signature.hex()[:16]}...")
        verified = await crypto.verify_data(SignatureAlgorithm.es256, b"I was here", signed.signature)
        print(f"Verified  the signature, {verified.performed}: {'valid' if verified.is_valid else 'not valid'}")

        names = [key.name async for key in client.list_keys() if key.name.endswith(run)]
        print(f"Listed    {', '.join(names)}")

        deleted = await client.delete_key(rsa_name)
        print(f"Deleted   {deleted.name}; the vault keeps it until {deleted.scheduled_purge_date}")
        recovered = await client.recover_deleted_key(rsa_name)
        print(f"Recovered {recovered.name}")

        for name in (rsa_name, ec_name):
            await client.delete_key(name)
        for name in (rsa_name, ec_name):
            await client.purge_deleted_key(name)
            print(f"Purged    {name}")
        try:
            await client.get_key(rsa_name)
        except ResourceNotFoundError:
            print(f"Gone      {rsa_name}")


if __name__ == "__main__":
    asyncio.run(main())
