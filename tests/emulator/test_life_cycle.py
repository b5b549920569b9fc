"""The soft-delete life cycle: every call in every state."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from azure.keyvault.keys.emulator import KeyVaultEmulator

from .client import Api, EmulatorFactory, private_jwk

_DELAY = 100
LIVE, DELETING, DELETED, RECOVERING = "live", "deleting", "deleted", "recovering"


def _bring(api: Api, name: str, state: str) -> None:
    """Bring a new key into a state, moving the vault's clock."""
    api.create(name)
    if state == LIVE:
        return
    api("DELETE", f"/keys/{name}")
    if state == DELETING:
        return
    api.vault.clock.advance(_DELAY)
    if state == RECOVERING:
        assert api("POST", f"/deletedkeys/{name}/recover").status == 200


@pytest.fixture(scope="module")
def slow() -> Iterator[Api]:
    with KeyVaultEmulator(deletion_delay=_DELAY, token_lifetime=10**6) as vault:
        calls = Api(vault)
        yield calls
        calls.close()


@pytest.mark.parametrize(
    ("state", "get", "get_deleted"),
    [(LIVE, 200, 404), (DELETING, 404, 404), (DELETED, 404, 200), (RECOVERING, 404, 404)],
)
def test_get_answers_on_the_side_of_the_state_only(
    slow: Api, name: str, state: str, get: int, get_deleted: int
) -> None:
    _bring(slow, name, state)
    assert slow("GET", f"/keys/{name}").status == get
    assert slow("GET", f"/deletedkeys/{name}").status == get_deleted
    listed = [item["kid"] for item in slow("GET", "/keys").json["value"]]
    assert (f"{slow.vault.url}/keys/{name}" in listed) is (get == 200)


@pytest.mark.case("N3")
@pytest.mark.parametrize(
    ("state", "inner"),
    [
        (DELETING, "ObjectIsBeingDeleted"),
        (DELETED, "ObjectIsDeletedButRecoverable"),
        (RECOVERING, "ObjectIsBeingRecovered"),
    ],
)
def test_create_and_import_conflict_outside_live(slow: Api, name: str, state: str, inner: str) -> None:
    _bring(slow, name, state)
    answer = slow("POST", f"/keys/{name.upper()}/create", {"kty": "EC"})
    assert answer.error == (409, "Conflict", inner)
    assert answer.message.startswith(f"Key {name} is currently ")
    assert slow("PUT", f"/keys/{name}", {"key": private_jwk("P-256")}).error == (409, "Conflict", inner)


def test_create_over_a_deleted_key_has_the_text_of_the_service(slow: Api, name: str) -> None:
    _bring(slow, name, DELETED)
    assert slow("POST", f"/keys/{name}/create", {"kty": "EC"}).message == (
        f"Key {name} is currently in a deleted but recoverable state, and its name cannot be reused; in this state, "
        "the key can only be recovered or purged."
    )


@pytest.mark.parametrize(("state", "status"), [(LIVE, 404), (DELETING, 409), (DELETED, 200), (RECOVERING, 409)])
def test_recover_answers_by_state(slow: Api, name: str, state: str, status: int) -> None:
    _bring(slow, name, state)
    answer = slow("POST", f"/deletedkeys/{name}/recover")
    assert answer.status == status
    if state == RECOVERING:
        assert answer.message.startswith("There was a conflict while recovering the soft-deleted key '")
        assert "innererror" not in answer.json["error"]
    if state == DELETED:
        assert "recoveryId" not in answer.json
        slow.vault.clock.advance(_DELAY)
        assert slow("GET", f"/keys/{name}").json == answer.json


@pytest.mark.parametrize(("state", "status"), [(LIVE, 404), (DELETING, 409), (DELETED, 204), (RECOVERING, 409)])
def test_purge_answers_by_state(slow: Api, name: str, state: str, status: int) -> None:
    _bring(slow, name, state)
    answer = slow("DELETE", f"/deletedkeys/{name}")
    assert answer.status == status
    if state == DELETING:
        assert answer.error == (409, "Conflict", "ObjectIsBeingDeleted")
        assert answer.message == "Key is currently being deleted."
    if state == DELETED:
        assert answer.data == b""
        assert answer.headers["Content-Length"] == "0"
        assert "Content-Type" not in answer.headers
        assert slow("GET", f"/deletedkeys/{name}").message == f"Deleted Key not found: {name}"
        assert slow("POST", f"/keys/{name}/create", {"kty": "EC"}).status == 200


@pytest.mark.parametrize("state", [LIVE, DELETING, DELETED, RECOVERING])
def test_restore_conflicts_in_every_state_of_a_name(slow: Api, name: str, state: str) -> None:
    slow.create(name)
    backup = slow("POST", f"/keys/{name}/backup").json
    slow("DELETE", f"/keys/{name}")
    slow.vault.clock.advance(_DELAY)
    slow("DELETE", f"/deletedkeys/{name}")
    _bring(slow, name, state)
    assert slow("POST", "/keys/restore", backup).status == 409


def test_delete_reply_has_deletion_members_first(slow: Api, name: str) -> None:
    latest = slow.create(name, attributes={"enabled": False})
    deleted = slow("DELETE", f"/keys/{name}").json
    assert list(deleted)[:3] == ["recoveryId", "deletedDate", "scheduledPurgeDate"]
    assert deleted["scheduledPurgeDate"] - deleted["deletedDate"] == 7_776_000
    assert deleted["key"] == latest["key"]
    assert deleted["attributes"] == latest["attributes"]


def test_delete_of_an_unknown_key_is_404(slow: Api, name: str) -> None:
    assert slow("DELETE", f"/keys/{name}").error == (404, "KeyNotFound", None)


def test_deleted_key_is_gone_at_its_purge_date(start: EmulatorFactory) -> None:
    api = start(retention_days=7, token_lifetime=10**7)
    assert api.create("a")["attributes"]["recoveryLevel"] == "CustomizedRecoverable+Purgeable"
    assert api.at("7.0").create("a")["attributes"]["recoveryLevel"] == "CustomizedRecoverable+Purgeable"
    deleted = api("DELETE", "/keys/a").json
    assert deleted["scheduledPurgeDate"] - deleted["deletedDate"] == 604_800
    api.vault.clock.advance(604_801)
    assert api("GET", "/deletedkeys/a").status == 404
    assert api("POST", "/keys/a/create", {"kty": "EC"}).status == 200
    assert len(api("GET", "/keys/a/versions").json["value"]) == 1


def test_purge_protection_refuses_purge(start: EmulatorFactory) -> None:
    api = start(purge_protection=True, deletion_delay=0)
    assert api.create("a")["attributes"]["recoveryLevel"] == "Recoverable"
    api("DELETE", "/keys/a")
    answer = api("DELETE", "/deletedkeys/a")
    assert answer.error == (403, "Forbidden", None)
    assert answer.message.startswith('Operation "purge" is not allowed because purge protection is enabled')


def test_purged_name_stays_taken_for_the_purge_delay(start: EmulatorFactory) -> None:
    api = start(deletion_delay=0, purge_delay=50)
    api.create("a")
    api("DELETE", "/keys/a")
    assert api("DELETE", "/deletedkeys/a").status == 204
    assert api("POST", "/keys/a/create", {"kty": "EC"}).error == (409, "Conflict", "ObjectIsBeingDeleted")
    api.vault.clock.advance(50)
    assert api("POST", "/keys/a/create", {"kty": "EC"}).status == 200


def test_deletion_takes_its_delay_in_real_time(api: Api, name: str) -> None:
    api.create(name)
    api("DELETE", f"/keys/{name}")
    started = time.monotonic()
    while api("GET", f"/deletedkeys/{name}").status == 404:
        time.sleep(0.02)
        assert time.monotonic() - started < 5
    assert time.monotonic() - started > 0.1
