"""Arbitrary JSON on every operation of existing keys: a documented status, the error envelope, and never a 5xx."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .client import NEWEST, Api, b64

_MEMBERS = [
    "alg", "value", "digest", "iv", "aad", "tag", "kty", "crv", "key_size", "key_ops", "attributes", "tags", "key",
    "Hsm", "release_policy", "public_exponent", "target", "enc", "nonce", "count", "lifetimeActions", "external_mu",
    "context",
    "exp", "nbf", "enabled", "exportable", "external_key", "id", "data", "n", "e", "d", "k", "x", "y", "key_hsm",
    "trigger", "action", "type", "timeAfterCreate", "expiryTime",
]  # fmt: skip
_TEXTS = [
    "", "RSA", "EC", "oct", "AKP", "RSA-OAEP", "A256GCM", "A256CBC", "A256KW", "ES256", "RS256", "HS256", "ML-DSA-44",
    "P-256", "sign", "Rotate", "P90D", b64(b"x" * 16), b64(b"x" * 32), b64(b"x" * 64), "CKM_AES_KEY_WRAP",
    "\ud800", "\0",
]  # fmt: skip
_SCALARS = st.one_of(
    st.sampled_from(_TEXTS), st.integers(), st.floats(allow_nan=False), st.booleans(), st.none(), st.text(max_size=8)
)
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_MEMBERS), inner, max_size=4),
    max_leaves=6,
)
_BODIES = st.dictionaries(st.sampled_from(_MEMBERS), _VALUES, max_size=5)
_OPERATIONS = [
    ("POST", operation)
    for operation in (
        "create", "encrypt", "decrypt", "sign", "verify", "wrapkey", "unwrapkey", "release", "securewrapkey",
        "secureunwrapkey",
    )
] + [("PUT", ""), ("PATCH", ""), ("PUT", "rotationpolicy"), ("GET", ""), ("GET", "versions")]  # fmt: skip


@pytest.fixture(scope="module")
def target(hsm: Api) -> Api:
    newest = hsm.at(NEWEST)
    for kty in ("RSA", "EC", "oct"):
        newest.create(f"fuzz-{kty}", kty=kty, key_ops=["encrypt", "decrypt", "sign", "verify", "wrapKey", "unwrapKey"])
    return newest


@settings(max_examples=300, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(operation=st.sampled_from(_OPERATIONS), kty=st.sampled_from(["RSA", "EC", "oct"]), body=_BODIES, data=st.data())
def test_arbitrary_json_never_breaks_the_emulator(
    target: Api, operation: tuple[str, str], kty: str, body: dict[str, Any], data: st.DataObject
) -> None:
    method, path = operation
    # Bodies that name a fitting algorithm get further than those that do not.
    if method == "POST" and data.draw(st.booleans()):
        body = {"alg": {"RSA": "RSA-OAEP", "EC": "ES256", "oct": "A256GCM"}[kty], **body}
    answer = target(method, f"/keys/fuzz-{kty}/{path}", json.dumps(body).encode())
    assert answer.status in (200, 400, 403)
    if answer.status != 200:
        assert set(answer.json["error"]) <= {"code", "message", "innererror"}


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(body=st.binary(max_size=64))
def test_arbitrary_bytes_never_break_the_emulator(target: Api, body: bytes) -> None:
    assert target("POST", "/keys/fuzz-RSA/encrypt", body).status == 400


@settings(max_examples=100, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(path=st.text(alphabet=st.characters(codec="ascii", exclude_characters="?#\r\n\t "), max_size=40))
def test_arbitrary_paths_never_break_the_emulator(target: Api, path: str) -> None:
    for root in ("/", "/keys/", "/adfs/"):
        answer = target.at("7.4")("GET", root + path.replace("%", "%25"))
        assert answer.status in (200, 400, 403, 404, 405), path


@pytest.mark.parametrize("value", ["\u00ff", "\u00e9 \u00fc", "a\tb", "x" * 4000], ids=repr)
def test_strange_client_request_id_never_breaks_the_emulator(target: Api, value: str) -> None:
    assert target("GET", "/keys", **{"x-ms-client-request-id": value.encode().decode("latin-1")}).status == 200


@pytest.mark.case("I5")
def test_client_request_id_is_echoed_by_a_vault(target: Api) -> None:
    identifier = "11111111-2222-3333-4444-555555555555"
    answer = target("GET", "/keys", **{"x-ms-client-request-id": identifier})
    echoed = None if target.vault.options.managed_hsm else identifier
    assert answer.headers.get("x-ms-client-request-id") == echoed
    assert len(answer.headers["x-ms-request-id"]) == 36
