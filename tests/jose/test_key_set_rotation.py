"""Tokens are verified while their key rotates: none fails with any of three libraries that read the JWK Set."""

from __future__ import annotations

import asyncio
import inspect
import json
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import jwt
import pytest
from fixtures.jose_world import Jose
from fixtures.node import node_program
from joserfc import jwt as joserfc_jwt
from joserfc.errors import InvalidKeyIdError
from joserfc.jwk import KeySet

from azure.keyvault.keys import KeyClient, jose

VERIFIER = Path(__file__).parent / "javascript" / "verify.mjs"
ROTATIONS = 10
SIGNERS = 8

# Newer releases of PyJWT wait between two looks at a set.
_PYJWT_OPTIONS = inspect.signature(jwt.PyJWKClient).parameters

pytestmark = pytest.mark.slow


@pytest.fixture
def jwks_url(client: KeyClient) -> Iterator[str]:
    """Where a service publishes the keys: their set as it is at each request."""

    class Publisher(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(jose.jwk_set(client, self.path.strip("/"))).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/jwk-set+json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Publisher) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


class JoserfcVerifier:
    """A verifier that keeps the set, and gets it again for a key that is not in it."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._lock = threading.Lock()
        self._keys = self._get()

    def _get(self) -> KeySet:
        with urlopen(self._url, timeout=30) as answer:
            return KeySet.import_key_set(json.load(answer))

    def claims(self, token: str) -> dict[str, Any]:
        """Verify a token."""
        try:
            return joserfc_jwt.decode(token, self._keys, algorithms=["ES256"]).claims
        except InvalidKeyIdError:
            with self._lock:
                self._keys = self._get()
            return joserfc_jwt.decode(token, self._keys, algorithms=["ES256"]).claims


class NpmVerifier:
    """A program in JavaScript that verifies tokens as they come."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._turn = asyncio.Lock()

    @classmethod
    @asynccontextmanager
    async def started(cls, url: str) -> AsyncIterator[NpmVerifier]:
        """Start the program."""
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(*node_program(VERIFIER), "remote", url, stdin=pipe, stdout=pipe)
        try:
            yield cls(process)
        finally:
            assert process.stdin is not None
            process.stdin.close()
            await process.wait()

    async def claims(self, token: str) -> dict[str, Any]:
        """Verify a token."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        async with self._turn:
            self._process.stdin.write(token.encode() + b"\n")
            await self._process.stdin.drain()
            answer = json.loads(await self._process.stdout.readline())
        assert "error" not in answer, answer
        return dict(answer["claims"])


async def _until_signing(kid: str, kids: list[str]) -> None:
    while kids.count(kid) < SIGNERS:
        await asyncio.sleep(0.01)


async def test_no_token_fails_while_its_key_rotates_under_load(world: Jose, client: KeyClient, jwks_url: str) -> None:
    name = f"rotating-{'aio' if world.is_async else 'sync'}"
    client.create_ec_key(name)
    crypto = world.crypto(name, refresh_after=0.05)
    url = f"{jwks_url}/{name}"
    # A key that rotates this often is looked for at once; by default PyJWT and npm jose wait up to half a minute.
    options: dict[str, Any] = {"cooldown_duration": 0} if "cooldown_duration" in _PYJWT_OPTIONS else {}
    pyjwt, joserfc, number = jwt.PyJWKClient(url, **options), JoserfcVerifier(url), iter(range(10**9))
    kids: list[str] = []
    over = asyncio.Event()

    async def sign_and_verify(npm: NpmVerifier) -> None:
        while not over.is_set():
            claims = {"sub": "orders", "n": next(number)}
            token = await world.sign_jwt_at_once(crypto, claims)
            kids.append(jwt.get_unverified_header(token)["kid"])
            key = await asyncio.to_thread(pyjwt.get_signing_key_from_jwt, token)
            assert jwt.decode(token, key, ["ES256"]) == claims
            assert await asyncio.to_thread(joserfc.claims, token) == claims
            assert await npm.claims(token) == claims

    async def rotate() -> None:
        try:
            for _ in range(ROTATIONS):
                newest = await asyncio.to_thread(client.rotate_key, name)
                await asyncio.wait_for(_until_signing(newest.key.thumbprint(), kids), 60)
        finally:
            over.set()

    async with NpmVerifier.started(url) as npm:
        await asyncio.gather(rotate(), *(sign_and_verify(npm) for _ in range(SIGNERS)))
    assert len(set(kids)) >= ROTATIONS
    assert len(kids) >= SIGNERS * ROTATIONS


async def test_client_that_does_not_follow_keeps_the_version_and_names_it(world: Jose, client: KeyClient) -> None:
    name = f"kept-{'aio' if world.is_async else 'sync'}"
    first = client.create_ec_key(name)
    crypto = world.crypto(name)
    kids = []
    for _ in range(2):
        kids.append(jwt.get_unverified_header(await world.sign_jwt(crypto, {}))["kid"])
        client.rotate_key(name)
    assert kids == [first.key.thumbprint()] * 2
