"""Private parts of dependencies that this library relies on, in one place.

``tests/unit/test_compatibility.py`` says of each what breaks when it goes.
"""

from __future__ import annotations

from typing import Any


def digest_of_prehashed(algorithm: object) -> object:
    """Return the hash inside ``cryptography``'s ``Prehashed``, which has no public name for it."""
    return getattr(algorithm, "_algorithm", None)


def salt_length_of(padding: object) -> Any:
    """Return the salt length of ``cryptography``'s ``PSS``, as given to it."""
    return getattr(padding, "_salt_length", None)


def label_of(padding: object) -> bytes | None:
    """Return the label of ``cryptography``'s ``OAEP``; bytes that no caller would choose, if it no longer tells."""
    label: bytes | None = getattr(padding, "_label", b"unknown")
    return label


def digest_of_mask(mask: object) -> object:
    """Return the hash inside ``cryptography``'s ``MGF1``."""
    return getattr(mask, "_algorithm", None)


def drop_content(request: Any) -> None:
    """Take the body off a request of ``azure.core.rest``, whose public surface can only set it at the start."""
    request._data = None


def middlewares_of(session: Any) -> tuple[Any, ...]:
    """Return the middlewares of an ``aiohttp.ClientSession``, which a request's own replace."""
    return tuple(getattr(session, "_middlewares", None) or ())
