"""An object whose ``__init__`` has failed can be printed: error reporters print the local variables of its frame."""

from __future__ import annotations

import inspect
from types import ModuleType

import pytest

from azure.keyvault import keys
from azure.keyvault.keys import aio, crypto
from azure.keyvault.keys.crypto import aio as crypto_aio

CLASSES = sorted(
    {
        found
        for module in (keys, aio, crypto, crypto_aio)
        for name in module.__all__
        if inspect.isclass(found := getattr(module, name)) and not issubclass(found, str)
    },
    key=lambda found: (found.__module__, found.__name__),
)


def test_every_module_has_some() -> None:
    def own(module: ModuleType) -> list[str]:
        return [name for name in module.__all__ if getattr(module, name) in CLASSES]

    assert all(own(module) for module in (keys, aio, crypto, crypto_aio))


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: f"{kind.__module__}.{kind.__name__}")
def test_half_made_object_can_be_printed(kind: type) -> None:
    if inspect.isabstract(kind):
        pytest.skip("none can be made, not even half")
    assert kind.__name__ in repr(kind.__new__(kind))
