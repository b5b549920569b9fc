"""Client library for the keys of Azure Key Vault and Managed HSM."""

from . import _version
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
