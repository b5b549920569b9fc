"""Wrapping private keys for transport: RSA-OAEP encrypts an AES key, and the AES key wraps the private key.

CKM_RSA_AES_KEY_WRAP (PKCS #11 v2.40, 2.14.6): a fresh 256-bit AES key, encrypted with RSA-OAEP, followed by the
PKCS #8 form of the key (or the bytes of a symmetric key), wrapped with padding as in RFC 5649.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.keywrap import aes_key_unwrap_with_padding, aes_key_wrap_with_padding

from .._errors import bad_parameter
from .rsa import oaep

#: The export encryption algorithms, with the hash that each uses for OAEP.
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
    """Unwrap a private key.

    :raises ValueError: if it was wrapped for another recipient, or is damaged.
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
