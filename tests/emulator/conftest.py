"""Emulators to talk to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from azure.keyvault.keys.emulator import KeyVaultEmulator

from .client import Api, EmulatorFactory


@pytest.fixture
def start() -> Iterator[EmulatorFactory]:
    """Start an emulator with options, and return its calls."""
    started: list[Api] = []

    def factory(version: str = "7.4", **options: Any) -> Api:
        api = Api(KeyVaultEmulator(**options).start(), version)
        started.append(api)
        return api

    yield factory
    for api in started:
        api.close()
        api.vault.stop()


@pytest.fixture(scope="module")
def api() -> Iterator[Api]:
    """A vault for a whole module; every test uses names of its own."""
    with KeyVaultEmulator(deletion_delay=0.2) as vault:
        calls = Api(vault)
        yield calls
        calls.close()


@pytest.fixture(scope="module")
def hsm() -> Iterator[Api]:
    """A Managed HSM for a whole module."""
    with KeyVaultEmulator(managed_hsm=True) as vault:
        calls = Api(vault, "7.6")
        yield calls
        calls.close()


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """A key name of the test's own."""
    text = "".join(character if character.isalnum() else "-" for character in request.node.name)
    return text[-100:]
