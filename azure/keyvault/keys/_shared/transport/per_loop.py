"""A transport for clients that a whole process shares: each event loop has its own connections."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, ClassVar

from azure.core.pipeline.transport import AsyncHttpTransport

from ..fork import ForkLock, renew_after_fork
from .transport_async import AsyncVaultTransport


class _LoopUse:
    """How one event loop uses the client.

    :ivar transport: its transport.
    :ivar users: how many ``async with`` blocks of the client are open.
    :ivar requests: how many requests are running.
    """

    def __init__(self, transport: AsyncVaultTransport) -> None:
        self.transport = transport
        self.users = self.requests = 0


class PerLoopTransport(AsyncHttpTransport):  # type: ignore[type-arg]
    """Sends each request with the transport of the running event loop.

    Closing the client closes its connections in this loop, unless others in the loop still use it; the next request
    connects again. The connections of a closed loop are dropped when another loop uses the client.

    :param make: creates the transport of a loop.
    """

    #: Transports of a parent process. They are kept because deleting them would write to the parent's connections.
    _inherited: ClassVar[list[AsyncVaultTransport]] = []

    def __init__(self, make: Callable[[], AsyncVaultTransport]) -> None:
        self._make = make
        self._uses: dict[asyncio.AbstractEventLoop, _LoopUse] = {}
        self._lock = ForkLock()
        renew_after_fork(self)

    def renew(self) -> None:
        """Drop the parent's event loops and connections in a child process."""
        self._inherited.extend(use.transport for use in self._uses.values())
        self._uses = {}

    def _use(self) -> _LoopUse:
        loop = asyncio.get_running_loop()
        use = self._uses.get(loop)
        if use is None:
            transport = self._make()
            transport.is_shared = True
            use = _LoopUse(transport)
            with self._lock.current:
                for ended in [other for other in self._uses if other.is_closed()]:
                    self._uses.pop(ended).transport._drop_session()
                self._uses[loop] = use
        return use

    @property
    def connection_config(self) -> Any:
        """The time limits of the transport of this loop."""
        return self._use().transport.connection_config

    async def send(self, request: Any, **kwargs: Any) -> Any:
        """Send a request with the transport of this loop."""
        use = self._use()
        use.requests += 1
        try:
            return await use.transport.send(request, **kwargs)
        finally:
            use.requests -= 1

    async def open(self) -> None:
        """Start using the client in this loop."""
        use = self._use()
        use.users += 1
        await use.transport.open()

    async def close(self) -> None:
        """Stop using the client in this loop."""
        loop = asyncio.get_running_loop()
        use = self._uses.get(loop)
        if use is None:
            return
        use.users = max(0, use.users - 1)
        if not use.users and not use.requests:
            with self._lock.current:
                self._uses.pop(loop, None)
            await use.transport.close()

    async def __aenter__(self) -> PerLoopTransport:
        await self.open()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.close()
