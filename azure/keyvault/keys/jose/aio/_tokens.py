"""JSON Web Tokens in asyncio: joserfc writes them, the vault signs them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..._frames import clears_its_locals
from .._tokens import Draft

if TYPE_CHECKING:
    from ...crypto import SignatureAlgorithm
    from ...crypto.aio import CryptographyClient


@clears_its_locals
async def sign_jwt(
    crypto: CryptographyClient,
    claims: Mapping[str, Any],
    *,
    algorithm: SignatureAlgorithm | str | None = None,
    headers: Mapping[str, Any] | None = None,
    **kwargs: Any,
) -> str:
    """Sign a JSON Web Token (RFC 7519) with a key of a vault.

    The header identifies the version that signs: its ``kid`` is the thumbprint of the key (RFC 7638), as in
    :func:`jwk_set`. Tokens therefore stay verifiable when the key is rotated.

    :param crypto: the client of the key. With ``refresh_after`` it follows the rotation of the key.
    :param claims: the claims. None are added; ``iat``, ``nbf`` and ``exp`` may be datetimes.
    :param algorithm: an algorithm that fits the key. Default: RS256 for RSA keys; other keys have only one.
    :param headers: further header members, or replacements for ``typ`` and ``kid``; members that are None are left out.
    :param kwargs: options of the call, such as ``timeout``.
    :returns: the token in its compact form.
    :raises ValueError: when the algorithm does not fit the key, the key does not allow signing (at this time), or no
        algorithm is given and the caller may not read the key.
    :raises TypeError: when the claims cannot be serialized as JSON.
    :raises ~azure.core.exceptions.HttpResponseError: when the vault rejects the request.
    """
    version, key = await crypto._pinned(kwargs)
    draft = Draft(key, version.key_id, claims, algorithm, headers)
    result = await version.sign_data(draft.algorithm, draft.signing_input, **kwargs)
    return draft.signed(result.signature)
