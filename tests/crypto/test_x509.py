"""Requests and certificates that cryptography's builders make with keys of a vault, judged by openssl."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from fixtures.keyring import Keyring, private_jwk
from fixtures.targets import Target

from azure.keyvault.keys.crypto import CryptographyClient

NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "orders.example")])
PSS = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
KEYS: dict[str, tuple[str, str, hashes.SHA256 | hashes.SHA384 | hashes.SHA512, Any]] = {
    "RSA 2048": ("create_rsa_private_key", "RSA 2048", hashes.SHA256(), None),
    "RSA 2048 PSS": ("create_rsa_private_key", "RSA 2048", hashes.SHA256(), PSS),
    "RSA 3072": ("create_rsa_private_key", "RSA 3072", hashes.SHA384(), None),
    "EC P-256": ("create_ec_private_key", "EC P-256", hashes.SHA256(), None),
    "EC P-384": ("create_ec_private_key", "EC P-384", hashes.SHA384(), None),
    "EC P-521": ("create_ec_private_key", "EC P-521", hashes.SHA512(), None),
    "EC P-256K": ("create_ec_private_key", "EC P-256K", hashes.SHA256(), None),
}


@pytest.fixture(params=KEYS)
def signing(request: pytest.FixtureRequest, keyring_of: Callable[[Target], Keyring], vault: Target) -> Iterator[Any]:
    """A private key that never leaves its vault, its kind, and how to sign with it."""
    method, kind, algorithm, scheme = KEYS[request.param]
    with CryptographyClient(keyring_of(vault).imported(kind), vault.credential, **vault.options) as client:
        options = {} if scheme is None else {"rsa_padding": scheme}
        yield getattr(client, method)(), kind, lambda builder, key: builder.sign(key, algorithm, **options)


def openssl(*arguments: str | Path) -> str:
    """Run openssl, and return what it says."""
    run = subprocess.run(["openssl", *arguments], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return run.stdout + run.stderr


@pytest.mark.case("J12")
def test_request_is_verified_by_openssl(signing: Any, tmp_path: Path) -> None:
    key, kind, sign = signing
    request = sign(x509.CertificateSigningRequestBuilder().subject_name(NAME), key)
    file = tmp_path / "request.pem"
    file.write_bytes(request.public_bytes(Encoding.PEM))
    assert "verify OK" in openssl("req", "-in", file, "-verify", "-noout")
    assert "orders.example" in openssl("req", "-in", file, "-noout", "-subject")
    assert request.is_signature_valid
    assert request.public_key() == private_jwk(kind).to_cryptography()


@pytest.mark.case("J12")
def test_certificate_is_verified_by_openssl(signing: Any, tmp_path: Path) -> None:
    key, kind, sign = signing
    start = datetime.now(timezone.utc) - timedelta(hours=1)
    builder = (
        x509.CertificateBuilder()
        .subject_name(NAME)
        .issuer_name(NAME)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    certificate = sign(builder, key)
    file = tmp_path / "certificate.pem"
    file.write_bytes(certificate.public_bytes(Encoding.PEM))
    assert ": OK" in openssl("verify", "-check_ss_sig", "-CAfile", file, file)
    certificate.verify_directly_issued_by(certificate)
    assert certificate.public_key() == key.public_key() == private_jwk(kind).to_cryptography()
    key.public_key().verify(
        certificate.signature,
        certificate.tbs_certificate_bytes,
        *(
            (certificate.signature_algorithm_parameters, certificate.signature_hash_algorithm)
            if kind.startswith("RSA")
            else (certificate.signature_algorithm_parameters,)
        ),
    )
