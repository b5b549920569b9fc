"""Waiting for a deletion or a recovery, which the service accepts at once and finishes seconds later."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from itertools import chain, repeat
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from azure.core.exceptions import (
    AzureError,
    HttpResponseError,
    ResourceNotFoundError,
    ServiceRequestTimeoutError,
    ServiceResponseTimeoutError,
)
from azure.core.polling import AsyncLROPoller, AsyncNoPolling, LROPoller, NoPolling

from ._continuation import PendingOperation
from ._generated.operations import Operation
from ._shared.pipeline.call import end_of, ending_by, remaining
from ._shared.wire.refusals import is_of_the_network

if TYPE_CHECKING:
    from ._shared.connection import VaultConnection
    from ._shared.connection_async import AsyncVaultConnection

T = TypeVar("T")


#: Seconds between two polls unless the caller sets an interval; the last one repeats. A Managed HSM finishes at once, a
#: vault takes 6 to 35 seconds.
_INTERVALS = (0.25, 0.5, 1.0, 2.0)


#: Seconds by which a clock and a timer may disagree about the end of a wait.
_RESOLUTION = 0.01


class Progress(Generic[T]):
    """The state of a deletion or recovery. It decides; the pollers send the requests.

    :param pending: the operation that the service has accepted.
    :param result: what the caller gets.
    :param question: the operation that succeeds once the key has reached its new state.
    :param interval: seconds between two polls; None for pauses that grow to two seconds.
    :param finished: whether there is nothing to wait for.
    :param report: is told after every look how many seconds the waiting has taken.
    """

    def __init__(
        self,
        pending: PendingOperation[Any],
        result: T,
        question: Operation[Any],
        interval: float | None,
        *,
        finished: bool = False,
        report: Callable[[float], Any] | None = None,
    ) -> None:
        self._pending = pending
        self.result = result
        self.question = question
        self._intervals = repeat(interval) if interval is not None else chain(_INTERVALS, repeat(_INTERVALS[-1]))
        self.finished = finished or pending.finished
        self._report = report
        self._started = time.monotonic()

    @property
    def status(self) -> str:
        return "finished" if self.finished else "polling"

    def __repr__(self) -> str:
        what = "deletion" if self._pending.operation.method == "DELETE" else "recovery"
        return f"{what} of {getattr(self.result, 'id', self.question.path)}: {self.status}"

    @property
    def token(self) -> str:
        """The continuation token for a poller in another process."""
        return self._pending.token(finished=self.finished)

    @contextmanager
    def resumable(self) -> Iterator[None]:
        """Put the continuation token on errors, as azure-core's pollers do."""
        try:
            yield
        except AzureError as error:
            error.continuation_token = self.token
            raise

    def note(self, error: HttpResponseError | None) -> None:
        """Record the outcome of a poll.

        Without permission to read keys, a caller gets 404 until the key exists and 403 from then on, so 403 means
        finished. A firewall answers 403 to everything, which means nothing.

        :param error: how the poll failed; None when it succeeded.
        :raises ~azure.core.exceptions.HttpResponseError: when it failed for any other reason than "not yet".
        """
        if self._report is not None:
            self._report(time.monotonic() - self._started)
        if isinstance(error, ResourceNotFoundError):
            return
        if error is not None and (error.status_code != 403 or is_of_the_network(error)):
            raise error
        self.finished = True

    def interval(self) -> float:
        """Return the seconds until the next poll."""
        return next(self._intervals)


class _Wait:
    """The time limit of one ``wait``, within the time limit of the call that made the poller.

    :param timeout: seconds; None for no limit, 0 for one poll, however long it takes.
    :param options: the options of the call.
    :ivar options: the options for one poll.
    """

    def __init__(self, timeout: float | None, options: dict[str, Any]) -> None:
        self._end = end_of(timeout)
        self._call = options
        # The polls read errors themselves: "not yet" is a 404.
        polls = {name: value for name, value in options.items() if name != "error_map"}
        self.options = ending_by(polls, self._end) if self._end is not None and timeout else polls

    @property
    def is_over(self) -> bool:
        return self._end is not None and time.monotonic() >= self._end - _RESOLUTION

    def note(self, error: AzureError) -> None:
        """Record that a poll has timed out.

        :raises ~azure.core.exceptions.ServiceResponseTimeoutError: when the call that made the poller has no time left.
        :raises ~azure.core.exceptions.AzureError: the error itself, when neither the call nor the wait is out of time.
        """
        if remaining(self._call) == 0:
            # It does not matter whether the last poll was sent: the deletion or recovery was.
            raise ServiceResponseTimeoutError(
                "The call's timeout ran out while it waited. The vault goes on with the deletion or recovery"
            ) from error
        if not self.is_over:
            raise error

    def pause(self, interval: float) -> float:
        """Return how long to sleep, at most until the wait or the call runs out of time."""
        left = remaining(ending_by(self._call, self._end)) if self._end is not None else remaining(self._call)
        return interval if left is None else min(interval, left)


class KeyVaultPoller(LROPoller[T]):
    """Waits for a deletion or a recovery.

    :meth:`result` returns at once: it is the service's answer when it accepted the call. :meth:`wait` returns when
    the key has reached its new state.
    """

    def __init__(self, connection: VaultConnection, progress: Progress[T], options: Any) -> None:
        super().__init__(None, None, lambda _: progress.result, NoPolling())  # type: ignore[no-untyped-call]
        self._connection = connection
        self._progress = progress
        self._options = options
        self._watchers: list[Callable[[Any], Any]] = []

    def __repr__(self) -> str:
        return f"<{type(self).__name__} [{self._progress!r}]>"

    def status(self) -> str:
        """Return ``"polling"`` or ``"finished"``, as of the last poll."""
        return self._progress.status

    def done(self) -> bool:
        """Whether the key had reached its new state at the last poll. Only :meth:`wait` polls."""
        return self._progress.finished

    def continuation_token(self) -> str:
        """Return a token that lets another client resume waiting, in another process too.

        :returns: an opaque string; pass it as ``continuation_token`` to the method that made this poller. It holds the
            public part and the properties of the key, nothing secret.
        """
        return self._progress.token

    def result(self, timeout: float | None = None) -> T:
        """Return the service's answer when it accepted the call, without waiting.

        :param timeout: has no effect; azure-core's ``LROPoller`` has it.
        """
        return self._progress.result

    def add_done_callback(self, func: Callable[[Any], Any]) -> None:
        """Call a function when :meth:`wait` sees that the key has reached its new state; at once if it already has.

        :param func: takes azure-core's polling method, which says nothing about a deletion or a recovery.
        """
        if self._progress.finished:
            func(self.polling_method())
        else:
            self._watchers.append(func)

    def remove_done_callback(self, func: Callable[[Any], Any]) -> None:
        """Remove a callback.

        :param func: the function that :meth:`add_done_callback` was given.
        :raises ValueError: when the key has reached its new state, so that the callbacks have been called.
        """
        if self._progress.finished:
            raise ValueError("The key has arrived in its new state, and the functions have been called")
        self._watchers = [watcher for watcher in self._watchers if watcher != func]

    def wait(self, timeout: float | None = None) -> None:
        """Wait until the key has reached its new state.

        :param timeout: seconds to wait at most. :meth:`done` says whether they were enough; 0 polls once.
        :raises ~azure.core.exceptions.ServiceResponseTimeoutError: when the call that made the poller has no time left.
        :raises ~azure.core.exceptions.HttpResponseError: when the service refuses a poll. Its ``continuation_token``,
            like that of every error here, is the poller's.
        """
        waiting = _Wait(timeout, self._options)
        with self._progress.resumable():
            while not self._progress.finished:
                try:
                    self._progress.note(self._ask(waiting.options))
                except (ServiceRequestTimeoutError, ServiceResponseTimeoutError) as error:
                    waiting.note(error)
                if self._progress.finished or waiting.is_over:
                    break
                self._connection.sleep(waiting.pause(self._progress.interval()))
        if self._progress.finished:
            watchers, self._watchers = self._watchers, []
            for watcher in watchers:
                watcher(self.polling_method())

    def _ask(self, options: dict[str, Any]) -> HttpResponseError | None:
        try:
            self._connection.send(self._progress.question, **options)
        except HttpResponseError as error:
            return error
        return None


class AsyncKeyVaultPoller(AsyncLROPoller[T]):
    """Waits for a deletion or a recovery.

    :meth:`result` returns at once: it is the service's answer when it accepted the call. :meth:`wait` returns when
    the key has reached its new state.
    """

    def __init__(self, connection: AsyncVaultConnection, progress: Progress[T], options: Any) -> None:
        super().__init__(None, None, lambda _: progress.result, AsyncNoPolling())  # type: ignore[no-untyped-call]
        self._connection = connection
        self._progress = progress
        self._options = options

    def __repr__(self) -> str:
        return f"<{type(self).__name__} [{self._progress!r}]>"

    def status(self) -> str:
        """Return ``"polling"`` or ``"finished"``, as of the last poll."""
        return self._progress.status

    def done(self) -> bool:
        """Whether the key had reached its new state at the last poll. Only :meth:`wait` polls."""
        return self._progress.finished

    def continuation_token(self) -> str:
        """Return a token that lets another client resume waiting, in another process too.

        :returns: an opaque string; pass it as ``continuation_token`` to the method that made this poller. It holds the
            public part and the properties of the key, nothing secret.
        """
        return self._progress.token

    def __await__(self) -> Generator[Any, None, T]:
        """Wait until the key has reached its new state, and return the service's first answer."""
        return self._arrived().__await__()

    async def _arrived(self) -> T:
        await self.wait()
        return self._progress.result

    async def result(self, timeout: float | None = None) -> T:
        """Return the service's answer when it accepted the call, without waiting.

        :param timeout: has no effect; azure-core's ``LROPoller`` has it.
        """
        return self._progress.result

    async def wait(self, timeout: float | None = None) -> None:
        """Wait until the key has reached its new state.

        :param timeout: seconds to wait at most. :meth:`done` says whether they were enough; 0 polls once.
        :raises ~azure.core.exceptions.ServiceResponseTimeoutError: when the call that made the poller has no time left.
        :raises ~azure.core.exceptions.HttpResponseError: when the service refuses a poll. Its ``continuation_token``,
            like that of every error here, is the poller's.
        """
        waiting = _Wait(timeout, self._options)
        with self._progress.resumable():
            while not self._progress.finished:
                try:
                    self._progress.note(await self._ask(waiting.options))
                except (ServiceRequestTimeoutError, ServiceResponseTimeoutError) as error:
                    waiting.note(error)
                if self._progress.finished or waiting.is_over:
                    return
                await self._connection.sleep(waiting.pause(self._progress.interval()))

    async def _ask(self, options: dict[str, Any]) -> HttpResponseError | None:
        try:
            await self._connection.send(self._progress.question, **options)
        except HttpResponseError as error:
            return error
        return None
