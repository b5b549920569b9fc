"""The hash of an algorithm as ``cryptography`` has it."""

from __future__ import annotations

from functools import cache

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

# OAEP with SHA-1 is what RFC 7518 section 4.3 and the service mean by RSA-OAEP. SHA-1 is sound there.
_KINDS = (hashes.SHA1, hashes.SHA256, hashes.SHA384, hashes.SHA512)
_BY_NAME: dict[str, hashes.HashAlgorithm] = {digest.name: digest for digest in (kind() for kind in _KINDS)}


def hash_named(name: str | None) -> hashes.HashAlgorithm:
    """Return a hash by the name that ``hashlib`` has for it."""
    return _BY_NAME[name or ""]


@cache
def prehashed(name: str | None) -> Prehashed:
    """Return what says that a digest is signed, and not the message."""
    return Prehashed(hash_named(name))
