"""Rotating keys, and the policies that say when."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from fixtures.targets import Target, Traffic

from azure.keyvault.keys import KeyRotationLifetimeAction, KeyRotationPolicy, KeyRotationPolicyAction

ROTATE = KeyRotationLifetimeAction(KeyRotationPolicyAction.rotate, time_after_create="P60D")
NOTIFY = KeyRotationLifetimeAction("Notify", time_before_expiry="P15D")
ROTATE_ONLY = KeyRotationPolicy(lifetime_actions=[ROTATE])


def _told(policy: KeyRotationPolicy) -> list[tuple[Any, ...]]:
    return [(action.action, action.time_after_create, action.time_before_expiry) for action in policy.lifetime_actions]


@pytest.mark.parametrize("method", ["create_rsa_key", "create_ec_key"])
async def test_rotate_key_makes_a_new_version_of_the_same_kind(client: Any, name: str, method: str) -> None:
    options = {"size": 3072} if method == "create_rsa_key" else {"curve": "P-384"}
    first = await getattr(client, method)(name, key_operations=["verify", "sign"], **options)
    second = await client.rotate_key(name)
    assert second.properties.version != first.properties.version
    assert (second.key_type, second.key.crv, second.key_operations) == (
        first.key_type,
        first.key.crv,
        first.key_operations,
    )
    assert len(second.key.n or second.key.x) == len(first.key.n or first.key.x)
    assert second.properties.expires_on is None
    assert (await client.get_key(name)).id == second.id


@pytest.mark.case("N7")
async def test_rotation_between_encrypt_and_decrypt_leaves_old_data_readable(
    client: Any, crypto_of: Any, vault: Target, name: str
) -> None:
    key = await client.create_rsa_key(name)
    encrypted = await client.get_cryptography_client(name).encrypt("RSA-OAEP-256", b"old data")
    rotated = await client.rotate_key(name)
    assert encrypted.key_id == key.id != rotated.id
    assert (await crypto_of(encrypted.key_id, vault).decrypt(encrypted)).plaintext == b"old data"


async def test_rotation_policy_that_was_never_set_is_the_services_default(client: Any, name: str) -> None:
    await client.create_ec_key(name)
    policy = await client.get_key_rotation_policy(name)
    assert _told(policy) == [(KeyRotationPolicyAction.notify, None, "P30D")]
    assert (policy.id, policy.expires_in, policy.created_on, policy.updated_on) == (None,) * 4


async def test_rotation_policy_is_stored_and_governs_new_versions(client: Any, name: str) -> None:
    await client.create_ec_key(name)
    given = KeyRotationPolicy(lifetime_actions=[ROTATE, NOTIFY], expires_in="P120D")
    stored = await client.update_key_rotation_policy(name, given)
    found = await client.get_key_rotation_policy(name)
    for policy in (stored, found):
        assert sorted(_told(policy), key=str) == sorted(_told(given), key=str)
        assert policy.expires_in == "P120D"
        assert policy.id == f"{client.vault_url}/keys/{name}/rotationpolicy"
        assert policy.created_on is not None
        assert policy.created_on <= policy.updated_on
    version = (await client.rotate_key(name)).properties
    assert version.expires_on - version.created_on == timedelta(days=120)


async def test_rotation_policy_got_can_be_changed_and_sent_back(client: Any, name: str) -> None:
    await client.create_ec_key(name)
    policy = await client.get_key_rotation_policy(name)
    policy.expires_in = "P90D"
    assert (await client.update_key_rotation_policy(name, policy)).expires_in == "P90D"


async def test_arguments_of_update_key_rotation_policy_go_before_the_policy(client: Any, name: str) -> None:
    await client.create_ec_key(name)
    policy = KeyRotationPolicy(lifetime_actions=[NOTIFY], expires_in="P120D")
    stored = await client.update_key_rotation_policy(
        name, policy, lifetime_actions=[ROTATE], expires_in=timedelta(days=200)
    )
    assert _told(ROTATE_ONLY)[0] in _told(stored)
    assert stored.expires_in == "P200D"


async def test_update_key_rotation_policy_of_nothing_clears(client: Any, name: str, traffic: Traffic) -> None:
    await client.create_ec_key(name)
    await client.update_key_rotation_policy(name, KeyRotationPolicy(lifetime_actions=[ROTATE], expires_in="P120D"))
    stored = await client.update_key_rotation_policy(
        name, KeyRotationPolicy(lifetime_actions=[NOTIFY]), lifetime_actions=[]
    )
    assert stored.expires_in is None
    assert traffic.calls[-1].body == b'{"lifetimeActions":[]}'
    assert KeyRotationPolicyAction.rotate not in {action.action for action in stored.lifetime_actions}


CALLS: dict[str, Callable[[Any, str], Any]] = {
    "rotate_key": lambda client, name: client.rotate_key(name),
    "get_key_rotation_policy": lambda client, name: client.get_key_rotation_policy(name),
    "update_key_rotation_policy": lambda client, name: client.update_key_rotation_policy(name, ROTATE_ONLY),
}


@pytest.mark.parametrize("call", CALLS)
async def test_rotation_of_no_key_raises(client: Any, name: str, call: str) -> None:
    with pytest.raises(ResourceNotFoundError, match="KeyNotFound"):
        await CALLS[call](client, name)


@pytest.mark.parametrize(
    "policy",
    [
        KeyRotationPolicy(lifetime_actions=[ROTATE, ROTATE]),
        KeyRotationPolicy(lifetime_actions=[KeyRotationLifetimeAction("Rotate", time_before_expiry="P30D")]),
    ],
    ids=["two rotations", "before an expiry that is not there"],
)
async def test_rotation_policy_that_the_service_refuses_raises(client: Any, name: str, policy: Any) -> None:
    await client.create_ec_key(name)
    with pytest.raises(HttpResponseError) as caught:
        await client.update_key_rotation_policy(name, policy)
    assert caught.value.status_code == 400


@pytest.mark.parametrize("expiry", ["P27D", "never", "", timedelta(days=27), timedelta(0)], ids=str)
async def test_rotation_policy_with_an_impossible_expiry_raises(client: Any, traffic: Traffic, expiry: Any) -> None:
    with pytest.raises(ValueError, match="expires_in"):
        await client.update_key_rotation_policy("unused", KeyRotationPolicy(), expires_in=expiry)
    assert len(traffic) == 0


@pytest.mark.parametrize(
    ("arguments", "options", "named"),
    [
        ((None,), {}, "policy"),
        (({"expiryTime": "P90D"},), {}, "policy"),
        ((KeyRotationPolicy(),), {"lifetime_actions": "Rotate"}, "lifetime_actions"),
        ((KeyRotationPolicy(),), {"lifetime_actions": [{"action": "Rotate"}]}, "lifetime_actions"),
        ((KeyRotationPolicy(),), {"expires_in": 90}, "expires_in"),
    ],
    ids=["none", "dict", "actions as text", "actions of dicts", "expiry as number"],
)
async def test_rotation_policy_of_the_wrong_type_raises(
    client: Any, traffic: Traffic, arguments: Any, options: Any, named: str
) -> None:
    with pytest.raises(TypeError, match=named):
        await client.update_key_rotation_policy("unused", *arguments, **options)
    assert len(traffic) == 0
