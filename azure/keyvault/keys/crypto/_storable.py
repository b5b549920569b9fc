"""Results as JSON members, under the names that JOSE has for them (RFC 7515, RFC 7516)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from .._jwk.rfc7517 import decode_base64url, encode_base64url
from ._enums import EncryptionAlgorithm, KeyWrapAlgorithm, SignatureAlgorithm


@dataclass(frozen=True, slots=True)
class _Form:
    """How one kind of result is stored.

    :ivar algorithms: the algorithms that it may name; others stay text.
    :ivar content: the binary member that it must have: the name in the result and in JSON alike.
    :ivar optional: its other binary members: the name in JSON, and the parameter that makes a result with it.
    """

    algorithms: type[Enum]
    content: str
    optional: Mapping[str, str]


_FORMS = {
    "EncryptResult": _Form(
        EncryptionAlgorithm,
        "ciphertext",
        {"iv": "iv", "tag": "authentication_tag", "aad": "additional_authenticated_data"},
    ),
    "WrapResult": _Form(KeyWrapAlgorithm, "encrypted_key", {}),
    "SignResult": _Form(SignatureAlgorithm, "signature", {}),
}


def stored(result: Any) -> dict[str, str]:
    """Return the members of a result, as text."""
    form = _form_of(type(result))
    members = {} if result.key_id is None else {"kid": result.key_id}
    members["alg"] = str.__str__(result.algorithm)
    for name in (form.content, *form.optional):
        value = getattr(result, name)
        if value is not None:
            members[name] = encode_base64url(value)
    return members


def restored(kind: type, members: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments that make a result of its members.

    :raises ValueError: when a member is missing or malformed.
    :raises TypeError: when ``members`` is not a mapping.
    """
    if not isinstance(members, Mapping):
        raise TypeError(f"members must be the members of a result, as to_dict gives them, not {type(members).__name__}")
    form = _form_of(kind)
    algorithm = _text(members, "alg")
    if not algorithm:
        raise ValueError("'alg' is missing: it must be the name of an algorithm")
    known = {member.value: member for member in form.algorithms}
    arguments: dict[str, Any] = {"key_id": _text(members, "kid"), "algorithm": known.get(algorithm, algorithm)}
    content = _bytes(members, form.content)
    if content is None:
        raise ValueError(f"'{form.content}' is missing: it must be base64url text")
    arguments[form.content] = content
    for name, parameter in form.optional.items():
        arguments[parameter] = _bytes(members, name)
    return arguments


def _form_of(kind: type) -> _Form:
    return next(_FORMS[base.__name__] for base in kind.__mro__ if base.__name__ in _FORMS)


def _text(members: Mapping[str, Any], name: str) -> str | None:
    value = members.get(name)
    if value is not None and not isinstance(value, str):
        raise ValueError(f"'{name}' must be text, not {type(value).__name__}")
    return value


def _bytes(members: Mapping[str, Any], name: str) -> bytes | None:
    text = _text(members, name)
    return None if text is None else decode_base64url(name, text)
