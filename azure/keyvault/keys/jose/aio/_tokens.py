"""JSON Web Tokens in asyncio: joserfc writes them, the vault signs them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .._tokens import Draft

if TYPE_CHECKING:
    from ...crypto import SignatureAlgorithm
    from ...crypto.aio import CryptographyClient


async def sign_jwt(
    crypto: CryptographyClient,
    claims: Mapping[str, Any],
    *,
    algorithm: SignatureAlgorithm | str | None = None,
    headers: Mapping[str, Any] | None = None,
    **kwargs: Any,
) -> str:
    """Sign a JSON Web Token (RFC 7519) with a key of a vault.

    The header names the version that signs: its ``kid`` is the thumbprint of the key (RFC 7638), as in
    :func:`jwk_set`. So tokens can be verified while the key is rotated.

    :param crypto: the client of the key. With ``refresh_after`` it follows the rotation of the key.
    :param claims: the claims. Nothing is added; ``iat``, ``nbf`` and ``exp`` may be datetimes.
    :param algorithm: one that fits the key. By default RS256 for RSA keys, and for others the one that they have.
    :param headers: further members of the header, or others in place of ``typ`` and ``kid``; one that is None is left
        out.
    :param kwargs: options of the call, as ``timeout``.
    :returns: the token in its compact form.
    :raises ValueError: when the algorithm does not fit the key, the key does not allow signing (at this time), or no
        algorithm is given and the key may not be read.
    :raises TypeError: when the claims cannot be written as JSON.
    :raises ~azure.core.exceptions.HttpResponseError: when the vault rejects the request.
    """
    version, key = await crypto._pinned(kwargs)
    draft = Draft(key, version.key_id, claims, algorithm, headers)
    result = await version.sign_data(draft.algorithm, draft.signing_input, **kwargs)
    return draft.signed(result.signature)
