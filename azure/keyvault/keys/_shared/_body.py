"""What is accepted as the body of an answer: plain bytes, and not too many of them."""

from __future__ import annotations

from collections.abc import Mapping

from azure.core.exceptions import DecodeError

# The longest answers are the backups of keys, with at most some hundred kilobytes.
MAX_BODY = 16 * 1024 * 1024

#: The header that asks for plain bytes: compression would gain nothing, and a few bytes can hold gigabytes.
IDENTITY = ("Accept-Encoding", "identity")


def check_encoding(headers: Mapping[str, str], status: int) -> None:
    """Refuse an answer that is compressed although nobody has asked for that, or announces too many bytes.

    :raises ~azure.core.exceptions.DecodeError: for such an answer.
    """
    encoding = headers.get("Content-Encoding") or "identity"
    if encoding.strip().lower() != "identity":
        raise _refusal(f"it is encoded as {encoding!r}, which was not asked for", headers, status)
    length = headers.get("Content-Length") or ""
    if length.isdecimal():
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
