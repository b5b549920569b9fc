"""Write and read an encrypted Parquet dataset on a Dask cluster.

    python dask_parquet.py [--files 40] [--rows 10000] [--workers 4]

Needs dask[distributed], pyarrow and azure-identity. Set VAULT_URL to the URL of a vault. The tasks get the crypto
factory as an argument. All tasks of a worker share one factory, so each worker asks the vault only once for each data
key, however many files there are.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import uuid
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from azure.identity import DefaultAzureCredential
from dask.distributed import Client, LocalCluster
from pyarrow.parquet.encryption import CryptoFactory, EncryptionConfiguration, KmsConnectionConfig

from azure.keyvault.keys import KeyClient
from azure.keyvault.keys.parquet import crypto_factory

VAULT_URL = os.environ["VAULT_URL"]
SUFFIXES = os.environ.get("VAULT_SUFFIXES", "vault.azure.net").split(",")


def write(number: int, rows: int, folder: str, factory: CryptoFactory, url: str, footer: str, column: str) -> int:
    """Write one file. Its name column has its own key."""
    first = number * rows
    table = pa.table({"id": range(first, first + rows), "name": [f"tea {first + row}" for row in range(rows)]})
    configuration = EncryptionConfiguration(footer_key=footer, column_keys={column: ["name"]}, data_key_length_bits=256)
    properties = factory.file_encryption_properties(KmsConnectionConfig(kms_instance_url=url), configuration)
    pq.write_table(table, Path(folder, f"{number:05}.parquet"), encryption_properties=properties)
    return rows


def read(number: int, folder: str, factory: CryptoFactory, url: str) -> int:
    """Read one file and return the sum of its IDs."""
    properties = factory.file_decryption_properties(KmsConnectionConfig(kms_instance_url=url))
    table = pq.read_table(Path(folder, f"{number:05}.parquet"), decryption_properties=properties)
    return sum(table["id"].to_pylist())


def main() -> None:
    """Create two keys, write and read the files, and delete the keys."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--files", type=int, default=40)
    parser.add_argument("--rows", type=int, default=10_000, help="rows in each file")
    parser.add_argument("--workers", type=int, default=4)
    given = parser.parse_args()
    names = [f"sample-{part}-{uuid.uuid4().hex[:8]}" for part in ("footer", "name")]
    with DefaultAzureCredential() as credential, KeyClient(VAULT_URL, credential) as keys:
        for name in names:
            keys.create_rsa_key(name)
        try:
            factory = crypto_factory(credential, allowed_suffixes=SUFFIXES)
            with (
                tempfile.TemporaryDirectory() as folder,
                LocalCluster(
                    n_workers=given.workers, threads_per_worker=1, processes=True, dashboard_address=None
                ) as cluster,
                Client(cluster) as client,
            ):
                numbers = range(given.files)
                written = client.map(
                    write,
                    numbers,
                    rows=given.rows,
                    folder=folder,
                    factory=factory,
                    url=VAULT_URL,
                    footer=names[0],
                    column=names[1],
                )
                rows = sum(client.gather(written))
                print(f"Wrote     {rows} rows in {given.files} files on {given.workers} workers")
                total = sum(client.gather(client.map(read, numbers, folder=folder, factory=factory, url=VAULT_URL)))
                print(f"Read      {rows} rows: {'as written' if total == sum(range(rows)) else 'different'}")
        finally:
            for name in names:
                keys.delete_key(name)
                keys.purge_deleted_key(name)


if __name__ == "__main__":
    main()
