"""The versions of the Key Vault REST API that this library speaks."""

from enum import Enum

from azure.core import CaseInsensitiveEnumMeta

from ..._generated.versions import DEFAULT


class ApiVersion(str, Enum, metaclass=CaseInsensitiveEnumMeta):
    """Versions of the Key Vault keys REST API.

    Clients accept a member or any other string: a version that this library does not know is sent to the service
    unchanged. Operations, fields, key types and algorithms that the chosen version does not support raise a
    ``ValueError`` before anything is sent.
    """

    #: ML-DSA (post-quantum) keys, in preview.
    V2026_05_01_PREVIEW = "2026-05-01-preview"
    #: The default: external keys, ``key_size`` of symmetric keys, secure wrap and unwrap.
    V2026_04_01 = "2026-04-01"
    #: The preview of 2026-04-01.
    V2026_01_01_PREVIEW = "2026-01-01-preview"
    #: The same keys as 7.6.
    V2025_07_01 = "2025-07-01"
    #: Attestation of keys; HMAC.
    V7_6 = "7.6"
    #: ``hsm_platform``.
    V7_5 = "7.5"
    #: The same keys as 7.3.
    V7_4 = "7.4"
    #: Rotation and its policies, release, random bytes.
    V7_3 = "7.3"
    #: Managed HSM, with symmetric keys and AES; ``public_exponent``.
    V7_2 = "7.2"
    #: ``recoverable_days``.
    V7_1 = "7.1"
    #: Curves and algorithms under their names of today.
    V7_0 = "7.0"
    #: The oldest. It calls P-256K SECP256K1.
    V2016_10_01 = "2016-10-01"


DEFAULT_VERSION = ApiVersion(DEFAULT)
