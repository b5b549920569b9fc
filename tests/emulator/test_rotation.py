"""Rotation now, and by policy."""

from __future__ import annotations

from typing import Any

import pytest

from azure.keyvault.keys.emulator._cryptography.ec import EcMaterial

from .client import Api, EmulatorFactory

_ROTATE = {"trigger": {"timeAfterCreate": "P60D"}, "action": {"type": "Rotate"}}
_NOTIFY = {"trigger": {"timeBeforeExpiry": "P15D"}, "action": {"type": "Notify"}}
_DEFAULT_NOTIFY = {"trigger": {"timeBeforeExpiry": "P30D"}, "action": {"type": "Notify"}}


def _rotate(**trigger: str) -> dict[str, Any]:
    return {"trigger": trigger, "action": {"type": "Rotate"}}


@pytest.mark.parametrize("body", [{"kty": "RSA", "key_size": 3072}, {"kty": "EC", "crv": "P-384"}], ids=["rsa", "ec"])
def test_rotate_makes_a_new_version_of_the_same_kind(api: Api, name: str, body: dict[str, Any]) -> None:
    before = api.create(name, key_ops=["verify", "sign"], tags={"a": "b"}, **body)
    after = api("POST", f"/keys/{name}/rotate").json
    assert after["key"]["kid"] != before["key"]["kid"]
    for member in ("kty", "key_ops", "crv"):
        assert after["key"].get(member) == before["key"].get(member)
    assert len(after["key"].get("n", "")) == len(before["key"].get("n", ""))
    assert "exp" not in after["attributes"]
    assert api("GET", f"/keys/{name}").json == after


def test_unset_policy_is_the_default_without_id(api: Api, name: str) -> None:
    api.create(name)
    policy = api("GET", f"/keys/{name}/rotationpolicy").json
    assert policy == {"lifetimeActions": [_DEFAULT_NOTIFY], "attributes": None}
    assert api("PUT", f"/keys/{name}/rotationpolicy", policy).status == 200


def test_policy_is_echoed_and_gives_new_versions_their_expiry(api: Api, name: str) -> None:
    api.create(name)
    given = {"lifetimeActions": [_ROTATE, _NOTIFY], "attributes": {"expiryTime": "P120D"}}
    put = api("PUT", f"/keys/{name}/rotationpolicy", given).json
    assert put["id"] == f"{api.vault.url}/keys/{name}/rotationpolicy"
    assert put["lifetimeActions"] == given["lifetimeActions"]
    assert put["attributes"]["expiryTime"] == "P120D"
    assert put["attributes"]["created"] == put["attributes"]["updated"]
    assert api("GET", f"/keys/{name}/rotationpolicy").json == put
    assert "exp" not in api("GET", f"/keys/{name}").json["attributes"]
    attributes = api("POST", f"/keys/{name}/rotate").json["attributes"]
    assert attributes["exp"] == attributes["created"] + 120 * 86400


def test_rotate_only_gets_the_default_notify(api: Api, name: str) -> None:
    api.create(name)
    lower = {"trigger": {"timeAfterCreate": "P60D"}, "action": {"type": "rotate"}}
    put = api("PUT", f"/keys/{name}/rotationpolicy", {"lifetimeActions": [lower]}).json
    assert put["lifetimeActions"] == [_ROTATE, _DEFAULT_NOTIFY]
    assert "expiryTime" not in put["attributes"]


@pytest.mark.case("H7")
@pytest.mark.parametrize("duration", ["P28D", "P1M", "P1Y10D", "PT672H", "P4W", "P9999Y"])
def test_duration_is_kept_as_text(api: Api, name: str, duration: str) -> None:
    api.create(name)
    policy = {"lifetimeActions": [], "attributes": {"expiryTime": duration}}
    assert api("PUT", f"/keys/{name}/rotationpolicy", policy).json["attributes"]["expiryTime"] == duration
    assert api("POST", f"/keys/{name}/rotate").json["attributes"]["exp"] > 0


@pytest.mark.parametrize(
    "policy",
    [
        {"attributes": {"expiryTime": "P27D"}},
        {"attributes": {"expiryTime": "PT3M"}},
        {"attributes": {"expiryTime": "90 days"}},
        {"attributes": {"expiryTime": "P"}},
        {"attributes": {"expiryTime": "P1DT"}},
        {"attributes": {"expiryTime": 90}},
        {"lifetimeActions": {}},
        {"lifetimeActions": [1]},
        {"lifetimeActions": [{}]},
        {"lifetimeActions": [{**_ROTATE, "action": {"type": "Explode"}}]},
        {"lifetimeActions": [_ROTATE, _ROTATE]},
        {"lifetimeActions": [{**_ROTATE, "trigger": {}}]},
        {"lifetimeActions": [{**_ROTATE, "trigger": {"timeAfterCreate": "P6D"}}]},
        {"lifetimeActions": [{**_ROTATE, "trigger": {"timeAfterCreate": "P60D", "timeBeforeExpiry": "P60D"}}]},
        {"lifetimeActions": [{**_ROTATE, "trigger": {"timeBeforeExpiry": "P60D"}}]},
        {"lifetimeActions": [{**_NOTIFY, "trigger": {"timeAfterCreate": "P60D"}}]},
        {"lifetimeActions": [_ROTATE], "attributes": {"expiryTime": "P66D"}},
        {"lifetimeActions": [_NOTIFY], "attributes": {"expiryTime": "P21D"}},
        {"lifetimeActions": [_rotate(timeBeforeExpiry="P84D")], "attributes": {"expiryTime": "P90D"}},
        {"lifetimeActions": [_rotate(timeBeforeExpiry="P3M")], "attributes": {"expiryTime": "P3M"}},
    ],
    ids=str,
)
def test_policy_outside_the_rules_is_refused(api: Api, name: str, policy: dict[str, Any]) -> None:
    api.create(name)
    assert api("PUT", f"/keys/{name}/rotationpolicy", policy).error == (400, "BadParameter", None)


@pytest.mark.parametrize(
    ("action", "expiry"),
    [
        (_ROTATE, "P67D"),
        (_rotate(timeBeforeExpiry="P83D"), "P90D"),
        (_rotate(timeAfterCreate="P11M"), "P1Y"),
        (_DEFAULT_NOTIFY, "P28D"),
    ],
    ids=str,
)
def test_policy_may_come_close_to_the_rules(api: Api, name: str, action: dict[str, Any], expiry: str) -> None:
    api.create(name)
    policy = {"lifetimeActions": [action], "attributes": {"expiryTime": expiry}}
    assert api("PUT", f"/keys/{name}/rotationpolicy", policy).status == 200


@pytest.mark.parametrize("made_again", [False, True], ids=["gone", "made-again"])
def test_key_that_is_purged_during_its_rotation_is_404(
    start: EmulatorFactory, monkeypatch: pytest.MonkeyPatch, made_again: bool
) -> None:
    api, renewed = start(deletion_delay=0), EcMaterial.renewed
    api.create("a")

    def purge_and_renew(material: EcMaterial) -> EcMaterial:
        meanwhile = Api(api.vault)
        for path in ("/keys/a", "/deletedkeys/a"):
            meanwhile("DELETE", path)
        if made_again:
            meanwhile.create("a")
        meanwhile.close()
        return renewed(material)

    monkeypatch.setattr(EcMaterial, "renewed", purge_and_renew)
    assert api("POST", "/keys/a/rotate").error == (404, "KeyNotFound", None)
    assert len(api("GET", "/keys/a/versions").json["value"]) == made_again


def test_rotation_of_an_unknown_key_is_404(api: Api, name: str) -> None:
    for method, path, body in (
        ("POST", "rotate", None),
        ("GET", "rotationpolicy", None),
        ("PUT", "rotationpolicy", {}),
    ):
        assert api(method, f"/keys/{name}/{path}", body).error == (404, "KeyNotFound", None)
