"""JWK Sets in asyncio."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from azure.core.exceptions import ResourceNotFoundError

from .._key_sets import Moment, key_set

if TYPE_CHECKING:
    from ...aio import KeyClient
    from ...crypto import EncryptionAlgorithm, SignatureAlgorithm


async def jwk_set(
    client: KeyClient,
    name: str,
    *,
    publish_ahead: float | timedelta | None = None,
    algorithm: SignatureAlgorithm | EncryptionAlgorithm | str | None = None,
    **kwargs: Any,
) -> dict[str, Any]:
    """Return the JWK Set of a key, which a service publishes so that others can verify its tokens.

    It contains the public keys of all versions that are enabled and not expired, the newest first, each with its
    thumbprint (RFC 7638) as ``kid``, and with ``alg`` and ``use``. It takes one request per page of the version list
    and one per version, so cache the result for a while. Needs the permissions keys/list and keys/get.

    :param client: the client of the vault.
    :param name: the name of the key.
    :param publish_ahead: how long before its ``not_before`` a version is in the set, in seconds or as a timedelta, so
        that clients that cache the set know the next version before it begins to sign. By default, a version that is
        not valid yet is not in the set.
    :param algorithm: the algorithm that the keys are for, which must be the one that signs the tokens. Default: the
        default of :func:`sign_jwt`; for RSA keys that do not sign, RSA-OAEP-256.
    :param kwargs: options of the calls, such as ``timeout``, which limits each of them.
    :returns: the set, ready for ``json.dumps``. It contains no keys if the key has no usable version.
    :raises ValueError: when the key is symmetric and therefore has no public part, or the name is malformed.
    :raises ~azure.core.exceptions.HttpResponseError: when the vault rejects the request.
    """
    moment = Moment(publish_ahead)
    listed = [version async for version in client.list_properties_of_key_versions(name, **kwargs)]
    keys = []
    for version in moment.published(listed):
        try:
            keys.append(await client.get_key(name, version.version, **kwargs))
        except ResourceNotFoundError:  # deleted in the meantime
            continue
    return key_set(keys, moment, algorithm)
