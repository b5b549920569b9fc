"""Asking a credential for a token, whichever arguments it accepts."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from azure.core.exceptions import ClientAuthenticationError

from ..._lazy import lazy_property
from ..workers import Workers
from .flow import GetToken

# Nothing can interrupt a credential. At most this many threads of a client wait for one that hangs; more calls queue.
_THREADS = 4


class TokenSource:
    """Turns a request for a token into a call of ``get_token_info`` or ``get_token``.

    Credentials written before azure-core introduced ``tenant_id``, ``claims`` or ``enable_cae`` do not accept them. An
    option that a credential does not accept is left out if that is harmless; otherwise the call fails.
    """

    def __init__(self, credential: Any) -> None:
        self.credential = credential
        #: Threads that call a synchronous credential for callers that have a time limit or must not block.
        self.workers = Workers(_THREADS, "keyvault-credential")
        self._token_info: Callable[..., Any] | None = getattr(credential, "get_token_info", None)

    @lazy_property
    def _accepted(self) -> frozenset[str] | None:
        """The keywords that ``get_token`` names; None when it accepts any."""
        return _keywords(self.credential.get_token)

    @property
    def is_async(self) -> bool:
        """Whether the credential is made for asyncio."""
        return inspect.iscoroutinefunction(self._token_info or self.credential.get_token)

    def asynchronous_error(self) -> TypeError:
        """Return the error for an asynchronous credential in a synchronous client."""
        return TypeError(
            f"credential {type(self.credential).__name__} is asynchronous: use it with azure.keyvault.keys.aio, "
            "or take its namesake from azure.identity for this client"
        )

    def request(self, step: GetToken) -> Any:
        """Call the credential.

        :returns: the token, or an awaitable of it for an asynchronous credential.
        :raises ~azure.core.exceptions.ClientAuthenticationError: when the vault asks for claims and the credential does
            not accept any.
        """
        options: dict[str, Any] = {"enable_cae": True}
        if step.tenant:
            options["tenant_id"] = step.tenant
        if step.claims:
            options["claims"] = step.claims
        if self._token_info:
            return self._token_info(step.scope, options=options)
        if self._accepted is not None:
            if step.claims and "claims" not in self._accepted:
                raise ClientAuthenticationError(
                    message="The vault asks for a token with claims, and get_token of "
                    f"{type(self.credential).__name__} takes no keyword 'claims'."
                )
            options = {name: value for name, value in options.items() if name in self._accepted}
        return self.credential.get_token(step.scope, **options)


def _keywords(function: Callable[..., Any]) -> frozenset[str] | None:
    """Return the keywords that a function names, or None when it takes any."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        return None
    return frozenset(parameter.name for parameter in parameters)


def check_credential(credential: Any) -> TokenSource:
    """Return the source of tokens that a client's ``credential`` argument is.

    :raises ValueError: when there is none.
    :raises TypeError: when it cannot provide tokens.
    """
    if not credential:
        raise ValueError("credential must be an object with a get_token method, as those of azure-identity; got none")
    if not callable(getattr(credential, "get_token", None)) and not callable(
        getattr(credential, "get_token_info", None)
    ):
        raise TypeError(
            f"credential must be an object with a get_token method, as those of azure-identity, "
            f"not {type(credential).__name__}"
        )
    return TokenSource(credential)


def check_sync_credential(credential: Any) -> TokenSource:
    """Return the source of tokens that the ``credential`` argument of a synchronous client is.

    :raises ValueError: when there is none.
    :raises TypeError: when it cannot provide tokens synchronously.
    """
    source = check_credential(credential)
    if source.is_async:
        raise source.asynchronous_error()
    return source
