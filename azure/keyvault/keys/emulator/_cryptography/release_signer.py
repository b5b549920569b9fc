"""The certificate of the emulated service, which signs released keys and appears in attestations."""

from __future__ import annotations

import base64
import datetime
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from . import jose

_DAYS = datetime.timedelta(days=365)


class ReleaseSigner:
    """A key and its certificate from a dedicated authority, both generated at first use."""

    def __init__(self) -> None:
        self._key = rsa.generate_private_key(65537, 2048)
        root, middle = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
        names = [_name(f"Key Vault keys emulator{part}") for part in (" release root", " release issuer", "")]
        self._chain = (
            _certificate(names[2], self._key.public_key(), names[1], middle),
            _certificate(names[1], middle.public_key(), names[0], root, issues=True),
            _certificate(names[0], root.public_key(), names[0], root, issues=True),
        )

    @property
    def pem(self) -> bytes:
        """The certificates in PEM, starting with the signer's."""
        return b"".join(certificate.public_bytes(serialization.Encoding.PEM) for certificate in self._chain)

    def sign(self, payload: dict[str, Any], *, sort_keys: bool) -> str:
        """Return a compact JWS whose header carries the certificates.

        :param sort_keys: write header and payload in alphabetical order, with the header of a Managed HSM, which
            has fewer members.
        """
        own = self._chain[0]
        # RFC 7515, 4.1.7 defines the member x5t as a SHA-1 thumbprint.
        short = own.fingerprint(hashes.SHA1())  # noqa: S303  # nosec B303
        header: dict[str, Any] = {"kid": short.hex().upper(), "x5t": jose.encode(short), "typ": "JWT"}
        if sort_keys:
            header = {"kid": jose.encode(own.fingerprint(hashes.SHA256()))}
        header["x5t#S256"] = jose.encode(own.fingerprint(hashes.SHA256()))
        header["x5c"] = [
            base64.b64encode(certificate.public_bytes(serialization.Encoding.DER)).decode("ascii")
            for certificate in self._chain
        ]
        return jose.sign_jws(header, payload, self._key, sort_keys=sort_keys)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _certificate(
    subject: x509.Name,
    key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey,
    issuer: x509.Name,
    issuer_key: ec.EllipticCurvePrivateKey,
    *,
    issues: bool = False,
) -> x509.Certificate:
    now = datetime.datetime.now(datetime.timezone.utc)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + _DAYS)
        .add_extension(x509.BasicConstraints(ca=issues, path_length=None), critical=True)
    )
    return builder.sign(issuer_key, hashes.SHA256())
