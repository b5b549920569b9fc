"""What names a key of a vault: its name, its identifier, or an object that has one."""

from __future__ import annotations

from ._models import KeyProperties, KeyVaultKey, KeyVaultKeyIdentifier
from ._shared import parse_key_vault_id
from ._shared.wire.identifiers import is_same_vault

#: What the methods of a client take wherever a key is named.
KeyReference = str | KeyVaultKey | KeyProperties | KeyVaultKeyIdentifier


def identifier_of(key: KeyVaultKey | KeyProperties | KeyVaultKeyIdentifier) -> str:
    """Return the identifier that an object has."""
    return key.source_id if isinstance(key, KeyVaultKeyIdentifier) else key.id


def resolve(
    key: KeyReference, vault_url: str, version: str | None = None, *, collections: tuple[str, ...] = ("keys",)
) -> tuple[str, str]:
    """Return the name and the version of a key; the version is empty when nothing tells it.

    :param key: what names the key. A plain name is returned as it is, and checked where the request is made.
    :param vault_url: the vault that the key must be in.
    :param version: the version that the caller gave beside it.
    :param collections: the collections that an identifier may name.
    :raises ValueError: when an identifier is malformed, or that of something else, of another vault or of another
        version.
    """
    if isinstance(key, str):
        if "/" not in key:
            return key, version or ""
        identifier = str.__str__(key)
    elif isinstance(key, (KeyVaultKey, KeyProperties, KeyVaultKeyIdentifier)):
        identifier = identifier_of(key)
    else:
        return key, version or ""
    parts = parse_key_vault_id(identifier)
    if parts.collection.lower() not in collections:
        raise ValueError(
            f"'{identifier}' is not the ID of a key that this method takes: it is one of {parts.collection}"
        )
    # A key that this vault has returned may name another address of it.
    returned_by = key._vault_url if isinstance(key, KeyVaultKey) else None
    if not is_same_vault(parts.vault_url, vault_url) and not (returned_by and is_same_vault(returned_by, vault_url)):
        raise ValueError(f"'{identifier}' is the ID of a key in another vault: this client uses {vault_url}")
    if version and parts.version and version.lower() != parts.version.lower():
        raise ValueError(f"version {version!r} does not match the version of the key, {identifier}")
    return parts.name, version or parts.version or ""
