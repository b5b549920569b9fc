"""A server with a will of its own, and clients of both worlds that talk to it."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import trustme
from fixtures.stub_vault import StubWorld, Tokens, stub
from raw_server import Handler, RawServer, raw_server, written

from azure.keyvault.keys._shared.auth.challenge import CHALLENGES

__all__ = ["stub"]


@pytest.fixture(autouse=True)
def _no_known_challenges() -> Iterator[None]:
    CHALLENGES.clear()
    yield
    CHALLENGES.clear()


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    """The authority that all servers of these tests have their certificates from."""
    return trustme.CA()


@pytest.fixture(scope="session")
def trust(authority: trustme.CA) -> ssl.SSLContext:
    """What a client needs to trust it."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


@pytest.fixture(scope="session")
def bundle_path(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The same as a file."""
    return written(authority, Path(tmp_path_factory.mktemp("tls")))


@pytest.fixture
def serve(request: pytest.FixtureRequest, authority: trustme.CA) -> Iterator[Callable[..., RawServer]]:
    """Start servers that the end of the test ends."""
    with ExitStack() as stack:
        # A fixture that closes clients ends the servers first, for some of them never say goodbye.
        request.node.end_servers = stack.close

        def start(handler: Handler, **options: Any) -> RawServer:
            return stack.enter_context(raw_server(handler, **{"authority": authority, **options}))

        yield start


@pytest.fixture
async def connect(
    request: pytest.FixtureRequest, serve: Any, stub: StubWorld, trust: ssl.SSLContext
) -> AsyncIterator[Callable[..., Any]]:
    """Make clients of one world that the end of the test closes."""
    clients: list[Any] = []

    def make(server: Any, tokens: Tokens | None = None, **options: Any) -> Any:
        options = {"connection_verify": trust, "retry_backoff_factor": 0.01, **options}
        url = getattr(server, "url", server)
        credential = options.pop("credential", None) or stub.credential(tokens or Tokens())
        client = stub.world.adapt(stub.world.KeyClient(url, credential, **options))
        clients.append(client)
        return client

    yield make
    for client in clients:
        await client.close()
    request.node.end_servers()
