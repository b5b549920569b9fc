"""Encrypt and decrypt 1 GiB with ``azure.keyvault.keys.tink`` beside Tink alone: ``python benchmarks/streams.py``.

Both read and write files of the same size, and take turns in being first. A figure is the best of its rounds, because
disturbances only ever make a measurement worse. On a busy machine, processor time says more than elapsed time, so both
are printed. Elapsed time is also that of the disk: repeat it on a quiet machine, with more rounds. The vault is the
emulator, in this process. The first requests of a new client are measured separately, with an empty stream. The output
also has the number of requests to the vault, and how much the memory of the process grew since the first stream began.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import tink
from tink import streaming_aead

from azure.keyvault.keys import KeyClient
from azure.keyvault.keys.emulator import KeyVaultEmulator
from azure.keyvault.keys.tink import AzureKmsClient, decrypt_stream, encrypt_stream

MIB = 1 << 20


class Cost(NamedTuple):
    """Seconds of elapsed time and of processor time."""

    clock: float
    processor: float


class Unclosed:
    """A file that Tink does not close, as the streams of this library do not."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.read, self.write = file.read, file.write
        self.readable, self.writable = file.readable, file.writable

    def close(self) -> None:
        """Leave it open."""


def tink_encrypt(primitive: Any, source: BinaryIO, target: BinaryIO) -> None:
    """Encrypt with Tink alone."""
    stream = primitive.new_encrypting_stream(Unclosed(target), b"")
    while piece := source.read(MIB):
        stream.write(piece)
    stream.close()


def tink_decrypt(primitive: Any, source: BinaryIO, target: BinaryIO) -> None:
    """Decrypt with Tink alone."""
    stream = primitive.new_decrypting_stream(Unclosed(source), b"")
    while piece := stream.read(MIB):
        target.write(piece)


def memory() -> float:
    """Return the peak memory of this process in MiB."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (MIB if sys.platform == "darwin" else 1024)


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--size", type=int, default=1024, help="MiB of plaintext")
    parser.add_argument("--rounds", type=int, default=4)
    given = parser.parse_args()
    streaming_aead.register()
    template = streaming_aead.streaming_aead_key_templates.AES256_GCM_HKDF_1MB
    primitive = tink.new_keyset_handle(template).primitive(streaming_aead.StreamingAead)
    best: dict[str, Cost] = {}

    def take(name: str, work: Callable[[BinaryIO, BinaryIO], object], source: Path, target: str | Path) -> None:
        if hasattr(os, "sync"):
            os.sync()  # what the work before has left to be written would slow this one down
        with source.open("rb") as reading, open(target, "wb") as writing:
            start = time.perf_counter(), time.process_time()
            work(reading, writing)
            cost = Cost(time.perf_counter() - start[0], time.process_time() - start[1])
            known = best.get(name, cost)
            best[name] = Cost(min(known.clock, cost.clock), min(known.processor, cost.processor))

    with KeyVaultEmulator() as vault, tempfile.TemporaryDirectory() as folder:
        with KeyClient(vault.url, vault.credential, **vault.client_options) as keys:
            keys.create_rsa_key("benchmark")
        vault.requests.clear()
        uri = f"azure-kms://{vault.url}/keys/benchmark"

        options: Any = {"allowed_suffixes": ["localhost"], **vault.client_options}
        plain, ours, theirs = (Path(folder, name) for name in ("plain", "ours", "theirs"))
        with plain.open("wb") as file:
            for _ in range(given.size):
                file.write(os.urandom(MIB))
        empty, small = Path(folder, "empty"), Path(folder, "small")
        empty.touch()
        before = memory()
        for number in range(given.rounds):
            # Each client is new, as in a process that has just started.
            writer, reader = (AzureKmsClient(vault.credential, **options).get_aead(uri) for _ in range(2))
            take("first write", partial(encrypt_stream, key=writer), empty, small)
            take("first read", partial(decrypt_stream, key=reader), small, os.devnull)
            turns: list[tuple[Any, ...]] = [
                ("encrypt, Tink", partial(tink_encrypt, primitive), plain, theirs),
                ("encrypt", partial(encrypt_stream, key=writer), plain, ours),
                ("decrypt, Tink", partial(tink_decrypt, primitive), theirs, os.devnull),
                ("decrypt", partial(decrypt_stream, key=reader), ours, os.devnull),
            ]
            if number % 2:  # neither is always the first
                turns = [turns[1], turns[0], turns[3], turns[2]]
            for turn in turns:
                take(*turn)
        print(f"{given.size} MiB, best of {given.rounds} rounds; memory grew by {memory() - before:.0f} MiB")
        for name in ("first write", "first read"):
            print(f"{name} of a process, an empty stream: {best[name].clock * 1000:.0f} ms")
        for name in ("encrypt", "decrypt"):
            for kind in Cost._fields:
                rate, alone = (given.size / getattr(best[one], kind) for one in (name, f"{name}, Tink"))
                print(f"{name}: {rate:6.0f} MiB/s, Tink alone {alone:6.0f} MiB/s: {rate / alone:.0%} ({kind})")
        asked = Counter(one.path.rsplit("/", 1)[1] if one.method == "POST" else "get" for one in vault.requests)
        print(f"requests to the vault in {given.rounds} rounds of two streams: {sum(asked.values())}, {dict(asked)}")


if __name__ == "__main__":
    main()
