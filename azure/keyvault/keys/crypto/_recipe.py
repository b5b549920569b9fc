"""What a CryptographyClient is made of again in another process, for the clients of both worlds."""

from __future__ import annotations

import pickle
from typing import Any


def recipe_of(client: Any) -> tuple[bytes | None, bytes, str, float | None]:
    """Return the recipe of a client: that of its connection, its key, and how the key is used.

    :raises TypeError: when the client holds the private part of its key, or its connection has no recipe.
    """
    connection = client._vault.recipe() if client._vault is not None else None
    refresh_after = client._refresh.refresh_after if client._refresh is not None else None
    return connection, client._state.to_recipe(pinned=client._is_pinned), client._state.execution, refresh_after


def client_of(kind: Any, connection_kind: Any, recipe: Any) -> Any:
    """Make the client that a recipe describes.

    :param kind: the class of the client.
    :param connection_kind: the class of its connection.
    :param recipe: what :func:`recipe_of` has returned.
    """
    of_connection, of_key, execution, refresh_after = recipe
    key = pickle.loads(of_key)  # noqa: S301  # whoever unpickles a client has decided to trust it
    if of_connection is None:
        return kind.from_jwk(key, min_rsa_bits=0)  # its size was accepted where it was made
    connection = connection_kind.of_recipe(of_connection)
    client = kind._within(connection, key, None, execution=execution, refresh_after=refresh_after)
    client._owned = True
    return client
