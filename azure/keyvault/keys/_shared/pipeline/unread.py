"""Streamed responses that nobody will read: closed, so that they do not keep their connections open."""

from __future__ import annotations

import inspect
from typing import Any

from azure.core.pipeline import PipelineResponse


def close_unread(response: PipelineResponse[Any, Any]) -> None:
    """Close a streamed response that another request replaces, or an error."""
    _closed(response)


async def close_unread_async(response: PipelineResponse[Any, Any]) -> None:
    """Close a streamed response that another request replaces, or an error."""
    closing = _closed(response)
    if inspect.isawaitable(closing):
        await closing


def _closed(response: PipelineResponse[Any, Any]) -> Any:
    """Close it, and return what may have to be awaited. Responses that are not streamed have nothing to close."""
    if not response.context.options.get("stream"):
        return None
    close = getattr(response.http_response, "close", None)
    return None if close is None else close()
