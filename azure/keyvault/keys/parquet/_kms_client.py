"""Keys of the vault as the master keys of Parquet modular encryption."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from pyarrow.parquet import encryption

from .._key_cipher import CLOUD_SUFFIXES, KeyCipher, KeyCiphers
from .._shared.recipe import Recipe, make
from .._shared.wire.identifiers import parse_vault_url

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential


class AzureKmsClient(encryption.KmsClient):
    """Wraps and unwraps the keys of Parquet files with keys of a vault: a ``pyarrow.parquet.encryption.KmsClient``.

    A master key is ``NAME`` or ``NAME/VERSION`` of the vault in ``kms_instance_url``. Without a version, the newest one
    wraps; it is looked up again every 600 seconds (``refresh_after``). What is wrapped names the version that did it,
    so files stay readable after the key was rotated.

    :param config: pyarrow's connection to a key management service; its ``kms_instance_url`` is the vault's URL.
    :param credential: gives the tokens: a synchronous one of azure-identity, or any object with their ``get_token``.
    :param allowed_suffixes: domains whose vaults are accepted, along with their subdomains. pyarrow takes the vault's
        URL from the file when it is told to (``read_kms_url``), and this decides who is sent tokens. Default: those of
        vaults and Managed HSMs in all clouds; None for every host.
    :param options: keywords of :class:`~azure.keyvault.keys.crypto.CryptographyClient`.
    :raises ValueError: when there is no credential, or ``kms_instance_url`` is not the URL of a vault.
    :raises TypeError: when the credential cannot provide tokens synchronously.
    """

    def __init__(
        self,
        config: encryption.KmsConnectionConfig,
        credential: TokenCredential,
        *,
        allowed_suffixes: Iterable[str] | None = CLOUD_SUFFIXES,
        **options: Any,
    ) -> None:
        super().__init__()
        self._use(config, KeyCiphers(credential, allowed_suffixes, options))

    @classmethod
    def _with(cls, config: encryption.KmsConnectionConfig, ciphers: KeyCiphers) -> AzureKmsClient:
        """Make one that shares its clients of vaults with others."""
        client = cls.__new__(cls)
        encryption.KmsClient.__init__(client)
        client._use(config, ciphers)
        return client

    def _use(self, config: encryption.KmsConnectionConfig, ciphers: KeyCiphers) -> None:
        url = config.kms_instance_url
        if url in ("", "DEFAULT"):  # what pyarrow has in place of none
            raise ValueError(
                "kms_instance_url must be the URL of the vault, as https://<vault name>.vault.azure.net. To read, give "
                "it as well, or have it read from the file with DecryptionConfiguration(read_kms_url=True)"
            )
        self._vault_url = parse_vault_url(url)
        self._ciphers = ciphers

    def wrap_key(self, key_bytes: bytes, master_key_identifier: str) -> str:
        """Wrap a key; with an RSA key, in this process.

        :param key_bytes: the key.
        :param master_key_identifier: ``NAME`` or ``NAME/VERSION`` of the key that wraps.
        :returns: the wrapped key, in base64.
        :raises ValueError: when there can be no such master key, or it does not allow wrapping (at this time).
        :raises ~azure.core.exceptions.HttpResponseError: when the vault rejects the request.
        """
        return base64.b64encode(self._cipher(master_key_identifier).encrypt(key_bytes, b"")).decode("ascii")

    def unwrap_key(self, wrapped_key: str | bytes, master_key_identifier: str) -> bytes:
        """Unwrap a key, with the version that wrapped it.

        :param wrapped_key: what :meth:`wrap_key` returned.
        :param master_key_identifier: the name of the key, with or without a version.
        :returns: the key.
        :raises ValueError: when there can be no such master key, or the wrapped key is damaged.
        :raises ~azure.core.exceptions.HttpResponseError: when the vault rejects the request.
        """
        try:
            wrapped = base64.b64decode(wrapped_key, validate=True)
        except (binascii.Error, ValueError):
            raise ValueError("the wrapped key is not base64 text of this library's making") from None
        return self._cipher(master_key_identifier).decrypt(wrapped, b"")

    def _cipher(self, master_key: str) -> KeyCipher:
        if not master_key or master_key.count("/") > 1:
            raise ValueError(f"{master_key!r} is not a master key: expected NAME or NAME/VERSION of a key in the vault")
        return self._ciphers.of(f"{self._vault_url}/keys/{master_key}")


class _AzureCryptoFactory(encryption.CryptoFactory):
    """A factory whose clients share their connections."""

    def __init__(self, ciphers: KeyCiphers) -> None:
        super().__init__(lambda config: AzureKmsClient._with(config, ciphers))
        self._ciphers = ciphers

    def __reduce__(self) -> Any:
        return make, (type(self), Recipe(ciphers=self._ciphers))

    @classmethod
    def _of_recipe(cls, recipe: Recipe) -> _AzureCryptoFactory:
        return cls(recipe.parts["ciphers"])


def crypto_factory(
    credential: TokenCredential, *, allowed_suffixes: Iterable[str] | None = CLOUD_SUFFIXES, **options: Any
) -> encryption.CryptoFactory:
    """Return what makes the encryption and decryption properties of Parquet files, with keys of a vault.

    Use one for all files of a process: it keeps the keys that it has unwrapped for pyarrow's ``cache_lifetime``. It can
    be pickled if its credential can, as those of azure-identity: all tasks that are sent it in another process share
    one factory there.

    :param credential: gives the tokens: a synchronous one of azure-identity, or any object with their ``get_token``.
    :param allowed_suffixes: domains whose vaults are accepted, see :class:`AzureKmsClient`.
    :param options: keywords of :class:`~azure.keyvault.keys.crypto.CryptographyClient`.
    :returns: the factory. Its clients take the vault's URL from ``KmsConnectionConfig(kms_instance_url=...)``.
    :raises ValueError: when there is no credential.
    :raises TypeError: when the credential cannot provide tokens synchronously.
    """
    return _AzureCryptoFactory(KeyCiphers(credential, allowed_suffixes, options))
