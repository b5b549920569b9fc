"""Cryptography in this process: no I/O, and nothing of azure-core.

``load`` makes a ``LocalKey`` from a JWK; ``algorithms`` is the table of everything that is known about algorithms;
``checks`` has the checks that local and remote operations share.
"""

from .errors import DecryptionError
from .loading import MIN_RSA_BITS, load
from .local_key import LocalKey

__all__ = ["MIN_RSA_BITS", "DecryptionError", "LocalKey", "load"]
