"""TLS and proxy settings: the same for both worlds, resolved once for a client."""

from __future__ import annotations

import os
import ssl
from functools import lru_cache
from typing import Any

from azure.core.exceptions import ServiceRequestError

#: Seconds to connect in, when the caller says nothing else: who does not answer by then is not there.
CONNECTION_TIMEOUT = 5

#: Where certificate authorities may be named, first come first served (requests, curl, OpenSSL twice).
_CA_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")


def tls_context(verify: Any, cert: Any, *, use_env_settings: bool) -> ssl.SSLContext:
    """Return the one context that all connections of a client use.

    :param verify: True for the usual authorities, False to trust every server, the path of a bundle or folder of
        authorities, or a ready :class:`ssl.SSLContext`.
    :param cert: the client's own certificate: a path, or a pair of paths of certificate and private key.
    :param use_env_settings: whether environment variables may name the authorities when ``verify`` is True.
    :raises ValueError: when a path leads nowhere, or to a file without certificates.
    """
    if isinstance(verify, ssl.SSLContext):
        context = verify
    elif verify is False:
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    else:
        path = _from_environment(use_env_settings) if verify is True or verify is None else os.fspath(verify)
        # A context with a client's certificate belongs to that client alone.
        context = _trusting(path, _stamp(path)) if not cert else _trusting.__wrapped__(path, None)
    if cert:
        context.load_cert_chain(*((cert,) if isinstance(cert, (str, os.PathLike)) else cert))
    return context


@lru_cache(maxsize=16)
def context_of_call(verify: Any, cert: Any) -> ssl.SSLContext:
    """Return the context for a single call that does not want its client's."""
    return tls_context(verify, cert, use_env_settings=False)


def _from_environment(use_env_settings: bool) -> str | None:
    if not use_env_settings:
        return None
    return next((os.environ[name] for name in _CA_VARIABLES if os.environ.get(name)), None)


def _stamp(path: str | None) -> float | None:
    try:
        return None if path is None else os.stat(path).st_mtime
    except OSError as error:
        raise ValueError(f"connection_verify: there are no certificate authorities at {path!r}") from error


@lru_cache(maxsize=16)
def _trusting(path: str | None, stamp: float | None) -> ssl.SSLContext:
    """Return a context that trusts the authorities at a path, or those of the system and of certifi.

    Reading a bundle takes longer than a call, so clients with the same settings share the context.
    """
    if path is None:
        import certifi

        context = ssl.create_default_context()
        context.load_verify_locations(cafile=certifi.where())
        return context
    try:
        if os.path.isdir(path):
            return ssl.create_default_context(capath=path)
        return ssl.create_default_context(cafile=path)
    except (ssl.SSLError, OSError) as error:
        raise ValueError(f"connection_verify: {path!r} is no bundle of certificate authorities in PEM") from error


def is_certificate_error(error: BaseException | None) -> bool:
    """Whether TLS failed on the server's certificate: trying again would bring the same one."""
    seen = 0
    while error is not None and seen < 10:
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            return True
        error, seen = error.__cause__ or error.__context__, seen + 1
    return False


def explained(error: ServiceRequestError) -> ServiceRequestError:
    """Return an error of a transport, with advice when the server's certificate is what failed."""
    if not is_certificate_error(error):
        return error
    return ServiceRequestError(
        f"{error.message}\nThe certificate of the server was not accepted. If a private authority has issued it, name "
        "that authority with connection_verify=<path of its certificate in PEM>, REQUESTS_CA_BUNDLE or SSL_CERT_FILE.",
        error=error.inner_exception,
    )


def environment_proxies(vault_url: str) -> dict[str, str]:
    """Return the proxies that the environment names for a vault (``HTTPS_PROXY``, ``NO_PROXY`` and the like)."""
    from requests.utils import get_environ_proxies

    return dict(get_environ_proxies(vault_url, no_proxy=None))
