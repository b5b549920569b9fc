"""Recreating a CryptographyClient in another process, for sync and async."""

from __future__ import annotations

from typing import Any

from .._shared.recipe import Recipe


def recipe_of(client: Any) -> Recipe:
    """Return the recipe of a client: that of its connection, its key, and how the key is used.

    :raises TypeError: when the client holds the private part of its key, or its connection has no recipe.
    """
    return Recipe(
        key=client._state.key_elsewhere(pinned=client._is_pinned),
        execution=client._state.execution,
        refresh_after=client._refresh.refresh_after if client._refresh is not None else None,
        connection=client._vault.recipe() if client._vault is not None else None,
    )


def client_of(kind: Any, connection_kind: Any, recipe: Recipe) -> Any:
    """Make the client that a recipe describes.

    :param kind: the class of the client.
    :param connection_kind: the class of its connection.
    :param recipe: what :func:`recipe_of` has returned.
    """
    key, of_connection = recipe.parts["key"], recipe.parts["connection"]
    if of_connection is None:
        return kind.from_jwk(key, min_rsa_bits=0)  # its size was accepted where it was made
    client = kind._within(
        connection_kind.of_recipe(of_connection),
        key,
        None,
        execution=recipe.parts["execution"],
        refresh_after=recipe.parts["refresh_after"],
    )
    client._owned = True
    return client
