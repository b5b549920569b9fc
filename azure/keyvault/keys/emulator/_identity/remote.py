"""Tokens for other processes, which request them over HTTPS like a managed identity."""

from __future__ import annotations

import json
import os
import ssl
import urllib.error
import urllib.request
import weakref
from dataclasses import dataclass, field
from urllib.parse import urlencode

from azure.core.exceptions import ClientAuthenticationError

from .tokens import Token, TokenAuthority

_SECONDS = 30

#: The authorities of the emulators that this process has started, by the place where other processes ask them.
_AUTHORITIES: weakref.WeakValueDictionary[TokenPlace, TokenAuthority] = weakref.WeakValueDictionary()


@dataclass(frozen=True)
class TokenPlace:
    """Where a running emulator issues tokens.

    :ivar endpoint: the URL of the managed identity endpoint.
    :ivar header: its secret, which the emulator generated at start.
    :ivar authority: the certificate of its certificate authority, in PEM.
    """

    endpoint: str
    header: str = field(repr=False)
    authority: str = field(repr=False)

    def issue(self, audience: str, claims: str | None) -> Token:
        """Ask the emulator for a token.

        :raises ~azure.core.exceptions.ClientAuthenticationError: if it does not answer or refuses.
        """
        query = {"api-version": "2019-08-01", "resource": audience, **({"claims": claims} if claims else {})}
        request = urllib.request.Request(  # noqa: S310  # the emulator's own https URL
            f"{self.endpoint}?{urlencode(query)}", headers={"X-IDENTITY-HEADER": self.header}
        )
        try:
            with self._opener().open(request, timeout=_SECONDS) as response:
                answer = json.load(response)
            expires_on = int(answer["expires_on"])
            return Token(answer["access_token"], expires_on, audience, 0)
        except (OSError, ValueError, KeyError) as error:
            raise ClientAuthenticationError(f"The emulator at {self.endpoint} gave no token: {error}") from error

    def _opener(self) -> urllib.request.OpenerDirector:
        context = ssl.create_default_context(cadata=self.authority)
        # The emulator is on this machine, so ignore any proxy that the environment names.
        return urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
        )


def remember(place: TokenPlace, authority: TokenAuthority) -> None:
    """Register an authority for credentials that return to the process of their emulator."""
    _AUTHORITIES[place] = authority


def authority_of(place: TokenPlace) -> TokenAuthority | None:
    """Return the authority of an emulator that this process started. A fork asks over HTTPS like any other process."""
    authority = _AUTHORITIES.get(place)
    return authority if authority is not None and authority.process == os.getpid() else None
