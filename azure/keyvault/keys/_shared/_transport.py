"""azure-core's ``requests`` transport, tuned: the environment is read once, connections are kept for every thread."""

from __future__ import annotations

import ssl
from typing import Any

import requests
from azure.core.pipeline.transport import RequestsTransport
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from ._tls import tls_context

# One connection for each of this many threads is kept open; more threads work, but connect anew.
_POOL_SIZE = 100


class _VaultAdapter(HTTPAdapter):
    """Connects with one TLS context, made once, and leaves retries to the pipeline."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        super().__init__(
            pool_connections=4,
            pool_maxsize=_POOL_SIZE,
            max_retries=Retry(total=False, redirect=False, raise_on_status=False),
        )

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs, ssl_context=self._context)

    def proxy_manager_for(self, proxy: Any, **kwargs: Any) -> Any:
        return super().proxy_manager_for(proxy, **kwargs, ssl_context=self._context)

    def build_connection_pool_key_attributes(self, request: Any, verify: Any, cert: Any = None) -> Any:
        """Let the context say what is verified, unless a single call wants something else."""
        host, pool = super().build_connection_pool_key_attributes(request, verify, cert)
        if verify is not True:
            return host, pool
        context = self._context
        hostname = None if context.check_hostname else False
        return host, {"cert_reqs": context.verify_mode.name, "ssl_context": context, "assert_hostname": hostname}

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Add no authorities to a context that has its own."""
        if verify is not True:
            super().cert_verify(conn, url, verify, cert)  # type: ignore[no-untyped-call]


class VaultTransport(RequestsTransport):  # type: ignore[misc]  # azure-core exports it lazily
    """The transport of the synchronous clients.

    Takes the keywords of azure-core's ``RequestsTransport``; ``connection_verify`` may be an
    :class:`ssl.SSLContext` as well.
    """

    def __init__(
        self,
        *,
        connection_verify: Any = True,
        connection_cert: Any = None,
        use_env_settings: bool = True,
        **kwargs: Any,
    ) -> None:
        self._context = tls_context(connection_verify, connection_cert, use_env_settings=use_env_settings)
        # What the context decides, and what the environment says, are not looked up again for every request.
        super().__init__(use_env_settings=False, **kwargs)

    def _init_session(self, session: requests.Session) -> None:
        session.trust_env = False
        session.mount("https://", _VaultAdapter(self._context))
