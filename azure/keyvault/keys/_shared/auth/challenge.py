"""Authentication challenges: parsing, verification and the process-wide cache.

A vault answers a request without a token with 401 and a ``WWW-Authenticate`` header that names the authority and the
resource to request a token for (RFC 9110 section 11.6.1, RFC 6750 section 3). Anyone who can forge that header chooses
the token that we request, so a challenge is used only after its resource has been compared with the vault's host.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import threading
from collections.abc import Iterable
from typing import NamedTuple
from urllib.parse import urlsplit

from ..fork import renew_after_fork
from ..wire.identifiers import Origin, origin_of

# Real challenges have a few hundred characters; a claims challenge may have a few thousand.
_MAX_HEADER = 32_768
# Parameters of one challenge; the ones that matter are at most five.
_MAX_PARAMETERS = 64

# A scope or a tenant is an address or an identifier. Claims alone may be long, and are not kept.
_MAX_VALUE = 1024
# The number of vaults whose challenges are remembered; the oldest is dropped first.
_MAX_CHALLENGES = 1024

_SEPARATORS = re.compile(r"[\s,]*")
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
# The value is a quoted string, or (more liberal than RFC 9110) anything up to a blank or a comma.
_VALUE = re.compile(r'\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*))')


class ChallengeError(ValueError):
    """A challenge that cannot be read or must not be trusted."""


class UnsupportedSchemeError(ChallengeError):
    """The vault asks for an authentication scheme other than a bearer token."""


class Challenge(NamedTuple):
    """What a vault wants: a token for ``scope``, of ``tenant``, with ``claims``.

    ``scope`` is None in a claims challenge (continuous access evaluation), which adds to the vault's own.
    ``tenant`` is None where none may be named (AD FS).
    """

    scope: str | None
    tenant: str | None
    claims: str | None = None


def parse_challenge(headers: Iterable[str]) -> Challenge:
    """Read the bearer challenge from the values of ``WWW-Authenticate``.

    :param headers: the values, one for every time the header was sent.
    :raises UnsupportedSchemeError: when there are challenges, none of them for a bearer token.
    :raises ChallengeError: when there is none, or it is malformed or ambiguous.
    """
    header = ", ".join(headers)
    if len(header) > _MAX_HEADER:
        raise ChallengeError(f"the challenge is longer than {_MAX_HEADER} characters")
    challenges = _challenges(header)
    parameters = next((found for scheme, found in challenges if scheme.lower() == "bearer"), None)
    if parameters is None:
        schemes = ", ".join(scheme for scheme, _ in challenges)
        if schemes:
            raise UnsupportedSchemeError(
                f"the vault asks for the authentication scheme {schemes}, which is not supported"
            )
        raise ChallengeError("the response contains no challenge")
    authority = parameters.get("authorization") or parameters.get("authorization_uri") or ""
    scope = parameters.get("scope")
    if not scope and parameters.get("resource"):
        scope = parameters["resource"].rstrip("/") + "/.default"
    tenant = _tenant(authority)
    if max(len(scope or ""), len(tenant or "")) > _MAX_VALUE:
        raise ChallengeError(f"the challenge names a resource or a tenant of more than {_MAX_VALUE} characters")
    return Challenge(scope or None, tenant, _claims(parameters.get("claims")))


def _challenges(header: str) -> list[tuple[str, dict[str, str]]]:
    """Split a header into its challenges: a scheme and its parameters, names in lower case."""
    found: list[tuple[str, dict[str, str]]] = []
    position = _end(_SEPARATORS, header, 0)
    while position < len(header):
        token = _TOKEN.match(header, position)
        if token is None:
            raise ChallengeError("the challenge is malformed")
        value = _VALUE.match(header, token.end())
        if value is None:
            found.append((token.group(), {}))
            position = token.end()
        elif not found:
            raise ChallengeError("the challenge names no scheme")
        else:
            _add(found[-1][1], token.group().lower(), value)
            position = value.end()
        position = _end(_SEPARATORS, header, position)
    return found


def _add(parameters: dict[str, str], name: str, value: re.Match[str]) -> None:
    if name in parameters:
        raise ChallengeError(f"the challenge names {name} twice")
    if len(parameters) >= _MAX_PARAMETERS:
        raise ChallengeError("the challenge has too many parameters")
    quoted, plain = value.groups()
    parameters[name] = re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else plain


def _end(pattern: re.Pattern[str], text: str, position: int) -> int:
    match = pattern.match(text, position)
    return match.end() if match else position


def _tenant(authority: str) -> str | None:
    """Return the tenant in the path of an authority: the first segment, the second for dSTS, none for AD FS."""
    try:
        segments = [segment for segment in urlsplit(authority).path.split("/") if segment]
    except ValueError as error:
        raise ChallengeError("the authority that the challenge names is not a URL") from error
    if segments and segments[0].lower() == "dstsv2":
        segments = segments[1:]
    if not segments or segments[0].lower().endswith("adfs"):
        return None
    return segments[0]


def _claims(encoded: str | None) -> str | None:
    """Decode the claims of a challenge: base64 or base64url of JSON, padded or not."""
    if not encoded:
        return None
    text = encoded.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        claims = base64.b64decode(text + "=" * (-len(text) % 4), validate=True).decode("utf-8")
        json.loads(claims)
    except (binascii.Error, ValueError, RecursionError) as error:
        raise ChallengeError("the claims of the challenge are not base64 of JSON") from error
    return claims


def verify_challenge(challenge: Challenge, origin: Origin) -> None:
    """Refuse a challenge whose resource does not belong to the vault.

    The resource is trusted if it is the vault's own host, the vault's host without its first label, or a host
    that begins with ``vault.`` or ``managedhsm.`` and that the vault's host ends with.

    :raises ChallengeError: for any other resource, including a mere parent domain such as ``azure.net``.
    """
    try:
        # origin_of refuses what parsers read differently, and blanks, which would make several scopes of one.
        resource = origin_of(challenge.scope or "")
        trusted = resource.scheme == "https" and _is_trusted(resource.host, origin.host)
    except ValueError:
        trusted = False
    if not trusted:
        raise ChallengeError(
            f"The challenge asks for a token for '{challenge.scope}', which does not match the vault's host "
            f"'{origin.host}'. No token was requested. If this vault is known to be right (a private cloud, an "
            "emulator), create the client with verify_challenge_resource=False."
        )


def _is_trusted(resource: str, host: str) -> bool:
    parent = host.partition(".")[2]
    if resource == host or (resource == parent and "." in parent):
        return True
    return resource.startswith(("vault.", "managedhsm.")) and host.endswith("." + resource)


class ChallengeCache:
    """The challenges of the vaults that this process has talked to most recently. Safe for threads and for fork."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._challenges: dict[Origin, Challenge] = {}
        renew_after_fork(self)

    def get(self, origin: Origin) -> Challenge | None:
        """Return the vault's last challenge, or None."""
        return self._challenges.get(origin)

    def put(self, origin: Origin, challenge: Challenge) -> None:
        """Remember the vault's challenge."""
        with self._lock:
            self._challenges.pop(origin, None)
            self._challenges[origin] = challenge
            while len(self._challenges) > _MAX_CHALLENGES:
                del self._challenges[next(iter(self._challenges))]

    def remove(self, origin: Origin, challenge: Challenge | None) -> None:
        """Forget a challenge, unless another one has replaced it in the meantime."""
        with self._lock:
            if self._challenges.get(origin) is challenge:
                self._challenges.pop(origin, None)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._challenges.clear()

    def renew(self) -> None:
        """Replace the lock in a child process: the thread that held the old one may not exist there."""
        self._lock = threading.Lock()


CHALLENGES = ChallengeCache()
