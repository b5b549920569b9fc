"""The spans of the CryptographyClients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .._shared.pipeline.tracing import spanned
from ._tasks import METHODS


def traced(ask: Callable[..., Any]) -> dict[str, Callable[..., Any]]:
    """Return a client's ``_ask`` once per operation, with a span that has its name and identifies the key.

    Only what talks to the vault has a span: opening one takes as long as encrypting here.
    """
    return {method: spanned(ask, f"CryptographyClient.{method}", _key_of) for method in METHODS}


def _key_of(args: tuple[Any, ...], _options: dict[str, Any]) -> tuple[str, str]:
    state = args[0]._state
    return state.name, state.version
