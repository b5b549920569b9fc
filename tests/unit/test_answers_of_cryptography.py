"""What is made of a vault's answer to a cryptographic operation, before a caller relies on it."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from azure.core.exceptions import DecodeError
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from fixtures.stub_vault import URL, VERSION, Answer, Script, StubWorld, bundle, usable_bundle
from fixtures.worlds import World

KEY_ID = f"{URL}/keys/orders/{VERSION}"
DIGEST = bytes(32)


def answer(size: int, key_id: str = KEY_ID) -> Answer:
    """Return an answer with a result of so many bytes."""
    value = base64.urlsafe_b64encode(bytes(size)).rstrip(b"=").decode()
    return Answer(200, {"kid": key_id, "value": value})


@pytest.mark.case("E13")
@pytest.mark.parametrize(("algorithm", "size"), [("ES256", 63), ("ES256", 72), ("ES512", 128), ("HS256", 64)])
async def test_signature_that_is_not_as_long_as_the_algorithms_is_an_error(
    stub: StubWorld, algorithm: str, size: int
) -> None:
    client = stub.client(Script([answer(size)])).get_cryptography_client("orders", execution="remote")
    digest = bytes(64) if algorithm == "ES512" else DIGEST
    with pytest.raises(DecodeError, match=f"signature of {size} bytes for {algorithm}"):
        await client.sign(algorithm, digest)


@pytest.mark.case("E13")
async def test_signature_that_is_not_as_long_as_the_modulus_is_an_error(stub: StubWorld) -> None:
    script = Script([Answer(200, usable_bundle()), answer(256), answer(128)])
    client = stub.client(script).get_cryptography_client("orders")
    assert len((await client.sign("RS256", DIGEST)).signature) == 256
    with pytest.raises(DecodeError, match="signature of 128 bytes for RS256"):
        await client.sign("RS256", DIGEST)


async def test_broken_key_is_an_error_of_the_answer_and_asked_for_again(stub: StubWorld) -> None:
    broken = bundle()
    broken["key"]["n"] = "_" * 340 + "_g"
    script = Script([Answer(200, broken), Answer(200, broken)])
    client = stub.client(script).get_cryptography_client("orders")
    for _ in range(2):
        with pytest.raises(DecodeError, match=r"broken key \S+/keys/orders/\S+: 'n' is even"):
            await client.verify("RS256", DIGEST, b"signature")
    assert len(script.calls) == 2


@pytest.mark.case("E12")
async def test_result_tells_the_key_that_the_vault_has_used(stub: StubWorld) -> None:
    used = f"{URL}/keys/orders/def"
    client = stub.client(Script([answer(64, used)])).get_cryptography_client("orders", execution="remote")
    assert (await client.sign("ES256", DIGEST)).key_id == used


@pytest.mark.case("M13")
async def test_public_key_verifies_without_a_vault(world: World) -> None:
    private = ec.generate_private_key(ec.SECP256R1())
    numbers = private.public_key().public_numbers()
    jwk: dict[str, Any] = {
        "kty": "EC",
        "crv": "P-256",
        "x": numbers.x.to_bytes(32, "big"),
        "y": numbers.y.to_bytes(32, "big"),
    }
    signature = private.sign(b"message", ec.ECDSA(SHA256()))
    client = world.adapt(world.CryptographyClient.from_jwk(jwk))
    result = await client.verify_data("ES256", b"message", signature, encoding="der")
    assert (result.is_valid, result.performed) == (True, "local")
