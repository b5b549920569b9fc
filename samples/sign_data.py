"""Sign a message, a large file and a stream, and verify the signatures with and without a vault.

Set VAULT_URL to the URL of a vault where you have all key permissions, and sign in with ``az login`` or another way
that DefaultAzureCredential supports. Or run the sample without Azure:

    python -m azure.keyvault.keys.emulator run python samples/sign_data.py
"""

import os
import tempfile
import uuid
from collections.abc import Iterator

from azure.identity import DefaultAzureCredential
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256

from azure.keyvault.keys import KeyClient
from azure.keyvault.keys.crypto import CryptographyClient, SignatureAlgorithm

VAULT_URL = os.environ["VAULT_URL"]


def measurements() -> Iterator[bytes]:
    for number in range(1000):
        yield b"measurement %d\n" % number


def main() -> None:
    # Names of deleted keys stay reserved until they are purged, so every run uses a new one.
    name = f"sign-{uuid.uuid4().hex[:8]}"

    with DefaultAzureCredential() as credential, KeyClient(VAULT_URL, credential) as client:
        key = client.create_ec_key(name, curve="P-256")
        print(f"Created   {key.id}")
        crypto = client.get_cryptography_client(key)

        signed = crypto.sign_data(SignatureAlgorithm.es256, b"a message")
        print(f"Signed    a message, {signed.performed}")

        # The message is hashed locally in pieces; only the 32-byte digest goes to the vault.
        with tempfile.TemporaryFile() as file:
            file.write(os.urandom(1 << 20) * 8)
            file.seek(0)
            of_file = crypto.sign_data(SignatureAlgorithm.es256, file)
            print(f"Signed    a file of {file.tell() >> 20} MiB, {of_file.performed}")
            file.seek(0)
            verified = crypto.verify_data(SignatureAlgorithm.es256, file, of_file.signature)
            print(f"Verified  the file, {verified.performed}: {'valid' if verified.is_valid else 'not valid'}")

        of_stream = crypto.sign_data(SignatureAlgorithm.es256, measurements())
        print(f"Signed    a stream, {of_stream.performed}")

        # Anyone who has the public key can verify, without a vault or an account.
        public_key = key.key.to_json()
        elsewhere = CryptographyClient.from_jwk(public_key)
        verified = elsewhere.verify_data(SignatureAlgorithm.es256, measurements(), of_stream.signature)
        print(f"Verified  the stream with the public key, {verified.performed}: {verified.is_valid}")

        # X.509, TLS and openssl expect EC signatures in DER.
        other_library = key.key.to_cryptography()
        assert isinstance(other_library, EllipticCurvePublicKey)
        other_library.verify(signed.to_der(), b"a message", ECDSA(SHA256()))
        print("Verified  the message with the package cryptography")

        client.delete_key(name)
        client.purge_deleted_key(name)
        print(f"Purged    {name}")


if __name__ == "__main__":
    main()
