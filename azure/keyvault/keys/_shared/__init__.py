"""What the facades of both worlds stand on: identifiers, authentication, retries, pipelines."""

from ._identifiers import KeyVaultResourceId, parse_key_vault_id
from ._versions import DEFAULT_VERSION, ApiVersion

__all__ = ["ApiVersion", "DEFAULT_VERSION", "KeyVaultResourceId", "parse_key_vault_id"]
