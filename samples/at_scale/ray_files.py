"""Encrypt and decrypt files with Tink on a Ray cluster.

    python ray_files.py [--files 40] [--rows 10000] [--workers 4]

Needs ray, tink and azure-identity. Set VAULT_URL to the URL of a vault. The tasks get DataKeys as an argument. Each
worker creates one data key for all its tasks, and asks the vault only once to decrypt each data key of another
worker.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import uuid
from pathlib import Path

import ray
from azure.identity import DefaultAzureCredential

from azure.keyvault.keys import KeyClient
from azure.keyvault.keys.tink import AzureKmsClient, DataKeys, decrypt_stream, encrypt_stream

VAULT_URL = os.environ["VAULT_URL"]
SUFFIXES = os.environ.get("VAULT_SUFFIXES", "vault.azure.net").split(",")


def make(number: int, rows: int, folder: str) -> None:
    """Write a CSV file."""
    first = number * rows
    Path(folder, f"{number}.csv").write_text("".join(f"{first + row},tea\n" for row in range(rows)), "utf-8")


def encrypt(number: int, folder: str, keys: DataKeys) -> int:
    """Encrypt a file, bind its name to the ciphertext, delete the plaintext and return its length."""
    plain = Path(folder, f"{number}.csv")
    with plain.open("rb") as source, plain.with_suffix(".csv.tink").open("wb") as target:
        size = encrypt_stream(source, target, keys, associated_data=plain.name.encode())
    plain.unlink()
    return size


def decrypt(number: int, folder: str, keys: DataKeys) -> int:
    """Decrypt a file and return the sum of its numbers."""
    plain = Path(folder, f"{number}.csv")
    with plain.with_suffix(".csv.tink").open("rb") as source, plain.open("wb") as target:
        decrypt_stream(source, target, keys, associated_data=plain.name.encode())
    return sum(int(line.partition(",")[0]) for line in plain.read_text("utf-8").splitlines())


def main() -> None:
    """Create a key, encrypt and decrypt the files, and delete the key."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--files", type=int, default=40)
    parser.add_argument("--rows", type=int, default=10_000, help="rows in each file")
    parser.add_argument("--workers", type=int, default=4)
    given = parser.parse_args()
    name = f"sample-files-{uuid.uuid4().hex[:8]}"
    with DefaultAzureCredential() as credential, KeyClient(VAULT_URL, credential) as keys:
        keys.create_rsa_key(name)
        try:
            kms = AzureKmsClient(credential, allowed_suffixes=SUFFIXES)
            data_keys = DataKeys(kms.get_aead(f"azure-kms://{VAULT_URL}/keys/{name}"), max_age=3600)
            ray.init(num_cpus=given.workers, include_dashboard=False)
            with tempfile.TemporaryDirectory() as folder:
                numbers = range(given.files)
                ray.get([ray.remote(make).remote(number, given.rows, folder) for number in numbers])
                sizes = ray.get([ray.remote(encrypt).remote(number, folder, data_keys) for number in numbers])
                print(f"Encrypted {sum(sizes)} bytes in {given.files} files on {given.workers} workers")
                total = sum(ray.get([ray.remote(decrypt).remote(number, folder, data_keys) for number in numbers]))
                rows = given.files * given.rows
                print(f"Decrypted {rows} rows: {'as written' if total == sum(range(rows)) else 'different'}")
        finally:
            ray.shutdown()
            keys.delete_key(name)
            keys.purge_deleted_key(name)


if __name__ == "__main__":
    main()
