"""Credentials that hand out the emulator's tokens without a request, for clients in the same process."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Any

from azure.core.credentials import AccessToken, AccessTokenInfo

from .tokens import Token, TokenAuthority

if TYPE_CHECKING:
    from azure.core.credentials import TokenRequestOptions


def _issue(authority: TokenAuthority, scopes: tuple[str, ...], claims: str | None) -> Token:
    if len(scopes) != 1:
        raise ValueError("exactly one scope is needed")
    return authority.issue(scopes[0].removesuffix("/.default"), authority.tenant, claims)


class EmulatorCredential:
    """A token credential for synchronous clients: ``vault.credential``. It makes no requests."""

    def __init__(self, authority: TokenAuthority) -> None:
        self._authority = authority

    def get_token(
        self,
        *scopes: str,
        claims: str | None = None,
        tenant_id: str | None = None,
        enable_cae: bool = False,
        **kwargs: Any,
    ) -> AccessToken:
        """Return a new token.

        :param scopes: one scope, a resource and ``/.default``.
        :param claims: demanded claims, recorded in ``vault.token_requests``.
        :param tenant_id: has no effect.
        :param enable_cae: has no effect.
        :returns: the token.
        :raises ValueError: unless there is exactly one scope.
        """
        token = _issue(self._authority, scopes, claims)
        return AccessToken(token.text, token.expires_on)

    def get_token_info(self, *scopes: str, options: TokenRequestOptions | None = None) -> AccessTokenInfo:
        """Return a new token with its details.

        :param scopes: one scope, a resource and ``/.default``.
        :param options: demanded ``claims``, recorded in ``vault.token_requests``; the rest has no effect.
        :returns: the token.
        :raises ValueError: unless there is exactly one scope.
        """
        token = _issue(self._authority, scopes, (options or {}).get("claims"))
        return AccessTokenInfo(token.text, token.expires_on)

    def close(self) -> None:
        """Release nothing."""

    def __enter__(self) -> EmulatorCredential:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


class AsyncEmulatorCredential:
    """A token credential for asynchronous clients: ``vault.async_credential``. It makes no requests."""

    def __init__(self, authority: TokenAuthority) -> None:
        self._credential = EmulatorCredential(authority)

    async def get_token(
        self,
        *scopes: str,
        claims: str | None = None,
        tenant_id: str | None = None,
        enable_cae: bool = False,
        **kwargs: Any,
    ) -> AccessToken:
        """Return a new token.

        :param scopes: one scope, a resource and ``/.default``.
        :param claims: demanded claims, recorded in ``vault.token_requests``.
        :param tenant_id: has no effect.
        :param enable_cae: has no effect.
        :returns: the token.
        :raises ValueError: unless there is exactly one scope.
        """
        return self._credential.get_token(*scopes, claims=claims)

    async def get_token_info(self, *scopes: str, options: TokenRequestOptions | None = None) -> AccessTokenInfo:
        """Return a new token with its details.

        :param scopes: one scope, a resource and ``/.default``.
        :param options: demanded ``claims``, recorded in ``vault.token_requests``; the rest has no effect.
        :returns: the token.
        :raises ValueError: unless there is exactly one scope.
        """
        return self._credential.get_token_info(*scopes, options=options)

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
