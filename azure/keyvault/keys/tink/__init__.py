"""Envelope encryption of data of any size, with Google Tink and a key of the vault (extra ``tink``).

:class:`AzureKmsClient` and :class:`AzureKmsAead` implement Tink's interfaces to a key management service.
:func:`encrypt_stream` and :func:`decrypt_stream` encrypt files in constant memory, and ``python -m
azure.keyvault.keys.tink`` does so from the command line.
"""

from .. import _extras

if _absent := _extras.absent("tink"):
    # Because the error names this module and not the missing one, "python -m" reports it in one line.
    raise _extras.missing("tink", *_absent, what="envelope encryption (azure.keyvault.keys.tink)", name=__name__)

from ._aead import AzureKmsAead
from ._client import AzureKmsClient
from ._data_keys import DataKeys
from ._errors import StreamDecryptionError
from ._streams import decrypt_stream, encrypt_stream

__all__ = [
    "AzureKmsAead",
    "AzureKmsClient",
    "DataKeys",
    "StreamDecryptionError",
    "decrypt_stream",
    "encrypt_stream",
]
