"""The part of the SSH agent protocol that lists keys and signs (RFC 9987), without I/O."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

#: What clients send and OpenSSH's own agent takes.
LARGEST_MESSAGE = 256 * 1024

_FAILURE = b"\5"
_REQUEST_IDENTITIES = 11
_IDENTITIES_ANSWER = b"\x0c"
_SIGN_REQUEST = 13
_SIGN_RESPONSE = b"\x0e"


class ListRequest(NamedTuple):
    """A request for the public keys."""


class SignRequest(NamedTuple):
    """A request to sign.

    :ivar blob: the public key to sign with.
    :ivar data: the data to sign.
    :ivar flags: the kind of signature that the client asks for.
    """

    blob: bytes
    data: bytes
    flags: int


def parse(message: bytes) -> ListRequest | SignRequest | None:
    """Read a request, without its length.

    :returns: the request; None when it is malformed, or asks for anything else.
    """
    kind, content = message[:1], message[1:]
    if kind == bytes([_REQUEST_IDENTITIES]):
        return ListRequest() if not content else None
    if kind == bytes([_SIGN_REQUEST]):
        blob, content = _taken(content)
        data, content = _taken(content)
        if blob is not None and data is not None and len(content) == 4:
            return SignRequest(blob, data, int.from_bytes(content, "big"))
    return None


def failure() -> bytes:
    """Return the answer to a request that was refused or failed."""
    return _FAILURE


def identities(keys: Iterable[tuple[bytes, str]]) -> bytes:
    """Return the answer to a request for the public keys.

    :param keys: the blob and the comment of each.
    """
    listed = [string(blob) + string(comment.encode("utf-8")) for blob, comment in keys]
    return _IDENTITIES_ANSWER + len(listed).to_bytes(4, "big") + b"".join(listed)


def signed(algorithm: str, signature: bytes) -> bytes:
    """Return the answer to a request to sign.

    :param algorithm: its name in SSH.
    :param signature: what follows the name in the signature.
    """
    return _SIGN_RESPONSE + string(string(algorithm.encode("ascii")) + string(signature))


def string(value: bytes) -> bytes:
    """Write a string (RFC 4251 section 5)."""
    return len(value).to_bytes(4, "big") + value


def mpint(value: bytes) -> bytes:
    """Write a positive number (RFC 4251 section 5).

    :param value: the number, with any number of zeros in front.
    """
    number = value.lstrip(b"\0")
    return string(b"\0" + number if number[:1] >= b"\x80" else number)


def _taken(content: bytes) -> tuple[bytes | None, bytes]:
    """Return the string that some bytes begin with, and the rest; None when they are too few."""
    end = 4 + int.from_bytes(content[:4], "big")
    if len(content) < max(4, end):
        return None, b""
    return content[4:end], content[end:]
