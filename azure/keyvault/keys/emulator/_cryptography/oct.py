"""Symmetric keys of a Managed HSM: AES-CBC, AES-CBC with padding, AES-GCM, AES key wrap, and HMAC.

Sources: NIST SP 800-38A and 800-38D, RFC 3394, RFC 5649, RFC 2104.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import partial

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import constant_time, hashes, hmac, keywrap
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.padding import PKCS7

from .._errors import bad_parameter, malformed_jwk, undecryptable
from .material import CipherAlgorithm, CipherInput, CipherOutput, SignatureAlgorithm, required_members

SIZES = (128, 192, 256)
_BLOCK = 16
_GCM_NONCE = 12
_MAX_BYTES = 64


class OctMaterial:
    """A symmetric key. It has no public part."""

    family = "oct"

    def __init__(self, k: bytes) -> None:
        self.k = k

    @classmethod
    def generate(cls, size: int | None = None) -> OctMaterial:
        """Generate a key, of 256 bits by default."""
        if size is not None and size not in SIZES:
            raise bad_parameter(f"Invalid key size: '{size}'")
        return cls(os.urandom((size or 256) // 8))

    @classmethod
    def from_jwk(cls, jwk: Mapping[str, bytes]) -> OctMaterial:
        """Import a JWK, given as decoded members.

        :raises ServiceError: 400 if ``k`` is missing or longer than 64 bytes.
        """
        required_members(jwk, ("k",), malformed_jwk)
        if len(jwk["k"]) > _MAX_BYTES:
            raise bad_parameter(f"JSON Web Key: k property of oct key is too large, maximum size is {_MAX_BYTES}")
        return cls(jwk["k"])

    @classmethod
    def load(cls, members: Mapping[str, str], private: bytes) -> OctMaterial:
        """Restore a key from its bytes."""
        return cls(private)

    @property
    def size(self) -> int:
        """The size in bits."""
        return len(self.k) * 8

    def public_members(self) -> dict[str, str]:
        """Return nothing: the service shows neither ``k`` nor its size in the JWK."""
        return {}

    def private_bytes(self) -> bytes:
        """Return ``k``."""
        return self.k

    def renewed(self) -> OctMaterial:
        """Generate a new key of the same size."""
        return OctMaterial(os.urandom(len(self.k)))


def _initialisation_vector(given: CipherInput) -> bytes:
    if given.iv is None or len(given.iv) != _BLOCK:
        raise bad_parameter(f"Property 'iv' is required and must have {_BLOCK} bytes.\r\n")
    return given.iv


def _cbc_encrypt(padded: bool, material: OctMaterial, given: CipherInput) -> CipherOutput:
    iv, value = _initialisation_vector(given), given.value
    if padded:
        padder = PKCS7(128).padder()
        value = padder.update(value) + padder.finalize()
    # Without padding, the plaintext is filled with zeros up to the block size, and decrypt returns the zeros too.
    value = value.ljust(-(-len(value) // _BLOCK) * _BLOCK, b"\0")
    encryptor = Cipher(algorithms.AES(material.k), modes.CBC(iv)).encryptor()
    return CipherOutput(encryptor.update(value) + encryptor.finalize(), iv=iv)


def _cbc_decrypt(padded: bool, material: OctMaterial, given: CipherInput) -> bytes:
    decryptor = Cipher(algorithms.AES(material.k), modes.CBC(_initialisation_vector(given))).decryptor()
    try:
        plaintext = decryptor.update(given.value) + decryptor.finalize()
        if not padded:
            return plaintext
        unpadder = PKCS7(128).unpadder()
        return unpadder.update(plaintext) + unpadder.finalize()
    except ValueError as error:
        raise undecryptable() from error


def _gcm_encrypt(material: OctMaterial, given: CipherInput) -> CipherOutput:
    """Encrypt with AES-GCM. The HSM generates the nonce and returns the additional authenticated data."""
    nonce = os.urandom(_GCM_NONCE)
    sealed = AESGCM(material.k).encrypt(nonce, given.value, given.aad)
    return CipherOutput(sealed[:-_BLOCK], iv=nonce, tag=sealed[-_BLOCK:], aad=given.aad)


def _gcm_decrypt(material: OctMaterial, given: CipherInput) -> bytes:
    iv = given.iv or b""
    if len(iv) not in (_GCM_NONCE, _BLOCK) or any(iv[_GCM_NONCE:]):
        raise bad_parameter("Property 'iv' is required and must be the one that encrypt returned.\r\n")
    if given.tag is None or len(given.tag) != _BLOCK:
        raise bad_parameter(f"Property 'tag' is required and must have {_BLOCK} bytes.\r\n")
    try:
        return AESGCM(material.k).decrypt(iv[:_GCM_NONCE], given.value + given.tag, given.aad)
    except InvalidTag as error:
        raise undecryptable() from error


_KeyWrap = Callable[[bytes, bytes], bytes]


def _wrap(wrap: _KeyWrap, material: OctMaterial, given: CipherInput) -> CipherOutput:
    try:
        return CipherOutput(wrap(material.k, given.value))
    except ValueError as error:
        raise bad_parameter(f"Invalid length of 'value': {len(given.value)} bytes cannot be wrapped.") from error


def _unwrap(unwrap: _KeyWrap, material: OctMaterial, given: CipherInput) -> bytes:
    try:
        return unwrap(material.k, given.value)
    except (ValueError, keywrap.InvalidUnwrap) as error:
        raise undecryptable() from error


def _cbc(bits: int, padded: bool) -> CipherAlgorithm:
    name = f"A{bits}CBCPAD" if padded else f"A{bits}CBC"
    encrypt, decrypt = partial(_cbc_encrypt, padded), partial(_cbc_decrypt, padded)
    return CipherAlgorithm(name, "oct", "7.2-preview", frozenset({"encrypt"}), encrypt, decrypt, bits)


def _key_wrap(name: str, since: str, bits: int | None, padded: bool, *uses: str) -> CipherAlgorithm:
    wrap = keywrap.aes_key_wrap_with_padding if padded else keywrap.aes_key_wrap
    unwrap = keywrap.aes_key_unwrap_with_padding if padded else keywrap.aes_key_unwrap
    return CipherAlgorithm(name, "oct", since, frozenset(uses), partial(_wrap, wrap), partial(_unwrap, unwrap), bits)


# A256CBC, A256CBCPAD, A256GCM, and A128KW to A256KW were recorded. The other sizes follow them; KWPAD and CKM are
# based on the documentation.
CIPHERS = (
    *(_cbc(bits, padded) for bits in SIZES for padded in (False, True)),
    *(
        CipherAlgorithm(f"A{bits}GCM", "oct", "7.2-preview", frozenset({"encrypt"}), _gcm_encrypt, _gcm_decrypt, bits)
        for bits in SIZES
    ),
    *(_key_wrap(f"A{bits}KW", "7.2-preview", bits, False, "wrapKey", "secureWrapKey") for bits in SIZES),
    *(_key_wrap(f"A{bits}KWPAD", "2026-01-01-preview", bits, True, "secureWrapKey") for bits in SIZES),
    _key_wrap("CKM_AES_KEY_WRAP", "7.6-preview.2", None, False, "wrapKey", "secureWrapKey"),
    _key_wrap("CKM_AES_KEY_WRAP_PAD", "7.6-preview.2", None, True, "wrapKey", "secureWrapKey"),
)


def _mac(digest: hashes.HashAlgorithm, material: OctMaterial, value: bytes) -> bytes:
    mac = hmac.HMAC(material.k, digest)
    mac.update(value)
    return mac.finalize()


def _mac_matches(digest: hashes.HashAlgorithm, material: OctMaterial, value: bytes, signature: bytes) -> bool:
    return constant_time.bytes_eq(_mac(digest, material, value), signature)


# These are based on the documentation, except for the form of the response, which was recorded.
SIGNATURES = tuple(
    SignatureAlgorithm(
        name=f"HS{digest.digest_size * 8}",
        family="oct",
        since="7.6-preview.2",
        digest_size=digest.digest_size,
        sign=partial(_mac, digest),
        verify=partial(_mac_matches, digest),
    )
    for digest in (hashes.SHA256(), hashes.SHA384(), hashes.SHA512())
)
