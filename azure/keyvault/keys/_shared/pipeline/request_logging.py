"""Logging of requests and responses: useful headers, but never tokens, key material or plaintext."""

from __future__ import annotations

import logging
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from azure.core.pipeline import PipelineRequest, PipelineResponse
from azure.core.pipeline.policies import HttpLoggingPolicy, NetworkTraceLoggingPolicy

_TRACE_LOGGER = logging.getLogger("azure.keyvault.keys")

#: Headers that the service's support may ask for, in lower case.
_KEYVAULT_HEADERS = {
    "x-ms-keyvault-network-info",
    "x-ms-keyvault-region",
    "x-ms-keyvault-service-version",
    "x-ms-keyvault-rbac-assignment-id",
    "x-ms-keyvault-rbac-cache",
    "x-ms-server-latency",
}
_PLAIN_QUERY = {"api-version", "maxresults", "$skiptoken"}
_SECRET_HEADERS = {"authorization", "proxy-authorization", "cookie", "set-cookie"}


def http_logging_policy(**kwargs: Any) -> HttpLoggingPolicy:
    """Return azure-core's INFO log of requests and responses, with Key Vault's own headers and API version readable."""
    policy: HttpLoggingPolicy = HttpLoggingPolicy(**kwargs)
    policy.allowed_header_names.update(_KEYVAULT_HEADERS)
    policy.allowed_query_params.add("api-version")  # azure-core shows it without this since 1.38
    return policy


class TraceLoggingPolicy(NetworkTraceLoggingPolicy):
    """The DEBUG log that ``logging_enable=True`` turns on, per client or per call.

    Bodies may contain private keys, plaintext and backups, so only their size is logged.
    """

    def on_request(self, request: PipelineRequest[Any]) -> None:
        """Log method, URL, headers and the size of the body."""
        # Kept for the later requests of the call: only the first one, the probe, has the option.
        kept = request.context.get("logging_enable", self.enable_http_logger)
        enabled = request.context["logging_enable"] = request.context.options.pop("logging_enable", kept)
        if enabled and _TRACE_LOGGER.isEnabledFor(logging.DEBUG):
            sent = request.http_request
            size = len(sent.content) if isinstance(sent.content, (str, bytes)) else 0
            _TRACE_LOGGER.debug(
                "Request: %s %s\n%s\n    body of %d bytes, not logged",
                sent.method,
                _shown_url(sent.url),
                _shown(sent.headers),
                size,
            )

    def on_response(self, request: PipelineRequest[Any], response: PipelineResponse[Any, Any]) -> None:
        """Log status, headers and the size of the body."""
        if response.context.get("logging_enable") and _TRACE_LOGGER.isEnabledFor(logging.DEBUG):
            got = response.http_response
            size = got.headers.get("Content-Length", "unknown")
            _TRACE_LOGGER.debug("Response: %s\n%s\n    body of %s bytes", got.status_code, _shown(got.headers), size)


def _shown_url(url: str) -> str:
    """Return a URL with secret parameters removed, which a caller's own request may have."""
    parts = urlsplit(url)
    query = "&".join(
        f"{name}={value if name.lower() in _PLAIN_QUERY else 'REDACTED'}"
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
    )
    return parts._replace(query=query).geturl()


def _shown(headers: Any) -> str:
    lines = (
        f"    {name}: {'REDACTED' if name.lower() in _SECRET_HEADERS else value}" for name, value in headers.items()
    )
    return "\n".join(lines)
