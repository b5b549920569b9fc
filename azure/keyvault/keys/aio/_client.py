"""The asyncio client for keys."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, overload

from azure.core.polling import AsyncLROPoller

from .. import _parameters as parameters
from .._continuation import PendingOperation
from .._enums import KeyCurveName, KeyExportEncryptionAlgorithm, KeyOperation, KeyType
from .._generated import operations
from .._key_references import KeyReference, resolve
from .._models import (
    DeletedKey,
    ExternalKey,
    KeyProperties,
    KeyReleasePolicy,
    KeyRotationLifetimeAction,
    KeyRotationPolicy,
    KeyVaultKey,
    ReleaseKeyResult,
)
from .._paging import AsyncKeyPager, AsyncKeyPages, extract_async, whole_keys_async
from .._polling import AsyncKeyVaultPoller, Progress
from .._shared import ApiVersion
from .._shared.base import wire_of
from .._shared.base_async import AsyncKeyVaultClientBase
from .._shared.connection_async import WORLD, AsyncVaultConnection
from .._shared.pipeline.keywords import checked
from .._shared.pipeline.order import configure
from .._shared.pipeline.tracing import traced, traced_page
from .._shared.wire.subject import random_bytes

if TYPE_CHECKING:
    from azure.core.configuration import Configuration
    from azure.core.credentials import TokenCredential
    from azure.core.credentials_async import AsyncTokenCredential
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
    from typing_extensions import Unpack

    from .._jwk import JsonWebKey
    from .._shared.pipeline.keywords import (
        BeginKeywords,
        CallKeywords,
        ClientKeywords,
        PollingKeywords,
        UpdateKeywords,
        UpdatePropertiesKeywords,
    )
    from ..crypto._decision import Execution
    from ..crypto.aio import CryptographyClient


class KeyClient(AsyncKeyVaultClientBase):
    """Creates, keeps, lists, updates and deletes the keys of one vault or Managed HSM.

    Example::

        import os

        from azure.identity.aio import DefaultAzureCredential
        from azure.keyvault.keys.aio import KeyClient

        async def main():
            async with DefaultAzureCredential() as credential, KeyClient(os.environ["VAULT_URL"], credential) as client:
                key = await client.create_rsa_key("invoices", size=3072)
                print(key.name, key.key_type, key.properties.version)
                async for properties in client.list_keys():
                    print(properties.name, properties.enabled)

    One client may be used by any number of threads or, in asyncio, by any number of tasks of one event loop. Every
    method takes azure-core's options of a call as keywords, as ``headers``, ``logging_enable``, ``retry_total``,
    ``connection_timeout``, ``read_timeout``, and ``timeout``: the most seconds that the whole call may take, tokens and
    retries included. A call whose time is up raises :class:`~azure.core.exceptions.ServiceRequestTimeoutError` when its
    request was not sent, and :class:`~azure.core.exceptions.ServiceResponseTimeoutError` when it may have been.

    :param vault_url: the URL of the vault, as ``https://my-vault.vault.azure.net``.
    :param credential: gives the tokens: a credential of azure-identity, or any object with their ``get_token``. The
        asyncio client takes those of ``azure.identity.aio``, and synchronous ones as well, which it asks in a thread.
    :param api_version: the version of the REST API. Default: the newest stable one. A version that this library does
        not know is sent as it is given.
    :param verify_challenge_resource: whether the vault must ask for a token of its own domain. Turn that off only for a
        vault that is known to be right and has an address of its own, as in a private cloud.
    :param config: policies made with :meth:`create_config`, in place of those that the other keywords describe; the
        tokens are those of the credential that it was given.
    :param kwargs: azure-core's options of a client, as ``transport``, ``retry_total``, ``logging_enable``, ``proxies``,
        ``connection_verify`` (True, False, a path or an :class:`ssl.SSLContext`), ``connection_timeout``
        (seconds; 5 by default), ``read_timeout`` (seconds between two pieces of an answer; 300 by default) and
        ``timeout`` (seconds, see above; for every call that gives none itself).
    :raises ValueError: when the URL is not that of a vault, or there is no credential.
    :raises TypeError: when the credential cannot give tokens.
    """

    def __init__(
        self,
        vault_url: str,
        credential: AsyncTokenCredential | TokenCredential,
        *,
        api_version: ApiVersion | str | None = None,
        verify_challenge_resource: bool = True,
        config: Configuration[Any, Any] | None = None,
        **kwargs: Unpack[ClientKeywords],
    ) -> None:
        connection = AsyncVaultConnection(
            wire_of(vault_url, api_version, verify=verify_challenge_resource, config=config),
            credential,
            config=config,
            verify_challenge_resource=verify_challenge_resource,
            **kwargs,
        )
        super().__init__(connection)

    @staticmethod
    def create_config(
        credential: AsyncTokenCredential | TokenCredential, **kwargs: Unpack[ClientKeywords]
    ) -> Configuration[Any, Any]:
        """Make the policies of a client, to change them before they are used.

        :param credential: gives the tokens.
        :param kwargs: azure-core's options of policies, as ``logging_enable`` and ``retry_total``, or whole policies,
            as ``retry_policy``.
        :returns: the policies; hand them to a client as ``config=``.
        :raises ValueError: when there is no credential.
        :raises TypeError: when it cannot give tokens.
        """
        return configure(WORLD, credential, **kwargs)

    @traced
    async def create_key(
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
        """Create a key, or a new version of it when the name exists (``POST /keys/{name}/create``).

        Needs the permission keys/create. The call is repeated after a failure only when the service has certainly not
        processed it.

        :param name: 1 to 127 letters, digits and hyphens. Case does not matter.
        :param key_type: RSA, EC or, in a Managed HSM, oct; or the same with ``-HSM``.
        :param size: bits. RSA: 2048, 3072 or 4096; oct: 128, 192 or 256. The service's default for RSA is 2048.
        :param curve: the curve of an EC key. The service's default is P-256.
        :param alg: the algorithm of an AKP key: ML-DSA-44, ML-DSA-65 or ML-DSA-87, as ``SignatureAlgorithm`` has them.
        :param public_exponent: the public exponent of an RSA key; only in a Managed HSM.
        :param key_operations: what the key may be used for. The service's default is all that its type can do.
        :param enabled: whether it may be used. The service's default is True.
        :param tags: metadata of the application; 15 entries at most.
        :param not_before: the time before which it may not be used to encrypt, wrap or sign. Fractions of a second are
            cut off; a time without a zone is taken as UTC.
        :param expires_on: the time from which it may no longer be used to encrypt, wrap or sign; likewise.
        :param expires: another name of ``expires_on``.
        :param exportable: whether its private part may be released. Needs ``release_policy``.
        :param release_policy: the rules under which it may be released.
        :returns: the new key.
        :raises ValueError: when an argument is outside its limits, or the client's API version lacks it.
        :raises TypeError: when an argument has the wrong type.
        :raises ~azure.core.exceptions.ResourceExistsError: when a deleted key has the name; the text says what to do.
        :raises ~azure.core.exceptions.HttpResponseError: when the service refuses for another reason.
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
        return self._key(await self._connection.send(operations.create_key(name, body), **kwargs))

    @traced
    async def create_rsa_key(
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
        """Create an RSA key, or a new version of it when the name exists (``POST /keys/{name}/create``).

        Needs the permission keys/create. The call is repeated after a failure only when the service has certainly not
        processed it.

        :param name: 1 to 127 letters, digits and hyphens. Case does not matter.
        :param hsm: whether an HSM is to protect the key.
        :param size: 2048, 3072 or 4096 bits. The service's default is 2048.
        :param public_exponent: the public exponent; only in a Managed HSM.
        :param hardware_protected: another name of ``hsm``.
        :param key_operations: what the key may be used for. The service's default is all that its type can do.
        :param enabled: whether it may be used. The service's default is True.
        :param tags: metadata of the application; 15 entries at most.
        :param not_before: the time before which it may not be used to encrypt, wrap or sign. Fractions of a second are
            cut off; a time without a zone is taken as UTC.
        :param expires_on: the time from which it may no longer be used to encrypt, wrap or sign; likewise.
        :param expires: another name of ``expires_on``.
        :param exportable: whether its private part may be released. Needs ``release_policy``.
        :param release_policy: the rules under which it may be released.
        :returns: the new key.
        :raises ValueError: when an argument is outside its limits, or the client's API version lacks it.
        :raises TypeError: when an argument has the wrong type, or both names of one are given and differ.
        :raises ~azure.core.exceptions.ResourceExistsError: when a deleted key has the name; the text says what to do.
        :raises ~azure.core.exceptions.HttpResponseError: when the service refuses for another reason.
        """
        return await self.create_key(
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

    @traced
    async def create_ec_key(
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
        """Create an elliptic curve key, or a new version of it when the name exists (``POST /keys/{name}/create``).

        Needs the permission keys/create. The call is repeated after a failure only when the service has certainly not
        processed it.

        :param name: 1 to 127 letters, digits and hyphens. Case does not matter.
        :param hsm: whether an HSM is to protect the key.
        :param curve: P-256, P-384, P-521 or P-256K. The service's default is P-256.
        :param key_operations: what the key may be used for. The service's default is all that its type can do.
        :param hardware_protected: another name of ``hsm``.
        :param enabled: whether it may be used. The service's default is True.
        :param tags: metadata of the application; 15 entries at most.
        :param not_before: the time before which it may not be used to sign. Fractions of a second are cut off; a time
            without a zone is taken as UTC.
        :param expires_on: the time from which it may no longer be used to sign; likewise.
        :param expires: another name of ``expires_on``.
        :param exportable: whether its private part may be released. Needs ``release_policy``.
        :param release_policy: the rules under which it may be released.
        :returns: the new key.
        :raises ValueError: when an argument is outside its limits, or the client's API version lacks it.
        :raises TypeError: when an argument has the wrong type, or both names of one are given and differ.
        :raises ~azure.core.exceptions.ResourceExistsError: when a deleted key has the name; the text says what to do.
        :raises ~azure.core.exceptions.HttpResponseError: when the service refuses for another reason.
        """
        return await self.create_key(
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

    @traced
    async def create_oct_key(
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
        """Create a symmetric key, or a new version of it when the name exists (``POST /keys/{name}/create``).

        Only a Managed HSM has symmetric keys. Needs the permission keys/create. The call is repeated after a failure
        only when the service has certainly not processed it.

        :param name: 1 to 127 letters, digits and hyphens. Case does not matter.
        :param size: 128, 192 or 256 bits.
        :param key_operations: what the key may be used for. The service's default is all that its type can do.
        :param hardware_protected: whether an HSM is to protect the key.
        :param hsm: another name of ``hardware_protected``.
        :param enabled: whether it may be used. The service's default is True.
        :param tags: metadata of the application; 15 entries at most.
        :param not_before: the time before which it may not be used to encrypt, wrap or sign. Fractions of a second are
            cut off; a time without a zone is taken as UTC.
        :param expires_on: the time from which it may no longer be used to encrypt, wrap or sign; likewise.
        :param expires: another name of ``expires_on``.
        :param exportable: whether it may be released. Needs ``release_policy``.
        :param release_policy: the rules under which it may be released.
        :returns: the new key. Its material stays in the HSM.
        :raises ValueError: when an argument is outside its limits, or the client's API version lacks it.
        :raises TypeError: when an argument has the wrong type, or both names of one are given and differ.
        :raises ~azure.core.exceptions.ResourceExistsError: when a deleted key has the name; the text says what to do.
        :raises ~azure.core.exceptions.HttpResponseError: when the service refuses for another reason.
        """
        return await self.create_key(
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

    @traced
    async def create_external_key(
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
        """Create a key that stands for one in an external key manager (``POST /keys/{name}/create``).

        Only a Managed HSM has external keys. Needs the permission keys/create and API version 2026-01-01-preview or
        later. The call is repeated after a failure only when the service has certainly not processed it.

        The service demands a type for every key. Its documents do not tell which types external keys may have, so give
        ``key_type`` where the key is known not to be symmetric, and look at the returned key's ``key_type``.

        :param name: 1 to 127 letters, digits and hyphens. Case does not matter.
        :param external_key: the key in the external key manager.
        :param key_type: the type of that key; it is sent as it is given. Default: oct-HSM.
        :param enabled: whether it may be used. The service's default is True.
        :param tags: metadata of the application; 15 entries at most.
        :param not_before: the time before which it may not be used to encrypt, wrap or sign; in UTC if it has no zone.
        :param expires_on: the time from which it may no longer be used to encrypt, wrap or sign; likewise.
        :param expires: another name of ``expires_on``.
        :param release_policy: the rules under which it may be released.
        :returns: the new key.
        :raises ValueError: when an argument is outside its limits, or the client's API version lacks it.
        :raises TypeError: when an argument has the wrong type.
        :raises ~azure.core.exceptions.ResourceExistsError: when a deleted key has the name; the text says what to do.
        :raises ~azure.core.exceptions.HttpResponseError: when the service refuses for another reason.
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
        return self._key(await self._connection.send(operations.create_key(name, body), **kwargs))

    @traced
    async def import_key(
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
        """Import a key that was made elsewhere, as a new version when the name exists (``PUT /keys/{name}``).

        Needs the permission keys/import. The call is repeated after a failure only when the service has certainly not
        processed it. The private part is sent to the vault's own origin and nowhere else, and only after the vault has
        proved with its challenge to be one.

        :param name: 1 to 127 letters, digits and hyphens. Case does not matter.
        :param key: the private key: a :class:`JsonWebKey`, PEM or DER, or a private key of ``cryptography``. What may
            be done with it is told by ``key_ops`` of the JsonWebKey.
        :param hardware_protected: whether an HSM is to protect the key.
        :param hsm: another name of ``hardware_protected``.
        :param enabled: whether it may be used. The service's default is True.
        :param tags: metadata of the application; 15 entries at most.
        :param not_before: the time before which it may not be used to encrypt, wrap or sign. Fractions of a second are
            cut off; a time without a zone is taken as UTC.
        :param expires_on: the time from which it may no longer be used to encrypt, wrap or sign; likewise.
        :param expires: another name of ``expires_on``.
        :param exportable: whether its private part may be released. Needs ``release_policy``.
        :param release_policy: the rules under which it may be released.
        :returns: the imported key, without its private part.
        :raises ValueError: when the key's numbers do not fit together, an argument is outside its limits, or the
            client's API version lacks it.
        :raises TypeError: when an argument has the wrong type, or both names of one are given and differ.
        :raises ~azure.core.exceptions.ResourceExistsError: when a deleted key has the name; the text says what to do.
        :raises ~azure.core.exceptions.HttpResponseError: when the service refuses for another reason.
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
        return self._key(await self._connection.send(operations.import_key(name, body), **kwargs))

    @traced
    async def get_key(
        self, name: KeyReference, version: str | None = None, **kwargs: Unpack[CallKeywords]
    ) -> KeyVaultKey:
        """Get a key's public material and properties (``GET /keys/{name}/{version}``).

        Needs the permission keys/get. Keys that are disabled or out of their dates are returned like any other.

        :param name: the key: its name, its identifier or a :class:`KeyVaultKey` of this vault.
        :param version: the version to get; None or empty for that of the identifier or the key, or else the latest.
        :returns: the key.
        :raises ValueError: when the name or the version is malformed.
        :raises TypeError: when an argument has the wrong type.
        :raises ~azure.core.exceptions.ResourceNotFoundError: when there is none, or it is deleted.
        :raises ~azure.core.exceptions.HttpResponseError: when the service refuses for another reason.
        """
        operation = operations.get_key(*self._named(name, version))
        return self._key(await self._connection.send(operation, **kwargs))

    @traced
    async def update_key_properties(
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
        """Change properties of a key; what is not given stays as it is (``PATCH /keys/{name}/{version}``).

        Needs the permission keys/update. The key's material cannot be changed.

        :param name: the key: its name, its identifier or a :class:`KeyVaultKey` of this vault.
        :param version: the version to change; None or empty for that of the identifier or the key, or else the latest.
        :param key_operations: what the key may be used for; replaces the whole list.
        :param enabled: whether it may be used.
        :param tags: metadata of the application; replaces all of it. Empty to remove it.
        :param not_before: the time before which it may not be used to encrypt, wrap or sign; in UTC if it has no zone.
        :param expires_on: the time from which it may no longer be used to encrypt, wrap or sign; likewise.
        :param release_policy: the rules under which it may be released.
        :param kwargs: ``expires``, another name of ``expires_on``; and options of the call.
        :returns: the changed key.
        :raises ValueError: when an argument is outside its limits, or the client's API version lacks it.
        :raises TypeError: when an argument has the wrong type.
        :raises ~azure.core.exceptions.ResourceNotFoundError: when there is no such key.
        :raises ~azure.core.exceptions.HttpResponseError: when the service refuses for another reason.
        """
        # azure-cli makes the options of a command from this signature, and has an --expires of its own already.
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
        return self._key(await self._connection.send(operation, **kwargs))

    @traced
    async def update_key(
        self, name: KeyReference, version: str | None = None, **kwargs: Unpack[UpdateKeywords]
    ) -> KeyVaultKey:
        """Change properties of a key: another name of :meth:`update_key_properties`, which see.

        It is ``PATCH /keys/{name}/{version}``.

        :param name: the key: its name, its identifier or a :class:`KeyVaultKey` of this vault.
        :param version: the version to change; None or empty for that of the identifier or the key, or else the latest.
        :param kwargs: the keywords of :meth:`update_key_properties`, and options of the call.
        :returns: the changed key.
        :raises ValueError: when an argument is outside its limits, or the client's API version lacks it.
        :raises TypeError: when an argument has the wrong type.
        :raises ~azure.core.exceptions.ResourceNotFoundError: when there is no such key.
        :raises ~azure.core.exceptions.HttpResponseError: when the service refuses for another reason.
        """
        return await self.update_key_properties(name, version, **kwargs)

    @traced
    async def begin_delete_key(
        self,
        name: KeyReference,
        *,
        polling_interval: float | None = None,
        continuation_token: str | None = None,
        progress: Callable[[float], Any] | None = None,
        **kwargs: Unpack[BeginKeywords],
    ) -> AsyncLROPoller[DeletedKey]:
        """Delete all versions of a key, without waiting for the end of it (``DELETE /keys/{name}``).

        Needs the permission keys/delete, and keys/get to see when the deletion has finished. In a vault with soft
        delete the key can be recovered until it is purged.

        :param name: the key: its name, its identifier or a :class:`KeyVaultKey` of this vault.
        :param polling_interval: seconds between two looks at the deletion. By default they grow from 0.25 to 2.
        :param continuation_token: what ``continuation_token()`` of an earlier poller returned, to go on waiting where
            it was: nothing is deleted again.
        :param progress: is called after every look at the key, with the seconds since the call began; looking is what
            ``wait`` does.
        :returns: a poller. Its ``result()`` is the deleted key, at once; its ``wait()`` returns when the deletion has
            finished, so that the key can be recovered or purged. In asyncio both are awaited; so may be the poller
            itself, which waits and gives the deleted key.
        :raises ValueError: when the name or the continuation token is malformed, when the token is that of another
            vault, key or call, or when the interval is negative.
        :raises TypeError: when an argument has the wrong type.
        :raises ~azure.core.exceptions.ResourceNotFoundError: when there is no such key.
        :raises ~azure.core.exceptions.HttpResponseError: when the service refuses for another reason.
        """
        interval, named = parameters.interval(polling_interval, kwargs), self._name(name)
        pending = await self._pending(operations.delete_key(named), continuation_token, kwargs)
        deleted, question = DeletedKey._from_bundle(pending.answer), operations.get_deleted_key(named)
        waiting = Progress(pending, deleted, question, interval, finished=deleted.recovery_id is None, report=progress)
        return AsyncKeyVaultPoller(self._connection, waiting, kwargs)

    @traced
    async def delete_key(self, name: KeyReference, **kwargs: Unpack[PollingKeywords]) -> DeletedKey:
        """Delete all versions of a key and wait until that has finished (``DELETE /keys/{name}``).

        Needs the permission keys/delete, and keys/get to see when the deletion has finished. In a vault with soft
        delete the key can be recovered until it is purged.

        :param name: the key: its name, its identifier or a :class:`KeyVaultKey` of this vault.
        :param kwargs: those of :meth:`begin_delete_key`.
        :returns: the deleted key.
        :raises ValueError: when the name or the continuation token is malformed, when the token is that of another
            vault, key or call, or when the interval is negative.
        :raises TypeError: when an argument has the wrong type.
        :raises ~azure.core.exceptions.ResourceNotFoundError: when there is no such key.
        :raises ~azure.core.exceptions.HttpResponseError: when the service refuses for another reason.
            Errors of waiting have a ``continuation_token``, with which another call goes on waiting.
        """
        poller = await self.begin_delete_key(name, **self._connection.within_timeout(kwargs))
        await poller.wait()
        return await poller.result()

    @traced
    async def get_deleted_key(self, name: KeyReference, **kwargs: Unpack[CallKeywords]) -> DeletedKey:
        """Get a deleted key (``GET /deletedkeys/{name}``).

        Needs the permission keys/get. Only vaults with soft delete have deleted keys.

        :param name: the key: its name, its identifier or a :class:`KeyVaultKey` of this vault.
        :returns: the deleted key.
        :raises ValueError: when the name is malformed.
        :raises TypeError: when an argument has the wrong type.
        :raises ~azure.core.exceptions.ResourceNotFoundError: when there is none, or its deletion has not finished.
        :raises ~azure.core.exceptions.HttpResponseError: when the service refuses for another reason.
        """
        return DeletedKey._from_bundle(
            await self._connection.send(operations.get_deleted_key(self._deleted_name(name)), **kwargs)
        )

    @overload
    def list_properties_of_keys(
        self,
        *,
        expand: Literal[False] = False,
        max_page_size: int | None = None,
        progress: Callable[[int], Any] | None = None,
        **kwargs: Unpack[CallKeywords],
    ) -> AsyncKeyPager[KeyProperties]: ...
    @overload
    def list_properties_of_keys(
        self,
        *,
        expand: Literal[True],
        max_page_size: int | None = None,
        progress: Callable[[int], Any] | None = None,
        **kwargs: Unpack[CallKeywords],
    ) -> AsyncKeyPager[KeyVaultKey]: ...
    @overload
    def list_properties_of_keys(
        self,
        *,
        expand: bool,
        max_page_size: int | None = None,
        progress: Callable[[int], Any] | None = None,
        **kwargs: Unpack[CallKeywords],
    ) -> AsyncKeyPager[KeyProperties] | AsyncKeyPager[KeyVaultKey]: ...
    @checked
    def list_properties_of_keys(
        self,
        *,
        expand: bool = False,
        max_page_size: int | None = None,
        progress: Callable[[int], Any] | None = None,
        **kwargs: Unpack[CallKeywords],
    ) -> AsyncKeyPager[Any]:
        """List the keys of the vault (``GET /keys``).

        Needs the permission keys/list. The list holds properties without versions, not the keys' material.

        :param expand: whether to list whole keys, as :meth:`get_key` returns them: one more request for every key, of
            which 8 at most are on their way at a time, and the permission keys/get. Keys that are deleted meanwhile
            are left out. A page is there when all of its keys are; ``timeout`` is for both together.
        :param max_page_size: the most items that the service is to send at a time, 1 or more. It sends 25 at most.
        :param progress: is called after every page, with the number of keys that have been listed so far.
        :returns: an iterator, which asks for pages as it goes on; its ``by_page`` iterates by page.
        :raises ValueError: when ``max_page_size`` is less than 1.
        :raises TypeError: when it is no integer.
        :raises ~azure.core.exceptions.HttpResponseError: when the service refuses, at the first iteration; when it
            refuses to give a key, at the iteration that asks for the key's page.
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
    ) -> AsyncKeyPager[KeyProperties]: ...
    @overload
    def list_keys(
        self,
        *,
        expand: Literal[True],
        max_page_size: int | None = None,
        progress: Callable[[int], Any] | None = None,
        **kwargs: Unpack[CallKeywords],
    ) -> AsyncKeyPager[KeyVaultKey]: ...
    @overload
    def list_keys(
        self,
        *,
        expand: bool,
        max_page_size: int | None = None,
        progress: Callable[[int], Any] | None = None,
        **kwargs: Unpack[CallKeywords],
    ) -> AsyncKeyPager[KeyProperties] | AsyncKeyPager[KeyVaultKey]: ...
    @checked
    def list_keys(
        self,
        *,
        expand: bool = False,
        max_page_size: int | None = None,
        progress: Callable[[int], Any] | None = None,
        **kwargs: Unpack[CallKeywords],
    ) -> AsyncKeyPager[Any]:
        """List the keys of the vault: another name of :meth:`list_properties_of_keys` (``GET /keys``).

        :param expand: whether to list whole keys, for one more request each.
        :param max_page_size: the most items that the service is to send at a time, 1 or more. It sends 25 at most.
        :param progress: is called after every page, with the number of keys that have been listed so far.
        :returns: an iterator, which asks for pages as it goes on; its ``by_page`` iterates by page.
        :raises ValueError: when ``max_page_size`` is less than 1.
        :raises TypeError: when it is no integer.
        :raises ~azure.core.exceptions.HttpResponseError: when the service refuses, at the iteration that meets it.
        """
        return self.list_properties_of_keys(expand=expand, max_page_size=max_page_size, progress=progress, **kwargs)

    @checked
    def list_properties_of_key_versions(
        self, name: KeyReference, *, max_page_size: int | None = None, **kwargs: Unpack[CallKeywords]
    ) -> AsyncKeyPager[KeyProperties]:
        """List the versions of a key, in no order that means anything (``GET /keys/{name}/versions``).

        Needs the permission keys/list. Sort by ``created_on`` for their history.

        :param name: the key: its name, its identifier or a :class:`KeyVaultKey` of this vault. The list of a key that
            does not exist is empty.
        :param max_page_size: the most items that the service is to send at a time, 1 or more. It sends 25 at most.
        :returns: an iterator, which asks for pages as it goes on; its ``by_page`` iterates by page.
        :raises ValueError: when the name is malformed, or ``max_page_size`` is less than 1.
        :raises TypeError: when an argument has the wrong type.
        :raises ~azure.core.exceptions.HttpResponseError: when the service refuses, at the first iteration.
        """
        named = self._name(name)
        operation = operations.get_key_versions(named, parameters.page_size(max_page_size))
        page = traced_page(KeyClient._page, "list_properties_of_key_versions", named)
        return self._paged(page, operation, KeyProperties._from_item, kwargs)

    @checked
    def list_key_versions(
        self, name: KeyReference, *, max_page_size: int | None = None, **kwargs: Unpack[CallKeywords]
    ) -> AsyncKeyPager[KeyProperties]:
        """List the versions of a key: another name of :meth:`list_properties_of_key_versions`.

        It is ``GET /keys/{name}/versions``.

        :param name: the key: its name, its identifier or a :class:`KeyVaultKey` of this vault. The list of a key that
            does not exist is empty.
        :param max_page_size: the most items that the service is to send at a time, 1 or more. It sends 25 at most.
        :returns: an iterator, which asks for pages as it goes on; its ``by_page`` iterates by page.
        :raises ValueError: when the name is malformed, or ``max_page_size`` is less than 1.
        :raises TypeError: when an argument has the wrong type.
        :raises ~azure.core.exceptions.HttpResponseError: when the service refuses, at the first iteration.
        """
        return self.list_properties_of_key_versions(name, max_page_size=max_page_size, **kwargs)

    @checked
    def list_deleted_keys(
        self, *, max_page_size: int | None = None, **kwargs: Unpack[CallKeywords]
    ) -> AsyncKeyPager[DeletedKey]:
        """List the deleted keys of the vault (``GET /deletedkeys``).

        Needs the permission keys/list. The list holds no key material. Only vaults with soft delete have deleted keys.

        :param max_page_size: the most items that the service is to send at a time, 1 or more. It sends 25 at most.
        :returns: an iterator, which asks for pages as it goes on; its ``by_page`` iterates by page.
        :raises ValueError: when ``max_page_size`` is less than 1.
        :raises TypeError: when it is no integer.
        :raises ~azure.core.exceptions.HttpResponseError: when the service refuses, at the first iteration.
        """
        operation = operations.get_deleted_keys(parameters.page_size(max_page_size))
        page = traced_page(KeyClient._page, "list_deleted_keys")
        return self._paged(page, operation, DeletedKey._from_deleted_item, kwargs)

    @traced
    async def begin_recover_deleted_key(
        self,
        name: KeyReference,
        *,
        polling_interval: float | None = None,
        continuation_token: str | None = None,
        progress: Callable[[float], Any] | None = None,
        **kwargs: Unpack[BeginKeywords],
    ) -> AsyncLROPoller[KeyVaultKey]:
        """Make a deleted key usable again, without waiting for it (``POST /deletedkeys/{name}/recover``).

        Needs the permission keys/recover, and keys/get to see when the recovery has finished.

        :param name: the key: its name, its identifier or a :class:`KeyVaultKey` of this vault.
        :param polling_interval: seconds between two looks at the recovery. By default they grow from 0.25 to 2.
        :param continuation_token: what ``continuation_token()`` of an earlier poller returned, to go on waiting where
            it was: nothing is recovered again.
        :param progress: is called after every look at the key, with the seconds since the call began; looking is what
            ``wait`` does.
        :returns: a poller. Its ``result()`` is the recovered key, at once; its ``wait()`` returns when it can be used.
            In asyncio both are awaited; so may be the poller itself, which waits and gives the recovered key.
        :raises ValueError: when the name or the continuation token is malformed, when the token is that of another
            vault, key or call, or when the interval is negative.
        :raises TypeError: when an argument has the wrong type.
        :raises ~azure.core.exceptions.ResourceNotFoundError: when there is no such deleted key.
        :raises ~azure.core.exceptions.HttpResponseError: when the service refuses for another reason.
        """
        interval, named = parameters.interval(polling_interval, kwargs), self._deleted_name(name)
        pending = await self._pending(operations.recover_deleted_key(named), continuation_token, kwargs)
        waiting = Progress(pending, self._key(pending.answer), operations.get_key(named), interval, report=progress)
        return AsyncKeyVaultPoller(self._connection, waiting, kwargs)

    @traced
    async def recover_deleted_key(self, name: KeyReference, **kwargs: Unpack[PollingKeywords]) -> KeyVaultKey:
        """Make a deleted key usable again and wait until it is (``POST /deletedkeys/{name}/recover``).

        Needs the permission keys/recover, and keys/get to see when the recovery has finished.

        :param name: the key: its name, its identifier or a :class:`KeyVaultKey` of this vault.
        :param kwargs: those of :meth:`begin_recover_deleted_key`.
        :returns: the recovered key.
        :raises ValueError: when the name or the continuation token is malformed, when the token is that of another
            vault, key or call, or when the interval is negative.
        :raises TypeError: when an argument has the wrong type.
        :raises ~azure.core.exceptions.ResourceNotFoundError: when there is no such deleted key.
        :raises ~azure.core.exceptions.HttpResponseError: when the service refuses for another reason.
            Errors of waiting have a ``continuation_token``, with which another call goes on waiting.
        """
        poller = await self.begin_recover_deleted_key(name, **self._connection.within_timeout(kwargs))
        await poller.wait()
        return await poller.result()

    @traced
    async def purge_deleted_key(self, name: KeyReference, **kwargs: Unpack[CallKeywords]) -> None:
        """Delete a deleted key for good (``DELETE /deletedkeys/{name}``).

        Needs the permission keys/purge. Nothing can bring the key back, except :meth:`restore_key` from a backup. A
        vault with purge protection refuses.

        :param name: the key: its name, its identifier or a :class:`KeyVaultKey` of this vault.
        :raises ValueError: when the name is malformed.
        :raises TypeError: when an argument has the wrong type.
        :raises ~azure.core.exceptions.ResourceNotFoundError: when there is no such deleted key.
        :raises ~azure.core.exceptions.HttpResponseError: when the service refuses for another reason.
        """
        await self._connection.send(operations.purge_deleted_key(self._deleted_name(name)), **kwargs)

    @traced
    async def backup_key(self, name: KeyReference, **kwargs: Unpack[CallKeywords]) -> bytes:
        """Back up a key with all its versions (``POST /keys/{name}/backup``).

        Needs the permission keys/backup. The backup is encrypted; only the service can read it.

        :param name: the key: its name, its identifier or a :class:`KeyVaultKey` of this vault.
        :returns: the backup, to be kept as it is.
        :raises ValueError: when the name is malformed.
        :raises TypeError: when an argument has the wrong type.
        :raises ~azure.core.exceptions.ResourceNotFoundError: when there is no such key.
        :raises ~azure.core.exceptions.HttpResponseError: when the service refuses for another reason.
        """
        result = await self._connection.send(operations.backup_key(self._name(name)), **kwargs)
        return result.value or b""

    @traced
    async def restore_key_backup(self, backup: bytes, **kwargs: Unpack[CallKeywords]) -> KeyVaultKey:
        """Restore a key with all its versions, under its old name (``POST /keys/restore``).

        Needs the permission keys/restore. The vault must be in the subscription and geography of the vault that made
        the backup. The call is repeated after a failure only when the service has certainly not processed it.

        :param backup: what :meth:`backup_key` returned.
        :returns: the restored key.
        :raises TypeError: when the backup is not bytes.
        :raises ~azure.core.exceptions.ResourceExistsError: when the name is taken, by a deleted key as well.
        :raises ~azure.core.exceptions.HttpResponseError: when the service refuses for another reason.
        """
        operation = operations.restore_key(parameters.restore_parameters(backup))
        return self._key(await self._connection.send(operation, **kwargs))

    @traced
    async def restore_key(self, backup: bytes, **kwargs: Unpack[CallKeywords]) -> KeyVaultKey:
        """Restore a key with all its versions: another name of :meth:`restore_key_backup`.

        It is ``POST /keys/restore``.

        :param backup: what :meth:`backup_key` returned.
        :returns: the restored key.
        :raises TypeError: when the backup is not bytes.
        :raises ~azure.core.exceptions.ResourceExistsError: when the name is taken, by a deleted key as well.
        :raises ~azure.core.exceptions.HttpResponseError: when the service refuses for another reason.
        """
        return await self.restore_key_backup(backup, **kwargs)

    @traced
    async def rotate_key(self, name: KeyReference, **kwargs: Unpack[CallKeywords]) -> KeyVaultKey:
        """Create a new version of a key, of the same type and size, after its policy (``POST /keys/{name}/rotate``).

        Needs the permission keys/rotate and API version 7.3 or later. The call is repeated after a failure only when
        the service has certainly not processed it.

        :param name: the key: its name, its identifier or a :class:`KeyVaultKey` of this vault.
        :returns: the new version.
        :raises ValueError: when the name is malformed, or the client's API version lacks rotation.
        :raises TypeError: when an argument has the wrong type.
        :raises ~azure.core.exceptions.ResourceNotFoundError: when there is no such key.
        :raises ~azure.core.exceptions.HttpResponseError: when the service refuses for another reason.
        """
        return self._key(await self._connection.send(operations.rotate_key(self._name(name)), **kwargs))

    @traced
    async def get_key_rotation_policy(
        self, key_name: KeyReference, **kwargs: Unpack[CallKeywords]
    ) -> KeyRotationPolicy:
        """Get the rotation policy of a key (``GET /keys/{name}/rotationpolicy``).

        Needs the permission keys/getrotationpolicy and API version 7.3 or later.

        :param key_name: the key: its name, its identifier or a :class:`KeyVaultKey` of this vault.
        :returns: its policy; for a key that was never given one, the service's default.
        :raises ValueError: when the name is malformed, or the client's API version lacks rotation.
        :raises TypeError: when an argument has the wrong type.
        :raises ~azure.core.exceptions.ResourceNotFoundError: when there is no such key.
        :raises ~azure.core.exceptions.HttpResponseError: when the service refuses for another reason.
        """
        policy = await self._connection.send(operations.get_key_rotation_policy(self._name(key_name)), **kwargs)
        return KeyRotationPolicy._from_wire(policy)

    @traced
    async def update_key_rotation_policy(
        self,
        key_name: KeyReference,
        policy: KeyRotationPolicy,
        *,
        lifetime_actions: list[KeyRotationLifetimeAction] | None = None,
        expires_in: str | timedelta | None = None,
        **kwargs: Unpack[CallKeywords],
    ) -> KeyRotationPolicy:
        """Replace the rotation policy of a key (``PUT /keys/{name}/rotationpolicy``).

        Needs the permission keys/setrotationpolicy and API version 7.3 or later. It applies to versions that are
        created afterwards.

        :param key_name: the key: its name, its identifier or a :class:`KeyVaultKey` of this vault.
        :param policy: the new policy.
        :param lifetime_actions: actions in place of the policy's own; empty for none.
        :param expires_in: the life of a new version in place of the policy's own, as an ISO 8601 duration ("P90D") or a
            timedelta. Versions do not expire when neither tells one.
        :returns: the policy, as the service has stored it.
        :raises ValueError: when the name or a duration is malformed, or the client's API version lacks rotation.
        :raises TypeError: when an argument has the wrong type.
        :raises ~azure.core.exceptions.ResourceNotFoundError: when there is no such key.
        :raises ~azure.core.exceptions.HttpResponseError: when the service refuses for another reason.
        """
        body = parameters.rotation_policy_parameters(policy, lifetime_actions, expires_in)
        stored = await self._connection.send(
            operations.update_key_rotation_policy(self._name(key_name), body), **kwargs
        )
        return KeyRotationPolicy._from_wire(stored)

    @traced
    async def release_key(
        self,
        name: KeyReference,
        target_attestation_token: str,
        *,
        version: str | None = None,
        algorithm: str | KeyExportEncryptionAlgorithm | None = None,
        nonce: str | None = None,
        **kwargs: Unpack[CallKeywords],
    ) -> ReleaseKeyResult:
        """Release an exportable key to a proven environment (``POST /keys/{name}/{version}/release``).

        Needs the permission keys/release and API version 7.3 or later.

        :param name: the key: its name, its identifier or a :class:`KeyVaultKey` of this vault.
        :param target_attestation_token: the proof: a token (JWT) of an attestation service that the key's release
            policy names.
        :param version: the version to release; None or empty for that of the identifier or the key, or else the latest.
        :param algorithm: how to encrypt the key. The service's default is CKM_RSA_AES_KEY_WRAP.
        :param nonce: a value of the caller's choice that makes the answer fresh.
        :returns: the released key, encrypted for the environment.
        :raises ValueError: when the name or the version is malformed, or the client's API version lacks releasing.
        :raises TypeError: when an argument has the wrong type.
        :raises ~azure.core.exceptions.ResourceNotFoundError: when there is no such key.
        :raises ~azure.core.exceptions.HttpResponseError: when the policy, or the service, refuses.
        """
        named, version = self._named(name, version)
        body = parameters.release_parameters(target_attestation_token, algorithm, nonce)
        result = await self._connection.send(operations.release(named, body, version), **kwargs)
        return ReleaseKeyResult._from_wire(result)

    @traced
    async def get_random_bytes(self, count: int, **kwargs: Unpack[CallKeywords]) -> bytes:
        """Get random bytes that a Managed HSM has made (``POST /rng``).

        Needs API version 7.3 or later.

        :param count: how many bytes: 1 to 128.
        :returns: the bytes.
        :raises ValueError: when the count is outside its limits, or the client's API version lacks the operation.
        :raises TypeError: when the count is no integer.
        :raises ~azure.core.exceptions.HttpResponseError: when the service refuses; a vault always does.
        :raises ~azure.core.exceptions.DecodeError: when it returns another number of bytes.
        """
        result = await self._connection.send(operations.get_random_bytes(parameters.random_parameters(count)), **kwargs)
        return random_bytes(result, count)

    @traced
    async def get_key_attestation(
        self, name: KeyReference, version: str | None = None, **kwargs: Unpack[CallKeywords]
    ) -> KeyVaultKey:
        """Get a key with the proof that it lives in a Managed HSM (``GET /keys/{name}/{version}/attestation``).

        Needs the permission keys/get and API version 7.6-preview.2 or later.

        :param name: the key: its name, its identifier or a :class:`KeyVaultKey` of this vault.
        :param version: the version to get; None or empty for that of the identifier or the key, or else the latest.
        :returns: the key; the proof is in ``properties.attestation``.
        :raises ValueError: when the name or the version is malformed, or the client's API version lacks attestation.
        :raises TypeError: when an argument has the wrong type.
        :raises ~azure.core.exceptions.ResourceNotFoundError: when there is no such key; a vault, which has no
            attestation, says so of every key.
        :raises ~azure.core.exceptions.HttpResponseError: when the service refuses for another reason.
        """
        operation = operations.get_key_attestation(*self._named(name, version))
        return self._key(await self._connection.send(operation, **kwargs))

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
        :param key_version: the version to use when a name was given; None for the latest.
        :param execution: where it works: ``"auto"``, ``"local"`` or ``"remote"``; see :class:`CryptographyClient`.
        :param refresh_after: seconds after which the newest version is looked up again, for a key without a version;
            see :class:`CryptographyClient`. 600 suits most programs.
        :param kwargs: other options of a client, taken as in 4.x; they change nothing, as the connection is shared.
        :returns: the client. Closing it leaves this client open; closing this client ends both.
        :raises ValueError: when the identifier is malformed, or that of another vault's key or another version; when
            ``execution`` is unknown, or ``"local"`` and the key was not given with its material; when ``refresh_after``
            is not positive, or given with a version.
        """
        from ..crypto.aio import CryptographyClient  # here, for those who only manage keys

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

    async def _pending(self, operation: Any, continuation_token: str | None, options: Any) -> PendingOperation[Any]:
        if continuation_token is not None:
            return PendingOperation.resumed(continuation_token, self.vault_url, operation)
        return PendingOperation(self.vault_url, operation, await self._connection.send(operation, **options))

    def _paged(self, page: Any, operation: Any, convert: Any, options: Any, progress: Any = None) -> AsyncKeyPager[Any]:
        page_at = partial(page, self, operation, **options)
        pages: Any = partial(AsyncKeyPages, report=progress)  # which azure-core calls as it would call the class
        return AsyncKeyPager(page_at, partial(extract_async, convert), page_iterator_class=pages)

    async def _page(self, operation: Any, link: str | None, **options: Any) -> Any:
        if link is None:
            return await self._connection.send(operation, **options)
        return await self._connection.send_link(operation, link, **options)

    async def _page_of_keys(self, operation: Any, link: str | None, **options: Any) -> Any:
        # A page and its keys have the time of one call together.
        limited = self._connection.within_timeout(options)
        page = await self._page(operation, link, **limited)
        send: Any = partial(self._connection.send, **limited)
        page.value = await whole_keys_async(send, page.value or [])
        return page
