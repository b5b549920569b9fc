"""Names of algorithms, curves, types and operations that are misspelt, and arguments in the wrong place."""

from __future__ import annotations

from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from fixtures.targets import Traffic

from azure.keyvault.keys._names import CURVES_ELSEWHERE, KEY_TYPES_ELSEWHERE, Names
from azure.keyvault.keys.emulator import KeyVaultEmulator

pytestmark = pytest.mark.usefixtures("emulator_only")

CURVES = ("P-256", "P-384", "P-521", "P-256K")


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        *[(word, "P-256") for word in ("secp256r1", "prime256v1", "p256", "P256", "p-256", "P_256", "NIST P-256")],
        ("secp384r1", "P-384"),
        ("P-512", "P-521"),
        ("p-256k", "P-256K"),
    ],
)
async def test_misspelt_curve_is_told_with_the_nearest(client: Any, traffic: Traffic, word: str, meant: str) -> None:
    text = rf"curve '{word}' is unknown; did you mean '{meant}'\? The known curves are P-256, P-384, P-521, P-256K"
    for call in (
        lambda: client.create_ec_key("orders", curve=word),
        lambda: client.create_key("orders", "EC", curve=word),
    ):
        with pytest.raises(ValueError, match=text):
            await call()
    assert len(traffic) == 0


@pytest.mark.parametrize(("word", "meant"), [("rsa", "RSA"), ("Ec", "EC"), ("RSA_HSM", "RSA-HSM"), ("OCT", "oct")])
async def test_misspelt_type_is_told_with_the_nearest(client: Any, traffic: Traffic, word: str, meant: str) -> None:
    with pytest.raises(ValueError, match=rf"key_type '{word}' is unknown; did you mean '{meant}'\? .*EC, EC-HSM, RSA,"):
        await client.create_key("orders", word)
    assert len(traffic) == 0


@pytest.mark.parametrize(("word", "meant"), [("Sign", "sign"), ("wrap_key", "wrapKey"), ("decyrpt", "decrypt")])
async def test_misspelt_operation_is_told_with_the_nearest(
    client: Any, traffic: Traffic, word: str, meant: str
) -> None:
    with pytest.raises(ValueError, match=rf"key_operations '{word}' is unknown; did you mean '{meant}'\?"):
        await client.create_rsa_key("orders", key_operations=[word])
    assert len(traffic) == 0


@pytest.mark.parametrize("word", ["Ed25519", "P-384K", "secp256k1-schnorr"])
async def test_new_curve_is_left_to_the_service(client: Any, traffic: Traffic, word: str) -> None:
    with pytest.raises(HttpResponseError):
        await client.create_ec_key("orders", curve=word)
    assert len(traffic) > 0


@pytest.mark.parametrize("word", ["es256", "ES-256", "ES265"])
async def test_misspelt_algorithm_is_told_with_the_nearest(client: Any, name: str, word: str) -> None:
    key = await client.create_ec_key(name)
    crypto = client.get_cryptography_client(key)
    for call in (
        lambda: crypto.sign_data(word, b"data"),
        lambda: crypto.verify_data(word, b"data", b"signature"),
        lambda: crypto.sign(word, bytes(32)),
    ):
        with pytest.raises(ValueError, match=rf"algorithm '{word}' is unknown; did you mean 'ES256'\? .*ES256, ES384"):
            await call()


async def test_misspelt_algorithms_of_other_operations_are_told(client: Any, name: str) -> None:
    crypto = client.get_cryptography_client(await client.create_rsa_key(name))
    with pytest.raises(ValueError, match="did you mean 'RSA-OAEP-256'"):
        await crypto.encrypt("rsa-oaep-256", b"data")
    with pytest.raises(ValueError, match="did you mean 'RSA-OAEP'"):
        await crypto.wrap_key("RSA_OAEP", bytes(32))


async def test_algorithm_that_has_no_hash_here_is_told_with_all_that_have(client: Any, name: str) -> None:
    crypto = client.get_cryptography_client(await client.create_ec_key(name))
    with pytest.raises(
        ValueError, match=r"algorithm 'FOO' is unknown. The known algorithms of sign .* ES256, .*digest"
    ):
        await crypto.sign_data("FOO", b"data")


async def test_new_algorithm_is_left_to_the_service(client: Any, name: str) -> None:
    crypto = client.get_cryptography_client(await client.create_rsa_key(name))
    with pytest.raises(HttpResponseError):
        await crypto.encrypt("RSA-OAEP-384", b"data")


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda client: client.create_rsa_key("x", 2048), "hsm must be bool, not int: .* write size=2048"),
        (lambda client: client.create_ec_key("y", "P-384"), "hsm must be bool, not str: .* write curve='P-384'"),
    ],
    ids=["size", "curve"],
)
async def test_argument_in_the_place_of_hsm_says_which_keyword(
    client: Any, traffic: Traffic, call: Any, text: str
) -> None:
    with pytest.raises(TypeError, match=text):
        await call(client)
    assert len(traffic) == 0


async def test_symmetric_key_in_a_vault_says_who_has_them(client: Any) -> None:
    for call in (
        lambda: client.create_oct_key("x", size=256),
        lambda: client.create_key("x", "oct-HSM"),
    ):
        with pytest.raises(HttpResponseError, match=r"Only a Managed HSM has symmetric \(oct\) keys"):
            await call()


async def test_error_of_the_service_says_it_once_with_code_advice_and_request_id(
    client: Any, emulator: KeyVaultEmulator
) -> None:
    with pytest.raises(ResourceNotFoundError) as missing:
        await client.get_key("no-such-key")
    error = missing.value
    assert error.error is not None
    assert error.error.message is not None
    assert str(error) == error.message
    assert str(error).count(error.error.message) == 1
    assert str(error).startswith(f"(KeyNotFound) {error.error.message}\n")
    assert "recover_deleted_key brings it back" in str(error)
    assert error.response is not None
    assert f"Status 404, request id {error.response.headers['x-ms-request-id']}." in str(error)


@pytest.mark.parametrize(
    ("rbac", "code", "advice"),
    [
        (False, "ForbiddenByPolicy", "Give the caller the key permission 'create' in the vault's access policies."),
        (True, "ForbiddenByRbac", "Assign the caller a role on the vault that allows it"),
    ],
    ids=["policy", "role"],
)
async def test_403_names_what_is_missing(
    client: Any, emulator: KeyVaultEmulator, rbac: bool, code: str, advice: str
) -> None:
    emulator.permissions.rbac = rbac
    emulator.permissions.deny("create")
    with pytest.raises(HttpResponseError) as denied:
        await client.create_rsa_key("orders")
    assert advice in str(denied.value)
    assert f"Status 403, code {code}, request id" in str(denied.value)


def test_known_name_is_no_mistake() -> None:
    curves = Names("curves", CURVES, CURVES_ELSEWHERE)
    assert [curves.misspelt(name) for name in CURVES] == [None] * 4
    assert [curves.check("curve", name) for name in CURVES] == list(CURVES)


@pytest.mark.parametrize("word", ["OKP", "OKP-HSM", "EdDSA"])
def test_type_of_another_standard_is_no_slip(word: str) -> None:
    types = Names("key types", ["EC", "EC-HSM", "RSA", "RSA-HSM", "oct", "oct-HSM", "AKP", "AKP-HSM"])
    assert types.misspelt(word) is None


def test_names_of_others_stand_for_known_ones() -> None:
    assert set(CURVES_ELSEWHERE.values()) <= set(CURVES)
    assert set(KEY_TYPES_ELSEWHERE.values()) <= {"EC", "oct", "AKP"}
