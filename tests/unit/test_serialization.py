"""Models on the wire: nothing but what their description says, and no secret in what they complain of."""

from __future__ import annotations

import base64
from datetime import datetime, timezone
from typing import Any

import pytest
from fixtures.stub_vault import URL
from hypothesis import given
from hypothesis import strategies as st

from azure.keyvault.keys._generated import models, operations
from azure.keyvault.keys._shared.wire.members import Malformed
from azure.keyvault.keys._shared.wire.reading import read
from azure.keyvault.keys._shared.wire.translation import Wire
from azure.keyvault.keys._shared.wire.writing import to_wire, write

WIRE = Wire(URL, "2026-04-01")


@given(st.binary(min_size=1, max_size=300))
def test_bytes_are_the_same_after_a_journey(data: bytes) -> None:
    sent = write("op", models.KeyRestoreParameters(value=data))
    assert sent == {"value": base64.urlsafe_b64encode(data).rstrip(b"=").decode()}
    assert read(models.BackupKeyResult, sent).value == data


@pytest.mark.case("H2", "H4")
@given(st.datetimes(timezones=st.just(timezone.utc)).map(lambda moment: moment.replace(microsecond=0)))
def test_times_are_the_same_after_a_journey(moment: datetime) -> None:
    sent = write("op", models.KeyAttributes(expires=moment))
    assert read(models.KeyAttributes, sent).expires == moment


def test_fields_that_only_answers_have_are_not_sent() -> None:
    attributes = models.KeyAttributes(enabled=True)
    attributes.created = datetime(2030, 1, 1, tzinfo=timezone.utc)
    attributes.recovery_level = "Purgeable"
    assert write("op", attributes) == {"enabled": True}


def test_answer_is_the_same_after_it_was_kept_as_json() -> None:
    answer = {
        "key": {"kid": f"{URL}/keys/orders/{'0' * 32}", "kty": "RSA", "key_ops": ["sign"], "n": "AQAB", "e": "AQAB"},
        "attributes": {"enabled": False, "created": 1700000000, "recoveryLevel": "Recoverable", "recoverableDays": 90},
        "tags": {"a": "b"},
        "recoveryId": f"{URL}/deletedkeys/orders",
        "deletedDate": 1700000001,
    }
    model = read(models.DeletedKeyBundle, answer)
    assert to_wire(model) == answer
    assert read(models.DeletedKeyBundle, to_wire(model)) == model


def test_empty_collections_are_sent_and_None_is_not() -> None:
    assert write("op", models.KeyUpdateParameters(tags={}, key_ops=[])) == {"tags": {}, "key_ops": []}
    assert write("op", models.KeyUpdateParameters()) == {}


@pytest.mark.case("I2")
@pytest.mark.parametrize("value", ["canary", 5, ["canary"], object()], ids=["text", "number", "list", "object"])
def test_value_of_another_type_is_refused_without_being_quoted(value: Any) -> None:
    with pytest.raises(TypeError) as caught:
        write("op", models.JsonWebKey(kty="RSA", d=value))
    assert "d is of type" in str(caught.value)
    assert "canary" not in str(caught.value)


@pytest.mark.case("I2")
def test_wrong_type_in_a_request_is_a_type_error_without_a_trace_of_the_body() -> None:
    parameters = models.KeyImportParameters(key=models.JsonWebKey(kty="RSA", d=b"canary", n="wrong"))  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="import_key cannot send its arguments: n is of type str") as caught:
        WIRE.request(operations.import_key("orders", parameters))
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)


def test_value_outside_the_limits_is_a_value_error_that_names_it() -> None:
    with pytest.raises(ValueError, match="count"):
        WIRE.request(operations.get_random_bytes(models.GetRandomBytesRequest(count=129)))


@pytest.mark.parametrize("data", [None, [], "x", 5], ids=repr)
def test_what_is_no_object_is_no_model(data: Any) -> None:
    with pytest.raises(Malformed, match="KeyBundle is not a JSON object"):
        read(models.KeyBundle, data)


@pytest.mark.case("E9")
def test_members_that_are_not_known_are_ignored() -> None:
    key = read(models.JsonWebKey, {"kid": f"{URL}/keys/a", "kty": "RSA", "new": {"deep": [1]}})
    assert key.kty == "RSA"


@pytest.mark.parametrize(
    ("version", "body", "needs"),
    [
        ("7.2", models.KeyCreateParameters(kty="RSA", release_policy=models.KeyReleasePolicy()), "7.3"),
        ("7.2", models.KeyCreateParameters(kty="RSA", attributes=models.KeyAttributes(exportable=True)), "7.3"),
    ],
    ids=["field", "nested-field"],
)
def test_field_that_the_version_lacks_is_refused_before_anything_is_sent(version: str, body: Any, needs: str) -> None:
    with pytest.raises(ValueError, match=f"needs API version {needs} or later, and this client uses {version}"):
        Wire(URL, version).request(operations.create_key("orders", body))


def test_operation_that_the_version_lacks_is_refused() -> None:
    with pytest.raises(ValueError, match=r"rotate_key needs API version 7\.3 or later"):
        Wire(URL, "7.2").request(operations.rotate_key("orders"))


def test_version_that_is_not_known_is_believed_to_have_everything() -> None:
    assert Wire(URL, "2099-01-01").request(operations.rotate_key("orders")).url.endswith("api-version=2099-01-01")


@pytest.mark.case("G7")
@pytest.mark.parametrize(("version", "curve"), [("2016-10-01", "SECP256K1"), ("7.0", "P-256K")])
def test_curve_has_the_name_that_the_version_knows(version: str, curve: str) -> None:
    wire = Wire(URL, version)
    request = wire.request(operations.create_key("orders", models.KeyCreateParameters(kty="EC", crv="P-256K")))
    assert f'"crv":"{curve}"'.encode() in request.content
