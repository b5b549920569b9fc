"""The wrapping of private keys for transport: an AES key under RSA-OAEP, and the private key under that AES key.

CKM_RSA_AES_KEY_WRAP (PKCS #11 v2.40, 2.14.6): RSA-OAEP of a fresh 256-bit AES key, followed by RFC 5649 key wrap with
padding of the PKCS #8, or of the bytes of a symmetric key.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.keywrap import aes_key_unwrap_with_padding, aes_key_wrap_with_padding

from .._errors import bad_parameter
from .rsa import oaep

#: The export encryption algorithms, and the hash of their OAEP.
HASHES: Mapping[str, hashes.HashAlgorithm] = {
    "CKM_RSA_AES_KEY_WRAP": hashes.SHA1(),  # noqa: S303 - what the mechanism is defined with  # nosec B303
    "RSA_AES_KEY_WRAP_256": hashes.SHA256(),
    "RSA_AES_KEY_WRAP_384": hashes.SHA384(),
}


def wrap(private: bytes, recipient: rsa.RSAPublicKey, mechanism: str) -> bytes:
    """Return a private key wrapped for a recipient.

    :raises ServiceError: 400 if the recipient's key is too short.
    """
    aes_key = os.urandom(32)
    return _encrypt(aes_key, recipient, HASHES[mechanism]) + aes_key_wrap_with_padding(aes_key, private)


def unwrap(wrapped: bytes, recipient: rsa.RSAPrivateKey, mechanism: str) -> bytes:
    """Return the private key that was wrapped.

    :raises ValueError: it was not wrapped for this recipient, or is damaged.
    """
    width = recipient.key_size // 8
    aes_key = recipient.decrypt(wrapped[:width], oaep(HASHES[mechanism]))
    return aes_key_unwrap_with_padding(aes_key, wrapped[width:])


def encrypt_for(recipient: rsa.RSAPublicKey, secret: bytes) -> bytes:
    """Return a short secret encrypted with RSA-OAEP-256.

    :raises ServiceError: 400 if the recipient's key is too short.
    """
    return _encrypt(secret, recipient, hashes.SHA256())


def _encrypt(secret: bytes, recipient: rsa.RSAPublicKey, digest: hashes.HashAlgorithm) -> bytes:
    try:
        return recipient.encrypt(secret, oaep(digest))
    except ValueError as error:
        raise bad_parameter("The encryption key of the target environment is too short.") from error
