"""Send a client to worker processes, each of which creates one client for all its tasks.

Set VAULT_URL to the URL of a vault where you have all key permissions, and sign in with ``az login`` or another way
that DefaultAzureCredential supports. Or run the sample without Azure:

    python -m azure.keyvault.keys.emulator run python samples/worker_processes.py
"""

import os
import uuid
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from azure.identity import DefaultAzureCredential

from azure.keyvault.keys import KeyClient
from azure.keyvault.keys.crypto import CryptographyClient, SignResult

VAULT_URL = os.environ["VAULT_URL"]
TASKS = 20
PROCESSES = 2


def sign(crypto: CryptographyClient, number: int) -> tuple[int, int, dict[str, str]]:
    """Run in a worker: sign a record, and return the process, the client and the signature."""
    signed = crypto.sign_data("PS256", b"record %d" % number)
    return os.getpid(), id(crypto), signed.to_dict()


def main() -> None:
    # Names of deleted keys stay reserved until they are purged, so every run uses a new one.
    name = f"workers-{uuid.uuid4().hex[:8]}"

    with DefaultAzureCredential() as credential, KeyClient(VAULT_URL, credential) as client:
        client.create_rsa_key(name, size=2048)
        print(f"Created   {name}")

        # Only the vault's URL, the options and the credential are sent: no token and no private key.
        crypto = client.get_cryptography_client(name, refresh_after=600)
        with ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")) as pool:
            results = [task.result() for task in [pool.submit(sign, crypto, number) for number in range(TASKS)]]
        processes = {process for process, _, _ in results}
        clients = {(process, made) for process, made, _ in results}
        assert len(clients) == len(processes)
        print(f"Signed    {TASKS} records; each process used one client for all of its tasks")

        # Results that were sent as JSON still name the key version that created them.
        client.rotate_key(name)
        valid = [
            crypto.verify_data(SignResult.from_dict(stored), b"record %d" % number).is_valid
            for number, (_, _, stored) in enumerate(results)
        ]
        print(f"Verified  {sum(valid)} of {TASKS} signatures after a rotation")

        client.delete_key(name)
        client.purge_deleted_key(name)
        print(f"Purged    {name}")


if __name__ == "__main__":
    main()
