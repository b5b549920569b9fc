"""Private RSA keys are tried out at first use, not tested for primes: what works is taken, what does not is refused."""

from __future__ import annotations

import math
import time
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from fixtures.keyring import private_jwk

from azure.keyvault.keys import JsonWebKey
from azure.keyvault.keys.crypto import CryptographyClient

DIGEST = bytes(32)


def encoded(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


@cache
def composite() -> JsonWebKey:
    """Return a key whose numbers belong together, but whose "prime" p is a product of two."""
    while True:
        first, second = (rsa.generate_private_key(65537, 2048).private_numbers() for _ in range(2))
        p, q = first.p * first.q, second.p * second.q
        order = math.lcm(p - 1, q - 1)
        if math.gcd(65537, order) == 1:
            numbers = {"n": p * q, "e": 65537, "d": pow(65537, -1, order), "p": p, "q": q}
            return JsonWebKey(kty="RSA", **{name: encoded(number) for name, number in numbers.items()})


@pytest.mark.case("K8")
def test_key_with_a_composite_prime_is_refused_at_first_use() -> None:
    client = CryptographyClient.from_jwk(composite())
    for call in (
        lambda: client.sign("RS256", DIGEST),
        lambda: client.decrypt("RSA-OAEP", bytes(512)),
        lambda: client.decrypt("RSA1_5", bytes(512)),
        lambda: client.unwrap_key("RSA-OAEP", bytes(512)),
    ):
        with pytest.raises(ValueError, match="'p' and 'q' are not prime"):
            call()
    assert client.encrypt("RSA-OAEP", b"x").performed == "local"


@pytest.mark.case("K7", "K8")
@pytest.mark.parametrize("kind", ["RSA 2048", "RSA 3072", "RSA 4096"])
@pytest.mark.parametrize("form", ["all", "only d", "primes exchanged", "without CRT numbers"])
def test_every_form_of_a_private_key_works(kind: str, form: str) -> None:
    good = private_jwk(kind)
    members = {
        "all": vars(good),
        "only d": {"kty": "RSA", "n": good.n, "e": good.e, "d": good.d},
        "primes exchanged": {**vars(good), "p": good.q, "q": good.p},
        "without CRT numbers": {"kty": "RSA", "n": good.n, "e": good.e, "d": good.d, "p": good.p, "q": good.q},
    }[form]
    client = CryptographyClient.from_jwk(JsonWebKey(**members))
    public = CryptographyClient.from_jwk(good.to_json())
    assert public.verify("PS256", DIGEST, client.sign("PS256", DIGEST).signature).is_valid
    assert client.decrypt(public.encrypt("RSA-OAEP-256", b"x")).plaintext == b"x"


def test_key_works_when_many_threads_use_it_first() -> None:
    client = CryptographyClient.from_jwk(private_jwk("RSA 2048"))
    with ThreadPoolExecutor(16) as pool:
        signatures = set(pool.map(lambda _: client.sign("RS256", DIGEST).signature, range(32)))
    assert len(signatures) == 1


def test_first_use_takes_no_longer_than_a_few_operations() -> None:
    key = private_jwk("RSA 4096").to_cryptography(private=True).private_numbers()
    tested = _least(lambda: key.private_key(), 2)
    first = _least(lambda: CryptographyClient.from_jwk(private_jwk("RSA 4096")).sign("RS256", DIGEST), 4)
    assert first < tested / 4, f"{1000 * first:.1f} ms, and {1000 * tested:.1f} ms with a test of the primes"


def _least(call: object, times: int) -> float:
    found = []
    for _ in range(times):
        started = time.perf_counter()
        call()  # type: ignore[operator]  # a function without arguments
        found.append(time.perf_counter() - started)
    return min(found)
