"""The gate: what each API version knows, shows and refuses."""

from __future__ import annotations

from typing import Any

import pytest

from .client import NEWEST, Api, EmulatorFactory, b64, needs_ml_dsa

_VERSIONS = ["2016-10-01", "7.0", "7.1", "7.2", "7.3", "7.4", "7.5", "7.6", "2025-07-01", "2026-04-01", NEWEST]


def test_unknown_version_is_refused_with_the_text_of_the_service(api: Api) -> None:
    answer = api.at("9.9")("GET", "/keys")
    assert answer.error == (400, "BadParameter", None)
    assert answer.message == (
        "The specified version (9.9) is not recognized. Consider using the latest supported version (2026-04-01)."
    )


@pytest.mark.parametrize("target", ["/keys", "/keys?api-version=", "/keys?Api=7.4"])
def test_missing_version_is_refused(api: Api, target: str) -> None:
    answer = api.send("GET", target, headers={"Authorization": f"Bearer {api.token}"})
    assert answer.error == (400, "BadParameter", None)


def test_region_that_lags_behind_refuses_newer_versions(start: EmulatorFactory) -> None:
    api = start(latest_api_version="7.1")
    assert api.at("7.1")("GET", "/keys").status == 200
    assert api.at("7.2")("GET", "/keys").message.endswith("Consider using the latest supported version (7.1).")


@pytest.mark.case("E15")
@pytest.mark.parametrize("version", _VERSIONS)
def test_attributes_are_those_of_the_version(api: Api, hsm: Api, name: str, version: str) -> None:
    rank = _VERSIONS.index(version)
    api.create(name, kty="RSA")
    for shown in (
        api.at(version)("GET", f"/keys/{name}").json["attributes"],
        api.at(version)("GET", f"/keys/{name}/versions").json["value"][0]["attributes"],
    ):
        assert ("recoverableDays" in shown) is (rank >= _VERSIONS.index("7.1"))
        assert ("exportable" in shown) is (rank >= _VERSIONS.index("7.3"))
        assert (shown.get("hsmPlatform") == "0") is (rank >= _VERSIONS.index("7.5"))
        assert (shown.get("key_size") == 2048) is (rank >= _VERSIONS.index("7.5"))
    hsm.create(name)
    shown = hsm.at(version)("GET", f"/keys/{name}").json["attributes"]
    assert ("exportable" in shown) is (rank >= _VERSIONS.index("7.2"))
    assert not {"hsmPlatform", "key_size"} & set(shown)


@pytest.mark.parametrize("version", ["7.6-preview.1", "7.6-preview.2"])
def test_previews_of_7_6_have_no_key_size(api: Api, name: str, version: str) -> None:
    assert "key_size" not in api.at(version).create(name, kty="RSA")["attributes"]


@pytest.mark.parametrize(("version", "shown"), [("7.6", False), ("2025-07-01", True), ("2026-04-01", True)])
def test_size_of_a_symmetric_key_is_shown_until_it_is_deleted(hsm: Api, name: str, version: str, shown: bool) -> None:
    at = hsm.at(version)
    assert (at.create(name, kty="oct-HSM")["attributes"].get("key_size") == 256) is shown
    assert "key_size" not in at("DELETE", f"/keys/{name}").json["attributes"]
    assert "key_size" not in at("GET", f"/deletedkeys/{name}").json["attributes"]
    assert (at("POST", f"/deletedkeys/{name}/recover").json["attributes"].get("key_size") == 256) is shown


@pytest.mark.parametrize(
    ("method", "path", "since"),
    [
        ("POST", "rotate", "7.3"),
        ("GET", "rotationpolicy", "7.3"),
        ("PUT", "rotationpolicy", "7.3"),
        ("POST", "release", "7.3"),
        ("GET", "attestation", "7.6"),
        ("POST", "securewrapkey", "2026-04-01"),
        ("POST", "secureunwrapkey", "2026-04-01"),
    ],
)
def test_operation_is_refused_before_its_version(hsm: Api, name: str, method: str, path: str, since: str) -> None:
    hsm.create(name)
    before = hsm.at(_VERSIONS[_VERSIONS.index(since) - 1])(
        method, f"/keys/{name}/{path}", {} if method == "PUT" else None
    )
    assert before.error == (400, "BadParameter", None)
    assert "is not supported by the specified version" in before.message
    after = hsm.at(since)(method, f"/keys/{name}/{path}", {} if method == "PUT" else None)
    assert "is not supported by the specified version" not in str(after.data)


@pytest.mark.parametrize(
    ("body", "refused", "accepted"),
    [
        ({"kty": "EC", "crv": "P-256K"}, "2016-10-01", "7.0"),
        ({"kty": "EC", "crv": "SECP256K1"}, "7.0", "2016-10-01"),
        ({"kty": "RSA", "key_ops": ["import"]}, "7.0", "7.1"),
        ({"kty": "RSA", "key_ops": ["export"]}, "7.2", "7.3"),
        ({"kty": "RSA", "key_ops": ["secureWrapKey"]}, "7.6", "2026-04-01"),
        ({"kty": "oct"}, "7.1", "7.2"),
        pytest.param({"kty": "AKP", "alg": "ML-DSA-44"}, "2026-04-01", NEWEST, marks=needs_ml_dsa),
    ],
    ids=str,
)
def test_value_is_refused_where_the_version_lacks_it(
    hsm: Api, name: str, body: dict[str, Any], refused: str, accepted: str
) -> None:
    assert hsm.at(refused)("POST", f"/keys/{name}/create", body).status == 400
    assert hsm.at(accepted)("POST", f"/keys/{name}/create", body).status == 200


@pytest.mark.parametrize(
    ("kty", "operation", "algorithm", "refused", "accepted"),
    [
        ("EC", "sign", "ES256K", "2016-10-01", "7.0"),
        ("oct", "sign", "HS256", "7.5", "7.6"),
        ("oct", "wrapkey", "CKM_AES_KEY_WRAP", "7.5", "7.6"),
        ("oct", "encrypt", "A256GCM", "7.1", "7.2"),
    ],
)
def test_algorithm_is_refused_where_the_version_lacks_it(
    hsm: Api, name: str, kty: str, operation: str, algorithm: str, refused: str, accepted: str
) -> None:
    curve = {"crv": "P-256K"} if kty == "EC" else {"key_ops": ["sign", "wrapKey", "encrypt"]}
    hsm.create(name, kty=kty, **curve)
    body = {"alg": algorithm, "value": b64(b"x" * 32)}
    assert hsm.at(refused)("POST", f"/keys/{name}/{operation}", body).error == (400, "BadParameter", None)
    assert hsm.at(accepted)("POST", f"/keys/{name}/{operation}", body).status == 200


def test_public_exponent_is_an_unknown_member_before_7_2(hsm: Api, name: str) -> None:
    body = {"kty": "RSA", "public_exponent": 3}
    assert [hsm.at(version).create(name, **body)["key"]["e"] for version in ("7.1", "7.2")] == ["AQAB", b64(b"\3")]


def test_release_policy_and_exportable_are_refused_before_7_3(api: Api, name: str) -> None:
    old = api.at("7.2")
    assert old("POST", f"/keys/{name}/create", {"kty": "EC", "release_policy": {"data": "e30"}}).status == 400
    answer = old("POST", f"/keys/{name}/create", {"kty": "EC-HSM", "attributes": {"exportable": True}})
    assert answer.message.startswith("AKV.SKR.1001: ")
