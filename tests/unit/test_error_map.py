"""The caller's own exceptions (``error_map=``) in calls that send several requests or read refusals themselves."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError
from fixtures.stub_vault import URL, VERSION, Answer, Script, StubWorld, usable_bundle

REFUSED = {"error": {"code": "BadParameter", "message": "No."}}
WRAPPED = {"kid": f"{URL}/keys/orders/{VERSION}", "value": "AQAB"}


class Kind(HttpResponseError):
    """A program's own kind of azure-core's error."""


class Bare(HttpResponseError):
    """One that keeps nothing but the response."""

    def __init__(self, response: Any = None) -> None:
        Exception.__init__(self, "bare")
        self.got = response


class Own(Exception):
    """One that is not azure-core's at all."""

    def __init__(self, response: Any = None) -> None:
        super().__init__("own")
        self.got = response


def client_of_key(stub: StubWorld, script: Script, **options: Any) -> Any:
    return stub.client(script).get_cryptography_client("orders", key_version=VERSION, **options)


@pytest.mark.parametrize("status", [400, 403])
@pytest.mark.parametrize("kind", [Kind, Bare, Own])
async def test_operation_raises_the_callers_exception(stub: StubWorld, kind: Any, status: int) -> None:
    error = {"error": {"code": "Forbidden", "message": "No.", "innererror": {"code": "KeyDisabled"}}}
    script = Script([Answer(status, REFUSED if status == 400 else error)])
    client = client_of_key(stub, script, execution="remote")
    with pytest.raises(kind) as caught:
        await client.decrypt("RSA-OAEP", b"x" * 256, error_map={status: kind})
    assert type(caught.value) is kind
    if kind is Kind:
        assert (caught.value.status_code, "No." in str(caught.value)) == (status, True)
    else:
        assert caught.value.got.status_code == status  # type: ignore[attr-defined]


async def test_status_that_is_not_in_the_map_stays_a_mistake_of_the_caller(stub: StubWorld) -> None:
    client = client_of_key(stub, Script([Answer(400, REFUSED)]), execution="remote")
    with pytest.raises(ValueError, match="No") as caught:
        await client.decrypt("RSA-OAEP", b"x" * 256, error_map={404: Own})
    assert isinstance(caught.value, HttpResponseError)


@pytest.mark.parametrize("kind", [Kind, Bare, Own])
async def test_key_that_may_not_be_read_is_used_in_the_vault(stub: StubWorld, kind: Any) -> None:
    client = client_of_key(stub, Script([Answer(403, REFUSED), Answer(200, WRAPPED)]))
    result = await client.encrypt("RSA-OAEP", b"x", error_map={403: kind})
    assert result.performed == "remote"


@pytest.mark.parametrize("kind", [Kind, Bare, Own])
async def test_key_that_is_not_found_raises_the_callers_exception(stub: StubWorld, kind: Any) -> None:
    client = client_of_key(stub, Script([Answer(404, REFUSED), Answer(200, usable_bundle())]))
    with pytest.raises(kind):
        await client.encrypt("RSA-OAEP", b"x", error_map={404: kind})
    assert (await client.encrypt("RSA-OAEP", b"x", error_map={404: kind})).performed == "local"


@pytest.mark.parametrize("kind", [Kind, Own])
async def test_expanded_list_leaves_out_keys_that_have_been_deleted(stub: StubWorld, kind: Any) -> None:
    page = {"value": [{"kid": f"{URL}/keys/gone"}], "nextLink": None}
    script = Script([Answer(200, page), Answer(404, REFUSED), Answer(200, page), Answer(500, REFUSED)])
    client = stub.client(script, retry_total=0)
    assert [key async for key in client.list_keys(expand=True, error_map={404: kind})] == []
    with pytest.raises(kind):
        [key async for key in client.list_keys(expand=True, error_map={500: kind})]


async def test_callers_exception_is_not_that_of_other_calls(stub: StubWorld) -> None:
    """Calls that wait for the same key share its refusal; each has a map of its own."""
    script = Script([Answer(404, REFUSED)] * 4)
    client = client_of_key(stub, script)
    outcomes = await asyncio.gather(
        client.encrypt("RSA-OAEP", b"x", error_map={404: Own}),
        client.encrypt("RSA-OAEP", b"x"),
        return_exceptions=True,
    )
    assert [type(outcome).__name__ for outcome in outcomes] == ["Own", "ResourceNotFoundError"]


@pytest.mark.parametrize("kind", [Kind, Bare, Own])
async def test_call_of_one_request_raises_the_callers_exception(stub: StubWorld, kind: Any) -> None:
    client = stub.client(Script([Answer(404, REFUSED)]))
    with pytest.raises(kind) as caught:
        await client.get_key("orders", error_map={404: kind})
    assert type(caught.value) is kind
    if kind is Kind:
        assert (caught.value.status_code, "No." in str(caught.value)) == (404, True)
    else:
        assert caught.value.got.status_code == 404  # type: ignore[attr-defined]
