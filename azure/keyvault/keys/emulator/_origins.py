"""The host names of an emulator, and the URLs that follow from them."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass

#: The region of every emulated vault.
REGION = "local"
_MOST_REMEMBERED = 1024


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme, host and port as clients write them."""

    host: str
    port: int

    @property
    def url(self) -> str:
        """The URL, without a trailing slash or a default port."""
        return f"https://{self.host}" if self.port == 443 else f"https://{self.host}:{self.port}"

    @property
    def explicit(self) -> str:
        """The URL with its port, as the service writes it in paging links."""
        return f"https://{self.host}:{self.port}"

    @property
    def resource(self) -> str:
        """The audience of tokens: the parent domain, as in the service, or the origin itself if there is none.

        For example, ``vault.azure.net`` for ``my.vault.azure.net``. Clients would not trust a single label such as
        ``localhost``.
        """
        parent = self.host.partition(".")[2]
        return self.url if "." not in parent or _is_address(self.host) else Origin(parent, self.port).url

    @property
    def vault_name(self) -> str:
        """The name of the vault in error texts."""
        return self.host.partition(".")[0]


class KnownOrigins:
    """The origins of a vault, by the value of ``Host``. An unknown host counts as the default one.

    A known host may have another port, that of a container or a tunnel in between. Responses then use that port.
    """

    def __init__(self, port: int, hostnames: Sequence[str] = (), default: str = "localhost") -> None:
        self.default = Origin(default, port)
        known = [self.default, *(Origin(host, port) for host in ("localhost", "127.0.0.1", "[::1]"))]
        known += [Origin(name.lower(), port) for name in hostnames]
        self.named = frozenset(name.lower() for name in hostnames)
        self.hosts = frozenset(origin.host for origin in known)
        self._known = {spelling: origin for origin in known for spelling in (origin.url[8:], origin.explicit[8:])}
        self.audiences = frozenset(url for origin in known for url in (origin.url, origin.resource))

    def known(self, host: str) -> Origin | None:
        """Return the origin that a ``Host`` header names, or None if it does not belong to the vault."""
        return self._mapped(host.lower())

    def of(self, host: str) -> Origin:
        """Return the origin that a ``Host`` header names, or the default one."""
        origin = self._known.get(host)
        if origin is None:
            origin = self._mapped(host.lower()) or self.default
            if len(self._known) < _MOST_REMEMBERED:
                self._known[host] = origin
        return origin

    def _mapped(self, host: str) -> Origin | None:
        """Return the origin of a known host with any port, or None."""
        name, colon, port = host.rpartition(":")
        if not colon or name.endswith(":") or host.endswith("]"):
            name, port = host, "443"
        is_port = port.isascii() and port.isdigit() and len(port) <= 5
        return Origin(name, int(port)) if is_port and name in self.hosts else None


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True
