"""The requests an emulator has seen, for assertions."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import overload

_MOST_REQUESTS = 20_000


@dataclass(slots=True)
class RecordedRequest:
    """A request and the status of its response. Its ``repr`` leaves out body and token.

    :ivar method: the HTTP method.
    :ivar path: the path, without the query.
    :ivar query: the parameters of the query, decoded.
    :ivar headers: the headers, with case-insensitive names.
    :ivar authorised: whether it carried a token.
    :ivar status: the status of the response; None before the response, or if the connection was dropped.
    :ivar body: the body as received; None if there was none or it was not read.
    :ivar body_length: how many bytes the client announced; None without a body.
    :ivar at: when it arrived, by the vault's clock, in seconds since the epoch.
    :ivar seconds: how long the response took, in seconds; None before the response, or if the connection was dropped.
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str] = field(repr=False)
    body_length: int | None
    authorised: bool
    body: bytes | None = field(default=None, repr=False)
    status: int | None = None
    at: float = 0.0
    seconds: float | None = None


class Recorder:
    """A list of requests, oldest first: ``vault.requests``. It holds the latest 20,000."""

    def __init__(self, most: int = _MOST_REQUESTS) -> None:
        self._requests: deque[RecordedRequest] = deque(maxlen=most)

    def _add(self, request: RecordedRequest) -> None:
        """Remember a request."""
        self._requests.append(request)

    def clear(self) -> None:
        """Forget all requests."""
        self._requests.clear()

    def matching(self, method: str | None = None, path: str | None = None) -> list[RecordedRequest]:
        """Return the requests with the given method and the given text in their path.

        :param method: the HTTP method; None for any.
        :param path: a part of the path; None for any.
        """
        return [
            request
            for request in list(self._requests)
            if method in (None, request.method) and (path is None or path in request.path)
        ]

    def __iter__(self) -> Iterator[RecordedRequest]:
        return iter(list(self._requests))

    def __len__(self) -> int:
        return len(self._requests)

    @overload
    def __getitem__(self, index: int) -> RecordedRequest: ...

    @overload
    def __getitem__(self, index: slice) -> list[RecordedRequest]: ...

    def __getitem__(self, index: int | slice) -> RecordedRequest | list[RecordedRequest]:
        return list(self._requests)[index] if isinstance(index, slice) else self._requests[index]

    def __repr__(self) -> str:
        return f"<Recorder of {len(self)} requests>"
