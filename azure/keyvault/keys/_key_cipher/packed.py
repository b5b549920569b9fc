"""The format of encrypted data keys: a header that names the version of the key, and the ciphertext."""

from __future__ import annotations

import hashlib
import re
from typing import NamedTuple

_MARK = b"azure:v1:"
# Lower case only, as the service writes versions. A header has only one form, so any change is noticed.
_HEADER = re.compile(rb"azure:v1:([0-9a-f]{32}):")


class Packed(NamedTuple):
    """Encrypted data, taken apart.

    :ivar version: the version of the key that encrypted it; None when the data does not say.
    :ivar body: the ciphertext.
    """

    version: str | None
    body: bytes

    @classmethod
    def parse(cls, data: bytes) -> Packed:
        """Take encrypted data apart.

        :raises ValueError: when it begins like a header, but the header is malformed.
        """
        match = _HEADER.match(data)
        if match:
            return cls(match[1].decode("ascii"), data[match.end() :])
        if data.startswith(_MARK):
            raise ValueError("the header of the encrypted data does not name a version of the key: 32 hex digits")
        return cls(None, data)

    def __bytes__(self) -> bytes:
        return self.body if self.version is None else _MARK + self.version.encode("ascii") + b":" + self.body


def name_of(data: bytes, associated_data: bytes) -> bytes:
    """Return a name for encrypted data that no other data has."""
    return hashlib.sha256(len(data).to_bytes(8, "big") + data + associated_data).digest()
