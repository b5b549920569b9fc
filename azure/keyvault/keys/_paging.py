"""Lists that the service gives page by page: what both worlds' pagers share."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any, TypeVar

from azure.core.async_paging import AsyncList, AsyncPageIterator
from azure.core.exceptions import DecodeError
from azure.core.paging import PageIterator

T = TypeVar("T")


def extract(convert: Callable[[Any], T], page: Any) -> tuple[str | None, Iterable[T]]:
    """Return where the next page is, and the items of this one. A page may be empty and not be the last."""
    return page.next_link or None, [convert(item) for item in page.value or []]


async def extract_async(convert: Callable[[Any], T], page: Any) -> tuple[str | None, AsyncIterator[T]]:
    """Do as :func:`extract`, in the form that azure-core's asynchronous pagers ask for."""
    link, items = extract(convert, page)
    return link, AsyncList(items)


class _LoopGuard:
    """Notices links that lead in a circle, in constant memory (R. P. Brent, 1980)."""

    def __init__(self) -> None:
        self._remembered: str | None = None
        self._followed = 0
        self._limit = 1

    def follow(self, link: str | None) -> None:
        """Note the next link.

        :raises ~azure.core.exceptions.DecodeError: when it has been followed before.
        """
        if link is None:
            return
        if link == self._remembered:
            raise DecodeError("The vault's list of pages leads in a circle: a link to the next page came again")
        self._followed += 1
        if self._followed == self._limit:
            self._remembered, self._followed, self._limit = link, 0, self._limit * 2


class KeyPages(PageIterator[T]):
    """The pages of a list."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._guard = _LoopGuard()
        self._guard.follow(self.continuation_token)

    def __next__(self) -> Any:
        """Return the next page."""
        page = super().__next__()
        self._guard.follow(self.continuation_token)
        return page


class AsyncKeyPages(AsyncPageIterator[T]):
    """The pages of a list."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._guard = _LoopGuard()
        self._guard.follow(self.continuation_token)

    async def __anext__(self) -> Any:
        """Return the next page."""
        page = await super().__anext__()
        self._guard.follow(self.continuation_token)
        return page
