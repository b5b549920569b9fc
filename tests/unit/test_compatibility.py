"""The private parts of dependencies that the library relies on. Each docstring says what breaks without them."""

from __future__ import annotations

import asyncio
import io
import warnings
from typing import Any

import aiohttp
import aiohttp.test_utils
import pytest
from aiohttp import web
from azure.core.async_paging import AsyncPageIterator
from azure.core.paging import PageIterator
from azure.core.pipeline import AsyncPipeline, Pipeline
from azure.core.pipeline.policies import AsyncRetryPolicy, RetryPolicy
from azure.core.rest import HttpRequest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP, PSS
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from azure.keyvault.keys import _compatibility as compatibility
from azure.keyvault.keys._shared.pipeline.retry import AsyncKeyVaultRetryPolicy, KeyVaultRetryPolicy
from azure.keyvault.keys._shared.sockets.pool import Connection

SHA256 = hashes.SHA256()


def test_prehashed_tells_its_hash() -> None:
    """Without it, the key objects for cryptography cannot sign or verify digests."""
    assert compatibility.digest_of_prehashed(Prehashed(SHA256)) is SHA256


def test_pss_tells_its_salt_length() -> None:
    """Without it, the key objects refuse every PSS padding."""
    assert compatibility.salt_length_of(PSS(MGF1(SHA256), 20)) == 20
    assert compatibility.salt_length_of(PSS(MGF1(SHA256), PSS.DIGEST_LENGTH)) is PSS.DIGEST_LENGTH


def test_oaep_tells_its_label() -> None:
    """Without it, the key objects refuse every OAEP padding, since a dropped label makes wrong ciphertexts."""
    assert compatibility.label_of(OAEP(MGF1(SHA256), SHA256, b"label")) == b"label"
    assert compatibility.label_of(OAEP(MGF1(SHA256), SHA256, None)) is None
    assert compatibility.label_of(object()) == b"unknown"


def test_mask_tells_its_hash() -> None:
    """Without it, the key objects refuse PSS and OAEP, since the vault always uses one hash for both."""
    assert compatibility.digest_of_mask(MGF1(SHA256)) is SHA256


def test_request_loses_its_content() -> None:
    """Without it, a redirect with status 303 would send the body of the first request again, with GET."""
    request = HttpRequest("POST", "https://demo.vault.azure.net/keys", json={"kty": "RSA"})
    compatibility.drop_content(request)
    assert request.content is None


RETRIES = [(RetryPolicy, KeyVaultRetryPolicy), (AsyncRetryPolicy, AsyncKeyVaultRetryPolicy)]


@pytest.mark.parametrize(("theirs", "ours"), RETRIES, ids=["sync", "async"])
def test_retry_policy_tells_which_status_codes_the_user_added(theirs: type, ours: type) -> None:
    """Without it, ``retry_on_status_codes`` would fail every call that fails."""
    assert compatibility.extra_retry_codes(theirs(retry_on_status_codes=[418])) == {418}
    assert compatibility.extra_retry_codes(ours()) == set()


@pytest.mark.parametrize(("theirs", "ours"), RETRIES, ids=["sync", "async"])
def test_settings_of_retries_are_those_of_azure_core(theirs: type, ours: type) -> None:
    """The library makes the settings of most calls itself: a setting that is new in azure-core would be missing."""
    made, expected = ours().configure_retries({}), theirs().configure_retries({})
    assert made.keys() == expected.keys()
    assert {name: made[name] for name in made if name != "methods"} == {
        name: expected[name] for name in expected if name != "methods"
    }


@pytest.mark.parametrize("kind", [Pipeline, AsyncPipeline])
def test_pipeline_prepares_multipart_requests_in_a_method_of_its_own(kind: type) -> None:
    """Without it the library's override would be unused, which only costs time."""
    assert callable(kind._prepare_multipart)  # type: ignore[attr-defined]


@pytest.mark.parametrize("kind", [Pipeline, AsyncPipeline])
def test_pipeline_tells_its_transport(kind: Any) -> None:
    """Without it, waiting for a deletion fails: a client sleeps with its transport."""
    transport = object()
    assert compatibility.transport_of(kind(transport, [])) is transport


async def test_pages_tell_the_items_that_they_have_reached() -> None:
    """Without it, iterating over a list fails."""
    pages = PageIterator(lambda token: token, lambda answer: (None, ["key"]))
    next(pages)
    assert compatibility.current_page(pages) == ["key"]

    async def get(token: Any) -> Any:
        return token

    async def extract(answer: Any) -> Any:
        return None, ["key"]

    pages_async: Any = AsyncPageIterator(get, extract)
    await pages_async.__anext__()
    assert compatibility.current_page(pages_async) is not None


async def test_session_tells_its_middlewares() -> None:
    """Without it, a session of the caller's would lose its middlewares when the library adds one of its own."""

    async def middleware(request: Any, handler: Any) -> Any:
        return await handler(request)

    async with aiohttp.ClientSession(middlewares=[middleware]) as session:
        assert compatibility.middlewares_of(session) == (middleware,)
    assert compatibility.middlewares_of(object()) == ()


def test_connector_closes_without_its_loop() -> None:
    """Without it, a client that outlives its event loop fails where it is used in another one."""

    async def connect() -> aiohttp.TCPConnector:
        return aiohttp.TCPConnector()

    connector = asyncio.run(connect())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        compatibility.close_at_once(connector)
    assert connector.closed


async def test_connection_of_a_response_is_closed_after_it_was_released() -> None:
    """Without it, what a server sends after 101 could be taken for the answer to the next request."""

    async def answer(request: web.Request) -> web.Response:
        return web.Response()

    app = web.Application()
    app.router.add_get("/", answer)
    async with aiohttp.test_utils.TestServer(app) as server, aiohttp.ClientSession() as session:
        response = await session.get(server.make_url("/"))
        assert response.connection is None
        protocol = response._protocol
        assert protocol is not None
        assert not protocol.should_close
        compatibility.give_connection_up(response)
        assert protocol.should_close


def test_response_of_http_client_reads_each_status_in_a_method_of_its_own() -> None:
    """Without it, an interim answer would be returned as the final one."""

    class Socket:
        def makefile(self, mode: str) -> io.BytesIO:
            return io.BytesIO(b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n")

    response: Any = Connection.response_class(Socket())  # type: ignore[arg-type]  # as much of one as is read
    response.begin()
    assert response.status == 204


async def test_response_writes_its_headers_in_the_method_that_the_emulator_overrides() -> None:
    """Without it, the emulator answers a purge without ``Content-Length: 0``, unlike the service."""
    called = []

    class Response(web.Response):
        async def _prepare_headers(self) -> None:
            called.append(self)
            await super()._prepare_headers()

    async def answer(request: web.Request) -> web.Response:
        return Response(status=204)

    app = web.Application()
    app.router.add_get("/", answer)
    async with aiohttp.test_utils.TestServer(app) as server, aiohttp.ClientSession() as session:
        assert (await session.get(server.make_url("/"))).status == 204
    assert called
