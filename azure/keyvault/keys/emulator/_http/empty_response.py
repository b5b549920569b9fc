"""A 204 with ``Content-Length: 0``, as the service sends it.

RFC 9110 section 8.6 forbids the header, and aiohttp removes it when it writes the headers, in a method that is private:
a test of the headers of a purge fails if that method is not called any more.
"""

from __future__ import annotations

from aiohttp import hdrs, web


class EmptyResponse(web.Response):
    """A response without a body that keeps the content length it was given."""

    async def _prepare_headers(self) -> None:
        await super()._prepare_headers()
        self.headers[hdrs.CONTENT_LENGTH] = "0"
