"""Spans: one for a call, one for each of its requests, with the key that it is about and nothing secret."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from azure.core.exceptions import ResourceNotFoundError
from azure.core.settings import settings
from fixtures.stub_vault import URL, Answer, Script, StubWorld, bundle
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

EXPORTER = InMemorySpanExporter()


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    """What OpenTelemetry has been told, with azure-core's tracing on."""
    if not isinstance(trace.get_tracer_provider(), TracerProvider):
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(EXPORTER))
        trace.set_tracer_provider(provider)
    settings.tracing_enabled = True
    EXPORTER.clear()
    yield EXPORTER
    settings.tracing_enabled.unset_value()


def named(spans: InMemorySpanExporter, name: str) -> ReadableSpan:
    (found,) = [span for span in spans.get_finished_spans() if span.name == name]
    return found


@pytest.mark.case("I4")
async def test_call_has_a_span_with_the_key(stub: StubWorld, spans: InMemorySpanExporter) -> None:
    answer = bundle()
    answer["key"]["kid"] = f"{URL}/keys/orders/abc"
    await stub.client(Script([Answer(200, answer)])).get_key("orders", version="abc")
    span = named(spans, "KeyClient.get_key")
    assert dict(span.attributes or {}) == {
        "az.keyvault.key.name": "orders",
        "az.keyvault.key.version": "abc",
        "az.keyvault.key.id": f"{URL}/keys/orders/abc",
    }
    requests = [other for other in spans.get_finished_spans() if other.parent and other.context]
    assert requests
    assert {request.parent.span_id for request in requests if request.parent} == {span.context.span_id}


@pytest.mark.case("I4")
@pytest.mark.parametrize("arguments", [("orders",), ("orders", "RSA")], ids=["short form", "generic"])
async def test_creation_has_one_span_of_its_own(
    stub: StubWorld, spans: InMemorySpanExporter, arguments: tuple[str, ...]
) -> None:
    client = stub.client(Script([Answer(200, bundle())]))
    await (client.create_key if len(arguments) == 2 else client.create_rsa_key)(*arguments)
    name = "KeyClient.create_key" if len(arguments) == 2 else "KeyClient.create_rsa_key"
    assert (named(spans, name).attributes or {})["az.keyvault.key.id"] == f"{URL}/keys/orders"
    assert sum(span.name.startswith("KeyClient") for span in spans.get_finished_spans()) == 1


@pytest.mark.case("I4")
async def test_span_of_a_failed_call_ends_with_its_error(stub: StubWorld, spans: InMemorySpanExporter) -> None:
    with pytest.raises(ResourceNotFoundError):
        await stub.client(Script([Answer(404, {"error": {"code": "KeyNotFound", "message": "no"}})])).get_key("none")
    span = named(spans, "KeyClient.get_key")
    assert span.end_time is not None
    assert not span.status.is_ok


async def test_nothing_is_traced_when_tracing_is_off(stub: StubWorld, spans: InMemorySpanExporter) -> None:
    settings.tracing_enabled = False
    await stub.client(Script([Answer(200, bundle())])).get_key("orders")
    assert not spans.get_finished_spans()


@pytest.mark.parametrize("options", [{"merge_span": True}, {"parent_span": None}, {}], ids=repr)
async def test_tracing_options_of_a_call_do_not_reach_the_transport(stub: StubWorld, options: dict[str, Any]) -> None:
    script = Script([Answer(200, bundle())])
    await stub.client(script).get_key("orders", **options)
    assert not set(options) & set(script.calls[-1].options)


@pytest.mark.case("I4")
async def test_cryptography_in_the_vault_has_a_span_with_the_key(stub: StubWorld, spans: InMemorySpanExporter) -> None:
    answer = Answer(200, {"kid": f"{URL}/keys/orders/abc", "value": "AA" * 128})
    client = stub.client(Script([answer])).get_cryptography_client("orders", key_version="abc", execution="remote")
    await client.encrypt("RSA-OAEP", b"four")
    assert dict(named(spans, "CryptographyClient.encrypt").attributes or {}) == {
        "az.keyvault.key.name": "orders",
        "az.keyvault.key.version": "abc",
        "az.keyvault.key.id": f"{URL}/keys/orders/abc",
    }


def bundle_page(*names: str, link: str | None = None) -> Answer:
    return Answer(200, {"value": [{"kid": f"{URL}/keys/{name}"} for name in names], "nextLink": link})


def children(spans: InMemorySpanExporter, parent: ReadableSpan) -> list[str]:
    finished = spans.get_finished_spans()
    return [span.name for span in finished if span.parent and span.parent.span_id == parent.context.span_id]


@pytest.mark.case("I4")
@pytest.mark.parametrize(
    ("listing", "name", "key"),
    [
        (lambda client: client.list_keys(), "list_properties_of_keys", None),
        (lambda client: client.list_key_versions("orders"), "list_properties_of_key_versions", "orders"),
        (lambda client: client.list_deleted_keys(), "list_deleted_keys", None),
    ],
    ids=["keys", "versions", "deleted"],
)
async def test_pages_of_a_list_have_spans_with_their_requests(
    stub: StubWorld, spans: InMemorySpanExporter, listing: Any, name: str, key: str | None
) -> None:
    script = Script([bundle_page("orders", link=f"{URL}/keys?$skiptoken=2"), bundle_page("orders")])
    assert len([item async for item in listing(stub.client(script))]) == 2
    first, second = [span for span in spans.get_finished_spans() if span.name == f"KeyClient.{name}"]
    assert (children(spans, first)[-1], children(spans, second)) == ("GET", ["GET"])
    assert (second.attributes or {}).get("az.keyvault.key.name") == key


@pytest.mark.case("I4")
async def test_whole_keys_of_a_list_are_asked_for_within_the_span_of_their_page(
    stub: StubWorld, spans: InMemorySpanExporter
) -> None:
    script = Script([bundle_page("orders", "orders"), Answer(200, bundle()), Answer(200, bundle())])
    assert len([key async for key in stub.client(script).list_keys(expand=True)]) == 2
    assert children(spans, named(spans, "KeyClient.list_properties_of_keys"))[-3:] == ["GET"] * 3


@pytest.mark.case("I4")
@pytest.mark.parametrize("method", ["delete_key", "recover_deleted_key"])
async def test_waiting_is_within_the_span_of_the_call(
    stub: StubWorld, spans: InMemorySpanExporter, method: str
) -> None:
    accepted = Answer(200, {**bundle(), "recoveryId": f"{URL}/deletedkeys/orders"})
    missing = Answer(404, {"error": {"code": "KeyNotFound", "message": "not yet"}})
    await getattr(stub.client(Script([accepted, missing, accepted])), method)("orders")
    span = named(spans, f"KeyClient.{method}")
    assert children(spans, span)[-2:] == ["GET", "GET"]
    assert (span.attributes or {})["az.keyvault.key.name"] == "orders"
    assert [other.name for other in spans.get_finished_spans() if not other.parent] == [span.name]


@pytest.mark.case("I4")
@pytest.mark.parametrize(
    ("method", "argument"), [("update_key", "orders"), ("restore_key", b"backup")], ids=["update", "restore"]
)
async def test_span_has_the_name_of_the_method_that_was_called(
    stub: StubWorld, spans: InMemorySpanExporter, method: str, argument: Any
) -> None:
    await getattr(stub.client(Script([Answer(200, bundle())])), method)(argument)
    named(spans, f"KeyClient.{method}")
    assert sum(span.name.startswith("KeyClient") for span in spans.get_finished_spans()) == 1


def test_method_without_the_parameter_that_its_span_needs_is_refused() -> None:
    """A renamed parameter would otherwise take the key out of every span."""
    from azure.keyvault.keys._shared.pipeline.tracing import traced

    def rotate_key(self: Any, key: str) -> None: ...

    with pytest.raises(TypeError, match="rotate_key has no parameter 'name'"):
        traced(key="name")(rotate_key)
    with pytest.raises(TypeError, match="rotate_key has no parameter 'version'"):
        traced(key="key", version="version")(rotate_key)
