"""What the library reads of the private parts of its dependencies. Each docstring says what breaks when one is gone."""

from __future__ import annotations

import aiohttp
from azure.core.rest import HttpRequest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP, PSS
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from azure.keyvault.keys import _compatibility as compatibility

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


async def test_session_of_aiohttp_tells_its_middlewares() -> None:
    """Without it, the middlewares of a session that the caller brings no longer see the requests to the vault."""

    async def middleware(request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
        return await send(request)

    async with aiohttp.ClientSession(middlewares=(middleware,)) as session:
        assert compatibility.middlewares_of(session) == (middleware,)
    assert compatibility.middlewares_of(object()) == ()
