"""Encrypt a column with a Tink keyset on Spark.

    python spark_column.py [--files 40] [--rows 10000] [--workers 4]

Needs pyspark (and Java), pandas, pyarrow, tink and azure-identity. Set VAULT_URL to the URL of a vault. A key in the
vault encrypts the keyset, which Spark sends to the workers with the function. Each Python worker asks the vault once
to decrypt it. (Spark's own Parquet encryption is Java code and has its own interface for key management services.)
"""

from __future__ import annotations

import argparse
import os
import sys
import uuid

import pandas as pd
import tink
from azure.identity import DefaultAzureCredential
from pyspark.sql import SparkSession
from pyspark.sql.functions import pandas_udf
from tink import aead

from azure.keyvault.keys import KeyClient
from azure.keyvault.keys.tink import AzureKmsAead, AzureKmsClient

os.environ.setdefault("PYSPARK_PYTHON", sys.executable)  # default: the first python3 on PATH
VAULT_URL = os.environ["VAULT_URL"]
SUFFIXES = os.environ.get("VAULT_SUFFIXES", "vault.azure.net").split(",")


def primitive(keyset: bytes, key: AzureKmsAead) -> aead.Aead:
    """Return the keyset's primitive. The vault's key caches decrypted keysets in this process."""
    aead.register()
    return tink.proto_keyset_format.parse_encrypted(keyset, key, b"").primitive(aead.Aead)


def main() -> None:
    """Create a key and a keyset, encrypt and decrypt a column, and delete the key."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--files", type=int, default=40, help="number of partitions")
    parser.add_argument("--rows", type=int, default=10_000, help="rows in each partition")
    parser.add_argument("--workers", type=int, default=4)
    given = parser.parse_args()
    name = f"sample-column-{uuid.uuid4().hex[:8]}"
    with DefaultAzureCredential() as credential, KeyClient(VAULT_URL, credential) as keys:
        keys.create_rsa_key(name)
        try:
            key = AzureKmsClient(credential, allowed_suffixes=SUFFIXES).get_aead(f"azure-kms://{VAULT_URL}/keys/{name}")
            aead.register()
            handle = tink.new_keyset_handle(aead.aead_key_templates.AES128_GCM_RAW)
            keyset = tink.proto_keyset_format.serialize_encrypted(handle, key, b"")

            spark = (
                SparkSession.builder.master(f"local[{given.workers}]")
                .config("spark.ui.enabled", "false")
                .config("spark.sql.execution.arrow.maxRecordsPerBatch", "1000")
                .getOrCreate()
            )

            @pandas_udf("binary")
            def encrypt(names: pd.Series) -> pd.Series:
                cipher = primitive(keyset, key)
                return names.map(lambda text: cipher.encrypt(text.encode(), b"name"))

            @pandas_udf("string")
            def decrypt(secrets: pd.Series) -> pd.Series:
                cipher = primitive(keyset, key)
                return secrets.map(lambda secret: cipher.decrypt(bytes(secret), b"name").decode())

            try:
                rows = given.files * given.rows
                plain = spark.range(0, rows, 1, given.files).selectExpr("id", "concat('tea ', id) as name")
                secret = plain.select("id", encrypt("name").alias("secret")).cache()
                print(f"Encrypted {secret.count()} rows in {given.files} partitions on {given.workers} workers")
                again = secret.select("id", decrypt("secret").alias("name"))
                same = again.filter("name = concat('tea ', id)").count() == rows
                print(f"Decrypted {rows} rows: {'as written' if same else 'different'}")
            finally:
                spark.stop()
        finally:
            keys.delete_key(name)
            keys.purge_deleted_key(name)


if __name__ == "__main__":
    main()
