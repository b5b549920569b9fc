"""Which version of a key stored data needs, and a small cache of clients for other versions. No I/O."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Generic, TypeVar

from .._models import KeyVaultKey, KeyVaultKeyIdentifier
from .._shared import parse_key_vault_id
from .._shared.fork import ForkLock
from .._shared.wire.identifiers import is_same_vault

if TYPE_CHECKING:
    from ._state import KeyState

C = TypeVar("C")

#: How many other versions of its key a client remembers.
MOST_VERSIONS = 16

KeyId = str | KeyVaultKey | KeyVaultKeyIdentifier


def text_of(key_id: KeyId | None) -> str | None:
    """Return the identifier that a caller passed as ``key_id``, as text.

    :raises TypeError: when it is not an identifier.
    """
    if key_id is None or isinstance(key_id, str):
        return key_id
    if isinstance(key_id, KeyVaultKeyIdentifier):
        return key_id.source_id
    if isinstance(key_id, KeyVaultKey):
        return key_id.id
    raise TypeError(f"key_id must be the identifier of a key, not {type(key_id).__name__}")


def other_version(key_id: str, state: KeyState) -> str | None:
    """Return the version that data needs; None when it is the version of a state, or the identifier has none.

    :param key_id: the identifier that is stored with the data.
    :param state: what a client knows about its key.
    :raises ValueError: when the identifier is malformed, or belongs to another key.
    """
    if key_id == state.key_id:
        return None
    if state.identifier is None:
        if state.key_id is None:  # a JWK without a kid may be any key
            return None
        raise ValueError(f"The data was made with the key {key_id}, and this client's key is {state.key_id}")
    asked = parse_key_vault_id(key_id)
    own = state.identifier
    if asked.collection.lower() != "keys" or asked.name.lower() != own.name.lower():
        raise ValueError(
            f"The data was made with {key_id}, and this client is for the key {own.name} of {own.vault_url}"
        )
    if not any(is_same_vault(asked.vault_url, address) for address in state.addresses()):
        raise ValueError(f"The data was made with a key of another vault, {key_id}: this client uses {own.vault_url}")
    if asked.version is None or (own.version or "").lower() == asked.version.lower():
        return None
    return asked.version


class VersionClients(Generic[C]):
    """Clients for other versions of a key. The least recently used one is dropped first."""

    def __init__(self) -> None:
        self._clients: OrderedDict[str, C] = OrderedDict()
        self._lock = ForkLock()

    def get(self, version: str, make: Callable[[], C]) -> C:
        """Return the client for a version; make it if there is none."""
        version = version.lower()
        with self._lock.current:
            client = self._clients.get(version)
            if client is None:
                client = self._clients[version] = make()
                if len(self._clients) > MOST_VERSIONS:
                    self._clients.popitem(last=False)
            else:
                self._clients.move_to_end(version)
            return client
