"""Cryptography with the keys of a vault, in asyncio."""

from ._client import CryptographyClient

__all__ = ["CryptographyClient"]
