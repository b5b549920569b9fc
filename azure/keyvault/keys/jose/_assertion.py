"""Signing in to Microsoft Entra ID with a certificate whose private key is in a vault."""

from __future__ import annotations

import hashlib
import threading
import time
import uuid
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import Certificate

from .._frames import clears_locals
from .._jwk.rfc7517 import encode_base64url
from ._tokens import sign_jwt

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..crypto import CryptographyClient

_AUTHORITY = "https://login.microsoftonline.com"

# How the header identifies the certificate, by signature algorithm.
_THUMBPRINTS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "PS256": ("x5t#S256", lambda der: hashlib.sha256(der).digest()),
    "RS256": ("x5t", lambda der: hashlib.sha1(der, usedforsecurity=False).digest()),
}


@clears_locals
class ClientAssertion:
    """Proves the identity of an application to Microsoft Entra ID, with a certificate whose key is in a vault.

    An instance is the function that ``azure.identity.ClientAssertionCredential`` and its asyncio counterpart call::

        assertion = ClientAssertion(crypto, client_id=..., tenant_id=..., certificate=pem)
        credential = ClientAssertionCredential(tenant_id, client_id, assertion)

    An assertion is a token (RFC 7523), signed as Entra ID's documentation requires and reused until shortly before it
    expires. Any number of threads may call it. The asyncio credential calls it in the event loop, which is blocked
    while the vault signs, once per ``lifetime``.

    :param crypto: the synchronous client of the certificate's key, in the version that the certificate is for.
    :param client_id: the client ID of the application.
    :param tenant_id: the ID of its tenant.
    :param certificate: the certificate registered for the application in Entra ID: PEM, DER or an object of
        ``cryptography``.
    :param authority: the sign-in host of the tenant's cloud; see ``AzureAuthorityHosts``.
    :param algorithm: ``"PS256"``, which identifies the certificate by ``x5t#S256``; or ``"RS256"``, which identifies it
        by ``x5t``, for tenants that need it.
    :param lifetime: the seconds for which an assertion is valid, at least 60. At most 600 is good practice.
    :raises ValueError: when the certificate cannot be read, the algorithm is not one of these, or the lifetime is too
        short.
    :raises TypeError: for the asyncio client: azure-identity calls assertions without awaiting them.
    """

    def __init__(
        self,
        crypto: CryptographyClient,
        *,
        client_id: str,
        tenant_id: str,
        certificate: Certificate | str | bytes,
        authority: str = _AUTHORITY,
        algorithm: str = "PS256",
        lifetime: float = 600,
    ) -> None:
        if not hasattr(crypto, "create_rsa_private_key"):
            raise TypeError(
                "'crypto' must be a synchronous CryptographyClient: azure-identity does not await assertions"
            )
        if algorithm not in _THUMBPRINTS:
            raise ValueError(f"'algorithm' must be PS256 or RS256, which Entra ID takes, not {algorithm!r}")
        if lifetime < 60:
            raise ValueError(f"'lifetime' must be at least 60 seconds, not {lifetime!r}")
        self._crypto = crypto
        self._client_id = client_id
        self._certificate = _read(certificate)
        self._algorithm = str.__str__(algorithm)
        self._lifetime = lifetime
        self._audience = f"{_origin(authority)}/{tenant_id}/oauth2/v2.0/token"
        self._lock = threading.Lock()
        self._assertion, self._stale_from = "", 0.0

    def __call__(self) -> str:
        """Return an assertion that is valid for a while.

        :returns: the signed token.
        :raises ValueError: when the certificate belongs to a different key.
        :raises ~azure.core.exceptions.HttpResponseError: when the vault rejects the request.
        """
        with self._lock:
            now = time.time()
            if not now < self._stale_from:
                self._check_certificate()
                self._assertion = self._signed(int(now))
                self._stale_from = now + self._lifetime - min(60, self._lifetime / 4)
            return self._assertion

    def __repr__(self) -> str:
        return f"<ClientAssertion of {self._client_id} for {self._audience} with {self._crypto.key_id}>"

    def _signed(self, now: int) -> str:
        name, digest = _THUMBPRINTS[self._algorithm]
        thumbprint = encode_base64url(digest(self._certificate.public_bytes(Encoding.DER)))
        claims = {
            "aud": self._audience,
            "iss": self._client_id,
            "sub": self._client_id,
            "jti": str(uuid.uuid4()),
            "iat": now,
            "nbf": now,
            "exp": int(now + self._lifetime),
        }
        # The certificate identifies the key; Entra ID would not know a kid.
        return sign_jwt(self._crypto, claims, algorithm=self._algorithm, headers={name: thumbprint, "kid": None})

    def _check_certificate(self) -> None:
        """Refuse to sign with a key that is not the certificate's; Entra ID would only call the assertion invalid."""
        _version, material = self._crypto._pinned({})
        if material is not None and material.to_cryptography() != self._certificate.public_key():
            raise ValueError(
                f"The certificate is not for the key {self._crypto.key_id}: give the client the version of the key "
                "that the certificate was issued for"
            )


def _read(certificate: Certificate | str | bytes) -> Certificate:
    if isinstance(certificate, Certificate):
        return certificate
    data = certificate.encode() if isinstance(certificate, str) else bytes(certificate)
    if b"-----BEGIN CERTIFICATE-----" in data:
        return x509.load_pem_x509_certificate(data[data.index(b"-----BEGIN CERTIFICATE-----") :])
    return x509.load_der_x509_certificate(data)


def _origin(authority: str) -> str:
    # azure-identity's AzureAuthorityHosts are hosts without a scheme.
    return (authority if "://" in authority else f"https://{authority}").rstrip("/")
