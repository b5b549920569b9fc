"""Importing keys that were made elsewhere, in every form that Python programs have them in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from fixtures.keyring import private_jwk
from fixtures.targets import Target, Traffic

from azure.keyvault.keys import JsonWebKey, KeyType
from azure.keyvault.keys.emulator import KeyVaultEmulator

KINDS = ["RSA 2048", "EC P-256", "EC P-384", "EC P-521", "EC P-256K"]
PRIVATE = ("d", "p", "q", "dp", "dq", "qi", "k")


def _pem(kind: str, form: PrivateFormat) -> bytes:
    key = private_jwk(kind).to_cryptography(private=True)
    return key.private_bytes(Encoding.PEM, form, NoEncryption())


FORMS: dict[str, Callable[[str], Any]] = {
    "JsonWebKey": private_jwk,
    "PKCS#8 PEM": lambda kind: _pem(kind, PrivateFormat.PKCS8),
    "PEM as text": lambda kind: _pem(kind, PrivateFormat.PKCS8).decode(),
    "traditional PEM": lambda kind: _pem(kind, PrivateFormat.TraditionalOpenSSL),
    "DER": lambda kind: private_jwk(kind).to_der(private=True),
    "cryptography": lambda kind: private_jwk(kind).to_cryptography(private=True),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", KINDS)
async def test_import_key_in_any_form_becomes_the_same_key(client: Any, name: str, kind: str, form: str) -> None:
    key = await client.import_key(name, FORMS[form](kind))
    given = private_jwk(kind)
    assert (key.name, key.key_type) == (name, kind.split()[0])
    assert [getattr(key.key, part) for part in PRIVATE] == [None] * len(PRIVATE)
    assert key.key.thumbprint() == given.thumbprint()
    assert (await client.get_key(name)).key == key.key


@pytest.mark.parametrize("kind", ["oct 128", "oct 192", "oct 256", *KINDS])
async def test_import_key_into_a_managed_hsm_becomes_an_hsm_key(hsm_client: Any, name: str, kind: str) -> None:
    key = await hsm_client.import_key(name, private_jwk(kind))
    assert key.key_type == kind.split()[0] + "-HSM"
    assert key.key.k is None


@pytest.mark.case("N10")
async def test_import_key_sends_every_option(client: Any, name: str) -> None:
    given = private_jwk("EC P-256")
    jwk = JsonWebKey(kty="EC", crv=given.crv, x=given.x, y=given.y, d=given.d, key_ops=["verify"])
    key = await client.import_key(name, jwk, enabled=False, tags={"origin": "legacy"}, hsm=True)
    assert (key.key_type, key.key_operations) == (KeyType.ec_hsm, ["verify"])
    assert (key.properties.enabled, key.properties.tags) == (False, {"origin": "legacy"})


@pytest.mark.parametrize("keyword", ["hsm", "hardware_protected"])
async def test_import_key_under_either_name_of_hardware_protection_is_protected(
    client: Any, new_name: Callable[[], str], keyword: str
) -> None:
    jwk = private_jwk("EC P-256")
    assert (await client.import_key(new_name(), jwk, **{keyword: True})).key_type == KeyType.ec_hsm
    assert (await client.import_key(new_name(), jwk, **{keyword: False})).key_type == KeyType.ec


async def test_import_key_with_hardware_protection_told_differently_raises(client: Any, traffic: Traffic) -> None:
    with pytest.raises(TypeError, match="hardware_protected and hsm"):
        await client.import_key("unused", private_jwk("EC P-256"), hsm=True, hardware_protected=False)
    assert len(traffic) == 0


@pytest.mark.case("G7")
async def test_import_key_on_the_curve_of_2016_is_on_p_256k(client: Any, name: str) -> None:
    jwk = private_jwk("EC P-256K")
    old = JsonWebKey(kty="EC", crv="SECP256K1", x=jwk.x, y=jwk.y, d=jwk.d)
    assert (await client.import_key(name, old)).key.crv == "P-256K"


async def test_import_key_of_an_existing_name_makes_a_new_version(client: Any, name: str) -> None:
    created = await client.create_rsa_key(name)
    imported = await client.import_key(name, private_jwk("EC P-256"))
    assert imported.properties.version != created.properties.version
    assert (await client.get_key(name)).id == imported.id


async def test_import_key_before_the_challenge_has_no_body(client_of: Any) -> None:
    """The private part does not go out before the vault has proved to be one."""
    with KeyVaultEmulator() as emulator:
        await client_of(Target.emulated(emulator)).import_key("orders", private_jwk("EC P-256"))
        seen = [(request.authorised, bool(request.body_length)) for request in emulator.requests]
    assert seen == [(False, False), (True, True)]


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ({}, "key must be a JsonWebKey"),
        (None, "key must be a JsonWebKey"),
        (rsa.generate_private_key(65537, 2048).public_key(), "key must be a JsonWebKey.*: its private part is missing"),
    ],
    ids=["dict", "none", "public key"],
)
async def test_import_key_of_no_key_raises(client: Any, traffic: Traffic, key: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        await client.import_key("unused", key)
    assert len(traffic) == 0


@pytest.mark.parametrize(
    "key",
    [b"", b"no DER", "-----BEGIN PRIVATE KEY-----", JsonWebKey(), JsonWebKey(kty="RSA")],
    ids=["empty", "not DER", "half a PEM", "no type", "no numbers"],
)
async def test_import_key_of_a_broken_key_raises(client: Any, traffic: Traffic, key: Any) -> None:
    with pytest.raises(ValueError, match=r"key|'n'"):
        await client.import_key("unused", key)
    assert len(traffic) == 0


@pytest.mark.parametrize(
    "public",
    [
        lambda: JsonWebKey.from_pem(private_jwk("EC P-256").to_pem()),
        lambda: private_jwk("EC P-256").to_pem(),
        lambda: private_jwk("RSA 2048").to_der(),
    ],
    ids=["JWK", "PEM", "DER"],
)
async def test_import_key_without_a_private_part_says_so(client: Any, traffic: Traffic, public: Any) -> None:
    """The service would refuse it, so the error is of the service's kind as well."""
    for kind in (ValueError, HttpResponseError):
        with pytest.raises(kind, match=r"must be a valid JsonWebKey object .* its private part is missing"):
            await client.import_key("orders", public())
    assert len(traffic) == 0
