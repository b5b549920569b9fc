"""azure-core's ``requests`` transport, tuned: the environment is read once, connections are kept for every thread."""

from __future__ import annotations

from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from azure.core.exceptions import (
    AzureError,
    IncompleteReadError,
    ServiceRequestError,
    ServiceResponseError,
    ServiceResponseTimeoutError,
)
from azure.core.pipeline.transport import RequestsTransport
from requests.adapters import HTTPAdapter
from urllib3.exceptions import ConnectTimeoutError, ProtocolError, ReadTimeoutError, SSLError
from urllib3.util import Retry

from ..fork import ForkLock, renew_after_fork
from .answer_body import IDENTITY, check_encoding, check_size, stripped
from .tls import AS_CLIENT, CONNECTION_TIMEOUT, TlsSettings, explained, is_certificate_error

# One connection for each of this many threads is kept open; more threads work, but connect anew.
_POOL_SIZE = 100
# Answers of the service have a few kilobytes.
_CHUNK = 65_536


class _VaultAdapter(HTTPAdapter):
    """Connects with one TLS context, made once, and leaves retries to the pipeline."""

    def __init__(self, tls: TlsSettings) -> None:
        self._tls = tls
        super().__init__(
            pool_connections=4,
            pool_maxsize=_POOL_SIZE,
            max_retries=Retry(total=False, redirect=False, raise_on_status=False),
        )

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs, ssl_context=self._tls.context)

    def proxy_manager_for(self, proxy: Any, **kwargs: Any) -> Any:
        return super().proxy_manager_for(proxy, **kwargs, ssl_context=self._tls.context)

    def build_connection_pool_key_attributes(self, request: Any, verify: Any, cert: Any = None) -> Any:
        """Let a context say what is verified: the client's, or one of its own when a single call wants another.

        Without that, urllib3 would change the client's context to suit the call.
        """
        host, _ = super().build_connection_pool_key_attributes(request, True, None)
        context = self._tls.for_call(verify, cert)
        hostname = None if context.check_hostname else False
        return host, {"cert_reqs": context.verify_mode.name, "ssl_context": context, "assert_hostname": hostname}

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Add no authorities to a context that has its own."""

    def send(self, request: Any, stream: bool = False, *args: Any, **kwargs: Any) -> requests.Response:
        """Send a request, and read the answer unless it is to be streamed; a 401, which is dropped for another, always.

        :raises ~azure.core.exceptions.ServiceResponseError: when the connection was lost before the whole answer was
            there: the service may have processed the request.
        :raises ~azure.core.exceptions.DecodeError: when the answer is none of the service's: too long or encoded.
        """
        try:
            response = super().send(request, stream, *args, **kwargs)
        except requests.exceptions.ProxyError as error:
            cause = getattr(error.args[0], "original_error", error)
            if _never_left(cause):
                raise
            # urllib3 blames the proxy for a connection that ended after the request was sent. Without a proxy it says:
            raise requests.exceptions.ConnectionError(ProtocolError("Connection aborted.", cause)) from None
        except requests.exceptions.SSLError as error:
            if is_certificate_error(error):
                raise
            # TLS may have failed after the request was sent.
            raise stripped(ServiceResponseError(error, error=error)) from error
        if not stream or response.status_code == 401:
            try:
                response._content = _body(response)
            except BaseException:
                response.close()
                raise
        return response


def _never_left(cause: Exception) -> bool:
    """Whether what urllib3 calls an error of the proxy came before the request was sent.

    A proxy was not found or not reached (kinds of ``ConnectTimeoutError``), did not manage a handshake, or refused the
    tunnel. A connection that was lost may have been lost later.
    """
    unreached = isinstance(cause, (ConnectTimeoutError, ReadTimeoutError, SSLError))
    return unreached or str(cause).startswith("Tunnel connection failed")


def _body(response: requests.Response) -> bytes:
    check_encoding(response.headers, response.status_code)
    body = bytearray()
    try:
        for chunk in response.iter_content(_CHUNK):
            body += chunk
            check_size(len(body), response.headers, response.status_code)
    except requests.exceptions.ChunkedEncodingError as error:
        raise stripped(IncompleteReadError(error, error=error)) from error
    except requests.exceptions.ConnectionError as error:
        late = error.args and isinstance(error.args[0], ReadTimeoutError)
        kind = ServiceResponseTimeoutError if late else ServiceResponseError
        raise stripped(kind(error, error=error)) from error
    return bytes(body)


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
        self.session: requests.Session | None
        self._tls = TlsSettings(connection_verify, connection_cert, use_env_settings=use_env_settings)
        # What the context decides, and what the environment says, are not looked up again for every request.
        super().__init__(
            use_env_settings=False,
            **{"connection_timeout": CONNECTION_TIMEOUT, **kwargs, "connection_verify": AS_CLIENT},
        )
        self._opening = ForkLock()
        renew_after_fork(self)

    def open(self) -> None:
        """Open the session, once for all threads: azure-core shows it to the others before it is set up."""
        if self.session is None or not self._has_been_opened:
            with self._opening:
                super().open()

    def _init_session(self, session: requests.Session) -> None:
        session.trust_env = False
        session.mount("https://", _VaultAdapter(self._tls))
        session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))  # the service has none
        # Redirects are the pipeline's business. requests would prepare the next request, whatever the location says.
        session.get_redirect_target = lambda resp: None  # type: ignore[method-assign]

    def send(self, request: Any, **kwargs: Any) -> Any:
        """Send a request.

        :raises ~azure.core.exceptions.ServiceRequestError: when it was not sent.
        :raises ~azure.core.exceptions.ServiceResponseError: when nobody knows whether the service has processed it.
        """
        request.headers.setdefault(*IDENTITY)
        try:
            return super().send(request, **kwargs)
        except ServiceRequestError as error:
            raise stripped(explained(stripped(error))) from error.inner_exception
        except AzureError as error:
            raise stripped(error) from error.inner_exception

    def renew(self) -> None:
        """Connect anew in a child process: the connections are the parent's."""
        if self.session is not None and self._session_owner:
            self.session, self._has_been_opened = None, False
