"""Credentials that return the emulator's tokens without a request, for clients in the same process."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import TYPE_CHECKING, Any

from azure.core.credentials import AccessToken, AccessTokenInfo

from .remote import TokenPlace, authority_of
from .tokens import Token, TokenAuthority

if TYPE_CHECKING:
    from azure.core.credentials import TokenRequestOptions


class EmulatorCredential:
    """A token credential for synchronous clients: ``vault.credential``. It makes no requests.

    A pickled credential tells another process how to ask the emulator for tokens: its address, the secret of its
    identity endpoint and the certificate of its authority. It contains no token and no private key.
    """

    def __init__(self, authority: TokenAuthority | None, place: TokenPlace) -> None:
        self._authority = authority
        self._place = place

    def __reduce__(self) -> tuple[Any, ...]:
        return _arrived, (type(self), self._place)

    def _issue(self, scopes: tuple[str, ...], claims: str | None) -> Token:
        if len(scopes) != 1:
            raise ValueError("exactly one scope is needed")
        audience = scopes[0].removesuffix("/.default")
        if self._authority is None:
            return self._place.issue(audience, claims)
        return self._authority.issue(audience, self._authority.tenant, claims)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of an emulated vault>"

    def get_token(
        self,
        *scopes: str,
        claims: str | None = None,
        tenant_id: str | None = None,
        enable_cae: bool = False,
        **kwargs: Any,
    ) -> AccessToken:
        """Return a new token.

        :param scopes: one scope: a resource followed by ``/.default``.
        :param claims: demanded claims, recorded in ``vault.token_requests``.
        :param tenant_id: has no effect.
        :param enable_cae: has no effect.
        :returns: the token.
        :raises ValueError: unless there is exactly one scope.
        """
        token = self._issue(scopes, claims)
        return AccessToken(token.text, token.expires_on)

    def get_token_info(self, *scopes: str, options: TokenRequestOptions | None = None) -> AccessTokenInfo:
        """Return a new token with its details.

        :param scopes: one scope: a resource followed by ``/.default``.
        :param options: demanded ``claims``, recorded in ``vault.token_requests``; the rest has no effect.
        :returns: the token.
        :raises ValueError: unless there is exactly one scope.
        """
        token = self._issue(scopes, (options or {}).get("claims"))
        return AccessTokenInfo(token.text, token.expires_on)

    def close(self) -> None:
        """Release nothing."""

    def __enter__(self) -> EmulatorCredential:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


class AsyncEmulatorCredential:
    """A token credential for asynchronous clients: ``vault.async_credential``. It makes no requests.

    It can be pickled like :class:`EmulatorCredential`. In another process, it asks the emulator from a thread.
    """

    def __init__(self, authority: TokenAuthority | None, place: TokenPlace) -> None:
        self._credential = EmulatorCredential(authority, place)

    def __reduce__(self) -> tuple[Any, ...]:
        return _arrived, (type(self), self._credential._place)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of an emulated vault>"

    async def get_token(
        self,
        *scopes: str,
        claims: str | None = None,
        tenant_id: str | None = None,
        enable_cae: bool = False,
        **kwargs: Any,
    ) -> AccessToken:
        """Return a new token.

        :param scopes: one scope: a resource followed by ``/.default``.
        :param claims: demanded claims, recorded in ``vault.token_requests``.
        :param tenant_id: has no effect.
        :param enable_cae: has no effect.
        :returns: the token.
        :raises ValueError: unless there is exactly one scope.
        """
        if self._credential._authority is not None:
            return self._credential.get_token(*scopes, claims=claims)
        return await asyncio.to_thread(self._credential.get_token, *scopes, claims=claims)

    async def get_token_info(self, *scopes: str, options: TokenRequestOptions | None = None) -> AccessTokenInfo:
        """Return a new token with its details.

        :param scopes: one scope: a resource followed by ``/.default``.
        :param options: demanded ``claims``, recorded in ``vault.token_requests``; the rest has no effect.
        :returns: the token.
        :raises ValueError: unless there is exactly one scope.
        """
        if self._credential._authority is not None:
            return self._credential.get_token_info(*scopes, options=options)
        return await asyncio.to_thread(self._credential.get_token_info, *scopes, options=options)

    async def close(self) -> None:
        """Release nothing."""

    async def __aenter__(self) -> AsyncEmulatorCredential:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        await self.close()


def _arrived(kind: type[EmulatorCredential | AsyncEmulatorCredential], place: TokenPlace) -> Any:
    """Recreate a credential in the process that it was sent to."""
    return kind(authority_of(place), place)
