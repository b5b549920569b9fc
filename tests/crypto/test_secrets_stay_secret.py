"""Secrets carry a mark, and what this library logs, raises and shows does not: nor anything that tells of them."""

from __future__ import annotations

import base64
import io
import json
import logging
import os
import traceback
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from azure.core.exceptions import AzureError
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from fixtures.keyring import Keyring, needs_ml_dsa, private_jwk
from fixtures.targets import Target
from fixtures.worlds import World

from azure.keyvault.keys import JsonWebKey, KeyReleasePolicy, KeyVaultKey
from azure.keyvault.keys.crypto import CryptographyClient, KeyEncryptionKey
from azure.keyvault.keys.crypto._local import load
from azure.keyvault.keys.emulator import KeyVaultEmulator

#: What is encrypted, wrapped, signed and hashed: 32 bytes, so that it passes for a key and a digest too.
CANARY = b"canary-5f2e1a7c93-canary-5f2e1a7"
PRIVATE_FIELDS = ("d", "p", "q", "dp", "dq", "qi", "k", "priv")


def forms_of(secret: bytes) -> set[str]:
    """Return every form in which a secret, or the middle of it, may appear."""
    middle = secret[8:24]
    forms = {secret.hex(), middle.hex(), repr(list(middle))[1:-1], str(int.from_bytes(secret, "big"))}
    forms |= {repr(middle)[2:-1], middle.decode("latin-1")}
    for offset in range(3):
        encoded = base64.b64encode(bytes(offset) + secret).decode()[8:24]
        forms |= {encoded, encoded.replace("+", "-").replace("/", "_")}
    return forms


class Ears(logging.Handler):
    """Hears all loggers, and keeps the secrets that must not be heard."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.heard: list[str] = []
        self.secrets: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        self.hear(record.getMessage(), record.args, self.format(record))

    def hear(self, *things: Any) -> None:
        """Keep what is told."""
        self.heard += [text for thing in things for text in (str(thing), repr(thing))]

    def hear_error(self, error: BaseException) -> None:
        """Keep what an exception tells, and those that it came from."""
        chain: list[BaseException | None] = [error]
        while chain:
            current = chain.pop()
            if current is None:
                continue
            self.hear(current, current.args, "".join(traceback.format_exception(current)))
            chain += [current.__cause__, current.__context__]

    def keep(self, *secrets: bytes | None) -> None:
        """Add secrets."""
        for secret in secrets:
            if secret is not None and len(secret) >= 32:
                self.secrets |= forms_of(secret)

    def check(self) -> None:
        """Fail when a secret was heard."""
        text = "\n".join(self.heard)
        found = [form for form in self.secrets if form in text]
        assert not found, f"heard: ...{text[max(0, text.find(found[0]) - 200) :][:300]}..."


@pytest.fixture
def ears() -> Iterator[Ears]:
    ears, root = Ears(), logging.getLogger()
    ears.keep(CANARY)
    level = root.level
    root.addHandler(ears)
    root.setLevel(logging.DEBUG)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield ears
    root.removeHandler(ears)
    root.setLevel(level)
    ears.hear(*(warning.message for warning in caught))
    ears.check()


async def tell(ears: Ears, call: Any) -> Any:
    """Await a call, and hear what it returns or raises."""
    try:
        result = await call
    except (AzureError, ValueError, TypeError, NotImplementedError) as error:
        ears.hear_error(error)
        return None
    ears.hear(result, f"{result}")
    return result


KINDS: dict[str, dict[str, tuple[str, ...]]] = {
    "RSA 2048": {
        "encryption": ("RSA-OAEP", "RSA-OAEP-256", "RSA1_5"),
        "wrapping": ("RSA-OAEP", "RSA-OAEP-256", "RSA1_5"),
        "signing": ("RS256", "PS256"),
    },
    "EC P-256": {"encryption": (), "wrapping": (), "signing": ("ES256",)},
    "EC P-256K": {"encryption": (), "wrapping": (), "signing": ("ES256K",)},
    "oct 256": {
        "encryption": ("A256CBC", "A256CBCPAD", "A256GCM"),
        "wrapping": ("A256KW",),
        "signing": (),
    },
}


@pytest.mark.case("I1", "I3", "I7", "I8")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("execution", ["local", "remote"])
async def test_no_operation_tells_what_it_works_on(
    crypto_of: Any, keyring_of: Callable[[Target], Keyring], hsm: Target, ears: Ears, kind: str, execution: str
) -> None:
    """Success and failure: ciphertexts are damaged, arguments too long, of a wrong type, for another algorithm."""
    key = keyring_of(hsm).with_private_part(kind)
    ears.keep(*(getattr(private_jwk(kind), name) for name in PRIVATE_FIELDS))
    client = crypto_of(key, hsm, execution=execution, logging_enable=True)
    ears.hear(client, key, key.key, vars(key))
    for algorithm in (*KINDS[kind]["encryption"], "A128CBC", "RS256"):
        encrypted = await tell(ears, client.encrypt(algorithm, CANARY))
        await tell(ears, client.encrypt(algorithm, CANARY * 20 + b"x"))
        await tell(ears, client.encrypt(algorithm, CANARY.decode()))
        await tell(ears, client.decrypt(algorithm, CANARY * 8))
        if encrypted is None:
            continue
        ears.keep(encrypted.ciphertext)
        decrypted = await tell(ears, client.decrypt(encrypted))
        assert decrypted is None or decrypted.plaintext == CANARY
        encrypted.ciphertext = encrypted.ciphertext[:-1] + bytes([encrypted.ciphertext[-1] ^ 1])
        await tell(ears, client.decrypt(encrypted))
    for algorithm in (*KINDS[kind]["wrapping"], "A128KW", "RS256"):
        wrapped = await tell(ears, client.wrap_key(algorithm, CANARY))
        await tell(ears, client.wrap_key(algorithm, CANARY * 20 + b"x"))
        await tell(ears, client.unwrap_key(algorithm, CANARY * 8))
        if wrapped is None:
            continue
        ears.keep(wrapped.encrypted_key)
        unwrapped = await tell(ears, client.unwrap_key(algorithm, wrapped.encrypted_key))
        assert unwrapped.key == CANARY
    for algorithm in (*KINDS[kind]["signing"], "ES512", "HS256", "RSA-OAEP"):
        signed = await tell(ears, client.sign(algorithm, CANARY))
        await tell(ears, client.sign(algorithm, CANARY + b"x"))
        await tell(ears, client.sign_data(algorithm, CANARY))
        await tell(ears, client.sign_data(algorithm, io.BytesIO(CANARY)))
        await tell(ears, client.sign_data(algorithm, [CANARY.decode()]))
        await tell(ears, client.verify(algorithm, CANARY, b"s"))
        await tell(ears, client.verify(algorithm, CANARY + b"x", b"s"))
        await tell(ears, client.verify_data(algorithm, CANARY, CANARY))
        if signed is not None:
            assert (await tell(ears, client.verify(algorithm, CANARY, signed.signature))).is_valid
    assert any("canary" not in text for text in ears.heard)


@pytest.mark.case("I1", "I3", "I7", "I8")
@needs_ml_dsa
@pytest.mark.parametrize("place", ["here", "in the vault"])
async def test_no_ml_dsa_operation_tells_what_it_works_on(
    world: World, crypto_of: Any, client_of: Any, vault: Target, ears: Ears, name: str, place: str
) -> None:
    preview, alg = "2026-05-01-preview", "ML-DSA-44"
    jwk = private_jwk(f"AKP {alg}")
    ears.keep(jwk.priv, CANARY * 2)
    if place == "here":
        client = world.from_jwk(jwk)
        ears.hear(client, jwk, load(jwk), KeyVaultKey("https://v.vault.azure.net/keys/k/1", jwk))
    else:
        key = await client_of(vault, api_version=preview).create_key(name, "AKP", alg=alg)
        client = crypto_of(key, vault, execution="remote", api_version=preview, logging_enable=True)
    for arguments, options in (
        ((CANARY,), {}),
        ((CANARY,), {"context": CANARY}),
        ((None,), {"external_mu": CANARY * 2}),
    ):
        signed = await tell(ears, client.sign(alg, *arguments, **options))
        assert (await tell(ears, client.verify(alg, *arguments, signed.signature, **options))).is_valid
        assert not (await tell(ears, client.verify(alg, *arguments, CANARY, **options))).is_valid
    for arguments, options in (
        ((CANARY.decode(),), {}),
        ((CANARY,), {"context": CANARY * 9}),
        ((CANARY,), {"context": CANARY.decode()}),
        ((CANARY,), {"external_mu": CANARY * 2}),
        ((None,), {"external_mu": CANARY}),
        ((None,), {"external_mu": CANARY * 2, "context": CANARY}),
    ):
        assert await tell(ears, client.sign(alg, *arguments, **options)) is None
        assert await tell(ears, client.verify(alg, *arguments, CANARY, **options)) is None
    await tell(ears, client.sign_data(alg, [CANARY, CANARY.decode()]))
    assert await tell(ears, client_of(vault, api_version=preview).import_key(name, jwk)) is None


@pytest.mark.case("I1", "I2", "I3")
async def test_no_secure_wrap_tells_the_key_or_the_token(
    client_of: Any, hsm: Target, emulated_hsm: KeyVaultEmulator, ears: Ears, name: str
) -> None:
    environment = rsa.generate_private_key(65537, 2048)
    condition = {"authority": emulated_hsm.attestation.url, "allOf": [{"claim": "ready", "equals": "yes"}]}
    policy = KeyReleasePolicy(json.dumps({"version": "1.0.0", "anyOf": [condition]}).encode())
    client = client_of(hsm, logging_enable=True)
    key = await client.create_oct_key(
        name,
        size=256,
        key_operations=["secureWrapKey", "secureUnwrapKey"],
        exportable=True,
        release_policy=policy,
    )
    crypto = client.get_cryptography_client(key, execution="remote")
    wrapped = await tell(ears, crypto.secure_wrap_key("A256KW"))
    ears.keep(wrapped.encrypted_key)
    for claims, works in (({"ready": "yes"}, True), ({"ready": "no"}, False)):
        token = emulated_hsm.attestation.issue(claims, environment.public_key())
        ears.secrets.add(token)
        released = await tell(ears, crypto.secure_unwrap_key("A256KW", wrapped.encrypted_key, token))
        assert (released is not None) == works
        if works:
            ears.keep(released.key)
        await tell(ears, crypto.secure_unwrap_key("A256KW", CANARY * 2, token))
        await tell(ears, crypto.secure_unwrap_key("A256KW", CANARY.decode(), token))
        await tell(ears, crypto.secure_unwrap_key("A256KW", wrapped.encrypted_key, token.encode()))
        await tell(ears, crypto.secure_unwrap_key("RSA-OAEP-256", wrapped.encrypted_key, token))


@pytest.mark.case("I2")
async def test_no_refusal_of_the_vault_tells_what_was_sent(
    crypto_of: Any, keyring_of: Callable[[Target], Keyring], vault: Target, emulator: KeyVaultEmulator, ears: Ears
) -> None:
    client = crypto_of(
        keyring_of(vault).imported("RSA 2048"), vault, execution="remote", logging_enable=True, retry_total=0
    )
    for fault in (
        lambda: emulator.faults.status(403),
        lambda: emulator.faults.status(400),
        lambda: emulator.faults.status(500),
        lambda: emulator.faults.answer(b'{"value":"' + base64.b64encode(CANARY) + b'"'),
        lambda: emulator.faults.answer(json.dumps({"kid": 7, "value": base64.b64encode(CANARY).decode()}).encode()),
        lambda: emulator.faults.drop(),
        lambda: emulator.faults.truncate(5),
    ):
        for call in (
            lambda: client.encrypt("RSA-OAEP", CANARY),
            lambda: client.decrypt("RSA-OAEP", CANARY * 8),
            lambda: client.wrap_key("RSA-OAEP", CANARY),
            lambda: client.unwrap_key("RSA-OAEP", CANARY * 8),
            lambda: client.sign("RS256", CANARY),
            lambda: client.verify("RS256", CANARY, CANARY * 8),
        ):
            fault()
            assert await tell(ears, call()) is None
            emulator.faults.clear()


@pytest.mark.case("I2")
async def test_no_refused_key_tells_its_private_part(world: World, ears: Ears) -> None:
    for kind in ("RSA 2048", "EC P-256", "oct 256"):
        good = private_jwk(kind)
        ears.keep(*(getattr(good, name) for name in PRIVATE_FIELDS))
        for name in ("d", "p", "q", "k"):
            secret = getattr(good, name)
            if secret is None:
                continue
            for changed in (secret + b"\1", *([secret[:-1] + bytes([secret[-1] ^ 2])] if name != "k" else [])):
                members = {field: value for field, value in vars(good).items() if value is not None}
                broken = JsonWebKey(**{**members, name: changed})
                ears.keep(changed)
                with pytest.raises(ValueError, match="not valid") as caught:
                    world.from_jwk(broken)
                ears.hear_error(caught.value)
                _hear_locals(ears, caught.value)


def _hear_locals(ears: Ears, error: BaseException) -> None:
    """Keep what a printer of local variables would print of this library's frames."""
    for frame in traceback.TracebackException.from_exception(error, capture_locals=True).stack:
        if f"{os.sep}crypto{os.sep}_" in frame.filename and "tests" not in frame.filename:
            ears.hear(frame.locals)


@pytest.mark.case("I2")
@pytest.mark.parametrize("kind", ["RSA 2048", "oct 256"])
async def test_no_failure_leaves_the_key_in_a_traceback(world: World, ears: Ears, kind: str) -> None:
    ears.keep(*(getattr(private_jwk(kind), name) for name in PRIVATE_FIELDS))
    client = world.from_jwk(private_jwk(kind))
    calls = (
        (client.decrypt("RSA-OAEP", bytes(256)), client.unwrap_key("RSA-OAEP", bytes(256)))
        if kind.startswith("RSA")
        else (client.decrypt("A256CBCPAD", bytes(16), iv=bytes(16)), client.unwrap_key("A256KW", bytes(24)))
    )
    for call in calls:
        with pytest.raises(ValueError) as caught:
            await call
        ears.hear_error(caught.value)
        _hear_locals(ears, caught.value)


@pytest.mark.case("I2", "K8")
def test_primes_that_are_none_stay_out_of_the_traceback(ears: Ears) -> None:
    from test_private_rsa_keys import composite

    jwk = composite()
    ears.keep(jwk.d, jwk.p, jwk.q)
    with pytest.raises(ValueError, match="not prime") as caught:
        CryptographyClient.from_jwk(jwk).sign("RS256", bytes(32))
    ears.hear_error(caught.value)
    _hear_locals(ears, caught.value)


@pytest.mark.case("I3")
def test_key_objects_tell_nothing(ears: Ears) -> None:
    for kind in ("RSA 2048", "EC P-256", "oct 256"):
        jwk = private_jwk(kind)
        ears.keep(*(getattr(jwk, name) for name in PRIVATE_FIELDS))
        client = CryptographyClient.from_jwk(jwk)
        local = load(jwk)
        key = KeyVaultKey("https://v.vault.azure.net/keys/k/1", jwk)
        ears.hear(jwk, client, client._state, client._state.facts, local, key)
        if kind.startswith("oct"):
            kid = JsonWebKey(kty="oct", k=jwk.k, kid="k")
            ears.hear(KeyEncryptionKey(CryptographyClient.from_jwk(kid), "A256KW"))
        else:
            family = kind[:3].strip().lower()
            private = getattr(client, f"create_{family}_private_key")()
            ears.hear(private, private.public_key())
            if family == "rsa":
                with pytest.raises(ValueError) as caught:
                    private.decrypt(bytes(256), padding.OAEP(padding.MGF1(SHA256()), SHA256(), None))
                ears.hear_error(caught.value)
