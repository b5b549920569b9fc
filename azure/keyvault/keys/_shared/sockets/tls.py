"""TLS settings, the same for sync and async."""

from __future__ import annotations

import os
import ssl
import warnings
from functools import lru_cache
from typing import Any

from azure.core.exceptions import ServiceRequestError

#: Seconds to connect, by default.
CONNECTION_TIMEOUT = 5
#: Seconds to wait for the next bytes of a response, by default: azure-core's default.
READ_TIMEOUT = 300

#: Variables that can name certificate authorities. The first one that is set counts (requests, curl, OpenSSL twice).
_CA_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")


#: The ``connection_verify`` of calls that do not set their own. It cannot be azure-core's default, True, which a call
#: may set for a client that has another setting.
AS_CLIENT: Any = "as the client"

#: How many contexts for calls with their own settings are kept for each client.
_MOST_KEPT = 16

#: Identifies the content of a path: it changes when the file is replaced.
Stamp = tuple[int, ...]


def tls_context(verify: Any, cert: Any, *, use_env_settings: bool) -> ssl.SSLContext:
    """Return an SSL context.

    :param verify: True for the default authorities, False to verify nothing, the path of a bundle or folder of
        authorities, or an :class:`ssl.SSLContext`.
    :param cert: the client certificate: a path, or a pair of paths of certificate and private key.
    :param use_env_settings: whether environment variables can name the authorities when ``verify`` is True.
    :raises ValueError: when a path does not exist, or the file contains no certificates.
    """
    return _Settings(verify, cert, use_env_settings).context()


class TlsSettings:
    """The contexts of one client: its own, and those for calls with other settings.

    Every request checks whether the files have changed, which takes a microsecond. If they have, a new context is
    created. The parameters are those of :func:`tls_context`.
    """

    def __init__(self, verify: Any, cert: Any, *, use_env_settings: bool) -> None:
        self._verify = verify
        self._use_env_settings = use_env_settings
        self._own = _Settings(verify, cert, use_env_settings)
        self._own.context()  # raises errors early
        self._of_calls: dict[Any, _Settings] = {}

    @property
    def context(self) -> ssl.SSLContext:
        """The client's own context."""
        return self._own.context()

    def for_call(self, verify: Any, cert: Any) -> ssl.SSLContext:
        """Return the context for a call.

        :param verify: its own ``connection_verify``, or ``AS_CLIENT``.
        :param cert: its own ``connection_cert``, if any.
        :raises ValueError: when a path does not exist, or a certificate is given along with an ``SSLContext``.
        """
        own = verify is AS_CLIENT
        if own and not cert:
            return self._own.context()
        verify = self._verify if own else verify
        if cert and isinstance(verify, ssl.SSLContext):
            raise ValueError("connection_cert: load the certificate into the SSLContext given as connection_verify")
        cert = tuple(cert) if isinstance(cert, list) else cert
        # If a call names a path, it trusts nothing else. True means the same as for a client.
        use_env_settings = self._use_env_settings and (own or verify is True)
        key = (verify, cert, use_env_settings)
        settings = self._of_calls.get(key)
        if settings is None:
            while len(self._of_calls) >= _MOST_KEPT:
                self._of_calls.pop(next(iter(self._of_calls)), None)
            settings = self._of_calls[key] = _Settings(verify, cert, use_env_settings)
        return settings.context()


class _Settings:
    """The settings of a context, and the last context that was created from them."""

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
        """Return the context for the current content of the files."""
        made = self._made
        if made is not None and self._is_fixed:
            return made[1]
        # The paths of certificate and private key can be followed by a password.
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
            # A context with a client certificate is not shared with other clients.
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
    """Return the variable that names the authorities, and its paths; no paths mean the default authorities."""
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
    """Return a context that verifies nothing, and issue urllib3's warning, which programs can filter."""
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
    """Return a context that trusts the authorities in some paths, or by default those of the system and certifi.

    Reading a bundle takes longer than a call, so clients with the same settings share a context.
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
        raise ValueError(f"{source}: {where!r} is not a bundle of certificate authorities in PEM") from error
    return context


def is_certificate_error(error: BaseException | None) -> bool:
    """Whether TLS failed because of the server's certificate. A retry would fail in the same way."""
    seen = 0
    while error is not None and seen < 10:
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            return True
        error, seen = error.__cause__ or error.__context__, seen + 1
    return False


def explained(error: ServiceRequestError) -> ServiceRequestError:
    """Add advice to a transport's error if the server's certificate was not accepted."""
    if not is_certificate_error(error):
        return error
    return ServiceRequestError(
        f"{error.message}\nThe certificate of the server was not accepted. If a private authority issued it, name "
        "that authority with connection_verify=<path of its certificate in PEM>, REQUESTS_CA_BUNDLE or SSL_CERT_FILE.",
        error=error.inner_exception,
    )
