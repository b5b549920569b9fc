"""Limits of a response body: it must not be compressed, and not be longer than any that the service sends."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from azure.core.exceptions import DecodeError

from ..sockets.line import MAX_BODY

# A length with more digits is not parsed: converting very long numbers is slow.
_MOST_DIGITS = 18

#: Asks for an uncompressed response: compression would gain nothing, and a few compressed bytes can become gigabytes.
IDENTITY = ("Accept-Encoding", "identity")


def check_protocol(headers: Mapping[str, str], status: int) -> None:
    """Reject a response that switches to another protocol: nobody has asked for one.

    :raises ~azure.core.exceptions.DecodeError: for such a response.
    """
    if status == HTTPStatus.SWITCHING_PROTOCOLS:
        raise _refusal("it switches to another protocol, which was not asked for", headers, status)


def check_encoding(headers: Mapping[str, str], status: int) -> None:
    """Reject a response that is compressed, or whose length is invalid or too large.

    :raises ~azure.core.exceptions.DecodeError: for such a response.
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
    """Reject a response that is longer than any that the service sends.

    :raises ~azure.core.exceptions.DecodeError: for such a response.
    """
    if size > MAX_BODY:
        raise too_long(headers, status)


def too_long(headers: Mapping[str, str], status: int | str) -> DecodeError:
    """Return the error for a response that is longer than any that the service sends."""
    return _refusal(f"it is longer than {MAX_BODY} bytes", headers, status)


def _refusal(defect: str, headers: Mapping[str, str], status: int | str) -> DecodeError:
    request_id = headers.get("x-ms-request-id", "unknown")
    error = DecodeError(f"The vault's response cannot be used: {defect}. Status {status}, request id {request_id}.")
    error.status_code = status if isinstance(status, int) else None
    return error
