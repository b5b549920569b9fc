"""The hashes of algorithms, as objects of ``cryptography``."""

from __future__ import annotations

from functools import cache

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

# RSA-OAEP is OAEP with SHA-1, in RFC 7518 section 4.3 and in the service. SHA-1 is safe there.
_KINDS = (hashes.SHA1, hashes.SHA256, hashes.SHA384, hashes.SHA512)
_BY_NAME: dict[str, hashes.HashAlgorithm] = {digest.name: digest for digest in (kind() for kind in _KINDS)}


def hash_named(name: str | None) -> hashes.HashAlgorithm:
    """Return a hash by its name in ``hashlib``."""
    return _BY_NAME[name or ""]


@cache
def prehashed(name: str | None) -> Prehashed:
    """Return the object that tells ``cryptography`` that it is given a digest, not the message."""
    return Prehashed(hash_named(name))
