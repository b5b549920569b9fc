"""HTML from templates. Values are escaped unless they are already HTML."""

from __future__ import annotations

import html
from collections.abc import Iterable


class Markup(str):
    """Text that is HTML."""

    __slots__ = ()


def fill(template: str, **values: object) -> Markup:
    """Return a template with its ``{names}`` replaced by escaped values."""
    return Markup(template.format(**{name: _escaped(value) for name, value in values.items()}))


def join(parts: Iterable[Markup]) -> Markup:
    """Concatenate parts."""
    return Markup("".join(parts))


def _escaped(value: object) -> str:
    return value if isinstance(value, Markup) else html.escape(str(value), quote=True)
