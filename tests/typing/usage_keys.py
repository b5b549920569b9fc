# pyright: strict
"""Every name of the synchronous key client and of the models, with the types that a user sees."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

from azure.core.configuration import Configuration
from azure.core.paging import ItemPaged
from azure.core.polling import LROPoller
from azure.core.rest import HttpRequest, HttpResponse
from azure.identity import DefaultAzureCredential
from cryptography.hazmat.primitives.asymmetric import ec, mldsa, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from typing_extensions import assert_type

import azure.keyvault.keys
from azure.keyvault.keys import (
    ApiVersion,
    DeletedKey,
    ExternalKey,
    JsonWebKey,
    KeyAttestation,
    KeyClient,
    KeyCurveName,
    KeyExportEncryptionAlgorithm,
    KeyOperation,
    KeyProperties,
    KeyReleasePolicy,
    KeyRotationLifetimeAction,
    KeyRotationPolicy,
    KeyRotationPolicyAction,
    KeyType,
    KeyVaultKey,
    KeyVaultKeyIdentifier,
    ReleaseKeyResult,
)
from azure.keyvault.keys.crypto import SignatureAlgorithm

URL = "https://my-vault.vault.azure.net"


def clients() -> KeyClient:
    """Make clients."""
    credential = DefaultAzureCredential()
    assert_type(azure.keyvault.keys.__version__, str)
    config = KeyClient.create_config(credential, logging_enable=True)
    assert_type(config, Configuration[Any, Any])
    with KeyClient(URL, credential, config=config) as client:
        assert_type(client, KeyClient)
    client = KeyClient(
        vault_url=URL,
        credential=credential,
        api_version=ApiVersion.V7_4,
        verify_challenge_resource=False,
        retry_total=3,
        timeout=10.0,
    )
    assert_type(client.vault_url, str)
    assert_type(client.api_version, str)
    assert_type(client.send_request(HttpRequest("GET", "keys"), stream=False), HttpResponse)
    client.close()
    return KeyClient(URL, credential, api_version="2026-04-01")


def create(client: KeyClient) -> None:
    """Create and import keys."""
    soon = datetime.now(timezone.utc) + timedelta(days=90)
    policy = KeyReleasePolicy(b"{}", content_type="application/json; charset=utf-8", immutable=True)
    assert_type(client.create_key("k", "RSA"), KeyVaultKey)
    assert_type(client.create_key("k", KeyType.akp, alg=SignatureAlgorithm.ml_dsa_65), KeyVaultKey)
    assert_type(client.create_key("k", "AKP", alg="ML-DSA-87"), KeyVaultKey)
    assert_type(
        client.create_key(
            "k",
            KeyType.rsa_hsm,
            size=2048,
            public_exponent=65537,
            key_operations=[KeyOperation.sign, "verify"],
            enabled=True,
            tags={"team": "blue"},
            not_before=soon,
            expires_on=soon,
            exportable=True,
            release_policy=policy,
            timeout=5,
        ),
        KeyVaultKey,
    )
    assert_type(client.create_rsa_key("k", hsm=True, size=3072, expires=soon), KeyVaultKey)
    assert_type(client.create_rsa_key("k", hardware_protected=True), KeyVaultKey)
    assert_type(client.create_ec_key("k", curve="P-256"), KeyVaultKey)
    assert_type(client.create_ec_key("k", curve=KeyCurveName.p_256_k, hsm=False), KeyVaultKey)
    assert_type(client.create_oct_key("k", size=256, hardware_protected=True), KeyVaultKey)
    assert_type(client.create_external_key("k", ExternalKey(id="theirs")), KeyVaultKey)
    assert_type(client.import_key("k", JsonWebKey.from_pem(b"")), KeyVaultKey)
    assert_type(client.import_key("k", b"-----BEGIN PRIVATE KEY-----", hardware_protected=False), KeyVaultKey)
    assert_type(client.import_key("k", rsa.generate_private_key(65537, 2048)), KeyVaultKey)
    assert_type(client.import_key("k", load_pem_private_key(b"", None)), KeyVaultKey)
    assert_type(client.import_key("k", ec.generate_private_key(ec.SECP256R1())), KeyVaultKey)


def read_and_change(client: KeyClient) -> None:
    """Get, update and list keys."""
    assert_type(client.get_key("k"), KeyVaultKey)
    assert_type(client.get_key("k", "0" * 32), KeyVaultKey)
    assert_type(client.get_key(client.get_key("https://my-vault.vault.azure.net/keys/k")), KeyVaultKey)
    assert_type([client.get_key(listed).version for listed in client.list_keys()], list[str | None])
    assert_type(client.get_cryptography_client("k", refresh_after=600).key_id, str | None)
    assert_type(client.get_key_attestation("k", version=None), KeyVaultKey)
    assert_type(client.update_key_properties("k", enabled=False, key_operations=["sign"]), KeyVaultKey)
    operations = [KeyOperation.sign, KeyOperation.verify]
    assert_type(client.update_key_properties("k", key_operations=operations, tags={"a": "b"}), KeyVaultKey)
    assert_type(client.update_key("k", tags={}), KeyVaultKey)
    pager = client.list_properties_of_keys(max_page_size=10)
    assert_type(next(pager), KeyProperties)
    for properties in pager:
        assert_type(properties, KeyProperties)
    pages = client.list_keys().by_page(continuation_token=None)
    assert_type(pages.continuation_token, str | None)
    for page in pages:
        assert_type([item.name for item in page], list[str])
    as_azure_core_has_it: ItemPaged[KeyProperties] = client.list_keys()
    assert_type(next(as_azure_core_has_it), KeyProperties)
    assert_type(list(client.list_keys(expand=True, max_page_size=5)), list[KeyVaultKey])
    assert_type(list(client.list_properties_of_keys(expand=True)), list[KeyVaultKey])
    assert_type(list(client.list_keys(expand=False)), list[KeyProperties])
    whole = bool(pager)
    for either in client.list_keys(expand=whole):
        assert_type(either, KeyProperties | KeyVaultKey)
    assert_type([key.key.n for key in client.list_keys(expand=True)], list[bytes | None])
    assert_type(list(client.list_properties_of_key_versions("k")), list[KeyProperties])
    assert_type(list(client.list_key_versions("k", max_page_size=1)), list[KeyProperties])
    assert_type([key.recovery_id for key in client.list_deleted_keys()], list[str | None])
    client.get_cryptography_client("k", key_version="0" * 32, execution="remote")


def delete(client: KeyClient) -> None:
    """Delete, recover, purge, back up and restore."""
    poller = client.begin_delete_key("k", polling_interval=1.5)
    assert_type(poller, LROPoller[DeletedKey])
    poller.wait(timeout=10)
    assert_type(poller.result(), DeletedKey)
    token = poller.continuation_token()
    assert_type(token, str)
    assert_type(client.begin_delete_key("k", continuation_token=token), LROPoller[DeletedKey])
    assert_type(poller.done(), bool)
    assert_type(poller.status(), str)
    assert_type(client.delete_key("k"), DeletedKey)
    assert_type(client.get_deleted_key("k"), DeletedKey)
    assert_type(client.begin_recover_deleted_key("k"), LROPoller[KeyVaultKey])
    recovering = client.begin_recover_deleted_key("k", continuation_token=token, polling_interval=1)
    assert_type(recovering, LROPoller[KeyVaultKey])
    assert_type(client.recover_deleted_key("k"), KeyVaultKey)
    client.purge_deleted_key("k")
    backup = client.backup_key("k")
    assert_type(backup, bytes)
    assert_type(client.restore_key_backup(backup), KeyVaultKey)
    assert_type(client.restore_key(backup), KeyVaultKey)


def rotate_and_release(client: KeyClient) -> None:
    """Rotate, release, and ask for random bytes."""
    assert_type(client.rotate_key("k"), KeyVaultKey)
    policy = client.get_key_rotation_policy("k")
    assert_type(policy, KeyRotationPolicy)
    assert_type(policy.id, str | None)
    assert_type(policy.expires_in, str | None)
    assert_type(policy.created_on, datetime | None)
    assert_type(policy.updated_on, datetime | None)
    for action in policy.lifetime_actions:
        assert_type(action, KeyRotationLifetimeAction)
        assert_type(action.action, KeyRotationPolicyAction | str)
        assert_type(action.time_after_create, str | None)
        assert_type(action.time_before_expiry, str | None)
    actions = [
        KeyRotationLifetimeAction(KeyRotationPolicyAction.rotate, time_after_create="P60D"),
        KeyRotationLifetimeAction("Notify", time_before_expiry=timedelta(days=20)),
    ]
    new = KeyRotationPolicy(lifetime_actions=actions, expires_in="P90D")
    assert_type(
        client.update_key_rotation_policy("k", new, lifetime_actions=[], expires_in=timedelta(90)), KeyRotationPolicy
    )
    released = client.release_key(
        "k", "token", version="0" * 32, algorithm=KeyExportEncryptionAlgorithm.rsa_aes_key_wrap_256, nonce="n"
    )
    assert_type(released, ReleaseKeyResult)
    assert_type(released.value, str)
    assert_type(client.get_random_bytes(16), bytes)


def look_at(key: KeyVaultKey, deleted: DeletedKey) -> None:
    """Read every property of the models."""
    assert_type(key.id, str)
    assert_type(key.name, str)
    assert_type(key.key_type, str | KeyType)
    assert_type(key.key_operations, list[str | KeyOperation])
    properties = key.properties
    assert_type(properties.id, str)
    assert_type(properties.name, str)
    assert_type(properties.version, str | None)
    assert_type(properties.vault_url, str)
    assert_type(properties.enabled, bool | None)
    assert_type(properties.not_before, datetime | None)
    assert_type(properties.expires_on, datetime | None)
    assert_type(properties.created_on, datetime | None)
    assert_type(properties.updated_on, datetime | None)
    assert_type(properties.recoverable_days, int | None)
    assert_type(properties.recovery_level, str | None)
    assert_type(properties.exportable, bool | None)
    assert_type(properties.hsm_platform, str | None)
    assert_type(properties.key_size, int | None)
    assert_type(properties.managed, bool | None)
    assert_type(properties.tags, dict[str, str] | None)
    if properties.external_key:
        assert_type(properties.external_key.id, str)
    if properties.release_policy:
        assert_type(properties.release_policy.encoded_policy, bytes)
        assert_type(properties.release_policy.content_type, str | None)
        assert_type(properties.release_policy.immutable, bool | None)
    if properties.attestation:
        assert_type(properties.attestation, KeyAttestation)
        assert_type(properties.attestation.certificate_pem_file, bytes | None)
        assert_type(properties.attestation.private_key_attestation, bytes | None)
        assert_type(properties.attestation.public_key_attestation, bytes | None)
        assert_type(properties.attestation.version, str | None)
    assert_type(deleted.deleted_date, datetime | None)
    assert_type(deleted.recovery_id, str | None)
    assert_type(deleted.scheduled_purge_date, datetime | None)
    identifier = KeyVaultKeyIdentifier(key.id)
    assert_type(identifier.source_id, str)
    assert_type(identifier.vault_url, str)
    assert_type(identifier.name, str)
    assert_type(identifier.version, str | None)
    assert_type(
        KeyVaultKeyIdentifier.try_parse("x", allowed_suffixes=["vault.azure.net"]), KeyVaultKeyIdentifier | None
    )


def make_models() -> list[object]:
    """Make models, as tests of applications do."""
    properties = KeyProperties(f"{URL}/keys/k/0", managed=False, tags={}, release_policy=KeyReleasePolicy(b"{}"))
    return [
        KeyVaultKey(f"{URL}/keys/k/0", {"kty": "EC"}),
        KeyVaultKey(f"{URL}/keys/k/0", properties=properties, kty="RSA", n=b"n", e=b"e"),
        DeletedKey(properties, deleted_date=None, recovery_id=None, scheduled_purge_date=None),
        KeyAttestation(version="1"),
        ReleaseKeyResult("jws"),
    ]


def convert(jwk: JsonWebKey) -> None:
    """Read and change key material."""
    assert_type(jwk.kid, str | None)
    assert_type(jwk.kty, KeyType | str | None)
    assert_type(jwk.key_ops, list[str | KeyOperation] | None)
    assert_type(jwk.crv, KeyCurveName | str | None)
    for value in (
        jwk.n,
        jwk.e,
        jwk.d,
        jwk.dp,
        jwk.dq,
        jwk.qi,
        jwk.p,
        jwk.q,
        jwk.k,
        jwk.t,
        jwk.x,
        jwk.y,
        jwk.pub,
        jwk.priv,
    ):
        assert_type(value, bytes | None)
    assert_type(jwk.alg, str | None)
    jwk.kty, jwk.n = KeyType.rsa, b"n"
    assert_type(JsonWebKey(kty="RSA", n="AQAB", e=b"e", key_ops=["sign", KeyOperation.verify]), JsonWebKey)
    assert_type(JsonWebKey.from_pem("", password=b""), JsonWebKey)
    assert_type(JsonWebKey.from_der(b""), JsonWebKey)
    assert_type(JsonWebKey.from_json({"kty": "RSA"}), JsonWebKey)
    assert_type(JsonWebKey.from_cryptography(ec.generate_private_key(ec.SECP256R1())), JsonWebKey)
    assert_type(jwk.to_pem(private=True, password="open sesame"), bytes)
    assert_type(jwk.to_der(), bytes)
    assert_type(jwk.to_json(), str)
    assert_type(jwk.to_json(kid="thumbprint", use="sig", alg="ES256", key_ops=["verify"]), str)
    jwk.to_json(kid="name")  # type: ignore[arg-type]
    assert_type(
        jwk.to_cryptography(),
        rsa.RSAPublicKey
        | ec.EllipticCurvePublicKey
        | mldsa.MLDSA44PublicKey
        | mldsa.MLDSA65PublicKey
        | mldsa.MLDSA87PublicKey,
    )
    assert_type(
        jwk.to_cryptography(private=True),
        rsa.RSAPrivateKey
        | ec.EllipticCurvePrivateKey
        | mldsa.MLDSA44PrivateKey
        | mldsa.MLDSA65PrivateKey
        | mldsa.MLDSA87PrivateKey,
    )
    assert_type(jwk.thumbprint(), str)


def convert_whatever(jwk: JsonWebKey, private: bool) -> None:
    """Convert what only the program knows when it runs."""
    whichever = jwk.to_cryptography(private)
    assert_type(isinstance(whichever, (rsa.RSAPrivateKey, rsa.RSAPublicKey)), bool)
    assert_type(JsonWebKey.from_cryptography(load_pem_private_key(b"", None)), JsonWebKey)


def look(client: KeyClient) -> None:
    """Write what was read as JSON, and watch long work."""
    assert_type(client.get_key("k").as_dict(), dict[str, Any])
    client.delete_key("k", progress=lambda seconds: print(seconds + 0.5))
    client.list_keys(expand=True, progress=lambda count: print(count + 1))


def mistakes(client: KeyClient) -> None:
    """Make mistakes: a checker that lets one of them pass calls its comment unused."""
    client.get_key(5)  # type: ignore[arg-type]
    client.create_rsa_key("k", size="2048")  # type: ignore[arg-type]
    client.create_ec_key("k", "P-256")  # type: ignore[arg-type]
    client.import_key("k", 5)  # type: ignore[arg-type]
    client.create_key("k", KeyType.nonsense)  # type: ignore[arg-type]
    print(client.get_key("k").nmae)  # type: ignore[attr-defined]
    JsonWebKey(modulus=b"n")  # type: ignore[call-arg]
    KeyClient(URL, DefaultAzureCredential(), timout=3)  # type: ignore[call-arg]
    client.get_key("k", retry_totl=1)  # type: ignore[call-arg]
    client.get_key("k", retry_total="1")  # type: ignore[arg-type]
    client.update_key("k", enable=False)  # type: ignore[call-arg]
    client.list_keys(max_page_sise=3)  # type: ignore[call-overload]
    client.delete_key("k", polling_intervall=3)  # type: ignore[call-arg]
    KeyRotationPolicy(expires=30)  # type: ignore[call-arg]
