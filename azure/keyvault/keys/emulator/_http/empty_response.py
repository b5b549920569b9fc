"""A 204 with ``Content-Length: 0``, as the service sends it.

RFC 9110 section 8.6 forbids the header, and aiohttp removes it in the private method that writes the headers. If
aiohttp stops calling that method, the test of a purge's headers fails.
"""

from __future__ import annotations

from aiohttp import hdrs, web


class EmptyResponse(web.Response):
    """A response without a body that keeps its given content length."""

    async def _prepare_headers(self) -> None:
        await super()._prepare_headers()
        self.headers[hdrs.CONTENT_LENGTH] = "0"
