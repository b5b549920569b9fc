"""What local cryptography raises.

``ValueError`` names a caller's mistake. ``DecryptionError`` says that data could not be decrypted, and never why: an
error that told bad padding from a bad length or a wrong key would be a padding oracle.
"""

from __future__ import annotations


class DecryptionError(ValueError):
    """The data can't be decrypted or unwrapped with this key and algorithm. Its text is always the same."""

    def __init__(self) -> None:
        super().__init__("The data could not be decrypted with this key and algorithm")

    def __reduce__(self) -> tuple[type[DecryptionError], tuple[()]]:
        return DecryptionError, ()
