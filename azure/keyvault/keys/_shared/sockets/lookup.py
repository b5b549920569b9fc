"""Looks up host names. A look-up cannot be interrupted, so calls with a time limit do it in a few threads."""

from __future__ import annotations

import socket
import threading
import time
from concurrent.futures import Future
from functools import partial
from typing import Any

from ..fork import renew_after_fork
from ..workers import OutOfTime, Workers, outcome_within

#: What :func:`socket.getaddrinfo` returns: family, type, protocol, canonical name, address.
Found = list[tuple[Any, ...]]

_THREADS = 8


class Lookups:
    """Looks up names. Calls that need the same name at the same time share one look-up."""

    def __init__(self) -> None:
        self._workers = Workers(_THREADS, "keyvault-lookup")
        self.renew()
        renew_after_fork(self)

    def renew(self) -> None:
        """Reset in a child process."""
        self._lock = threading.Lock()
        self._under_way: dict[tuple[str, int, int], Future[Found]] = {}

    def find(self, host: str, port: int, end: float | None) -> Found:
        """Return the addresses of a host.

        :param end: when the call must end, on the clock of :func:`time.monotonic`.
        :raises TimeoutError: when it takes longer.
        :raises OSError: when the host has none.
        """
        if end is None:
            return _addresses(host, port)
        try:
            return outcome_within(max(0.0, end - time.monotonic()), self.begin(host, port))
        except OutOfTime:
            raise TimeoutError(f"The look-up of {host} did not finish in time") from None

    def begin(self, host: str, port: int, family: int = 0) -> Future[Found]:
        """Start to look up a host, or join a look-up that is already running."""
        key = (host, port, family)
        with self._lock:
            job = self._under_way.get(key)
            if job is not None and not job.done():
                return job
            job = self._under_way[key] = self._workers.submit(partial(_addresses, host, port, family))
        job.add_done_callback(lambda ended: self._forget(key, ended))
        return job

    def _forget(self, key: tuple[str, int, int], job: Future[Found]) -> None:
        with self._lock:
            if self._under_way.get(key) is job:
                del self._under_way[key]


def _addresses(host: str, port: int, family: int = 0) -> Found:
    return socket.getaddrinfo(host, port, family, socket.SOCK_STREAM)


LOOKUPS = Lookups()
