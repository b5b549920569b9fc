"""Calls written for azure-keyvault-keys 4.x mean the same here: names of methods, of parameters, and their order."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from azure.keyvault.keys import (
    DeletedKey,
    JsonWebKey,
    KeyAttestation,
    KeyClient,
    KeyProperties,
    KeyReleasePolicy,
    KeyRotationLifetimeAction,
    KeyRotationPolicy,
    KeyVaultKey,
    KeyVaultKeyIdentifier,
    ReleaseKeyResult,
    aio,
)
from azure.keyvault.keys._shared import parse_key_vault_id
from azure.keyvault.keys.crypto import (
    CryptographyClient,
    DecryptResult,
    EncryptResult,
    SignResult,
    UnwrapResult,
    VerifyResult,
    WrapResult,
)
from azure.keyvault.keys.crypto import aio as crypto_aio

COMMON = "enabled tags not_before expires_on exportable release_policy"
#: Positional parameters, in their order, and after ``*`` those that are given by name.
KEY_CLIENT = {
    "__init__": "vault_url credential * api_version verify_challenge_resource",
    "backup_key": "name",
    "begin_delete_key": "name",
    "begin_recover_deleted_key": "name",
    "close": "",
    "create_ec_key": f"name * curve key_operations hardware_protected {COMMON}",
    "create_key": f"name key_type * size curve public_exponent key_operations {COMMON}",
    "create_oct_key": f"name * size key_operations hardware_protected {COMMON}",
    "create_rsa_key": f"name * size public_exponent hardware_protected key_operations {COMMON}",
    "get_cryptography_client": "key_name * key_version",
    "get_deleted_key": "name",
    "get_key": "name version",
    "get_key_attestation": "name version",
    "get_key_rotation_policy": "key_name",
    "get_random_bytes": "count",
    "import_key": f"name key * hardware_protected {COMMON}",
    "list_deleted_keys": "* max_page_size",
    "list_properties_of_key_versions": "name * max_page_size",
    "list_properties_of_keys": "* max_page_size",
    "purge_deleted_key": "name",
    "release_key": "name target_attestation_token * version algorithm nonce",
    "restore_key_backup": "backup",
    "rotate_key": "name",
    "send_request": "request * stream",
    "update_key_properties": "name version * key_operations enabled tags not_before expires_on release_policy",
    "update_key_rotation_policy": "key_name policy * lifetime_actions expires_in",
}
CRYPTOGRAPHY_CLIENT = {
    "__init__": "key credential * api_version verify_challenge_resource",
    "close": "",
    "create_rsa_private_key": "",
    "create_rsa_public_key": "",
    "decrypt": "algorithm ciphertext * iv authentication_tag additional_authenticated_data",
    "encrypt": "algorithm plaintext * iv additional_authenticated_data",
    "from_jwk": "jwk",
    "send_request": "request * stream",
    "sign": "algorithm digest",
    "unwrap_key": "algorithm encrypted_key",
    "verify": "algorithm digest signature",
    "wrap_key": "algorithm key",
}
#: Methods that asyncio's clients of 4.x have under other names, or have not.
NOT_IN_AIO = {"create_rsa_private_key", "create_rsa_public_key"}
MODELS = {
    DecryptResult: "key_id algorithm plaintext",
    DeletedKey: "properties deleted_date recovery_id scheduled_purge_date",
    EncryptResult: "key_id algorithm ciphertext * iv authentication_tag additional_authenticated_data",
    KeyAttestation: "* certificate_pem_file private_key_attestation public_key_attestation version",
    KeyProperties: "key_id attributes * managed tags release_policy",
    KeyReleasePolicy: "encoded_policy * content_type immutable",
    KeyRotationLifetimeAction: "action * time_after_create time_before_expiry",
    KeyRotationPolicy: "* policy_id lifetime_actions expires_in created_on updated_on",
    KeyVaultKey: "key_id jwk * properties managed tags release_policy",
    KeyVaultKeyIdentifier: "source_id",
    ReleaseKeyResult: "value",
    SignResult: "key_id algorithm signature",
    UnwrapResult: "key_id algorithm key",
    VerifyResult: "key_id is_valid algorithm",
    WrapResult: "key_id algorithm encrypted_key",
}
ATTRIBUTES = {
    KeyProperties: (
        "attestation created_on enabled expires_on exportable hsm_platform id managed name not_before recoverable_days "
        "recovery_level release_policy tags updated_on vault_url version key_size external_key _attributes"
    ),
    KeyVaultKey: "id key key_operations key_type name properties",
    DeletedKey: "id key key_operations key_type name properties deleted_date recovery_id scheduled_purge_date",
    KeyVaultKeyIdentifier: "name source_id vault_url version",
}
KEY_ID = "https://demo.vault.azure.net/keys/orders/00112233445566778899aabbccddeeff"


def _calls() -> list[Any]:
    tables = [
        (KeyClient, KEY_CLIENT, set()),
        (aio.KeyClient, KEY_CLIENT, NOT_IN_AIO),
        (CryptographyClient, CRYPTOGRAPHY_CLIENT, set()),
        (crypto_aio.CryptographyClient, CRYPTOGRAPHY_CLIENT, NOT_IN_AIO),
    ]
    return [
        pytest.param(kind, method, parameters, id=f"{kind.__module__.removeprefix('azure.keyvault.')}-{method}")
        for kind, table, without in tables
        for method, parameters in table.items()
        if method not in without
    ]


def _parameters(described: str) -> tuple[list[str], list[str]]:
    positional, _, named = described.partition("*")
    return positional.split(), named.split()


def _accepts(function: Any, described: str) -> None:
    """Check that positional arguments and names arrive where 4.x put them."""
    positional, named = _parameters(described)
    signature = inspect.signature(function)
    parameters = [parameter for parameter in signature.parameters.values() if parameter.name != "self"]
    by_position = [
        parameter.name
        for parameter in parameters
        if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)
    ]
    by_name = {
        parameter.name
        for parameter in parameters
        if parameter.kind in (parameter.KEYWORD_ONLY, parameter.POSITIONAL_OR_KEYWORD)
    }
    assert by_position[: len(positional)] == positional
    assert set(positional + named) <= by_name


@pytest.mark.parametrize(("kind", "method", "parameters"), _calls())
def test_method_of_4_x_o7_takes_the_parameters_of_4_x(kind: type, method: str, parameters: str) -> None:
    function = inspect.getattr_static(kind, method)
    _accepts(getattr(function, "__get__", lambda *_: function)(None, kind), parameters)


@pytest.mark.parametrize("kind", MODELS, ids=lambda kind: kind.__name__)
def test_model_of_4_x_o7_takes_the_parameters_of_4_x(kind: type) -> None:
    _accepts(kind, MODELS[kind])


@pytest.mark.parametrize("kind", ATTRIBUTES, ids=lambda kind: kind.__name__)
def test_model_of_4_x_o7_has_the_attributes_of_4_x(kind: type) -> None:
    instance = {
        KeyProperties: lambda: KeyProperties(KEY_ID),
        KeyVaultKey: lambda: KeyVaultKey(KEY_ID, {"kty": "EC", "key_ops": ["sign"]}),
        DeletedKey: lambda: DeletedKey(KeyProperties(KEY_ID)),
        KeyVaultKeyIdentifier: lambda: KeyVaultKeyIdentifier(KEY_ID),
    }[kind]()
    assert [name for name in ATTRIBUTES[kind].split() if not hasattr(instance, name)] == []


def test_json_web_key_o7_is_as_mutable_as_in_4_x() -> None:
    jwk = JsonWebKey(kid="k", kty="RSA", key_ops=["sign"])
    jwk.n, jwk.e, jwk.t = b"n", b"e", b"t"
    assert {"kid", "kty", "key_ops", "n", "e", "d", "dp", "dq", "qi", "p", "q", "k", "t", "crv", "x", "y"} == set(
        JsonWebKey._FIELDS
    )
    assert {name: value for name, value in jwk.__dict__.items() if value is not None} == {
        "kid": "k",
        "kty": "RSA",
        "key_ops": ["sign"],
        "n": b"n",
        "e": b"e",
        "t": b"t",
    }


def test_parse_key_vault_id_o7_tells_the_parts_that_azure_cli_reads() -> None:
    parts = parse_key_vault_id(KEY_ID)
    assert (parts.source_id, parts.vault_url) == (KEY_ID, "https://demo.vault.azure.net")
    assert (parts.name, parts.version) == ("orders", "00112233445566778899aabbccddeeff")


def test_rotation_policy_o7_keeps_what_it_is_given() -> None:
    action = KeyRotationLifetimeAction("Rotate", time_after_create="P60D")
    policy = KeyRotationPolicy(policy_id="id", lifetime_actions=[action], expires_in="P90D")
    assert (policy.id, policy.lifetime_actions, policy.expires_in) == ("id", [action], "P90D")
    assert KeyRotationPolicy().lifetime_actions == []
    assert (policy.created_on, policy.updated_on) == (None, None)
