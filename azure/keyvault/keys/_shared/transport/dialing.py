"""Opens connections: look up the name, connect, go through the proxy, start TLS. If this fails, no request was sent."""

from __future__ import annotations

import socket
import ssl
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
        """Set the timeout of each read and write."""
        self._read = value
        self._line.expect(Limits(None, value, None), bounded=False)

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

    remote_names = proxy.scheme in ("socks5h", "socks4a")
    sock: socket.socket = socks.create_connection(
        (host, port),
        timeout=cast(Any, limits.patience(limits.connect)),  # typed as an int by some
        proxy_type=socks.PROXY_TYPE_SOCKS5 if proxy.scheme.startswith("socks5") else socks.PROXY_TYPE_SOCKS4,
        proxy_addr=proxy.host,
        proxy_port=proxy.port,
        proxy_username=proxy.user,
        proxy_password=proxy.password,
        proxy_rdns=remote_names,
    )
    return sock
