"""Encryption of Parquet files and datasets under keys of the vault, with pyarrow (extra ``parquet``).

:func:`crypto_factory` returns what pyarrow's readers and writers take.
"""

from .. import _extras

if _absent := _extras.absent("pyarrow"):
    raise _extras.missing("parquet", *_absent, what="Parquet encryption (azure.keyvault.keys.parquet)", name=__name__)

from ._kms_client import AzureKmsClient, crypto_factory

__all__ = ["AzureKmsClient", "crypto_factory"]
