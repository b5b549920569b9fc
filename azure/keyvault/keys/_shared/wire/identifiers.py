"""Vault URLs, key identifiers and origins: how they are parsed, and which are refused."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import urlsplit

from azure.core.exceptions import ServiceRequestError

# Scheme, authority, collection, name and an optional version, and nothing else.
_IDENTIFIER = re.compile(r"(https?)://([^/?#@\\\s]+)/([^/?#\\\s]+)/([^/?#\\\s]+)(?:/([^/?#\\\s]*))?/?", re.IGNORECASE)
#: Real identifiers have at most some 450 characters. Longer ones are not cached, and no answer may contain them.
MAX_IDENTIFIER = 2048
_MAX_HOST = 253  # RFC 1035 section 2.3.4, without the dot of the root
_MAX_AUTHORITY = _MAX_HOST + 7  # a dot, a colon and the port
_CREDENTIALS = r"(?i)^([a-z][a-z0-9+.-]*:)?//[^/@]*@"


class KeyVaultResourceId(NamedTuple):
    """The parts of the identifier of a key, deleted key, secret or certificate."""

    source_id: str
    vault_url: str
    collection: str
    name: str
    version: str | None


def parse_key_vault_id(source_id: str) -> KeyVaultResourceId:
    """Split the identifier of a vault object into its parts.

    :param source_id: ``https://{vault}/{collection}/{name}`` with or without ``/{version}``. A port is kept.
    :returns: its parts; ``version`` is None when the identifier has none.
    :raises ValueError: when it is not such an identifier, or its host is not ASCII or longer than 253 characters.
    """
    return _kept(source_id) if len(source_id) <= MAX_IDENTIFIER else _parsed(source_id)


def _parsed(source_id: str) -> KeyVaultResourceId:
    match = _IDENTIFIER.fullmatch(source_id)
    if match is None:
        raise ValueError(f"'{source_id}' is not a valid ID: expected https://<vault>/<collection>/<name>[/<version>]")
    scheme, authority, collection, name, version = match.groups()
    try:
        canonical_host(re.sub(r":[0-9]*$", "", authority))
    except ValueError as error:
        raise ValueError(f"'{source_id}' is not a valid ID: {error}") from None
    return KeyVaultResourceId(source_id, f"{scheme}://{authority}", collection, name, version or None)


# The identifiers of an answer are parsed twice, to check it and to make its model, so a page of them is cached.
_kept = lru_cache(maxsize=64)(_parsed)


def parse_vault_url(vault_url: str) -> str:
    """Check the URL of a vault and return it without surrounding blanks and slashes.

    :param vault_url: ``https://{host}`` with or without a port.
    :returns: the URL, to which a path can be appended.
    :raises TypeError: when it is not text.
    :raises ValueError: when it is empty, not https, or has more than scheme, host and port.
    """
    if not vault_url:
        raise ValueError("vault_url must be the URL of an Azure Key Vault, as https://<vault name>.vault.azure.net")
    if not isinstance(vault_url, str):
        raise TypeError(f"vault_url must be text, not {type(vault_url).__name__}")
    url = vault_url.strip(" /")
    defect = _defect(url)
    if defect:
        # A password in the URL must not end up in a log.
        shown = re.sub(_CREDENTIALS, r"\1//***@", vault_url)
        raise ValueError(f"vault_url {shown!r} {defect}: it must look like https://<vault name>.vault.azure.net")
    return url


def _defect(url: str) -> str | None:
    if re.search(r"[\s\\\x00-\x1f\x7f]", url):
        return "holds blanks, backslashes or control characters"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "is malformed"
    host = parts.hostname or ""
    checks = (
        (not host.isascii(), "has a host name that is not ASCII: write it in Punycode (xn--...)"),
        (len(host.rstrip(".")) > _MAX_HOST, f"has a host name of more than {_MAX_HOST} characters"),
        (not parts.scheme or not parts.netloc, "has no scheme"),
        (parts.scheme != "https", f"has the scheme {parts.scheme!r}, and only https is allowed"),
        ("@" in parts.netloc, "holds a user name or password"),
        (bool(parts.query or parts.fragment), "has a query or a fragment"),
        (bool(parts.path), f"has the path {parts.path!r}"),
        (not host or not _is_host(host), "has no valid host name"),
        (port == 0, "has the port 0"),
    )
    return next((text for failed, text in checks if failed), None)


def _is_host(host: str) -> bool:
    if ":" in host:  # an IPv6 literal: urlsplit has checked its brackets
        return True
    return all(re.fullmatch(r"[^\W_](?:[\w-]*[^\W_])?", label) for label in host.rstrip(".").split("."))


def canonical_host(host: str) -> str:
    """Return a host name in a form that can be compared: in lower case, without the dot of the root.

    :raises ValueError: when it is not ASCII or too long. Programs disagree about the host that a name in other letters
        means (IDNA 2003 and 2008 treat the German sharp s differently), so such names are refused.
    """
    if not host.isascii():
        raise ValueError("the host name is not ASCII: write it in Punycode (xn--...)")
    host = host.rstrip(".").lower()
    if len(host) > _MAX_HOST:
        raise ValueError(f"the host name has more than {_MAX_HOST} characters")
    return host


class Origin(NamedTuple):
    """Scheme, host and port: the place where a token or a request body may go."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


def origin_of(url: str) -> Origin:
    """Return the origin of an absolute URL. It includes the default port, so that ``host`` equals ``host:443``.

    :raises ValueError: when the URL has no scheme or host, or holds user information, backslashes, blanks
        or control characters, which parsers interpret differently.
    """
    if re.search(r"[\s\\\x00-\x1f\x7f]", url):
        raise ValueError("the URL holds blanks, backslashes or control characters")
    # urlsplit normalises hosts that are not ASCII, which takes time: they are refused before.
    authority = re.match(r"[^:/?#]*:?//([^/?#]*)", url)
    if authority is not None and (not authority[1].isascii() or len(authority[1]) > _MAX_AUTHORITY):
        raise ValueError(f"the host name is not ASCII, or has more than {_MAX_HOST} characters")
    parts = urlsplit(url)
    if not parts.scheme or not parts.hostname or "@" in parts.netloc:
        raise ValueError("the URL is not absolute, or holds a user name")
    scheme = parts.scheme.lower()
    return Origin(scheme, canonical_host(parts.hostname), parts.port or (443 if scheme == "https" else 80))


def is_same_vault(vault_url: str, other: str) -> bool:
    """Whether two URLs belong to one vault: they have the same scheme, host and port."""
    try:
        return origin_of(vault_url) == origin_of(other)
    except ValueError:
        return False


@lru_cache(maxsize=256)
def _origin_of_authority(prefix: str) -> Origin:
    return origin_of(prefix)


def secure_origin_of(url: str) -> Origin:
    """Return the origin of a URL that a token may be sent to.

    :raises ~azure.core.exceptions.ServiceRequestError: when the URL is not https.
    :raises ValueError: when the URL is malformed.
    """
    if url[:8].lower() != "https://":
        raise ServiceRequestError(f"Tokens are sent only to https URLs, and {url!r} is not one")
    # Every call asks for the same few origins, so the cache is looked up without what follows the authority.
    end = url.find("/", 8)
    return _origin_of_authority(url if end < 0 else url[:end])
