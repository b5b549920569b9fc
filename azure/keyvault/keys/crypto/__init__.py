"""Cryptography with the keys of a vault, local where the key material allows it."""

from ._client import CryptographyClient
from ._enums import EncryptionAlgorithm, KeyWrapAlgorithm, SignatureAlgorithm
from ._results import DecryptResult, EncryptResult, SignResult, UnwrapResult, VerifyResult, WrapResult

__all__ = [
    "CryptographyClient",
    "DecryptResult",
    "EncryptResult",
    "EncryptionAlgorithm",
    "KeyWrapAlgorithm",
    "SignResult",
    "SignatureAlgorithm",
    "UnwrapResult",
    "VerifyResult",
    "WrapResult",
]
