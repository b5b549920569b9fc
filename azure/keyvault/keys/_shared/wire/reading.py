"""Answers: decoded JSON to models, checked against what the document says about each member.

msrest's deserializer is not used: it reads ``"!"`` as an empty key and ``"1"`` as true, quotes the data in its error
messages, and works out the type of every member again for each answer. Here that is done once for each model, and an
error names the member and does not quote its value. ``writing`` goes the other way.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from functools import partial
from typing import Any

from ..._generated.models import Model
from .identifiers import MAX_IDENTIFIER, parse_key_vault_id
from .members import UNCHANGED, Malformed, conversions_of, typed

# Times up to here, in 2106, can be converted by every platform's C library; not all take others.
_PORTABLE = 2**32
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_BASE64 = str.maketrans("-_", "+/")


def _base64(value: Any) -> bytes:
    """Decode base64url, padded or not (RFC 4648 section 5)."""
    text = value.translate(_BASE64)
    return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)


def _unix_time(value: Any) -> datetime:
    if type(value) is int and 0 <= value < _PORTABLE:
        return datetime.fromtimestamp(value, timezone.utc)  # three times as fast
    if type(value) is not int and (type(value) is not float or not math.isfinite(value)):
        raise TypeError
    return _EPOCH + timedelta(0, value)


def _key_id(value: Any) -> str:
    """Check the identifier of a key: everything else in the answer is about the key that it names."""
    if len(typed(str, value)) > MAX_IDENTIFIER:
        raise ValueError
    return parse_key_vault_id(value).source_id


_READERS = {**UNCHANGED, "base64": _base64, "unix-time": _unix_time, "key-id": _key_id}


class _Plan:
    """How a model is read."""

    def __init__(self, model: type[Model], nested: Callable[..., Any]) -> None:
        members = conversions_of(model, _READERS, nested)
        # By the name on the wire: the name in the model, the type whose values are taken unchanged, and the converter.
        self.members = {
            member.key: (member.name, _unchanged_type(member.convert), member.convert)
            for member in members
            if member.name not in model._dropped
        }
        self.blank = dict.fromkeys(member.name for member in members)
        self.needed = [(member.name, member.key) for member in members if member.name in model._needed]
        self.never_empty = model._never_empty


def _unchanged_type(convert: Callable[[Any], Any]) -> type | None:
    """Return the type whose values a converter returns unchanged, if there is one."""
    return convert.args[0] if isinstance(convert, partial) and convert.func is typed else None


class Reader:
    """Turns decoded JSON into models."""

    def __init__(self) -> None:
        self._plans: dict[type[Model], _Plan] = {}

    def __call__(self, kind: type[Any], data: Any) -> Any:
        """Build a model of a class.

        :raises Malformed: when a member does not have the type that the model declares, or when one that every answer
            must have is missing or empty.
        """
        if not isinstance(data, dict):
            raise Malformed(f"{kind.__name__} is not a JSON object")
        plan = self._plans.get(kind) or self._plans.setdefault(kind, _Plan(kind, self))
        model = object.__new__(kind)
        values = model.__dict__
        values.update(plan.blank)
        members = plan.members
        # Answers hold few of the members that a model has, so the loop goes over the answer.
        for key, value in data.items():
            member = members.get(key)
            if member is not None and value is not None:
                name, unchanged, convert = member
                if type(value) is unchanged:
                    values[name] = value
                    continue
                try:
                    values[name] = convert(value)
                except Malformed:
                    raise  # it already names the nested member
                except (ValueError, TypeError, AttributeError, OverflowError):
                    # The cause is left out: it may quote the data.
                    raise Malformed(f"{kind.__name__}.{key} is malformed") from None
        for name, key in plan.needed:
            if values[name] is None:
                raise Malformed(f"{kind.__name__}.{key} is missing")
            if name in plan.never_empty and not values[name]:
                raise Malformed(f"{kind.__name__}.{key} is empty")
        return model


read = Reader()
