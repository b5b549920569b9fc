"""A caller's mistake is an error of the documented types, at once and without a request, wherever the client works."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from fixtures.cases import Cases
from fixtures.keyring import Keyring, needs_ml_dsa, private_jwk
from fixtures.targets import Target, Traffic
from fixtures.worlds import World
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from azure.keyvault.keys import JsonWebKey, KeyVaultKey
from azure.keyvault.keys.crypto import CryptographyClient, EncryptResult
from azure.keyvault.keys.crypto._local.algorithms import ALGORITHMS
from azure.keyvault.keys.emulator import KeyVaultEmulator

DOCUMENTED = (TypeError, ValueError, NotImplementedError)
DIGEST = bytes(32)

#: What does not fit whatever the key is: method, arguments, and what the error names.
WHATEVER_THE_KEY: list[tuple[str, tuple[Any, ...], dict[str, Any], str]] = [
    ("encrypt", (None, b"x"), {}, "algorithm"),
    ("encrypt", (7, b"x"), {}, "algorithm"),
    ("encrypt", ({"alg": "RSA-OAEP"}, b"x"), {}, "'algorithm' must be an algorithm enum or its string, not dict"),
    ("decrypt", ({"alg": "RSA-OAEP", "ciphertext": "eA"},), {}, r"pass EncryptResult\.from_dict\(\.\.\.\)"),
    ("unwrap_key", ({"alg": "RSA-OAEP", "encrypted_key": "eA"},), {}, r"pass WrapResult\.from_dict\(\.\.\.\)"),
    ("verify", ({"alg": "RS256", "signature": "eA"}, DIGEST), {}, r"pass SignResult\.from_dict\(\.\.\.\)"),
    ("verify_data", ({"alg": "RS256", "signature": "eA"}, b"x"), {}, r"pass SignResult\.from_dict\(\.\.\.\)"),
    ("encrypt", ("RS256", b"x"), {}, "algorithm"),
    ("encrypt", ("A128KW", b"x"), {}, "algorithm"),
    ("encrypt", ("RSA-OAEP", "text"), {}, "plaintext"),
    ("encrypt", ("RSA-OAEP", None), {}, "plaintext"),
    ("encrypt", ("RSA-OAEP", 7), {}, "plaintext"),
    ("encrypt", ("RSA-OAEP", b"x"), {"iv": bytes(16)}, "iv"),
    ("encrypt", ("RSA-OAEP", b"x"), {"additional_authenticated_data": b"a"}, "additional_authenticated_data"),
    ("encrypt", ("A128CBCPAD", b"x"), {"iv": b"short"}, "iv"),
    ("encrypt", ("A128CBCPAD", b"x"), {"iv": b""}, "iv"),
    ("encrypt", ("A128CBCPAD", b"x"), {"iv": "text"}, "iv"),
    ("encrypt", ("A128GCM", b"x"), {"iv": bytes(12)}, "iv"),
    ("decrypt", ("RSA-OAEP",), {}, "ciphertext"),
    ("decrypt", ("RSA-OAEP", b"x"), {"iv": bytes(16)}, "iv"),
    ("decrypt", ("RSA-OAEP", b"x"), {"authentication_tag": bytes(16)}, "authentication_tag"),
    ("decrypt", ("A128CBCPAD", bytes(16)), {}, "iv"),
    ("decrypt", ("A128CBCPAD", bytes(16)), {"iv": bytes(12)}, "iv"),
    ("decrypt", ("A128CBC", bytes(16)), {"iv": bytes(16), "authentication_tag": b"t"}, "authentication_tag"),
    ("decrypt", ("A128GCM", bytes(16)), {"iv": bytes(12)}, "authentication_tag"),
    ("decrypt", ("A128GCM", bytes(16)), {"iv": bytes(12), "authentication_tag": bytes(12)}, "authentication_tag"),
    ("decrypt", ("A128GCM", bytes(16)), {"authentication_tag": bytes(16)}, "iv"),
    ("wrap_key", ("RS256", bytes(16)), {}, "algorithm"),
    ("wrap_key", ("A128KW", bytes(15)), {}, "key"),
    ("wrap_key", ("A128KW", bytes(8)), {}, "key"),
    ("wrap_key", ("RSA-OAEP", None), {}, "key"),
    ("unwrap_key", ("RSA-OAEP", "text"), {}, "encrypted_key"),
    ("unwrap_key", ("A128CBC", b"x"), {}, "algorithm"),
    ("sign", ("RS256", b"short"), {}, "digest"),
    ("sign", ("ES512", DIGEST), {}, "digest"),
    ("sign", ("HS256", bytes(48)), {}, "digest"),
    ("sign", ("RSA-OAEP", DIGEST), {}, "algorithm"),
    ("verify", ("RS256", DIGEST, None), {}, "signature"),
    ("verify", ("RS256", b"", b"s"), {}, "digest"),
    ("verify", ("RS256", DIGEST, b"s"), {"encoding": "der"}, "encoding"),
    ("verify", ("ES256", DIGEST, b"s"), {"encoding": "pem"}, "encoding"),
    ("sign_data", ("RS256", "text"), {}, "data"),
    ("sign_data", ("RS256", None), {}, "data"),
    ("sign_data", ("RS256", io.StringIO("text")), {}, "data"),
    ("sign_data", ("RS256", ["text"]), {}, "data"),
    ("sign_data", ("RS256", 7), {}, "data"),
    ("sign_data", ("RSA-OAEP", b"x"), {}, "algorithm"),
    ("sign_data", ("RS999", b"x"), {}, "algorithm"),
    ("verify_data", ("ES256", {"a": 1}, b"s"), {}, "data"),
    ("verify_data", (None, b"x", b"s"), {}, "algorithm"),
]

#: What does not fit a 2048-bit RSA key that is known.
RSA_KEY: list[tuple[str, tuple[Any, ...], str]] = [
    ("encrypt", ("RSA-OAEP", bytes(215)), "214 at most"),
    ("encrypt", ("RSA-OAEP-256", bytes(191)), "190 at most"),
    ("encrypt", ("RSA1_5", bytes(246)), "245 at most"),
    ("wrap_key", ("RSA-OAEP-256", bytes(191)), "190 at most"),
    ("encrypt", ("A256CBCPAD", b"x"), "is for oct keys"),
    ("encrypt", ("A256GCM", b"x"), "is for oct keys"),
    ("wrap_key", ("A256KW", bytes(16)), "is for oct keys"),
    ("sign", ("ES256", DIGEST), "is for EC keys"),
    ("sign", ("HS256", DIGEST), "is for oct keys"),
    ("verify", ("ES256K", DIGEST, bytes(64)), "is for EC keys"),
]


def _described(case: tuple[Any, ...]) -> str:
    return f"{case[0]}-{case[1][0]}-{case[-1]}"


CLIENTS = ("key", "identifier", "remote", "jwk")


@pytest.fixture
def client_for(
    crypto_of: Any, keyring_of: Callable[[Target], Keyring], vault: Target, world: World
) -> Callable[[str], Any]:
    """Makes a client for an RSA key, in each of the ways to get one."""
    key = keyring_of(vault).imported("RSA 2048")

    def make(how: str) -> Any:
        if how == "jwk":
            return world.from_jwk(private_jwk("RSA 2048"))
        return crypto_of(key if how == "key" else key.id, vault, **({"execution": "remote"} if how == "remote" else {}))

    return make


@pytest.mark.parametrize("how", CLIENTS)
async def test_argument_that_cannot_fit_is_refused_by_name_without_a_request(
    client_for: Callable[[str], Any], emulated_vault: KeyVaultEmulator, how: str
) -> None:
    client, traffic, cases = client_for(how), Traffic(emulated_vault), Cases()
    for number, case in enumerate(WHATEVER_THE_KEY):
        method, arguments, options, named = case
        with cases.of(number, _described(case)):
            traffic.restart()
            with pytest.raises((TypeError, ValueError), match=named):
                await getattr(client, method)(*arguments, **options)
            assert len(traffic) == 0
    cases.check()


@pytest.mark.case("K9", "M9")
@pytest.mark.parametrize("case", RSA_KEY, ids=_described)
async def test_argument_that_does_not_fit_the_key_is_refused_without_a_request(
    client_for: Callable[[str], Any], emulated_vault: KeyVaultEmulator, case: tuple[Any, ...]
) -> None:
    method, arguments, message = case
    client, traffic = client_for("key"), Traffic(emulated_vault)
    with pytest.raises(ValueError, match=message):
        await getattr(client, method)(*arguments)
    assert len(traffic) == 0


@pytest.mark.case("J6")
@pytest.mark.parametrize("algorithm", ["ES256", "ES384", "ES512", "ES256K"])
@pytest.mark.parametrize("curve", ["P-256", "P-384", "P-521", "P-256K"])
@pytest.mark.parametrize("execution", ["auto", "remote"])
async def test_algorithm_of_another_curve_is_refused_without_a_request(
    crypto_of: Any,
    keyring_of: Callable[[Target], Keyring],
    vault: Target,
    emulated_vault: KeyVaultEmulator,
    algorithm: str,
    curve: str,
    execution: str,
) -> None:
    row = next(row for row in ALGORITHMS if row.name == algorithm)
    if row.curve == curve:
        return
    client = crypto_of(keyring_of(vault).imported(f"EC {curve}"), vault, execution=execution)
    traffic, digest = Traffic(emulated_vault), bytes(row.digest_size or 0)
    for call in (client.sign(algorithm, digest), client.verify(algorithm, digest, b"s")):
        with pytest.raises(ValueError, match=f"needs a key on {row.curve}, and the key is on {curve}"):
            await call
    assert len(traffic) == 0


@pytest.mark.case("L6", "L11")
@pytest.mark.parametrize(("bits", "algorithm"), [(128, "A256KW"), (256, "A128KW"), (192, "A256KW")])
async def test_algorithm_of_another_size_is_refused(world: World, bits: int, algorithm: str) -> None:
    client = world.from_jwk(private_jwk(f"oct {bits}"))
    with pytest.raises(ValueError, match="needs a key of exactly"):
        await client.wrap_key(algorithm, bytes(16))
    with pytest.raises(ValueError, match="needs a key of exactly"):
        await client.encrypt(f"A{algorithm[1:4]}CBCPAD", bytes(16))


@pytest.mark.case("K3", "L5", "M9")
async def test_data_that_cannot_be_decrypted_is_not_sent_to_the_vault(
    crypto_of: Any, keyring_of: Callable[[Target], Keyring], hsm: Target, emulated_hsm: KeyVaultEmulator
) -> None:
    ring = keyring_of(hsm)
    rsa, oct_key = (crypto_of(ring.with_private_part(kind), hsm) for kind in ("RSA 2048", "oct 256"))
    traffic, texts = Traffic(emulated_hsm), set()
    for call in (
        rsa.decrypt("RSA-OAEP", bytes(256)),
        rsa.decrypt("RSA-OAEP", b""),
        rsa.decrypt("RSA-OAEP-256", b"\xff" * 256),
        rsa.decrypt("RSA1_5", b"x"),
        rsa.unwrap_key("RSA-OAEP", bytes(257)),
        oct_key.decrypt("A256CBCPAD", b"", iv=bytes(16)),
        oct_key.decrypt("A256CBCPAD", bytes(15), iv=bytes(16)),
        oct_key.decrypt("A256CBCPAD", bytes(16), iv=bytes(16)),
        oct_key.decrypt("A256CBC", bytes(17), iv=bytes(16)),
        oct_key.unwrap_key("A256KW", bytes(24)),
        oct_key.unwrap_key("A256KW", b"x"),
    ):
        with pytest.raises(ValueError, match="could not be decrypted") as caught:
            await call
        texts.add(str(caught.value))
        assert caught.value.__cause__ is None
        # Python 3.10 hangs the error of a thread on itself.
        assert str(caught.value.__context__ or caught.value) == str(caught.value)
    assert len(texts) == 1
    assert len(traffic) == 0


async def test_result_of_encryption_says_all_that_decrypt_needs(world: World) -> None:
    client = world.from_jwk(JsonWebKey(kty="oct", k=bytes(32)))
    encrypted: EncryptResult = await client.encrypt(
        "A128CBC-HS256", b"x", additional_authenticated_data=memoryview(b"aad")
    )
    assert (await client.decrypt(encrypted)).plaintext == b"x"
    with pytest.raises(TypeError, match="nothing else"):
        await client.decrypt(encrypted, encrypted.ciphertext)


@pytest.mark.case("L8")
async def test_any_buffer_is_taken(world: World) -> None:
    client = world.from_jwk(private_jwk("RSA 2048"))
    for kind in (bytes, bytearray, memoryview):
        encrypted = await client.encrypt("RSA-OAEP", kind(b"x"))
        assert (await client.decrypt("RSA-OAEP", kind(encrypted.ciphertext))).plaintext == b"x"
        signed = await client.sign("RS256", kind(DIGEST))
        assert (await client.verify("RS256", kind(DIGEST), kind(signed.signature))).is_valid


NAMES = [*sorted({row.name for row in ALGORITHMS}), "RS1", "", "rsa-oaep", "ML-DSA-1"]
anything = st.one_of(
    st.none(),
    st.integers(),
    st.text(max_size=5),
    st.binary(max_size=300),
    st.sampled_from([16, 24, 32, 40, 48, 64, 66, 96, 128, 132, 190, 256]).map(bytes),
    st.binary(max_size=40).map(bytearray),
    st.binary(max_size=40).map(memoryview),
    st.lists(st.binary(max_size=4), max_size=2),
    st.builds(object),
)
names = st.sampled_from(NAMES) | anything
METHODS = ("encrypt", "decrypt", "wrap_key", "unwrap_key", "sign", "verify", "sign_data", "verify_data")
KINDS = (
    *("RSA 2048", "EC P-256", "EC P-521", "EC P-256K", "oct 128", "oct 256", "oct 512"),
    pytest.param("AKP ML-DSA-44", marks=needs_ml_dsa),
)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_bad_input_of_any_kind_raises_what_is_documented_and_sends_nothing(
    vault: Target, traffic: Traffic, kind: str, data: Any
) -> None:
    key = KeyVaultKey(f"{vault.url}/keys/k/1", private_jwk(kind))
    local = CryptographyClient(key, vault.credential, execution="local", **vault.options)
    with local:
        for client in (local, CryptographyClient.from_jwk(private_jwk(kind))):
            method = data.draw(
                st.sampled_from(
                    ["encrypt", "decrypt", "wrap_key", "unwrap_key", "sign", "verify", "sign_data", "verify_data"]
                )
            )
            options = {}
            if method in ("encrypt", "decrypt"):
                wanted = ["iv", "additional_authenticated_data"] + ["authentication_tag"] * (method == "decrypt")
                options = {name: data.draw(anything) for name in wanted if data.draw(st.booleans())}
            elif method.startswith("verify"):
                options = {"encoding": data.draw(st.sampled_from(["jose", "der"]) | anything)}
            if method.startswith(("sign", "verify")):
                wanted = ["context"] + ["external_mu"] * (method in ("sign", "verify"))
                options |= {name: data.draw(anything) for name in wanted if data.draw(st.booleans())}
            count = 2 if method.startswith("verify") else 1
            try:
                getattr(client, method)(data.draw(names), *(data.draw(anything) for _ in range(count)), **options)
            except DOCUMENTED:
                pass
    assert len(traffic) == 0


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    members=st.fixed_dictionaries(
        {"kty": st.sampled_from(["RSA", "EC", "oct", "AKP", "OKP", "", None, 7])},
        optional={
            name: st.sampled_from([b"", b"\1", b"\1\0\1", bytes(32), b"\xff" * 256]) | st.text(max_size=6) | st.none()
            for name in ("n", "e", "d", "p", "q", "k", "x", "y", "pub", "priv")
        }
        | {
            "alg": st.sampled_from(["ML-DSA-44", "RS256", None, 7]),
            "crv": st.sampled_from(["P-256", "P-521", "secp256k1", "P-192", None, 7]),
            "key_ops": st.sampled_from([None, [], ["sign"], "sign", 7, [7]]),
        },
    )
)
def test_bad_jwk_of_any_kind_is_a_value_error(members: dict[str, Any]) -> None:
    message = ""
    try:
        CryptographyClient.from_jwk(members)
    except ValueError as error:
        message = str(error)
    assert message.startswith("The provided jwk is not valid for local cryptography") or not message


@pytest.mark.parametrize("jwk", [None, 7, b"\xff", "[]", "{", [], Ellipsis, "{}", {}], ids=repr)
def test_what_is_no_jwk_is_a_value_error(jwk: Any) -> None:
    with pytest.raises(ValueError, match="not valid for local cryptography"):
        CryptographyClient.from_jwk(jwk)


@pytest.mark.case("M10")
async def test_client_for_a_jwk_has_no_vault(world: World, traffic: Traffic) -> None:
    client = world.from_jwk(private_jwk("EC P-256"))
    assert client.vault_url is None
    with pytest.raises(ValueError, match="sends no requests"):
        client.subject.send_request(object()) if not world.is_async else client.send_request(object())
    assert len(traffic) == 0
