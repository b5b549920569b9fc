"""Cryptography in this process: no I/O, and nothing of azure-core.

``load`` makes a ``LocalKey`` of a JWK; ``_algorithms`` is the table of everything that is known about algorithms;
``_checks`` holds the checks that local and remote operations share.
"""

from .errors import DecryptionError
from .local_key import MIN_RSA_BITS, LocalKey, load

__all__ = ["MIN_RSA_BITS", "DecryptionError", "LocalKey", "load"]
