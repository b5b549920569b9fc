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


async def test_call_has_a_span_with_the_key_I4(stub: StubWorld, spans: InMemorySpanExporter) -> None:
    await stub.client(Script([Answer(200, bundle())])).get_key("orders", version="abc")
    span = named(spans, "KeyClient.get_key")
    assert dict(span.attributes or {}) == {
        "az.keyvault.key.name": "orders",
        "az.keyvault.key.version": "abc",
        "az.keyvault.key.id": f"{URL}/keys/orders/abc",
    }
    requests = [other for other in spans.get_finished_spans() if other.parent and other.context]
    assert requests
    assert {request.parent.span_id for request in requests if request.parent} == {span.context.span_id}


@pytest.mark.parametrize("arguments", [("orders",), ("orders", "RSA")], ids=["short form", "generic"])
async def test_creation_has_one_span_of_its_own_I4(
    stub: StubWorld, spans: InMemorySpanExporter, arguments: tuple[str, ...]
) -> None:
    client = stub.client(Script([Answer(200, bundle())]))
    await (client.create_key if len(arguments) == 2 else client.create_rsa_key)(*arguments)
    name = "KeyClient.create_key" if len(arguments) == 2 else "KeyClient.create_rsa_key"
    assert (named(spans, name).attributes or {})["az.keyvault.key.id"] == f"{URL}/keys/orders"
    assert sum(span.name.startswith("KeyClient") for span in spans.get_finished_spans()) == 1


async def test_span_of_a_failed_call_ends_with_its_error_I4(stub: StubWorld, spans: InMemorySpanExporter) -> None:
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


async def test_cryptography_in_the_vault_has_a_span_with_the_key_I4(
    stub: StubWorld, spans: InMemorySpanExporter
) -> None:
    answer = Answer(200, {"kid": f"{URL}/keys/orders/abc", "value": "AA" * 128})
    client = stub.client(Script([answer])).get_cryptography_client("orders", key_version="abc", execution="remote")
    await client.encrypt("RSA-OAEP", b"four")
    assert dict(named(spans, "CryptographyClient.encrypt").attributes or {}) == {
        "az.keyvault.key.name": "orders",
        "az.keyvault.key.version": "abc",
        "az.keyvault.key.id": f"{URL}/keys/orders/abc",
    }
