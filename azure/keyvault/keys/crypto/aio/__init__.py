"""The asyncio client for cryptography with the keys of a vault, and the names that go with it."""

from .._enums import EncryptionAlgorithm, KeySecureWrapAlgorithm, KeyWrapAlgorithm, SignatureAlgorithm
from .._results import (
    DecryptResult,
    EncryptResult,
    SecureUnwrapResult,
    SecureWrapResult,
    SignResult,
    UnwrapResult,
    VerifyResult,
    WrapResult,
)
from ._client import CryptographyClient

__all__ = [
    "CryptographyClient",
    "DecryptResult",
    "EncryptResult",
    "EncryptionAlgorithm",
    "KeySecureWrapAlgorithm",
    "KeyWrapAlgorithm",
    "SecureUnwrapResult",
    "SecureWrapResult",
    "SignResult",
    "SignatureAlgorithm",
    "UnwrapResult",
    "VerifyResult",
    "WrapResult",
]
