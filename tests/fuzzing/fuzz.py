"""Fuzz a parser, guided by the code that its inputs reach: ``python tests/fuzzing/fuzz.py PARSER [--seconds 600]``.

Needs ``pip install atheris``. An exception that is not documented, an input that takes more than a second of CPU time,
and memory that grows are failures; the input is kept in ``--keep``.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
import tempfile
import time
import warnings
from pathlib import Path

import atheris  # type: ignore[import-not-found, unused-ignore]  # installed by whoever wants to fuzz

sys.path.insert(0, str(Path(__file__).parents[1]))
with atheris.instrument_imports(include=["azure.keyvault.keys", "urllib.parse", "json", "base64", "ipaddress"]):
    from parsers import PARSERS

_LONGEST = 1.0  # seconds of CPU time for one input
_WARM = 20_000  # inputs after which memory must not grow any more
_GROWTH = 64  # MB that it may grow all the same: libFuzzer keeps inputs that reach new code


def resident() -> int:
    """Return the memory of this process in MB."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") >> 20


class Watch:
    """Runs a parser and watches what it costs."""

    def __init__(self, name: str) -> None:
        self.run = PARSERS[name].run
        self.inputs, self.slowest, self.warm = 0, 0.0, 0

    def __call__(self, data: bytes) -> None:
        """Give the parser one input."""
        began = time.process_time()
        self.run(data)
        taken = time.process_time() - began
        self.inputs += 1
        self.slowest = max(self.slowest, taken)
        if taken > _LONGEST:
            raise AssertionError(f"the input took {taken:.1f} s")
        if self.inputs % _WARM == 0:
            self._look_at_memory()

    def _look_at_memory(self) -> None:
        gc.collect()
        held = resident()
        self.warm = self.warm or held
        print(f"{self.inputs} inputs, the slowest {self.slowest * 1000:.0f} ms, {held} MB ({self.warm} when warm)")
        if held > self.warm + _GROWTH:
            raise AssertionError(f"memory grew from {self.warm} to {held} MB")


def main() -> None:
    """Fuzz one parser for a while."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("parser", choices=PARSERS)
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--keep", type=Path, default=Path(tempfile.gettempdir()), help="folder for inputs that fail")
    options = parser.parse_args()
    warnings.simplefilter("ignore")  # cryptography warns of old keys
    chosen = PARSERS[options.parser]
    with tempfile.TemporaryDirectory() as folder:
        corpus = Path(folder, "corpus")
        corpus.mkdir()
        for number, seed in enumerate(chosen.seeds):
            (corpus / f"seed-{number}").write_bytes(seed)
        words = Path(folder, "words")
        words.write_text("".join(f'"{_escaped(word)}"\n' for word in chosen.words), encoding="ascii")
        flags = [
            f"-max_total_time={options.seconds}",
            f"-artifact_prefix={options.keep}/",
            "-timeout=20",
            "-max_len=4096",
            *((f"-dict={words}",) if chosen.words else ()),
        ]
        atheris.Setup([sys.argv[0], *flags, str(corpus)], Watch(options.parser))
        atheris.Fuzz()


def _escaped(word: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in word.encode("utf-8"))


if __name__ == "__main__":
    main()
