"""What the fuzzer starts from is taken by the parsers that it fuzzes."""

from __future__ import annotations

import pytest
from parsers import PARSERS


@pytest.mark.parametrize(
    ("name", "seed"), [(name, number) for name, parser in PARSERS.items() for number in range(len(parser.seeds))]
)
def test_seed_of_the_fuzzer_is_read_or_refused_as_documented(name: str, seed: int) -> None:
    PARSERS[name].run(PARSERS[name].seeds[seed])


@pytest.mark.parametrize("name", PARSERS)
@pytest.mark.parametrize("data", [b"", b"\0", b"\x80", b"\xff" * 64], ids=["empty", "zero", "high", "all-high"])
def test_no_sense_is_refused_as_documented(name: str, data: bytes) -> None:
    PARSERS[name].run(data)
