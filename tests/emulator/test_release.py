"""Secure key release, and secure wrap and unwrap, with the emulator's attestation authority."""

from __future__ import annotations

import base64
import json
from typing import Any

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.keywrap import aes_key_unwrap, aes_key_unwrap_with_padding, aes_key_wrap

from .client import NEWEST, Api, EmulatorFactory, b64, unb64

_ENVIRONMENT = rsa.generate_private_key(65537, 2048)


def _policy(api: Api, *conditions: dict[str, Any], **extra: Any) -> dict[str, Any]:
    policy = {"version": "1.0.0", "anyOf": [{"authority": api.vault.attestation.url, "allOf": list(conditions)}]}
    return {"data": b64(json.dumps(policy).encode()), **extra}


def _exportable(api: Api, name: str, *conditions: dict[str, Any], **extra: Any) -> Any:
    required = conditions or ({"claim": "sgx.debug", "equals": False},)
    policy = _policy(api, *required, **extra)
    return api.create(name, kty="EC-HSM", attributes={"exportable": True}, release_policy=policy)


def _token(api: Api, **claims: Any) -> str:
    return api.vault.attestation.issue(claims or {"sgx": {"debug": False}}, _ENVIRONMENT.public_key())


@pytest.mark.parametrize(
    ("mechanism", "digest"),
    [
        (None, hashes.SHA1()),
        ("CKM_RSA_AES_KEY_WRAP", hashes.SHA1()),
        ("RSA_AES_KEY_WRAP_256", hashes.SHA256()),
        ("RSA_AES_KEY_WRAP_384", hashes.SHA384()),
    ],
    ids=lambda value: getattr(value, "name", value),
)
def test_released_key_is_encrypted_for_the_environment(api: Api, name: str, mechanism: str | None, digest: Any) -> None:
    key = _exportable(api, name)["key"]
    body = {"target": _token(api), "nonce": "n"} | ({"enc": mechanism} if mechanism else {})
    token = api("POST", f"/keys/{name}//release", body).json["value"]
    header = jwt.get_unverified_header(token)
    certificate = x509.load_der_x509_certificate(base64.b64decode(header["x5c"][0]))
    assert list(header) == ["alg", "kid", "x5t", "typ", "x5t#S256", "x5c"]
    chain = [x509.load_der_x509_certificate(base64.b64decode(text)) for text in header["x5c"]]
    for issued, issuer in zip(chain, [*chain[1:], chain[-1]], strict=True):
        issued.verify_directly_issued_by(issuer)
    assert header["x5t#S256"] == b64(certificate.fingerprint(hashes.SHA256()))
    payload = jwt.decode(token, certificate.public_key(), algorithms=["RS256"])
    enc = mechanism or "CKM_RSA_AES_KEY_WRAP"
    assert payload["request"] == {"api-version": "7.4", "enc": enc, "kid": key["kid"].rpartition("/")[0]}
    assert payload["response"]["key"]["release_policy"]["immutable"] is False
    released = payload["response"]["key"]["key"]
    blob = json.loads(unb64(released.pop("key_hsm")))
    assert released == key
    assert blob["header"] == {"alg": "dir", "enc": enc, "kid": "TpmEphemeralEncryptionKey"}
    ciphertext = unb64(blob["ciphertext"])
    aes_key = _ENVIRONMENT.decrypt(ciphertext[:256], padding.OAEP(padding.MGF1(digest), digest, None))
    private = serialization.load_der_private_key(aes_key_unwrap_with_padding(aes_key, ciphertext[256:]), None)
    assert isinstance(private, ec.EllipticCurvePrivateKey)
    assert private.public_key().public_numbers().x == int.from_bytes(unb64(key["x"]), "big")


@pytest.mark.parametrize(
    ("condition", "status"),
    [
        ({"claim": "a.b", "equals": "x"}, 200),
        ({"claim": "a.b", "equals": "y"}, 403),
        ({"claim": "a.b", "notEquals": "y"}, 200),
        ({"claim": "n", "less": 6}, 200),
        ({"claim": "n", "lessOrEquals": 4}, 403),
        ({"claim": "n", "greater": 5}, 403),
        ({"claim": "n", "greaterOrEquals": 5}, 200),
        ({"claim": "a.c", "exists": True}, 403),
        ({"claim": "a.c", "exists": False}, 200),
        ({"anyOf": [{"claim": "n", "equals": 1}, {"claim": "n", "equals": 5}]}, 200),
        ({"allOf": [{"claim": "n", "equals": 1}, {"claim": "n", "equals": 5}]}, 403),
        ({"claim": "n", "less": "text"}, 403),
        ({"claim": "n", "matches": 5}, 400),
        ({"claim": "yes", "equals": "true"}, 200),
        ({"claim": "yes", "equals": True}, 200),
        ({"claim": "yes", "notEquals": "true"}, 403),
        ({"claim": "yes", "equals": "false"}, 403),
        ({"claim": "yes", "equals": 1}, 403),
        ({"claim": "n"}, 400),
        ({"claim": 5, "equals": 5}, 400),
        ({}, 400),
        (1, 400),
    ],
    ids=str,
)
def test_release_follows_the_policy(api: Api, name: str, condition: Any, status: int) -> None:
    _exportable(api, name, condition)
    answer = api("POST", f"/keys/{name}/release", {"target": _token(api, a={"b": "x"}, n=5, yes=True)})
    assert answer.status == status
    if status == 403:
        assert answer.error == (403, "Forbidden", "AccessDenied")
        assert answer.message == "Target environment attestation statement cannot be verified."


@pytest.mark.parametrize("kind", ["garbage", "forged", "foreign", "expired", "without-key"])
def test_release_to_an_untrusted_environment_is_refused(start: EmulatorFactory, kind: str) -> None:
    api = start()
    _exportable(api, "a")
    other = rsa.generate_private_key(65537, 2048)
    claims = {"iss": api.vault.attestation.url, "sgx": {"debug": False}, "exp": 4000000000}
    target = {
        "garbage": "a.b.c",
        "forged": jwt.encode(claims, other, "RS256"),
        "foreign": jwt.encode({**claims, "iss": "https://attest.test"}, other, "RS256"),
        "expired": _token(api),
        "without-key": jwt.encode({**claims, "iss": "https://known.test"}, other, "RS256"),
    }[kind]
    api.vault.attestation.trust("https://known.test", other.public_key())
    if kind == "expired":
        api.vault.clock.advance(3601)
        api.token = api.vault.credential.get_token(api.vault.url).token
    assert api("POST", "/keys/a/release", {"target": target}).status == 403


def test_release_to_an_environment_with_a_short_key_is_refused(api: Api, name: str) -> None:
    _exportable(api, name)
    short = rsa.generate_private_key(65537, 1024).public_key()
    body = {"target": api.vault.attestation.issue({"sgx": {"debug": False}}, short)}
    assert api("POST", f"/keys/{name}/release", {**body, "enc": "RSA_AES_KEY_WRAP_256"}).status == 200
    answer = api("POST", f"/keys/{name}/release", {**body, "enc": "RSA_AES_KEY_WRAP_384"})
    assert answer.error == (400, "BadParameter", None)


def test_trusted_foreign_authority_releases(start: EmulatorFactory) -> None:
    api, authority = start(), rsa.generate_private_key(65537, 2048)
    api.vault.attestation.trust("https://attest.test/", authority.public_key())
    policy = {
        "version": "1.0.0",
        "anyOf": [{"authority": "https://attest.test/", "allOf": [{"claim": "a", "equals": 1}]}],
    }
    data = {"data": b64(json.dumps(policy).encode())}
    api.create("a", kty="RSA-HSM", attributes={"exportable": True}, release_policy=data)
    runtime = jwt.decode(_token(api), options={"verify_signature": False})["x-ms-runtime"]
    claims = {"iss": "https://attest.test", "a": 1, "exp": 4000000000, "x-ms-runtime": runtime}
    target = jwt.encode(claims, authority, "RS256")
    assert api("POST", "/keys/a/release", {"target": target}).status == 200


def test_release_of_a_key_that_is_not_exportable_is_refused(api: Api, name: str) -> None:
    api.create(name)
    answer = api("POST", f"/keys/{name}/release", {"target": _token(api)})
    assert answer.error == (403, "Forbidden", "KeyOperationForbidden")


def _create(api: Api, name: str, exportable: bool | None, policy: bool, kty: str = "RSA-HSM") -> Any:
    body: dict[str, Any] = {"kty": kty}
    if exportable is not None:
        body["attributes"] = {"exportable": exportable}
    if policy:
        body["release_policy"] = _policy(api, {"claim": "a", "equals": 1})
    return api("POST", f"/keys/{name}/create", body)


def test_release_rules_have_their_numbers(api: Api, start: EmulatorFactory, name: str) -> None:
    standard = start(premium=False)
    assert _create(standard, name, True, True, "RSA").message == (
        "AKV.SKR.1001: The exportable attribute is only supported with premium vaults and API version >= '7.3-preview'."
    )
    assert _create(api, name, True, False).message == "AKV.SKR.1004: Exportable keys must have release policy."
    assert _create(api, name, None, True).message == "AKV.SKR.1005: Non-exportable keys must not have release policy."
    assert _create(api, name, True, True, "RSA").message.startswith("AKV.SKR.1006: ")
    version = _exportable(api, name, immutable=True)["key"]["kid"].rsplit("/", 1)[1]
    change = {"release_policy": _policy(api, {"claim": "b", "equals": 1})}
    assert api("PATCH", f"/keys/{name}", {"attributes": {"exportable": False}}).message.startswith("AKV.SKR.1003: ")
    assert api("PATCH", f"/keys/{name}/{version}", change).message.startswith("AKV.SKR.1016: ")
    assert api("PATCH", f"/keys/{name}", change).message == (
        "AKV.SKR.1020: Immutable Key Release Policy cannot be modified."
    )


def test_release_policy_is_shown_and_changed(api: Api, name: str) -> None:
    shown = _exportable(api, name)["release_policy"]
    assert shown["contentType"] == "application/json; charset=utf-8"
    change = _policy(api, {"claim": "b", "equals": 1}, immutable=True, contentType="application/json")
    changed = api("PATCH", f"/keys/{name}", {"release_policy": change}).json
    plain = unb64(change.pop("data")).decode().replace(" ", "")
    assert unb64(changed["release_policy"].pop("data")).decode() == plain
    assert changed["release_policy"] == change
    assert changed["attributes"]["exportable"] is True
    assert "release_policy" not in api.at("7.2")("GET", f"/keys/{name}").json


@pytest.mark.parametrize("data", ["", b64(b"{"), b64(b"[]"), b64(b"{}"), "!"], ids=repr)
def test_malformed_policy_is_refused(api: Api, name: str, data: str) -> None:
    body = {"kty": "EC-HSM", "attributes": {"exportable": True}, "release_policy": {"data": data}}
    assert api("POST", f"/keys/{name}/create", body).error == (400, "BadParameter", None)


def test_attestation_authority_publishes_its_key(api: Api) -> None:
    metadata = api.send("GET", "/attestation/.well-known/openid-configuration").json
    assert metadata["issuer"] == api.vault.attestation.url
    [jwk] = api.send("GET", metadata["jwks_uri"].removeprefix(api.vault.url)).json["keys"]
    assert jwt.decode(_token(api), jwt.PyJWK(jwk), algorithms=["RS256"])["iss"] == metadata["issuer"]


def test_secure_wrap_and_unwrap_reveal_the_key_to_the_environment_only(hsm: Api, name: str) -> None:
    preview = hsm.at("2026-01-01-preview")
    policy = _policy(hsm, {"claim": "sgx.debug", "equals": False})
    secret = bytes(range(32))
    jwk = {"kty": "oct-HSM", "k": b64(secret), "key_ops": ["secureWrapKey", "secureUnwrapKey"]}
    body = {"key": jwk, "attributes": {"exportable": True}, "release_policy": policy}
    assert preview("PUT", f"/keys/{name}", body).status == 200
    wrapped = preview("POST", f"/keys/{name}/securewrapkey", {"alg": "A256KW"}).json
    assert sorted(wrapped) == ["alg", "kid", "value"]
    made = aes_key_unwrap(secret, unb64(wrapped["value"]))
    assert len(made) == 32
    request = {"alg": "A256KW", "value": wrapped["value"], "target": _token(hsm)}
    revealed = preview("POST", f"/keys/{name}/secureunwrapkey", request).json
    oaep = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
    assert _ENVIRONMENT.decrypt(unb64(revealed["value"]), oaep) == made
    refused = preview("POST", f"/keys/{name}/secureunwrapkey", {**request, "target": _token(hsm, sgx={"debug": True})})
    assert refused.status == 403
    assert preview("POST", f"/keys/{name}/securewrapkey", {"alg": "A256GCM"}).status == 400
    for other in (b"k" * 16, b"k" * 400):
        wrong = {**request, "value": b64(aes_key_wrap(secret, other))}
        assert preview("POST", f"/keys/{name}/secureunwrapkey", wrong).error == (400, "BadParameter", None)


def test_secure_wrap_with_rsa_is_possible(api: Api, name: str) -> None:
    newest = api.at(NEWEST)
    newest.create(name, kty="RSA-HSM", key_ops=["secureWrapKey"])
    wrapped = newest("POST", f"/keys/{name}/securewrapkey", {"alg": "RSA-OAEP-256"}).json
    assert len(unb64(wrapped["value"])) == 256
