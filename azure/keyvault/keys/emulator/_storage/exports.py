"""A vault's whole state as JSON, to restore or to start from. It contains private keys in plain text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .._cryptography import jose
from .records import Key, KeyVersion

#: The format that an exported state declares.
FORMAT = "azure-keyvault-keys-emulator/1"


def exported(kind: str, keys: Iterable[Key]) -> dict[str, Any]:
    """Return keys with everything that is known about them."""
    return {"format": FORMAT, "kind": kind, "keys": [sealed_key(key) for key in keys]}


def imported(kind: str, state: Mapping[str, Any]) -> list[Key]:
    """Return the keys of an exported state.

    :raises ValueError: if it is not an exported state, or belongs to another kind of service.
    """
    if not isinstance(state, Mapping) or state.get("format") != FORMAT:
        raise ValueError(f"not an exported state: its format is not {FORMAT!r}")
    if state.get("kind") != kind:
        raise ValueError(f"this is the state of a {state.get('kind')} and cannot be imported into a {kind}")
    try:
        return [restored_key(content) for content in state["keys"]]
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"the exported state is damaged: {error!r}") from error


def sealed_key(key: Key) -> dict[str, Any]:
    """Return a key with all its versions and their private parts."""
    return {"key": key.facts(), "versions": [version.with_private() for version in key.versions.values()]}


def restored_key(content: Mapping[str, Any]) -> Key:
    """Return the key that :func:`sealed_key` wrote.

    :raises ValueError: or other errors, if the content is something else.
    """
    key = Key.from_facts(content["key"])
    for facts in content["versions"]:
        version = KeyVersion.from_facts(facts, jose.decode(facts["private"]))
        key.versions[version.version] = version
    return key
