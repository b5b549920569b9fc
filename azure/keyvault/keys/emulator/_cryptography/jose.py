"""The parts of JOSE that the emulator needs, built on ``cryptography``: base64url, JWS with RS256, JWE for backups.

Sources: RFC 4648 section 5, RFC 7515 (JWS), RFC 7516 and RFC 7518 section 5.2 (A128CBC-HS256, A256CBC-HS512).
"""

from __future__ import annotations

import base64
import binascii
import json
import os
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import constant_time, hashes, hmac
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

_URL_TO_STANDARD = str.maketrans("-_", "+/")
_OAEP_SHA1 = padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None)  # noqa: S303 - what RSA-OAEP means  # nosec B303


def encode(data: bytes) -> str:
    """Return base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def decode(text: str) -> bytes:
    """Decode base64url, with or without padding.

    :raises ValueError: if the text has characters outside the alphabet or an impossible length.
    """
    bare = text.rstrip("=")
    if "+" in bare or "/" in bare or not bare.isascii():
        raise ValueError("not base64url")
    try:
        return base64.b64decode(bare.translate(_URL_TO_STANDARD) + "=" * (-len(bare) % 4), validate=True)
    except binascii.Error as error:
        raise ValueError("not base64url") from error


def encode_json(value: Mapping[str, Any], *, sort_keys: bool = False) -> str:
    """Return compact JSON encoded as base64url."""
    return encode(json.dumps(value, separators=(",", ":"), sort_keys=sort_keys).encode())


def decode_json(text: str) -> dict[str, Any]:
    """Decode a JSON object from base64url.

    :raises ValueError: if the text is not base64url, or its content is not a JSON object.
    """
    try:
        value = json.loads(decode(text))
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")
    return value


def sign_jws(
    header: Mapping[str, Any], payload: Mapping[str, Any], key: RSAPrivateKey, *, sort_keys: bool = False
) -> str:
    """Return a compact JWS with RS256."""
    signed = ".".join(encode_json(part, sort_keys=sort_keys) for part in ({"alg": "RS256", **header}, payload))
    signature = key.sign(signed.encode("ascii"), padding.PKCS1v15(), hashes.SHA256())
    return f"{signed}.{encode(signature)}"


def jws_header(token: str) -> dict[str, Any]:
    """Return the unverified header of a compact JWS."""
    return decode_json(token.partition(".")[0])


def verify_jws(token: str, key: RSAPublicKey) -> dict[str, Any]:
    """Verify a compact JWS with RS256 and return its payload.

    :raises ValueError: if the token is malformed, uses another algorithm, or has a wrong signature.
    """
    header, payload, signature = token.split(".") if token.count(".") == 2 else ("", "", "")
    if not token.isascii() or decode_json(header).get("alg") != "RS256":
        raise ValueError("not a compact JWS with RS256")
    try:
        key.verify(decode(signature), f"{header}.{payload}".encode("ascii"), padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature as error:
        raise ValueError("wrong signature") from error
    return decode_json(payload)


def encrypt_jwe(plaintext: bytes, kid: str, key: RSAPublicKey) -> str:
    """Return a compact JWE with RSA-OAEP and A128CBC-HS256."""
    header = encode_json({"kid": kid, "alg": "RSA-OAEP", "enc": "A128CBC-HS256"})
    cek = os.urandom(32)
    return _jwe(header, key.encrypt(cek, _OAEP_SHA1), cek, plaintext)


def encrypt_jwe_directly(plaintext: bytes, kid: str, cek: bytes) -> str:
    """Return a compact JWE with a shared 64-byte key and A256CBC-HS512."""
    return _jwe(encode_json({"alg": "dir", "enc": "A256CBC-HS512", "kid": kid}), b"", cek, plaintext)


def _jwe(header: str, wrapped: bytes, cek: bytes, plaintext: bytes) -> str:
    iv, padder = os.urandom(16), PKCS7(128).padder()
    encryptor = Cipher(algorithms.AES(cek[len(cek) // 2 :]), modes.CBC(iv)).encryptor()
    ciphertext = encryptor.update(padder.update(plaintext) + padder.finalize()) + encryptor.finalize()
    return ".".join([header, *map(encode, (wrapped, iv, ciphertext, _content_tag(cek, header, iv, ciphertext)))])


def decrypt_jwe(token: str, key: RSAPrivateKey) -> bytes:
    """Return the plaintext of a compact JWE made by :func:`encrypt_jwe`.

    :raises ValueError: if the token is malformed, was encrypted for another key, or was modified.
    """
    header, wrapped, *rest = _jwe_parts(token)
    cek = key.decrypt(wrapped, _OAEP_SHA1)
    if len(cek) != 32:
        raise ValueError("wrong length of the content key")
    return _jwe_plaintext(header, cek, *rest)


def decrypt_jwe_directly(token: str, cek: bytes) -> bytes:
    """Return the plaintext of a compact JWE made by :func:`encrypt_jwe_directly`.

    :raises ValueError: if the token is malformed, was encrypted with another key, or was modified.
    """
    header, _, *rest = _jwe_parts(token)
    return _jwe_plaintext(header, cek, *rest)


def _jwe_parts(token: str) -> tuple[str, bytes, bytes, bytes, bytes]:
    header, *rest = token.split(".")
    if len(rest) != 4:
        raise ValueError("not a compact JWE")
    wrapped, iv, ciphertext, tag = map(decode, rest)
    return header, wrapped, iv, ciphertext, tag


def _jwe_plaintext(header: str, cek: bytes, iv: bytes, ciphertext: bytes, tag: bytes) -> bytes:
    if len(iv) != 16 or len(ciphertext) % 16:
        raise ValueError("wrong lengths")
    _check_tag(_content_tag(cek, header, iv, ciphertext), tag)
    decryptor = Cipher(algorithms.AES(cek[len(cek) // 2 :]), modes.CBC(iv)).decryptor()
    unpadder = PKCS7(128).unpadder()
    return unpadder.update(decryptor.update(ciphertext) + decryptor.finalize()) + unpadder.finalize()


def _content_tag(cek: bytes, header: str, iv: bytes, ciphertext: bytes) -> bytes:
    """Return half of the MAC over AAD, IV, ciphertext and the bit length of the AAD (RFC 7518 section 5.2.2.1)."""
    half, aad = len(cek) // 2, header.encode("ascii")
    mac = hmac.HMAC(cek[:half], hashes.SHA256() if half == 16 else hashes.SHA512())
    for part in (aad, iv, ciphertext, (len(aad) * 8).to_bytes(8, "big")):
        mac.update(part)
    return mac.finalize()[:half]


def _check_tag(computed: bytes, given: bytes) -> None:
    if not constant_time.bytes_eq(computed, given):
        raise ValueError("wrong tag")
