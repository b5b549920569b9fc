"""Tokens and the identity endpoints, judged by PyJWT."""

from __future__ import annotations

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from .client import Answer, Api, EmulatorFactory


def _managed_identity(api: Api, resource: str, secret: str | None = None) -> Answer:
    header = api.vault.environment["IDENTITY_HEADER"] if secret is None else secret
    target = f"/msi/token?api-version=2019-08-01&resource={resource}"
    return api.send("GET", target, headers={"X-IDENTITY-HEADER": header})


def _with_token(api: Api, token: str) -> Answer:
    return api.send("GET", "/keys?api-version=7.4", headers={"Authorization": f"Bearer {token}"})


def _public_key(api: Api) -> jwt.PyJWK:
    [jwk] = api.send("GET", "/adfs/discovery/keys").json["keys"]
    return jwt.PyJWK(jwk)


def test_managed_identity_token_verifies_with_published_key(api: Api) -> None:
    body = _managed_identity(api, api.vault.url).json
    claims = jwt.decode(body["access_token"], _public_key(api), algorithms=["RS256"], audience=api.vault.url)
    assert claims["iss"].startswith(api.vault.url)
    assert body["expires_on"] == str(claims["exp"])
    assert body["token_type"] == "Bearer"
    assert _with_token(api, body["access_token"]).status == 200


def test_managed_identity_with_wrong_header_is_refused(api: Api) -> None:
    for wrong in ("wrong", "\xff\x80"):  # the latter is sent as bytes that are not UTF-8
        assert _managed_identity(api, api.vault.url, wrong).status == 401
    assert _managed_identity(api, "").status == 400


def test_token_for_another_audience_is_refused_with_akv10022(api: Api) -> None:
    for audience in ("https://vault.azure.net", f"{api.vault.url}/"):
        token = api.vault.credential.get_token(audience).token
        answer = _with_token(api, token)
        assert answer.status == 401
        assert answer.message == f"AKV10022: Invalid audience. Expected {api.vault.url}, found: {audience}"
        assert "resource=" in answer.headers["WWW-Authenticate"]


def test_token_of_another_tenant_is_refused_with_akv10032(start: EmulatorFactory) -> None:
    api = start(service_principal=True)
    environment = api.vault.environment
    form = (
        f"grant_type=client_credentials&client_id={environment['AZURE_CLIENT_ID']}"
        f"&client_secret={environment['AZURE_CLIENT_SECRET']}&scope={api.vault.url}/.default"
    )
    other = "11111111-2222-3333-4444-555555555555"
    token = api.send("POST", f"/{other}/oauth2/v2.0/token", form.encode()).json["access_token"]
    answer = _with_token(api, token)
    assert answer.status == 401
    assert answer.message.startswith("AKV10032: Invalid issuer. Expected one of ")
    assert answer.message.endswith(f"found {api.vault.url}/{other}/.")


@pytest.mark.parametrize(("path", "protocol"), [("/adfs", "/oauth2/token"), ("/{t}/v2.0", "/oauth2/v2.0/token")])
def test_openid_configuration_leads_to_token_endpoint(api: Api, path: str, protocol: str) -> None:
    tenant = "adfs" if path == "/adfs" else "11111111-2222-3333-4444-555555555555"
    metadata = api.send("GET", path.replace("{t}", tenant) + "/.well-known/openid-configuration").json
    assert metadata["token_endpoint"] == f"{api.vault.url}/{tenant}{protocol}"
    assert metadata["authorization_endpoint"].startswith(f"{api.vault.url}/{tenant}/")
    assert metadata["token_endpoint_auth_methods_supported"] == ["client_secret_post"]


def test_client_secret_that_is_wrong_is_refused(api: Api) -> None:
    answer = api.send(
        "POST", "/adfs/oauth2/token", b"grant_type=client_credentials&client_id=a&client_secret=b&scope=c"
    )
    assert answer.status == 401
    assert answer.json["error"] == "invalid_client"


@pytest.mark.parametrize(
    ("form", "error"),
    [(b"grant_type=password", "unsupported_grant_type"), (b"\xff\x00", "unsupported_grant_type"), (b"", None)],
)
def test_token_request_that_is_malformed_is_refused(api: Api, form: bytes, error: str | None) -> None:
    answer = api.send("POST", "/adfs/oauth2/v2.0/token", form)
    assert answer.status == 400
    assert error in (None, answer.json["error"])


def test_identity_endpoint_with_another_method_is_405(api: Api) -> None:
    for method, path in (("GET", "/adfs/oauth2/token"), ("POST", "/adfs/.well-known/openid-configuration")):
        answer = api.send(method, path)
        assert answer.status == 405
        assert answer.headers["Allow"]


def test_expired_token_is_refused(start: EmulatorFactory) -> None:
    api = start(token_lifetime=600)
    assert api("GET", "/keys").status == 200
    api.vault.clock.advance(601)
    assert api("GET", "/keys").error == (401, "Unauthorized", None)
    api.vault.clock.advance(-601 - 600)
    assert api("GET", "/keys").message == "Token not yet valid"


def test_token_of_another_key_is_refused(api: Api) -> None:
    claims = jwt.decode(api.token, options={"verify_signature": False})
    forged = jwt.encode(claims, rsa.generate_private_key(65537, 2048), "RS256")
    for token in (forged, jwt.encode(claims, "0" * 32, "HS256"), jwt.encode(claims, None, "none")):
        assert _with_token(api, token).status == 401


@pytest.mark.parametrize("token", ["x", "a.b.c", "..", "e30.e30.", "[].[].[]", "\u00e9"], ids=repr)
def test_malformed_token_is_refused(api: Api, token: str) -> None:
    assert _with_token(api, token.encode().decode("latin-1")).status == 401
