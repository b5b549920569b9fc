"""Envelope encryption of streams for asyncio."""

from ._data_keys import DataKeys
from ._streams import decrypt_stream, encrypt_stream

__all__ = ["DataKeys", "decrypt_stream", "encrypt_stream"]
