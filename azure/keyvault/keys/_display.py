"""How objects are displayed: ``repr``, ``as_dict``, tables in notebooks. Imports nothing of the library.

An object displays its ``_facts``, which contain nothing secret.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from enum import Enum
from functools import wraps
from typing import Any

_REPR_LIMIT = 1024

# A longer value, or more rows, would not make a small table.
_LONGEST_VALUE = 120
_MOST_ROWS = 50


class Readable:
    """An object with named facts: it displays them, is compared by them, and can be written as JSON."""

    __slots__ = ()

    def _facts(self) -> dict[str, Any]:
        """Return the facts of the object by name, with None for unknown ones. None of them is secret."""
        raise NotImplementedError

    def as_dict(self) -> dict[str, Any]:
        """Return the public attributes as values that JSON can hold.

        Unknown attributes are left out, bytes become base64url text (RFC 7515), times become ISO 8601 text, and nothing
        is secret.

        :returns: a new dictionary.
        """
        return {name: jsonable(value) for name, value in self._facts().items() if value is not None}

    def _repr_html_(self) -> str:
        return table(as_rows(self.as_dict()), caption=type(self).__name__)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Readable) or type(other) is not type(self):
            return NotImplemented
        return self._facts() == other._facts()

    def __hash__(self) -> int:
        # Equal objects have the same hash, and a change does not change it.
        return hash(type(self))


def tolerant(show: Callable[[Any], str]) -> Callable[[Any], str]:
    """Let a ``__repr__`` display an object whose ``__init__`` has failed.

    Error reporters, which print local variables, do that.
    """

    @wraps(show)
    def __repr__(self: object) -> str:
        try:
            return show(self)
        except AttributeError:
            return object.__repr__(self)

    return __repr__


def shown(instance: object, text: object, *details: str | None) -> str:
    """Return ``<Kind [text] detail, detail>``, the ``repr`` of an object that has an identifier."""
    told = ", ".join(detail for detail in details if detail)
    return f"<{type(instance).__name__} [{text}]{' ' if told else ''}{told}>"[:_REPR_LIMIT]


def jsonable(value: Any) -> Any:
    """Convert a value to types that JSON has."""
    if isinstance(value, Readable):
        return value.as_dict()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, (bytes, bytearray)):
        return base64.urlsafe_b64encode(value).rstrip(b"=").decode()
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(name): jsonable(member) for name, member in value.items()}
    if isinstance(value, Iterable):
        return [jsonable(member) for member in value]
    return value


def day(moment: datetime | None) -> str | None:
    """Return a time for people: to the minute, in its own time zone."""
    return None if moment is None else moment.isoformat(sep=" ", timespec="minutes")


def as_rows(members: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Return nested members as rows of a table, with names such as ``key.n``."""
    rows: list[tuple[str, str]] = []
    for name, value in members.items():
        if isinstance(value, Mapping):
            rows += as_rows(value, f"{prefix}{name}.")
        else:
            told = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
            rows.append((f"{prefix}{name}", told))
    return rows


def table(rows: Sequence[Sequence[str]], *, caption: str, header: Sequence[str] = ()) -> str:
    """Return a small HTML table. All text is escaped."""
    from html import escape  # here, because only notebooks need it

    lines = [f"<table><caption>{escape(caption)}</caption>"]
    if header:
        lines.append(f"<thead><tr>{''.join(f'<th>{escape(name)}</th>' for name in header)}</tr></thead>")
    lines.append("<tbody>")
    for first, *others in rows[:_MOST_ROWS]:
        cells = "".join(f"<td>{escape(_cut(other))}</td>" for other in others)
        lines.append(f'<tr><th scope="row" style="text-align: left">{escape(_cut(first))}</th>{cells}</tr>')
    if len(rows) > _MOST_ROWS:
        lines.append(f"<tr><td>and {len(rows) - _MOST_ROWS} more</td></tr>")
    lines.append("</tbody></table>")
    return "".join(lines)


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}…"
