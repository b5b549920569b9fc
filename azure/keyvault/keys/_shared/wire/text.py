"""The text of answers, and the errors made from it. No text of a server can take long to read or exhaust the stack."""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from typing import Any, TypeVar

from azure.core.exceptions import HttpResponseError, ODataV4Format

E = TypeVar("E", bound=HttpResponseError)

#: The encodings that an answer may choose. Others can take minutes to decode, or do not decode to text.
_ENCODINGS = frozenset({"utf-8", "utf-16", "utf-16-le", "utf-16-be", "ascii", "iso8859-1", "iso8859-15", "cp1252"})


# The service nests two or three levels. azure-core reads and writes errors recursively.
_DEEPEST = 12


def encoding_of(content_type: str | None) -> str | None:
    """Return the encoding in which to read an answer as text; None for UTF-8 with its damage replaced.

    JSON is UTF-8, whatever the header says (RFC 8259 section 8.1). Elsewhere the header may choose among encodings that
    are safe to read.
    """
    kind, _, parameters = (content_type or "").lower().partition(";")
    if not parameters or kind.strip().endswith("json"):
        return None
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip() == "charset":
            try:
                found = codecs.lookup(value.strip(" \t\"'")[:40]).name
            except (LookupError, ValueError):
                return None
            return found if found in _ENCODINGS else None
    return None


def as_text(content: bytes, encoding: str | None) -> str:
    """Decode the body of an answer."""
    if encoding is None:
        return content.decode("utf-8-sig", errors="replace")
    return content.decode("utf-8-sig" if encoding.lower() == "utf-8" else encoding)


def read_as_utf8(response: Any) -> None:
    """Make a response of a caller's transport UTF-8 if its header names an encoding that answers may not choose."""
    if encoding_of(response.headers.get("Content-Type")) is None:
        try:
            response.encoding = "utf-8"
        except AttributeError:  # its encoding cannot be set
            pass


class ErrorFormat(ODataV4Format):
    """azure-core's form of an error, without anything nested deeper than the service does."""

    def __init__(self, json_object: Mapping[str, Any]) -> None:
        super().__init__(_cut(json_object, _DEEPEST))


def _cut(value: Any, depth: int) -> Any:
    if not isinstance(value, (dict, list)):
        return value
    if depth == 0:
        return "..."
    if isinstance(value, dict):
        return {name: _cut(item, depth - 1) for name, item in value.items()}
    return [_cut(item, depth - 1) for item in value]


def error_of(kind: type[E], message: str | None, response: Any) -> E:
    """Return azure-core's error for an answer, with the text of the answer."""
    if response is not None:
        read_as_utf8(response)
    return kind(message=message, response=response, error_format=ErrorFormat)
