"""Key-encryption keys for the client-side encryption of azure-storage-blob and azure-storage-queue."""

from __future__ import annotations

from collections.abc import Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from .._display import tolerant
from .._frames import clears_locals
from .._models import KeyVaultKeyIdentifier
from .._shared import parse_key_vault_id
from .._shared.auth.credentials import check_sync_credential
from .._shared.base import wire_of
from .._shared.connection import VaultConnection
from .._shared.fork import ForkLock
from .._shared.pipeline.keywords import check_client
from .._shared.recipe import Recipe, make, read, recipe_of
from ._client import CryptographyClient
from ._decision import Execution
from ._enums import KeyWrapAlgorithm
from ._local.algorithms import key_wrap

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from typing_extensions import Self, Unpack

    from .._shared import ApiVersion
    from .._shared.pipeline.keywords import ClientKeywords

# The number of keys that a resolver keeps. Stored data may contain any number of identifiers.
_MAX_KEYS = 1000


@clears_locals
class KeyEncryptionKey:
    """A key that wraps the content keys of azure-storage: the ``key_encryption_key`` of its clients.

    It wraps and unwraps as :meth:`CryptographyClient.wrap_key` and :meth:`CryptographyClient.unwrap_key` do.

    The asyncio clients of azure-storage accept the same object and call it synchronously.

    :param client: the client of the key. A key whose identifier has no version is fetched now, because azure-storage
        must be given the version. A client made with ``from_jwk`` needs a JWK with a ``kid``.
    :param algorithm: how to wrap.
    :raises TypeError: when the client is not a synchronous CryptographyClient.
    :raises ValueError: when the algorithm does not wrap keys, or the key has no identifier with a version.
    :raises ~azure.core.exceptions.HttpResponseError: when the key cannot be fetched.
    """

    def __init__(self, client: CryptographyClient, algorithm: KeyWrapAlgorithm | str) -> None:
        if not isinstance(client, CryptographyClient):
            raise TypeError(f"'client' must be a (synchronous) CryptographyClient, not {type(client).__name__}")
        self._algorithm = key_wrap(algorithm).name
        # Callers that store a wrapped key ask for the identifier afterwards: both must refer to the same version.
        self._client = client._pinned({})[0] if _is_got(client) else client
        self._id = _stable_id(self._client)

    @classmethod
    def _known_as(cls, key_id: str, client: CryptographyClient, algorithm: str) -> KeyEncryptionKey:
        """Make the key for an identifier that azure-storage has stored and will compare."""
        key = cls.__new__(cls)
        key._algorithm, key._client, key._id = algorithm, client, key_id
        return key

    def __reduce__(self) -> Any:
        return KeyEncryptionKey._known_as, (self._id, self._client._of_known_version(), self._algorithm)

    @tolerant
    def __repr__(self) -> str:
        return f"KeyEncryptionKey({self._id!r}, {self._algorithm!r})"

    def wrap_key(self, key: bytes) -> bytes:
        """Wrap a content key.

        :param key: the content key.
        :returns: the wrapped key.
        :raises ValueError: when the key does not allow wrapping (at this time).
        :raises NotImplementedError: when the operation may run only in this process, and cannot.
        :raises ~azure.core.exceptions.HttpResponseError: when the vault rejects the request.
        """
        return self._client.wrap_key(self._algorithm, key).encrypted_key

    def unwrap_key(self, key: bytes, algorithm: str) -> bytes:
        """Unwrap a content key.

        :param key: the wrapped key.
        :param algorithm: how it was wrapped, as stored along with it.
        :returns: the content key.
        :raises ValueError: when the algorithm is not one that wraps keys, does not fit the key, or the key cannot be
            unwrapped.
        :raises NotImplementedError: when the operation may run only in this process, and cannot.
        :raises ~azure.core.exceptions.HttpResponseError: when the vault rejects the request, or cannot unwrap the key.
        """
        return self._client.unwrap_key(algorithm, key).key

    def get_kid(self) -> str:
        """Return the identifier of the key, with its version; it never changes."""
        return self._id

    def get_key_wrap_algorithm(self) -> str:
        """Return the name of the algorithm that :meth:`wrap_key` uses."""
        return self._algorithm


@clears_locals
class KeyResolver:
    """Finds the key for an identifier that azure-storage has stored: the ``key_resolver_function`` of its clients.

    It is called with the identifier of a key, and returns the same :class:`KeyEncryptionKey` for the same identifier,
    among the last 1,000. Clients of one vault share their connections, which close with the resolver or with the last
    key of their vault. Symmetric keys that are stored as secrets (``/secrets/``) are rejected.

    :param credential: provides the tokens; see :class:`CryptographyClient`.
    :param algorithm: the wrapping algorithm. It is needed only for wrapping: stored data names the algorithm to unwrap
        with.
    :param allowed_suffixes: the domains whose vaults are accepted, such as ``["vault.azure.net"]``. Identifiers are
        stored with the data: without this setting, anyone who can write there chooses which host receives requests.
        Default: all hosts.
    :param execution: where operations run; see :class:`CryptographyClient`.
    :param api_version: the version of the REST API. Default: the newest stable one.
    :param kwargs: azure-core's options of a client.
    :raises ValueError: when there is no credential, or the algorithm does not wrap keys.
    :raises TypeError: when the credential cannot give tokens, or only asynchronously; or for an unknown keyword.
    """

    def __init__(
        self,
        credential: TokenCredential,
        *,
        algorithm: KeyWrapAlgorithm | str = KeyWrapAlgorithm.rsa_oaep_256,
        allowed_suffixes: Iterable[str] | None = None,
        execution: Execution = "auto",
        api_version: ApiVersion | str | None = None,
        **kwargs: Unpack[ClientKeywords],
    ) -> None:
        check_client("KeyResolver", kwargs)
        check_sync_credential(credential)
        self._credential = credential
        self._algorithm = key_wrap(algorithm).name
        self._suffixes = None if allowed_suffixes is None else tuple(allowed_suffixes)
        self._execution: Execution = execution
        self._api_version = api_version
        self._settings = kwargs
        self._is_shared = False
        self._keys: dict[str, KeyEncryptionKey] = {}
        self._connections: WeakValueDictionary[str, VaultConnection] = WeakValueDictionary()
        self._lock = ForkLock()

    @tolerant
    def __repr__(self) -> str:
        vaults = "all vaults" if self._suffixes is None else f"vaults of {', '.join(self._suffixes)}"
        return f"<{type(self).__name__} [{vaults}] {self._algorithm}>"

    def __reduce__(self) -> Any:
        version = getattr(self._api_version, "value", self._api_version)
        recipe = recipe_of(
            "this KeyResolver",
            self._credential,
            options=self._settings,
            of_keys={
                "algorithm": self._algorithm,
                "allowed_suffixes": self._suffixes,
                "execution": self._execution,
                "api_version": version,
            },
        )
        return make, (type(self), recipe)

    @classmethod
    def _of_recipe(cls, recipe: Recipe) -> Self:
        parts = read(recipe)
        resolver = cls(parts["credential"], **parts["of_keys"], **parts["options"])
        resolver._is_shared = True
        return resolver

    def __call__(self, key_id: str) -> KeyEncryptionKey:
        """Return the key.

        :param key_id: its identifier.
        :returns: the key, which is fetched when it is used.
        :raises ValueError: when it is not the identifier of a key, or the key's vault is not allowed.
        """
        with self._lock.current:
            key = self._keys.pop(key_id, None)
            if key is None:
                client = CryptographyClient._within(
                    self._connection_for(key_id), key_id, None, execution=self._execution
                )
                key = KeyEncryptionKey._known_as(key_id, client, self._algorithm)
            self._keys[key_id] = key  # the least recently used one is dropped first
            if len(self._keys) > _MAX_KEYS:
                del self._keys[next(iter(self._keys))]
            return key

    def _connection_for(self, key_id: str) -> VaultConnection:
        identifier = parse_key_vault_id(key_id)
        if identifier.collection.lower() == "secrets":
            raise ValueError(
                f"'{key_id}' is the ID of a secret. Symmetric keys that are kept as secrets are not supported: get the "
                "secret and make a KeyEncryptionKey of CryptographyClient.from_jwk"
            )
        if KeyVaultKeyIdentifier.try_parse(key_id, allowed_suffixes=self._suffixes) is None:
            raise ValueError(f"'{key_id}' is not the ID of a key in one of the allowed vaults")
        vault = identifier.vault_url.lower()
        connection = self._connections.get(vault)
        if connection is None:
            verify = bool(self._settings.get("verify_challenge_resource", True))
            config = self._settings.get("config")
            wire = wire_of(identifier.vault_url, self._api_version, verify=verify, config=config)
            connection = VaultConnection(wire, self._credential, prepared=False, **self._settings)
            self._connections[vault] = connection
        return connection

    def close(self) -> None:
        """Close the connections to the vaults; the keys cannot be used afterwards."""
        if self._is_shared:  # by everybody in the process who was sent it
            return
        with self._lock.current:
            for connection in list(self._connections.values()):
                connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        self.close()


def _is_got(client: CryptographyClient) -> bool:
    """Whether a key must be fetched to know its version."""
    state = client._state
    return client._refresh is not None or (state.identifier is not None and not state.version)


def _stable_id(client: CryptographyClient) -> str:
    """Return an identifier that stays the same when the key is rotated."""
    state = client._state
    if not state.key_id or (state.identifier is not None and not state.version):
        raise ValueError(
            "A key-encryption key needs an identifier that stays the same: give the client a key identifier with its "
            "version, as the newest one may not be read (permission keys/get, execution), or a JWK with its 'kid'"
        )
    return state.key_id
