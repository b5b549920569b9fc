"""Opens connections: look up the name, connect, go through the proxy, start TLS. If this fails, no request was sent."""

from __future__ import annotations

import socket
import ssl
import time
from typing import Any, cast

from .line import Limits, Line
from .lookup import LOOKUPS
from .proxies import Proxy, ProxyError

# The maximum length of a line in a proxy's response, and the maximum number of lines.
_LONGEST_LINE = 65_536
_MOST_LINES = 100


def dial(host: str, port: int, context: ssl.SSLContext | None, proxy: Proxy | None, limits: Limits) -> Line:
    """Connect to a host.

    :param context: the TLS settings; None for a connection without TLS.
    :param proxy: the proxy, if any.
    :raises OSError: when the connection fails.
    """
    if proxy is None:
        sock: Any = _connected(host, port, limits)
    elif proxy.is_socks:
        sock = _through_socks(host, port, proxy, limits)
    else:
        sock = _connected(proxy.host, proxy.port, limits)
        try:
            if proxy.scheme == "https":
                sock = _secured(sock, context or ssl.create_default_context(), proxy.host, limits)
            _tunnel(sock, host, port, proxy, limits)
        except BaseException:
            sock.close()
            raise
    return Line(sock if context is None else _secured(sock, context, host, limits))


def _connected(host: str, port: int, limits: Limits) -> socket.socket:
    """Return a socket that is connected to the first address of the host that accepts the connection."""
    failure: OSError | None = None
    for family, kind, protocol, _, address in LOOKUPS.find(host, port, limits.end):
        try:
            patience = limits.patience(limits.connect)
            sock = socket.socket(family, kind, protocol)
        except OSError as error:
            failure = error
            continue
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.settimeout(patience)
            sock.connect(address)
            return sock
        except OSError as error:
            failure = error
            sock.close()
        except BaseException:
            sock.close()
            raise
    try:
        raise failure or OSError("the host has no address")
    finally:
        failure = None  # it would keep this frame alive through its traceback


def _secured(sock: Any, context: ssl.SSLContext, host: str, limits: Limits) -> Any:
    """Start TLS on a socket. The socket is closed if that fails."""
    try:
        if isinstance(sock, ssl.SSLSocket):
            from urllib3.util.ssltransport import SSLTransport

            handshake = Limits(None, limits.connect, limits.end)
            line = Line(sock)
            line.expect(handshake, bounded=False)
            return SSLTransport(cast(Any, _WithinTls(line)), context, server_hostname=host)
        sock.settimeout(limits.patience(limits.connect))
        return context.wrap_socket(sock, server_hostname=host)
    except BaseException:
        sock.close()
        raise


class _WithinTls:
    """The outer connection of TLS in TLS, with the methods of a socket that urllib3's ``SSLTransport`` calls."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._read: float | None = None
        self.sendall, self.recv, self.fileno = line.sendall, line.recv, line.fileno
        self.close, self.shutdown = line.end, line.shutdown

    def settimeout(self, value: float | None) -> None:
        """Set how long one operation can take, which may wait for many pieces of a TLS record."""
        self._read = value
        end = None if value is None else time.monotonic() + value
        self._line.expect(Limits(None, value, end), bounded=False)

    def gettimeout(self) -> float | None:
        """Return the timeout of each read and write."""
        return self._read


def _tunnel(sock: Any, host: str, port: int, proxy: Proxy, limits: Limits) -> None:
    """Ask an HTTP proxy to connect to the host."""
    line = Line(sock)
    line.expect(Limits(None, limits.connect, limits.end))
    authority = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    head = [f"CONNECT {authority} HTTP/1.1", f"Host: {authority}"]
    if proxy.authorization:
        head.append(f"Proxy-Authorization: {proxy.authorization}")
    line.sendall("\r\n".join([*head, "", ""]).encode("ascii"))
    with line.makefile() as reader:
        lines = [reader.readline(_LONGEST_LINE)]
        while lines[-1].strip() and len(lines) <= _MOST_LINES:
            lines.append(reader.readline(_LONGEST_LINE))
    version, _, status = lines[0].decode("latin-1").strip().partition(" ")
    if not version.startswith("HTTP/"):
        raise OSError("Tunnel connection failed: the proxy does not answer in HTTP")
    if status.partition(" ")[0] != "200":
        raise OSError(f"Tunnel connection failed: {status}")


def _through_socks(host: str, port: int, proxy: Proxy, limits: Limits) -> socket.socket:
    try:
        import socks  # type: ignore[import-untyped]  # optional, and without types
    except ImportError:
        raise ProxyError("proxies: a SOCKS proxy needs the package PySocks: pip install PySocks") from None

    class Socket(socks.socksocket):  # type: ignore[misc]  # without types
        """Waits for the proxy only as long as the call has time. PySocks reads its responses piece by piece."""

        def recv_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> int:
            self.settimeout(limits.patience(limits.connect))
            return cast(int, super().recv_into(buffer, nbytes, flags))

    of_socks5, has_names = proxy.scheme.startswith("socks5"), proxy.scheme in ("socks5h", "socks4a")
    kind = socks.PROXY_TYPE_SOCKS5 if of_socks5 else socks.PROXY_TYPE_SOCKS4
    # With the other versions, the name is looked up here and the proxy gets the address.
    target = host if has_names else _address_for_socks(host, port, limits, of_socks5=of_socks5)
    failure: OSError | None = None
    for family, _, _, _, address in LOOKUPS.find(proxy.host, proxy.port, limits.end):
        sock: Any = Socket(family, socket.SOCK_STREAM)
        try:
            sock.set_proxy(kind, address[0], address[1], has_names, proxy.user, proxy.password)
            sock.settimeout(limits.patience(limits.connect))
            sock.connect((target, port))
            return cast(socket.socket, sock)
        except OSError as error:
            failure = error
            sock.close()
        except BaseException:
            sock.close()
            raise
    try:
        raise failure or OSError("the proxy has no address")
    finally:
        failure = None  # it would keep this frame alive through its traceback


def _address_for_socks(host: str, port: int, limits: Limits, *, of_socks5: bool) -> str:
    """Return the first address of a host that the version of SOCKS can express: version 4 has no IPv6."""
    for family, _, _, _, address in LOOKUPS.find(host, port, limits.end):
        if of_socks5 or family == socket.AF_INET:
            return str(address[0])
    raise OSError("the host has no IPv4 address")
