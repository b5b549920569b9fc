"""msrest's serializer and deserializer, stricter and faster.

msrest decodes ``"!"`` as an empty key and ``"1"`` as true, repeats the data in its messages, and works out anew for
every answer what each field is. Here the plan of a model is made once, and what does not fit it is an error that
names the field and nothing of its content.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from functools import partial
from typing import Any

from msrest import Deserializer, Serializer
from msrest.exceptions import DeserializationError  # type: ignore[attr-defined]  # untyped

from .._generated.models import CLASSES, Model

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


def _typed(kind: type, value: Any) -> Any:
    if type(value) is not kind:
        raise TypeError
    return value


_CONVERTERS: dict[str, Callable[[Any], Any]] = {
    "str": partial(_typed, str),
    "int": partial(_typed, int),
    "bool": partial(_typed, bool),
    "base64": _base64,
    "unix-time": _unix_time,
}

#: For every field: its name, its name on the wire, its converter, and whether an answer must hold it.
Plan = list[tuple[str, str, Callable[[Any], Any], bool]]


class WireDeserializer(Deserializer):
    """Turns decoded JSON into models."""

    def __init__(self) -> None:
        super().__init__(CLASSES)  # type: ignore[no-untyped-call]
        self._plans: dict[type[Model], Plan] = {}

    def __call__(self, target_obj: Any, response_data: Any, content_type: str | None = None) -> Any:
        """Build a model of the class ``target_obj``.

        :raises ~msrest.exceptions.DeserializationError: when a member has not the type that the model declares.
        """
        if not isinstance(response_data, dict):
            raise DeserializationError(f"{target_obj.__name__} is not a JSON object")
        model = target_obj.__new__(target_obj)
        fields: dict[str, Any] = {"additional_properties": {}}
        plan = self._plans.get(target_obj) or self._plan(target_obj)
        for name, key, convert, required in plan:
            value = response_data.get(key)
            if value is None:
                if required:
                    raise DeserializationError(f"{target_obj.__name__}.{key} is missing")
            else:
                try:
                    value = convert(value)
                except (ValueError, TypeError, AttributeError, OverflowError):
                    # The cause is left out: it may quote the data.
                    raise DeserializationError(f"{target_obj.__name__}.{key} is malformed") from None
            fields[name] = value
        model.__dict__.update(fields)
        return model

    def _plan(self, target: type[Model]) -> Plan:
        required = _REQUIRED.get(target.__name__, ())
        plan = [
            (name, description["key"], self._converter(description["type"]), name in required)
            for name, description in target._attribute_map.items()
        ]
        self._plans[target] = plan
        return plan

    def _converter(self, kind: str) -> Callable[[Any], Any]:
        if kind.startswith("["):
            return partial(_list, self._converter(kind[1:-1]))
        if kind.startswith("{"):
            return partial(_dict, self._converter(kind[1:-1]))
        return _CONVERTERS.get(kind) or partial(self, CLASSES[kind])


def _list(convert: Callable[[Any], Any], value: Any) -> list[Any]:
    return [convert(item) for item in _typed(list, value)]


def _dict(convert: Callable[[Any], Any], value: Any) -> dict[str, Any]:
    return {key: convert(item) for key, item in _typed(dict, value).items()}


SERIALIZER = Serializer(CLASSES)  # type: ignore[no-untyped-call]
DESERIALIZER = WireDeserializer()
