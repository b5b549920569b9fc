"""The two forms of an EC key's signature."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from ._local.der import der_to_raw

if TYPE_CHECKING:
    from ._local.algorithms import Algorithm

Encoding = Literal["jose", "der"]


def raw_signature(row: Algorithm, signature: bytes, encoding: str) -> bytes:
    """Return r and s side by side; what is not of the form that it is said to be comes back as it is, and not valid.

    :raises ValueError: when the encoding is unknown, or the algorithm has only one form.
    """
    if encoding == "jose":
        return signature
    if encoding != "der":
        raise ValueError(f"encoding must be 'jose' or 'der', not {encoding!r}")
    if row.curve is None or row.signature_size is None:
        raise ValueError(f"encoding 'der' is for EC signatures, and {row.name} makes none")
    try:
        return der_to_raw(signature, row.signature_size)
    except ValueError:
        # DER of whatever length would be the raw form by chance only; one byte never is.
        return b"\0"
