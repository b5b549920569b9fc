"""ES256K: what Bitcoin and Ethereum want of it, and what happens where OpenSSL lacks its curve."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from fixtures.keyring import Keyring, private_jwk
from fixtures.targets import Target
from fixtures.worlds import World

from azure.keyvault.keys import JsonWebKey
from azure.keyvault.keys._jwk.ec import P_256K
from azure.keyvault.keys.crypto import CryptographyClient, SignResult
from azure.keyvault.keys.crypto._local import ec as local_ec

ORDER = P_256K.order
KIND = "EC P-256K"


def s_of(result: SignResult) -> int:
    return int.from_bytes(result.signature[32:], "big")


@pytest.fixture(params=["here", "in the vault"])
def client(request: pytest.FixtureRequest, keyring_of: Callable[[Target], Keyring], vault: Target) -> Iterator[Any]:
    key = keyring_of(vault).with_private_part(KIND)
    execution: Any = "local" if request.param == "here" else "remote"
    with CryptographyClient(key, vault.credential, execution=execution, **vault.options) as made:
        yield made


@pytest.mark.case("J10")
def test_low_s_is_the_same_signature_in_the_form_that_is_accepted(client: CryptographyClient) -> None:
    high = 0
    for number in range(12):
        digest = hashlib.sha256(bytes([number])).digest()
        signed = client.sign("ES256K", digest)
        low = signed.to_low_s()
        assert 0 < s_of(low) <= ORDER // 2
        assert s_of(low) in (s_of(signed), ORDER - s_of(signed))
        assert (low.key_id, low.algorithm, low.performed) == (signed.key_id, signed.algorithm, signed.performed)
        assert low.to_low_s() is low
        assert client.verify("ES256K", digest, low.signature).is_valid
        high += low is not signed
    assert high


def recovered(signature: bytes, digest: bytes, recovery_id: int) -> ec.EllipticCurvePublicNumbers:
    """Find the signer's key as a verifier does (SEC 1 section 4.1.6): Q = (s R - z G) / r."""
    p, curve = P_256K.p, ec.SECP256K1()
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    y = pow(pow(r, 3, p) + 7, (p + 1) // 4, p)
    nonce = (r, y if y & 1 == recovery_id & 1 else p - y)
    inverse = pow(r, -1, ORDER)
    first = times(s * inverse % ORDER, nonce)
    second = times(-int.from_bytes(digest, "big") * inverse % ORDER, _generator())
    x, y = added(first, second)
    return ec.EllipticCurvePublicNumbers(x, y, curve)


def _generator() -> tuple[int, int]:
    numbers = ec.derive_private_key(1, ec.SECP256K1()).public_key().public_numbers()
    return numbers.x, numbers.y


def times(factor: int, point: tuple[int, int]) -> tuple[int, int]:
    total: Any = None
    for bit in bin(factor)[2:]:
        total = total and added(total, total)
        if bit == "1":
            total = added(total, point) if total else point
    return total  # type: ignore[no-any-return]


def added(one: tuple[int, int], other: tuple[int, int]) -> tuple[int, int]:
    p = P_256K.p
    if one == other:
        slope = 3 * one[0] ** 2 * pow(2 * one[1], -1, p)
    else:
        slope = (other[1] - one[1]) * pow(other[0] - one[0], -1, p)
    x = (slope**2 - one[0] - other[0]) % p
    return x, (slope * (one[0] - x) - one[1]) % p


@pytest.mark.case("J10")
def test_recovery_id_leads_to_the_signers_key(client: CryptographyClient) -> None:
    jwk, seen = private_jwk(KIND), set()
    numbers = jwk.to_cryptography().public_numbers()
    for number in range(8):
        digest = hashlib.sha256(bytes([number])).digest()
        signed = client.sign("ES256K", digest)
        for result in (signed, signed.to_low_s()):
            recovery_id = result.recovery_id(digest, jwk)
            assert recovered(result.signature, digest, recovery_id) == numbers
            assert recovered(result.signature, digest, recovery_id ^ 1) != numbers
            seen.add(recovery_id)
    assert seen == {0, 1}


def test_every_form_of_the_public_key_is_taken(
    client: CryptographyClient, keyring_of: Callable[[Target], Keyring], vault: Target
) -> None:
    digest, key = os.urandom(32), keyring_of(vault).imported(KIND)
    signed = client.sign("ES256K", digest)
    forms: list[Any] = [key, key.key, key.key.to_cryptography(), client.create_ec_public_key()]
    assert len({signed.recovery_id(digest, form) for form in forms}) == 1


def test_what_has_no_recovery_id_is_refused() -> None:
    client = CryptographyClient.from_jwk(private_jwk(KIND))
    signed = client.sign("ES256K", bytes(32))
    with pytest.raises(ValueError, match="not the key's signature"):
        signed.recovery_id(b"\1" * 32, private_jwk(KIND))
    other = CryptographyClient.from_jwk(private_jwk("EC P-256")).sign("ES256", bytes(32))
    with pytest.raises(ValueError, match="ES256K"):
        other.recovery_id(bytes(32), private_jwk("EC P-256"))
    with pytest.raises(ValueError, match="ES256K"):
        other.to_low_s()
    with pytest.raises(ValueError, match="on P-256K"):
        signed.recovery_id(bytes(32), private_jwk("EC P-256"))
    with pytest.raises(TypeError):
        signed.recovery_id(bytes(32), "key")  # type: ignore[arg-type]


@pytest.fixture
def lacking(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An OpenSSL without the curve, as some distributions build it."""

    def unsupported(value: int, curve: ec.EllipticCurve) -> Any:
        if isinstance(curve, ec.SECP256K1):
            raise UnsupportedAlgorithm("Curve secp256k1 is not supported")
        return ec.derive_private_key(value, curve)

    monkeypatch.setattr(local_ec, "derive_private_key", unsupported)
    local_ec._is_usable.cache_clear()
    yield
    monkeypatch.undo()
    local_ec._is_usable.cache_clear()


@pytest.mark.usefixtures("lacking")
@pytest.mark.parametrize("private", [False, True], ids=["public part only", "with private part"])
async def test_curve_that_openssl_lacks_is_used_in_the_vault(
    crypto_of: Any, keyring_of: Callable[[Target], Keyring], vault: Target, private: bool
) -> None:
    ring = keyring_of(vault)
    client = crypto_of((ring.with_private_part if private else ring.imported)(KIND), vault)
    signed = await client.sign("ES256K", bytes(32))
    verified = await client.verify("ES256K", bytes(32), signed.signature)
    assert (signed.performed, verified.performed, verified.is_valid) == ("remote", "remote", True)
    with pytest.raises(ValueError, match="needs a key on P-256"):
        await client.sign("ES256", bytes(32))


@pytest.mark.usefixtures("lacking")
async def test_curve_that_openssl_lacks_cannot_be_used_without_a_vault(world: World) -> None:
    jwk: JsonWebKey = private_jwk(KIND)
    with pytest.raises(NotImplementedError, match="does not have the key's curve"):
        await world.from_jwk(jwk).sign("ES256K", bytes(32))
