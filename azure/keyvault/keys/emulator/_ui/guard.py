"""Who may see the page: the browser that opened a single-use link."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from typing import TypeVar

_T = TypeVar("_T")
_MOST_LINKS = 64
_MOST_SESSIONS = 64


@dataclass(slots=True)
class Session:
    """A browser that opened a link.

    :ivar form_token: the token that its forms must send, so that no other site can submit them.
    :ivar message: the message to show on the next page.
    """

    form_token: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    message: str = ""

    def admits(self, form_token: str) -> bool:
        """Return whether a form belongs to this session."""
        return hmac.compare_digest(form_token.encode(), self.form_token.encode())


class Guard:
    """Issues links and remembers sessions. It stores only digests of what it issues."""

    def __init__(self) -> None:
        self._links: dict[bytes, None] = {}
        self._used: dict[bytes, None] = {}
        self._sessions: dict[bytes, Session] = {}

    def new_link_token(self) -> str:
        """Return a token that opens one session."""
        token = secrets.token_urlsafe(24)
        _remember(self._links, _digest(token), None, _MOST_LINKS)
        return token

    def redeem(self, token: str) -> str | None:
        """Return the cookie of a new session, or None if the token is unknown or used."""
        digest = _digest(token)
        if digest not in self._links:
            return None
        del self._links[digest]
        _remember(self._used, digest, None, _MOST_LINKS)
        cookie = secrets.token_urlsafe(32)
        _remember(self._sessions, _digest(cookie), Session(), _MOST_SESSIONS)
        return cookie

    def was_used(self, token: str) -> bool:
        """Return whether a token has already opened a session."""
        return _digest(token) in self._used

    def session(self, cookies: str, name: str) -> Session | None:
        """Return the session that a ``Cookie`` header names."""
        try:
            morsel = SimpleCookie(cookies).get(name)
        except CookieError:
            return None
        return None if morsel is None else self._sessions.get(_digest(morsel.value))


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "replace")).digest()


def _remember(known: dict[bytes, _T], digest: bytes, value: _T, most: int) -> None:
    known[digest] = value
    while len(known) > most:
        del known[next(iter(known))]
