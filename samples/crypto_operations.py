"""Encrypt, wrap and sign with keys in a vault, and see where each operation runs.

Set VAULT_URL to the URL of a vault where you have all key permissions, and sign in with ``az login`` or another way
that DefaultAzureCredential supports. Or run the sample without Azure:

    python -m azure.keyvault.keys.emulator run python samples/crypto_operations.py
"""

import hashlib
import os
import uuid

from azure.identity import DefaultAzureCredential

from azure.keyvault.keys import JsonWebKey, KeyClient
from azure.keyvault.keys.crypto import CryptographyClient, EncryptionAlgorithm, KeyWrapAlgorithm, SignatureAlgorithm

VAULT_URL = os.environ["VAULT_URL"]


def main() -> None:
    # Names of deleted keys stay reserved until they are purged, so every run uses a new one.
    name = f"crypto-{uuid.uuid4().hex[:8]}"

    with DefaultAzureCredential() as credential, KeyClient(VAULT_URL, credential) as client:
        key = client.create_rsa_key(name, size=2048)
        print(f"Created   {key.id}")
        crypto = client.get_cryptography_client(key)

        # The public part is enough to encrypt, wrap and verify; only the vault can decrypt, unwrap and sign.
        secret = crypto.encrypt(EncryptionAlgorithm.rsa_oaep_256, b"the combination is 12-34-56")
        print(f"Encrypted {secret.performed}: {len(secret.ciphertext)} bytes")
        plain = crypto.decrypt(secret)
        print(f"Decrypted {plain.performed}: {plain.plaintext.decode()!r}")

        content_key = os.urandom(32)
        wrapped = crypto.wrap_key(KeyWrapAlgorithm.rsa_oaep_256, content_key)
        print(f"Wrapped   {wrapped.performed}: a key of 32 bytes in {len(wrapped.encrypted_key)}")
        unwrapped = crypto.unwrap_key(KeyWrapAlgorithm.rsa_oaep_256, wrapped.encrypted_key)
        print(f"Unwrapped {unwrapped.performed}: {'the same key' if unwrapped.key == content_key else 'another key'}")

        digest = hashlib.sha256(b"I agree").digest()
        signed = crypto.sign(SignatureAlgorithm.ps256, digest)
        print(f"Signed    {signed.performed}: {len(signed.signature)} bytes")
        verified = crypto.verify(SignatureAlgorithm.ps256, digest, signed.signature)
        print(f"Verified  {verified.performed}: {'valid' if verified.is_valid else 'not valid'}")
        digest = hashlib.sha256(b"I disagree").digest()
        changed = crypto.verify(SignatureAlgorithm.ps256, digest, signed.signature)
        print(f"Verified  {changed.performed}: {'valid' if changed.is_valid else 'not valid'} for another message")

        # execution="remote" runs everything in the vault.
        with CryptographyClient(key, credential, execution="remote") as remote:
            secret = remote.encrypt(EncryptionAlgorithm.rsa_oaep_256, b"everything there")
            print(f"Encrypted {secret.performed}, although it could run locally")

        # If you have the key yourself, you don't need a vault.
        own = CryptographyClient.from_jwk(JsonWebKey(kty="oct", k=os.urandom(32), key_ops=["encrypt", "decrypt"]))
        secret = own.encrypt(EncryptionAlgorithm.a256_cbcpad, b"nothing leaves this process")
        print(f"Encrypted {secret.performed}, with a key that never leaves this process")
        plain = own.decrypt(secret)
        print(f"Decrypted {plain.performed}: {plain.plaintext.decode()!r}")

        client.delete_key(name)
        client.purge_deleted_key(name)
        print(f"Purged    {name}")


if __name__ == "__main__":
    main()
