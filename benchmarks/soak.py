"""One client under load for a while: ``python benchmarks/soak.py [--threads 64] [--tasks 1000] [--calls 20000]``.

An emulator in this process answers and fails one call in a hundred. Threads with a synchronous client, and then tasks
with an asyncio client, read keys, sign, and count up in the tags of keys. Meanwhile tokens expire, some as their time
says and some sooner, so that the vault refuses them. It went well when

- every call succeeded, and no key misses an update;
- the credential was asked once in the beginning and once for every expiry;
- memory, threads, sockets and other open files are at the level of the end of the warm-up, a tenth of the calls.

``--rounds 4`` repeats the calls and prints the level after each round: it must not rise with the number of calls. What
the first round adds is what threads and the allocator keep for themselves; later rounds are compared with it.
``--trace`` prints which lines hold more memory in the end than after the warm-up; it makes everything slow.
"""

from __future__ import annotations

import argparse
import asyncio
import ctypes
import gc
import os
import random
import sys
import threading
import time
import tracemalloc
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from azure.keyvault.keys import KeyClient, aio
from azure.keyvault.keys.emulator import KeyVaultEmulator

_DIGEST = bytes(32)
_COUNTERS = 16  # keys whose tags count
# MB that the first round may add, in which every thread comes to have buffers of its own, and any other round.
_FIRST, _OTHER = 16, 8
_EXPIRIES = 4  # in a round


class Counting:
    """A credential for sync and async clients that counts token requests."""

    def __init__(self, credential: Any) -> None:
        self.credential, self.asked = credential, 0

    def get_token(self, *scopes: str, **options: Any) -> Any:
        """Return a token of the emulator."""
        self.asked += 1
        return self.credential.get_token(*scopes, **options)


@dataclass(frozen=True)
class Held:
    """What this process holds.

    :ivar memory: MB that are resident after unused memory was given back to the system.
    :ivar blocks: thousands of blocks that Python has allocated.
    """

    memory: float
    blocks: float
    threads: int
    sockets: int
    files: int

    @classmethod
    def now(cls) -> Held:
        """Look at this process."""
        gc.collect()
        try:
            # What malloc keeps for later is no leak, and depends on which threads were busy at the same time.
            ctypes.CDLL("libc.so.6").malloc_trim(0)
        except (OSError, AttributeError):
            pass
        with open("/proc/self/statm", encoding="ascii") as file:
            pages = int(file.read().split()[1])
        kinds = [_kind_of(f"/proc/self/fd/{number}") for number in os.listdir("/proc/self/fd")]
        memory = pages * os.sysconf("SC_PAGE_SIZE") / 2**20
        blocks = sys.getallocatedblocks() / 1000
        return cls(memory, blocks, threading.active_count(), kinds.count("socket"), kinds.count("file"))

    def __str__(self) -> str:
        return (
            f"{self.memory:.1f} MB, {self.blocks:.0f}k blocks, {self.threads} threads, {self.sockets} sockets, "
            f"{self.files} files"
        )

    def is_level(self, before: Held, growth: float) -> bool:
        """Whether this is no more than before, but for so many MB and what a few connections more or less make."""
        return (
            self.memory - before.memory < growth
            and self.blocks - before.blocks < max(20.0, before.blocks / 20)
            and self.threads <= before.threads + 2
            and self.sockets <= before.sockets + 4
            and self.files <= before.files + 4
        )


def _kind_of(path: str) -> str:
    try:
        return "socket" if os.readlink(path).startswith("socket:") else "file"
    except OSError:
        return "gone"


class Disturbances(threading.Thread):
    """Fails about one call in a hundred, and lets tokens expire, until it is told to stop."""

    def __init__(self, vault: KeyVaultEmulator, calls: int) -> None:
        super().__init__(daemon=True)
        self.vault, self.over = vault, threading.Event()
        self.every, self.seen, self.expiries = calls // (_EXPIRIES + 1), 0, 0
        self.failed: Counter[str] = Counter()
        self.ahead, self.last, self.waited = 0.0, 0.0, 0
        self.running: dict[int, float] = {}

    def run(self) -> None:
        """Add a fault for every hundred requests, and clear their record so that it does not count as a leak."""
        while not self.over.wait(0.02):
            seen = len(self.vault.requests)
            if seen < 100:
                continue
            self.vault.requests.clear()
            self.vault.events.clear()
            self.seen += seen
            for _ in range(seen // 100):
                self._fail_one()
            if self.seen >= (self.expiries + 1) * self.every and self._are_new():
                self._expire()

    def _are_new(self) -> bool:
        """Whether no call runs that began before the last expiry, or that got the token which replaced it.

        Such a call fails if that token expires as well before it is used: it reports the second refusal.
        """
        if any(began <= self.last for began in list(self.running.values())):
            return False
        self.last, self.waited = time.monotonic(), self.waited + 1
        return self.waited > 1

    def _fail_one(self) -> None:
        kind = random.choice(("503", "429", "drop"))
        self.failed[kind] += 1
        if kind == "drop":
            self.vault.faults.drop(times=1)
        else:
            self.vault.faults.status(int(kind), times=1)

    def _expire(self) -> None:
        """Let the token expire: for everybody, or for the vault alone, whose clock is ahead of the client's."""
        self.expiries, self.last, self.waited = self.expiries + 1, time.monotonic(), 0
        if self.expiries % 2:
            self.ahead += 7200
        else:
            self.vault.clock.advance(hours=2)


class Soak:
    """What threads and tasks do, and what is said of it in the end."""

    def __init__(self, vault: KeyVaultEmulator, name: str, calls: int, trace: bool) -> None:
        self.vault, self.name, self.calls, self.trace = vault, name, calls, trace
        self.credential = Counting(vault.credential)
        self.disturbances = Disturbances(vault, calls)
        self.options: dict[str, Any] = {"retry_total": 10, "retry_backoff_factor": 0.05, **vault.client_options}
        self.counters = [f"counter-{name}-{number}" for number in range(_COUNTERS)]
        self.updates: Counter[str] = Counter()
        self.before: Held | None = None
        self.began = 0.0
        self.snapshot: tracemalloc.Snapshot | None = None
        self.well = True
        with KeyClient(vault.url, vault.credential, **vault.client_options) as client:
            for counter in self.counters:
                client.create_ec_key(counter, tags={"updates": "0"})

    @contextmanager
    def running(self, number: int) -> Iterator[None]:
        """Note that a call runs."""
        self.disturbances.running[number] = time.monotonic()
        try:
            yield
        finally:
            del self.disturbances.running[number]

    def warm(self) -> None:
        """Note what is held after the warm-up."""
        if self.trace:
            tracemalloc.start(5)
            self.snapshot = tracemalloc.take_snapshot()
        self.before, self.began = Held.now(), time.monotonic()
        print(f"{self.name}: after the warm-up {self.before}", flush=True)

    def round(self, number: int) -> None:
        """Say what is held after a round."""
        assert self.before is not None
        held = Held.now()
        level = held.is_level(self.before, _FIRST if number == 1 else _OTHER)
        self.well = self.well and level
        taken = time.monotonic() - self.began
        verdict = "level" if level else "NOT LEVEL"
        print(f"{self.name}: after {number * self.calls} calls ({taken:.0f} s) {held}: {verdict}", flush=True)
        if number == 1:
            self.before = replace(held, sockets=max(held.sockets, self.before.sockets))

    def end(self) -> bool:
        """Say what became of updates and tokens, and whether all went well."""
        if self.snapshot is not None:
            for difference in tracemalloc.take_snapshot().compare_to(self.snapshot, "lineno")[:12]:
                print(f"    {difference}")
            tracemalloc.stop()
        with KeyClient(self.vault.url, self.vault.credential, **self.vault.client_options) as client:
            found = {name: int((client.get_key(name).properties.tags or {})["updates"]) for name in self.counters}
        made, kept = sum(self.updates.values()), sum(found.values())
        expected = 1 + self.disturbances.expiries
        self.well = self.well and found == dict(self.updates) and self.credential.asked == expected
        print(
            f"{self.name}: {made} updates, {made - kept} lost; the credential was asked {self.credential.asked} times, "
            f"{self.disturbances.expiries} tokens expired; faults: {dict(self.disturbances.failed)}: "
            f"{'well' if self.well else 'NOT WELL'}",
            flush=True,
        )
        return self.well


def with_threads(soak: Soak, threads: int, rounds: int) -> None:
    """Use one synchronous client in many threads."""
    locks = {name: threading.Lock() for name in soak.counters}
    next_number = threading.Lock()
    with KeyClient(soak.vault.url, soak.credential, **soak.options) as client:
        crypto = client.get_cryptography_client("soak", execution="remote")

        def call(number: int) -> None:
            with soak.running(number):
                run(number)

        def run(number: int) -> None:
            if number % 10 == 0:
                name = soak.counters[number // 10 % _COUNTERS]
                with locks[name]:
                    updates = int((client.get_key(name).properties.tags or {})["updates"]) + 1
                    client.update_key_properties(name, tags={"updates": str(updates)})
                    soak.updates[name] += 1
            elif number % 2:
                assert client.get_key("soak").name == "soak"
            else:
                assert crypto.sign("ES256", _DIGEST).signature

        with ThreadPoolExecutor(threads) as pool:

            def work(numbers: Iterator[int]) -> None:
                # A future for every call would take more memory than all else.
                while True:
                    with next_number:
                        number = next(numbers, None)
                    if number is None:
                        return
                    call(number)

            def all_of(count: int) -> None:
                numbers = iter(range(count))
                for future in [pool.submit(work, numbers) for _ in range(threads)]:
                    future.result()

            all_of(soak.calls // 10)
            soak.warm()
            for number in range(1, rounds + 1):
                all_of(soak.calls)
                soak.round(number)


async def with_tasks(soak: Soak, tasks: int, rounds: int) -> None:
    """Use one asyncio client in many tasks."""
    locks = {name: asyncio.Lock() for name in soak.counters}
    async with aio.KeyClient(soak.vault.url, soak.credential, **soak.options) as client:
        crypto = client.get_cryptography_client("soak", execution="remote")

        async def work(numbers: Any) -> None:
            for number in numbers:
                with soak.running(number):
                    await run(number)

        async def run(number: int) -> None:
            if number % 10 == 0:
                name = soak.counters[number // 10 % _COUNTERS]
                async with locks[name]:
                    updates = int(((await client.get_key(name)).properties.tags or {})["updates"]) + 1
                    await client.update_key_properties(name, tags={"updates": str(updates)})
                    soak.updates[name] += 1
            elif number % 2:
                assert (await client.get_key("soak")).name == "soak"
            else:
                assert (await crypto.sign("ES256", _DIGEST)).signature

        async def all_of(count: int) -> None:
            numbers = iter(range(count))
            await asyncio.gather(*(work(numbers) for _ in range(tasks)))

        await all_of(soak.calls // 10)
        soak.warm()
        for number in range(1, rounds + 1):
            await all_of(soak.calls)
            soak.round(number)


def main() -> int:
    """Run both, and return whether both succeeded."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--threads", type=int, default=64)
    parser.add_argument("--tasks", type=int, default=1000)
    parser.add_argument("--calls", type=int, default=20_000, help="by the threads, and again by the tasks")
    parser.add_argument("--rounds", type=int, default=1, help="how often all calls are made")
    parser.add_argument("--only", choices=("threads", "tasks"), help="leave out the other")
    parser.add_argument("--trace", action="store_true", help="print which lines hold more memory in the end")
    options = parser.parse_args()
    before = Held.now()
    well = []
    with KeyVaultEmulator() as vault:
        with KeyClient(vault.url, vault.credential, **vault.client_options) as client:
            client.create_ec_key("soak")
        for name in ("threads", "tasks"):
            if options.only in (None, name):
                well.append(_soaked(vault, name, options))
    print(f"before everything: {before}\nafter everything:  {Held.now()}")
    return 0 if all(well) else 1


def _soaked(vault: KeyVaultEmulator, name: str, options: argparse.Namespace) -> bool:
    soak = Soak(vault, name, options.calls, options.trace)
    real, disturbances = time.time, soak.disturbances
    # The clock of the wall: the client's and, through its own, the vault's.
    time.time = lambda: real() + disturbances.ahead
    disturbances.start()
    try:
        if name == "threads":
            with_threads(soak, options.threads, options.rounds)
        else:
            asyncio.run(with_tasks(soak, options.tasks, options.rounds))
        return soak.end()
    finally:
        disturbances.over.set()
        disturbances.join()
        time.time = real


if __name__ == "__main__":
    sys.exit(main())
