"""Finds the cipher of a key by its identifier, which may come from an untrusted source."""

from __future__ import annotations

import weakref
from collections import OrderedDict
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from .._models import KeyVaultKeyIdentifier
from .._shared.auth.credentials import check_sync_credential
from .._shared.fork import ForkLock
from .._shared.recipe import Recipe, make, read, recipe_of
from .._shared.wire.identifiers import canonical_host, origin_of
from ..crypto import CryptographyClient
from .cipher import KeyCipher

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

#: The domains of vaults and Managed HSMs in all clouds.
CLOUD_SUFFIXES = (
    "vault.azure.net",
    "managedhsm.azure.net",
    "vault.azure.cn",
    "managedhsm.azure.cn",
    "vault.usgovcloudapi.net",
    "managedhsm.usgovcloudapi.net",
    "vault.microsoftazure.de",
    "managedhsm.microsoftazure.de",
)
#: For how many seconds a client without a pinned version uses the newest version that it knows.
REFRESH_AFTER = 600.0

# The maximum number of clients that are kept, however many keys the data names.
_MOST_KEYS = 64


def allowed_key_id(key_id: str, allowed_suffixes: Iterable[str] | None) -> str:
    """Return the identifier of a key in one of the allowed vaults, in its plain form.

    :param allowed_suffixes: domains that are allowed, along with their subdomains; None for all.
    :raises ValueError: when it is not the identifier of a key, not https, or names a vault that is not allowed.
    """
    identifier = KeyVaultKeyIdentifier.try_parse(key_id)
    if identifier is None or identifier._id.collection.lower() != "keys":
        raise ValueError(f"{key_id!r} is not the identifier of a key: expected https://HOST/keys/NAME[/VERSION]")
    host = origin_of(identifier.vault_url).host
    if allowed_suffixes is not None:
        suffixes = [canonical_host(suffix.strip(".")) for suffix in allowed_suffixes]
        if not any(host == suffix or host.endswith(f".{suffix}") for suffix in suffixes):
            raise ValueError(f"the vault {host} is not in one of the allowed domains: {', '.join(suffixes) or 'none'}")
    version = f"/{identifier.version}" if identifier.version else ""
    return f"{identifier.vault_url}/keys/{identifier.name}{version}"


class CipherRegistry:
    """Finds ciphers by key identifiers that may come from an untrusted source. Only allowed vaults are used.

    :param credential: provides the tokens.
    :param allowed_suffixes: domains whose vaults are accepted, along with their subdomains; None for every host.
    :param options: keywords of :class:`CryptographyClient`.
    :raises ValueError: when there is no credential.
    :raises TypeError: when the credential cannot give tokens, or only asynchronously, or the domains are a string.
    """

    def __init__(
        self, credential: TokenCredential, allowed_suffixes: Iterable[str] | None, options: dict[str, Any]
    ) -> None:
        check_sync_credential(credential)
        if isinstance(allowed_suffixes, str):
            raise TypeError("allowed_suffixes must be a list of domains, such as ['vault.azure.net'], not a string")
        self._credential = credential
        self._suffixes = None if allowed_suffixes is None else tuple(allowed_suffixes)
        self._options = options
        self._is_shared = False
        self._recipe: Recipe | None = None
        self._ciphers: OrderedDict[str, KeyCipher] = OrderedDict()
        self._lock = ForkLock()

    def __reduce__(self) -> Any:
        if self._recipe is None:  # made once, because a credential may change when it is used
            self._recipe = recipe_of(
                "what finds keys of vaults", self._credential, options=self._options, suffixes=self._suffixes
            )
        return make, (type(self), self._recipe)

    @classmethod
    def _of_recipe(cls, recipe: Recipe) -> CipherRegistry:
        parts = read(recipe)
        registry = cls(parts["credential"], parts["suffixes"], parts["options"])
        registry._is_shared, registry._recipe = True, recipe
        return registry

    def check(self, key_id: str) -> str:
        """Return the identifier of a key in one of the allowed vaults, in its plain form.

        :raises ValueError: when it is not the identifier of a key, or names a vault that is not allowed.
        """
        return allowed_key_id(key_id, self._suffixes)

    def of(self, key_id: str) -> KeyCipher:
        """Return the cipher of a key: the same one for the same identifier. It sends no request.

        :raises ValueError: as :meth:`check` does.
        """
        key_id = self.check(key_id)
        with self._lock.current:
            if key_id not in self._ciphers:
                cipher = self._ciphers[key_id] = KeyCipher(self._client_of(key_id))
                # Only the cipher uses the client, so its connections close when the cipher is no longer used.
                weakref.finalize(cipher, cipher.client.close)
            self._ciphers.move_to_end(key_id)
            while len(self._ciphers) > _MOST_KEYS:
                self._ciphers.popitem(last=False)
            return self._ciphers[key_id]

    def _client_of(self, key_id: str) -> CryptographyClient:
        options = self._options
        if KeyVaultKeyIdentifier(key_id).version is None:
            options = {"refresh_after": REFRESH_AFTER, **options}
        else:
            options = {name: value for name, value in options.items() if name != "refresh_after"}
        return CryptographyClient(key_id, self._credential, **options)

    def close(self) -> None:
        """Close the connections to the vaults, unless the whole process shares them."""
        if self._is_shared:
            return
        with self._lock.current:
            for cipher in self._ciphers.values():
                cipher.client.close()
            self._ciphers.clear()
