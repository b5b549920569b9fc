"""Encryption of data keys with a vault key, in a form that says which version of the key decrypts it.

:mod:`azure.keyvault.keys.tink` and :mod:`azure.keyvault.keys.parquet` are built on this package; it needs neither
library.
"""

from .cipher import KeyCipher
from .registry import CLOUD_SUFFIXES, CipherRegistry

__all__ = ["CLOUD_SUFFIXES", "KeyCipher", "CipherRegistry"]
