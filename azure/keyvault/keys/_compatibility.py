"""Private parts of dependencies that this library relies on, in one place.

``tests/unit/test_compatibility.py`` says what breaks when one of them goes. It also tests the private methods that the
library overrides, which cannot be gathered here: ``_prepare_multipart`` of azure-core's pipelines, ``_read_status`` of
``http.client``'s responses, and ``_prepare_headers`` of aiohttp's responses (in the emulator).
"""

from __future__ import annotations

from typing import Any


def digest_of_prehashed(algorithm: object) -> object:
    """Return the hash inside ``cryptography``'s ``Prehashed``, which has no public attribute for it."""
    return getattr(algorithm, "_algorithm", None)


def salt_length_of(padding: object) -> Any:
    """Return the salt length of ``cryptography``'s ``PSS``, as given to it."""
    return getattr(padding, "_salt_length", None)


def label_of(padding: object) -> bytes | None:
    """Return the label of ``cryptography``'s ``OAEP``; if it cannot be read, bytes that no caller would choose."""
    label: bytes | None = getattr(padding, "_label", b"unknown")
    return label


def digest_of_mask(mask: object) -> object:
    """Return the hash inside ``cryptography``'s ``MGF1``."""
    return getattr(mask, "_algorithm", None)


def drop_content(request: Any) -> None:
    """Remove the body of a request of ``azure.core.rest``. Its public API can only set it when the request is made."""
    request._data = None


def extra_retry_codes(policy: Any) -> set[int]:
    """Return the status codes that the user of a retry policy of azure-core has added to azure-core's own."""
    return policy._retry_on_status_codes - policy._RETRY_CODES  # type: ignore[no-any-return]


def transport_of(pipeline: Any) -> Any:
    """Return the transport of an azure-core pipeline, which takes it and has no public name for it."""
    return pipeline._transport


def current_page(pages: Any) -> Any:
    """Return the items of the page that an azure-core page iterator has reached."""
    return pages._current_page


def middlewares_of(session: Any) -> tuple[Any, ...]:
    """Return the middlewares of an aiohttp session, which a request with middlewares of its own would replace."""
    return tuple(getattr(session, "_middlewares", None) or ())


def close_at_once(connector: Any) -> None:
    """Close an aiohttp connector outside its event loop, as its finalizer does. Its ``close()`` has to be awaited."""
    connector._close()


def give_connection_up(answer: Any) -> None:
    """Have the connection of an aiohttp response closed, also when it has been released for the next request already.

    The response's ``close()`` then does nothing, and its ``connection`` is None.
    """
    answer._protocol.force_close()
    answer.close()
