"""Keys in PEM and DER, read into and written from the key objects of ``cryptography``."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from . import akp

if TYPE_CHECKING:
    from .shapes import PrivateKey, PublicKey

# A block cannot contain a BEGIN or END marker, so the search takes linear time for any text.
_BLOCK = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----(?:(?!-----).)*-----END \1-----", re.DOTALL)
_PKCS12 = re.compile(rb"\x30(?:\x80|[\x00-\x7f]|\x81.|\x82..|\x83...)\x02\x01\x03\x30", re.DOTALL)


def _private(data: bytes, password: bytes | None) -> Any:
    # The primality test is slow and holds the GIL; the numbers are checked when they are read.
    return serialization.load_pem_private_key(data, password, unsafe_skip_rsa_key_validation=True)


def _der_private(data: bytes, password: bytes | None) -> Any:
    return serialization.load_der_private_key(data, password, unsafe_skip_rsa_key_validation=True)


def _openssh(data: bytes, password: bytes | None) -> Any:
    return serialization.load_ssh_private_key(data, password)


def _public(data: bytes, _password: bytes | None) -> Any:
    return serialization.load_pem_public_key(data)


def _certificate(data: bytes, _password: bytes | None) -> Any:
    return x509.load_pem_x509_certificate(data).public_key()


def _der_certificate(data: bytes) -> Any:
    return x509.load_der_x509_certificate(data).public_key()


# How to read each kind of PEM block, private keys first: a file with a key and its certificate gives the key.
_READERS: dict[bytes, Callable[[bytes, bytes | None], Any]] = {
    b"PRIVATE KEY": _private,
    b"ENCRYPTED PRIVATE KEY": _private,
    b"RSA PRIVATE KEY": _private,
    b"EC PRIVATE KEY": _private,
    b"OPENSSH PRIVATE KEY": _openssh,
    b"PUBLIC KEY": _public,
    b"RSA PUBLIC KEY": _public,
    b"CERTIFICATE": _certificate,
    b"X509 CERTIFICATE": _certificate,
}


def read_pem(data: str | bytes, password: str | bytes | None) -> PublicKey | PrivateKey:
    """Read the key in a PEM text; text around the block is skipped.

    :raises ValueError: when there is no key in it, it can't be read, or the service does not support its kind.
    :raises TypeError: when the data is neither text nor bytes.
    """
    data = data.encode() if isinstance(data, str) else _octets(data, "text or bytes")
    blocks = {match[1]: match[0] for match in reversed(list(_BLOCK.finditer(data)))}
    for label, read in _READERS.items():
        if label in blocks:
            name = label.decode("ascii").lower()
            return _supported(_read(name, partial(read, blocks[label] + b"\n", _password(password))))
    raise ValueError(_no_pem(data, blocks))


def _no_pem(data: bytes, blocks: dict[bytes, bytes]) -> str:
    if blocks:
        labels = ", ".join(sorted(label.decode("ascii") for label in blocks))
        return f"This PEM contains no key, only: {labels}"
    return _pkcs12(data) or "This is not PEM: there is no block between BEGIN and END lines; from_der reads DER"


def read_der(data: bytes, password: str | bytes | None) -> PublicKey | PrivateKey:
    """Read a key in DER: PKCS#8, PKCS#1, SEC 1, SubjectPublicKeyInfo or an X.509 certificate.

    :raises ValueError: when it is none of these, or the service does not support the kind of key.
    :raises TypeError: when the data is not bytes.
    """
    data = _octets(data, "bytes")
    hint = _pkcs12(data)
    if hint:
        raise ValueError(hint)
    if password is None:
        for load in (serialization.load_der_public_key, _der_certificate):
            try:
                key = load(data)
            except (ValueError, UnsupportedAlgorithm, x509.InvalidVersion):
                continue
            return _supported(key)
    return _supported(_read("DER data", lambda: _der_private(data, _password(password))))


def _octets(data: object, expected: str) -> bytes:
    # bytes(5) would be five zeros.
    if not isinstance(data, (bytes, bytearray, memoryview)):
        raise TypeError(f"'data' must be {expected}, not {type(data).__name__}")
    return bytes(data)


def _read(name: str, load: Callable[[], Any]) -> Any:
    try:
        return load()
    except TypeError:
        # This is how cryptography reports a missing or unnecessary password.
        problem = "either it is encrypted and needs password=, or it is not and a password was given"
    except Exception:
        # Releases of cryptography before 46 did not always raise ValueError for malformed keys.
        problem = "it is malformed, of an unsupported kind, or the password is wrong"
    raise ValueError(f"The {name} can't be read: {problem}")


def _supported(key: Any) -> PublicKey | PrivateKey:
    known = (rsa.RSAPublicKey, rsa.RSAPrivateKey, ec.EllipticCurvePublicKey, ec.EllipticCurvePrivateKey)
    if not isinstance(key, known) and akp.members_of(key) is None:
        raise ValueError(f"Key Vault has RSA, EC and ML-DSA keys; this is a {type(key).__name__}")
    return key  # type: ignore[no-any-return]  # or ML-DSA, a type that older releases do not have


def _pkcs12(data: bytes) -> str | None:
    if not _PKCS12.match(data):
        return None
    return (
        "This is a PKCS#12 (PFX) file: take the key out of it with "
        "cryptography.hazmat.primitives.serialization.pkcs12.load_key_and_certificates, then use from_cryptography"
    )


def _password(password: str | bytes | None) -> bytes | None:
    return password.encode() if isinstance(password, str) else password


def write(key: Any, private: bool, encoding: serialization.Encoding, password: str | bytes | None = None) -> bytes:
    """Write a public key as SubjectPublicKeyInfo, or a private key as PKCS#8.

    :raises ValueError: when the password is empty, or given for a public key.
    """
    secret = _password(password)
    written: bytes
    if private:
        encryption = serialization.NoEncryption() if secret is None else serialization.BestAvailableEncryption(secret)
        written = key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, encryption)
        return written
    if secret is not None:
        raise ValueError("'password' is for private keys: add private=True")
    written = key.public_bytes(encoding, serialization.PublicFormat.SubjectPublicKeyInfo)
    return written
