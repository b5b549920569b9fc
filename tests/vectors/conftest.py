"""Published vectors, run through one entry point that ``open_key`` chooses, and the counts of what ran."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, Protocol

import pytest

from azure.keyvault.keys import JsonWebKey
from azure.keyvault.keys.crypto import CryptographyClient

COUNTS = pytest.StashKey[dict[str, Counter[str]]]()


class OpenKey(Protocol):
    """What the vectors need of a key: operations on plain bytes."""

    def encrypt(self, alg: str, plaintext: bytes, iv: bytes | None = None, aad: bytes | None = None) -> Any: ...
    def decrypt(
        self,
        alg: str,
        ciphertext: bytes,
        iv: bytes | None = None,
        tag: bytes | None = None,
        aad: bytes | None = None,
    ) -> bytes: ...
    def wrap(self, alg: str, key: bytes) -> bytes: ...
    def unwrap(self, alg: str, encrypted_key: bytes) -> bytes: ...
    def sign(self, alg: str, digest: bytes) -> bytes: ...
    def verify(self, alg: str, digest: bytes, signature: bytes) -> bool: ...


class ClientEntry:
    """The public API: a client of a JWK."""

    # Some published keys are smaller than what this library takes from applications.
    min_rsa_bits = 1024

    def __init__(self, jwk: JsonWebKey) -> None:
        self.client = CryptographyClient.from_jwk(jwk, min_rsa_bits=self.min_rsa_bits)

    def encrypt(self, alg: str, plaintext: bytes, iv: bytes | None = None, aad: bytes | None = None) -> Any:
        result = self.client.encrypt(alg, plaintext, iv=iv, additional_authenticated_data=aad)
        assert result.performed == "local"
        return result.ciphertext, result.iv, result.tag

    def decrypt(
        self,
        alg: str,
        ciphertext: bytes,
        iv: bytes | None = None,
        tag: bytes | None = None,
        aad: bytes | None = None,
    ) -> bytes:
        result = self.client.decrypt(alg, ciphertext, iv=iv, authentication_tag=tag, additional_authenticated_data=aad)
        return result.plaintext

    def wrap(self, alg: str, key: bytes) -> bytes:
        return self.client.wrap_key(alg, key).encrypted_key

    def unwrap(self, alg: str, encrypted_key: bytes) -> bytes:
        return self.client.unwrap_key(alg, encrypted_key).key

    def sign(self, alg: str, digest: bytes) -> bytes:
        return self.client.sign(alg, digest).signature

    def verify(self, alg: str, digest: bytes, signature: bytes) -> bool:
        return self.client.verify(alg, digest, signature).is_valid


@pytest.fixture
def open_key() -> Callable[[JsonWebKey], OpenKey]:
    """Open a JWK through the entry point under test."""
    return ClientEntry


@pytest.fixture
def open_private(open_key: Callable[[JsonWebKey], OpenKey]) -> Callable[[dict[str, Any]], OpenKey]:
    """Open the private key of a Wycheproof group, once: groups share keys, and primes take long to test."""

    @cache
    def from_pem(pem: str) -> OpenKey:
        return open_key(JsonWebKey.from_pem(pem))

    @cache
    def from_json(text: str) -> OpenKey:
        return open_key(JsonWebKey.from_json(text))

    def open_group(group: dict[str, Any]) -> OpenKey:
        if "privateKeyJwk" in group:
            return from_json(json.dumps(group["privateKeyJwk"]))
        return from_pem(group["privateKeyPem"])

    return open_group


@pytest.fixture
def tally(request: pytest.FixtureRequest) -> Iterator[Counter[str]]:
    """Count outcomes under the name of the running test; an empty count fails it, for then nothing was tested."""
    counts = request.config.stash.setdefault(COUNTS, {})
    counter: Counter[str] = counts.setdefault(request.node.name, Counter())
    yield counter
    assert sum(counter.values()), "no vector of this file was run"


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    counts = config.stash.get(COUNTS, {})
    if not counts:
        return
    terminalreporter.section("published vectors")
    total: Counter[str] = Counter()
    for name, counter in sorted(counts.items()):
        total += counter
        terminalreporter.line(f"{name}: {_text(counter)}")
    terminalreporter.line(f"together {sum(total.values())}: {_text(total)}")


def _text(counter: Counter[str]) -> str:
    return ", ".join(f"{count} {outcome}" for outcome, count in sorted(counter.items()))
