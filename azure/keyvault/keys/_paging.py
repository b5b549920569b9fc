"""Lists, which the service returns page by page: what the sync and async pagers share."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextvars import copy_context
from typing import Any, NamedTuple, TypeVar, cast

from azure.core.async_paging import AsyncItemPaged, AsyncList, AsyncPageIterator
from azure.core.exceptions import DecodeError, ResourceNotFoundError
from azure.core.paging import ItemPaged, PageIterator

from ._compatibility import current_page
from ._display import day, table
from ._generated import operations
from ._generated.models import KeyBundle, KeyItem
from ._generated.operations import Operation
from ._models import KeyProperties

T = TypeVar("T")

#: How many keys of a page are requested at a time.
_AT_ONCE = 8


class ExpandedPage(NamedTuple):
    """A page of a list with ``expand=True``: whole keys in place of the items of a ``KeyListResult``."""

    next_link: str | None
    value: list[KeyBundle]


def extract(convert: Callable[[Any], T], page: Any) -> tuple[str | None, Iterable[T]]:
    """Return the link to the next page, and the items of this one. A page may be empty without being the last."""
    return page.next_link or None, [convert(item) for item in page.value or []]


async def extract_async(convert: Callable[[Any], T], page: Any) -> tuple[str | None, AsyncIterator[T]]:
    """Do what :func:`extract` does, in the form that azure-core's async pagers expect."""
    link, items = extract(convert, page)
    wrapped = AsyncList(items)
    wrapped._items = items  # type: ignore[attr-defined]  # for those who look at the page
    return link, wrapped


def whole_keys(send: Callable[[Operation[KeyBundle]], KeyBundle], items: Iterable[KeyItem]) -> list[KeyBundle]:
    """Get the keys of a page's items, in order, without those that have been deleted in the meantime.

    A few threads send the requests, in the caller's context. They have ended when this returns or raises.

    :param send: sends an operation. After its first error, no more requests are sent.
    """
    from concurrent.futures import ThreadPoolExecutor  # here, because few lists need it and it is slow to import

    def ask(operation: Operation[KeyBundle]) -> KeyBundle | None:
        try:
            return send(operation)
        except ResourceNotFoundError:
            return None

    questions = [_question(item) for item in items]
    contexts = [copy_context() for _ in questions]
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="keyvault-list") as pool:
        answers = pool.map(lambda context, question: context.run(ask, question), contexts, questions)
        return [bundle for bundle in answers if bundle is not None]


async def whole_keys_async(
    send: Callable[[Operation[KeyBundle]], Awaitable[KeyBundle]], items: Iterable[KeyItem]
) -> list[KeyBundle]:
    """Do what :func:`whole_keys` does, with tasks instead of threads. Cancelling it cancels them."""
    import asyncio  # here, because sync clients do not need it

    gate = asyncio.Semaphore(_AT_ONCE)

    async def ask(operation: Operation[KeyBundle]) -> KeyBundle | None:
        async with gate:
            try:
                return await send(operation)
            except ResourceNotFoundError:
                return None

    tasks = [asyncio.ensure_future(ask(_question(item))) for item in items]
    try:
        answers = await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return [bundle for bundle in answers if bundle is not None]


def _question(item: KeyItem) -> Operation[KeyBundle]:
    return operations.get_key(KeyProperties._from_item(item).name)


class LoopGuard:
    """Detects a cycle of links in constant memory (R. P. Brent, 1980)."""

    def __init__(self) -> None:
        self._remembered: str | None = None
        self._followed = 0
        self._limit = 1

    def follow(self, link: str | None) -> None:
        """Record the next link.

        :raises ~azure.core.exceptions.DecodeError: when it was followed before.
        """
        if link is None:
            return
        if link == self._remembered:
            raise DecodeError("The vault's list of pages leads in a circle: a link to the next page came again")
        self._followed += 1
        if self._followed == self._limit:
            self._remembered, self._followed, self._limit = link, 0, self._limit * 2


def _items(pages: Any) -> list[Any] | None:
    """Return the items of the page that an iteration has reached; None before the first."""
    return pages._items if pages is not None else None


def _told(pages: Any) -> str:
    items = _items(pages)
    return "not iterated yet" if items is None else f"at a page of {len(items)} items"


def _page_table(kind: str, pages: Any) -> str:
    """Return a table of the page that an iteration has reached. It asks the vault for nothing."""
    rows = []
    for item in _items(pages) or []:
        properties = getattr(item, "properties", item)
        dates = (properties.created_on, properties.expires_on)
        rows.append(
            (properties.name, properties.version or "", str(properties.enabled), *(day(at) or "" for at in dates))
        )
    header = ("name", "version", "enabled", "created_on", "expires_on")
    return table(rows, caption=f"{kind}: {_told(pages)}", header=header)


class KeyPageIterator(PageIterator[T]):
    """The pages of a list."""

    def __init__(self, *args: Any, report: Callable[[int], Any] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._report = report
        self._listed = 0
        self._items: list[Any] | None = None
        self._guard = LoopGuard()
        self._guard.follow(self.continuation_token)

    def __next__(self) -> Iterator[T]:
        """Return the next page."""
        page = super().__next__()
        self._items = cast("list[Any]", current_page(self))
        self._listed += len(self._items)
        if self._report is not None:
            self._report(self._listed)
        self._guard.follow(self.continuation_token)
        return page


class AsyncKeyPageIterator(AsyncPageIterator[T]):
    """The pages of a list."""

    def __init__(self, *args: Any, report: Callable[[int], Any] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._report = report
        self._listed = 0
        self._items: list[Any] | None = None
        self._guard = LoopGuard()
        self._guard.follow(self.continuation_token)

    async def __anext__(self) -> AsyncIterator[T]:
        """Return the next page."""
        page = await super().__anext__()
        # azure-core's wrapper of a list has been given the list itself.
        items: list[Any] = getattr(current_page(self), "_items", [])
        self._items = items
        self._listed += len(items)
        if self._report is not None:
            self._report(self._listed)
        self._guard.follow(self.continuation_token)
        return page


class KeyPager(ItemPaged[T]):
    """A list that requests pages while it is iterated. Unlike azure-core's, its type says that pages have a token."""

    _pages: Any = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} [{_told(self._pages)}]>"

    def _repr_html_(self) -> str:
        return _page_table(type(self).__name__, self._pages)

    def by_page(self, continuation_token: str | None = None) -> KeyPageIterator[T]:
        """Return the pages instead of the items.

        :param continuation_token: the token of an earlier iteration, to resume from there.
        :returns: an iterator of pages, which are iterators of items. Its ``continuation_token`` is the next
            page's.
        """
        pages = cast("KeyPageIterator[T]", super().by_page(continuation_token))
        self._pages = pages
        return pages


class AsyncKeyPager(AsyncItemPaged[T]):
    """A list that requests pages while it is iterated. Unlike azure-core's, its type says that pages have a token."""

    _pages: Any = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} [{_told(self._pages)}]>"

    def _repr_html_(self) -> str:
        return _page_table(type(self).__name__, self._pages)

    def by_page(self, continuation_token: str | None = None) -> AsyncKeyPageIterator[T]:
        """Return the pages instead of the items.

        :param continuation_token: the token of an earlier iteration, to resume from there.
        :returns: an iterator of pages, which are iterators of items. Its ``continuation_token`` is the next
            page's.
        """
        pages = cast("AsyncKeyPageIterator[T]", super().by_page(continuation_token))
        self._pages = pages
        return pages
