"""Create certificate signing requests with ``cryptography``, while the private keys stay in the vault.

There is no async version of this sample, because cryptography cannot await a signature. In an async program, run such
functions with ``asyncio.to_thread``.

Set VAULT_URL to the URL of a vault where you have all key permissions, and sign in with ``az login`` or another way
that DefaultAzureCredential supports. Or run the sample without Azure:

    python -m azure.keyvault.keys.emulator run python samples/x509_csr.py
"""

import os
import uuid

from azure.identity import DefaultAzureCredential
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from azure.keyvault.keys import KeyClient

VAULT_URL = os.environ["VAULT_URL"]


def request_for(host: str, private_key: CertificateIssuerPrivateKeyTypes) -> x509.CertificateSigningRequest:
    """Create a signing request with a private key from cryptography or from a vault."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
    return builder.sign(private_key, SHA256())


def main() -> None:
    # Names of deleted keys stay reserved until they are purged, so every run uses new ones.
    run = uuid.uuid4().hex[:8]
    rsa_name, ec_name = f"csr-rsa-{run}", f"csr-ec-{run}"

    with DefaultAzureCredential() as credential, KeyClient(VAULT_URL, credential) as client:
        rsa_key = client.create_rsa_key(rsa_name, size=2048)
        ec_key = client.create_ec_key(ec_name, curve="P-256")
        print(f"Created   {rsa_name} and {ec_name}")

        keys: list[CertificateIssuerPrivateKeyTypes] = [
            client.get_cryptography_client(rsa_key).create_rsa_private_key(),
            client.get_cryptography_client(ec_key).create_ec_private_key(),
        ]
        for key, private_key in zip((rsa_key, ec_key), keys, strict=True):
            csr = request_for("www.contoso.example", private_key)
            print(f"Signed    a request with {key.name}: {len(csr.public_bytes(Encoding.PEM))} bytes of PEM")

            # A certificate authority reads the request and checks that the requester has the private key.
            read = x509.load_pem_x509_csr(csr.public_bytes(Encoding.PEM))
            same = read.public_key() == key.key.to_cryptography()
            print(f"Verified  the signature: {'valid' if read.is_signature_valid else 'not valid'}")
            print(f"Compared  the public key: {'the same as in the vault' if same else 'different'}")

        for name in (rsa_name, ec_name):
            client.delete_key(name)
        for name in (rsa_name, ec_name):
            client.purge_deleted_key(name)
            print(f"Purged    {name}")


if __name__ == "__main__":
    main()
