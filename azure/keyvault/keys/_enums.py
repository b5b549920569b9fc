"""The names of key types, curves, operations and rotation actions, as the service spells them."""

from __future__ import annotations

from enum import Enum
from functools import cache
from typing import TYPE_CHECKING, Any

from azure.core import CaseInsensitiveEnumMeta


class _AnyCaseMeta(CaseInsensitiveEnumMeta):
    """Lets a member be found by its name in any letter case.

    azure-core's metaclass looks names up in upper case, which never matches the lower-case names of these enums.
    """

    if not TYPE_CHECKING:  # to whom an unknown name would look like an Enum, which no argument accepts

        def __getitem__(cls, name: str) -> Any:
            return cls.__members__[name.lower()]

        def __getattr__(cls, name: str) -> Any:
            # Enum looks up private names while the class is being created, before the map of members exists.
            members = {} if name.startswith("_") else cls.__members__
            try:
                return members[name.lower()]
            except KeyError:
                raise AttributeError(name) from None


class Text(str, Enum, metaclass=_AnyCaseMeta):
    """An enum of the service's names, whose members print as their values in every version of Python."""

    def __str__(self) -> str:
        return str.__str__(self)


@cache
def _by_value(kind: type[Text]) -> dict[str | None, Text]:
    return {member.value: member for member in kind}


def known(kind: type[Text], word: str | None) -> Any:
    """Return the member with a value, or the value itself: the service may have new values."""
    return _by_value(kind).get(word, word)


class _AnyCaseValue(Text):
    """An enum whose values are found in any letter case: the service has returned ``Rsa`` and ``rotate``."""

    @classmethod
    def _missing_(cls, value: object) -> Any:
        if isinstance(value, str):
            wanted = value.lower()
            return next((member for member in cls if member.value.lower() == wanted), None)
        return None


class KeyType(_AnyCaseValue):
    """Types of keys: ``kty`` of RFC 7517, and the service's own with ``-HSM``.

    A value is found in any letter case: ``KeyType("rsa") is KeyType.rsa``.
    """

    ec = "EC"
    """Elliptic curve"""
    ec_hsm = "EC-HSM"
    """Elliptic curve, private key in the HSM"""
    rsa = "RSA"
    """RSA"""
    rsa_hsm = "RSA-HSM"
    """RSA, private key in the HSM"""
    oct = "oct"
    """Octet sequence, a symmetric key"""
    oct_hsm = "oct-HSM"
    """Octet sequence in the HSM"""
    akp = "AKP"
    """Algorithm key pair, such as an ML-DSA key"""
    akp_hsm = "AKP-HSM"
    """Algorithm key pair, private key in the HSM"""


class KeyCurveName(Text):
    """Elliptic curves: ``crv`` of RFC 7518 section 6.2.1.1, and the service's name of a curve of RFC 8812."""

    p_256 = "P-256"
    """NIST P-256, also known as secp256r1"""
    p_384 = "P-384"
    """NIST P-384, also known as secp384r1"""
    p_521 = "P-521"
    """NIST P-521, also known as secp521r1"""
    p_256_k = "P-256K"
    """SECG secp256k1; 2016-10-01 called it SECP256K1"""


class KeyExportEncryptionAlgorithm(Text):
    """Algorithms that protect a key on its way out of the service (``POST /keys/{name}/{version}/release``)."""

    ckm_rsa_aes_key_wrap = "CKM_RSA_AES_KEY_WRAP"
    """RSA-OAEP with SHA-1 and AES key wrap with padding, as PKCS#11 names it"""
    rsa_aes_key_wrap_256 = "RSA_AES_KEY_WRAP_256"
    """RSA-OAEP with SHA-256 and AES key wrap with padding"""
    rsa_aes_key_wrap_384 = "RSA_AES_KEY_WRAP_384"
    """RSA-OAEP with SHA-384 and AES key wrap with padding"""


class KeyOperation(Text):
    """Operations that a key can allow: ``key_ops`` of RFC 7517 section 4.3, and the service's own."""

    encrypt = "encrypt"
    """Encrypt data"""
    decrypt = "decrypt"
    """Decrypt data"""
    import_key = "import"
    """Unwrap keys that are imported to a Managed HSM or a premium vault (bring your own key)"""
    sign = "sign"
    """Sign digests"""
    verify = "verify"
    """Verify signatures of digests"""
    wrap_key = "wrapKey"
    """Encrypt keys"""
    unwrap_key = "unwrapKey"
    """Decrypt keys"""
    export = "export"
    """Be exported in a secure key release"""
    derive_key = "deriveKey"
    """Derive keys, in a Managed HSM, which adds this operation to its EC and symmetric keys"""
    secure_wrap_key = "secureWrapKey"
    """Generate a key and return it only in wrapped form"""
    secure_unwrap_key = "secureUnwrapKey"
    """Unwrap a key for an attested environment"""


class KeyRotationPolicyAction(_AnyCaseValue):
    """What a rotation policy does when its time comes (``PUT /keys/{name}/rotationpolicy``).

    A value is found in any letter case.
    """

    rotate = "Rotate"
    """Make a new version of the key"""
    notify = "Notify"
    """Raise an Event Grid event when the key is about to expire"""
