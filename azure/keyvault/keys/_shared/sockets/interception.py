"""Support for test tools that replace urllib3's connections, such as vcrpy.

If one is active, requests go through urllib3's connection pools.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import Any

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, Timeout

from .line import Limits


def is_intercepted() -> bool:
    """Whether a tool has replaced urllib3's connections."""
    return (
        HTTPSConnectionPool.ConnectionCls.__module__ != "urllib3.connection"
        or HTTPConnectionPool.urlopen.__module__ != "urllib3.connectionpool"
    )


class InterceptedConnection:
    """One request through urllib3's connection pool, where such tools intercept it."""

    sock = None

    def __init__(self, host: str, port: int, context: ssl.SSLContext | None, limits: Limits) -> None:
        options: dict[str, Any] = {"timeout": Timeout(connect=limits.connect, read=limits.read), "retries": False}
        if context is None:
            self._pool = HTTPConnectionPool(host, port, **options)
        else:
            options["assert_hostname"] = None if context.check_hostname else False
            self._pool = HTTPSConnectionPool(
                host, port, ssl_context=context, cert_reqs=context.verify_mode.name, **options
            )
        self._answer: Any = None

    def expect(self, limits: Limits, *, bounded: bool = True) -> None:
        """Do nothing: urllib3 applies the limits."""

    def request(self, method: str, target: str, body: bytes | None, headers: Mapping[str, str], **options: Any) -> None:
        """Send a request."""
        self._answer = self._pool.urlopen(
            method, target, body=body, headers=headers, redirect=False, assert_same_host=False, **options
        )

    def getresponse(self) -> Any:
        """Return the response."""
        return self._answer

    def end(self) -> None:
        """Close the connection."""
        self._pool.close()
