"""msrest's serializer and deserializer, stricter and faster.

msrest decodes ``"!"`` as an empty key and ``"1"`` as true, repeats the data in its messages, and works out anew for
every request and answer what each field is. Here the plan of a model is made once, from msrest's description of it,
msrest's rules are applied as they are, and what does not fit is an error that names the field, not its content.
"""

from __future__ import annotations

import base64
import calendar
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import partial
from typing import Any

from msrest import Deserializer, Serializer
from msrest.exceptions import (  # type: ignore[attr-defined]  # untyped
    DeserializationError,  # pyright: ignore[reportPrivateImportUsage]
    SerializationError,  # pyright: ignore[reportPrivateImportUsage]
    ValidationError,
)

from .._generated.models import CLASSES, Model
from ._identifiers import parse_key_vault_id

#: What every answer of the service holds, by model: an answer without it is none.
_REQUIRED = {
    "KeyBundle": {"key"},
    "DeletedKeyBundle": {"key"},
    "JsonWebKey": {"kid", "kty"},
    "KeyItem": {"kid"},
    "DeletedKeyItem": {"kid"},
    "BackupKeyResult": {"value"},
    "KeyOperationResult": {"result"},
    "KeyVerifyResult": {"value"},
    "KeyReleaseResult": {"value"},
    "RandomBytes": {"value"},
}
_PYTHON_TYPES: dict[str, type] = {"str": str, "int": int, "bool": bool}
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_BASE64 = str.maketrans("-_", "+/")


def _base64(value: Any) -> bytes:
    """Decode base64url, padded or not (RFC 4648 section 5)."""
    text = value.translate(_BASE64)
    return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)


def _unix_time(value: Any) -> datetime:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise TypeError
    return _EPOCH + timedelta(seconds=value)


def _key_id(value: Any) -> str:
    """Check the identifier of a key, of which everything else that is known of the key is said."""
    return parse_key_vault_id(_typed(str, value)).source_id


def _to_base64(value: Any) -> str:
    if not isinstance(value, (bytes, bytearray, memoryview)):
        raise TypeError
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode("ascii")


def _to_unix_time(value: Any) -> int:
    return calendar.timegm(_typed(datetime, value).utctimetuple())


def _typed(kind: type, value: Any) -> Any:
    if type(value) is not kind:
        raise TypeError
    return value


#: What the basic types of msrest are on the wire, and how to read and write them.
_BASIC: dict[str, Callable[[Any], Any]] = {name: partial(_typed, kind) for name, kind in _PYTHON_TYPES.items()}
_READERS = {**_BASIC, "kid": _key_id, "base64": _base64, "unix-time": _unix_time}
_WRITERS = {**_BASIC, "base64": _to_base64, "unix-time": _to_unix_time}


@dataclass(frozen=True, slots=True)
class _Field:
    """How one field of a model goes over the wire.

    :ivar name: its name in the model.
    :ivar key: its name on the wire.
    :ivar convert: reads or writes its value.
    :ivar rules: msrest's rules for its value.
    :ivar required: whether an answer must hold it.
    """

    name: str
    key: str
    convert: Callable[[Any], Any]
    rules: dict[str, Any]
    required: bool


def _plan(model: type[Model], converters: dict[str, Callable[[Any], Any]], nested: Callable[..., Any]) -> list[_Field]:
    required = _REQUIRED.get(model.__name__, ())
    return [
        _Field(
            name,
            description["key"],
            converters.get(description["key"]) or _converter(description["type"], converters, nested),
            model._validation.get(name, {}),
            name in required,
        )
        for name, description in model._attribute_map.items()
    ]


def _converter(kind: str, converters: dict[str, Callable[[Any], Any]], nested: Callable[..., Any]) -> Any:
    """Return what converts a value of one of msrest's types: ``str``, ``[str]``, ``{str}`` or the name of a model."""
    if kind[0] in "[{":
        return partial(_list if kind[0] == "[" else _dict, _converter(kind[1:-1], converters, nested))
    return converters.get(kind) or partial(nested, CLASSES[kind])


def _list(convert: Callable[[Any], Any], value: Any) -> list[Any]:
    return [convert(item) for item in _typed(list, value)]


def _dict(convert: Callable[[Any], Any], value: Any) -> dict[str, Any]:
    return {_typed(str, key): convert(item) for key, item in _typed(dict, value).items()}


class WireDeserializer(Deserializer):
    """Turns decoded JSON into models."""

    def __init__(self) -> None:
        super().__init__(CLASSES)  # type: ignore[no-untyped-call]
        plans = {model: _plan(model, _READERS, self) for model in CLASSES.values()}
        self._fields = {model: {field.key: field for field in plan} for model, plan in plans.items()}
        self._blanks = {model: dict.fromkeys(field.name for field in plan) for model, plan in plans.items()}
        self._required = {model: [field for field in plan if field.required] for model, plan in plans.items()}

    def __call__(self, target_obj: Any, response_data: Any, content_type: str | None = None) -> Any:
        """Build a model of the class ``target_obj``.

        :raises ~msrest.exceptions.DeserializationError: when a member has not the type that the model declares, or one
            that every answer holds is missing.
        """
        if not isinstance(response_data, dict):
            raise DeserializationError(f"{target_obj.__name__} is not a JSON object")
        model = target_obj.__new__(target_obj)
        values = model.__dict__
        values.update(self._blanks[target_obj], additional_properties={})
        fields = self._fields[target_obj]
        # Answers hold few of the fields that a model has.
        for key, value in response_data.items():
            field = fields.get(key)
            if field is not None and value is not None:
                try:
                    values[field.name] = field.convert(value)
                except DeserializationError:
                    raise  # it names the member that is to blame
                except (ValueError, TypeError, AttributeError, OverflowError):
                    # The cause is left out: it may quote the data.
                    raise DeserializationError(f"{target_obj.__name__}.{key} is malformed") from None
        for field in self._required[target_obj]:
            if values[field.name] is None:
                raise DeserializationError(f"{target_obj.__name__}.{field.key} is missing")
        return model


class WireSerializer(Serializer):
    """Turns models into what JSON can hold."""

    def __init__(self) -> None:
        super().__init__(CLASSES)  # type: ignore[no-untyped-call]
        self._plans = {model: _plan(model, _WRITERS, self._nested) for model in CLASSES.values()}

    def body(self, data: Any, data_type: str | None = None, **kwargs: Any) -> dict[str, Any]:
        """Return the members of a request's body. Fields that are None are left out, and so is what only answers have.

        :raises ~msrest.exceptions.ValidationError: when a value breaks a rule of its field.
        :raises ~msrest.exceptions.SerializationError: when a value has not the type that its model declares.
        """
        members = {}
        for field in self._plans[type(data)]:
            value = getattr(data, field.name)
            if field.rules:
                if "readonly" in field.rules:
                    continue
                self.validate(value, field.name, **field.rules)  # type: ignore[no-untyped-call]
            if value is not None:
                try:
                    members[field.key] = field.convert(value)
                except (SerializationError, ValidationError):
                    raise  # it names the member that is to blame
                except (ValueError, TypeError, AttributeError, OverflowError):
                    # The cause is left out: it may quote the value, which may be a private key.
                    raise SerializationError(f"{field.name} is of type {type(value).__name__}") from None
        return members

    def _nested(self, model: type[Model], value: Any) -> dict[str, Any]:
        return self.body(_typed(model, value))


SERIALIZER = WireSerializer()
DESERIALIZER = WireDeserializer()
