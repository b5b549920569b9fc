"""Waiting for a deletion or a recovery: the service has accepted it, and needs seconds to finish it."""

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

from ._continuation import Begun
from ._generated.operations import Operation
from ._shared.pipeline.call import end_of, ending_by, remaining
from ._shared.wire.refusals import inner_code

if TYPE_CHECKING:
    from ._shared.connection import VaultConnection
    from ._shared.connection_async import AsyncVaultConnection

T = TypeVar("T")


#: Seconds between two looks at a key, when nothing else is asked for; the last one repeats. A Managed HSM is done at
#: once and a vault needs 6 to 35 seconds.
_INTERVALS = (0.25, 0.5, 1.0, 2.0)


#: Seconds by which clocks and timers may differ on when a wait is over.
_RESOLUTION = 0.01


class Progress(Generic[T]):
    """What is known of a deletion or recovery. Decides; its pollers do the asking.

    :param begun: what the service has accepted.
    :param result: its answer, for the caller.
    :param question: the operation that succeeds as soon as the key has arrived in its new state.
    :param interval: seconds between two questions; None for pauses that grow to two seconds.
    :param finished: whether there is nothing to wait for.
    """

    def __init__(
        self, begun: Begun[Any], result: T, question: Operation[Any], interval: float | None, *, finished: bool = False
    ) -> None:
        self._begun = begun
        self.result = result
        self.question = question
        self._intervals = repeat(interval) if interval is not None else chain(_INTERVALS, repeat(_INTERVALS[-1]))
        self.finished = finished or begun.finished

    @property
    def status(self) -> str:
        return "finished" if self.finished else "polling"

    @property
    def token(self) -> str:
        """What a poller in another process goes on with."""
        return self._begun.token(finished=self.finished)

    @contextmanager
    def resumable(self) -> Iterator[None]:
        """Give errors the token to go on with, as azure-core's pollers do."""
        try:
            yield
        except AzureError as error:
            error.continuation_token = self.token
            raise

    def note(self, error: HttpResponseError | None) -> None:
        """Take in the answer to the question.

        A caller without the permission to read keys is told 403 as soon as there is a key to read, so that is the end
        of what it can see. A firewall says 403 to everything, which tells nothing.

        :raises ~azure.core.exceptions.HttpResponseError: when the answer is neither "not yet" nor "there it is".
        """
        if isinstance(error, ResourceNotFoundError):
            return
        if error is not None and (error.status_code != 403 or inner_code(error) == "ForbiddenByFirewall"):
            raise error
        self.finished = True

    def interval(self) -> float:
        """Return the seconds until the next question."""
        return next(self._intervals)


class _Wait:
    """The time of one ``wait``, within that of the call that made the poller.

    :param timeout: seconds; None for no limit, 0 for one look, however long it takes.
    :param options: of the call.
    :ivar options: for one look.
    """

    def __init__(self, timeout: float | None, options: dict[str, Any]) -> None:
        self._end = end_of(timeout)
        self._call = options
        self.options = ending_by(options, self._end) if self._end is not None and timeout else options

    @property
    def is_over(self) -> bool:
        return self._end is not None and time.monotonic() >= self._end - _RESOLUTION

    def note(self, error: AzureError) -> None:
        """Take in that a look has run out of time.

        :raises ~azure.core.exceptions.ServiceResponseTimeoutError: when the call that made the poller has no time left.
        :raises ~azure.core.exceptions.AzureError: the error, when it is neither that time nor that of the wait.
        """
        if remaining(self._call) == 0:
            # Whether the last look was sent matters to nobody: the deletion or recovery was.
            raise ServiceResponseTimeoutError(
                "The call's timeout ran out while it waited. The vault goes on with the deletion or recovery"
            ) from error
        if not self.is_over:
            raise error

    def pause(self, interval: float) -> float:
        """Return how long to sleep, so that whose time is up hears of it then."""
        left = remaining(ending_by(self._call, self._end)) if self._end is not None else remaining(self._call)
        return interval if left is None else min(interval, left)


class KeyVaultPoller(LROPoller[T]):
    """Waits for a deletion or a recovery.

    :meth:`result` is there at once: it is what the service answered when it accepted the call. :meth:`wait` returns
    when the key has arrived in its new state.
    """

    def __init__(self, connection: VaultConnection, progress: Progress[T], options: Any) -> None:
        super().__init__(None, None, lambda _: progress.result, NoPolling())  # type: ignore[no-untyped-call]
        self._connection = connection
        self._progress = progress
        self._options = options
        self._watchers: list[Callable[[Any], Any]] = []

    def status(self) -> str:
        """Return ``"polling"`` or ``"finished"``, as of the last look at the key."""
        return self._progress.status

    def done(self) -> bool:
        """Whether the key had arrived in its new state at the last look. Looking is what :meth:`wait` does."""
        return self._progress.finished

    def continuation_token(self) -> str:
        """Return a text with which another client, in another process too, goes on from here.

        :returns: what the method that made this poller takes as ``continuation_token``. It is opaque, and holds the
            public part and the properties of the key, nothing that is secret.
        """
        return self._progress.token

    def result(self, timeout: float | None = None) -> T:
        """Return what the service answered when it accepted the call, without waiting.

        :param timeout: has no effect; it is there for azure-core's ``LROPoller``.
        """
        return self._progress.result

    def add_done_callback(self, func: Callable[[Any], Any]) -> None:
        """Have a function called when :meth:`wait` sees that the key has arrived; at once when it has.

        :param func: takes azure-core's polling method, which tells nothing about a deletion or a recovery.
        """
        if self._progress.finished:
            func(self.polling_method())
        else:
            self._watchers.append(func)

    def remove_done_callback(self, func: Callable[[Any], Any]) -> None:
        """Have a function not called after all.

        :param func: what was given to :meth:`add_done_callback`.
        :raises ValueError: when the key has arrived.
        """
        if self._progress.finished:
            raise ValueError("The key has arrived in its new state, and the functions have been called")
        self._watchers = [watcher for watcher in self._watchers if watcher != func]

    def wait(self, timeout: float | None = None) -> None:
        """Wait until the key has arrived in its new state.

        :param timeout: seconds to wait at most. :meth:`done` tells whether they were enough; with 0 there is one look.
        :raises ~azure.core.exceptions.ServiceResponseTimeoutError: when the call that made the poller has no time left.
        :raises ~azure.core.exceptions.HttpResponseError: when the service refuses to tell. Its ``continuation_token``,
            as that of every error here, is the poller's.
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

    :meth:`result` is there at once: it is what the service answered when it accepted the call. :meth:`wait` returns
    when the key has arrived in its new state.
    """

    def __init__(self, connection: AsyncVaultConnection, progress: Progress[T], options: Any) -> None:
        super().__init__(None, None, lambda _: progress.result, AsyncNoPolling())  # type: ignore[no-untyped-call]
        self._connection = connection
        self._progress = progress
        self._options = options

    def status(self) -> str:
        """Return ``"polling"`` or ``"finished"``, as of the last look at the key."""
        return self._progress.status

    def done(self) -> bool:
        """Whether the key had arrived in its new state at the last look. Looking is what :meth:`wait` does."""
        return self._progress.finished

    def continuation_token(self) -> str:
        """Return a text with which another client, in another process too, goes on from here.

        :returns: what the method that made this poller takes as ``continuation_token``. It is opaque, and holds the
            public part and the properties of the key, nothing that is secret.
        """
        return self._progress.token

    def __await__(self) -> Generator[Any, None, T]:
        """Wait until the key has arrived in its new state, and return what the service answered at first."""
        return self._arrived().__await__()

    async def _arrived(self) -> T:
        await self.wait()
        return self._progress.result

    async def result(self, timeout: float | None = None) -> T:
        """Return what the service answered when it accepted the call, without waiting.

        :param timeout: has no effect; it is there for azure-core's ``LROPoller``.
        """
        return self._progress.result

    async def wait(self, timeout: float | None = None) -> None:
        """Wait until the key has arrived in its new state.

        :param timeout: seconds to wait at most. :meth:`done` tells whether they were enough; with 0 there is one look.
        :raises ~azure.core.exceptions.ServiceResponseTimeoutError: when the call that made the poller has no time left.
        :raises ~azure.core.exceptions.HttpResponseError: when the service refuses to tell. Its ``continuation_token``,
            as that of every error here, is the poller's.
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
