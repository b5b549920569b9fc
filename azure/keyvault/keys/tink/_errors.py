"""The errors of the streams, and how errors of the vault reach Tink."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import tink


class StreamDecryptionError(tink.TinkError, ValueError):
    """An encrypted stream is damaged, truncated, extended, or was not made with this key and associated data.

    It is a ``tink.TinkError``, and also a ``ValueError``, like the error of :meth:`.CryptographyClient.decrypt` for
    damaged data.

    :param message: what is wrong.
    :param verified: see below, in bytes.

    :ivar verified: how many bytes of plaintext, from the beginning, were verified and written to the target. They may
        be the beginning of a longer message, so they must not be taken for the whole of it.
    """

    def __init__(self, message: str, verified: int = 0) -> None:
        super().__init__(message)
        self.verified = verified


@contextmanager
def as_tink_errors() -> Iterator[None]:
    """Raise errors about bad data or arguments as Tink's error, which Tink's own code expects.

    All other errors of the vault, such as a missing permission, are raised unchanged.
    """
    try:
        yield
    except tink.TinkError:
        raise
    except ValueError as error:
        raise tink.TinkError(str(error)) from error
