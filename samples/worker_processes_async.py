"""Send a client to worker processes, each of which creates one client for all its tasks (with asyncio).

Set VAULT_URL to the URL of a vault where you have all key permissions, and sign in with ``az login`` or another way
that DefaultAzureCredential supports. Or run the sample without Azure:

    python -m azure.keyvault.keys.emulator run python samples/worker_processes_async.py
"""

import asyncio
import os
import uuid
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from azure.identity import DefaultAzureCredential

from azure.keyvault.keys.aio import KeyClient
from azure.keyvault.keys.crypto import SignResult
from azure.keyvault.keys.crypto.aio import CryptographyClient

VAULT_URL = os.environ["VAULT_URL"]
TASKS = 4
RECORDS = 5
PROCESSES = 2


def sign(crypto: CryptographyClient, task: int) -> tuple[int, int, list[dict[str, str]]]:
    """Run in a worker: sign some records, and return the process, the client and the signatures."""

    async def sign_all() -> list[dict[str, str]]:
        # Leaving this block closes the connections of this event loop. The client keeps its token and stays usable.
        async with crypto:
            signed = [crypto.sign_data("PS256", b"record %d.%d" % (task, number)) for number in range(RECORDS)]
            return [result.to_dict() for result in await asyncio.gather(*signed)]

    return os.getpid(), id(crypto), asyncio.run(sign_all())


async def main() -> None:
    # Names of deleted keys stay reserved until they are purged, so every run uses a new one.
    name = f"workers-{uuid.uuid4().hex[:8]}"

    # The async clients also accept sync credentials, which do not belong to an event loop.
    with DefaultAzureCredential() as credential:
        async with KeyClient(VAULT_URL, credential) as client:
            await client.create_rsa_key(name, size=2048)
            print(f"Created   {name}")

            # Only the vault's URL, the options and the credential are sent: no token and no private key.
            crypto = client.get_cryptography_client(name, refresh_after=600)
            loop = asyncio.get_running_loop()
            with ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")) as pool:
                tasks = [loop.run_in_executor(pool, sign, crypto, task) for task in range(TASKS)]
                results = await asyncio.gather(*tasks)
            processes = {process for process, _, _ in results}
            clients = {(process, made) for process, made, _ in results}
            assert len(clients) == len(processes)
            print(f"Signed    {TASKS * RECORDS} records; each process used one client for all of its tasks")

            # Results that were sent as JSON still name the key version that created them.
            await client.rotate_key(name)
            valid = [
                (await crypto.verify_data(SignResult.from_dict(stored), b"record %d.%d" % (task, number))).is_valid
                for task, (_, _, records) in enumerate(results)
                for number, stored in enumerate(records)
            ]
            print(f"Verified  {sum(valid)} of {TASKS * RECORDS} signatures after a rotation")

            await client.delete_key(name)
            await client.purge_deleted_key(name)
            print(f"Purged    {name}")


if __name__ == "__main__":
    asyncio.run(main())
