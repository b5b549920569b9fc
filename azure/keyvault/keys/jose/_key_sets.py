"""JWK Sets (RFC 7517 section 5): the public keys that verify what the versions of a key sign."""

from __future__ import annotations

import json
import time
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from azure.core.exceptions import ResourceNotFoundError

from .._jwk import family_of
from ._algorithms import public_algorithm, use_of

if TYPE_CHECKING:
    from .. import KeyClient
    from .._models import KeyProperties, KeyVaultKey
    from ..crypto import EncryptionAlgorithm, SignatureAlgorithm


def jwk_set(
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
    versions = moment.published(client.list_properties_of_key_versions(name, **kwargs))
    keys = []
    for version in versions:
        try:
            keys.append(client.get_key(name, version.version, **kwargs))
        except ResourceNotFoundError:  # deleted in the meantime
            continue
    return key_set(keys, moment, algorithm)


class Moment:
    """The time at which a set is made, which determines its contents.

    :param publish_ahead: how long before a version is valid it is published.
    """

    def __init__(self, publish_ahead: float | timedelta | None = None) -> None:
        ahead = publish_ahead if isinstance(publish_ahead, timedelta) else timedelta(seconds=publish_ahead or 0)
        self._now = datetime.fromtimestamp(time.time(), timezone.utc)
        self._begun = self._now + ahead

    def published(self, versions: Any) -> list[KeyProperties]:
        """Return the versions that are in the set, the newest first."""
        found = [version for version in versions if self.is_published(version)]
        return sorted(found, key=lambda version: version.created_on or self._now, reverse=True)

    def is_published(self, version: KeyProperties) -> bool:
        """Whether a version is in the set."""
        ends, begins = version.expires_on, version.not_before
        dated = (ends is None or self._now < ends) and (begins is None or begins <= self._begun)
        return dated and version.enabled is not False


def key_set(keys: list[KeyVaultKey], moment: Moment, algorithm: str | None) -> dict[str, Any]:
    """Return the set of keys, without those that have been disabled in the meantime."""
    return {"keys": [_public(key, algorithm) for key in keys if moment.is_published(key.properties)]}


def _public(key: KeyVaultKey, algorithm: str | None) -> dict[str, Any]:
    jwk = key.key
    if family_of(jwk.kty) == "oct":
        raise ValueError(f"The key {key.id} is symmetric: it has no public part to publish")
    name = public_algorithm(jwk) if algorithm is None else str.__str__(algorithm)
    use = None if name is None else use_of(name)
    document: dict[str, Any] = json.loads(jwk.to_json(kid="thumbprint", alg=name, use=use))
    return document
