"""Every algorithm with every type of key that has it, in a vault and in a Managed HSM, here and there."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError
from fixtures.keyring import Keyring, private_jwk
from fixtures.targets import Target, Traffic
from fixtures.worlds import World

from azure.keyvault.keys import JsonWebKey
from azure.keyvault.keys._generated.models import KeyOperationsParameters, KeySignParameters
from azure.keyvault.keys._generated.versions import DEFAULT as DEFAULT_VERSION
from azure.keyvault.keys._generated.versions import VERSIONS
from azure.keyvault.keys.crypto import EncryptionAlgorithm, KeyWrapAlgorithm, SignatureAlgorithm
from azure.keyvault.keys.crypto._local.algorithms import ALGORITHMS, Algorithm, Kind
from azure.keyvault.keys.emulator import KeyVaultEmulator

OCT_BITS = ("128", "192", "256")
RSA = [("vault", "RSA 2048"), ("vault", "RSA 3072"), ("hsm", "RSA 2048")]
DIGESTS = {"256": "sha256", "384": "sha384", "512": "sha512", "56K": "sha256"}


@dataclass(frozen=True)
class Case:
    """An algorithm and a kind of key that has it, in a place.

    :ivar local: whether the algorithm can run outside the service at all.
    :ivar public: whether the operation that protects needs no more than the public part.
    """

    place: str
    kind: str
    algorithm: str
    local: bool = True
    public: bool = False

    def __str__(self) -> str:
        return f"{self.place}-{self.kind}-{self.algorithm}"


def _cases(*cases: Case) -> Any:
    return pytest.mark.parametrize("case", cases, ids=str)


def _keys_of(row: Algorithm) -> list[tuple[str, str]]:
    """Return the places and kinds of the keys that have an algorithm."""
    if row.family == "RSA":
        return RSA
    if row.family == "EC":
        return [(place, f"EC {row.curve}") for place in ("vault", "hsm")]
    if row.kind == "signature":
        return [("hsm", "oct 256")]
    return [("hsm", f"oct {bits}") for bits in OCT_BITS if row.key_size in (None, int(bits) // 8)]


def _cases_of(kind: Kind) -> list[Case]:
    """Return the cases of the service's algorithms of a kind, except ML-DSA, which has test_post_quantum.py."""
    return [
        Case(place, key, row.name, row.local, public=row.family == "RSA" and kind != "signature")
        for row in ALGORITHMS
        if row.kind == kind and row.remote and not row.message
        for place, key in _keys_of(row)
    ]


ENCRYPTION, WRAPPING, SIGNING = _cases_of("encryption"), _cases_of("key wrap"), _cases_of("signature")
PLAINTEXT = b"sixteen bytes..." * 2
SECRET = bytes(range(32))


def test_every_algorithm_of_the_library_is_covered() -> None:
    """Those of AES-CBC with HMAC are the library's own: no service has them. ML-DSA has test_post_quantum.py."""
    local_only = {member.value for member in EncryptionAlgorithm if "-HS" in member.value}
    messages = {member.value for member in SignatureAlgorithm if member.value.startswith("ML-DSA")}
    assert {case.algorithm for case in ENCRYPTION} == {member.value for member in EncryptionAlgorithm} - local_only
    assert {case.algorithm for case in WRAPPING} == {member.value for member in KeyWrapAlgorithm}
    assert {case.algorithm for case in SIGNING} == {member.value for member in SignatureAlgorithm} - messages


def _version_for(algorithm: str) -> dict[str, str]:
    """Return the option for an API version that has an algorithm, if the default version lacks it."""
    names = [version.name for version in VERSIONS]
    added = {**KeyOperationsParameters._values_added_in["alg"], **KeySignParameters._values_added_in["alg"]}
    since = added.get(algorithm, names[0])
    return {"api_version": since} if names.index(since) > names.index(DEFAULT_VERSION) else {}


def digest_for(algorithm: str, data: bytes = b"message") -> bytes:
    """Return the digest that an algorithm signs."""
    return hashlib.new(DIGESTS[algorithm[-3:]], data).digest()


class Bench:
    """A key with clients for it: in the vault, here, and wherever the library decides."""

    def __init__(self, client: Any, ring: Keyring, case: Case) -> None:
        self.key = ring.imported(case.kind)
        self.material = ring.with_private_part(case.kind)
        if case.algorithm.startswith("HS"):
            self.key = self.material = ring.for_macs(case.kind, ["sign", "verify"])
        self.remote = client.get_cryptography_client(self.key.id, execution="remote")
        self.auto = client.get_cryptography_client(self.key.id)
        self.full = client.get_cryptography_client(self.material)


@pytest.fixture
def bench(
    target_of: Callable[[str], Target],
    client_of: Callable[..., Any],
    keyring_of: Callable[[Target], Keyring],
    case: Case,
) -> Bench:
    """The clients of a case."""
    target = target_of(case.place)
    return Bench(client_of(target, **_version_for(case.algorithm)), keyring_of(target), case)


@_cases(*ENCRYPTION)
async def test_encryption_in_the_vault_and_decryption_anywhere_give_the_plaintext(bench: Bench, case: Case) -> None:
    aad = {"additional_authenticated_data": b"aad"} if case.algorithm.endswith("GCM") else {}
    encrypted = await bench.remote.encrypt(case.algorithm, PLAINTEXT, **aad)
    assert (encrypted.key_id, encrypted.algorithm, encrypted.performed) == (bench.key.id, case.algorithm, "remote")
    assert (encrypted.iv is not None) == case.kind.startswith("oct")
    assert (encrypted.tag is not None) == case.algorithm.endswith("GCM")
    there = await bench.remote.decrypt(encrypted)
    here = await bench.full.decrypt(encrypted)
    assert (there.plaintext, here.plaintext) == (PLAINTEXT, PLAINTEXT)
    assert (there.performed, here.performed) == ("remote", "local" if case.local else "remote")
    assert (there.key_id, here.key_id, here.algorithm) == (bench.key.id, bench.key.id, case.algorithm)


@_cases(*(case for case in ENCRYPTION if case.local))
async def test_encryption_here_is_decrypted_in_the_vault(bench: Bench, case: Case) -> None:
    encrypted = await bench.full.encrypt(EncryptionAlgorithm(case.algorithm), PLAINTEXT)
    assert encrypted.performed == "local"
    decrypted = await bench.remote.decrypt(encrypted.algorithm, encrypted.ciphertext, iv=encrypted.iv)
    assert (decrypted.plaintext, decrypted.performed) == (PLAINTEXT, "remote")


@_cases(*ENCRYPTION)
async def test_encryption_where_the_library_decides_uses_what_is_public(bench: Bench, case: Case) -> None:
    encrypted = await bench.auto.encrypt(case.algorithm, PLAINTEXT)
    decrypted = await bench.auto.decrypt(encrypted)
    assert decrypted.plaintext == PLAINTEXT
    assert [encrypted.performed, decrypted.performed] == ["local" if case.public else "remote", "remote"]


def _last_byte_flipped(data: bytes) -> bytes:
    return bytes([*data[:-1], data[-1] ^ 0xFF])


@_cases(*(case for case in ENCRYPTION if not case.algorithm.endswith("CBC")))  # which cannot tell
async def test_decryption_of_damaged_data_raises_here_and_there(bench: Bench, case: Case) -> None:
    encrypted = await bench.remote.encrypt(case.algorithm, b"x" * 15)
    damaged, iv = encrypted.ciphertext, encrypted.iv
    if case.algorithm.endswith("CBCPAD"):  # makes the padding 0xFE; a damaged ciphertext may have a good one
        iv = _last_byte_flipped(iv)
    else:
        damaged = _last_byte_flipped(damaged)
    given = {"iv": iv, "authentication_tag": encrypted.tag} if case.kind.startswith("oct") else {}
    given = {name: value for name, value in given.items() if value is not None}
    with pytest.raises(HttpResponseError):
        await bench.remote.decrypt(case.algorithm, damaged, **given)
    if case.algorithm == "RSA1_5":  # for which OpenSSL may give random bytes (implicit rejection)
        return
    with pytest.raises(ValueError if case.local else HttpResponseError):
        await bench.full.decrypt(case.algorithm, damaged, **given)


@_cases(*WRAPPING)
async def test_wrapping_in_the_vault_and_unwrapping_anywhere_give_the_key(bench: Bench, case: Case) -> None:
    wrapped = await bench.remote.wrap_key(case.algorithm, SECRET)
    assert (wrapped.key_id, wrapped.algorithm, wrapped.performed) == (bench.key.id, case.algorithm, "remote")
    there = await bench.remote.unwrap_key(wrapped.algorithm, wrapped.encrypted_key)
    here = await bench.full.unwrap_key(case.algorithm, wrapped.encrypted_key)
    assert (there.key, here.key) == (SECRET, SECRET)
    assert (there.performed, here.performed) == ("remote", "local" if case.local else "remote")
    assert (there.key_id, here.key_id) == (bench.key.id, bench.key.id)


@_cases(*(case for case in WRAPPING if case.local))
async def test_wrapping_here_is_unwrapped_in_the_vault(bench: Bench, case: Case) -> None:
    wrapped = await bench.full.wrap_key(KeyWrapAlgorithm(case.algorithm), SECRET)
    assert wrapped.performed == "local"
    assert (await bench.remote.unwrap_key(wrapped.algorithm, wrapped.encrypted_key)).key == SECRET


@_cases(*WRAPPING)
async def test_wrapping_where_the_library_decides_uses_what_is_public(bench: Bench, case: Case) -> None:
    wrapped = await bench.auto.wrap_key(case.algorithm, SECRET)
    unwrapped = await bench.auto.unwrap_key(case.algorithm, wrapped.encrypted_key)
    assert unwrapped.key == SECRET
    assert [wrapped.performed, unwrapped.performed] == ["local" if case.public else "remote", "remote"]


@_cases(*SIGNING)
async def test_signature_of_the_vault_is_valid_everywhere(bench: Bench, case: Case) -> None:
    digest = digest_for(case.algorithm)
    signed = await bench.remote.sign(case.algorithm, digest)
    assert (signed.key_id, signed.algorithm, signed.performed) == (bench.key.id, case.algorithm, "remote")
    there = await bench.remote.verify(signed.algorithm, digest, signed.signature)
    here = await bench.auto.verify(case.algorithm, digest, signed.signature)
    assert (there.is_valid, here.is_valid) == (True, True)
    assert (there.performed, here.performed) == ("remote", "local" if case.local else "remote")
    assert (there.key_id, here.key_id) == (bench.key.id, bench.key.id)


@_cases(*(case for case in SIGNING if case.local))
async def test_signature_made_here_is_valid_in_the_vault(bench: Bench, case: Case) -> None:
    digest = digest_for(case.algorithm)
    signed = await bench.full.sign(SignatureAlgorithm(case.algorithm), digest)
    assert (signed.performed, signed.key_id) == ("local", bench.key.id)
    verified = await bench.remote.verify(case.algorithm, digest, signed.signature)
    assert (verified.is_valid, verified.performed) == (True, "remote")


@_cases(*SIGNING)
async def test_signature_of_something_else_is_not_valid_here_and_there(bench: Bench, case: Case) -> None:
    signed = await bench.auto.sign(case.algorithm, digest_for(case.algorithm))
    assert signed.performed == "remote"
    other = digest_for(case.algorithm, b"another message")
    assert not (await bench.remote.verify(case.algorithm, other, signed.signature)).is_valid
    assert not (await bench.auto.verify(case.algorithm, other, signed.signature)).is_valid


@_cases(*(case for case in SIGNING if case.algorithm in ("RS256", "PS384", "ES512", "ES256K", "HS512")))
async def test_sign_data_hashes_bytes_files_and_chunks_alike(bench: Bench, case: Case) -> None:
    data = b"message" * 1000
    signed = await bench.auto.sign_data(case.algorithm, io.BytesIO(data))
    for form in (data, io.BytesIO(data), [data[:1000], data[1000:]]):
        assert (await bench.auto.verify_data(case.algorithm, form, signed.signature)).is_valid
    digest = digest_for(case.algorithm, data)
    assert (await bench.remote.verify(case.algorithm, digest, signed.signature)).is_valid


@_cases(*(case for case in SIGNING if case.kind.startswith("EC")))
async def test_ecdsa_signature_in_der_is_valid_here_and_there(bench: Bench, case: Case) -> None:
    digest = digest_for(case.algorithm)
    der = (await bench.remote.sign(case.algorithm, digest)).to_der()
    assert der[0] == 0x30
    for client in (bench.remote, bench.auto):
        assert (await client.verify(case.algorithm, digest, der, encoding="der")).is_valid
        assert not (await client.verify(case.algorithm, digest[::-1], der, encoding="der")).is_valid


@pytest.mark.parametrize("way", ["id", "id without version", "key"])
async def test_client_of_its_own_for_a_key_uses_it(
    crypto_of: Any, keyring_of: Callable[[Target], Keyring], vault: Target, way: str
) -> None:
    key = keyring_of(vault).imported("RSA 2048")
    client = crypto_of({"id": key.id, "id without version": key.id.rpartition("/")[0], "key": key}[way], vault)
    assert client.vault_url == vault.url
    async with client:
        encrypted = await client.encrypt("RSA-OAEP-256", b"x")
        signed = await client.sign("PS256", b"d" * 32)
        assert (await client.decrypt(encrypted)).plaintext == b"x"
        assert (await client.verify("PS256", b"d" * 32, signed.signature)).performed == "local"
    assert (encrypted.key_id, signed.key_id, client.key_id) == (key.id, key.id, key.id)


# What is decided without the vault.


MISTAKES: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "digest of the wrong length": ("EC P-256", lambda client: client.sign("ES256", b"short")),
    "curve of another algorithm": ("EC P-384", lambda client: client.sign("ES256", b"d" * 32)),
    "type of another algorithm": ("EC P-256", lambda client: client.sign("RS256", b"d" * 32)),
    "plaintext too long": ("RSA 2048", lambda client: client.encrypt("RSA-OAEP", b"x" * 215)),
    "algorithm of another operation": ("RSA 2048", lambda client: client.encrypt("RS256", b"x")),
    "operation outside key_ops": ("EC P-256", lambda client: client.encrypt("RSA-OAEP", b"x")),
    "initialization vector for RSA": ("RSA 2048", lambda client: client.encrypt("RSA-OAEP", b"x", iv=b"i" * 16)),
}


@pytest.mark.parametrize("mistake", MISTAKES)
async def test_mistake_of_the_caller_raises_without_a_request(
    crypto_of: Any, keyring_of: Any, vault: Target, emulated_vault: KeyVaultEmulator, mistake: str
) -> None:
    kind, call = MISTAKES[mistake]
    client = crypto_of(keyring_of(vault).imported(kind), vault)
    traffic = Traffic(emulated_vault)
    with pytest.raises(ValueError, match=r"'?(digest|algorithm|plaintext|iv)|does not allow"):
        await call(client)
    assert len(traffic) == 0


@pytest.mark.parametrize("algorithm", [None, 5, b"RS256"], ids=repr)
@pytest.mark.parametrize("method", ["encrypt", "decrypt", "wrap_key", "unwrap_key", "sign", "verify"])
async def test_algorithm_of_the_wrong_type_raises(
    crypto_of: Any, vault: Target, traffic: Traffic, method: str, algorithm: Any
) -> None:
    arguments = (b"x", b"x") if method == "verify" else (b"x",)
    with pytest.raises(TypeError, match="algorithm"):
        await getattr(crypto_of(f"{vault.url}/keys/unused", vault), method)(algorithm, *arguments)
    assert len(traffic) == 0


@pytest.mark.parametrize("data", [None, "text", 5], ids=repr)
@pytest.mark.parametrize(
    ("method", "algorithm", "argument"),
    [
        ("encrypt", "RSA-OAEP", "plaintext"),
        ("decrypt", "RSA-OAEP", "ciphertext"),
        ("wrap_key", "RSA-OAEP", "key"),
        ("unwrap_key", "RSA-OAEP", "encrypted_key"),
        ("sign", "RS256", "digest"),
        ("sign_data", "RS256", "data"),
    ],
    ids=["encrypt", "decrypt", "wrap_key", "unwrap_key", "sign", "sign_data"],
)
async def test_data_of_the_wrong_type_raises(
    crypto_of: Any, vault: Target, traffic: Traffic, method: str, algorithm: str, argument: str, data: Any
) -> None:
    with pytest.raises((TypeError, ValueError), match=argument):
        await getattr(crypto_of(f"{vault.url}/keys/unused", vault), method)(algorithm, data)
    assert len(traffic) == 0


async def test_key_is_got_once_for_many_operations(
    crypto_of: Any, keyring_of: Any, vault: Target, emulated_vault: KeyVaultEmulator
) -> None:
    client = crypto_of(keyring_of(vault).imported("RSA 2048").id, vault)
    traffic = Traffic(emulated_vault)
    for _ in range(3):
        encrypted = await client.encrypt("RSA-OAEP", b"x")
        await client.decrypt(encrypted)
    assert [request.method for request in traffic.calls] == ["GET", "POST", "POST", "POST"]


async def test_key_that_may_not_be_read_is_used_in_the_vault(
    crypto_of: Any, keyring_of: Any, vault: Target, emulator: KeyVaultEmulator
) -> None:
    key = keyring_of(vault).imported("RSA 2048")
    emulator.permissions.deny("get")
    client = crypto_of(key.id, vault)
    encrypted = await client.encrypt("RSA-OAEP", b"x")
    assert (encrypted.performed, (await client.decrypt(encrypted)).plaintext) == ("remote", b"x")


async def test_disabled_key_is_refused_here_and_there(client: Any, name: str) -> None:
    key = await client.create_rsa_key(name, enabled=False)
    with pytest.raises(ValueError, match="disabled"):
        await client.get_cryptography_client(key).encrypt("RSA-OAEP", b"x")
    with pytest.raises(HttpResponseError, match="KeyDisabled"):
        await client.get_cryptography_client(key, execution="remote").encrypt("RSA-OAEP", b"x")


async def test_client_for_a_jwk_does_everything_here(world: World) -> None:
    async with world.from_jwk(private_jwk("RSA 2048")) as client:
        encrypted = await client.encrypt("RSA-OAEP-256", b"x")
        decrypted = await client.decrypt(encrypted)
        signed = await client.sign("PS256", b"d" * 32)
        verified = await client.verify("PS256", b"d" * 32, signed.signature)
    assert (decrypted.plaintext, verified.is_valid) == (b"x", True)
    assert {result.performed for result in (encrypted, decrypted, signed, verified)} == {"local"}
    assert (client.vault_url, client.key_id) == (None, None)


async def test_client_for_a_public_jwk_cannot_sign(world: World) -> None:
    public = JsonWebKey.from_pem(private_jwk("EC P-256").to_pem())
    with pytest.raises(NotImplementedError, match="sign"):
        await world.from_jwk(public).sign("ES256", b"d" * 32)


async def test_local_execution_sends_no_request(
    crypto_of: Any, keyring_of: Any, vault: Target, emulated_vault: KeyVaultEmulator
) -> None:
    client = crypto_of(keyring_of(vault).imported("RSA 2048"), vault, execution="local")
    traffic = Traffic(emulated_vault)
    encrypted = await client.encrypt("RSA-OAEP", b"x")
    with pytest.raises(NotImplementedError, match="decrypt"):
        await client.decrypt(encrypted)
    assert (encrypted.performed, len(traffic)) == ("local", 0)
