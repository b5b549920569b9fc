"""Keys of vaults by their URI: Tink's KmsClient."""

from __future__ import annotations

from collections.abc import Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Any

import tink

from .._frames import clears_locals
from .._key_cipher import CLOUD_SUFFIXES, CipherRegistry
from ._aead import AzureKmsAead
from ._errors import as_tink_errors

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from typing_extensions import Self

_PREFIX = "azure-kms://"


@clears_locals
class AzureKmsClient(tink.KmsClient):
    """Finds the keys of vaults by their URI: a ``tink.KmsClient``.

    A URI is ``azure-kms://https://HOST/keys/NAME``, optionally followed by ``/VERSION``; ``https://`` may be left out.
    A key whose URI has no version encrypts with the newest one, which is looked up again every 600 seconds
    (``refresh_after``).

    It can be pickled if its credential can, as azure-identity's can: everyone in another process who receives it shares
    one set of connections and one cache there.

    :param credential: provides the tokens: a synchronous credential from azure-identity, or any object with a
        compatible ``get_token``.
    :param allowed_suffixes: the domains (with subdomains) whose vaults are accepted. URIs may be stored with the
        data, so this setting decides which hosts receive tokens. Default: the domains of vaults and Managed HSMs in all
        clouds; None accepts every host.
    :param options: keywords of :class:`~azure.keyvault.keys.crypto.CryptographyClient`.
    :raises ValueError: when there is no credential.
    :raises TypeError: when the credential cannot provide tokens synchronously.
    """

    def __init__(
        self,
        credential: TokenCredential,
        *,
        allowed_suffixes: Iterable[str] | None = CLOUD_SUFFIXES,
        **options: Any,
    ) -> None:
        self._registry = CipherRegistry(credential, allowed_suffixes, options)

    @classmethod
    def _with(cls, registry: CipherRegistry) -> AzureKmsClient:
        """Make an instance that shares its clients with others."""
        client = cls.__new__(cls)
        client._registry = registry
        return client

    def __reduce__(self) -> Any:
        return AzureKmsClient._with, (self._registry,)

    def does_support(self, key_uri: str) -> bool:
        """Return whether a URI identifies a key in one of the allowed vaults.

        :param key_uri: the URI.
        :returns: whether :meth:`get_aead` accepts it.
        """
        try:
            self._registry.check(key_id_of(key_uri))
        except ValueError:
            return False
        return True

    def get_aead(self, key_uri: str) -> AzureKmsAead:
        """Return a key as Tink's Aead. It sends no request.

        :param key_uri: the URI of the key.
        :returns: the key.
        :raises tink.TinkError: when it is not the URI of a key, or the key's vault is not allowed.
        """
        with as_tink_errors():
            return AzureKmsAead._with(self._registry.of(key_id_of(key_uri)))

    def close(self) -> None:
        """Close the connections to the vaults; the keys cannot be used afterwards."""
        self._registry.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        self.close()


def key_id_of(key_uri: str) -> str:
    """Return the identifier in the URI of a key.

    :raises ValueError: when it is not such a URI.
    """
    if not isinstance(key_uri, str) or not key_uri.startswith(_PREFIX):
        raise ValueError(f"{key_uri!r} is not the URI of a key: expected {_PREFIX}https://HOST/keys/NAME[/VERSION]")
    key_id = key_uri.removeprefix(_PREFIX)
    return key_id if "://" in key_id else f"https://{key_id}"
