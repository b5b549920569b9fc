"""Encrypt files of any size with a key in a vault, rotate the key, and decrypt the files.

Set VAULT_URL to the URL of a vault where you have all key permissions, and sign in with ``az login`` or another way
that DefaultAzureCredential supports. Or run the sample without Azure:

    python -m azure.keyvault.keys.emulator run python samples/encrypt_files.py

It needs the library's extra ``tink``.
"""

import os
import tempfile
import uuid
from pathlib import Path

from azure.identity import DefaultAzureCredential

from azure.keyvault.keys import KeyClient
from azure.keyvault.keys.tink import DataKeys, StreamDecryptionError, decrypt_stream, encrypt_stream

VAULT_URL = os.environ["VAULT_URL"]


def encrypt(path: Path, keys: DataKeys) -> Path:
    """Encrypt a file, and authenticate its name with it."""
    secret = path.with_name(f"{path.name}.tink")
    with path.open("rb") as source, secret.open("wb") as target:
        encrypt_stream(source, target, keys, associated_data=path.name.encode())
    return secret


def decrypt(secret: Path, keys: DataKeys) -> bytes:
    """Decrypt a file. Output written before an error is incomplete, so discard it."""
    with secret.open("rb") as source, tempfile.TemporaryFile() as target:
        decrypt_stream(source, target, keys, associated_data=secret.stem.encode())
        target.seek(0)
        return target.read()


def main() -> None:
    # Names of deleted keys stay reserved until they are purged, so every run uses a new one.
    name = f"files-{uuid.uuid4().hex[:8]}"

    with (
        DefaultAzureCredential() as credential,
        KeyClient(VAULT_URL, credential) as client,
        tempfile.TemporaryDirectory() as folder,
    ):
        key = client.create_rsa_key(name)
        print(f"Created   {key.id}")

        # Both files share one data key. The newest version of the vault's key encrypts it in this process.
        keys = DataKeys(client.get_cryptography_client(name, refresh_after=600), max_age=300)
        secrets = []
        for number in (1, 2):
            report = Path(folder, f"report{number}.bin")
            report.write_bytes(os.urandom(3 << 20))
            secrets.append(encrypt(report, keys))
            print(f"Encrypted {report.name}: {report.stat().st_size} bytes, {secrets[-1].stat().st_size} encrypted")

        client.rotate_key(name)
        print("Rotated   the key")

        # Another process has another client. The vault decrypts the data key only once for both files.
        keys = DataKeys(client.get_cryptography_client(name, refresh_after=600))
        for secret in secrets:
            same = decrypt(secret, keys) == Path(folder, secret.stem).read_bytes()
            print(f"Decrypted {secret.name}: {'unchanged' if same else 'changed'}")

        secrets[0].write_bytes(secrets[0].read_bytes()[:-1])
        try:
            decrypt(secrets[0], keys)
        except StreamDecryptionError as error:
            print(f"Rejected  a truncated file after {error.verified} valid bytes")

        client.delete_key(name)
        client.purge_deleted_key(name)


if __name__ == "__main__":
    main()
