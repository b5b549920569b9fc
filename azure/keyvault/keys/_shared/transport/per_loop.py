"""A transport for clients that a whole process shares: every event loop has connections of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, ClassVar

from azure.core.pipeline.transport import AsyncHttpTransport

from ..fork import ForkLock, renew_after_fork
from .transport_async import AsyncVaultTransport


class _LoopUse:
    """What one event loop does with the client.

    :ivar transport: its transport.
    :ivar users: how often the client was entered with ``async with``, and not left.
    :ivar requests: how many requests are on their way.
    """

    def __init__(self, transport: AsyncVaultTransport) -> None:
        self.transport = transport
        self.users = self.requests = 0


class PerLoopTransport(AsyncHttpTransport):  # type: ignore[type-arg]
    """Leaves requests to a transport of the running event loop.

    Whoever closes the client closes its connections in this loop, unless others in it use the client at that time; the
    next request connects anew. The connections of a loop that has ended are dropped when another one uses the client.

    :param make: makes the transport of a loop.
    """

    #: Transports of a parent process, kept so that their end does not write to its connections.
    _inherited: ClassVar[list[AsyncVaultTransport]] = []

    def __init__(self, make: Callable[[], AsyncVaultTransport]) -> None:
        self._make = make
        self._uses: dict[asyncio.AbstractEventLoop, _LoopUse] = {}
        self._lock = ForkLock()
        renew_after_fork(self)

    def renew(self) -> None:
        """Connect anew in a child process: the event loops are the parent's."""
        self._inherited.extend(use.transport for use in self._uses.values())
        self._uses = {}

    def _use(self) -> _LoopUse:
        loop = asyncio.get_running_loop()
        use = self._uses.get(loop)
        if use is None:
            transport = self._make()
            transport.is_shared = True
            use = _LoopUse(transport)
            with self._lock:
                for ended in [other for other in self._uses if other.is_closed()]:
                    self._uses.pop(ended).transport._drop_session()
                self._uses[loop] = use
        return use

    async def send(self, request: Any, **kwargs: Any) -> Any:
        """Send a request with the transport of this loop."""
        use = self._use()
        use.requests += 1
        try:
            return await use.transport.send(request, **kwargs)
        finally:
            use.requests -= 1

    async def open(self) -> None:
        """Begin to use the client in this loop."""
        use = self._use()
        use.users += 1
        await use.transport.open()

    async def close(self) -> None:
        """End one use of the client in this loop."""
        loop = asyncio.get_running_loop()
        use = self._uses.get(loop)
        if use is None:
            return
        use.users = max(0, use.users - 1)
        if not use.users and not use.requests:
            with self._lock:
                self._uses.pop(loop, None)
            await use.transport.close()

    async def __aenter__(self) -> PerLoopTransport:
        await self.open()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.close()
