"""Proxy settings, checked when a client is created. No message contains a password."""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

_PORTS = {"http": 80, "https": 443, "socks4": 1080, "socks4a": 1080, "socks5": 1080, "socks5h": 1080}

# A host name or address. Anything else is a mistake, and may be part of a password.
_HOST = r"[A-Za-z0-9_.\-]{1,253}|\[[0-9A-Fa-f:.]+(?:%[A-Za-z0-9_.\-]+)?\]"


class ProxyError(ValueError):
    """A proxy cannot be used. The message contains nothing that may be a password."""


class Proxy(NamedTuple):
    """The address of a proxy, and the user name and password for it."""

    scheme: str
    host: str
    port: int
    user: str | None = None
    password: str | None = None

    def __repr__(self) -> str:
        return f"Proxy({self.scheme}://{self.host}:{self.port})"

    @property
    def is_socks(self) -> bool:
        """Whether it is a SOCKS proxy."""
        return self.scheme.startswith("socks")

    @property
    def authorization(self) -> str | None:
        """The value of ``Proxy-Authorization``."""
        if self.user is None:
            return None
        pair = f"{self.user}:{self.password or ''}"
        try:
            encoded = pair.encode("latin-1")
        except UnicodeEncodeError:
            encoded = pair.encode("utf-8")
        return "Basic " + base64.b64encode(encoded).decode("ascii")


@lru_cache(maxsize=16)
def parsed_proxy(url: str) -> Proxy:
    """Parse the URL of a proxy. The default scheme is ``http``.

    :raises ValueError: when it is not valid. The message contains nothing that may be a password.
    """
    defect = _defect(url)
    if defect:
        raise ProxyError(
            f"proxies: {defect}. A proxy is given as 'http://host:port' or 'http://user:password@host:port'"
        )
    parts = urlsplit(url if "://" in url else "http://" + url)
    scheme = parts.scheme.lower()
    host = (parts.hostname or "").strip("[]")
    user = None if parts.username is None else unquote(parts.username)
    password = None if parts.password is None else unquote(parts.password)
    return Proxy(scheme, host, parts.port or _PORTS[scheme], user, password)


def _defect(url: Any) -> str | None:
    if not isinstance(url, str):
        return f"a proxy must be text, not {type(url).__name__}"
    scheme, found, rest = url.partition("://")
    if found and scheme.lower() not in _PORTS:
        return "a proxy has a scheme that is not supported"
    authority = re.split(r"[/?#\\]", rest if found else url, maxsplit=1)[0].rpartition("@")[2]
    host, colon, port = authority.rpartition(":") if not authority.endswith("]") else (authority, "", "")
    if not colon:
        host, port = authority, ""
    if port and not (port.isascii() and port.isdecimal() and len(port) <= 5 and 0 < int(port) < 65536):
        return "the port of a proxy must be a number from 1 to 65535"
    if not re.fullmatch(_HOST, host):
        return "a proxy has no valid host"
    try:
        urlsplit(url if found else "http://" + url)
    except ValueError:
        return "a proxy is not a valid URL"
    user_information = (rest if found else url).rpartition("@")[0]
    if re.search(r"[/?#\\\s]|[^\x20-\x7e]", user_information):
        return "the user name or password of a proxy has characters that must be percent-encoded"
    return None


def check_proxies(proxies: Any) -> None:
    """Reject proxies that cannot be used.

    :raises ValueError: when a URL is not valid.
    :raises TypeError: when it is not a mapping.
    """
    if proxies is None:
        return
    if not isinstance(proxies, Mapping):
        raise TypeError(f"proxies must be a mapping of schemes to URLs, not {type(proxies).__name__}")
    for url in proxies.values():
        if url:
            parsed_proxy(url)


def proxy_for(url: str, proxies: Mapping[str, Any] | None) -> Proxy | None:
    """Return the proxy for a URL: the one for its host, its scheme, or everything."""
    if not proxies:
        return None
    scheme, _, rest = url.partition("://")
    host = re.split(r"[/?#]", rest, maxsplit=1)[0].rpartition("@")[2].rpartition(":")[0] or rest
    for key in (f"{scheme}://{host}", scheme, f"all://{host}", "all"):
        if key in proxies:
            return parsed_proxy(proxies[key]) if proxies[key] else None
    return None


def environment_proxies(vault_url: str) -> dict[str, str]:
    """Return the proxies for a vault from the environment (``HTTPS_PROXY``, ``NO_PROXY`` and so on).

    :raises ValueError: when the URL of the proxy is not valid.
    """
    from urllib.request import getproxies, proxy_bypass

    proxies = getproxies()
    proxy = proxies.get("https") or proxies.get("all")
    if not proxy:
        return {}
    parts = urlsplit(vault_url)
    host, port = parts.hostname or "", parts.port or 443
    if _is_excepted(host, port) or proxy_bypass(host):
        return {}
    try:
        parsed_proxy(proxy)
    except ValueError as error:
        raise ProxyError(f"HTTPS_PROXY or ALL_PROXY of the environment cannot be used. {error}") from None
    return {"https": proxy}


def _is_excepted(host: str, port: int) -> bool:
    """Whether ``NO_PROXY`` lists a host: its name or a parent domain, with or without a port, or its network."""
    value = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    names = [name.strip().lower() for name in value.split(",") if name.strip()]
    return any(_matches(name, host.lower(), port) for name in names)


def _matches(name: str, host: str, port: int) -> bool:
    if name == "*":
        return True
    import ipaddress  # here, because few programs have a NO_PROXY

    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(name.strip("[]"), strict=False)
    except ValueError:  # a name, here or there
        pass
    bare = name.lstrip("*").lstrip(".")
    return any(target == bare or target.endswith("." + bare) for target in (host, f"{host}:{port}"))
