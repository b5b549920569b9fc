"""Make the body of a request from a method's arguments, checked before anything is sent."""

from __future__ import annotations

import math
import os
import sys
import warnings
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta, timezone
from types import FrameType
from typing import Any, TypeVar

import azure.core
from azure.core.exceptions import HttpResponseError

from ._durations import checked_duration
from ._enums import KeyCurveName, KeyExportEncryptionAlgorithm, KeyOperation, KeyType
from ._generated import models as wire
from ._jwk import JsonWebKey, family_of
from ._models import ExternalKey, KeyReleasePolicy, KeyRotationLifetimeAction, KeyRotationPolicy
from ._names import CURVES_ELSEWHERE, KEY_TYPES_ELSEWHERE, Names

T = TypeVar("T")

_MAX_PAGE_SIZE = 25

#: The shortest lifetime that the service allows in a rotation policy.
_SHORTEST_LIFE = timedelta(days=28)

# The files whose code runs between a caller and this module: the facades, and the decorators of azure-core on them.
_NOT_THE_CALLER = (os.path.dirname(__file__) + os.sep, os.path.dirname(azure.core.__file__) + os.sep)

_KEY_TYPES = Names("key types", KeyType, KEY_TYPES_ELSEWHERE)
_CURVES = Names("curves", KeyCurveName, CURVES_ELSEWHERE)
_OPERATIONS = Names("operations of keys", KeyOperation)
_RELEASE_ALGORITHMS = Names("algorithms of release_key", KeyExportEncryptionAlgorithm)


def create_parameters(
    key_type: str,
    *,
    size: int | None = None,
    curve: str | None = None,
    alg: str | None = None,
    public_exponent: int | None = None,
    key_operations: Iterable[str] | None = None,
    tags: Mapping[str, str] | None = None,
    release_policy: KeyReleasePolicy | None = None,
    **attributes: Any,
) -> wire.KeyCreateParameters:
    """Return the body of ``create_key``; ``attributes`` are those of :func:`key_attributes`."""
    if not key_type:
        raise ValueError("key_type must be the type of the key, such as KeyType.rsa")
    if alg is not None and family_of(_text("key_type", key_type)) not in ("AKP", None):
        raise ValueError(f"alg is for keys of type AKP, and this one is to be of type {_text('key_type', key_type)}")
    return wire.KeyCreateParameters(
        kty=_KEY_TYPES.check("key_type", _text("key_type", key_type)),
        key_size=_typed("size", size, int),
        crv=None if curve is None else _CURVES.check("curve", _text("curve", curve)),
        alg=None if alg is None else _text("alg", alg),
        public_exponent=_typed("public_exponent", public_exponent, int),
        key_ops=_operations(key_operations),
        attributes=key_attributes(**attributes),
        tags=_tags(tags),
        release_policy=_policy(release_policy),
    )


def import_parameters(
    key: Any,
    *,
    hardware_protected: bool | None = None,
    tags: Mapping[str, str] | None = None,
    release_policy: KeyReleasePolicy | None = None,
    **attributes: Any,
) -> wire.KeyImportParameters:
    """Return the body of ``import_key``; ``key`` is a JsonWebKey, PEM or DER bytes or a key of ``cryptography``."""
    return wire.KeyImportParameters(
        key=wire.JsonWebKey(**_json_web_key(key)._to_wire_fields()),
        hsm=hardware_protected,
        attributes=key_attributes(**attributes),
        tags=_tags(tags),
        release_policy=_policy(release_policy),
    )


def update_parameters(
    *,
    key_operations: Iterable[str] | None = None,
    tags: Mapping[str, str] | None = None,
    release_policy: KeyReleasePolicy | None = None,
    **attributes: Any,
) -> wire.KeyUpdateParameters:
    """Return the body of ``update_key``."""
    return wire.KeyUpdateParameters(
        key_ops=_operations(key_operations),
        attributes=key_attributes(**attributes),
        tags=_tags(tags),
        release_policy=_policy(release_policy),
    )


def key_attributes(
    *,
    enabled: bool | None = None,
    not_before: datetime | None = None,
    expires_on: datetime | None = None,
    expires: datetime | None = None,
    exportable: bool | None = None,
    external_key: ExternalKey | None = None,
) -> wire.KeyAttributes | None:
    """Return the attributes of a key, or None when no argument asks for any."""
    expiry = one_of("expires_on", expires_on, "expires", expires)
    given = (enabled, not_before, expiry, exportable, external_key)
    if all(value is None for value in given):
        return None
    return wire.KeyAttributes(
        enabled=_typed("enabled", enabled, bool),
        not_before=_utc("not_before", not_before),
        expires=_utc("expires_on", expiry),
        exportable=_typed("exportable", exportable, bool),
        external_key=_external(external_key),
    )


def rotation_policy_parameters(
    policy: KeyRotationPolicy,
    lifetime_actions: list[KeyRotationLifetimeAction] | None = None,
    expires_in: Any = None,
) -> wire.KeyRotationPolicy:
    """Return the body of ``update_key_rotation_policy``. The arguments take precedence over the policy."""
    required("policy", policy, KeyRotationPolicy)
    actions = policy.lifetime_actions if lifetime_actions is None else lifetime_actions
    life = policy.expires_in if expires_in is None else expires_in
    expiry = checked_duration("expires_in", life, at_least=_SHORTEST_LIFE)
    return wire.KeyRotationPolicy(
        lifetime_actions=[
            required("lifetime_actions", action, KeyRotationLifetimeAction)._to_wire() for action in actions or []
        ],
        attributes=wire.KeyRotationPolicyAttributes(expiry_time=expiry) if expiry else None,
    )


def required(name: str, value: T, kind: type[T]) -> T:
    """Return a required argument, or an item of it.

    :raises TypeError: when it has another type.
    """
    if not isinstance(value, kind):
        raise TypeError(f"{name} must be {kind.__name__}, not {type(value).__name__}")
    return value


def one_of(name: str, value: Any, alias: str, other: Any) -> Any:
    """Return the value of a keyword that has two names.

    :raises TypeError: when both are given and differ.
    """
    if value is not None and other is not None and value != other:
        raise TypeError(f"{name} and {alias} are two names for one argument, and have different values")
    return other if value is None else value


def hardware_type(software_type: str, hsm_type: str, hsm: bool | None, hardware_protected: bool | None) -> str:
    """Return the type of a key for ``hsm=``, whose other name is ``hardware_protected=``."""
    return hsm_type if protection(hsm, hardware_protected) else software_type


def protection(hsm: bool | None, hardware_protected: bool | None) -> bool | None:
    """Return whether an HSM protects a key, which two keywords can say."""
    _check_hsm(hsm)
    _typed("hardware_protected", hardware_protected, bool)
    return one_of("hardware_protected", hardware_protected, "hsm", hsm)  # type: ignore[no-any-return]  # as checked


def _check_hsm(hsm: Any) -> None:
    """Reject a value that is not a bool, and name the keyword that the caller probably left out."""
    try:
        _typed("hsm", hsm, bool)
    except TypeError as error:
        meant = {int: "size", str: "curve", KeyCurveName: "curve"}.get(type(hsm))
        hint = f": to give the {meant}, write {meant}={getattr(hsm, 'value', hsm)!r}" if meant else ""
        raise TypeError(f"{error}{hint}") from None


def page_size(max_page_size: int | None) -> int | None:
    """Return how many items to request: what the caller wants, but no more than the service allows.

    :raises ValueError: when it is less than 1.
    """
    if max_page_size is None:
        return None
    if _typed("max_page_size", max_page_size, int) < 1:
        raise ValueError(f"max_page_size must be 1 or more, not {max_page_size}")
    return min(max_page_size, _MAX_PAGE_SIZE)


def _json_web_key(key: Any) -> JsonWebKey:
    if isinstance(key, JsonWebKey):
        if key.kty is None:
            raise ValueError("key must have a type: its kty is None")
        _check_private(key)
        return key
    if isinstance(key, (bytes, bytearray, str)):
        data = key.encode() if isinstance(key, str) else bytes(key)
        try:
            read = JsonWebKey.from_pem(data) if b"-----BEGIN" in data else JsonWebKey.from_der(data)
        except ValueError as error:
            raise ValueError(f"key cannot be imported. {error}") from error
        _check_private(read)
        return read
    if hasattr(key, "private_bytes"):
        return JsonWebKey.from_cryptography(key)
    raise TypeError(
        "key must be a JsonWebKey, a private key in PEM or DER, or a private key of the cryptography package, "
        f"not {type(key).__name__}{_MISSING if hasattr(key, 'public_bytes') else ''}"
    )


_MISSING = ": its private part is missing"


class PublicKeyRefused(HttpResponseError, ValueError):
    """An attempt to import a public key. The service refuses it too, so the error is also an ``HttpResponseError``."""


def _check_private(key: JsonWebKey) -> None:
    """Refuse a public key. A transfer blob (``t``) contains the private part; new key types are not checked."""
    family = family_of(_text("key.kty", key.kty))
    if key.t is None and family is not None and not key._has_private():
        part = "its value k" if family == "oct" else "its private part"
        raise PublicKeyRefused(f"key must be a valid JsonWebKey object to be imported, and {part} is missing")


def _typed(name: str, value: Any, kind: type) -> Any:
    if value is not None and (not isinstance(value, kind) or (kind is int and isinstance(value, bool))):
        raise TypeError(f"{name} must be {kind.__name__}, not {type(value).__name__}")
    return value


def _text(name: str, value: Any) -> str:
    """Return the plain text of a string or of a member of an enumeration."""
    plain = getattr(value, "value", value)
    if not isinstance(plain, str):
        raise TypeError(f"{name} must be text, not {type(value).__name__}")
    return plain


def _operations(key_operations: Iterable[str] | None) -> list[str] | None:
    if key_operations is None:
        return None
    if isinstance(key_operations, str) or not isinstance(key_operations, Iterable):
        raise TypeError(f"key_operations must be a list of operations, not {type(key_operations).__name__}")
    return [_OPERATIONS.check("key_operations", _text("key_operations", operation)) for operation in key_operations]


def _tags(tags: Mapping[str, str] | None) -> dict[str, str] | None:
    if tags is None:
        return None
    if not isinstance(tags, Mapping):
        raise TypeError(f"tags must be a dict that maps names to text, not {type(tags).__name__}")
    for name, value in tags.items():
        if not isinstance(name, str) or not isinstance(value, str):
            raise TypeError(f"tags must be a dict that maps text to text: the item {name!r} does not")
    if len(tags) > 15:
        raise ValueError(f"tags may have 15 entries at most, not {len(tags)}")
    return dict(tags)


def _policy(policy: KeyReleasePolicy | None) -> wire.KeyReleasePolicy | None:
    _typed("release_policy", policy, KeyReleasePolicy)
    return policy._to_wire() if policy else None


def _external(external_key: ExternalKey | None) -> wire.ExternalKey | None:
    _typed("external_key", external_key, ExternalKey)
    return wire.ExternalKey(id=_text("external_key", external_key.id)) if external_key else None


def _utc(name: str, moment: datetime | None) -> datetime | None:
    """Return a time for the wire: in UTC and whole seconds (fractions are cut off)."""
    _typed(name, moment, datetime)
    if moment is None:
        return None
    if moment.tzinfo is None:
        _warn(f"{name} has no time zone and is taken as UTC; give it one, as datetime.now(timezone.utc) has")
        moment = moment.replace(tzinfo=timezone.utc)
    try:
        return moment.astimezone(timezone.utc).replace(microsecond=0)
    except OverflowError:
        raise ValueError(f"{name} must be within the years 1 to 9999 in UTC, not {moment}") from None


def _warn(message: str) -> None:
    """Warn at the line that called the library.

    No ``stacklevel`` fits: the number of frames in between depends on the method, its aliases and tracing.
    """
    if sys.version_info >= (3, 12):
        warnings.warn(message, skip_file_prefixes=_NOT_THE_CALLER)
        return
    frame: FrameType | None = sys._getframe()
    level = 1
    while frame is not None and frame.f_code.co_filename.startswith(_NOT_THE_CALLER):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, stacklevel=level)


def restore_parameters(backup: bytes) -> wire.KeyRestoreParameters:
    """Return the body of ``restore_key``."""
    if not isinstance(backup, (bytes, bytearray, memoryview)):
        raise TypeError(f"backup must be bytes, not {type(backup).__name__}")
    return wire.KeyRestoreParameters(value=bytes(backup))


def interval(polling_interval: float | None, options: Any) -> float | None:
    """Return the polling interval. Its name in 4.x, ``_polling_interval``, is removed from ``options``.

    :raises ValueError: when it is negative.
    """
    given = one_of("polling_interval", polling_interval, "_polling_interval", options.pop("_polling_interval", None))
    if given is None:
        return None
    if not isinstance(given, (int, float)) or isinstance(given, bool):
        raise TypeError(f"polling_interval must be a number of seconds, not {type(given).__name__}")
    if not 0 <= given < math.inf:
        raise ValueError(f"polling_interval must be 0 seconds or more, not {given}")
    return given


def release_parameters(token: str, algorithm: str | None, nonce: str | None) -> wire.KeyReleaseParameters:
    """Return the body of ``release``."""
    return wire.KeyReleaseParameters(
        target=_text("target_attestation_token", token),
        enc=None if algorithm is None else _RELEASE_ALGORITHMS.check("algorithm", _text("algorithm", algorithm)),
        nonce=None if nonce is None else _text("nonce", nonce),
    )


def random_parameters(count: int) -> wire.GetRandomBytesRequest:
    """Return the body of ``get_random_bytes``."""
    return wire.GetRandomBytesRequest(count=_typed("count", count, int))
