"""Reads the NIST CAVP files of the package cryptography-vectors."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files


def records(path: str) -> Iterator[dict[str, str]]:
    """Give the records of a file as name to text, with the headings above them under ``section``.

    A line without a value, as ``FAIL``, has an empty text.
    """
    section, record = "", dict[str, str]()
    for line in (files("cryptography_vectors") / path).read_text("utf-8").splitlines():
        line = line.strip()
        if line.startswith("["):
            section = line.strip("[]")
        elif line and not line.startswith("#"):
            name, _, value = line.partition("=")
            record[name.strip()] = value.strip()
        elif record:
            yield {"section": section, **record}
            record = {}
    if record:
        yield {"section": section, **record}
