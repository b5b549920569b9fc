"""The asyncio client for the keys of Azure Key Vault and Managed HSM."""

from ._client import KeyClient

__all__ = ["KeyClient"]
