"""One client under load for a while: ``python benchmarks/soak.py [--threads 64] [--tasks 1000] [--calls 20000]``.

An emulator in this process answers and fails one call in a hundred. Threads with a synchronous client, and then tasks
with an asyncio client, read a key and sign with it. In the end, every call must have succeeded, each credential must
have been asked once, and memory, threads and open files must be at the level of the first tenth of the calls.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from azure.keyvault.keys import KeyClient, aio
from azure.keyvault.keys.emulator import KeyVaultEmulator

_DIGEST = bytes(32)


class Counting:
    """A credential for sync and async clients that counts token requests."""

    def __init__(self, credential: Any) -> None:
        self.credential, self.asked = credential, 0

    def get_token(self, *scopes: str, **options: Any) -> Any:
        """Return a token of the emulator."""
        self.asked += 1
        return self.credential.get_token(*scopes, **options)


def held() -> tuple[int, int, int]:
    """Return the memory in MB, the threads and the open files of this process."""
    with open("/proc/self/statm") as file:
        pages = int(file.read().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") >> 20, threading.active_count(), len(os.listdir("/proc/self/fd"))


class Faults(threading.Thread):
    """Fails about one call in a hundred, until it is told to stop."""

    def __init__(self, vault: KeyVaultEmulator) -> None:
        super().__init__(daemon=True)
        self.vault, self.over = vault, threading.Event()

    def run(self) -> None:
        """Add a fault for every hundred recorded requests, and clear the record so that it does not count as a leak."""
        while not self.over.wait(0.02):
            seen = len(self.vault.requests)
            if seen < 100:
                continue
            self.vault.requests.clear()
            for _ in range(seen // 100):
                kind = random.choice(("503", "429", "drop"))
                if kind == "drop":
                    self.vault.faults.drop(times=1)
                else:
                    self.vault.faults.status(int(kind), times=1)


def report(name: str, calls: int, seconds: float, asked: int, before: tuple[int, int, int]) -> bool:
    """Print the result, and return whether it is as expected."""
    after = held()
    grown = after[0] - before[0]
    well = asked == 1 and grown < 64 and after[1] <= before[1] + 2 and after[2] <= before[2] + 4
    print(
        f"{name}: {calls} calls in {seconds:.1f} s, credential asked {asked} times; MB, threads, files: "
        f"{before} before, {after} after: {'well' if well else 'NOT WELL'}",
        flush=True,
    )
    return well


def with_threads(vault: KeyVaultEmulator, threads: int, calls: int) -> bool:
    """Use one synchronous client in many threads."""
    credential = Counting(vault.credential)
    with KeyClient(vault.url, credential, retry_total=10, retry_backoff_factor=0.05, **vault.client_options) as client:
        crypto = client.get_cryptography_client("soak", execution="remote")

        def call(number: int) -> None:
            if number % 2:
                assert client.get_key("soak").name == "soak"
            else:
                assert crypto.sign("ES256", _DIGEST).signature

        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(call, range(calls // 10)))
            before, began = held(), time.monotonic()
            list(pool.map(call, range(calls)))
            return report(f"{threads} threads", calls, time.monotonic() - began, credential.asked, before)


async def with_tasks(vault: KeyVaultEmulator, tasks: int, calls: int) -> bool:
    """Use one asyncio client in many tasks."""
    credential = Counting(vault.credential)
    options = {"retry_total": 10, "retry_backoff_factor": 0.05, **vault.client_options}
    async with aio.KeyClient(vault.url, credential, **options) as client:
        crypto = client.get_cryptography_client("soak", execution="remote")

        async def work(numbers: Any) -> None:
            for number in numbers:
                if number % 2:
                    assert (await client.get_key("soak")).name == "soak"
                else:
                    assert (await crypto.sign("ES256", _DIGEST)).signature

        async def all_of(count: int) -> None:
            numbers = iter(range(count))
            await asyncio.gather(*(work(numbers) for _ in range(tasks)))

        await all_of(calls // 10)
        before, began = held(), time.monotonic()
        await all_of(calls)
        return report(f"{tasks} tasks", calls, time.monotonic() - began, credential.asked, before)


def main() -> int:
    """Run both, and return whether both succeeded."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--threads", type=int, default=64)
    parser.add_argument("--tasks", type=int, default=1000)
    parser.add_argument("--calls", type=int, default=20_000, help="by the threads, and again by the tasks")
    options = parser.parse_args()
    with KeyVaultEmulator() as vault:
        with KeyClient(vault.url, vault.credential, **vault.client_options) as client:
            client.create_ec_key("soak")
        faults = Faults(vault)
        faults.start()
        well = with_threads(vault, options.threads, options.calls)
        well = asyncio.run(with_tasks(vault, options.tasks, options.calls)) and well
        faults.over.set()
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
