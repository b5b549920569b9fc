"""TLS and proxy settings: the same for sync and async, resolved once per client."""

from __future__ import annotations

import os
import ssl
import warnings
from functools import lru_cache
from typing import Any

from azure.core.exceptions import ServiceRequestError

#: Seconds to connect, by default: a server that does not answer by then is not there.
CONNECTION_TIMEOUT = 5
#: Seconds to wait for the next piece of an answer, when the caller says nothing else: azure-core's default.
READ_TIMEOUT = 300

#: Where certificate authorities may be named, first come first served (requests, curl, OpenSSL twice).
_CA_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")


#: The ``connection_verify`` of calls that have none of their own. (azure-core's default is True, which a call may
#: want although its client has something else.)
AS_CLIENT: Any = "as the client"

#: So many contexts of calls with settings of their own are kept for each client.
_MOST_KEPT = 16

#: Identifies a file: a replaced file differs although its path is the same.
Stamp = tuple[int, ...]


def tls_context(verify: Any, cert: Any, *, use_env_settings: bool) -> ssl.SSLContext:
    """Return a context for connections.

    :param verify: True for the usual authorities, False to trust every server, the path of a bundle or folder of
        authorities, or a ready :class:`ssl.SSLContext`.
    :param cert: the client's own certificate: a path, or a pair of paths of certificate and private key.
    :param use_env_settings: whether environment variables may name the authorities when ``verify`` is True.
    :raises ValueError: when a path leads nowhere, or to a file without certificates.
    """
    return _Settings(verify, cert, use_env_settings).context()


class TlsSettings:
    """The contexts of one client: its own, and those of single calls that want another.

    Files are looked at for every request, which takes a microsecond: a context counts for as long as they are what they
    were. The parameters are those of :func:`tls_context`.
    """

    def __init__(self, verify: Any, cert: Any, *, use_env_settings: bool) -> None:
        self._verify = verify
        self._use_env_settings = use_env_settings
        self._own = _Settings(verify, cert, use_env_settings)
        self._own.context()  # reports mistakes early
        self._of_calls: dict[Any, _Settings] = {}

    @property
    def context(self) -> ssl.SSLContext:
        """The client's own context."""
        return self._own.context()

    def for_call(self, verify: Any, cert: Any) -> ssl.SSLContext:
        """Return the context of a call.

        :param verify: its own ``connection_verify``, or ``AS_CLIENT``.
        :param cert: its own ``connection_cert``, if any.
        :raises ValueError: when a path leads nowhere, or a certificate is to be added to a context of the caller's.
        """
        own = verify is AS_CLIENT
        if own and not cert:
            return self._own.context()
        verify = self._verify if own else verify
        if cert and isinstance(verify, ssl.SSLContext):
            raise ValueError("connection_cert: load the certificate into the SSLContext given as connection_verify")
        cert = tuple(cert) if isinstance(cert, list) else cert
        # A path of a call is all that it trusts; True means what it means to a client.
        use_env_settings = self._use_env_settings and (own or verify is True)
        key = (verify, cert, use_env_settings)
        settings = self._of_calls.get(key)
        if settings is None:
            while len(self._of_calls) >= _MOST_KEPT:
                self._of_calls.pop(next(iter(self._of_calls)), None)
            settings = self._of_calls[key] = _Settings(verify, cert, use_env_settings)
        return settings.context()


class _Settings:
    """What a context is made of, and the one that was made last."""

    def __init__(self, verify: Any, cert: Any, use_env_settings: bool) -> None:
        self._verify = verify
        self._source: str = ""
        self._paths: tuple[str, ...] = ()
        if not isinstance(verify, ssl.SSLContext) and verify is not False:
            self._source, self._paths = (
                _from_environment(use_env_settings) if verify in (True, None) else _from_argument(verify)
            )
        self._cert: tuple[Any, ...] = ()
        if cert:
            self._cert = (cert,) if isinstance(cert, (str, os.PathLike)) else tuple(cert)
        self._is_fixed = not self._paths and not self._cert
        self._made: tuple[tuple[Stamp, ...], ssl.SSLContext] | None = None

    def context(self) -> ssl.SSLContext:
        """Return the context for what the files are now."""
        made = self._made
        if made is not None and self._is_fixed:
            return made[1]
        # A password may follow the paths of certificate and private key.
        own = [path for path in self._cert[:2] if path is not None]
        stamps = tuple(
            [_stamp(self._source, path) for path in self._paths] + [_stamp("connection_cert", path) for path in own]
        )
        if made is None or made[0] != stamps:
            made = self._made = (stamps, self._make(stamps[: len(self._paths)]))
        return made[1]

    def _make(self, stamps: tuple[Stamp, ...]) -> ssl.SSLContext:
        if isinstance(self._verify, ssl.SSLContext):
            context = self._verify
        elif self._verify is False:
            context = _trusting_everyone()
        else:
            # A context with a client's certificate belongs to that client alone.
            trusting = _trusting.__wrapped__ if self._cert else _trusting
            context = trusting(self._source, self._paths, stamps)
        if self._cert:
            try:
                context.load_cert_chain(*self._cert)
            except (ssl.SSLError, OSError) as error:
                raise ValueError("connection_cert: there is no certificate with its private key in PEM") from error
        return context


def _from_argument(verify: Any) -> tuple[str, tuple[str, ...]]:
    return "connection_verify", (os.fspath(verify),)


def _from_environment(use_env_settings: bool) -> tuple[str, tuple[str, ...]]:
    """Return which variable names the authorities, and where they are; no place means the usual ones."""
    found = [name for name in _CA_VARIABLES if use_env_settings and os.environ.get(name)]
    if not found:
        return "", ()
    value = os.environ[found[0]]
    if found[0] != "SSL_CERT_DIR":
        return found[0], (value,)
    folders = value.split(os.pathsep)
    return found[0], tuple(folder for folder in folders if os.path.isdir(folder)) or (value,)


def _stamp(source: str, path: Any) -> Stamp:
    try:
        found = os.stat(path)
    except OSError as error:
        what = "no certificate" if source == "connection_cert" else "there are no certificate authorities"
        raise ValueError(f"{source}: {what} at {os.fspath(path)!r}") from error
    return found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino, found.st_dev


def _trusting_everyone() -> ssl.SSLContext:
    """Return a context that verifies nothing, with urllib3's warning, which programs know how to turn off."""
    from urllib3.exceptions import InsecureRequestWarning

    warnings.warn(
        "Unverified HTTPS requests: with connection_verify=False, any server can pretend to be the vault, and gets the "
        "tokens and the data that are meant for it. If a private authority has issued the vault's certificate, name "
        "that authority: connection_verify=<path of its certificate in PEM>.",
        InsecureRequestWarning,
        stacklevel=2,
    )
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


@lru_cache(maxsize=16)
def _trusting(source: str, paths: tuple[str, ...], stamps: tuple[Stamp, ...]) -> ssl.SSLContext:
    """Return a context that trusts the authorities at some places, or those of the system and of certifi.

    Reading a bundle takes longer than a call, so clients with the same settings share the context.
    """
    if not paths:
        import certifi

        context = ssl.create_default_context()
        context.load_verify_locations(cafile=certifi.where())
        return context
    places = [{"capath" if os.path.isdir(path) else "cafile": path} for path in paths]
    try:
        context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, **places[0])
        for place in places[1:]:
            context.load_verify_locations(**place)
    except (ssl.SSLError, OSError) as error:
        where = os.pathsep.join(paths)
        raise ValueError(f"{source}: {where!r} is no bundle of certificate authorities in PEM") from error
    return context


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
