"""What every asyncio client has: an address, a credential, a connection."""

from __future__ import annotations

from collections.abc import Awaitable
from types import TracebackType
from typing import TYPE_CHECKING, Any

from .._display import tolerant
from .._frames import clears_locals
from .connection_async import AsyncVaultConnection
from .pipeline.keywords import checked
from .recipe import reduced

if TYPE_CHECKING:
    from azure.core.rest import AsyncHttpResponse, HttpRequest
    from typing_extensions import Self, Unpack

    from .pipeline.keywords import CallKeywords


@clears_locals
class AsyncKeyVaultClientBase:
    """An asyncio client.

    :param connection: the vault it talks to; None for a client that sends no requests.
    :param owned: whether closing the client closes the connection.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if cls.__module__.startswith(__name__.partition("._shared")[0]):  # a caller's own class is the caller's
            clears_locals(cls)

    def __init__(self, connection: AsyncVaultConnection | None, *, owned: bool = True) -> None:
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
        AsyncKeyVaultClientBase.__init__(client, AsyncVaultConnection.of_recipe(recipe))
        return client

    @property
    def _connection(self) -> AsyncVaultConnection:
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
    ) -> Awaitable[AsyncHttpResponse]:
        """Send a request of your own through the client's pipeline: authentication, retries and logging included.

        :param request: the request. A relative URL is resolved against the vault's, and the API version is added if the
            URL has none.
        :param stream: whether to leave the body of the response unread.
        :returns: the response, whatever its status: call its ``raise_for_status`` to raise an error status.
        :raises ValueError: when the URL points outside the vault.
        """
        return self._connection.send_request(request, stream=stream, **kwargs)

    async def close(self) -> None:
        """Close the client's connections. The client cannot send requests afterwards; closing it twice is harmless."""
        if self._owned and self._vault is not None:
            await self._vault.close()

    async def __aenter__(self) -> Self:
        if self._owned and self._vault is not None:
            await self._vault.open()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        await self.close()
