"""Every algorithm of the service and of local cryptography, as one table of plain data.

No other code compares the name of an algorithm: everything that it needs to know is a field of the row.
Sources: RFC 7518 sections 3 to 5, RFC 8812 for ES256K, FIPS 204 for ML-DSA, PKCS#11 for CKM_*, and the service's
documentation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from ..._names import Names

Kind = Literal["encryption", "key wrap", "signature", "secure wrap"]
Family = Literal["RSA", "EC", "oct", "AKP"]
Padding = Literal["PKCS1", "OAEP", "PSS"]


@dataclass(frozen=True, slots=True)
class Algorithm:
    """What is known about one algorithm. A field that does not apply is ``None``, 0 or ``False``.

    :ivar name: its name in requests and in RFC 7518.
    :ivar kind: which operations it is for.
    :ivar family: the key type it needs, without ``-HSM``; ``None`` for an algorithm that this library does not know.
    :ivar local: it can run in this process, given key material.
    :ivar remote: the service has it.
    :ivar padding: how RSA pads (RFC 8017 sections 7 and 8).
    :ivar hash_name: its hash as ``hashlib`` names it.
    :ivar digest_size: bytes of the digest that is signed.
    :ivar message: the message itself is signed, not a digest; the caller may add a context, or give the message's
        representative mu instead (FIPS 204 sections 5.2 and 6.2).
    :ivar curve: the curve of its keys, as a JWK of the service names it.
    :ivar signature_size: bytes of a signature; ``None`` also for RSA, where it is the size of the modulus.
    :ivar key_size: bytes of the symmetric key.
    :ivar block: the length of the input must be a multiple of this many bytes.
    :ivar minimum: the input must have at least this many bytes.
    :ivar overhead: bytes that RSA padding needs (RFC 8017 sections 7 to 9). A plaintext must be this much shorter than
        the modulus, and the modulus of a signature must have this many bytes.
    :ivar iv: ``None`` when there is none, ``"caller"`` when the caller may choose its 16 bytes and random ones are made
        otherwise, ``"service"`` when only the service may choose them. Decryption always needs it.
    :ivar aad: additional data can be authenticated.
    :ivar tag_size: bytes of the authentication tag.
    :ivar weakness: why new uses should choose another algorithm.
    """

    name: str
    kind: Kind
    family: Family | None
    local: bool = False
    remote: bool = True
    padding: Padding | None = None
    hash_name: str | None = None
    digest_size: int | None = None
    message: bool = False
    curve: str | None = None
    signature_size: int | None = None
    key_size: int | None = None
    block: int = 1
    minimum: int = 0
    overhead: int = 0
    iv: Literal["caller", "service"] | None = None
    aad: bool = False
    tag_size: int = 0
    weakness: str | None = None


_PKCS1 = "PKCS#1 v1.5 encryption invites padding oracles (Bleichenbacher); use RSA-OAEP-256"
_SHA1 = "OAEP with SHA-1 is for old data; use RSA-OAEP-256"
_CBC = "CBC without a MAC does not detect tampering; authenticate the ciphertext, or use another algorithm"


def _rsa_encryption(kind: Kind) -> tuple[Algorithm, ...]:
    return (
        Algorithm("RSA1_5", kind, "RSA", local=True, padding="PKCS1", overhead=11, weakness=_PKCS1),
        Algorithm("RSA-OAEP", kind, "RSA", local=True, padding="OAEP", hash_name="sha1", overhead=42, weakness=_SHA1),
        Algorithm("RSA-OAEP-256", kind, "RSA", local=True, padding="OAEP", hash_name="sha256", overhead=66),
    )


def _aes_cbc(name: str, key_size: int, block: int) -> Algorithm:
    return Algorithm(name, "encryption", "oct", local=True, key_size=key_size, block=block, iv="caller", weakness=_CBC)


def _aes_cbc_hmac(name: str, hash_name: str, tag_size: int) -> Algorithm:
    return Algorithm(
        name,
        "encryption",
        "oct",
        local=True,
        remote=False,
        hash_name=hash_name,
        key_size=2 * tag_size,
        iv="caller",
        aad=True,
        tag_size=tag_size,
    )


def _aes_gcm(name: str, key_size: int) -> Algorithm:
    return Algorithm(name, "encryption", "oct", key_size=key_size, iv="service", aad=True, tag_size=16)


def _aes_wrap(name: str, key_size: int | None, kind: Kind = "key wrap", *, local: bool = False) -> Algorithm:
    return Algorithm(name, kind, "oct", local=local, key_size=key_size, block=8, minimum=16)


def _aes_wrap_pad(name: str, key_size: int | None, kind: Kind = "key wrap") -> Algorithm:
    return Algorithm(name, kind, "oct", key_size=key_size, minimum=1)


def _rsa_signature(name: str, padding: Padding, hash_name: str, digest_size: int, overhead: int) -> Algorithm:
    return Algorithm(
        name,
        "signature",
        "RSA",
        local=True,
        padding=padding,
        hash_name=hash_name,
        digest_size=digest_size,
        overhead=overhead,
    )


def _ecdsa(name: str, curve: str, hash_name: str, digest_size: int, signature_size: int) -> Algorithm:
    return Algorithm(
        name,
        "signature",
        "EC",
        local=True,
        hash_name=hash_name,
        digest_size=digest_size,
        curve=curve,
        signature_size=signature_size,
    )


def _hmac(name: str, hash_name: str, size: int) -> Algorithm:
    return Algorithm(name, "signature", "oct", hash_name=hash_name, digest_size=size, signature_size=size)


def _ml_dsa(name: str, signature_size: int) -> Algorithm:
    return Algorithm(name, "signature", "AKP", local=True, message=True, signature_size=signature_size)


ALGORITHMS: tuple[Algorithm, ...] = (
    *_rsa_encryption("encryption"),
    _aes_gcm("A128GCM", 16),
    _aes_gcm("A192GCM", 24),
    _aes_gcm("A256GCM", 32),
    _aes_cbc("A128CBC", 16, 16),
    _aes_cbc("A192CBC", 24, 16),
    _aes_cbc("A256CBC", 32, 16),
    _aes_cbc("A128CBCPAD", 16, 1),
    _aes_cbc("A192CBCPAD", 24, 1),
    _aes_cbc("A256CBCPAD", 32, 1),
    _aes_cbc_hmac("A128CBC-HS256", "sha256", 16),
    _aes_cbc_hmac("A192CBC-HS384", "sha384", 24),
    _aes_cbc_hmac("A256CBC-HS512", "sha512", 32),
    *_rsa_encryption("key wrap"),
    _aes_wrap("A128KW", 16, local=True),
    _aes_wrap("A192KW", 24, local=True),
    _aes_wrap("A256KW", 32, local=True),
    _aes_wrap("CKM_AES_KEY_WRAP", None),
    _aes_wrap_pad("CKM_AES_KEY_WRAP_PAD", None),
    _rsa_signature("RS256", "PKCS1", "sha256", 32, 62),
    _rsa_signature("RS384", "PKCS1", "sha384", 48, 78),
    _rsa_signature("RS512", "PKCS1", "sha512", 64, 94),
    _rsa_signature("PS256", "PSS", "sha256", 32, 66),
    _rsa_signature("PS384", "PSS", "sha384", 48, 98),
    _rsa_signature("PS512", "PSS", "sha512", 64, 130),
    _ecdsa("ES256", "P-256", "sha256", 32, 64),
    _ecdsa("ES384", "P-384", "sha384", 48, 96),
    _ecdsa("ES512", "P-521", "sha512", 64, 132),
    _ecdsa("ES256K", "P-256K", "sha256", 32, 64),
    _hmac("HS256", "sha256", 32),
    _hmac("HS384", "sha384", 48),
    _hmac("HS512", "sha512", 64),
    _ml_dsa("ML-DSA-44", 2420),
    _ml_dsa("ML-DSA-65", 3309),
    _ml_dsa("ML-DSA-87", 4627),
    Algorithm("RSA-OAEP-256", "secure wrap", "RSA", hash_name="sha256", overhead=66),
    _aes_wrap("A128KW", 16, "secure wrap"),
    _aes_wrap("A192KW", 24, "secure wrap"),
    _aes_wrap("A256KW", 32, "secure wrap"),
    _aes_wrap_pad("A128KWPAD", 16, "secure wrap"),
    _aes_wrap_pad("A192KWPAD", 24, "secure wrap"),
    _aes_wrap_pad("A256KWPAD", 32, "secure wrap"),
    _aes_wrap("CKM_AES_KEY_WRAP", None, "secure wrap"),
    _aes_wrap_pad("CKM_AES_KEY_WRAP_PAD", None, "secure wrap"),
)

# A `str` enum whose class names `str` first hashes as its value does, so members and plain strings find the same row.
_ENCRYPTION = {row.name: row for row in ALGORITHMS if row.kind == "encryption"}
_KEY_WRAP = {row.name: row for row in ALGORITHMS if row.kind == "key wrap"}
_SIGNATURE = {row.name: row for row in ALGORITHMS if row.kind == "signature"}
_SECURE_WRAP = {row.name: row for row in ALGORITHMS if row.kind == "secure wrap"}

# The operations of each kind of algorithm, for the error when kinds are mixed up.
_METHODS: dict[Kind, str] = {
    "encryption": "encrypt and decrypt",
    "key wrap": "wrap_key and unwrap_key",
    "signature": "sign and verify",
    "secure wrap": "secure_wrap_key and secure_unwrap_key",
}

# The results that can be stored as dictionaries, which callers may pass where a result is expected.
_STORED: dict[Kind, str] = {"encryption": "EncryptResult", "key wrap": "WrapResult", "signature": "SignResult"}

_NAMES = {
    kind: Names(f"algorithms of {methods}", [row.name for row in ALGORITHMS if row.kind == kind])
    for kind, methods in _METHODS.items()
}


def encryption(algorithm: str) -> Algorithm:
    """Find the row of an encryption algorithm.

    :param algorithm: an ``EncryptionAlgorithm`` or its value.
    :returns: the row; for a name that no table has, a row that only the service can use: it may be a new algorithm.
    :raises ValueError: when it is an algorithm of another kind, or a known one that is misspelt.
    :raises TypeError: when it is not a string.
    """
    return _find(_ENCRYPTION, algorithm, "encryption")


def key_wrap(algorithm: str) -> Algorithm:
    """Find the row of a key wrap algorithm, as :func:`encryption` does."""
    return _find(_KEY_WRAP, algorithm, "key wrap")


def signature(algorithm: str) -> Algorithm:
    """Find the row of a signature algorithm, as :func:`encryption` does."""
    return _find(_SIGNATURE, algorithm, "signature")


def secure_wrap(algorithm: str) -> Algorithm:
    """Find the row of a secure wrap algorithm, as :func:`encryption` does."""
    return _find(_SECURE_WRAP, algorithm, "secure wrap")


def _find(rows: Mapping[str, Algorithm], algorithm: object, kind: Kind) -> Algorithm:
    if isinstance(algorithm, str):
        return rows.get(algorithm) or _unknown(algorithm, kind)
    text = f"'algorithm' must be an algorithm enum or its string, not {type(algorithm).__name__}"
    if isinstance(algorithm, Mapping) and kind in _STORED:
        text += f"; to use a stored result, pass {_STORED[kind]}.from_dict(...)"
    raise TypeError(text)


def _unknown(algorithm: str, kind: Kind) -> Algorithm:
    name = str.__str__(algorithm)
    other: Kind | None = next((row.kind for row in ALGORITHMS if row.name == name), None)
    if other is not None:
        raise ValueError(f"'algorithm' {name} is for {_METHODS[other]}, not for {_METHODS[kind]}")
    return Algorithm(_NAMES[kind].check("algorithm", name), kind, None)


def unknown(row: Algorithm) -> str:
    """Return the text of an error about an unknown algorithm, with the most similar known one and the list of all."""
    return _NAMES[row.kind].refusal("algorithm", row.name)
