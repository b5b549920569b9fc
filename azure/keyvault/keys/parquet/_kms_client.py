"""Keys of the vault as the master keys of Parquet modular encryption."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from pyarrow.parquet import encryption

from .._frames import clears_locals
from .._key_cipher import CLOUD_SUFFIXES, CipherRegistry, KeyCipher
from .._shared.recipe import Recipe, make
from .._shared.wire.identifiers import parse_vault_url

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential


@clears_locals
class AzureKmsClient(encryption.KmsClient):
    """Wraps and unwraps the keys of Parquet files with keys in a vault: a ``pyarrow.parquet.encryption.KmsClient``.

    A master key is the ``NAME`` or ``NAME/VERSION`` of a key in the vault at ``kms_instance_url``. Without a version,
    the newest one wraps; it is looked up again every 600 seconds (``refresh_after``). A wrapped key names the version
    that wrapped it, so files stay readable after the key is rotated.

    :param config: pyarrow's connection to a key management service; its ``kms_instance_url`` is the vault's URL.
    :param credential: provides the tokens: a synchronous credential from azure-identity, or any object with a
        compatible ``get_token``.
    :param allowed_suffixes: the domains (with subdomains) whose vaults are accepted. With ``read_kms_url``, pyarrow
        takes the vault's URL from the file, so this setting decides which hosts receive tokens. Default: the domains of
        vaults and Managed HSMs in all clouds; None accepts every host.
    :param options: keywords of :class:`~azure.keyvault.keys.crypto.CryptographyClient`.
    :raises ValueError: when there is no credential, or ``kms_instance_url`` is not a vault URL.
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
        self._use(config, CipherRegistry(credential, allowed_suffixes, options))

    @classmethod
    def _with(cls, config: encryption.KmsConnectionConfig, registry: CipherRegistry) -> AzureKmsClient:
        """Make an instance that shares its clients with others."""
        client = cls.__new__(cls)
        encryption.KmsClient.__init__(client)
        client._use(config, registry)
        return client

    def _use(self, config: encryption.KmsConnectionConfig, registry: CipherRegistry) -> None:
        url = config.kms_instance_url
        if url in ("", "DEFAULT"):  # pyarrow's placeholder for a missing URL
            raise ValueError(
                "kms_instance_url must be the URL of the vault, as https://<vault name>.vault.azure.net. To read, give "
                "it as well, or have it read from the file with DecryptionConfiguration(read_kms_url=True)"
            )
        self._vault_url = parse_vault_url(url)
        self._registry = registry

    def wrap_key(self, key_bytes: bytes, master_key_identifier: str) -> str:
        """Wrap a key; an RSA key does it in this process.

        :param key_bytes: the key.
        :param master_key_identifier: ``NAME`` or ``NAME/VERSION`` of the key that wraps.
        :returns: the wrapped key, in base64.
        :raises ValueError: when the master key's identifier is malformed, or the key does not allow wrapping (at this
            time).
        :raises ~azure.core.exceptions.HttpResponseError: when the vault rejects the request.
        """
        return base64.b64encode(self._cipher(master_key_identifier).encrypt(key_bytes, b"")).decode("ascii")

    def unwrap_key(self, wrapped_key: str | bytes, master_key_identifier: str) -> bytes:
        """Unwrap a key, with the version that wrapped it.

        :param wrapped_key: what :meth:`wrap_key` returned.
        :param master_key_identifier: the name of the key, with or without a version.
        :returns: the key.
        :raises ValueError: when the master key's identifier is malformed, or the wrapped key is damaged.
        :raises ~azure.core.exceptions.HttpResponseError: when the vault rejects the request.
        """
        try:
            wrapped = base64.b64decode(wrapped_key, validate=True)
        except (binascii.Error, ValueError):
            raise ValueError("the wrapped key is not base64 text that this library produced") from None
        return self._cipher(master_key_identifier).decrypt(wrapped, b"")

    def _cipher(self, master_key: str) -> KeyCipher:
        if not master_key or master_key.count("/") > 1:
            raise ValueError(f"{master_key!r} is not a master key: expected NAME or NAME/VERSION of a key in the vault")
        return self._registry.of(f"{self._vault_url}/keys/{master_key}")


class _AzureCryptoFactory(encryption.CryptoFactory):
    """A factory whose clients share their connections."""

    def __init__(self, registry: CipherRegistry) -> None:
        super().__init__(lambda config: AzureKmsClient._with(config, registry))
        self._registry = registry

    def __reduce__(self) -> Any:
        return make, (type(self), Recipe(registry=self._registry))

    @classmethod
    def _of_recipe(cls, recipe: Recipe) -> _AzureCryptoFactory:
        return cls(recipe.parts["registry"])


def crypto_factory(
    credential: TokenCredential, *, allowed_suffixes: Iterable[str] | None = CLOUD_SUFFIXES, **options: Any
) -> encryption.CryptoFactory:
    """Return a factory of encryption and decryption properties for Parquet files, with keys in a vault.

    Use one factory for all files of a process: it caches unwrapped keys for pyarrow's ``cache_lifetime``. It can be
    pickled if its credential can, as azure-identity's can: all tasks in another process that receive it share one
    factory there.

    :param credential: provides the tokens: a synchronous credential from azure-identity, or any object with a
        compatible ``get_token``.
    :param allowed_suffixes: domains whose vaults are accepted, see :class:`AzureKmsClient`.
    :param options: keywords of :class:`~azure.keyvault.keys.crypto.CryptographyClient`.
    :returns: the factory. Its clients take the vault's URL from ``KmsConnectionConfig(kms_instance_url=...)``.
    :raises ValueError: when there is no credential.
    :raises TypeError: when the credential cannot provide tokens synchronously.
    """
    return _AzureCryptoFactory(CipherRegistry(credential, allowed_suffixes, options))
