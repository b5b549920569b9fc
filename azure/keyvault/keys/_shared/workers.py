"""Blocking work that nothing can interrupt: done by a few threads, and waited for no longer than a call has time."""

from __future__ import annotations

import contextvars
import threading
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from .fork import renew_after_fork

if TYPE_CHECKING:
    import asyncio
    from concurrent.futures import Future

T = TypeVar("T")


class OutOfTime(Exception):
    """Work has not ended in time."""


class Workers:
    """A few threads for work that may hang: asking a credential, looking up a name.

    They are daemons, which the end of the process does not wait for, and end when there is nothing left to do. When all
    of them hang, more work waits in a queue, and is never begun if nobody waits for it any more.

    :param limit: the most threads.
    :param name: what they are called.
    """

    def __init__(self, limit: int, name: str) -> None:
        self._limit = limit
        self._name = name
        self.renew()
        renew_after_fork(self)

    def renew(self) -> None:
        """Reset in a child process: the threads do not exist there."""
        self._lock = threading.Lock()
        self._queue: deque[tuple[Future[Any], contextvars.Context, Callable[[], Any]]] = deque()
        self._threads: set[threading.Thread] = set()

    def submit(self, work: Callable[[], T]) -> Future[T]:
        """Have work done, as soon as a thread is free."""
        from concurrent.futures import Future  # loaded with the first work: most programs have none

        job: Future[T] = Future()
        with self._lock:
            self._queue.append((job, contextvars.copy_context(), work))
            # An interrupt may have come between any two steps below: threads that never ran do not count.
            self._threads = {thread for thread in self._threads if thread.is_alive()}
            if len(self._threads) < self._limit:
                thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._threads.add(thread)
                thread.start()
        return job

    def _run(self) -> None:
        while True:
            with self._lock:
                if not self._queue:
                    self._threads.discard(threading.current_thread())
                    return
                job, context, work = self._queue.popleft()
            if job.set_running_or_notify_cancel():
                try:
                    job.set_result(context.run(work))
                except BaseException as error:  # raised again by whoever waits
                    job.set_exception(error)
            del job, context, work  # not kept while the thread waits for the lock

    def within(self, limit: float, work: Callable[[], T]) -> T:
        """Do work in a thread, and wait for it no longer than ``limit`` seconds.

        :raises OutOfTime: when it takes longer. Work that has not begun by then is not begun any more.
        """
        job = self.submit(work)
        try:
            return outcome_within(limit, job)
        finally:
            job.cancel()

    async def done(self, work: Callable[[], T]) -> T:
        """Do work in a thread, and await it. When that is cancelled, work that has not begun is not begun any more."""
        job = self.submit(work)
        try:
            return await outcome(job)
        finally:
            job.cancel()


def outcome_within(limit: float | None, job: Future[T]) -> T:
    """Wait for work, but no longer than ``limit`` seconds.

    :raises OutOfTime: when it takes longer.
    """
    from concurrent.futures import wait

    if not wait([job], limit).done:
        raise OutOfTime
    return job.result()


async def outcome(job: Future[T]) -> T:
    """Await work that threads do. Unlike :func:`asyncio.wrap_future`, that does not cancel work others wait for too."""
    import asyncio

    loop = asyncio.get_running_loop()
    ended: asyncio.Future[None] = loop.create_future()

    def end() -> None:
        if not ended.done():
            ended.set_result(None)

    def wake(_: Future[T]) -> None:
        if not loop.is_closed():
            try:
                loop.call_soon_threadsafe(end)
            except RuntimeError:  # closed just now
                pass

    job.add_done_callback(wake)
    await ended
    return job.result()
