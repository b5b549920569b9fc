"""AES: key wrap (RFC 3394), CBC, CBC with PKCS#7 padding, and CBC with HMAC (RFC 7518 section 5.2)."""

from __future__ import annotations

import hmac
import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap
from cryptography.hazmat.primitives.padding import PKCS7

from .algorithms import Algorithm
from .errors import DecryptionError
from .local_key import Encrypted, LocalKey

if TYPE_CHECKING:
    from ..._jwk import JsonWebKey

_SIZES = (16, 24, 32, 48, 64)
_PADDING = PKCS7(128)


class OctKey(LocalKey):
    """A symmetric key."""

    family = "oct"
    has_private = True

    def __init__(self, key: bytes) -> None:
        self._key = key

    @classmethod
    def load(cls, jwk: JsonWebKey) -> OctKey | None:
        """Make the key; ``None`` when the JWK has no ``k``, which the service never returns.

        :raises ValueError: when its length fits no algorithm.
        """
        if jwk.k is None:
            return None
        if len(jwk.k) not in _SIZES:
            raise ValueError(f"'k' must have {', '.join(map(str, _SIZES))} bytes, not {len(jwk.k)}")
        return cls(bytes(jwk.k))

    def misfit(self, row: Algorithm) -> str | None:
        size = len(self._key)
        if row.key_size in (None, size):
            return None
        return f"{row.name} needs a key of exactly {row.key_size} bytes, and the key has {size}"

    def encrypt(self, row: Algorithm, plaintext: bytes, iv: bytes | None = None, aad: bytes | None = None) -> Encrypted:
        _check_aad(row, aad)
        if len(plaintext) % row.block:
            raise ValueError(
                f"'plaintext' must be a multiple of {row.block} bytes for {row.name} with a key that is used in this "
                f"process, not {len(plaintext)} bytes; A...CBCPAD pads for you"
            )
        if iv is None:
            iv = os.urandom(16)
        return _ENCRYPT[row.name](row, self._key, plaintext, iv, aad or b"")

    def decrypt(
        self,
        row: Algorithm,
        ciphertext: bytes,
        iv: bytes | None = None,
        tag: bytes | None = None,
        aad: bytes | None = None,
    ) -> bytes:
        _check_aad(row, aad)
        try:
            return _DECRYPT[row.name](row, self._key, ciphertext, iv or b"", tag or b"", aad or b"")
        except ValueError:
            pass
        raise DecryptionError

    def wrap(self, row: Algorithm, key: bytes) -> bytes:
        return aes_key_wrap(self._key, key)

    def unwrap(self, row: Algorithm, encrypted_key: bytes) -> bytes:
        try:
            return aes_key_unwrap(self._key, encrypted_key)
        except (InvalidUnwrap, ValueError):
            pass
        raise DecryptionError


def _check_aad(row: Algorithm, aad: bytes | None) -> None:
    if aad is not None and not row.aad:
        raise ValueError(
            f"'additional_authenticated_data' can't be given for {row.name} with a key that is used in this process: "
            "the algorithm authenticates nothing"
        )


def _cbc_encrypt(key: bytes, plaintext: bytes, iv: bytes) -> bytes:
    encryptor = Cipher(AES(key), CBC(iv)).encryptor()
    return encryptor.update(plaintext) + encryptor.finalize()


def _cbc_decrypt(key: bytes, ciphertext: bytes, iv: bytes) -> bytes:
    decryptor = Cipher(AES(key), CBC(iv)).decryptor()
    return decryptor.update(ciphertext) + decryptor.finalize()


def _pad(plaintext: bytes) -> bytes:
    size = 16 - len(plaintext) % 16
    return plaintext + bytes((size,)) * size


def _unpad(padded: bytes) -> bytes:
    # cryptography's unpadder takes the same time, whichever byte is wrong.
    unpadder = _PADDING.unpadder()
    return unpadder.update(padded) + unpadder.finalize()


def _encrypt_cbc(row: Algorithm, key: bytes, plaintext: bytes, iv: bytes, aad: bytes) -> Encrypted:
    return _cbc_encrypt(key, plaintext, iv), iv, None


def _decrypt_cbc(row: Algorithm, key: bytes, ciphertext: bytes, iv: bytes, tag: bytes, aad: bytes) -> bytes:
    return _cbc_decrypt(key, ciphertext, iv)


def _encrypt_cbcpad(row: Algorithm, key: bytes, plaintext: bytes, iv: bytes, aad: bytes) -> Encrypted:
    return _cbc_encrypt(key, _pad(plaintext), iv), iv, None


def _decrypt_cbcpad(row: Algorithm, key: bytes, ciphertext: bytes, iv: bytes, tag: bytes, aad: bytes) -> bytes:
    return _unpad(_cbc_decrypt(key, ciphertext, iv))


def _encrypt_cbc_hmac(row: Algorithm, key: bytes, plaintext: bytes, iv: bytes, aad: bytes) -> Encrypted:
    half = len(key) // 2
    ciphertext = _cbc_encrypt(key[half:], _pad(plaintext), iv)
    return ciphertext, iv, _tag(row, key[:half], aad, iv, ciphertext)


def _decrypt_cbc_hmac(row: Algorithm, key: bytes, ciphertext: bytes, iv: bytes, tag: bytes, aad: bytes) -> bytes:
    half = len(key) // 2
    if not hmac.compare_digest(tag, _tag(row, key[:half], aad, iv, ciphertext)):
        raise DecryptionError
    return _unpad(_cbc_decrypt(key[half:], ciphertext, iv))


def _tag(row: Algorithm, key: bytes, aad: bytes, iv: bytes, ciphertext: bytes) -> bytes:
    # RFC 7518 section 5.2.2.1: the input ends with the length of the additional data in bits, as a 64-bit number.
    length = (8 * len(aad)).to_bytes(8, "big")
    return hmac.digest(key, b"".join((aad, iv, ciphertext, length)), row.hash_name or "")[: row.tag_size]


_ENCRYPT: dict[str, Callable[[Algorithm, bytes, bytes, bytes, bytes], Encrypted]] = {
    "A128CBC": _encrypt_cbc,
    "A192CBC": _encrypt_cbc,
    "A256CBC": _encrypt_cbc,
    "A128CBCPAD": _encrypt_cbcpad,
    "A192CBCPAD": _encrypt_cbcpad,
    "A256CBCPAD": _encrypt_cbcpad,
    "A128CBC-HS256": _encrypt_cbc_hmac,
    "A192CBC-HS384": _encrypt_cbc_hmac,
    "A256CBC-HS512": _encrypt_cbc_hmac,
}

_DECRYPT: dict[str, Callable[[Algorithm, bytes, bytes, bytes, bytes, bytes], bytes]] = {
    "A128CBC": _decrypt_cbc,
    "A192CBC": _decrypt_cbc,
    "A256CBC": _decrypt_cbc,
    "A128CBCPAD": _decrypt_cbcpad,
    "A192CBCPAD": _decrypt_cbcpad,
    "A256CBCPAD": _decrypt_cbcpad,
    "A128CBC-HS256": _decrypt_cbc_hmac,
    "A192CBC-HS384": _decrypt_cbc_hmac,
    "A256CBC-HS512": _decrypt_cbc_hmac,
}
