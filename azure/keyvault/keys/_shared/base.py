"""What every synchronous client has: an address, a credential, a connection."""

from __future__ import annotations

from functools import lru_cache
from types import TracebackType
from typing import TYPE_CHECKING, Any

from .._display import tolerant
from .._frames import clears_locals
from .connection import VaultConnection
from .pipeline.keywords import checked
from .recipe import reduced
from .wire.api_versions import DEFAULT_VERSION
from .wire.identifiers import parse_vault_url
from .wire.translation import Wire

if TYPE_CHECKING:
    from azure.core.rest import HttpRequest, HttpResponse
    from typing_extensions import Self, Unpack

    from .pipeline.keywords import CallKeywords


def wire_of(vault_url: str, api_version: Any, *, verify: bool = True, config: Any = None) -> Wire:
    """Return how to talk to a vault, from the arguments of a client.

    :param verify: whether the vault's challenges must match its address. Otherwise its responses may also use a
        different address.
    :param config: the client's policies; their own setting takes precedence over ``verify``.
    :raises ValueError: when the URL is not a vault URL.
    :raises TypeError: when an argument is not text.
    """
    version = getattr(api_version, "value", api_version) if api_version is not None else DEFAULT_VERSION.value
    if not isinstance(version, str):
        raise TypeError(f"api_version must be an ApiVersion or text, not {type(api_version).__name__}")
    if not version:
        raise ValueError("api_version must be an ApiVersion or its string; leave it out for the default")
    if not isinstance(vault_url, str):
        parse_vault_url(vault_url)  # says what is wrong with it
    verify = getattr(getattr(config, "authentication_policy", None), "verify_challenge_resource", verify)
    return _wire(vault_url, version, not verify)


@lru_cache(maxsize=64)
def _wire(vault_url: str, version: str, aliased: bool) -> Wire:
    """Check a vault's address once, however many clients are created for it."""
    return Wire(parse_vault_url(vault_url), version, aliased=aliased)


@clears_locals
class KeyVaultClientBase:
    """A synchronous client.

    :param connection: the vault it talks to; None for a client that sends no requests.
    :param owned: whether closing the client closes the connection.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if cls.__module__.startswith(__name__.partition("._shared")[0]):  # a caller's own class is the caller's
            clears_locals(cls)

    def __init__(self, connection: VaultConnection | None, *, owned: bool = True) -> None:
        self._vault = connection
        self._owned = owned

    @tolerant
    def __repr__(self) -> str:
        return f"<{type(self).__name__} [{self.vault_url}]>"

    def __reduce__(self) -> Any:
        return reduced(self)

    # One client serves any number of users, so it is its own copy.
    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def _to_recipe(self) -> Any:
        """Return what another process needs to recreate the client."""
        return self._connection.recipe()

    @classmethod
    def _of_recipe(cls, recipe: Any) -> Self:
        """Recreate the client that a recipe describes. The process shares its connection."""
        client = cls.__new__(cls)
        KeyVaultClientBase.__init__(client, VaultConnection.of_recipe(recipe))
        return client

    @property
    def _connection(self) -> VaultConnection:
        if self._vault is None:
            raise ValueError("The key of this client is not in a vault, so the client sends no requests")
        return self._vault

    @property
    def vault_url(self) -> str:
        """The URL of the vault."""
        return self._connection.wire.vault_url

    @property
    def api_version(self) -> str:
        """The version of the REST API that the client uses.

        :raises ValueError: for a client that was made with ``from_jwk``, which sends no requests.
        """
        return self._connection.wire.api_version

    @checked
    def send_request(
        self, request: HttpRequest, *, stream: bool = False, **kwargs: Unpack[CallKeywords]
    ) -> HttpResponse:
        """Send a request of your own through the client's pipeline: authentication, retries and logging included.

        :param request: the request. A relative URL is resolved against the vault's, and the API version is added if the
            URL has none.
        :param stream: whether to leave the body of the response unread.
        :returns: the response, whatever its status: call its ``raise_for_status`` to raise an error status.
        :raises ValueError: when the URL points outside the vault.
        """
        return self._connection.send_request(request, stream=stream, **kwargs)

    def close(self) -> None:
        """Close the client's connections. The client cannot send requests afterwards; closing it twice is harmless."""
        if self._owned and self._vault is not None:
            self._vault.close()

    def __enter__(self) -> Self:
        if self._owned and self._vault is not None:
            self._vault.open()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        self.close()
