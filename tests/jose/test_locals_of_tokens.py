"""What printers of local variables see of a token or an assertion that could not be made: no claim, no private key."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from fixtures.jose_world import Jose
from fixtures.printed_locals import printed_locals

from azure.keyvault.keys import KeyClient, jose
from azure.keyvault.keys.emulator import KeyVaultEmulator

MARK = "canary-of-claims"
CLAIMS = {"sub": "tea", "password": MARK}


def assert_hidden(error: BaseException, *secrets: str) -> None:
    shown = printed_locals(error)
    encoded = base64.urlsafe_b64encode(f'"{MARK}"'.encode()).decode()[4:-4]
    for secret in (MARK, encoded, *secrets):
        assert secret not in shown


CALLS: dict[str, Callable[[Jose, Any], Any]] = {
    "claims that are no JSON": lambda jose, crypto: jose.sign_jwt(crypto, {**CLAIMS, "x": object()}),
    "another algorithm": lambda jose, crypto: jose.sign_jwt(crypto, CLAIMS, algorithm="ES512"),
    "no algorithm": lambda jose, crypto: jose.sign_jwt(crypto, CLAIMS, algorithm="none"),
    "headers of another algorithm": lambda jose, crypto: jose.sign_jwt(
        crypto, CLAIMS, headers={"alg": "RS512", "secret": MARK}
    ),
    "headers that are no JSON": lambda jose, crypto: jose.sign_jwt(crypto, CLAIMS, headers={MARK: object()}),
}


@pytest.mark.case("P15", "I2")
@pytest.mark.parametrize("what", CALLS)
async def test_refused_token_leaves_no_local_variables(world: Jose, client: KeyClient, what: str) -> None:
    client.create_rsa_key("printed")
    with pytest.raises((ValueError, TypeError)) as caught:
        await CALLS[what](world, world.crypto("printed"))
    assert_hidden(caught.value)


@pytest.mark.case("P15", "I2")
async def test_token_that_the_vault_does_not_sign_leaves_no_local_variables(
    world: Jose, client: KeyClient, vault: KeyVaultEmulator
) -> None:
    client.create_rsa_key("printed")
    vault.permissions.deny("sign")
    try:
        with pytest.raises(HttpResponseError) as caught:
            await world.sign_jwt(world.crypto("printed"), CLAIMS)
    finally:
        vault.permissions.reset()
    assert_hidden(caught.value)


@pytest.mark.case("P15", "I2")
def test_certificate_beside_a_private_key_leaves_no_local_variables(client: KeyClient) -> None:
    client.create_rsa_key("printed")
    private = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    broken = private.decode() + "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    with pytest.raises(ValueError) as caught:
        jose.ClientAssertion(
            client.get_cryptography_client("printed"), client_id="c", tenant_id="t", certificate=broken
        )
    assert_hidden(caught.value, private.decode().splitlines()[1])
