"""What is accepted as the body of an answer: plain bytes, not too many of them, and JSON in UTF-8."""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from typing import Any

from azure.core.exceptions import DecodeError

# The longest answers are the backups of keys, with at most some hundred kilobytes.
MAX_BODY = 16 * 1024 * 1024

# No length of more digits is taken for a number: reading it as one would take long.
_MOST_DIGITS = 18

#: The header that asks for plain bytes: compression would gain nothing, and a few bytes can hold gigabytes.
IDENTITY = ("Accept-Encoding", "identity")

#: The encodings of text that an answer may choose. Others can take minutes, or make something else of bytes than text.
_ENCODINGS = frozenset({"utf-8", "utf-16", "utf-16-le", "utf-16-be", "ascii", "iso8859-1", "iso8859-15", "cp1252"})


class AnswerTooLong(Exception):
    """An answer does not end where the longest of the service do."""


def check_encoding(headers: Mapping[str, str], status: int) -> None:
    """Refuse an answer that is compressed, which nobody has asked for, or whose length is not a number or too great.

    :raises ~azure.core.exceptions.DecodeError: for such an answer.
    """
    encoding = headers.get("Content-Encoding")
    if encoding and encoding.strip().lower() != "identity":
        raise _refusal(f"it is encoded as {encoding!r}, which was not asked for", headers, status)
    length = headers.get("Content-Length")
    if length is None:
        return
    length = length.strip()
    if not length.isascii() or not length.isdecimal() or len(length) > _MOST_DIGITS:
        shown = length if len(length) <= _MOST_DIGITS else f"{length[:_MOST_DIGITS]}..."
        raise _refusal(f"its Content-Length is {shown!r}", headers, status)
    check_size(int(length), headers, status)


def check_size(size: int, headers: Mapping[str, str], status: int) -> None:
    """Refuse an answer that is too long to be one of the service.

    :raises ~azure.core.exceptions.DecodeError: for such an answer.
    """
    if size > MAX_BODY:
        raise too_long(headers, status)


def too_long(headers: Mapping[str, str], status: int | str) -> DecodeError:
    """Return the error for an answer that is longer than any of the service."""
    return _refusal(f"it is longer than {MAX_BODY} bytes", headers, status)


def _refusal(defect: str, headers: Mapping[str, str], status: int | str) -> DecodeError:
    request_id = headers.get("x-ms-request-id", "unknown")
    error = DecodeError(f"The answer of the vault cannot be used: {defect}. Status {status}, request id {request_id}.")
    error.status_code = status if isinstance(status, int) else None
    return error


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
    """Return what an answer says."""
    if encoding is None:
        return content.decode("utf-8-sig", errors="replace")
    return content.decode("utf-8-sig" if encoding.lower() == "utf-8" else encoding)


def read_as_utf8(response: Any) -> None:
    """Have a response of a caller's transport read as UTF-8 where its header names an encoding that may not choose."""
    if encoding_of(response.headers.get("Content-Type")) is None:
        try:
            response.encoding = "utf-8"
        except AttributeError:  # one that takes no encoding
            pass
