"""pytest fixtures. Opt in with ``pytest_plugins = ["azure.keyvault.keys.emulator.pytest_plugin"]``."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from . import KeyVaultEmulator


@pytest.fixture
def keyvault_emulator() -> Iterator[KeyVaultEmulator]:
    """A new, empty vault for each test."""
    with KeyVaultEmulator() as vault:
        yield vault
