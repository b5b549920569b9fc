"""Client library for the keys of Azure Key Vault and Managed HSM."""

from typing import TYPE_CHECKING

from . import _lazy, _version
from ._client import KeyClient
from ._enums import KeyCurveName, KeyExportEncryptionAlgorithm, KeyOperation, KeyRotationPolicyAction, KeyType
from ._jwk import JsonWebKey
from ._models import (
    DeletedKey,
    ExternalKey,
    KeyAttestation,
    KeyProperties,
    KeyReleasePolicy,
    KeyRotationLifetimeAction,
    KeyRotationPolicy,
    KeyVaultKey,
    KeyVaultKeyIdentifier,
    ReleaseKeyResult,
)
from ._shared import ApiVersion

__all__ = [
    "ApiVersion",
    "DeletedKey",
    "ExternalKey",
    "JsonWebKey",
    "KeyAttestation",
    "KeyClient",
    "KeyCurveName",
    "KeyExportEncryptionAlgorithm",
    "KeyOperation",
    "KeyProperties",
    "KeyReleasePolicy",
    "KeyRotationLifetimeAction",
    "KeyRotationPolicy",
    "KeyRotationPolicyAction",
    "KeyType",
    "KeyVaultKey",
    "KeyVaultKeyIdentifier",
    "ReleaseKeyResult",
]

__version__ = _version.VERSION

if not TYPE_CHECKING:  # for whom a submodule is there when it is imported
    _SUBMODULES = ("aio", "crypto", "emulator", "jose", "parquet", "ssh_agent", "tink")

    def __getattr__(name):
        return _lazy.submodule(__name__, _SUBMODULES, name)

    def __dir__():
        return _lazy.public_names(__name__, {*__all__, "__version__"}, _SUBMODULES)
