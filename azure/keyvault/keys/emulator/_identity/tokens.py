"""Access tokens: signed when issued, and verified when used (RFC 7519, RS256).

Issuers and claims follow Microsoft Entra's v1 tokens as far as Key Vault checks them.
"""

from __future__ import annotations

import itertools
import os
from collections import deque
from collections.abc import Callable, Container
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa

from .._clock import Clock
from .._cryptography import jose
from .secrets import Identity

#: Entra backdates ``nbf``, so that a vault whose clock is slow accepts a token at once.
_BACKDATED = 300
_MOST_REMEMBERED = 1024


class TokenError(Exception):
    """The vault does not accept a token. The text is that of the service where it is known."""


@dataclass(frozen=True, slots=True)
class Token:
    """An issued token."""

    text: str
    expires_on: int
    audience: str
    lifetime: int


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """A request to the identity endpoints, for assertions: an item of ``vault.token_requests``.

    :ivar audience: the audience of the token, the vault's URL.
    :ivar tenant: the tenant that was asked.
    :ivar claims: the demanded claims as JSON, or None.
    :ivar grant: how it was requested: ``in-process``, ``managed_identity`` or ``client_credentials``.
    """

    audience: str
    tenant: str
    claims: str | None
    grant: str


class TokenAuthority:
    """Issues and verifies tokens."""

    def __init__(self, clock: Clock, lifetime: int, identity: Identity) -> None:
        self.key = identity.token_key()
        self.kid = identity.kid
        self.tenant = identity.tenant
        self.client_id = identity.client_id
        self.process = os.getpid()
        self.lifetime = lifetime
        self.requests: deque[TokenRequest] = deque(maxlen=_MOST_REMEMBERED)
        self._clock = clock
        self._public_key = self.key.public_key()
        self._numbers = itertools.count(1)
        self._issued = 0
        self._revoked = 0
        self._issued_before_reset = 0
        self._verified: dict[str, dict[str, Any]] = {}
        # The server sets this once it knows its port.
        self.base_url = ""

    def issuer(self, tenant: str) -> str:
        """Return the issuer of a tenant's tokens."""
        return f"{self.base_url}/{tenant}/"

    def issue(self, audience: str, tenant: str, claims: str | None = None, grant: str = "in-process") -> Token:
        """Return a token for any audience. The vault decides which ones it accepts."""
        now = int(self._clock.now())
        self._issued = next(self._numbers)
        self.requests.append(TokenRequest(audience, tenant, claims, grant))
        payload = {
            "aud": audience,
            "iss": self.issuer(tenant),
            "iat": now,
            "nbf": now - _BACKDATED,
            "exp": now + self.lifetime,
            "appid": self.client_id,
            "oid": self.client_id,
            "tid": tenant,
            "uti": str(self._issued),
            "ver": "1.0",
        }
        text = jose.sign_jws({"typ": "JWT", "kid": self.kid}, payload, self.key)
        return Token(text, now + self.lifetime, audience, self.lifetime)

    def revoke(self) -> None:
        """Make the vault demand fresh tokens: it accepts none of those issued so far."""
        self._revoked = self._issued

    def reset(self) -> None:
        """Accept revoked tokens, and those issued before the clock was turned back, again. Forget the requests."""
        self._revoked = 0
        self._issued_before_reset = self._issued
        self.requests.clear()

    def verify(self, text: str, expected_audience: str, audiences: Container[str]) -> dict[str, Any]:
        """Return the claims of an acceptable token.

        :param expected_audience: the audience that the challenge names.
        :param audiences: other audiences that are accepted.
        :raises TokenError: with the text for the 401.
        """
        claims = self._verified.get(text)
        if claims is None:
            claims = self._claims(text)
            if len(self._verified) >= _MOST_REMEMBERED:
                self._verified.clear()
            self._verified[text] = claims
        if claims["aud"] != expected_audience and claims["aud"] not in audiences:
            raise TokenError(f"AKV10022: Invalid audience. Expected {expected_audience}, found: {claims['aud']}")
        self._check_issuer(claims)
        self._check_time(claims)
        return claims

    def is_revoked(self, claims: dict[str, Any]) -> bool:
        """Return whether a token was issued before :meth:`revoke`."""
        return int(claims["uti"]) <= self._revoked

    def _claims(self, text: str) -> dict[str, Any]:
        try:
            return jose.verify_jws(text, self._public_key)
        except ValueError as error:
            raise TokenError("AKV10000: The token is malformed or its signature is not valid.") from error

    def _check_issuer(self, claims: dict[str, Any]) -> None:
        expected = [self.issuer(tenant) for tenant in (self.tenant, "adfs")]
        if claims["iss"] not in expected:
            raise TokenError(f"AKV10032: Invalid issuer. Expected one of {', '.join(expected)}, found {claims['iss']}.")

    def _check_time(self, claims: dict[str, Any]) -> None:
        now = self._clock.now()
        if now >= claims["exp"]:
            raise TokenError("Token has expired")
        if now < claims["nbf"] and int(claims["uti"]) > self._issued_before_reset:
            raise TokenError("Token not yet valid")

    def public_jwk(self) -> dict[str, str]:
        """Return the public key for the authority's key set."""
        return {"use": "sig", "alg": "RS256", "kid": self.kid, **rsa_jwk(self._public_key)}


def rsa_jwk(key: rsa.RSAPublicKey) -> dict[str, str]:
    """Return the required members of an RSA public JWK."""
    numbers = key.public_numbers()
    width: Callable[[int], int] = lambda number: (number.bit_length() + 7) // 8  # noqa: E731
    return {
        "kty": "RSA",
        "n": jose.encode(numbers.n.to_bytes(width(numbers.n), "big")),
        "e": jose.encode(numbers.e.to_bytes(width(numbers.e), "big")),
    }
