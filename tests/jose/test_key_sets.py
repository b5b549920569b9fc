"""The JWK Set of a key: which versions are in it, and what is said of them."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from fixtures.jose_world import Jose

from azure.keyvault.keys import KeyClient, KeyVaultKey, aio, jose
from azure.keyvault.keys.emulator import KeyVaultEmulator
from azure.keyvault.keys.jose import aio as jose_aio

HOUR = timedelta(hours=1)


def _now() -> datetime:
    return datetime.now(timezone.utc)


def _kids(jwks: dict[str, Any]) -> list[str]:
    return [key["kid"] for key in jwks["keys"]]


def _thumbprints(*keys: KeyVaultKey) -> list[str]:
    return [key.key.thumbprint() for key in keys]


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """A name that no other test has."""
    return request.node.name.replace("_", "-").replace("[", "-").rstrip("]")[-100:]


async def test_set_holds_every_usable_version_the_newest_first(
    world: Jose, client: KeyClient, vault: KeyVaultEmulator, name: str
) -> None:
    versions = [client.create_ec_key(name)]
    for _ in range(2):
        vault.clock.advance(2)
        versions.append(client.rotate_key(name))
    jwks = await world.jwk_set(name)
    assert _kids(jwks) == _thumbprints(*reversed(versions))
    newest = jwks["keys"][0]
    assert list(newest) == ["kty", "kid", "use", "alg", "crv", "x", "y"]
    assert (newest["kty"], newest["use"], newest["alg"], newest["crv"]) == ("EC", "sig", "ES256", "P-256")


async def test_disabled_and_expired_versions_are_left_out(world: Jose, client: KeyClient, name: str) -> None:
    disabled = client.create_ec_key(name)
    client.create_ec_key(name, expires_on=_now() - HOUR)
    usable = client.create_ec_key(name, expires_on=_now() + HOUR)
    client.update_key_properties(name, disabled.properties.version, enabled=False)
    assert _kids(await world.jwk_set(name)) == _thumbprints(usable)
    client.update_key_properties(name, disabled.properties.version, enabled=True)
    assert set(_kids(await world.jwk_set(name))) == set(_thumbprints(usable, disabled))


@pytest.mark.parametrize("ahead", [7200, 7200.0, 2 * HOUR], ids=["int", "float", "timedelta"])
async def test_next_version_is_published_ahead_when_asked(
    world: Jose, client: KeyClient, name: str, ahead: Any
) -> None:
    current, following = client.create_ec_key(name), client.create_ec_key(name, not_before=_now() + HOUR)
    assert _kids(await world.jwk_set(name)) == _thumbprints(current)
    assert _kids(await world.jwk_set(name, publish_ahead=60)) == _thumbprints(current)
    assert set(_kids(await world.jwk_set(name, publish_ahead=ahead))) == set(_thumbprints(current, following))


async def test_set_of_a_key_without_usable_versions_is_empty(world: Jose, client: KeyClient, name: str) -> None:
    assert await world.jwk_set(name) == {"keys": []}
    client.create_ec_key(name, enabled=False)
    assert await world.jwk_set(name) == {"keys": []}


async def test_rsa_keys_are_published_for_what_they_are_for(world: Jose, client: KeyClient, name: str) -> None:
    client.create_rsa_key(name)
    said = {(key["use"], key["alg"]) for key in (await world.jwk_set(name))["keys"]}
    assert said == {("sig", "RS256")}
    chosen = await world.jwk_set(name, algorithm="PS256")
    assert [(key["use"], key["alg"]) for key in chosen["keys"]] == [("sig", "PS256")]
    client.create_rsa_key(f"{name}-enc", key_operations=["decrypt", "unwrapKey"])
    encrypting = await world.jwk_set(f"{name}-enc")
    assert [(key["use"], key["alg"]) for key in encrypting["keys"]] == [("enc", "RSA-OAEP-256")]
    with pytest.raises(ValueError, match="'algorithm' 'XS256' is not known"):
        await world.jwk_set(name, algorithm="XS256")


async def test_symmetric_key_is_not_published() -> None:
    with KeyVaultEmulator(managed_hsm=True) as hsm:
        with KeyClient(hsm.url, hsm.credential, **hsm.client_options) as client:
            client.create_oct_key("aes", size=256)
            with pytest.raises(ValueError, match="no public part to publish"):
                jose.jwk_set(client, "aes")
        async with aio.KeyClient(hsm.url, hsm.async_credential, **hsm.client_options) as there:
            with pytest.raises(ValueError, match="no public part to publish"):
                await jose_aio.jwk_set(there, "aes")


async def test_version_that_is_deleted_meanwhile_is_left_out(
    world: Jose, client: KeyClient, vault: KeyVaultEmulator, name: str
) -> None:
    client.create_ec_key(name)
    kept = client.create_ec_key(name)
    vault.faults.status(404, times=1, method="GET", path=rf"/keys/{name}/[0-9a-f]{{32}}")
    assert len(_kids(await world.jwk_set(name))) == 1
    vault.faults.clear()
    assert kept.key.thumbprint() in _kids(await world.jwk_set(name))
