"""A thread that works for a task of an event loop."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")


class Abandoned(BaseException):
    """The task no longer waits for the thread, which must end."""


class TaskThread:
    """A thread that works for a task, which awaits on its behalf what only the event loop can do.

    Everything is awaited by the task itself: some asynchronous iterators have timeouts or cancel scopes that must not
    change between tasks, and a cancelled task cancels what it awaits.

    It is a thread of its own. Those of the loop's executor are few, and the streams may need them: if every one of them
    waited for a stream, none would be left to read it.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._requests: asyncio.Queue[tuple[Callable[[], Awaitable[Any]], Future[Any]] | None] = asyncio.Queue()
        self._lock = threading.Lock()
        self._awaited: Future[Any] | None = None
        self._is_abandoned = False

    # What the task calls

    async def run(self, work: Callable[[], T]) -> T:
        """Do blocking work in the thread. When this is cancelled, it waits until the thread has ended."""
        result: Future[T] = Future()

        def run() -> None:
            nonlocal work
            try:
                outcome = work()
            except BaseException as error:  # raised again by the task
                # The task cannot clear this frame, which is still at work, and the arguments of the work are in it.
                del work
                result.set_exception(error)
            else:
                result.set_result(outcome)
            self._post(None)

        context = contextvars.copy_context()
        threading.Thread(target=context.run, args=(run,), name="keyvault-stream", daemon=True).start()
        try:
            await self._serve()
        except GeneratorExit:  # nothing can be awaited any more
            self._abandon()
            raise
        except BaseException:
            self._abandon()
            await self._end()
            raise
        return result.result()

    async def _serve(self) -> None:
        while (request := await self._requests.get()) is not None:
            start, answer = request
            try:
                value = await start()
            except Exception as error:  # raised again by the thread that waits for the answer
                answer.set_exception(error)
                del error
            else:
                answer.set_result(value)
            del request, answer

    def _abandon(self) -> None:
        with self._lock:
            self._is_abandoned = True
            if self._awaited is not None and not self._awaited.done():
                self._awaited.set_exception(Abandoned())

    async def _end(self) -> None:
        while True:
            try:
                if await self._requests.get() is None:
                    return
            except asyncio.CancelledError:  # again: the error that is being raised already says so
                continue

    # What the thread calls

    def wait_for(self, start: Callable[[], Awaitable[T]]) -> T:
        """Have the task await something; return its result or raise its error."""
        answer: Future[T] = Future()
        with self._lock:
            self._raise_if_abandoned()
            self._awaited = answer
        self._post((start, answer))
        return answer.result()

    def check(self) -> None:
        """Raise an error if the task was cancelled."""
        with self._lock:
            self._raise_if_abandoned()

    def _raise_if_abandoned(self) -> None:
        if self._is_abandoned:
            raise Abandoned

    def _post(self, request: tuple[Callable[[], Awaitable[Any]], Future[Any]] | None) -> None:
        try:
            self._loop.call_soon_threadsafe(self._requests.put_nowait, request)
        except RuntimeError:  # the loop was closed, and nobody waits
            if request is not None:
                raise Abandoned from None
