"""What the service knows of a key, as Python objects."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from fixtures.stub_vault import URL, VERSION

from azure.keyvault.keys import (
    DeletedKey,
    ExternalKey,
    JsonWebKey,
    KeyAttestation,
    KeyOperation,
    KeyProperties,
    KeyReleasePolicy,
    KeyRotationLifetimeAction,
    KeyRotationPolicy,
    KeyRotationPolicyAction,
    KeyType,
    KeyVaultKey,
    KeyVaultKeyIdentifier,
)
from azure.keyvault.keys._generated import models as wire

KID = f"{URL}/keys/orders/{VERSION}"


@pytest.mark.case("E10")
def test_properties_without_attributes_are_all_none() -> None:
    properties = KeyProperties(KID)
    public = {name for name in dir(properties) if not name.startswith("_")}
    known = {"id", "name", "version", "vault_url", "as_dict"}
    assert {name: getattr(properties, name) for name in public - known} == dict.fromkeys(public - known)
    assert (properties.id, properties.name, properties.version, properties.vault_url) == (KID, "orders", VERSION, URL)


@pytest.mark.case("E15")
def test_properties_tell_all_that_the_service_tells() -> None:
    moment = datetime(2030, 1, 1, tzinfo=timezone.utc)
    attributes = wire.KeyAttributes(enabled=True, not_before=moment, expires=moment, exportable=True)
    attributes.created = attributes.updated = moment
    attributes.recoverable_days, attributes.recovery_level = 90, "Recoverable+Purgeable"
    attributes.hsm_platform, attributes.key_size = "1", 256
    attributes.external_key = wire.ExternalKey(id="ext-1")
    attributes.attestation = wire.KeyAttestation(certificate_pem_file=b"pem", version="1")
    properties = KeyProperties(KID, attributes, managed=True, tags={"a": "b"}, release_policy=KeyReleasePolicy(b"{}"))
    assert {properties.not_before, properties.expires_on, properties.created_on, properties.updated_on} == {moment}
    assert (properties.recoverable_days, properties.recovery_level) == (90, "Recoverable+Purgeable")
    assert (properties.hsm_platform, properties.key_size, properties.exportable) == ("1", 256, True)
    assert properties.external_key is not None
    assert properties.external_key.id == "ext-1"
    assert properties.attestation is not None
    assert properties.attestation.certificate_pem_file == b"pem"
    assert (properties.managed, properties.tags) == (True, {"a": "b"})


@pytest.mark.parametrize("key_id", ["", "orders", f"{URL}/keys/a/b/c"])
def test_properties_of_no_identifier_are_refused(key_id: str) -> None:
    with pytest.raises(ValueError, match="is not a valid ID"):
        KeyProperties(key_id)


@pytest.mark.case("I3")
@pytest.mark.parametrize(
    ("subject", "text"),
    [
        (KeyProperties(KID), f"<KeyProperties [{KID}]>"),
        (KeyVaultKey(KID, kty="RSA"), f"<KeyVaultKey [{KID}]>"),
        (DeletedKey(KeyProperties(KID)), f"<DeletedKey [{KID}]>"),
        (KeyAttestation(version="1.0"), "<KeyAttestation [1.0]>"),
        (ExternalKey(id="ext-1"), "<ExternalKey [ext-1]>"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_representation_names_the_key_and_no_material(subject: Any, text: str) -> None:
    assert repr(subject) == text


def test_representation_is_cut() -> None:
    assert len(repr(KeyProperties(f"{URL}/keys/{'a' * 5000}"))) == 1024


def test_key_is_made_of_members_of_its_jwk() -> None:
    key = KeyVaultKey(KID, kty="RSA", n=b"n", e=b"e", unknown=1)
    assert (key.key.n, key.key.kid, key.id, key.name) == (b"n", KID, KID, "orders")


@pytest.mark.parametrize(
    "jwk", [{"kty": "RSA", "n": b"n", "other": 1}, JsonWebKey(kty="RSA", n=b"n")], ids=["dict", "jwk"]
)
def test_key_is_made_of_a_jwk(jwk: Any) -> None:
    key = KeyVaultKey(KID, jwk, tags={"a": "b"}, managed=True)
    assert (key.key.n, key.properties.tags, key.properties.managed) == (b"n", {"a": "b"}, True)


@pytest.mark.parametrize("kty", ["AKP", "AKP-HSM"])
def test_key_of_ml_dsa_is_made_of_its_members(kty: str) -> None:
    members = {"kty": kty, "alg": "ML-DSA-44", "pub": b"p"}
    for key in (KeyVaultKey(KID, members), KeyVaultKey(KID, **members)):  # type: ignore[arg-type]
        assert (key.key.alg, key.key.pub) == ("ML-DSA-44", b"p")
    # In other keys it says what they are intended for.
    assert KeyVaultKey(KID, {"kty": "RSA", "n": b"n", "alg": "RS256"}).key.alg is None


def test_jwk_and_its_members_together_are_refused() -> None:
    with pytest.raises(ValueError, match="n"):
        KeyVaultKey(KID, {"kty": "RSA"}, n=b"n")


@pytest.mark.case("E9")
def test_names_compare_equal_to_members_of_enumerations_and_others_stay() -> None:
    key = KeyVaultKey(KID, kty="RSA-HSM", key_ops=["sign", "juggle"])
    assert key.key_type == KeyType.rsa_hsm
    assert key.key_operations == [KeyOperation.sign, "juggle"]
    assert KeyVaultKey(KID, kty="OKP").key_type == "OKP"


def test_deleted_key_tells_when_and_until_when() -> None:
    moment = datetime(2030, 1, 1, tzinfo=timezone.utc)
    key = DeletedKey(KeyProperties(KID), moment, "recovery", moment, kty="RSA")
    assert (key.deleted_date, key.recovery_id, key.scheduled_purge_date) == (moment, "recovery", moment)
    assert key.id == KID


@pytest.mark.case("H7")
@pytest.mark.parametrize("value", [timedelta(days=30), "P30D"], ids=["timedelta", "text"])
def test_durations_are_kept_in_the_form_of_iso_8601(value: Any) -> None:
    action = KeyRotationLifetimeAction(KeyRotationPolicyAction.rotate, time_after_create=value)
    assert (action.time_after_create, action.time_before_expiry) == ("P30D", None)
    assert KeyRotationPolicy(expires_in=value).expires_in == "P30D"


@pytest.mark.case("E10")
def test_policies_do_not_share_their_lists() -> None:
    one, other = KeyRotationPolicy(), KeyRotationPolicy()
    one.lifetime_actions.append(KeyRotationLifetimeAction("Rotate"))
    assert other.lifetime_actions == []


def test_release_policy_goes_to_the_wire_and_back() -> None:
    policy = KeyReleasePolicy(b"{}", content_type="application/json", immutable=True)
    found = KeyReleasePolicy._from_wire(policy._to_wire())
    assert found is not None
    assert vars(found) == vars(policy)
    assert KeyReleasePolicy._from_wire(None) is None


@pytest.mark.case("B12")
@pytest.mark.parametrize(
    ("identifier", "suffixes", "accepted"),
    [
        ("https://v.vault.azure.net/keys/a", ["vault.azure.net"], True),
        ("https://v.vault.azure.net/keys/a", ["v.vault.azure.net"], False),
        ("https://V.VAULT.azure.net:443/keys/a", [".Vault.Azure.net."], True),
        ("https://localhost:8443/keys/a", ["localhost"], False),
        ("https://[::1]:8443/keys/a", ["::1"], False),
        ("https://evilvault.azure.net/keys/a", ["vault.azure.net"], False),
        ("https://v.vault.azure.net.evil.test/keys/a", ["vault.azure.net"], False),
        ("http://v.vault.azure.net/keys/a", None, False),
        ("https://v.vault.azure.net/secrets/a", None, False),
        ("https://user@v.vault.azure.net/keys/a", None, False),
    ],
    ids=lambda value: str(value),
)
def test_identifier_of_a_stranger_is_accepted_from_the_named_places_only(
    identifier: str, suffixes: list[str] | None, accepted: bool
) -> None:
    assert (KeyVaultKeyIdentifier.try_parse(identifier, allowed_suffixes=suffixes) is not None) == accepted
