"""A test attestation authority, and the verification of attestation tokens against release policies.

Policy grammar: ``{"version": "1.0.0", "anyOf": [{"authority": URL, "allOf": [{"claim": "a.b", "equals": "x"}]}]}``,
where ``anyOf`` and ``allOf`` nest. The real service fetches the authority's OIDC metadata. The emulator makes no
outgoing calls: it knows its own authority and those that a test registers.
"""

from __future__ import annotations

import json
import operator
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa

from .._clock import Clock
from .._cryptography import jose
from .._errors import bad_parameter
from .tokens import rsa_jwk

_PATH = "/attestation"
_LIFETIME = 3600
_MOST_NESTED = 32


class AttestationError(Exception):
    """The token was not issued by a trusted authority, or does not satisfy the policy."""


class AttestationAuthority:
    """Issues attestation tokens for tests and verifies the tokens of all known authorities: ``vault.attestation``."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._trusted: dict[str, rsa.RSAPublicKey] = {}
        self._base_url = ""

    def __repr__(self) -> str:
        return f"<{type(self).__name__} [{self.url}]>"

    @cached_property
    def _key(self) -> rsa.RSAPrivateKey:
        return rsa.generate_private_key(65537, 2048)

    @property
    def url(self) -> str:
        """The authority that a release policy names."""
        return f"{self._base_url}{_PATH}"

    def trust(self, authority: str, key: rsa.RSAPublicKey) -> None:
        """Accept tokens that another authority signs with RS256.

        :param authority: its URL, as it appears in release policies and tokens.
        :param key: the key that verifies its signatures.
        """
        self._trusted[authority.rstrip("/")] = key

    def issue(self, claims: Mapping[str, Any], encryption_key: rsa.RSAPublicKey) -> str:
        """Return a token for an environment.

        :param claims: the claims that the environment attests.
        :param encryption_key: the environment's key, which encrypts a released key.
        """
        now = int(self._clock.now())
        jwk = {"kid": "TpmEphemeralEncryptionKey", "key_ops": ["encrypt"], **rsa_jwk(encryption_key)}
        payload = {
            "iss": self.url,
            "iat": now,
            "nbf": now,
            "exp": now + _LIFETIME,
            **claims,
            "x-ms-runtime": {"keys": [jwk]},
        }
        return jose.sign_jws({"typ": "JWT", "kid": "attestation"}, payload, self._key)

    def _public_jwk(self) -> dict[str, str]:
        """Return the public key for the authority's key set."""
        return {"use": "sig", "alg": "RS256", "kid": "attestation", **rsa_jwk(self._key.public_key())}

    def _metadata(self) -> dict[str, Any]:
        """Return the authority's OIDC metadata."""
        return {"issuer": self.url, "jwks_uri": f"{self.url}/certs", "id_token_signing_alg_values_supported": ["RS256"]}

    def _verify(self, token: str) -> dict[str, Any]:
        """Return the claims of a token.

        :raises AttestationError: if the token is malformed, expired, wrongly signed, or from an unknown authority.
        """
        try:
            issuer = str(jose.decode_json(token.split(".")[1]).get("iss", "")).rstrip("/")
            key = self._key.public_key() if issuer == self.url else self._trusted[issuer]
            claims = jose.verify_jws(token, key)
            expired = self._clock.now() >= float(claims["exp"])
        except (ValueError, KeyError, IndexError, TypeError) as error:
            raise AttestationError("Target environment attestation token is not valid.") from error
        if expired:
            raise AttestationError("Target environment attestation token has expired.")
        return claims


def check_policy(policy: bytes, claims: Mapping[str, Any]) -> None:
    """Check claims against a release policy.

    :raises ServiceError: 400 for a malformed policy.
    :raises AttestationError: if the policy is not satisfied.
    """
    try:
        satisfied = _any_of(json.loads(policy)["anyOf"], "", claims, 0)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise bad_parameter("The release policy is not valid.") from error
    if not satisfied:
        raise AttestationError("Target environment attestation statement cannot be verified against the policy.")


def recipient_key(claims: Mapping[str, Any]) -> rsa.RSAPublicKey:
    """Return the environment's encryption key.

    :raises AttestationError: if there is none.
    """
    jwk = _recipient_jwk(claims)
    try:
        n, e = (int.from_bytes(jose.decode(jwk[name]), "big") for name in ("n", "e"))
        return rsa.RSAPublicNumbers(e, n).public_key()
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise AttestationError("The attestation token's encryption key is not valid.") from error


def recipient_key_id(claims: Mapping[str, Any]) -> str:
    """Return the id of the environment's encryption key, or an empty string if the token gives none.

    :raises AttestationError: if there is no such key.
    """
    return str(_recipient_jwk(claims).get("kid", ""))


def _recipient_jwk(claims: Mapping[str, Any]) -> dict[str, Any]:
    try:
        for jwk in claims["x-ms-runtime"]["keys"]:
            if jwk["kty"] == "RSA" and "encrypt" in jwk.get("key_ops", ["encrypt"]):
                return dict(jwk)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise AttestationError("The attestation token's encryption key is not valid.") from error
    raise AttestationError("The attestation token has no encryption key.")


def _any_of(conditions: Any, authority: str, claims: Mapping[str, Any], depth: int) -> bool:
    return any(_holds(condition, authority, claims, depth) for condition in conditions)


def _holds(condition: dict[str, Any], authority: str, claims: Mapping[str, Any], depth: int) -> bool:
    """Evaluate one condition; the nearest ``authority`` above a claim must be the token's issuer."""
    if depth > _MOST_NESTED:
        raise ValueError("nested too deeply")
    authority = condition.get("authority", authority)
    if "anyOf" in condition:
        return _any_of(condition["anyOf"], authority, claims, depth + 1)
    if "allOf" in condition:
        return all(_holds(part, authority, claims, depth + 1) for part in condition["allOf"])
    issued_here = str(claims["iss"]).rstrip("/") == authority.rstrip("/")
    return issued_here and _claim_holds(condition, claims)


_OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "equals": operator.eq,
    "notEquals": operator.ne,
    "less": operator.lt,
    "lessOrEquals": operator.le,
    "greater": operator.gt,
    "greaterOrEquals": operator.ge,
}


def _claim_holds(condition: Mapping[str, Any], claims: Mapping[str, Any]) -> bool:
    value: Any = claims
    for part in condition["claim"].split("."):
        value = value.get(part) if isinstance(value, dict) else None
    if "exists" in condition:
        return (value is not None) is condition["exists"]
    name = next((name for name in condition if name != "claim"), "")
    return _compares(_OPERATORS[name], value, condition[name])


def _compares(holds: Callable[[Any, Any], bool], value: Any, expected: Any) -> bool:
    """Compare a claim. A missing claim, or one of another type, does not satisfy a policy.

    The boolean ``true`` and the text ``"true"`` are equal: in recorded releases, one is in the policy and the other in
    the token.
    """
    try:
        return value is not None and holds(_plain(value), _plain(expected))
    except TypeError:
        return False


def _plain(value: Any) -> Any:
    return ("false", "true")[value] if isinstance(value, bool) else value
