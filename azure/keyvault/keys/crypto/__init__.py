"""Cryptography with the keys of a vault, local where the key material allows it."""

from typing import TYPE_CHECKING

from .. import _lazy
from ._client import CryptographyClient
from ._enums import EncryptionAlgorithm, KeySecureWrapAlgorithm, KeyWrapAlgorithm, SignatureAlgorithm
from ._key_encryption import KeyEncryptionKey, KeyResolver
from ._results import (
    DecryptResult,
    EncryptResult,
    SecureUnwrapResult,
    SecureWrapResult,
    SignResult,
    UnwrapResult,
    VerifyResult,
    WrapResult,
)

__all__ = [
    "CryptographyClient",
    "DecryptResult",
    "EncryptResult",
    "EncryptionAlgorithm",
    "KeyEncryptionKey",
    "KeyResolver",
    "KeySecureWrapAlgorithm",
    "KeyVaultECPrivateKey",
    "KeyVaultECPublicKey",
    "KeyVaultRSAPrivateKey",
    "KeyVaultRSAPublicKey",
    "KeyWrapAlgorithm",
    "SecureUnwrapResult",
    "SecureWrapResult",
    "SignResult",
    "SignatureAlgorithm",
    "UnwrapResult",
    "VerifyResult",
    "WrapResult",
]

if TYPE_CHECKING:
    from ._key_objects.ec import KeyVaultECPrivateKey, KeyVaultECPublicKey
    from ._key_objects.rsa import KeyVaultRSAPrivateKey, KeyVaultRSAPublicKey
else:

    def __getattr__(name):
        """Load the key objects when they are asked for: their base classes are cryptography's, and take their time."""
        if name.startswith("KeyVaultRSA"):
            from ._key_objects import rsa as keys
        elif name.startswith("KeyVaultEC"):
            from ._key_objects import ec as keys
        else:
            return _lazy.submodule(__name__, ("aio",), name)
        return getattr(keys, name)

    def __dir__():
        return _lazy.public_names(__name__, __all__, ("aio",))
