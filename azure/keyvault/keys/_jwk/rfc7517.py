"""JSON Web Keys as JSON (RFC 7517), their base64url, and their thumbprints (RFC 7638)."""

from __future__ import annotations

import hashlib
import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from typing import Any

_BASE64URL = re.compile(r"[A-Za-z0-9_-]*={0,2}\Z")

# The public and private members of a JWK by key type (RFC 7518 section 6; for AKP, JOSE's members for ML-DSA). The
# first tuple lists the members of a thumbprint.
_PUBLIC = {"RSA": ("e", "kty", "n"), "EC": ("crv", "kty", "x", "y"), "oct": ("kty",), "AKP": ("alg", "kty", "pub")}
_PRIVATE = {"RSA": ("d", "p", "q", "dp", "dq", "qi"), "EC": ("d",), "oct": ("k",), "AKP": ("priv",)}

# RFC 7517 section 4.3. The service defines more: import, export, secureWrapKey, secureUnwrapKey.
_OPERATIONS = frozenset(("sign", "verify", "encrypt", "decrypt", "wrapKey", "unwrapKey", "deriveKey", "deriveBits"))

# The name in the service's JSON for the transfer blob of a key from another HSM.
_TRANSFER_BLOB = "key_hsm"


def decode_base64url(name: str, text: str) -> bytes:
    """Decode base64url with or without padding.

    :param name: the name of the member, for the message.
    :param text: the text to decode.
    :raises ValueError: when a character or the length is invalid. No characters are skipped.
    """
    if not _BASE64URL.match(text) or len(text.rstrip("=")) % 4 == 1:
        raise ValueError(f"'{name}' is not base64url")
    text = text.rstrip("=")
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def encode_base64url(value: bytes) -> str:
    """Encode as base64url without padding."""
    return urlsafe_b64encode(value).decode("ascii").rstrip("=")


def read_members(source: str | bytes | Mapping[str, Any], binary: frozenset[str]) -> dict[str, Any]:
    """Read the members of a JWK.

    :param source: JSON text, or the members with values in base64url or already as ``bytes``.
    :param binary: names of the members that hold bytes.
    :returns: the members, with base64url decoded to bytes; unknown members are included.
    :raises ValueError: when it is not a JSON object, it has no ``kty``, a member has the wrong type, or the key has
        more than two primes.
    :raises TypeError: when it is neither text nor a mapping.
    """
    members = dict(source) if isinstance(source, Mapping) else _parse(source)
    if members.get("kty") is None:
        raise ValueError("'kty' is missing: it is the type of every JSON Web Key (RFC 7517 section 4.1)")
    if "oth" in members:
        raise ValueError("RSA keys with more than two primes ('oth') are not supported")
    if members.get(_TRANSFER_BLOB) is not None:
        members["t"] = members[_TRANSFER_BLOB]
    return {name: _decode(name, value, name in binary) for name, value in members.items() if value is not None}


def _parse(text: str | bytes) -> dict[str, Any]:
    # The decoder's exception contains the whole text, so it must not become the context of ours.
    if not isinstance(text, (str, bytes, bytearray)):
        raise TypeError(f"A JSON Web Key is JSON text or a mapping of its members, not {type(text).__name__}")
    members: Any = None
    try:
        members = json.loads(text)
    except (ValueError, RecursionError):
        pass
    if not isinstance(members, dict):
        raise ValueError("A JSON Web Key must be a JSON object (RFC 7517)")
    return members


def _decode(name: str, value: Any, binary: bool) -> Any:
    if not binary:
        if name in ("kty", "crv", "kid", "alg") and not isinstance(value, str):
            raise ValueError(f"'{name}' must be a string, not {type(value).__name__}")
        if name == "key_ops" and not (isinstance(value, list) and all(isinstance(item, str) for item in value)):
            raise ValueError("'key_ops' must be a list of strings")
        return value
    if isinstance(value, str):
        return decode_base64url(name, value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    raise ValueError(f"'{name}' must be base64url text or bytes, not {type(value).__name__}")


def to_text(family: str, attributes: Mapping[str, Any], fields: Mapping[str, Any], private: bool) -> str:
    """Write a key as JSON, with the names that other JOSE libraries use.

    :param family: its type without ``-HSM``.
    :param attributes: the attributes of the key: ``kid``, ``use``, ``alg``, ``key_ops``. Those that are None are left
        out, and so are operations that RFC 7517 does not define.
    :param fields: its members, complete and at full length.
    :param private: write the private members too.
    """
    names = (*_PUBLIC[family], *(_PRIVATE[family] if private else ()))
    document: dict[str, Any] = {"kty": family}
    document |= {name: value for name, value in attributes.items() if value is not None}
    if "key_ops" in document:
        document["key_ops"] = [operation for operation in document["key_ops"] if operation in _OPERATIONS]
    document |= {name: _text(fields[name]) for name in names if name != "kty"}
    return json.dumps(document)


def thumbprint(family: str, fields: Mapping[str, Any]) -> str:
    """Hash the required members with SHA-256 (RFC 7638 section 3)."""
    names = ("k", "kty") if family == "oct" else _PUBLIC[family]
    document = {name: family if name == "kty" else _text(fields[name]) for name in names}
    digest = hashlib.sha256(json.dumps(document, separators=(",", ":")).encode("ascii")).digest()
    return encode_base64url(digest)


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else encode_base64url(value)
