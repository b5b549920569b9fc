"""What is accepted as the body of an answer: plain bytes, and not too many of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from azure.core.exceptions import AzureError, DecodeError

E = TypeVar("E", bound=AzureError)

# The longest answers are the backups of keys, with at most some hundred kilobytes.
MAX_BODY = 16 * 1024 * 1024

#: The header that asks for plain bytes: compression would gain nothing, and a few bytes can hold gigabytes.
IDENTITY = ("Accept-Encoding", "identity")


def check_encoding(headers: Mapping[str, str], status: int) -> None:
    """Refuse an answer that is compressed, which nobody has asked for, or has a length that is none or too great.

    :raises ~azure.core.exceptions.DecodeError: for such an answer.
    """
    encoding = headers.get("Content-Encoding") or "identity"
    if encoding.strip().lower() != "identity":
        raise _refusal(f"it is encoded as {encoding!r}, which was not asked for", headers, status)
    length = headers.get("Content-Length", "0")
    if not length.isascii() or not length.isdecimal():
        raise _refusal(f"its Content-Length is {length!r}", headers, status)
    check_size(int(length), headers, status)


def check_size(size: int, headers: Mapping[str, str], status: int) -> None:
    """Refuse an answer that is too long to be one of the service.

    :raises ~azure.core.exceptions.DecodeError: for such an answer.
    """
    if size > MAX_BODY:
        raise _refusal(f"it is longer than {MAX_BODY} bytes", headers, status)


def _refusal(defect: str, headers: Mapping[str, str], status: int) -> DecodeError:
    request_id = headers.get("x-ms-request-id", "unknown")
    error = DecodeError(f"The answer of the vault cannot be used: {defect}. Status {status}, request id {request_id}.")
    error.status_code = status
    return error


def stripped(error: E) -> E:
    """Return an error of a transport without the frames of its HTTP library, and without what that has caught itself.

    Bodies are locals of those frames: tools that print locals would show a private key, or a plaintext.
    """
    error.exc_traceback = None
    cause = error.inner_exception
    if cause is not None:
        cause.__cause__ = cause.__context__ = None
        cause.__traceback__ = None
    return error.with_traceback(None)
