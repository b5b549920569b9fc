"""From arguments to the bodies of requests: what is refused before anything is sent."""

from __future__ import annotations

import warnings
from datetime import datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from fixtures.stub_vault import Answer, Script, StubWorld, bundle

from azure.keyvault.keys import JsonWebKey, KeyCurveName, KeyOperation, KeyReleasePolicy, KeyRotationPolicy, KeyType
from azure.keyvault.keys import KeyRotationLifetimeAction as LifetimeAction
from azure.keyvault.keys import KeyRotationPolicyAction as Action
from azure.keyvault.keys import _parameters as parameters

UTC = timezone.utc


def body_of(script: Script) -> Any:
    import json

    return json.loads(script.calls[-1].content)


@pytest.mark.case("H1")
async def test_naive_time_is_taken_as_utc_with_a_warning_at_the_callers_line(
    stub: StubWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    import time

    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    script = Script()
    with pytest.warns(UserWarning, match="expires_on has no time zone and is taken as UTC"):
        await stub.client(script).create_rsa_key("orders", expires_on=datetime(2030, 1, 1))
    monkeypatch.undo()
    time.tzset()
    assert body_of(script)["attributes"] == {"exp": 1893456000}


@pytest.mark.case("H2", "H4")
@pytest.mark.parametrize(
    ("moment", "seconds"),
    [
        (datetime(2030, 1, 1, tzinfo=UTC), 1893456000),
        (datetime(2030, 1, 1, 0, 0, 0, 999_999, tzinfo=UTC), 1893456000),
        (datetime(2030, 1, 1, tzinfo=timezone(timedelta(hours=5, minutes=30))), 1893456000 - 19800),
        (datetime(2029, 11, 4, 1, 30, tzinfo=ZoneInfo("America/New_York"), fold=0), 1888464600),
        (datetime(2029, 11, 4, 1, 30, tzinfo=ZoneInfo("America/New_York"), fold=1), 1888468200),
        (datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC), -1),
        (datetime(2038, 1, 19, 3, 14, 8, tzinfo=UTC), 2**31),
        (datetime(2024, 2, 29, tzinfo=UTC), 1709164800),
        (datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC), 253402300799),
    ],
    ids=["utc", "microseconds", "offset", "fold-0", "fold-1", "1969", "2038", "leap-day", "9999"],
)
async def test_aware_time_is_sent_in_whole_seconds(stub: StubWorld, moment: datetime, seconds: int) -> None:
    script = Script()
    await stub.client(script).create_rsa_key("orders", expires_on=moment, not_before=moment)
    assert body_of(script)["attributes"] == {"exp": seconds, "nbf": seconds}


@pytest.mark.case("H4")
@pytest.mark.parametrize(
    "moment",
    [
        datetime(9999, 12, 31, 23, 59, tzinfo=timezone(-timedelta(hours=5))),
        datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=5))),
    ],
    ids=["9999", "1"],
)
def test_time_that_utc_cannot_hold_is_a_value_error_that_names_the_argument(moment: datetime) -> None:
    with pytest.raises(ValueError, match="not_before"):
        parameters.key_attributes(not_before=moment)


@pytest.mark.case("H5")
@pytest.mark.parametrize("value", [1893456000, "2030-01-01", 1893456000.0, timedelta(days=1)], ids=repr)
def test_time_of_another_type_is_a_type_error(value: Any) -> None:
    with pytest.raises(TypeError, match="expires_on must be datetime"):
        parameters.key_attributes(expires_on=value)


@pytest.mark.case("H7")
@pytest.mark.parametrize(
    ("value", "text"),
    [
        (timedelta(days=90), "P90D"),
        (timedelta(hours=1000), "PT1000H"),
        ("P3M", "P3M"),
        ("PT3000H", "PT3000H"),
        ("P1Y10D", "P1Y10D"),
        ("P28D", "P28D"),
        ("P4W", "P4W"),
    ],
)
def test_duration_is_sent_in_the_form_of_iso_8601(value: Any, text: str) -> None:
    body = parameters.rotation_policy_parameters(KeyRotationPolicy(), expires_in=value)
    assert body.attributes is not None
    assert body.attributes.expiry_time == text


@pytest.mark.case("H7")
@pytest.mark.parametrize(
    "value",
    ["90 days", "P", "PT", "3M", "P-3M", "P1.5M", "p3m", "P3M ", "", "P3H", "PT3D", "P27D", "PT671H", "P3W", "PT3M",
     timedelta(days=27), timedelta(days=-90), timedelta(days=90, seconds=1), timedelta(0)],
    ids=repr,
)  # fmt: skip
def test_duration_that_is_none_or_too_short_is_a_value_error(value: Any) -> None:
    with pytest.raises(ValueError, match=r"expires_in|duration"):
        parameters.rotation_policy_parameters(KeyRotationPolicy(), expires_in=value)


@pytest.mark.case("H7")
@pytest.mark.parametrize("value", [90, 90.0, b"P90D", []], ids=repr)
def test_duration_of_another_type_is_a_type_error(value: Any) -> None:
    with pytest.raises(TypeError, match="expires_in"):
        parameters.rotation_policy_parameters(KeyRotationPolicy(), expires_in=value)


@pytest.mark.case("H7")
@pytest.mark.parametrize("value", ["soon", "P", "P30D "])
def test_trigger_that_is_no_duration_is_a_value_error(value: str) -> None:
    action = LifetimeAction(Action.rotate, time_after_create=value)
    with pytest.raises(ValueError, match="time_after_create"):
        parameters.rotation_policy_parameters(KeyRotationPolicy(), [action])


@pytest.mark.case("E10")
def test_rotation_policy_of_the_service_is_sent_back_as_it_is() -> None:
    policy = KeyRotationPolicy(lifetime_actions=[LifetimeAction(Action.notify, time_before_expiry="P30D")])
    body = parameters.rotation_policy_parameters(policy)
    assert body.attributes is None
    trigger = body.lifetime_actions[0].trigger  # type: ignore[index]
    assert (trigger.time_after_create, trigger.time_before_expiry) == (None, "P30D")  # type: ignore[union-attr]


@pytest.mark.case("G5")
@pytest.mark.parametrize(
    "tags",
    [
        {"📦": "🚀", "שלום": "مرحبا", "a b ": "x" * 256},
        {f"name-{n}": "" for n in range(15)},
        {},
    ],
    ids=["unicode", "fifteen", "none"],
)
async def test_tags_are_sent_as_they_are(stub: StubWorld, tags: dict[str, str]) -> None:
    script = Script([Answer(200, {**bundle(), "tags": tags})])
    key = await stub.client(script).create_rsa_key("orders", tags=tags)
    assert (body_of(script)["tags"], key.properties.tags) == (tags, tags)


@pytest.mark.case("G5")
def test_tags_beyond_the_limit_are_refused() -> None:
    with pytest.raises(ValueError, match="15 entries at most, not 16"):
        parameters.update_parameters(tags={str(n): "" for n in range(16)})


@pytest.mark.case("G5")
@pytest.mark.parametrize("tags", [{"a": 1}, {1: "a"}, {"a": None}, ["a"], "a"], ids=repr)
def test_tags_of_another_type_are_refused(tags: Any) -> None:
    with pytest.raises(TypeError, match="tags must be a dict"):
        parameters.update_parameters(tags=tags)


@pytest.mark.case("F5")
@pytest.mark.parametrize(("given", "sent"), [(None, None), (1, 1), (25, 25), (26, 25), (10**9, 25)])
def test_page_size_is_at_most_what_the_service_gives(given: int | None, sent: int | None) -> None:
    assert parameters.page_size(given) == sent


@pytest.mark.case("F5")
@pytest.mark.parametrize("given", [0, -1])
def test_page_size_below_one_is_refused(given: int) -> None:
    with pytest.raises(ValueError, match="max_page_size must be 1 or more"):
        parameters.page_size(given)


@pytest.mark.case("F5")
@pytest.mark.parametrize("given", ["5", 5.0, True], ids=repr)
def test_page_size_of_another_type_is_refused(given: Any) -> None:
    with pytest.raises(TypeError, match="max_page_size"):
        parameters.page_size(given)


@pytest.mark.parametrize(
    ("hsm", "hardware_protected", "key_type"),
    [(None, None, "RSA"), (False, None, "RSA"), (True, None, "RSA-HSM"), (None, True, "RSA-HSM"),
     (True, True, "RSA-HSM"), (False, False, "RSA"), (None, False, "RSA")],
)  # fmt: skip
def test_hardware_may_be_asked_for_by_either_name(hsm: Any, hardware_protected: Any, key_type: str) -> None:
    assert parameters.hardware_type(KeyType.rsa, KeyType.rsa_hsm, hsm, hardware_protected) == key_type


@pytest.mark.parametrize(("hsm", "hardware_protected"), [(False, True), (True, False)])
def test_names_of_one_argument_that_differ_are_a_type_error(hsm: bool, hardware_protected: bool) -> None:
    with pytest.raises(TypeError, match="two names for one argument"):
        parameters.hardware_type("RSA", "RSA-HSM", hsm, hardware_protected)


def test_expiry_may_be_given_by_either_name_but_not_differently() -> None:
    one, other = datetime(2030, 1, 1, tzinfo=UTC), datetime(2031, 1, 1, tzinfo=UTC)
    assert parameters.key_attributes(expires=one) is not None
    assert parameters.key_attributes(expires=one, expires_on=one) is not None
    with pytest.raises(TypeError, match="two names for one argument"):
        parameters.key_attributes(expires=one, expires_on=other)


def test_attributes_are_left_out_when_none_is_given() -> None:
    assert parameters.key_attributes() is None


def test_enumerations_are_sent_as_their_text() -> None:
    body = parameters.create_parameters(
        KeyType.ec, curve=KeyCurveName.p_256, key_operations=[KeyOperation.sign, "verify"]
    )
    assert (type(body.kty), body.crv, body.key_ops) == (str, "P-256", ["sign", "verify"])


@pytest.mark.parametrize(
    "wrong",
    [{"size": "2048"}, {"size": True}, {"public_exponent": 1.5}, {"curve": 5}, {"key_operations": "sign"},
     {"enabled": 1}, {"exportable": "yes"}, {"key_operations": [1]}, {"release_policy": b"{}"}],
    ids=str,
)  # fmt: skip
def test_argument_of_another_type_is_a_type_error_that_names_it(wrong: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match=next(iter(wrong))):
        parameters.create_parameters("RSA", **wrong)


@pytest.mark.parametrize("key", [None, 5, {"kty": "RSA"}, Ellipsis], ids=repr)
def test_key_to_import_of_another_type_is_a_type_error(key: Any) -> None:
    with pytest.raises(TypeError, match="key must be"):
        parameters.import_parameters(key)


@pytest.mark.case("I8")
def test_backup_of_another_type_is_a_type_error_that_does_not_quote_it() -> None:
    with pytest.raises(TypeError, match="backup must be bytes") as caught:
        parameters.restore_parameters("canary")  # type: ignore[arg-type]
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("backup", [b"x", bytearray(b"x"), memoryview(b"x")], ids=["bytes", "bytearray", "memoryview"])
def test_backup_may_be_any_bytes(backup: Any) -> None:
    assert parameters.restore_parameters(backup).value == b"x"


@pytest.mark.case("H1")
def test_aware_time_gives_no_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        parameters.key_attributes(expires_on=datetime(2030, 1, 1, tzinfo=UTC))


@pytest.mark.case("N10")
async def test_everything_that_can_be_set_is_sent(stub: StubWorld) -> None:
    script = Script()
    policy = KeyReleasePolicy(b"{}", immutable=True)
    key = JsonWebKey(kty="oct", k=b"0123456789abcdef", key_ops=["encrypt"])
    await stub.client(script).import_key(
        "orders", key, hardware_protected=True, tags={"a": "b"}, release_policy=policy, exportable=True, enabled=False
    )
    body = body_of(script)
    assert (body["Hsm"], body["tags"], body["attributes"]) == (True, {"a": "b"}, {"enabled": False, "exportable": True})
    assert body["release_policy"] == {"data": "e30", "immutable": True}
