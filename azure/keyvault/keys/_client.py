"""The synchronous client for keys."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, overload

from azure.core.polling import LROPoller

from . import _parameters as parameters
from ._continuation import PendingOperation
from ._enums import KeyCurveName, KeyExportEncryptionAlgorithm, KeyOperation, KeyType
from ._generated import operations
from ._key_references import KeyReference, resolve
from ._models import (
    DeletedKey,
    ExternalKey,
    KeyProperties,
    KeyReleasePolicy,
    KeyRotationLifetimeAction,
    KeyRotationPolicy,
    KeyVaultKey,
    ReleaseKeyResult,
)
from ._paging import ExpandedPage, KeyPageIterator, KeyPager, extract, whole_keys
from ._polling import KeyVaultPoller, Progress
from ._shared import ApiVersion
from ._shared.base import KeyVaultClientBase, wire_of
from ._shared.connection import PIPELINE_CLASSES, VaultConnection
from ._shared.pipeline.keywords import checked
from ._shared.pipeline.order import configure
from ._shared.pipeline.tracing import traced, traced_page
from ._shared.wire.subject import random_bytes
from ._shared.wire.translation import mapping

if TYPE_CHECKING:
    from azure.core.configuration import Configuration
    from azure.core.credentials import TokenCredential
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
    from typing_extensions import Unpack

    from ._jwk import JsonWebKey
    from ._shared.pipeline.keywords import (
        BeginKeywords,
        CallKeywords,
        ClientKeywords,
        PollingKeywords,
        UpdateKeywords,
        UpdatePropertiesKeywords,
    )
    from .crypto import CryptographyClient
    from .crypto._decision import Execution


class KeyClient(KeyVaultClientBase):
    """Creates, reads, lists, updates and deletes the keys of one vault or Managed HSM.

    Example::

        import os

        from azure.identity import DefaultAzureCredential
        from azure.keyvault.keys import KeyClient

        with DefaultAzureCredential() as credential, KeyClient(os.environ["VAULT_URL"], credential) as client:
            key = client.create_rsa_key("invoices", size=3072)
            print(key.name, key.key_type, key.properties.version)
            for properties in client.list_keys():
                print(properties.name, properties.enabled)

    One client may be used by any number of threads or, in asyncio, by any number of tasks of one event loop. Every
    method accepts azure-core's per-call options as keywords, such as ``headers``, ``logging_enable``, ``retry_total``,
    ``connection_timeout`` and ``read_timeout``. ``timeout`` limits the whole call in seconds, including authentication
    and retries. A call that runs out of time raises :class:`~azure.core.exceptions.ServiceRequestTimeoutError` if its
    request was never sent, and :class:`~azure.core.exceptions.ServiceResponseTimeoutError` if it may have been.

    :param vault_url: the URL of the vault, such as ``https://my-vault.vault.azure.net``.
    :param credential: provides the tokens: a credential from azure-identity, or any object with a compatible
        ``get_token``. The asyncio client accepts credentials from ``azure.identity.aio``, and also synchronous ones,
        which it calls in a thread.
    :param api_version: the version of the REST API. Default: the newest stable one. A version that this library does
        not know is sent unchanged.
    :param verify_challenge_resource: whether the vault must ask for a token for its own domain. Turn this off only for
        a vault that you trust and that has a custom address, for example in a private cloud.
    :param config: policies made with :meth:`create_config`. They replace those that the other keywords describe, and
        the tokens come from the credential that was passed to :meth:`create_config`.
    :param kwargs: azure-core's client options, such as ``transport``, ``retry_total``, ``logging_enable``, ``proxies``,
        ``connection_verify`` (True, False, a path or an :class:`ssl.SSLContext`), ``connection_timeout`` (seconds; 5 by
        default), ``read_timeout`` (seconds between two chunks of a response; 300 by default) and ``timeout`` (seconds,
        see above; the default for calls that do not set their own). A ``transport`` of a class that is not azure-core's
        must send each request only once; this library cannot stop it from repeating requests.
    :raises ValueError: when the URL is not a vault URL, or there is no credential.
    :raises TypeError: when the credential cannot provide tokens.
    """

    def __init__(
        self,
        vault_url: str,
        credential: TokenCredential,
        *,
        api_version: ApiVersion | str | None = None,
        verify_challenge_resource: bool = True,
        config: Configuration[Any, Any] | None = None,
        **kwargs: Unpack[ClientKeywords],
    ) -> None:
        connection = VaultConnection(
            wire_of(vault_url, api_version, verify=verify_challenge_resource, config=config),
            credential,
            config=config,
            verify_challenge_resource=verify_challenge_resource,
            **kwargs,
        )
        super().__init__(connection)

    @staticmethod
    def create_config(credential: TokenCredential, **kwargs: Unpack[ClientKeywords]) -> Configuration[Any, Any]:
        """Make the policies of a client, so that you can change them before they are used.

        :param credential: provides the tokens.
        :param kwargs: azure-core's policy options, such as ``logging_enable`` and ``retry_total``, or whole policies,
            such as ``retry_policy``.
        :returns: the policies; pass them to a client as ``config=``.
        :raises ValueError: when there is no credential.
        :raises TypeError: when it cannot provide tokens.
        """
        return configure(PIPELINE_CLASSES, credential, **kwargs)

    @traced(key="name")
    def create_key(
        self,
        name: str,
        key_type: str | KeyType,
        *,
        size: int | None = None,
        curve: str | KeyCurveName | None = None,
        alg: str | None = None,
        public_exponent: int | None = None,
        key_operations: Sequence[str | KeyOperation] | None = None,
        enabled: bool | None = None,
        tags: Mapping[str, str] | None = None,
        not_before: datetime | None = None,
        expires_on: datetime | None = None,
        expires: datetime | None = None,
        exportable: bool | None = None,
        release_policy: KeyReleasePolicy | None = None,
        **kwargs: Unpack[CallKeywords],
    ) -> KeyVaultKey:
        """Create a key, or a new version of it if the name exists (``POST /keys/{name}/create``).

        Needs the permission keys/create. A failed call is retried only if the service certainly did not process it.

        :param name: 1 to 127 letters, digits and hyphens. Case does not matter.
        :param key_type: RSA, EC or, in a Managed HSM, oct; each of them also with ``-HSM``.
        :param size: bits. RSA: 2048, 3072 or 4096; oct: 128, 192 or 256. The service's default for RSA is 2048.
        :param curve: the curve of an EC key. The service's default is P-256.
        :param alg: the algorithm of an AKP key: ML-DSA-44, ML-DSA-65 or ML-DSA-87, see ``SignatureAlgorithm``.
        :param public_exponent: the public exponent of an RSA key; Managed HSM only.
        :param key_operations: what the key may be used for. By default, the service allows everything that its type can
            do.
        :param enabled: whether the key may be used. The service's default is True.
        :param tags: application-specific metadata; at most 15 entries.
        :param not_before: the time before which the key may not be used to encrypt, wrap or sign. Fractions of a second
            are dropped; a time without a time zone is taken as UTC.
        :param expires_on: the time from which the key may no longer be used to encrypt, wrap or sign, in UTC unless it
            has a time zone.
        :param expires: an alias of ``expires_on``.
        :param exportable: whether the private key may be released. Requires ``release_policy``.
        :param release_policy: the rules under which the key may be released.
        :returns: the new key.
        :raises ValueError: when an argument is out of range, or the client's API version does not support it.
        :raises TypeError: when an argument has the wrong type.
        :raises ~azure.core.exceptions.ResourceExistsError: when a deleted key has this name; the message says what to
            do.
        :raises ~azure.core.exceptions.HttpResponseError: when the service rejects the request for another reason.
        """
        body = parameters.create_parameters(
            key_type,
            size=size,
            curve=curve,
            alg=alg,
            public_exponent=public_exponent,
            key_operations=key_operations,
            enabled=enabled,
            tags=tags,
            not_before=not_before,
            expires_on=expires_on,
            expires=expires,
            exportable=exportable,
            release_policy=release_policy,
        )
        return self._key(self._connection.send(operations.create_key(name, body), **kwargs))

    @traced(key="name")
    def create_rsa_key(
        self,
        name: str,
        hsm: bool | None = None,
        size: int | None = None,
        *,
        public_exponent: int | None = None,
        hardware_protected: bool | None = None,
        key_operations: Sequence[str | KeyOperation] | None = None,
        enabled: bool | None = None,
        tags: Mapping[str, str] | None = None,
        not_before: datetime | None = None,
        expires_on: datetime | None = None,
        expires: datetime | None = None,
        exportable: bool | None = None,
        release_policy: KeyReleasePolicy | None = None,
        **kwargs: Unpack[CallKeywords],
    ) -> KeyVaultKey:
        """Create an RSA key, or a new version of it if the name exists (``POST /keys/{name}/create``).

        Needs the permission keys/create. A failed call is retried only if the service certainly did not process it.

        :param name: 1 to 127 letters, digits and hyphens. Case does not matter.
        :param hsm: whether the key is protected by an HSM.
        :param size: 2048, 3072 or 4096 bits. The service's default is 2048.
        :param public_exponent: the public exponent; Managed HSM only.
        :param hardware_protected: an alias of ``hsm``.
        :param key_operations: what the key may be used for. By default, the service allows everything that its type can
            do.
        :param enabled: whether the key may be used. The service's default is True.
        :param tags: application-specific metadata; at most 15 entries.
        :param not_before: the time before which the key may not be used to encrypt, wrap or sign. Fractions of a second
            are dropped; a time without a time zone is taken as UTC.
        :param expires_on: the time from which the key may no longer be used to encrypt, wrap or sign, in UTC unless it
            has a time zone.
        :param expires: an alias of ``expires_on``.
        :param exportable: whether the private key may be released. Requires ``release_policy``.
        :param release_policy: the rules under which the key may be released.
        :returns: the new key.
        :raises ValueError: when an argument is out of range, or the client's API version does not support it.
        :raises TypeError: when an argument has the wrong type, or an argument and its alias are both given and differ.
        :raises ~azure.core.exceptions.ResourceExistsError: when a deleted key has this name; the message says what to
            do.
        :raises ~azure.core.exceptions.HttpResponseError: when the service rejects the request for another reason.
        """
        return self.create_key(
            name,
            parameters.hardware_type(KeyType.rsa, KeyType.rsa_hsm, hsm, hardware_protected),
            size=size,
            public_exponent=public_exponent,
            key_operations=key_operations,
            enabled=enabled,
            tags=tags,
            not_before=not_before,
            expires_on=expires_on,
            expires=expires,
            exportable=exportable,
            release_policy=release_policy,
            **kwargs,
        )

    @traced(key="name")
    def create_ec_key(
        self,
        name: str,
        hsm: bool | None = None,
        curve: str | KeyCurveName | None = None,
        *,
        key_operations: Sequence[str | KeyOperation] | None = None,
        hardware_protected: bool | None = None,
        enabled: bool | None = None,
        tags: Mapping[str, str] | None = None,
        not_before: datetime | None = None,
        expires_on: datetime | None = None,
        expires: datetime | None = None,
        exportable: bool | None = None,
        release_policy: KeyReleasePolicy | None = None,
        **kwargs: Unpack[CallKeywords],
    ) -> KeyVaultKey:
        """Create an elliptic curve key, or a new version of it if the name exists (``POST /keys/{name}/create``).

        Needs the permission keys/create. A failed call is retried only if the service certainly did not process it.

        :param name: 1 to 127 letters, digits and hyphens. Case does not matter.
        :param hsm: whether the key is protected by an HSM.
        :param curve: P-256, P-384, P-521 or P-256K. The service's default is P-256.
        :param key_operations: what the key may be used for. By default, the service allows everything that its type can
            do.
        :param hardware_protected: an alias of ``hsm``.
        :param enabled: whether the key may be used. The service's default is True.
        :param tags: application-specific metadata; at most 15 entries.
        :param not_before: the time before which the key may not be used to sign. Fractions of a second are dropped; a
            time without a time zone is taken as UTC.
        :param expires_on: the time from which the key may no longer be used to sign, in UTC unless it has a time zone.
        :param expires: an alias of ``expires_on``.
        :param exportable: whether the private key may be released. Requires ``release_policy``.
        :param release_policy: the rules under which the key may be released.
        :returns: the new key.
        :raises ValueError: when an argument is out of range, or the client's API version does not support it.
        :raises TypeError: when an argument has the wrong type, or an argument and its alias are both given and differ.
        :raises ~azure.core.exceptions.ResourceExistsError: when a deleted key has this name; the message says what to
            do.
        :raises ~azure.core.exceptions.HttpResponseError: when the service rejects the request for another reason.
        """
        return self.create_key(
            name,
            parameters.hardware_type(KeyType.ec, KeyType.ec_hsm, hsm, hardware_protected),
            curve=curve,
            key_operations=key_operations,
            enabled=enabled,
            tags=tags,
            not_before=not_before,
            expires_on=expires_on,
            expires=expires,
            exportable=exportable,
            release_policy=release_policy,
            **kwargs,
        )

    @traced(key="name")
    def create_oct_key(
        self,
        name: str,
        *,
        size: int | None = None,
        key_operations: Sequence[str | KeyOperation] | None = None,
        hardware_protected: bool | None = None,
        hsm: bool | None = None,
        enabled: bool | None = None,
        tags: Mapping[str, str] | None = None,
        not_before: datetime | None = None,
        expires_on: datetime | None = None,
        expires: datetime | None = None,
        exportable: bool | None = None,
        release_policy: KeyReleasePolicy | None = None,
        **kwargs: Unpack[CallKeywords],
    ) -> KeyVaultKey:
        """Create a symmetric key, or a new version of it if the name exists (``POST /keys/{name}/create``).

        Only a Managed HSM supports symmetric keys. Needs the permission keys/create. A failed call is retried only if
        the service certainly did not process it.

        :param name: 1 to 127 letters, digits and hyphens. Case does not matter.
        :param size: 128, 192 or 256 bits.
        :param key_operations: what the key may be used for. By default, the service allows everything that its type can
            do.
        :param hardware_protected: whether the key is protected by an HSM.
        :param hsm: an alias of ``hardware_protected``.
        :param enabled: whether the key may be used. The service's default is True.
        :param tags: application-specific metadata; at most 15 entries.
        :param not_before: the time before which the key may not be used to encrypt, wrap or sign. Fractions of a second
            are dropped; a time without a time zone is taken as UTC.
        :param expires_on: the time from which the key may no longer be used to encrypt, wrap or sign, in UTC unless it
            has a time zone.
        :param expires: an alias of ``expires_on``.
        :param exportable: whether the key may be released. Requires ``release_policy``.
        :param release_policy: the rules under which the key may be released.
        :returns: the new key. Its key material stays in the HSM.
        :raises ValueError: when an argument is out of range, or the client's API version does not support it.
        :raises TypeError: when an argument has the wrong type, or an argument and its alias are both given and differ.
        :raises ~azure.core.exceptions.ResourceExistsError: when a deleted key has this name; the message says what to
            do.
        :raises ~azure.core.exceptions.HttpResponseError: when the service rejects the request for another reason.
        """
        return self.create_key(
            name,
            parameters.hardware_type(KeyType.oct, KeyType.oct_hsm, hsm, hardware_protected),
            size=size,
            key_operations=key_operations,
            enabled=enabled,
            tags=tags,
            not_before=not_before,
            expires_on=expires_on,
            expires=expires,
            exportable=exportable,
            release_policy=release_policy,
            **kwargs,
        )

    @traced(key="name")
    def create_external_key(
        self,
        name: str,
        external_key: ExternalKey,
        *,
        key_type: str | KeyType = KeyType.oct_hsm,
        enabled: bool | None = None,
        tags: Mapping[str, str] | None = None,
        not_before: datetime | None = None,
        expires_on: datetime | None = None,
        expires: datetime | None = None,
        release_policy: KeyReleasePolicy | None = None,
        **kwargs: Unpack[CallKeywords],
    ) -> KeyVaultKey:
        """Create a key that represents one in an external key manager (``POST /keys/{name}/create``).

        Only a Managed HSM supports external keys. Needs the permission keys/create and API version 2026-01-01-preview
        or later. A failed call is retried only if the service certainly did not process it.

        The service requires a type for every key, but its documentation does not say which types external keys can
        have. Pass ``key_type`` if you know that the key is not symmetric, and check the returned key's ``key_type``.

        :param name: 1 to 127 letters, digits and hyphens. Case does not matter.
        :param external_key: the key in the external key manager.
        :param key_type: the type of that key, sent unchanged. Default: oct-HSM.
        :param enabled: whether the key may be used. The service's default is True.
        :param tags: application-specific metadata; at most 15 entries.
        :param not_before: the time before which the key may not be used to encrypt, wrap or sign; in UTC if it has no
            zone.
        :param expires_on: the time from which the key may no longer be used to encrypt, wrap or sign, in UTC unless it
            has a time zone.
        :param expires: an alias of ``expires_on``.
        :param release_policy: the rules under which the key may be released.
        :returns: the new key.
        :raises ValueError: when an argument is out of range, or the client's API version does not support it.
        :raises TypeError: when an argument has the wrong type.
        :raises ~azure.core.exceptions.ResourceExistsError: when a deleted key has this name; the message says what to
            do.
        :raises ~azure.core.exceptions.HttpResponseError: when the service rejects the request for another reason.
        """
        body = parameters.create_parameters(
            key_type,
            enabled=enabled,
            tags=tags,
            not_before=not_before,
            expires_on=expires_on,
            expires=expires,
            release_policy=release_policy,
            external_key=parameters.required("external_key", external_key, ExternalKey),
        )
        return self._key(self._connection.send(operations.create_key(name, body), **kwargs))

    @traced(key="name")
    def import_key(
        self,
        name: str,
        key: JsonWebKey | bytes | bytearray | str | PrivateKeyTypes,
        *,
        hardware_protected: bool | None = None,
        hsm: bool | None = None,
        enabled: bool | None = None,
        tags: Mapping[str, str] | None = None,
        not_before: datetime | None = None,
        expires_on: datetime | None = None,
        expires: datetime | None = None,
        exportable: bool | None = None,
        release_policy: KeyReleasePolicy | None = None,
        **kwargs: Unpack[CallKeywords],
    ) -> KeyVaultKey:
        """Import a key that was created elsewhere, as a new version if the name exists (``PUT /keys/{name}``).

        Needs the permission keys/import. A failed call is retried only if the service certainly did not process it. The
        private key is sent only to the vault's own origin, and only after the vault has identified itself with its
        authentication challenge.

        :param name: 1 to 127 letters, digits and hyphens. Case does not matter.
        :param key: the private key: a :class:`JsonWebKey`, PEM or DER, or a private key of ``cryptography``. The
            JsonWebKey's ``key_ops`` say what it may be used for.
        :param hardware_protected: whether the key is protected by an HSM.
        :param hsm: an alias of ``hardware_protected``.
        :param enabled: whether the key may be used. The service's default is True.
        :param tags: application-specific metadata; at most 15 entries.
        :param not_before: the time before which the key may not be used to encrypt, wrap or sign. Fractions of a second
            are dropped; a time without a time zone is taken as UTC.
        :param expires_on: the time from which the key may no longer be used to encrypt, wrap or sign, in UTC unless it
            has a time zone.
        :param expires: an alias of ``expires_on``.
        :param exportable: whether the private key may be released. Requires ``release_policy``.
        :param release_policy: the rules under which the key may be released.
        :returns: the imported key, without its private key material.
        :raises ValueError: when the key's numbers are inconsistent, an argument is out of range, or the client's API
            version does not support it.
        :raises TypeError: when an argument has the wrong type, or an argument and its alias are both given and differ.
        :raises ~azure.core.exceptions.ResourceExistsError: when a deleted key has this name; the message says what to
            do.
        :raises ~azure.core.exceptions.HttpResponseError: when the service rejects the request for another reason.
        """
        body = parameters.import_parameters(
            key,
            hardware_protected=parameters.protection(hsm, hardware_protected),
            enabled=enabled,
            tags=tags,
            not_before=not_before,
            expires_on=expires_on,
            expires=expires,
            exportable=exportable,
            release_policy=release_policy,
        )
        return self._key(self._connection.send(operations.import_key(name, body), **kwargs))

    @traced(key="name", version="version")
    def get_key(self, name: KeyReference, version: str | None = None, **kwargs: Unpack[CallKeywords]) -> KeyVaultKey:
        """Get a key's public material and properties (``GET /keys/{name}/{version}``).

        Needs the permission keys/get. Disabled, expired and not yet valid keys are returned like any other.

        :param name: the key: its name, its identifier or a :class:`KeyVaultKey` of this vault.
        :param version: the version to get. None or empty: the version of the identifier or key, otherwise the latest.
        :returns: the key.
        :raises ValueError: when the name or the version is malformed.
        :raises TypeError: when an argument has the wrong type.
        :raises ~azure.core.exceptions.ResourceNotFoundError: when the key does not exist or is deleted.
        :raises ~azure.core.exceptions.HttpResponseError: when the service rejects the request for another reason.
        """
        operation = operations.get_key(*self._named(name, version))
        return self._key(self._connection.send(operation, **kwargs))

    @traced(key="name", version="version")
    def update_key_properties(
        self,
        name: KeyReference,
        version: str | None = None,
        *,
        key_operations: Sequence[str | KeyOperation] | None = None,
        enabled: bool | None = None,
        tags: Mapping[str, str] | None = None,
        not_before: datetime | None = None,
        expires_on: datetime | None = None,
        release_policy: KeyReleasePolicy | None = None,
        **kwargs: Unpack[UpdatePropertiesKeywords],
    ) -> KeyVaultKey:
        """Update a key's properties; those that are not given stay unchanged (``PATCH /keys/{name}/{version}``).

        Needs the permission keys/update. The key material cannot be changed.

        :param name: the key: its name, its identifier or a :class:`KeyVaultKey` of this vault.
        :param version: the version to update. None or empty: the version of the identifier or key, otherwise the
            latest.
        :param key_operations: what the key may be used for; replaces the whole list.
        :param enabled: whether the key may be used.
        :param tags: application-specific metadata, which replaces all existing tags; an empty mapping removes them.
        :param not_before: the time before which the key may not be used to encrypt, wrap or sign; in UTC if it has no
            zone.
        :param expires_on: the time from which the key may no longer be used to encrypt, wrap or sign, in UTC unless it
            has a time zone.
        :param release_policy: the rules under which the key may be released.
        :param kwargs: ``expires``, an alias of ``expires_on``; and the options of the call.
        :returns: the updated key.
        :raises ValueError: when an argument is out of range, or the client's API version does not support it.
        :raises TypeError: when an argument has the wrong type.
        :raises ~azure.core.exceptions.ResourceNotFoundError: when there is no such key.
        :raises ~azure.core.exceptions.HttpResponseError: when the service rejects the request for another reason.
        """
        # azure-cli derives the options of a command from this signature, and already has its own --expires.
        expires = kwargs.pop("expires", None)
        body = parameters.update_parameters(
            key_operations=key_operations,
            enabled=enabled,
            tags=tags,
            not_before=not_before,
            expires_on=expires_on,
            expires=expires,
            release_policy=release_policy,
        )
        named, version = self._named(name, version)
        operation = operations.update_key(named, body, version)
        return self._key(self._connection.send(operation, **kwargs))

    @traced(key="name", version="version")
    def update_key(
        self, name: KeyReference, version: str | None = None, **kwargs: Unpack[UpdateKeywords]
    ) -> KeyVaultKey:
        """Update a key's properties: an alias of :meth:`update_key_properties`.

        The request is ``PATCH /keys/{name}/{version}``.

        :param name: the key: its name, its identifier or a :class:`KeyVaultKey` of this vault.
        :param version: the version to update. None or empty: the version of the identifier or key, otherwise the
            latest.
        :param kwargs: the keywords of :meth:`update_key_properties`, and the options of the call.
        :returns: the updated key.
        :raises ValueError: when an argument is out of range, or the client's API version does not support it.
        :raises TypeError: when an argument has the wrong type.
        :raises ~azure.core.exceptions.ResourceNotFoundError: when there is no such key.
        :raises ~azure.core.exceptions.HttpResponseError: when the service rejects the request for another reason.
        """
        return self.update_key_properties(name, version, **kwargs)

    @traced(key="name")
    def begin_delete_key(
        self,
        name: KeyReference,
        *,
        polling_interval: float | None = None,
        continuation_token: str | None = None,
        progress: Callable[[float], Any] | None = None,
        **kwargs: Unpack[BeginKeywords],
    ) -> LROPoller[DeletedKey]:
        """Delete all versions of a key, without waiting for the deletion to finish (``DELETE /keys/{name}``).

        Needs the permission keys/delete, and keys/get to see when the deletion has finished. In a vault with soft
        delete, the key can be recovered until it is purged.

        :param name: the key: its name, its identifier or a :class:`KeyVaultKey` of this vault.
        :param polling_interval: seconds between two polls. By default the interval grows from 0.25 to 2 seconds.
        :param continuation_token: the ``continuation_token()`` of an earlier poller, to resume waiting: nothing is
            deleted again.
        :param progress: called after every poll with the seconds since the call began. Only ``wait()`` polls.
        :returns: a poller. Its ``result()`` returns the deleted key at once; its ``wait()`` returns when the deletion
            has finished and the key can be recovered or purged. In asyncio, await both of them, or await the poller
            itself, which waits and returns the deleted key.
        :raises ValueError: when the name or the continuation token is malformed, when the token belongs to a different
            vault, key or operation, or when the interval is negative.
        :raises TypeError: when an argument has the wrong type.
        :raises ~azure.core.exceptions.ResourceNotFoundError: when there is no such key.
        :raises ~azure.core.exceptions.HttpResponseError: when the service rejects the request for another reason.
        """
        interval, named = parameters.interval(polling_interval, kwargs), self._name(name)
        pending = self._pending(operations.delete_key(named), continuation_token, kwargs)
        deleted, question = DeletedKey._from_bundle(pending.answer), operations.get_deleted_key(named)
        waiting = Progress(pending, deleted, question, interval, finished=deleted.recovery_id is None, report=progress)
        return KeyVaultPoller(self._connection, waiting, kwargs)

    @traced(key="name")
    def delete_key(self, name: KeyReference, **kwargs: Unpack[PollingKeywords]) -> DeletedKey:
        """Delete all versions of a key and wait for the deletion to finish (``DELETE /keys/{name}``).

        Needs the permission keys/delete, and keys/get to see when the deletion has finished. In a vault with soft
        delete, the key can be recovered until it is purged.

        :param name: the key: its name, its identifier or a :class:`KeyVaultKey` of this vault.
        :param kwargs: the keywords of :meth:`begin_delete_key`.
        :returns: the deleted key.
        :raises ValueError: when the name or the continuation token is malformed, when the token belongs to a different
            vault, key or operation, or when the interval is negative.
        :raises TypeError: when an argument has the wrong type.
        :raises ~azure.core.exceptions.ResourceNotFoundError: when there is no such key.
        :raises ~azure.core.exceptions.HttpResponseError: when the service rejects the request for another reason.
            An error while waiting has a ``continuation_token``, with which another call can resume the wait.
        """
        poller = self.begin_delete_key(name, **self._connection.within_timeout(kwargs))
        poller.wait()
        return poller.result()

    @traced(key="name")
    def get_deleted_key(self, name: KeyReference, **kwargs: Unpack[CallKeywords]) -> DeletedKey:
        """Get a deleted key (``GET /deletedkeys/{name}``).

        Needs the permission keys/get. Only vaults with soft delete have deleted keys.

        :param name: the key: its name, its identifier or a :class:`KeyVaultKey` of this vault.
        :returns: the deleted key.
        :raises ValueError: when the name is malformed.
        :raises TypeError: when an argument has the wrong type.
        :raises ~azure.core.exceptions.ResourceNotFoundError: when there is no such deleted key, or its deletion has not
            finished.
        :raises ~azure.core.exceptions.HttpResponseError: when the service rejects the request for another reason.
        """
        return DeletedKey._from_bundle(
            self._connection.send(operations.get_deleted_key(self._deleted_name(name)), **kwargs)
        )

    @overload
    def list_properties_of_keys(
        self,
        *,
        expand: Literal[False] = False,
        max_page_size: int | None = None,
        progress: Callable[[int], Any] | None = None,
        **kwargs: Unpack[CallKeywords],
    ) -> KeyPager[KeyProperties]: ...
    @overload
    def list_properties_of_keys(
        self,
        *,
        expand: Literal[True],
        max_page_size: int | None = None,
        progress: Callable[[int], Any] | None = None,
        **kwargs: Unpack[CallKeywords],
    ) -> KeyPager[KeyVaultKey]: ...
    @overload
    def list_properties_of_keys(
        self,
        *,
        expand: bool,
        max_page_size: int | None = None,
        progress: Callable[[int], Any] | None = None,
        **kwargs: Unpack[CallKeywords],
    ) -> KeyPager[KeyProperties] | KeyPager[KeyVaultKey]: ...
    @checked
    def list_properties_of_keys(
        self,
        *,
        expand: bool = False,
        max_page_size: int | None = None,
        progress: Callable[[int], Any] | None = None,
        **kwargs: Unpack[CallKeywords],
    ) -> KeyPager[Any]:
        """List the keys of the vault (``GET /keys``).

        Needs the permission keys/list. The list contains properties without versions, and no key material.

        :param expand: whether to list whole keys, as :meth:`get_key` returns them. This needs the permission keys/get
            and sends one more request per key, at most 8 of them at a time. Keys that are deleted in the meantime are
            left out. A page is returned when all of its keys have arrived; ``timeout`` covers the page and its keys.
        :param max_page_size: the maximum number of items per page, at least 1. The service sends at most 25.
        :param progress: called after every page with the number of keys that have been listed so far.
        :returns: an iterator that requests pages as they are needed; its ``by_page`` iterates by page.
        :raises ValueError: when ``max_page_size`` is less than 1.
        :raises TypeError: when it is not an integer.
        :raises ~azure.core.exceptions.HttpResponseError: on the first iteration, when the service rejects the request;
            when it refuses to return a key, on the iteration that requests the key's page.
        """
        operation = operations.get_keys(parameters.page_size(max_page_size))
        page = traced_page(KeyClient._page_of_keys if expand else KeyClient._page, "list_properties_of_keys")
        convert: Any = self._key if expand else KeyProperties._from_item
        return self._paged(page, operation, convert, kwargs, progress)

    @overload
    def list_keys(
        self,
        *,
        expand: Literal[False] = False,
        max_page_size: int | None = None,
        progress: Callable[[int], Any] | None = None,
        **kwargs: Unpack[CallKeywords],
    ) -> KeyPager[KeyProperties]: ...
    @overload
    def list_keys(
        self,
        *,
        expand: Literal[True],
        max_page_size: int | None = None,
        progress: Callable[[int], Any] | None = None,
        **kwargs: Unpack[CallKeywords],
    ) -> KeyPager[KeyVaultKey]: ...
    @overload
    def list_keys(
        self,
        *,
        expand: bool,
        max_page_size: int | None = None,
        progress: Callable[[int], Any] | None = None,
        **kwargs: Unpack[CallKeywords],
    ) -> KeyPager[KeyProperties] | KeyPager[KeyVaultKey]: ...
    @checked
    def list_keys(
        self,
        *,
        expand: bool = False,
        max_page_size: int | None = None,
        progress: Callable[[int], Any] | None = None,
        **kwargs: Unpack[CallKeywords],
    ) -> KeyPager[Any]:
        """List the keys of the vault: an alias of :meth:`list_properties_of_keys` (``GET /keys``).

        :param expand: whether to list whole keys, with one more request for each.
        :param max_page_size: the maximum number of items per page, at least 1. The service sends at most 25.
        :param progress: called after every page with the number of keys that have been listed so far.
        :returns: an iterator that requests pages as they are needed; its ``by_page`` iterates by page.
        :raises ValueError: when ``max_page_size`` is less than 1.
        :raises TypeError: when it is not an integer.
        :raises ~azure.core.exceptions.HttpResponseError: during iteration, when the service rejects a request.
        """
        return self.list_properties_of_keys(expand=expand, max_page_size=max_page_size, progress=progress, **kwargs)

    @checked
    def list_properties_of_key_versions(
        self, name: KeyReference, *, max_page_size: int | None = None, **kwargs: Unpack[CallKeywords]
    ) -> KeyPager[KeyProperties]:
        """List the versions of a key, in no particular order (``GET /keys/{name}/versions``).

        Needs the permission keys/list. Sort them by ``created_on`` to get the history.

        :param name: the key: its name, its identifier or a :class:`KeyVaultKey` of this vault. The list is empty if the
            key does not exist.
        :param max_page_size: the maximum number of items per page, at least 1. The service sends at most 25.
        :returns: an iterator that requests pages as they are needed; its ``by_page`` iterates by page.
        :raises ValueError: when the name is malformed, or ``max_page_size`` is less than 1.
        :raises TypeError: when an argument has the wrong type.
        :raises ~azure.core.exceptions.HttpResponseError: on the first iteration, when the service rejects the request.
        """
        named = self._name(name)
        operation = operations.get_key_versions(named, parameters.page_size(max_page_size))
        page = traced_page(KeyClient._page, "list_properties_of_key_versions", named)
        return self._paged(page, operation, KeyProperties._from_item, kwargs)

    @checked
    def list_key_versions(
        self, name: KeyReference, *, max_page_size: int | None = None, **kwargs: Unpack[CallKeywords]
    ) -> KeyPager[KeyProperties]:
        """List the versions of a key: an alias of :meth:`list_properties_of_key_versions`.

        The request is ``GET /keys/{name}/versions``.

        :param name: the key: its name, its identifier or a :class:`KeyVaultKey` of this vault. The list is empty if the
            key does not exist.
        :param max_page_size: the maximum number of items per page, at least 1. The service sends at most 25.
        :returns: an iterator that requests pages as they are needed; its ``by_page`` iterates by page.
        :raises ValueError: when the name is malformed, or ``max_page_size`` is less than 1.
        :raises TypeError: when an argument has the wrong type.
        :raises ~azure.core.exceptions.HttpResponseError: on the first iteration, when the service rejects the request.
        """
        return self.list_properties_of_key_versions(name, max_page_size=max_page_size, **kwargs)

    @checked
    def list_deleted_keys(
        self, *, max_page_size: int | None = None, **kwargs: Unpack[CallKeywords]
    ) -> KeyPager[DeletedKey]:
        """List the deleted keys of the vault (``GET /deletedkeys``).

        Needs the permission keys/list. The list contains no key material. Only vaults with soft delete have deleted
        keys.

        :param max_page_size: the maximum number of items per page, at least 1. The service sends at most 25.
        :returns: an iterator that requests pages as they are needed; its ``by_page`` iterates by page.
        :raises ValueError: when ``max_page_size`` is less than 1.
        :raises TypeError: when it is not an integer.
        :raises ~azure.core.exceptions.HttpResponseError: on the first iteration, when the service rejects the request.
        """
        operation = operations.get_deleted_keys(parameters.page_size(max_page_size))
        page = traced_page(KeyClient._page, "list_deleted_keys")
        return self._paged(page, operation, DeletedKey._from_deleted_item, kwargs)

    @traced(key="name")
    def begin_recover_deleted_key(
        self,
        name: KeyReference,
        *,
        polling_interval: float | None = None,
        continuation_token: str | None = None,
        progress: Callable[[float], Any] | None = None,
        **kwargs: Unpack[BeginKeywords],
    ) -> LROPoller[KeyVaultKey]:
        """Recover a deleted key, without waiting for the recovery to finish (``POST /deletedkeys/{name}/recover``).

        Needs the permission keys/recover, and keys/get to see when the recovery has finished.

        :param name: the key: its name, its identifier or a :class:`KeyVaultKey` of this vault.
        :param polling_interval: seconds between two polls. By default the interval grows from 0.25 to 2 seconds.
        :param continuation_token: the ``continuation_token()`` of an earlier poller, to resume waiting: nothing is
            recovered again.
        :param progress: called after every poll with the seconds since the call began. Only ``wait()`` polls.
        :returns: a poller. Its ``result()`` returns the recovered key at once; its ``wait()`` returns when the key can
            be used. In asyncio, await both of them, or await the poller itself, which waits and returns the recovered
            key.
        :raises ValueError: when the name or the continuation token is malformed, when the token belongs to a different
            vault, key or operation, or when the interval is negative.
        :raises TypeError: when an argument has the wrong type.
        :raises ~azure.core.exceptions.ResourceNotFoundError: when there is no such deleted key.
        :raises ~azure.core.exceptions.HttpResponseError: when the service rejects the request for another reason.
        """
        interval, named = parameters.interval(polling_interval, kwargs), self._deleted_name(name)
        pending = self._pending(operations.recover_deleted_key(named), continuation_token, kwargs)
        waiting = Progress(pending, self._key(pending.answer), operations.get_key(named), interval, report=progress)
        return KeyVaultPoller(self._connection, waiting, kwargs)

    @traced(key="name")
    def recover_deleted_key(self, name: KeyReference, **kwargs: Unpack[PollingKeywords]) -> KeyVaultKey:
        """Recover a deleted key and wait until it can be used (``POST /deletedkeys/{name}/recover``).

        Needs the permission keys/recover, and keys/get to see when the recovery has finished.

        :param name: the key: its name, its identifier or a :class:`KeyVaultKey` of this vault.
        :param kwargs: the keywords of :meth:`begin_recover_deleted_key`.
        :returns: the recovered key.
        :raises ValueError: when the name or the continuation token is malformed, when the token belongs to a different
            vault, key or operation, or when the interval is negative.
        :raises TypeError: when an argument has the wrong type.
        :raises ~azure.core.exceptions.ResourceNotFoundError: when there is no such deleted key.
        :raises ~azure.core.exceptions.HttpResponseError: when the service rejects the request for another reason.
            An error while waiting has a ``continuation_token``, with which another call can resume the wait.
        """
        poller = self.begin_recover_deleted_key(name, **self._connection.within_timeout(kwargs))
        poller.wait()
        return poller.result()

    @traced(key="name")
    def purge_deleted_key(self, name: KeyReference, **kwargs: Unpack[CallKeywords]) -> None:
        """Delete a deleted key permanently (``DELETE /deletedkeys/{name}``).

        Needs the permission keys/purge. Afterwards, only :meth:`restore_key` can bring the key back, from a backup. A
        vault with purge protection rejects the request.

        :param name: the key: its name, its identifier or a :class:`KeyVaultKey` of this vault.
        :raises ValueError: when the name is malformed.
        :raises TypeError: when an argument has the wrong type.
        :raises ~azure.core.exceptions.ResourceNotFoundError: when there is no such deleted key.
        :raises ~azure.core.exceptions.HttpResponseError: when the service rejects the request for another reason.
        """
        self._connection.send(operations.purge_deleted_key(self._deleted_name(name)), **kwargs)

    @traced(key="name")
    def backup_key(self, name: KeyReference, **kwargs: Unpack[CallKeywords]) -> bytes:
        """Back up a key with all its versions (``POST /keys/{name}/backup``).

        Needs the permission keys/backup. The backup is encrypted; only the service can read it.

        :param name: the key: its name, its identifier or a :class:`KeyVaultKey` of this vault.
        :returns: the backup; store it unchanged.
        :raises ValueError: when the name is malformed.
        :raises TypeError: when an argument has the wrong type.
        :raises ~azure.core.exceptions.ResourceNotFoundError: when there is no such key.
        :raises ~azure.core.exceptions.HttpResponseError: when the service rejects the request for another reason.
        """
        result = self._connection.send(operations.backup_key(self._name(name)), **kwargs)
        return result.value or b""

    @traced()
    def restore_key_backup(self, backup: bytes, **kwargs: Unpack[CallKeywords]) -> KeyVaultKey:
        """Restore a key with all its versions, under its old name (``POST /keys/restore``).

        Needs the permission keys/restore. The vault must be in the subscription and geography of the vault that made
        the backup. A failed call is retried only if the service certainly did not process it.

        :param backup: the bytes that :meth:`backup_key` returned.
        :returns: the restored key.
        :raises TypeError: when the backup is not bytes.
        :raises ~azure.core.exceptions.ResourceExistsError: when the name is taken, even by a deleted key.
        :raises ~azure.core.exceptions.HttpResponseError: when the service rejects the request for another reason.
        """
        operation = operations.restore_key(parameters.restore_parameters(backup))
        return self._key(self._connection.send(operation, **kwargs))

    @traced()
    def restore_key(self, backup: bytes, **kwargs: Unpack[CallKeywords]) -> KeyVaultKey:
        """Restore a key with all its versions: an alias of :meth:`restore_key_backup`.

        The request is ``POST /keys/restore``.

        :param backup: the bytes that :meth:`backup_key` returned.
        :returns: the restored key.
        :raises TypeError: when the backup is not bytes.
        :raises ~azure.core.exceptions.ResourceExistsError: when the name is taken, even by a deleted key.
        :raises ~azure.core.exceptions.HttpResponseError: when the service rejects the request for another reason.
        """
        return self.restore_key_backup(backup, **kwargs)

    @traced(key="name")
    def rotate_key(self, name: KeyReference, **kwargs: Unpack[CallKeywords]) -> KeyVaultKey:
        """Create a new version of a key, according to its rotation policy (``POST /keys/{name}/rotate``).

        The new version has the same type and size. Needs the permission keys/rotate and API version 7.3 or later. A
        failed call is retried only if the service certainly did not process it.

        :param name: the key: its name, its identifier or a :class:`KeyVaultKey` of this vault.
        :returns: the new version.
        :raises ValueError: when the name is malformed, or the client's API version does not support rotation.
        :raises TypeError: when an argument has the wrong type.
        :raises ~azure.core.exceptions.ResourceNotFoundError: when there is no such key.
        :raises ~azure.core.exceptions.HttpResponseError: when the service rejects the request for another reason.
        """
        return self._key(self._connection.send(operations.rotate_key(self._name(name)), **kwargs))

    @traced(key="key_name")
    def get_key_rotation_policy(self, key_name: KeyReference, **kwargs: Unpack[CallKeywords]) -> KeyRotationPolicy:
        """Get the rotation policy of a key (``GET /keys/{name}/rotationpolicy``).

        Needs the permission keys/getrotationpolicy and API version 7.3 or later.

        :param key_name: the key: its name, its identifier or a :class:`KeyVaultKey` of this vault.
        :returns: the key's policy, or the service's default if none was ever set.
        :raises ValueError: when the name is malformed, or the client's API version does not support rotation.
        :raises TypeError: when an argument has the wrong type.
        :raises ~azure.core.exceptions.ResourceNotFoundError: when there is no such key.
        :raises ~azure.core.exceptions.HttpResponseError: when the service rejects the request for another reason.
        """
        policy = self._connection.send(operations.get_key_rotation_policy(self._name(key_name)), **kwargs)
        return KeyRotationPolicy._from_wire(policy)

    @traced(key="key_name")
    def update_key_rotation_policy(
        self,
        key_name: KeyReference,
        policy: KeyRotationPolicy,
        *,
        lifetime_actions: list[KeyRotationLifetimeAction] | None = None,
        expires_in: str | timedelta | None = None,
        **kwargs: Unpack[CallKeywords],
    ) -> KeyRotationPolicy:
        """Replace the rotation policy of a key (``PUT /keys/{name}/rotationpolicy``).

        Needs the permission keys/setrotationpolicy and API version 7.3 or later. The policy applies to versions that
        are created afterwards.

        :param key_name: the key: its name, its identifier or a :class:`KeyVaultKey` of this vault.
        :param policy: the new policy.
        :param lifetime_actions: actions that replace the policy's own; an empty list for none.
        :param expires_in: the lifetime of a new version, which replaces the policy's own: an ISO 8601 duration ("P90D")
            or a timedelta. Versions do not expire if neither sets a lifetime.
        :returns: the policy as the service stored it.
        :raises ValueError: when the name or a duration is malformed, or the client's API version does not support
            rotation.
        :raises TypeError: when an argument has the wrong type.
        :raises ~azure.core.exceptions.ResourceNotFoundError: when there is no such key.
        :raises ~azure.core.exceptions.HttpResponseError: when the service rejects the request for another reason.
        """
        body = parameters.rotation_policy_parameters(policy, lifetime_actions, expires_in)
        stored = self._connection.send(operations.update_key_rotation_policy(self._name(key_name), body), **kwargs)
        return KeyRotationPolicy._from_wire(stored)

    @traced(key="name", version="version")
    def release_key(
        self,
        name: KeyReference,
        target_attestation_token: str,
        *,
        version: str | None = None,
        algorithm: str | KeyExportEncryptionAlgorithm | None = None,
        nonce: str | None = None,
        **kwargs: Unpack[CallKeywords],
    ) -> ReleaseKeyResult:
        """Release an exportable key to an attested environment (``POST /keys/{name}/{version}/release``).

        Needs the permission keys/release and API version 7.3 or later.

        :param name: the key: its name, its identifier or a :class:`KeyVaultKey` of this vault.
        :param target_attestation_token: a token (JWT) from an attestation service that the key's release policy names.
        :param version: the version to release. None or empty: the version of the identifier or key, otherwise the
            latest.
        :param algorithm: how to encrypt the key. The service's default is CKM_RSA_AES_KEY_WRAP.
        :param nonce: a value of the caller's choice, which proves that the response is fresh.
        :returns: the released key, encrypted for the environment.
        :raises ValueError: when the name or the version is malformed, or the client's API version does not support key
            release.
        :raises TypeError: when an argument has the wrong type.
        :raises ~azure.core.exceptions.ResourceNotFoundError: when there is no such key.
        :raises ~azure.core.exceptions.HttpResponseError: when the policy does not allow it, or the service rejects the
            request.
        """
        named, version = self._named(name, version)
        body = parameters.release_parameters(target_attestation_token, algorithm, nonce)
        result = self._connection.send(operations.release(named, body, version), **kwargs)
        return ReleaseKeyResult._from_wire(result)

    @traced()
    def get_random_bytes(self, count: int, **kwargs: Unpack[CallKeywords]) -> bytes:
        """Get random bytes generated by a Managed HSM (``POST /rng``).

        Needs API version 7.3 or later.

        :param count: the number of bytes, 1 to 128.
        :returns: the bytes.
        :raises ValueError: when the count is out of range, or the client's API version does not support the operation.
        :raises TypeError: when the count is not an integer.
        :raises ~azure.core.exceptions.HttpResponseError: when the service rejects the request, as a vault always does.
        :raises ~azure.core.exceptions.DecodeError: when the service returns a different number of bytes.
        """
        result = self._connection.send(operations.get_random_bytes(parameters.random_parameters(count)), **kwargs)
        return random_bytes(result, count)

    @traced(key="name", version="version")
    def get_key_attestation(
        self, name: KeyReference, version: str | None = None, **kwargs: Unpack[CallKeywords]
    ) -> KeyVaultKey:
        """Get a key with the proof that a Managed HSM holds it (``GET /keys/{name}/{version}/attestation``).

        Needs the permission keys/get and API version 7.6-preview.2 or later.

        :param name: the key: its name, its identifier or a :class:`KeyVaultKey` of this vault.
        :param version: the version to get. None or empty: the version of the identifier or key, otherwise the latest.
        :returns: the key; the proof is in ``properties.attestation``.
        :raises ValueError: when the name or the version is malformed, or the client's API version does not support
            attestation.
        :raises TypeError: when an argument has the wrong type.
        :raises ~azure.core.exceptions.ResourceNotFoundError: when there is no such key. A vault has no attestation and
            always answers this way.
        :raises ~azure.core.exceptions.HttpResponseError: when the service rejects the request for another reason.
        """
        operation = operations.get_key_attestation(*self._named(name, version))
        return self._key(self._connection.send(operation, **kwargs))

    @checked
    def get_cryptography_client(
        self,
        key_name: KeyReference,
        *,
        key_version: str | None = None,
        execution: Execution = "auto",
        refresh_after: float | None = None,
        **kwargs: Unpack[ClientKeywords],
    ) -> CryptographyClient:
        """Return a client that encrypts, wraps and signs with a key of this vault, over this client's connections.

        :param key_name: the key: its name, its identifier or a :class:`KeyVaultKey` of this vault.
        :param key_version: the version to use if a name is given; None for the latest.
        :param execution: where operations run: ``"auto"``, ``"local"`` or ``"remote"``; see
            :class:`CryptographyClient`.
        :param refresh_after: for a key without a version, the seconds after which the newest version is looked up
            again; see :class:`CryptographyClient`. 600 suits most programs.
        :param kwargs: other client options, accepted as in 4.x. They have no effect, because the connection is shared.
        :returns: the client. Closing it leaves this client open; closing this client closes both.
        :raises ValueError: when the identifier is malformed or names a different vault or version; when ``execution``
            is unknown, or is ``"local"`` and the key has no key material; when ``refresh_after`` is not positive, or is
            given with a version.
        """
        from .crypto import CryptographyClient  # not loaded by programs that only manage keys

        return CryptographyClient._within(
            self._connection, key_name, key_version, execution=execution, refresh_after=refresh_after
        )

    def _named(self, key: KeyReference, version: str | None = None) -> tuple[str, str]:
        return resolve(key, self.vault_url, version)

    def _name(self, key: KeyReference) -> str:
        return resolve(key, self.vault_url)[0]

    def _deleted_name(self, key: KeyReference) -> str:
        return resolve(key, self.vault_url, collections=("keys", "deletedkeys"))[0]

    def _key(self, bundle: Any) -> KeyVaultKey:
        return KeyVaultKey._from_bundle(bundle, self.vault_url)

    def _pending(self, operation: Any, continuation_token: str | None, options: Any) -> PendingOperation[Any]:
        if continuation_token is not None:
            return PendingOperation.resumed(continuation_token, self.vault_url, operation)
        return PendingOperation(self.vault_url, operation, self._connection.send(operation, **options))

    def _paged(self, page: Any, operation: Any, convert: Any, options: Any, progress: Any = None) -> KeyPager[Any]:
        page_at = partial(page, self, operation, **options)
        pages: Any = partial(KeyPageIterator, report=progress)  # azure-core calls this as it would call the class
        return KeyPager(page_at, partial(extract, convert), page_iterator_class=pages)

    def _page(self, operation: Any, link: str | None, **options: Any) -> Any:
        if link is None:
            return self._connection.send(operation, **options)
        return self._connection.send_link(operation, link, **options)

    def _page_of_keys(self, operation: Any, link: str | None, **options: Any) -> Any:
        # One timeout covers the page and its keys.
        limited = self._connection.within_timeout(options)
        page = self._page(operation, link, **limited)
        error_map = limited.pop("error_map", None)  # a key that has been deleted in the meantime is left out
        send: Any = partial(self._connection.send, **limited)
        with mapping(error_map):
            return ExpandedPage(page.next_link, whole_keys(send, page.value or []))
