"""The responses of the two transports: azure-core's interface over what was read."""

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
    """What sync and async responses have in common.

    A ``source`` has the body of a streamed one: ``pieces(size, decoded=...)`` reads what has not been read, and
    ``close()`` gives the connection back, or up.

    :ivar internal_response: the HTTP library's own response, None when it is not needed any more.
    :ivar block_size: the size of the pieces in which a body is read.
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
        """The request that it answers."""
        return self._request

    @property
    def status_code(self) -> int:
        """The status."""
        return self._status_code

    @property
    def reason(self) -> str:
        """The words beside the status."""
        return self._reason

    @property
    def headers(self) -> MutableMapping[str, str]:
        """The headers. Repeated ones are joined by commas; in asyncio ``getall`` returns each."""
        return self._headers

    @property
    def content_type(self) -> str | None:
        """The type of the body."""
        return self._headers.get("Content-Type")

    @property
    def url(self) -> str:
        """The URL that was asked."""
        return self._request.url

    @property
    def is_closed(self) -> bool:
        """Whether the answer needs no connection any more."""
        return self._source is None

    @property
    def is_stream_consumed(self) -> bool:
        """Whether the body has been read."""
        return self._is_consumed

    @property
    def encoding(self) -> str | None:
        """The encoding of the body as text: UTF-8 for JSON, otherwise what the header says if that is safe."""
        if not self._is_encoding_set:
            self._encoding, self._is_encoding_set = encoding_of(self.content_type), True
        return self._encoding

    @encoding.setter
    def encoding(self, value: str | None) -> None:
        self._encoding, self._is_encoding_set = value, True

    @property
    def content(self) -> bytes:
        """The body.

        :raises ~azure.core.exceptions.ResponseNotReadError: when it was not read.
        """
        if self._content is None:
            raise ResponseNotReadError(self)
        return self._content

    def body(self) -> bytes:
        """Return the body: the name that azure-core had for ``content`` before."""
        return self.content

    def text(self, encoding: str | None = None) -> str:
        """Return the body as text."""
        return as_text(self.content, encoding or self.encoding)

    def json(self) -> Any:
        """Return what the body says in JSON.

        :raises ValueError: when it is not JSON.
        """
        return json.loads(self.text())

    def raise_for_status(self) -> None:
        """Raise an error when the status is one.

        :raises ~azure.core.exceptions.HttpResponseError: when it is.
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
    """An answer of the synchronous transport."""

    def read(self) -> bytes:
        """Read the body, and close the answer."""
        if self._content is None:
            source = self._begin_stream()
            try:
                self._content = b"".join(source.pieces(self.block_size, decoded=True))
            finally:
                self.close()
        return self._content

    def body(self) -> bytes:
        """Return the body: the name that azure-core had for ``read`` and ``content`` before."""
        return self.read()

    def iter_bytes(self, **kwargs: Any) -> Iterator[bytes]:
        """Iterate over the body, decompressed."""
        return self._iterate(decoded=True)

    def iter_raw(self, **kwargs: Any) -> Iterator[bytes]:
        """Iterate over the body as it came."""
        return self._iterate(decoded=False)

    def stream_download(self, pipeline: Any = None, **kwargs: Any) -> Iterator[bytes]:
        """Iterate over the body: the name that azure-core had for ``iter_bytes`` before."""
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
        """Give the connection back if all was read, and close it otherwise."""
        source, self._source = self._source, None
        if source is not None:
            source.close()

    def __enter__(self) -> VaultResponse:
        return self

    def __exit__(self, *args: object) -> None:
        self.close()


class AsyncVaultResponse(_Answer, AsyncHttpResponse):
    """An answer of the asyncio transport."""

    async def read(self) -> bytes:
        """Read the body, and close the answer."""
        if self._content is None:
            source = self._begin_stream()
            try:
                self._content = b"".join([piece async for piece in source.pieces(self.block_size, decoded=True)])
            finally:
                await self.close()
        return self._content

    async def load_body(self) -> None:
        """Read the body: the name that azure-core had for ``read`` before."""
        await self.read()

    async def iter_bytes(self, **kwargs: Any) -> AsyncIterator[bytes]:
        """Iterate over the body, decompressed."""
        async for piece in self._iterate(decoded=True):
            yield piece

    async def iter_raw(self, **kwargs: Any) -> AsyncIterator[bytes]:
        """Iterate over the body as it came."""
        async for piece in self._iterate(decoded=False):
            yield piece

    def stream_download(self, pipeline: Any = None, **kwargs: Any) -> AsyncIterator[bytes]:
        """Iterate over the body: the name that azure-core had for ``iter_bytes`` before."""
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
        """Give the connection back if all was read, and close it otherwise."""
        source, self._source = self._source, None
        if source is not None:
            await source.close()

    async def __aenter__(self) -> AsyncVaultResponse:
        return self

    async def __aexit__(self, *args: object) -> None:
        await self.close()
