"""The movable clock: rotation policies are carried out, near expiry and expiry are noted, retention ends."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from azure.keyvault.keys.emulator._storage.durations import parse_duration

from .client import Api, EmulatorFactory

_DAY = 86400


def _policy(api: Api, name: str, expiry: str | None, **triggers: str) -> Any:
    """Set a policy: ``rotate_after``, ``rotate_before`` and ``notify_before``."""
    kinds = {
        "rotate_after": ("timeAfterCreate", "Rotate"),
        "rotate_before": ("timeBeforeExpiry", "Rotate"),
        "notify_before": ("timeBeforeExpiry", "Notify"),
    }
    actions = [
        {"trigger": {kinds[name][0]: duration}, "action": {"type": kinds[name][1]}}
        for name, duration in triggers.items()
    ]
    body = {"lifetimeActions": actions, "attributes": {"expiryTime": expiry} if expiry else {}}
    answer = api("PUT", f"/keys/{name}/rotationpolicy", body)
    assert answer.status == 200, answer.data
    return answer.json


def _versions(api: Api, name: str) -> list[dict[str, Any]]:
    """Return the versions, oldest first."""
    items = [api("GET", f"/keys/{name}/{item['kid'].rsplit('/', 1)[1]}").json for item in _listed(api, name)]
    return sorted(items, key=lambda item: item["attributes"]["created"])


def _listed(api: Api, name: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = api("GET", f"/keys/{name}/versions").json["value"]
    return items


def _kinds(api: Api) -> list[tuple[str, str]]:
    return [(event.kind, event.name) for event in api.vault.events]


@pytest.fixture
def patient(start: EmulatorFactory) -> Api:
    """A vault whose token outlasts every move of its clock."""
    return start(deletion_delay=0, token_lifetime=10**9)


def test_key_is_rotated_as_often_as_its_policy_says(patient: Api) -> None:
    created = patient.create("invoices", kty="EC", crv="P-384", tags={"team": "red"}, key_ops=["sign"])
    _policy(patient, "invoices", "P90D", rotate_after="P30D")
    patient.vault.clock.advance(days=100)
    versions = _versions(patient, "invoices")
    begin = created["attributes"]["created"]
    assert [version["attributes"]["created"] - begin for version in versions] == [0, 30 * _DAY, 60 * _DAY, 90 * _DAY]
    assert [version["attributes"].get("exp", begin) - begin for version in versions[1:]] == [
        (30 * number + 90) * _DAY for number in (1, 2, 3)
    ]
    assert len({version["key"]["x"] for version in versions}) == 4
    for version in versions:
        assert (version["key"]["crv"], version["key"]["key_ops"], version["tags"]) == (
            "P-384",
            ["sign"],
            {"team": "red"},
        )
    assert patient("GET", "/keys/invoices").json["key"]["kid"] == versions[-1]["key"]["kid"]


def test_key_is_rotated_before_it_expires(patient: Api) -> None:
    now = int(time.time())
    patient.create("invoices", attributes={"exp": now + 60 * _DAY})
    _policy(patient, "invoices", "P60D", rotate_before="P10D")
    patient.vault.clock.advance(days=49)
    assert len(_listed(patient, "invoices")) == 1
    patient.vault.clock.advance(days=2)
    old, new = _versions(patient, "invoices")
    assert new["attributes"]["created"] == now + 50 * _DAY
    assert new["attributes"]["exp"] == now + 110 * _DAY
    assert old["attributes"]["exp"] == now + 60 * _DAY


def test_months_are_counted_by_the_calendar(patient: Api) -> None:
    begin = patient.create("invoices")["attributes"]["created"]
    _policy(patient, "invoices", None, rotate_after="P2M")
    patient.vault.clock.advance(days=63)
    due = parse_duration("P2M").after(begin)
    assert [version["attributes"]["created"] for version in _versions(patient, "invoices")] == [begin, due]


def test_policy_that_is_late_is_carried_out_at_once(patient: Api) -> None:
    """A key that was old enough before it got its policy is rotated then, and not in the past."""
    patient.create("invoices")
    patient.vault.clock.advance(days=365)
    updated = _policy(patient, "invoices", None, rotate_after="P30D")["attributes"]["updated"]
    assert _versions(patient, "invoices")[-1]["attributes"]["created"] == updated


def test_without_a_policy_nothing_is_rotated(patient: Api) -> None:
    patient.create("invoices")
    patient.create("notified", attributes={"exp": int(time.time()) + 100 * _DAY})
    _policy(patient, "notified", "P100D", notify_before="P20D")
    patient.vault.clock.advance(days=1000)
    assert [len(_listed(patient, name)) for name in ("invoices", "notified")] == [1, 1]


def test_keys_of_certificates_and_deleted_keys_are_not_rotated(patient: Api) -> None:
    for name in ("managed", "deleted"):
        patient.create(name)
        _policy(patient, name, None, rotate_after="P30D")
    patient.vault.mark_managed("managed")
    patient("DELETE", "/keys/deleted")
    patient.vault.clock.advance(days=40)
    assert len(_listed(patient, "managed")) == 1
    assert patient.vault.events == []
    assert patient("POST", "/deletedkeys/deleted/recover").status == 200
    assert len(_listed(patient, "deleted")) == 2, "what was missed is made up for"


def test_near_expiry_and_expiry_are_noted_once(patient: Api) -> None:
    expiry = int(time.time()) + 100 * _DAY
    version = patient.create("invoices", attributes={"exp": expiry})["key"]["kid"].rsplit("/", 1)[1]
    patient.create("forever")
    patient.vault.clock.advance(days=69)
    assert patient.vault.events == []
    patient.vault.clock.advance(days=2)
    [near] = patient.vault.events
    assert (near.kind, near.name, near.version, near.time) == ("near-expiry", "invoices", version, expiry - 30 * _DAY)
    patient.vault.clock.advance(days=20)
    patient("PATCH", "/keys/invoices", {"tags": {"seen": "yes"}})
    assert len(patient.vault.events) == 1
    patient.vault.clock.advance(days=10)
    assert _kinds(patient) == [("near-expiry", "invoices"), ("expired", "invoices")]
    assert patient.vault.events[1].time == expiry


def test_key_that_has_expired_cannot_sign_any_more(patient: Api) -> None:
    patient.create("invoices", attributes={"exp": int(time.time()) + 10 * _DAY})
    body = {"alg": "ES256", "value": "A" * 43}
    assert patient("POST", "/keys/invoices/sign", body).status == 200
    patient.vault.clock.advance(days=11)
    assert patient("POST", "/keys/invoices/sign", body).status == 403


def test_notice_comes_when_the_policy_says(patient: Api) -> None:
    expiry = int(time.time()) + 100 * _DAY
    patient.create("invoices", attributes={"exp": expiry})
    _policy(patient, "invoices", "P100D", notify_before="P50D")
    patient.vault.clock.advance(days=51)
    assert [(event.kind, event.time) for event in patient.vault.events] == [("near-expiry", expiry - 50 * _DAY)]


def test_expiry_that_is_put_off_is_noted_again(patient: Api) -> None:
    now = int(time.time())
    patient.create("invoices", attributes={"exp": now + 10 * _DAY})
    patient.vault.clock.advance(days=11)
    patient("PATCH", "/keys/invoices", {"attributes": {"exp": now + 20 * _DAY}})
    patient.vault.clock.advance(days=10)
    assert [kind for kind, _ in _kinds(patient)] == ["near-expiry", "expired", "near-expiry", "expired"]


def test_deleted_key_is_purged_when_its_retention_ends(start: EmulatorFactory, tmp_path: Path) -> None:
    api = start(deletion_delay=0, token_lifetime=10**9, retention_days=7, data_dir=tmp_path)
    api.create("invoices")
    api("DELETE", "/keys/invoices")
    api.vault.clock.advance(days=6)
    assert api("GET", "/deletedkeys/invoices").status == 200
    api.vault.clock.advance(days=2)
    assert _kinds(api) == [("purged", "invoices")]
    assert api("GET", "/deletedkeys/invoices").status == 404
    assert api("GET", "/deletedkeys").json["value"] == []
    assert api.vault.export_state()["keys"] == []
    api.create("invoices")
    api.vault.stop()
    assert len(_listed(start(data_dir=tmp_path), "invoices")) == 1


def test_events_come_in_the_order_of_their_time(patient: Api) -> None:
    now = int(time.time())
    patient.create("b", attributes={"exp": now + 40 * _DAY})
    patient.create("a", attributes={"exp": now + 45 * _DAY})
    _policy(patient, "a", "P45D", rotate_after="P20D")
    patient.vault.clock.advance(days=50)
    times = [event.time for event in patient.vault.events]
    assert times == sorted(times)
    assert ("rotated", "a") in _kinds(patient)
    assert ("expired", "b") in _kinds(patient)


def test_time_that_passes_by_itself_rotates_with_the_next_call(patient: Api) -> None:
    patient.create("invoices")
    _policy(patient, "invoices", None, rotate_after="P30D")
    patient.vault.clock.offset += 31 * _DAY
    assert len(_listed(patient, "invoices")) == 2


def test_rotations_survive_a_restart_and_are_made_up_for(start: EmulatorFactory, tmp_path: Path) -> None:
    api = start(data_dir=tmp_path, token_lifetime=10**9)
    api.create("invoices")
    _policy(api, "invoices", None, rotate_after="P30D")
    api.vault.stop()
    again = start(data_dir=tmp_path, token_lifetime=10**9)
    again.vault.clock.advance(days=65)
    assert len(_listed(again, "invoices")) == 3


def test_managed_hsm_rotates_too(start: EmulatorFactory) -> None:
    api = start("7.6", managed_hsm=True, token_lifetime=10**9)
    api.create("backups", kty="oct-HSM", key_size=256)
    _policy(api, "backups", None, rotate_after="P30D")
    api.vault.clock.advance(days=31)
    assert len(_listed(api, "backups")) == 2


def test_all_vaults_follow_the_clock(start: EmulatorFactory) -> None:
    api = start(vaults=("billing",), token_lifetime=10**9)
    billing = Api(api.vault.vaults["billing"])
    billing.create("invoices")
    _policy(billing, "invoices", None, rotate_after="P30D")
    api.vault.clock.advance(days=31)
    assert _kinds(billing) == [("rotated", "invoices")]
    assert _kinds(api) == []
    billing.close()


def test_reset_forgets_events_and_turns_the_clock_back(patient: Api) -> None:
    patient.create("invoices", attributes={"exp": int(time.time()) + 5 * _DAY})
    patient.vault.clock.advance(days=6)
    assert patient.vault.events
    patient.vault.reset()
    assert patient.vault.events == []
    assert patient.vault.clock.offset == 0


def test_what_was_noted_before_a_reset_is_noted_again_when_it_is_due_again(patient: Api) -> None:
    """A vault that tests share is the same for each of them."""
    patient.create("invoices", attributes={"exp": int(time.time()) + 50 * _DAY})
    patient.create("over", attributes={"exp": int(time.time()) - 1})
    assert patient("GET", "/keys").status == 200
    assert [kind for kind, name in _kinds(patient) if name == "over"] == ["expired"]
    for _ in range(2):
        patient.vault.reset()
        patient.vault.clock.advance(days=51)
        assert _kinds(patient) == [("near-expiry", "invoices"), ("expired", "invoices")]


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        ({"seconds": 5}, 5),
        ({"days": 2}, 2 * _DAY),
        ({"hours": 3}, 3 * 3600),
        ({"minutes": 4}, 240),
        ({"days": 1, "hours": -1, "seconds": 1}, 23 * 3600 + 1),
    ],
    ids=str,
)
def test_clock_moves_by_the_sum_of_what_is_given(patient: Api, given: dict[str, float], seconds: float) -> None:
    patient.vault.clock.advance(**given)
    assert patient.vault.clock.offset == seconds
    patient.vault.clock.advance(-seconds)
    assert patient.vault.clock.offset == 0


@pytest.mark.parametrize("seconds", [10**12, 2**53, 0], ids=["year-33658", "largest", "epoch"])
def test_dates_that_no_calendar_has_do_no_harm(patient: Api, seconds: int) -> None:
    answer = patient("POST", "/keys/far/create", {"kty": "EC", "attributes": {"exp": seconds}})
    assert answer.status in (200, 400)
    patient.vault.clock.advance(days=1)
    assert patient("GET", "/keys").status == 200
