"""The certificate of the emulated service, which signs released keys and stands in attestations."""

from __future__ import annotations

import base64
import datetime
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from . import jose


class ReleaseSigner:
    """A key with a self-signed certificate, made at first use."""

    def __init__(self) -> None:
        self._key = rsa.generate_private_key(65537, 2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Key Vault keys emulator")])
        now = datetime.datetime.now(datetime.timezone.utc)
        self._certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self._key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=365))
            .sign(self._key, hashes.SHA256())
        )

    @property
    def pem(self) -> bytes:
        """The certificate in PEM."""
        return self._certificate.public_bytes(serialization.Encoding.PEM)

    def sign(self, payload: dict[str, Any]) -> str:
        """Return a compact JWS whose header carries the certificate."""
        der = self._certificate.public_bytes(serialization.Encoding.DER)
        thumbprint = jose.encode(self._certificate.fingerprint(hashes.SHA256()))
        header = {
            "kid": thumbprint,
            "x5c": [base64.b64encode(der).decode("ascii")],
            "x5t#S256": thumbprint,
        }
        return jose.sign_jws(header, payload, self._key)
