"""What the sync and async clients are built on: identifiers, authentication, retries, pipelines."""

from .wire.api_versions import DEFAULT_VERSION, ApiVersion
from .wire.identifiers import KeyVaultResourceId, parse_key_vault_id

__all__ = ["ApiVersion", "DEFAULT_VERSION", "KeyVaultResourceId", "parse_key_vault_id"]
