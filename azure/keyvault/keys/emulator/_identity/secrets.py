"""The emulator's only caller and its secrets: generated at the first start, and kept if the keys are kept."""

from __future__ import annotations

import json
import secrets
import uuid
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import cast

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from .._cryptography import jose


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """The tenant, the caller, its secrets, and the key that signs tokens."""

    tenant: str
    client_id: str
    client_secret: str = field(repr=False)
    identity_header: str = field(repr=False)
    kid: str
    pkcs8: str = field(repr=False)

    @classmethod
    def kept(cls, secret: Callable[[str, Callable[[], bytes]], bytes]) -> Identity:
        """Return the identity of the previous start, or a new one.

        :param secret: a function that returns a stored secret by name, generating it at first use.
        """
        return cls(**json.loads(secret("identity", lambda: json.dumps(asdict(_new_identity())).encode())))

    def token_key(self) -> rsa.RSAPrivateKey:
        """Return the key that signs tokens."""
        der = jose.decode(self.pkcs8)
        # The key was generated here, and its seal is checked. Checking the primes would take half of the start-up time.
        key = serialization.load_der_private_key(der, None, unsafe_skip_rsa_key_validation=True)
        return cast(rsa.RSAPrivateKey, key)


def _new_identity() -> Identity:
    pkcs8 = rsa.generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return Identity(
        tenant=str(uuid.uuid4()),
        client_id=str(uuid.uuid4()),
        client_secret=secrets.token_urlsafe(24),
        identity_header=secrets.token_urlsafe(24),
        kid=uuid.uuid4().hex,
        pkcs8=jose.encode(pkcs8),
    )
