"""Run tasks in several processes: once each task creates its client, once it receives a pickled one.

    python benchmarks/processes.py [--tasks 200] [--processes 4]

Prints how many tokens the emulator issued, how many requests it received, and how long the tasks took.
"""

from __future__ import annotations

import argparse
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

from azure.keyvault.keys import KeyClient
from azure.keyvault.keys.crypto import CryptographyClient
from azure.keyvault.keys.emulator import KeyVaultEmulator

DIGEST = bytes(32)


def ready(_: int) -> None:
    """Import what the tasks need, and wait until the other processes are ready."""
    time.sleep(0.5)


def sign_with_its_own(key_id: str, credential: Any, options: dict[str, Any]) -> str | None:
    """Sign with a client that the task creates."""
    with CryptographyClient(key_id, credential, **options) as crypto:
        return crypto.sign("ES256", DIGEST).key_id


def sign_with_what_was_sent(crypto: CryptographyClient) -> str | None:
    """Sign with a client that was sent to the process."""
    return crypto.sign("ES256", DIGEST).key_id


def measure(vault: KeyVaultEmulator, processes: int, tasks: int, task: Any, *arguments: Any) -> str:
    """Run the tasks in new processes and return their cost."""
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        list(pool.map(ready, range(processes)))
        vault.reset()
        began = time.perf_counter()
        found = [future.result() for future in [pool.submit(task, *arguments) for _ in range(tasks)]]
        seconds = time.perf_counter() - began
    assert len(set(found)) == 1
    return f"{len(vault.token_requests):8} {len(vault.requests):10} {seconds:9.1f} s"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", type=int, default=200)
    parser.add_argument("--processes", type=int, default=4)
    arguments = parser.parse_args()
    with (
        KeyVaultEmulator() as vault,
        KeyClient(vault.url, vault.credential, **vault.client_options) as client,
    ):
        key = client.create_ec_key("orders")
        own = (sign_with_its_own, key.id, vault.credential, vault.client_options)
        sent = (sign_with_what_was_sent, client.get_cryptography_client(key.id))
        print(f"{arguments.tasks} tasks in {arguments.processes} processes    tokens   requests      time")
        for title, task in (("a client for each task", own), ("a client that is sent along", sent)):
            print(f"{title:31}", measure(vault, arguments.processes, arguments.tasks, *task))


if __name__ == "__main__":
    main()
