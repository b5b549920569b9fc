"""The sockets on which a vault listens: the loopback interface and, on request, one more address."""

from __future__ import annotations

import errno
import ipaddress
import socket

_NO_IPV6 = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)
_MOST_TRIES = 20


def listening_sockets(port: int, address: str | None = None) -> list[socket.socket]:
    """Return listening sockets with the same port on 127.0.0.1 and, if available, on ::1.

    A client that connects to ``localhost`` may try either address, so both must belong to the emulator: a port only
    counts as free if it is free on both.

    :param port: the port; 0 for a free one.
    :param address: an additional IP address to listen on; an unspecified one means all of its family.
    :raises OSError: if the port is taken, or the address does not belong to this machine.
    """
    for _ in range(_MOST_TRIES if port == 0 else 0):
        try:
            return _all_listening(port, _addresses(address))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
    return _all_listening(port, _addresses(address))


def _addresses(further: str | None) -> list[str]:
    """Return the addresses to listen on. An unspecified address covers the others of its family."""
    addresses = ["127.0.0.1", "::1"]
    if further is not None:
        given = ipaddress.ip_address(further)
        if given.is_unspecified:
            addresses = [one for one in addresses if ipaddress.ip_address(one).version != given.version]
        addresses = [*addresses, str(given)] if str(given) not in addresses else addresses
    return sorted(addresses, key=lambda one: ":" in one)


def _all_listening(port: int, addresses: list[str]) -> list[socket.socket]:
    sockets: list[socket.socket] = []
    try:
        for address in addresses:
            try:
                sockets.append(_listening(address, sockets[0].getsockname()[1] if sockets else port))
            except OSError as error:
                if address != "::1" or error.errno not in _NO_IPV6:
                    raise
    except OSError:
        for listening in sockets:
            listening.close()
        raise
    return sockets


def _listening(address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        _bind(listening, address, port)
        listening.listen(1024)
        listening.setblocking(False)
    except OSError:
        listening.close()
        raise
    return listening


def _bind(listening: socket.socket, address: str, port: int) -> None:
    try:
        listening.bind((address, port))
    except OSError as error:
        raise OSError(error.errno, f"cannot listen on port {port} of {address}: {error.strerror}") from error
