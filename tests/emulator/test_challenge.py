"""The 401 challenge, and what is decided before it."""

from __future__ import annotations

import base64
import json
import re

import pytest

from .client import Api, EmulatorFactory


def test_call_without_token_is_challenged_with_own_origin(api: Api) -> None:
    answer = api.send("POST", "/keys/a/create?api-version=7.4")
    assert answer.error == (401, "Unauthorized", None)
    assert answer.message == "AKV10000: Request is missing a Bearer or PoP token."
    assert len(answer.data) == 97
    challenge = answer.headers["WWW-Authenticate"]
    origin = re.escape(api.vault.url)
    assert re.fullmatch(f'Bearer authorization="{origin}/[0-9a-f-]{{36}}", resource="{origin}"', challenge)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/keys"),
        ("PUT", "/keys/a"),
        ("DELETE", "/deletedkeys/a"),
        ("POST", "/keys/restore"),
        ("POST", "/keys//create"),
        ("PUT", "/keys/a/create"),
    ],
    ids=["list", "import", "purge", "restore", "create-nothing", "not-allowed"],
)
def test_challenge_comes_before_body_and_version_are_looked_at(api: Api, method: str, path: str) -> None:
    answer = api.send(method, f"{path}?api-version=none", b"{not json" if method in ("PUT", "POST") else None)
    assert answer.status == 401
    assert "resource=" in answer.headers["WWW-Authenticate"]


def test_huge_body_without_token_is_challenged(api: Api) -> None:
    answer = api.send("PUT", "/keys/a?api-version=7.4", b"x" * 200_000)
    assert answer.status == 401


def test_other_schemes_are_challenged(api: Api) -> None:
    answer = api.send("GET", "/keys?api-version=7.4", headers={"Authorization": f"Basic {api.token}"})
    assert answer.status == 401


def test_managed_hsm_challenge_body_is_ok_for_get_and_empty_for_post(hsm: Api) -> None:
    assert hsm.send("GET", "/keys?api-version=7.6").data == b"OK"
    assert hsm.send("POST", "/keys/a/create?api-version=7.6").data == b""


def test_service_principal_challenge_names_adfs(start: EmulatorFactory) -> None:
    api = start(service_principal=True)
    challenge = api.send("GET", "/keys?api-version=7.4").headers["WWW-Authenticate"]
    assert challenge == f'Bearer authorization="{api.vault.url}/adfs", resource="{api.vault.url}"'


def test_claims_demand_challenges_the_next_call_only(start: EmulatorFactory) -> None:
    api = start()
    api.vault.claims.demand()
    answer = api("GET", "/keys")
    challenge = answer.headers["WWW-Authenticate"]
    assert answer.status == 401
    assert 'error="insufficient_claims"' in challenge
    assert "resource=" not in challenge
    encoded = re.search('claims="([^"]+)"', challenge)
    assert encoded
    assert json.loads(base64.b64decode(encoded[1]))["access_token"]["nbf"]["essential"] is True
    assert api("GET", "/keys").status == 200


def test_claims_demand_twice_challenges_two_calls_whatever_their_token(start: EmulatorFactory) -> None:
    api = start()
    api.vault.claims.demand(times=2, claims={"access_token": {"acrs": {"value": "c1"}}})
    assert [api("GET", "/keys").status for _ in range(3)] == [401, 401, 200]


def test_revoked_token_is_refused_until_a_new_one_comes(start: EmulatorFactory) -> None:
    api = start()
    api.vault.revoke_tokens()
    assert [api("GET", "/keys").status for _ in range(2)] == [401, 401]
    api.token = api.vault.credential.get_token(api.vault.url, claims="{}").token
    assert api("GET", "/keys").status == 200
    assert api.vault.token_requests[-1].claims == "{}"
