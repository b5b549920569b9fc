"""From operations to requests and from responses to results: whatever a server answers ends in a documented error."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from azure.core.exceptions import (
    ClientAuthenticationError,
    DecodeError,
    HttpResponseError,
    ResourceExistsError,
    ResourceNotFoundError,
    ServiceRequestTimeoutError,
)
from azure.core.pipeline import PipelineContext, PipelineResponse
from azure.core.rest import HttpRequest
from fixtures.cases import Cases
from fixtures.stub_vault import REQUEST_ID, URL, VERSION, Answer, Script, StubWorld, bundle
from fixtures.worlds import AIO
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from azure.keyvault.keys import DeletedKey, KeyProperties, KeyRotationPolicy, KeyVaultKey
from azure.keyvault.keys._generated import models, operations
from azure.keyvault.keys._generated.operations import Operation
from azure.keyvault.keys._shared.wire import writing
from azure.keyvault.keys._shared.wire.translation import Wire

WIRE = Wire(URL, "7.6")
OLD_WIRE = Wire(URL, "2016-10-01")
KID = f"{URL}/keys/orders/{VERSION}"
BLOB = models.KeyOperationsParameters(alg="RSA-OAEP", value=b"x")

OPERATIONS: dict[str, Operation[Any]] = {
    "create": operations.create_key("orders", models.KeyCreateParameters(kty="RSA")),
    "import": operations.import_key("orders", models.KeyImportParameters(key=models.JsonWebKey(kty="RSA"))),
    "get": operations.get_key("orders"),
    "list": operations.get_keys(),
    "versions": operations.get_key_versions("orders"),
    "deleted": operations.get_deleted_keys(),
    "delete": operations.delete_key("orders"),
    "get-deleted": operations.get_deleted_key("orders"),
    "recover": operations.recover_deleted_key("orders"),
    "purge": operations.purge_deleted_key("orders"),
    "backup": operations.backup_key("orders"),
    "encrypt": operations.encrypt("orders", BLOB),
    "sign": operations.sign("orders", models.KeySignParameters(alg="RS256", value=b"x")),
    "verify": operations.verify("orders", models.KeyVerifyParameters(alg="RS256", digest=b"", signature=b"")),
    "rotate": operations.rotate_key("orders"),
    "policy": operations.get_key_rotation_policy("orders"),
    "random": operations.get_random_bytes(models.GetRandomBytesRequest(count=1)),
    "attestation": operations.get_key_attestation("orders"),
}

#: What the clients make of the results, and what of it is looked at.
READERS: dict[type, Callable[[Any], Any]] = {
    models.KeyBundle: lambda found: described(KeyVaultKey._from_bundle(found)),
    models.DeletedKeyBundle: lambda found: described(DeletedKey._from_bundle(found)),
    models.KeyListResult: lambda found: [repr(KeyProperties._from_item(item)) for item in found.value or []],
    models.DeletedKeyListResult: lambda found: [
        described(DeletedKey._from_deleted_item(item)) for item in found.value or []
    ],
    models.KeyRotationPolicy: lambda found: vars(KeyRotationPolicy._from_wire(found)),
}


def described(key: KeyVaultKey) -> tuple[Any, ...]:
    properties = key.properties
    public = [getattr(properties, name) for name in dir(properties) if not name.startswith("_")]
    return key.id, key.name, key.key_type, key.key_operations, repr(key), public


def result(operation: Operation[Any], answer: Answer, wire: Wire = WIRE) -> Any:
    request = wire.request(operation)
    return wire.result(operation, PipelineResponse(request, answer, PipelineContext(None)))  # type: ignore[arg-type]


def read(operation: Operation[Any], answer: Answer, wire: Wire = WIRE) -> Any:
    found = result(operation, answer, wire)
    return READERS[type(found)](found) if type(found) in READERS else found


def refused(operation: Operation[Any], answer: Answer) -> HttpResponseError:
    with pytest.raises(HttpResponseError) as caught:
        read(operation, answer)
    assert caught.value.status_code == answer.status_code
    return caught.value


RETURNING = {name: found for name, found in OPERATIONS.items() if found.returns}

MALFORMED = {
    "empty": b"",
    "html": b"<html><body>Sign in to the airport's network</body></html>",
    "null": b"null",
    "list": b"[]",
    "text": b'"text"',
    "number": b"1",
    "cut": b'{"key":{"kid":"https://de',
    "nan": b'{"value":NaN}',
    "infinity": b'{"value":-Infinity}',
    "deep": b"[" * 100_000 + b"]" * 100_000,
    "deep-objects": b'{"a":' * 100_000,
    "surrogate": b'{"value":"\\ud800","key":{"kid":"\\ud800"}}',
    "bom": b"\xef\xbb\xbf{}",
    "utf-16": '{"value":""}'.encode("utf-16"),
    "latin-1": '{"value":"é"}'.encode("latin-1"),
    "huge-number": b'{"attributes":{"exp":' + b"9" * 5000 + b"}}",
}


@pytest.mark.case("E1", "E2", "E3", "E6", "E7")
@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED)
def test_answer_that_is_no_object_is_a_decode_error_with_request_id(body: bytes) -> None:
    cases = Cases()
    for name, operation in RETURNING.items():
        with cases.of(name):
            error = refused(operation, Answer(200, body))
            assert isinstance(error, DecodeError)
            assert (REQUEST_ID in str(error), "Status 200" in str(error)) == (True, True)
            assert (error.__cause__, error.__context__) == (None, None)  # they would hold the body
    cases.check()


@pytest.mark.case("E3")
@pytest.mark.parametrize("name", ["create", "get", "delete", "get-deleted", "recover", "rotate", "attestation"])
@pytest.mark.parametrize(
    "body",
    [{}, {"key": None}, {"key": []}, {"key": {}}, {"key": {"kid": KID}}, {"key": {"kty": "RSA"}}, {"key": "x"}],
    ids=json.dumps,
)
def test_bundle_without_key_is_a_decode_error(name: str, body: Any) -> None:
    assert isinstance(refused(OPERATIONS[name], Answer(200, body)), DecodeError)


@pytest.mark.case("E3", "B11")
@pytest.mark.parametrize(
    "kid",
    [
        "",
        "orders",
        "https://",
        "https://x/keys",
        f"{URL}/keys/a/b/c",
        "https://a@b/keys/x",
        5,
        None,
        ["x"],
        "ftp://a/b/c",
    ],
)
@pytest.mark.parametrize("name", ["get", "list", "deleted", "get-deleted"])
def test_identifier_that_is_none_is_a_decode_error(name: str, kid: Any) -> None:
    found = {"kid": kid, "kty": "RSA", "n": "AQAB", "e": "AQAB"}
    body = {"value": [found]} if name in ("list", "deleted") else {"key": found}
    assert "kid is" in str(refused(OPERATIONS[name], Answer(200, body)))


@pytest.mark.case("E4")
@pytest.mark.parametrize("member", ["n", "e", "x", "y"])
@pytest.mark.parametrize("value", ["!", "A", "é", "AQ AB", "AQAB\n", 5, True, [], {}, "A=B="], ids=repr)
def test_number_that_is_no_base64url_is_a_decode_error(member: str, value: Any) -> None:
    body = bundle()
    body["key"][member] = value
    error = refused(OPERATIONS["get"], Answer(200, body))
    assert f"JsonWebKey.{member} is malformed" in str(error)


@pytest.mark.case("E4")
@pytest.mark.parametrize("value", ["AQAB", "-_-_", "AAEAAQ", "AAEAAQ=="])
def test_number_in_base64url_is_read_with_or_without_padding(value: str) -> None:
    body = bundle()
    body["key"]["e"] = value
    assert result(OPERATIONS["get"], Answer(200, body)).key.e


@pytest.mark.case("E5", "H5")
@pytest.mark.parametrize("value", ["1700000000", 1e20, -1e20, 10**30, True, [], {}, 1700000000000], ids=repr)
@pytest.mark.parametrize("member", ["exp", "nbf", "created", "updated"])
def test_time_that_is_none_is_a_decode_error(member: str, value: Any) -> None:
    error = refused(OPERATIONS["get"], Answer(200, bundle(**{member: value})))
    assert f"KeyAttributes.{member} is malformed" in str(error)


@pytest.mark.case("H4")
@pytest.mark.parametrize(
    ("value", "text"),
    [
        (-1, "1969-12-31T23:59:59+00:00"),
        (0, "1970-01-01T00:00:00+00:00"),
        (2**31, "2038-01-19T03:14:08+00:00"),
        (2**32 - 1, "2106-02-07T06:28:15+00:00"),
        (2**32, "2106-02-07T06:28:16+00:00"),
        (253402300799, "9999-12-31T23:59:59+00:00"),
        (1709164800, "2024-02-29T00:00:00+00:00"),
        (1.5, "1970-01-01T00:00:01.500000+00:00"),
    ],
)
def test_time_far_away_is_read_exactly(value: Any, text: str) -> None:
    assert result(OPERATIONS["get"], Answer(200, bundle(exp=value))).attributes.expires.isoformat() == text


@pytest.mark.case("E9")
@pytest.mark.parametrize("kty", ["Rsa", "OKP", "", "RSA-HSM2"])
def test_names_that_a_newer_service_uses_are_kept(kty: str) -> None:
    body = bundle(recoveryLevel="Hyper+Recoverable", hsmPlatform="9")
    body["key"].update(kty=kty, key_ops=["juggle"], crv="P-1024")
    key = KeyVaultKey._from_bundle(result(OPERATIONS["get"], Answer(200, body)))
    assert key.key_type == kty
    assert key.key_operations == ["juggle"]
    assert key.properties.recovery_level == "Hyper+Recoverable"


@pytest.mark.case("E9", "E10")
@pytest.mark.parametrize("action", ["rotate", "Rotate", "ROTATE", "Explode"])
def test_rotation_policy_is_read_in_every_case(action: str) -> None:
    body = {"lifetimeActions": [{"action": {"type": action}, "trigger": None}], "attributes": None}
    policy = KeyRotationPolicy._from_wire(result(OPERATIONS["policy"], Answer(200, body)))
    assert str(getattr(policy.lifetime_actions[0].action, "value", policy.lifetime_actions[0].action)).lower() == (
        action.lower()
    )


@pytest.mark.case("E10")
@pytest.mark.parametrize("body", [{}, {"attributes": None}, {"lifetimeActions": None}, {"lifetimeActions": [{}]}])
def test_rotation_policy_without_members_has_empty_ones(body: Any) -> None:
    policy = KeyRotationPolicy._from_wire(result(OPERATIONS["policy"], Answer(200, body)))
    assert isinstance(policy.lifetime_actions, list)
    assert policy.expires_in is None


@pytest.mark.case("E11")
def test_answer_without_the_newer_members_leaves_them_out() -> None:
    found = result(OPERATIONS["encrypt"], Answer(200, {"kid": KID, "value": "AAAA"}))
    assert (found.result, found.iv, found.authentication_tag, found.additional_authenticated_data) == (
        b"\0\0\0",
        None,
        None,
        None,
    )


@pytest.mark.case("E14")
@pytest.mark.parametrize("value", ["true", 1, None, "false", 0, [], {}, "True"], ids=repr)
def test_verification_is_valid_only_for_json_true(value: Any) -> None:
    assert isinstance(refused(OPERATIONS["verify"], Answer(200, {"value": value})), DecodeError)


@pytest.mark.case("E14")
@pytest.mark.parametrize("value", [True, False])
def test_verification_is_read(value: bool) -> None:
    assert result(OPERATIONS["verify"], Answer(200, {"value": value})).value is value


@pytest.mark.case("E15")
@pytest.mark.parametrize("name", ["get", "list"])
def test_all_members_are_read_of_keys_and_of_lists(name: str) -> None:
    attributes = {"recoverableDays": 90, "hsmPlatform": "1", "exportable": True, "enabled": False}
    key = {**bundle(**attributes), "tags": {"a": "b"}, "managed": True}
    body = key if name == "get" else {"value": [{**key, **key["key"]}]}
    found = result(OPERATIONS[name], Answer(200, body))
    properties = (
        KeyVaultKey._from_bundle(found).properties if name == "get" else KeyProperties._from_item(found.value[0])
    )
    assert (properties.recoverable_days, properties.hsm_platform, properties.exportable) == (90, "1", True)
    assert (properties.tags, properties.managed, properties.enabled) == ({"a": "b"}, True, False)


@pytest.mark.case("E16")
@pytest.mark.parametrize("status", [201, 202, 204, 206, 304])
def test_other_success_than_expected_is_an_error(status: int) -> None:
    cases = Cases()
    for name, operation in RETURNING.items():
        with cases.of(name):
            assert f"{status}" in str(refused(operation, Answer(status, b"")))
    cases.check()


@pytest.mark.case("E16")
@pytest.mark.parametrize("status", [201, 202, 206])
def test_other_success_is_an_error_even_if_it_brings_a_key(status: int) -> None:
    assert f"{status}" in str(refused(OPERATIONS["get"], Answer(status, bundle())))


ERROR_BODIES = {
    **MALFORMED,
    "object": b"{}",
    "error-null": b'{"error":null}',
    "error-text": b'{"error":"x"}',
    "error-list": b'{"error":["x"]}',
    "error-empty": b'{"error":{}}',
    "inner-text": b'{"error":{"code":"c","message":"m","innererror":"x"}}',
    "inner-list": b'{"error":{"code":"c","message":"m","innererror":[]}}',
    "inner-number": b'{"error":{"code":1,"message":2,"innererror":{"code":3}}}',
    "details": b'{"error":{"code":"c","message":"m","details":"x"}}',
    "details-list": b'{"error":{"code":"c","message":"m","details":[1,null]}}',
    "nested": b'{"error":{"code":"c","message":"m","innererror":{"code":"d","innererror":{"code":"e"}}}}',
}
KINDS = {
    400: HttpResponseError,
    401: ClientAuthenticationError,
    403: HttpResponseError,
    404: ResourceNotFoundError,
    409: ResourceExistsError,
    500: HttpResponseError,
    599: HttpResponseError,
}


@pytest.mark.case("E8")
@pytest.mark.parametrize("status", KINDS)
@pytest.mark.parametrize("content_type", ["application/json", "text/html", "text/plain; charset=nonsense", ""])
def test_error_with_any_body_keeps_status_and_request_id(status: int, content_type: str) -> None:
    cases = Cases()
    for name, body in ERROR_BODIES.items():
        with cases.of(name):
            error = refused(OPERATIONS["get"], Answer(status, body, {"Content-Type": content_type}))
            assert isinstance(error, KINDS[status])
            assert error.response is not None
            assert error.response.headers["x-ms-request-id"] == REQUEST_ID
            str(error), repr(error)
    cases.check()


@pytest.mark.parametrize(
    ("inner", "advice"),
    [
        ("ObjectIsDeletedButRecoverable", "purge_deleted_key"),
        ("ObjectIsBeingDeleted", "deletion has finished"),
        ("ObjectIsBeingRecovered", "recovery has finished"),
        ("ForbiddenByFirewall", "network rules"),
        ("ForbiddenByConnection", "private endpoints"),
    ],
)
def test_error_tells_what_to_do(inner: str, advice: str) -> None:
    body = {"error": {"code": "Conflict", "message": "It is so.", "innererror": {"code": inner}}}
    error = refused(OPERATIONS["create"], Answer(409, body))
    assert advice in str(error)
    assert "It is so." in str(error)


def test_refused_attestation_is_not_taken_for_a_missing_permission() -> None:
    body = {"error": {"code": "Forbidden", "message": "It is so.", "innererror": {"code": "AccessDenied"}}}
    release = operations.release("orders", models.KeyReleaseParameters(target="token"), "1")
    assert "target_attestation_token" in str(refused(release, Answer(403, body)))
    assert "permission 'create'" in str(refused(OPERATIONS["create"], Answer(403, body)))


MEMBERS = """key kid kty n e x y crv key_ops attributes exp nbf enabled tags managed value nextLink recoveryId
deletedDate release_policy data contentType immutable lifetimeActions action type trigger error code innererror id
expiryTime attestation certificatePemFile external_key iv tag aad""".split()  # noqa: SIM905  # a list would take a line each


def json_values() -> st.SearchStrategy[Any]:
    leaves: st.SearchStrategy[Any] = (
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from([KID, "AQAB"])
    )
    names = st.sampled_from(MEMBERS) | st.text(max_size=3)
    return st.recursive(
        leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=6), max_leaves=12
    )


def mutated(draw: Any) -> Any:
    """Return a good answer with one member replaced by anything."""
    body: Any = draw(
        st.sampled_from(
            [
                {**bundle(exp=1, recoverableDays=7), "tags": {"a": "b"}, "release_policy": {"data": "AAAA"}},
                {"value": [{"kid": KID, "attributes": {"enabled": True}}], "nextLink": f"{URL}/keys?page=2"},
                {"kid": KID, "value": "AAAA"},
                {"id": KID, "lifetimeActions": [{"action": {"type": "Rotate"}, "trigger": {"timeAfterCreate": "P1D"}}]},
            ]
        )
    )
    body = json.loads(json.dumps(body))
    at = body
    while True:
        key = draw(st.sampled_from(sorted(at) if isinstance(at, dict) else range(len(at))))
        if not isinstance(at[key], (dict, list)) or not at[key] or draw(st.booleans()):
            at[key] = draw(json_values())
            return body
        at = at[key]


def read_or_refused(operation: Operation[Any], answer: Answer, wire: Wire) -> None:
    """Let only the documented errors pass, and only with the status of the answer."""
    found: list[HttpResponseError] = []
    try:
        read(operation, answer, wire)
    except HttpResponseError as error:
        found.append(error)
    assert all(error.status_code == answer.status_code for error in found)


@pytest.mark.case("E3", "E6", "E8")
@pytest.mark.parametrize("wire", [WIRE, OLD_WIRE, Wire(URL, "2026-04-01")], ids=["7.6", "2016-10-01", "2026-04-01"])
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data(), status=st.sampled_from([200, 200, 200, 400, 409, 500]))
def test_any_json_is_read_or_refused_with_a_documented_error(wire: Wire, data: Any, status: int) -> None:
    body = data.draw(json_values() | st.builds(lambda: None).map(lambda _: mutated(data.draw)))
    content = json.dumps(body).encode()
    for operation in OPERATIONS.values():
        if operation.since in wire._lacking:
            continue
        read_or_refused(operation, Answer(status, content), wire)


@pytest.mark.case("E7", "E8")
@settings(max_examples=100, deadline=None)
@given(content=st.binary(max_size=200), status=st.sampled_from([200, 403, 500]))
def test_any_bytes_are_refused_with_a_documented_error(content: bytes, status: int) -> None:
    for operation in OPERATIONS.values():
        read_or_refused(operation, Answer(status, content), WIRE)


@pytest.mark.case("B2", "B3", "B8")
@pytest.mark.parametrize(
    "link", ["https://evil.example/keys", "http://demo.vault.azure.net/keys", f"{URL}:8443/keys", "keys?page=2", "https://[",
             "https://u@demo.vault.azure.net/", 5, ["x"]]
)  # fmt: skip
@pytest.mark.parametrize("name", ["list", "versions", "deleted"])
def test_link_to_the_next_page_that_leads_away_is_a_decode_error(name: str, link: Any) -> None:
    error = refused(OPERATIONS[name], Answer(200, {"value": [], "nextLink": link}))
    assert isinstance(error, DecodeError)


@pytest.mark.case("A26")
@pytest.mark.parametrize("link", [None, "", f"{URL}:443/keys?page=2", f"{URL}/keys?page=2"])
def test_link_to_the_next_page_within_the_vault_is_kept(link: str | None) -> None:
    assert result(OPERATIONS["list"], Answer(200, {"value": [], "nextLink": link})).next_link == link


@pytest.mark.case("F7")
@pytest.mark.parametrize(
    "link",
    [
        f"{URL}:443/keys/a%2Fb/versions?api-version=7.0&$skiptoken=a%2Bb+c%20d&maxresults=2",
        f"{URL}/keys?api-version=7.6&api-version=7.6&marker=%D0%BA",
    ],
)
def test_link_is_sent_as_it_is(link: str) -> None:
    assert WIRE.link(OPERATIONS["list"], link).url == link


@pytest.mark.case("F4")
@pytest.mark.parametrize("token", ["https://evil.example/keys", "not a link", "http://demo.vault.azure.net/keys"])
def test_continuation_token_that_leads_away_is_a_value_error(token: str) -> None:
    with pytest.raises(ValueError, match="link to the next page"):
        WIRE.link(OPERATIONS["list"], token)


def test_request_says_what_is_wanted() -> None:
    request = WIRE.request(operations.get_keys(5))
    assert (request.method, request.url) == ("GET", f"{URL}/keys?api-version=7.6&maxresults=5")
    assert request.headers["Accept"] == "application/json"


@pytest.mark.case("F7")
@pytest.mark.parametrize(
    ("url", "sent"),
    [
        ("keys", f"{URL}/keys?api-version=7.6"),
        ("/keys?a=b", f"{URL}/keys?a=b&api-version=7.6"),
        ("/keys?api-version=7.0", f"{URL}/keys?api-version=7.0"),
        ("/keys?next=https://x", f"{URL}/keys?next=https://x&api-version=7.6"),
        (f"{URL}:443/keys", f"{URL}:443/keys?api-version=7.6"),
    ],
)
def test_request_of_the_caller_is_completed(url: str, sent: str) -> None:
    assert WIRE.absolute(HttpRequest("GET", url)).url == sent


@pytest.mark.case("E1")
async def test_client_reports_a_malformed_answer_with_its_request_id(stub: StubWorld) -> None:
    with pytest.raises(DecodeError, match=REQUEST_ID):
        await stub.client(Script([Answer(200, b"<html>")])).get_key("orders")


@pytest.mark.case("C9")
async def test_loop_goes_on_while_what_writes_bodies_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another thread is about it, which the lock stands for."""
    monkeypatch.setattr(writing, "_limits", None)
    client = StubWorld(AIO).client(Script([lambda sent: Answer(200, bundle(sent.url.split("/")[4]))]))
    with writing._LOADING:
        calls = [asyncio.ensure_future(client.create_key(f"orders{number}", "RSA")) for number in range(3)]
        with pytest.raises(ServiceRequestTimeoutError, match="before the request was sent"):
            await client.create_key("late", "RSA", timeout=0.05)
        assert not any(call.done() for call in calls)
    assert {key.name for key in await asyncio.gather(*calls)} == {f"orders{number}" for number in range(3)}


async def test_request_of_another_kind_is_refused(stub: StubWorld) -> None:
    script = Script()
    with pytest.raises(TypeError, match=r"must be an azure\.core\.rest\.HttpRequest, not str"):
        await stub.client(script).send_request("GET /keys")
    assert script.sent == []


async def test_request_of_the_caller_stays_as_it_is(stub: StubWorld) -> None:
    request = HttpRequest("GET", "/keys", headers={"Mine": "1"})
    await stub.client(Script()).send_request(request)
    assert (request.url, dict(request.headers)) == ("/keys", {"Mine": "1"})


def test_value_that_the_api_version_lacks_is_refused() -> None:
    model = models.KeyCreateParameters
    since = next(
        (name, value, version) for name, found in model._values_added_in.items() for value, version in found.items()
    )
    name, value, version = since
    with pytest.raises(ValueError, match=f"{value} needs API version {version} or later"):
        OLD_WIRE.request(operations.create_key("orders", model(**{"kty": "RSA", name: value})))
    assert WIRE.request(operations.create_key("orders", model(kty="RSA"))).method == "POST"


def test_curve_of_an_old_api_version_gets_its_name_of_today() -> None:
    answer = {"key": {"kid": KID, "kty": "EC", "crv": "SECP256K1"}}
    response: Any = PipelineResponse(None, Answer(200, answer), PipelineContext(None))  # type: ignore[arg-type]
    assert OLD_WIRE.result(operations.get_key("orders"), response).key.crv == "P-256K"


@pytest.mark.case("P9")
def test_vault_has_no_other_address_unless_it_is_said_to_have_one() -> None:
    answer = {"key": {"kid": f"https://other.vault.azure.net/keys/orders/{VERSION}", "kty": "RSA"}}
    response: Any = PipelineResponse(None, Answer(200, answer), PipelineContext(None))  # type: ignore[arg-type]
    with pytest.raises(DecodeError, match="cannot be used"):
        WIRE.result(operations.get_key("orders"), response)
    assert Wire(URL, "7.6", aliased=True).result(operations.get_key("orders"), response).key.kty == "RSA"
