"""How each member of a request or an answer is converted, as the generated models describe it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

from ..._generated.models import CLASSES, Model

Converter = Callable[[Any], Any]

# A page of the service has at most 25 items. Models of very many items would take longer than a call may last.
_MAX_ITEMS = 10_000


class Malformed(ValueError):
    """An answer does not match its model. The text names the member and does not quote its value."""


class Member(NamedTuple):
    """How one member is converted in one direction.

    :ivar name: its name in the model.
    :ivar key: its name on the wire.
    :ivar convert: reads or writes its value.
    """

    name: str
    key: str
    convert: Converter


def typed(kind: type, value: Any) -> Any:
    """Return a value of exactly that type.

    :raises TypeError: when it has another type.
    """
    if type(value) is not kind:
        raise TypeError
    return value


#: The types whose values JSON holds unchanged.
UNCHANGED: Mapping[str, Converter] = {kind.__name__: partial(typed, kind) for kind in (str, int, bool)}


def conversions_of(model: type[Model], converters: Mapping[str, Converter], nested: Callable[..., Any]) -> list[Member]:
    """Return how the members of a model are converted in one direction.

    :param model: the model.
    :param converters: the converter for each type, and for each format that has one of its own.
    :param nested: converts a model; it takes the class and the value.
    """
    return [
        Member(
            name,
            description["key"],
            converters.get(description.get("format", "")) or _converter(description["type"], converters, nested),
        )
        for name, description in model._attribute_map.items()
    ]


def _converter(kind: str, converters: Mapping[str, Converter], nested: Callable[..., Any]) -> Converter:
    """Return the converter for a type of the models: ``str``, ``[str]`` (a list), ``{str}`` (a mapping) or a model."""
    if kind[0] in "[{":
        return partial(_list if kind[0] == "[" else _dict, _converter(kind[1:-1], converters, nested))
    return converters.get(kind) or partial(nested, CLASSES[kind])


def _list(convert: Converter, value: Any) -> list[Any]:
    if len(typed(list, value)) > _MAX_ITEMS:
        raise Malformed(f"it has a list of {len(value)} items")
    return [convert(item) for item in value]


def _dict(convert: Converter, value: Any) -> dict[str, Any]:
    return {typed(str, key): convert(item) for key, item in typed(dict, value).items()}
