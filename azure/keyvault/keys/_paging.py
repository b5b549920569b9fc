"""Lists that the service gives page by page: what both worlds' pagers share."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextvars import copy_context
from typing import Any, TypeVar, cast

from azure.core.async_paging import AsyncItemPaged, AsyncList, AsyncPageIterator
from azure.core.exceptions import DecodeError, ResourceNotFoundError
from azure.core.paging import ItemPaged, PageIterator

from ._generated import operations
from ._generated.models import KeyBundle, KeyItem
from ._generated.operations import Operation
from ._models import KeyProperties

T = TypeVar("T")

#: How many keys of a page are asked for at a time.
_AT_ONCE = 8


def extract(convert: Callable[[Any], T], page: Any) -> tuple[str | None, Iterable[T]]:
    """Return where the next page is, and the items of this one. A page may be empty and not be the last."""
    return page.next_link or None, [convert(item) for item in page.value or []]


async def extract_async(convert: Callable[[Any], T], page: Any) -> tuple[str | None, AsyncIterator[T]]:
    """Do as :func:`extract`, in the form that azure-core's asynchronous pagers ask for."""
    link, items = extract(convert, page)
    return link, AsyncList(items)


def whole_keys(send: Callable[[Operation[KeyBundle]], KeyBundle], items: Iterable[KeyItem]) -> list[KeyBundle]:
    """Return the keys that a page's items are about, in their order, without those that have been deleted meanwhile.

    Its threads ask for a few at a time, in the context of the caller, and have ended when it returns or raises.

    :param send: sends an operation; its first error ends the asking.
    """
    from concurrent.futures import ThreadPoolExecutor  # here, as few lists need it, and importing it takes long

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
    """Do as :func:`whole_keys`, with tasks in place of threads. Cancelling it cancels them."""
    import asyncio  # here, as synchronous clients do without it

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

    def __next__(self) -> Iterator[T]:
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

    async def __anext__(self) -> AsyncIterator[T]:
        """Return the next page."""
        page = await super().__anext__()
        self._guard.follow(self.continuation_token)
        return page


class KeyPager(ItemPaged[T]):
    """A list that asks for pages as it is iterated. azure-core's type does not tell that pages have a token."""

    def by_page(self, continuation_token: str | None = None) -> KeyPages[T]:
        """Return the pages instead of the items.

        :param continuation_token: that of another iteration's pages, to go on from there.
        :returns: an iterator of pages, which are iterators of items; its ``continuation_token`` tells where the next
            page is.
        """
        return cast("KeyPages[T]", super().by_page(continuation_token))


class AsyncKeyPager(AsyncItemPaged[T]):
    """A list that asks for pages as it is iterated. azure-core's type does not tell that pages have a token."""

    def by_page(self, continuation_token: str | None = None) -> AsyncKeyPages[T]:
        """Return the pages instead of the items.

        :param continuation_token: that of another iteration's pages, to go on from there.
        :returns: an iterator of pages, which are iterators of items; its ``continuation_token`` tells where the next
            page is.
        """
        return cast("AsyncKeyPages[T]", super().by_page(continuation_token))
