"""Rotate a key on demand and by a policy, and decrypt data that older versions encrypted (with asyncio).

Set VAULT_URL to the URL of a vault where you have all key permissions, and sign in with ``az login`` or another way
that DefaultAzureCredential supports. Or run the sample without Azure:

    python -m azure.keyvault.keys.emulator run python samples/key_rotation_async.py
"""

import asyncio
import json
import os
import uuid
from datetime import timedelta

from azure.identity.aio import DefaultAzureCredential

from azure.keyvault.keys import KeyRotationLifetimeAction, KeyRotationPolicy, KeyRotationPolicyAction
from azure.keyvault.keys.aio import KeyClient
from azure.keyvault.keys.crypto import EncryptionAlgorithm, EncryptResult

VAULT_URL = os.environ["VAULT_URL"]


async def main() -> None:
    # Names of deleted keys stay reserved until they are purged, so every run uses a new one.
    name = f"rotate-{uuid.uuid4().hex[:8]}"

    async with DefaultAzureCredential() as credential, KeyClient(VAULT_URL, credential) as client:
        first = await client.create_rsa_key(name, size=2048)
        print(f"Created   {name}, version {first.properties.version}")

        # A new version is valid for 90 days, and the vault creates the next one 30 days before it expires.
        policy = KeyRotationPolicy(
            lifetime_actions=[
                KeyRotationLifetimeAction(KeyRotationPolicyAction.rotate, time_before_expiry=timedelta(days=30))
            ],
            expires_in=timedelta(days=90),
        )
        stored = await client.update_key_rotation_policy(name, policy)
        print(f"Set       a policy: new versions live for {stored.expires_in}")
        # If a policy has no notification, the vault adds one, 30 days before a version expires.
        policy = await client.get_key_rotation_policy(name)
        for action in policy.lifetime_actions:
            what = "rotates" if action.action == KeyRotationPolicyAction.rotate else "notifies"
            print(f"Got       the policy: the vault {what} {action.time_before_expiry} before a version expires")

        # The result names the version that encrypted the data. Store it with the data.
        crypto = client.get_cryptography_client(name)
        secret = await crypto.encrypt(EncryptionAlgorithm.rsa_oaep_256, b"older than the key")
        record = json.dumps(secret.to_dict())
        print(f"Encrypted with {secret.key_id}")

        second = await client.rotate_key(name)
        print(f"Rotated   to version {second.properties.version}, which expires on {second.properties.expires_on}")

        # This client uses the newest version, and checks for a newer one every ten minutes.
        newest = client.get_cryptography_client(name, refresh_after=600)
        again = await newest.encrypt(EncryptionAlgorithm.rsa_oaep_256, b"new")
        print(f"Encrypted with {again.key_id}")
        # Data that the older version encrypted is decrypted with that version automatically.
        plain = await newest.decrypt(EncryptResult.from_dict(json.loads(record)))
        print(f"Decrypted {plain.plaintext.decode()!r} with the version that encrypted it")

        await client.delete_key(name)
        await client.purge_deleted_key(name)
        print(f"Purged    {name}")


if __name__ == "__main__":
    asyncio.run(main())
