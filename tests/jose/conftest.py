"""An emulated vault for this folder, with clients of both worlds, and the functions of ``jose`` in both."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import pytest_asyncio
from fixtures.jose_world import Jose

from azure.keyvault.keys import KeyClient, aio, jose
from azure.keyvault.keys.emulator import KeyVaultEmulator
from azure.keyvault.keys.jose import aio as jose_aio


@pytest.fixture(scope="module")
def vault() -> Iterator[KeyVaultEmulator]:
    """An emulated vault."""
    with KeyVaultEmulator(deletion_delay=0) as vault:
        yield vault


@pytest.fixture(scope="module")
def client(vault: KeyVaultEmulator) -> Iterator[KeyClient]:
    """A synchronous client."""
    with KeyClient(vault.url, vault.credential, **vault.client_options) as client:
        yield client


@pytest_asyncio.fixture(params=["sync", "aio"])
async def world(request: pytest.FixtureRequest, vault: KeyVaultEmulator, client: KeyClient) -> Any:
    """Each of the two worlds."""
    if request.param == "sync":
        yield Jose(client, jose)
    else:
        async with aio.KeyClient(vault.url, vault.async_credential, **vault.client_options) as there:
            yield Jose(there, jose_aio)
