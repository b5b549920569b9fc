"""The names under which an emulator is reached, and the URLs that follow from them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

#: The Azure region that an emulator says it is in.
REGION = "local"


@dataclass(frozen=True, slots=True)
class Origin:
    """A scheme, host and port as clients write them."""

    host: str
    port: int

    @property
    def url(self) -> str:
        """The URL without a trailing slash; the default port is left out."""
        return f"https://{self.host}" if self.port == 443 else f"https://{self.host}:{self.port}"

    @property
    def explicit(self) -> str:
        """The URL with its port, as the service writes it in paging links."""
        return f"https://{self.host}:{self.port}"

    @property
    def vault_name(self) -> str:
        """The name of the vault in error texts."""
        return self.host.partition(".")[0]


class Origins:
    """The origins of an emulator, by the value of ``Host``. An unknown one is answered as localhost."""

    def __init__(self, port: int, hostnames: Iterable[str] = ()) -> None:
        self.default = Origin("localhost", port)
        known = [self.default, Origin("127.0.0.1", port), Origin("[::1]", port)]
        known += [Origin(name.lower(), port) for name in hostnames]
        self._known = {spelling: origin for origin in known for spelling in (origin.url[8:], origin.explicit[8:])}
        self.urls = frozenset(origin.url for origin in known)

    def of(self, host: str) -> Origin:
        """Return the origin that a ``Host`` header names."""
        return self._known.get(host) or self._known.get(host.lower(), self.default)
