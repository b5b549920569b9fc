"""Whether an answer is about the key that was asked for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from azure.core.exceptions import DecodeError

from ..._generated.models import RandomBytes
from ..._generated.operations import Operation
from .identifiers import KeyVaultResourceId, canonical_host, origin_of, parse_key_vault_id


def other_key(vault_url: str, operation: Operation[Any], result: Any, *, aliased: bool) -> str | None:
    """Describe a response about a different key than the one that was asked for; None when it is about the right one.

    Names and versions are compared without regard to letter case. A response without a version is about the requested
    one.

    :param vault_url: the vault that was asked.
    :param aliased: whether the vault may go by another address than the one that was asked.
    """
    for identifier in _identifiers(result):
        if not _is_subject(vault_url, operation, parse_key_vault_id(identifier), aliased=aliased):
            name, version = operation.key_name, operation.key_version
            what = f"the key {name}" + (f", version {version}," if version else "") if name else "a key"
            return f"the vault {vault_url} was asked for {what} and answered with {identifier}"
    return None


def _identifiers(result: Any) -> Iterator[str]:
    """Yield the identifiers of the keys that an answer is about: of a key, of an operation, or of a page."""
    for part in (result, getattr(result, "key", None), *(_items(result))):
        kid = getattr(part, "kid", None)
        if kid:
            yield kid


def _items(result: Any) -> list[Any]:
    value = getattr(result, "value", None)
    return value if isinstance(value, list) else []


def _is_subject(vault_url: str, operation: Operation[Any], got: KeyVaultResourceId, *, aliased: bool) -> bool:
    if got.collection.lower() != "keys":
        return False
    if operation.key_name and got.name.lower() != operation.key_name.lower():
        return False
    if operation.key_version and got.version and got.version.lower() != operation.key_version.lower():
        return False
    return aliased or got.vault_url == vault_url or _is_same_vault(vault_url, got.vault_url)


def _is_same_vault(asked: str, got: str) -> bool:
    """Whether two addresses belong to one vault: they are the same, or the global and a regional one of a Managed HSM.

    Those are ``{name}.managedhsm.azure.net`` and ``{name}.{region}.managedhsm.azure.net``: the first labels are equal,
    and the rest of the longer one ends with the rest of the shorter one.
    """
    try:
        one, other = origin_of(asked), origin_of(got)
    except ValueError:
        return False
    if one == other:
        return True
    label, _, parent = canonical_host(one.host).partition(".")
    other_label, _, other_parent = canonical_host(other.host).partition(".")
    shorter, longer = sorted((parent, other_parent), key=len)
    related = shorter.startswith("managedhsm.") and longer.endswith("." + shorter)
    return label == other_label and related and (one.scheme, one.port) == (other.scheme, other.port)


def random_bytes(answer: RandomBytes, count: int) -> bytes:
    """Return the random bytes of an answer.

    :raises ~azure.core.exceptions.DecodeError: when there are more or fewer than were asked for.
    """
    value = answer.value or b""
    if len(value) != count:
        raise DecodeError(f"The vault's response cannot be used: it has {len(value)} random bytes instead of {count}")
    return value
