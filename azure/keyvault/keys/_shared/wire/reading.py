"""Answers: models from JSON, as the generated description says.

msrest's deserializer is not used. It decodes ``"!"`` as an empty key and ``"1"`` as true, repeats the data in its
messages, and works out again for every answer what each field is. Here the plan of a model is made once, and an error
names the field and not its content. ``request_body`` goes the other way.
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

from ..._generated.models import CLASSES, Model
from .identifiers import MAX_IDENTIFIER, parse_key_vault_id

#: Members that no answer may bring: the service never gives out private parts, so whoever sends them is not believed.
_PRIVATE = {"JsonWebKey": {"d", "dp", "dq", "qi", "p", "q", "k"}}
#: Members that say nothing when they are empty. (The result of an operation may be: that of decrypting, for one.)
_NEVER_EMPTY = {"BackupKeyResult": {"value"}, "KeyReleaseResult": {"value"}, "RandomBytes": {"value"}}
# A page of the service has 25 items at most. To make models of very many takes longer than a call may have.
_MAX_ITEMS = 10_000
_PYTHON_TYPES: dict[str, type] = {"str": str, "int": int, "bool": bool}
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_BASE64 = str.maketrans("-_", "+/")


def _base64(value: Any) -> bytes:
    """Decode base64url, padded or not (RFC 4648 section 5)."""
    text = value.translate(_BASE64)
    return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)


def _unix_time(value: Any) -> datetime:
    if type(value) is not int and (type(value) is not float or not math.isfinite(value)):
        raise TypeError
    return _EPOCH + timedelta(0, value)


def _key_id(value: Any) -> str:
    """Check the identifier of a key, of which everything else that is known of the key is said."""
    if len(typed(str, value)) > MAX_IDENTIFIER:
        raise ValueError
    return parse_key_vault_id(value).source_id


def typed(kind: type, value: Any) -> Any:
    """Return a value of exactly that type.

    :raises TypeError: when it is of another.
    """
    if type(value) is not kind:
        raise TypeError
    return value


def _to_base64(value: Any) -> str:
    if not isinstance(value, (bytes, bytearray, memoryview)):
        raise TypeError
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode("ascii")


def _to_unix_time(value: Any) -> int:
    return calendar.timegm(typed(datetime, value).utctimetuple())


#: What the basic types of msrest are on the wire, and how to read and write them.
_BASIC: dict[str, Callable[[Any], Any]] = {name: partial(typed, kind) for name, kind in _PYTHON_TYPES.items()}
_READERS = {**_BASIC, "kid": _key_id, "base64": _base64, "unix-time": _unix_time}
WRITERS = {**_BASIC, "base64": _to_base64, "unix-time": _to_unix_time}


@dataclass(frozen=True, slots=True)
class Field:
    """How one field of a model goes over the wire.

    :ivar name: its name in the model.
    :ivar key: its name on the wire.
    :ivar convert: reads or writes its value.
    :ivar rules: msrest's rules for its value.
    :ivar needed: whether an answer must have it.
    """

    name: str
    key: str
    convert: Callable[[Any], Any]
    rules: dict[str, Any]
    needed: bool


def plan(model: type[Model], converters: dict[str, Callable[[Any], Any]], nested: Callable[..., Any]) -> list[Field]:
    """Work out how each field of a model goes over the wire, one way.

    :param model: the model.
    :param converters: by msrest's name of a type, or a field's name on the wire, what converts a value.
    :param nested: what converts a model, from its class and the value.
    """
    return [
        Field(
            name,
            description["key"],
            converters.get(description["key"]) or _converter(description["type"], converters, nested),
            model._validation.get(name, {}),
            name in model._needed,
        )
        for name, description in model._attribute_map.items()
    ]


def _converter(kind: str, converters: dict[str, Callable[[Any], Any]], nested: Callable[..., Any]) -> Any:
    """Return what converts a value of one of msrest's types: ``str``, ``[str]``, ``{str}`` or the name of a model."""
    if kind[0] in "[{":
        return partial(_list if kind[0] == "[" else _dict, _converter(kind[1:-1], converters, nested))
    return converters.get(kind) or partial(nested, CLASSES[kind])


def _list(convert: Callable[[Any], Any], value: Any) -> list[Any]:
    if len(typed(list, value)) > _MAX_ITEMS:
        raise Malformed(f"it has a list of {len(value)} items")
    return [convert(item) for item in value]


def _dict(convert: Callable[[Any], Any], value: Any) -> dict[str, Any]:
    return {typed(str, key): convert(item) for key, item in typed(dict, value).items()}


class Malformed(ValueError):
    """What was read is not what the model says. The text names the member and does not quote it."""


class _Plan:
    """How a model is read."""

    def __init__(self, model: type[Model], nested: Callable[..., Any]) -> None:
        fields = plan(model, _READERS, nested)
        private = _PRIVATE.get(model.__name__, ())
        # By the name on the wire: the name in the model, the basic type that the value must be of, or what converts it.
        self.fields = {
            field.key: (field.name, *_told_apart(field.convert)) for field in fields if field.name not in private
        }
        self.blank = dict.fromkeys(field.name for field in fields)
        self.needed = [field for field in fields if field.needed]
        self.never_empty = _NEVER_EMPTY.get(model.__name__, ())


def _told_apart(convert: Callable[[Any], Any]) -> tuple[type | None, Callable[[Any], Any]]:
    """Return the type whose values are taken as they are, if there is one, and what converts or refuses others."""
    if isinstance(convert, partial) and convert.func is typed:
        return convert.args[0], convert
    return None, convert


class Reader:
    """Turns decoded JSON into models."""

    def __init__(self) -> None:
        self._plans: dict[type[Model], _Plan] = {}

    def __call__(self, kind: type[Any], data: Any) -> Any:
        """Build a model of a class.

        :raises Malformed: when a member has not the type that the model declares, or one that every answer holds is
            missing.
        """
        if not isinstance(data, dict):
            raise Malformed(f"{kind.__name__} is not a JSON object")
        made = self._plans.get(kind) or self._plans.setdefault(kind, _Plan(kind, self))
        model = object.__new__(kind)
        values = model.__dict__
        values.update(made.blank)
        fields = made.fields
        # Answers hold few of the fields that a model has.
        for key, value in data.items():
            known = fields.get(key)
            if known is not None and value is not None:
                name, basic, convert = known
                if type(value) is basic:
                    values[name] = value
                    continue
                try:
                    values[name] = convert(value)
                except Malformed:
                    raise  # it names the member that is to blame
                except (ValueError, TypeError, AttributeError, OverflowError):
                    # The cause is left out: it may quote the data.
                    raise Malformed(f"{kind.__name__}.{key} is malformed") from None
        for field in made.needed:
            if values[field.name] is None:
                raise Malformed(f"{kind.__name__}.{field.key} is missing")
            if field.name in made.never_empty and not values[field.name]:
                raise Malformed(f"{kind.__name__}.{field.key} is empty")
        return model


read = Reader()


def to_wire(model: Model) -> dict[str, Any]:
    """Return the JSON object that :data:`read` turns into the same model."""
    fields = plan(type(model), WRITERS, lambda _, value: to_wire(value))
    values = ((field, getattr(model, field.name)) for field in fields)
    return {field.key: field.convert(value) for field, value in values if value is not None}
