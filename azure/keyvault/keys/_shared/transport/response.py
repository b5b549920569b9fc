"""The responses of the two transports, with azure-core's interface."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator, MutableMapping
from typing import Any

from azure.core.exceptions import (
    HttpResponseError,
    ResponseNotReadError,
    StreamClosedError,
    StreamConsumedError,
)
from azure.core.rest import AsyncHttpResponse, HttpRequest, HttpResponse

from ..wire.text import as_text, encoding_of, error_of

_BLOCK = 4096


class _Answer:
    """The common part of sync and async responses.

    A streamed response has a ``source``: ``pieces(size, decoded=...)`` reads the rest of the body, and ``close()``
    returns the connection to the pool or closes it.

    :ivar internal_response: the HTTP library's response; None when it is no longer needed.
    :ivar block_size: how many bytes of a body are read at a time.
    """

    def __init__(
        self,
        request: HttpRequest,
        status: int,
        reason: str,
        headers: MutableMapping[str, str],
        content: bytes | None,
        source: Any = None,
        internal_response: Any = None,
        block_size: int = _BLOCK,
    ) -> None:
        self._request, self._status_code, self._reason, self._headers = request, status, reason, headers
        self._content = content
        self._source: Any = source
        self._is_consumed = content is not None
        self._encoding: str | None = None
        self._is_encoding_set = False
        self.internal_response = internal_response
        self.block_size = block_size

    @property
    def request(self) -> HttpRequest:
        """The request."""
        return self._request

    @property
    def status_code(self) -> int:
        """The status code."""
        return self._status_code

    @property
    def reason(self) -> str:
        """The reason phrase."""
        return self._reason

    @property
    def headers(self) -> MutableMapping[str, str]:
        """The headers. Repeated headers are joined with commas; in async responses, ``getall`` returns each of them."""
        return self._headers

    @property
    def content_type(self) -> str | None:
        """The media type of the body."""
        return self._headers.get("Content-Type")

    @property
    def url(self) -> str:
        """The URL of the request."""
        return self._request.url

    @property
    def is_closed(self) -> bool:
        """Whether the response no longer uses a connection."""
        return self._source is None

    @property
    def is_stream_consumed(self) -> bool:
        """Whether the body has been read."""
        return self._is_consumed

    @property
    def encoding(self) -> str | None:
        """The encoding of the body: UTF-8 for JSON, otherwise the one in the header if it is safe."""
        if not self._is_encoding_set:
            self._encoding, self._is_encoding_set = encoding_of(self.content_type), True
        return self._encoding

    @encoding.setter
    def encoding(self, value: str | None) -> None:
        self._encoding, self._is_encoding_set = value, True

    @property
    def content(self) -> bytes:
        """The body.

        :raises ~azure.core.exceptions.ResponseNotReadError: when it has not been read.
        """
        if self._content is None:
            raise ResponseNotReadError(self)
        return self._content

    def body(self) -> bytes:
        """Return the body: azure-core's former name for ``content``."""
        return self.content

    def text(self, encoding: str | None = None) -> str:
        """Return the body as text."""
        return as_text(self.content, encoding or self.encoding)

    def json(self) -> Any:
        """Return the body, decoded from JSON.

        :raises ValueError: when it is not JSON.
        """
        return json.loads(self.text())

    def raise_for_status(self) -> None:
        """Raise an error if the status is an error.

        :raises ~azure.core.exceptions.HttpResponseError: when the status is 400 or higher.
        """
        if self._status_code >= 400:
            raise error_of(HttpResponseError, None, self)

    def _begin_stream(self) -> Any:
        if self._is_consumed:
            raise StreamConsumedError(self)
        if self._source is None:
            raise StreamClosedError(self)
        self._is_consumed = True
        return self._source

    def _blocks(self) -> Iterator[bytes]:
        content = self.content
        for at in range(0, len(content), self.block_size):
            yield content[at : at + self.block_size]


class VaultResponse(_Answer, HttpResponse):
    """A response of the sync transport."""

    def read(self) -> bytes:
        """Read the body, and close the response."""
        if self._content is None:
            source = self._begin_stream()
            try:
                self._content = b"".join(source.pieces(self.block_size, decoded=True))
            finally:
                self.close()
        return self._content

    def body(self) -> bytes:
        """Return the body: azure-core's former name for ``read`` and ``content``."""
        return self.read()

    def iter_bytes(self, **kwargs: Any) -> Iterator[bytes]:
        """Iterate over the decompressed body."""
        return self._iterate(decoded=True)

    def iter_raw(self, **kwargs: Any) -> Iterator[bytes]:
        """Iterate over the body as it was received."""
        return self._iterate(decoded=False)

    def stream_download(self, pipeline: Any = None, **kwargs: Any) -> Iterator[bytes]:
        """Iterate over the body: azure-core's former name for ``iter_bytes``."""
        return self._iterate(decoded=kwargs.get("decompress", True))

    def _iterate(self, *, decoded: bool) -> Iterator[bytes]:
        if self._content is not None:
            yield from self._blocks()
            return
        source = self._begin_stream()
        try:
            yield from source.pieces(self.block_size, decoded=decoded)
        finally:
            self.close()

    def close(self) -> None:
        """Return the connection to the pool if the body was read to the end; otherwise close it."""
        source, self._source = self._source, None
        if source is not None:
            source.close()

    def __enter__(self) -> VaultResponse:
        return self

    def __exit__(self, *args: object) -> None:
        self.close()


class AsyncVaultResponse(_Answer, AsyncHttpResponse):
    """A response of the async transport."""

    async def read(self) -> bytes:
        """Read the body, and close the response."""
        if self._content is None:
            source = self._begin_stream()
            try:
                self._content = b"".join([piece async for piece in source.pieces(self.block_size, decoded=True)])
            finally:
                await self.close()
        return self._content

    async def load_body(self) -> None:
        """Read the body: azure-core's former name for ``read``."""
        await self.read()

    async def iter_bytes(self, **kwargs: Any) -> AsyncIterator[bytes]:
        """Iterate over the decompressed body."""
        async for piece in self._iterate(decoded=True):
            yield piece

    async def iter_raw(self, **kwargs: Any) -> AsyncIterator[bytes]:
        """Iterate over the body as it was received."""
        async for piece in self._iterate(decoded=False):
            yield piece

    def stream_download(self, pipeline: Any = None, **kwargs: Any) -> AsyncIterator[bytes]:
        """Iterate over the body: azure-core's former name for ``iter_bytes``."""
        return self._iterate(decoded=kwargs.get("decompress", True))

    async def _iterate(self, *, decoded: bool) -> AsyncIterator[bytes]:
        if self._content is not None:
            for block in self._blocks():
                yield block
            return
        source = self._begin_stream()
        try:
            async for piece in source.pieces(self.block_size, decoded=decoded):
                yield piece
        finally:
            await self.close()

    async def close(self) -> None:
        """Return the connection to the pool if the body was read to the end; otherwise close it."""
        source, self._source = self._source, None
        if source is not None:
            await source.close()

    async def __aenter__(self) -> AsyncVaultResponse:
        return self

    async def __aexit__(self, *args: object) -> None:
        await self.close()
