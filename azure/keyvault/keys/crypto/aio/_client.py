"""The asyncio client that does cryptography with one key."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any, TypeVar

from azure.core.exceptions import HttpResponseError

from ..._display import tolerant
from ..._generated import operations
from ..._key_references import KeyReference
from ..._models import KeyVaultKey, KeyVaultKeyIdentifier
from ..._shared import ApiVersion
from ..._shared.auth.credentials import check_credential
from ..._shared.auth.flight_async import AsyncSingleFlight
from ..._shared.base import wire_of
from ..._shared.base_async import AsyncKeyVaultClientBase
from ..._shared.connection_async import AsyncVaultConnection
from ..._shared.pipeline.call import has_terms_of_its_own, remaining
from ..._shared.pipeline.deadline_async import before_sending
from ..._shared.pipeline.keywords import check_of
from .._decision import Execution
from .._enums import EncryptionAlgorithm, KeySecureWrapAlgorithm, KeyWrapAlgorithm, SignatureAlgorithm
from .._errors import of_operation
from .._local import MIN_RSA_BITS, LocalKey
from .._local.algorithms import signature as signature_row
from .._local.checks import Buffer
from .._recipe import client_of, recipe_of
from .._refresh import Refresh, look_up_options, refresh_of
from .._results import (
    DecryptResult,
    EncryptResult,
    SecureUnwrapResult,
    SecureWrapResult,
    SignResult,
    UnwrapResult,
    VerifyResult,
    WrapResult,
)
from .._signatures import Encoding
from .._state import KeyState
from .._tasks import METHODS, Decrypt, Encrypt, SecureUnwrap, SecureWrap, Sign, Task, Unwrap, Verify, Wrap
from .._tracing import traced
from .._versions import KeyId, VersionClients, other_version
from ._hashing import Data, digest_of

if TYPE_CHECKING:
    from azure.core.configuration import Configuration
    from azure.core.credentials import TokenCredential
    from azure.core.credentials_async import AsyncTokenCredential
    from azure.core.rest import AsyncHttpResponse, HttpRequest
    from typing_extensions import Unpack

    from ..._jwk import JsonWebKey
    from ..._shared.pipeline.keywords import CallKeywords, ClientKeywords

R = TypeVar("R")


class CryptographyClient(AsyncKeyVaultClientBase):
    """Encrypts and decrypts, wraps and unwraps keys, signs and verifies with one key.

    Example, with a :class:`~azure.keyvault.keys.aio.KeyClient`::

        async def use(client):
            crypto = client.get_cryptography_client("invoices")
            signed = await crypto.sign_data("RS256", b"paid in full")
            verified = await crypto.verify_data("RS256", b"paid in full", signed.signature)
            print(verified.is_valid, signed.performed)

    What can be done with the key's public part, or with a private part that is here, is done in this process; the rest
    is done in the vault. Every result tells which: ``performed`` is ``"local"`` or ``"remote"``.

    A mistake of the caller (an algorithm that does not fit the key, a digest of the wrong length, an operation that is
    not among the key's) is an error at once, without a request. Data that cannot be decrypted is an error as well, and
    is not sent to the vault for another try.

    Every result tells in ``key_id`` which version of the key made it. Give it back to :meth:`decrypt`,
    :meth:`unwrap_key` or :meth:`verify`, as ``key_id=`` or as the whole result, and that version is used, however often
    the key was rotated meanwhile.

    One client may be used by any number of threads or, in asyncio, by any number of tasks of one event loop. The
    asyncio client leaves what takes long in this process, as RSA's private operations do, to a thread. Every method
    takes azure-core's options of a call as keywords.

    Key objects for ``cryptography`` (``create_rsa_private_key`` and its kin) are made by the synchronous client only:
    those interfaces are synchronous, and would hold up an event loop while they ask the vault. :meth:`sign_data` and
    :meth:`verify_data` serve the purpose there; to issue certificates, use the synchronous client in a thread.

    :param key: the key, or its identifier. With an identifier the key is got from the vault once, at the first
        operation; a caller that may not read it (403) uses it in the vault. A key that a client has returned is used
        in the vault that it was got from.
    :param credential: provides the tokens: a credential from azure-identity, or any object with a compatible
        ``get_token``. The asyncio client accepts credentials from ``azure.identity.aio``, and also synchronous ones,
        which it calls in a thread.
    :param execution: ``"auto"``; ``"local"`` to never send a request, which needs a key with its material; or
        ``"remote"`` to do everything in the vault and never get the key.
    :param refresh_after: seconds after which the newest version is looked up again, for a key whose identifier has no
        version. New data is then encrypted, wrapped and signed with the newest version. One call at a time looks it up
        while the others go on with the version that is known; when a look-up fails, that version stays in use, and
        another look-up follows soon. 600 suits most programs. Default: the client keeps the first version that it got.
    :param api_version: the version of the REST API. Default: the newest stable one.
    :param verify_challenge_resource: whether the vault must ask for a token of its own domain.
    :param config: policies made with ``KeyClient.create_config``.
    :param kwargs: azure-core's options of a client; see :class:`~azure.keyvault.keys.KeyClient`.
    :raises ValueError: when there is no credential, the identifier is malformed, ``execution`` is unknown, or it is
        ``"local"`` and the key was not given with its material; when ``refresh_after`` is not positive, or the key has
        a version.
    :raises TypeError: when the credential cannot provide tokens.
    """

    def __init__(
        self,
        key: KeyVaultKey | KeyVaultKeyIdentifier | str,
        credential: AsyncTokenCredential | TokenCredential,
        *,
        execution: Execution = "auto",
        refresh_after: float | None = None,
        api_version: ApiVersion | str | None = None,
        verify_challenge_resource: bool = True,
        config: Configuration[Any, Any] | None = None,
        **kwargs: Unpack[ClientKeywords],
    ) -> None:
        state = KeyState.of(key, execution)
        refresh = refresh_of(state, refresh_after)
        check_credential(credential)
        connection = AsyncVaultConnection(
            wire_of(state.vault_url or "", api_version, verify=verify_challenge_resource, config=config),
            credential,
            config=config,
            prepared=False,
            kind="CryptographyClient",
            verify_challenge_resource=verify_challenge_resource,
            **kwargs,
        )
        super().__init__(connection)
        self._set_state(state, refresh)

    def _set_state(self, state: KeyState, refresh: Refresh | None = None) -> None:
        self._state = state
        self._refresh = refresh
        self._is_pinned = False
        self._others: VersionClients[CryptographyClient] = VersionClients()
        self._fetching = AsyncSingleFlight()

    @tolerant
    def __repr__(self) -> str:
        return f"<{type(self).__name__} [{self.key_id or 'a key without an identifier'}], {self._state.execution}>"

    @classmethod
    def from_jwk(
        cls, jwk: JsonWebKey | dict[str, Any] | str | bytes, *, min_rsa_bits: int = MIN_RSA_BITS
    ) -> CryptographyClient:
        """Make a client that needs no vault and never sends a request.

        :param jwk: the key: a :class:`~azure.keyvault.keys.JsonWebKey`, the members of one (binary ones as bytes or as
            base64url text), or JSON text (RFC 7517). A key without ``key_ops`` may be used for everything.
        :param min_rsa_bits: refuse RSA keys whose modulus has fewer bits. Lower it to read old data only.
        :returns: the client. What it cannot do here raises ``NotImplementedError``.
        :raises ValueError: when the JWK is malformed, or holds no material of a known type.
        """
        client = cls.__new__(cls)
        AsyncKeyVaultClientBase.__init__(client, None)
        client._set_state(KeyState.of_jwk(jwk, min_rsa_bits))
        return client

    @classmethod
    def _within(
        cls,
        connection: AsyncVaultConnection,
        key: KeyReference,
        version: str | None,
        *,
        execution: Execution = "auto",
        refresh_after: float | None = None,
    ) -> CryptographyClient:
        """Make a client that shares the connection of a KeyClient."""
        state = KeyState.within(connection.wire.vault_url, key, version, execution)
        refresh = refresh_of(state, refresh_after)
        client = cls.__new__(cls)
        AsyncKeyVaultClientBase.__init__(client, connection, owned=False)
        client._set_state(state, refresh)
        return client

    def _sibling(self, state: KeyState) -> CryptographyClient:
        """Make a client for another version of the key, which shares this one's connection."""
        client = CryptographyClient.__new__(CryptographyClient)
        AsyncKeyVaultClientBase.__init__(client, self._vault, owned=False)
        client._set_state(state)
        client._is_pinned = True
        return client

    def _to_recipe(self) -> Any:
        return recipe_of(self)

    @classmethod
    def _of_recipe(cls, recipe: Any) -> CryptographyClient:
        return client_of(cls, AsyncVaultConnection, recipe)  # type: ignore[no-any-return]

    @property
    def key_id(self) -> str | None:
        """The identifier of the key: with its version as soon as that is known; None for a JWK without one."""
        return self._state.key_id

    @property
    def vault_url(self) -> str | None:  # type: ignore[override]  # a key may be in no vault
        """The URL of the key's vault; None for a client made with :meth:`from_jwk`."""
        return self._state.vault_url

    async def encrypt(
        self,
        algorithm: EncryptionAlgorithm | str,
        plaintext: Buffer,
        *,
        iv: Buffer | None = None,
        additional_authenticated_data: Buffer | None = None,
        **kwargs: Unpack[CallKeywords],
    ) -> EncryptResult:
        """Encrypt a small amount of data (``POST /keys/{name}/{version}/encrypt`` when it runs in the vault).

        :param algorithm: one that fits the key. RSA encrypts at most the size of its modulus less the padding (RSA-OAEP
            42 bytes, RSA-OAEP-256 66, RSA1_5 11).
        :param plaintext: the data. For AES-CBC without padding it must be a multiple of 16 bytes; a Managed HSM takes
            any length, and fills it up with zeros.
        :param iv: 16 bytes for AES-CBC; fresh ones are made when there are none. AES-GCM takes none: the HSM makes it.
        :param additional_authenticated_data: data to authenticate along with the plaintext; for AES-GCM and
            AES-CBC-HMAC. A Managed HSM takes it with AES-CBC as well, where it means nothing.
        :returns: the ciphertext and all that :meth:`decrypt` needs.
        :raises ValueError: when an argument does not fit the algorithm, or the key does not allow encrypting (now).
        :raises TypeError: when an argument has the wrong type, or is missing.
        :raises NotImplementedError: when the operation may run only here, and cannot.
        :raises ~azure.core.exceptions.HttpResponseError: when the vault refuses.
        """
        return await self._run(Encrypt(algorithm, plaintext, iv, additional_authenticated_data), kwargs)

    async def decrypt(
        self,
        algorithm: EncryptionAlgorithm | str | EncryptResult,
        ciphertext: Buffer | None = None,
        *,
        iv: Buffer | None = None,
        authentication_tag: Buffer | None = None,
        additional_authenticated_data: Buffer | None = None,
        key_id: KeyId | None = None,
        **kwargs: Unpack[CallKeywords],
    ) -> DecryptResult:
        """Decrypt what :meth:`encrypt` made (``POST /keys/{name}/{version}/decrypt`` when it runs in the vault).

        :param algorithm: the algorithm that the data was encrypted with; or the whole result of :meth:`encrypt`, which
            also tells the version of the key.
        :param ciphertext: the encrypted data.
        :param iv: the initialization vector, for AES.
        :param authentication_tag: the tag, for AES-GCM and AES-CBC-HMAC.
        :param additional_authenticated_data: the data that was authenticated along with the plaintext.
        :param key_id: the identifier of the version that made the data: ``key_id`` of the result. It must be that
            of a version of the client's key. Default: the version that the client uses.
        :returns: the plaintext.
        :raises ValueError: when an argument does not fit the algorithm, the key does not allow decrypting, the data was
            made with another key, or it cannot be decrypted here; then the text does not tell why not.
        :raises TypeError: when an argument has the wrong type, is missing, or is given along with a whole result.
        :raises NotImplementedError: when the operation may run only here, and cannot.
        :raises ~azure.core.exceptions.HttpResponseError: when the vault refuses, or cannot decrypt the data. What would
            be a ``ValueError`` here is one in the vault as well.
        """
        task = Decrypt(algorithm, ciphertext, iv, authentication_tag, additional_authenticated_data, key_id)
        return await self._run(task, kwargs)

    async def wrap_key(
        self, algorithm: KeyWrapAlgorithm | str, key: Buffer, **kwargs: Unpack[CallKeywords]
    ) -> WrapResult:
        """Encrypt a symmetric key (``POST /keys/{name}/{version}/wrapkey`` when it runs in the vault).

        :param algorithm: one that fits the key that wraps.
        :param key: the key to wrap. AES key wrap takes multiples of 8 bytes, 16 or more.
        :returns: the wrapped key.
        :raises ValueError: when an argument does not fit the algorithm, or the key does not allow wrapping (now).
        :raises TypeError: when an argument has the wrong type, or is missing.
        :raises NotImplementedError: when the operation may run only here, and cannot.
        :raises ~azure.core.exceptions.HttpResponseError: when the vault refuses.
        """
        return await self._run(Wrap(algorithm, key), kwargs)

    async def unwrap_key(
        self,
        algorithm: KeyWrapAlgorithm | str | WrapResult,
        encrypted_key: Buffer | None = None,
        *,
        key_id: KeyId | None = None,
        **kwargs: Unpack[CallKeywords],
    ) -> UnwrapResult:
        """Decrypt a wrapped key (``POST /keys/{name}/{version}/unwrapkey`` when it runs in the vault).

        :param algorithm: the algorithm that the key was wrapped with; or the whole result of :meth:`wrap_key`, which
            also tells the version of the key that wrapped it.
        :param encrypted_key: the wrapped key.
        :param key_id: the identifier of the version that wrapped the key: ``key_id`` of the result. It must be that
            of a version of the client's key. Default: the version that the client uses.
        :returns: the key.
        :raises ValueError: when an argument does not fit the algorithm, the key does not allow unwrapping, the data was
            made with another key, or it cannot be unwrapped here; then the text does not tell why not.
        :raises TypeError: when an argument has the wrong type, is missing, or is given along with a whole result.
        :raises NotImplementedError: when the operation may run only here, and cannot.
        :raises ~azure.core.exceptions.HttpResponseError: when the vault refuses, or cannot unwrap the data. What would
            be a ``ValueError`` here is one in the vault as well.
        """
        return await self._run(Unwrap(algorithm, encrypted_key, key_id), kwargs)

    async def secure_wrap_key(
        self, algorithm: KeySecureWrapAlgorithm | str, **kwargs: Unpack[CallKeywords]
    ) -> SecureWrapResult:
        """Have the service make and wrap a 256-bit AES key (``POST /keys/{name}/{version}/securewrapkey``).

        Nobody sees the key but an attested environment, by :meth:`secure_unwrap_key`. It always runs in the service,
        with a key that has ``secureWrapKey`` among its operations, and needs API version 2026-01-01-preview or later.

        :param algorithm: one that fits the key that wraps.
        :returns: the wrapped key.
        :raises ValueError: when the algorithm does not fit the key, the key does not allow it, or the client's API
            version lacks it.
        :raises TypeError: when an argument has the wrong type, or is missing.
        :raises NotImplementedError: when the client may not ask the service.
        :raises ~azure.core.exceptions.HttpResponseError: when the service rejects the request.
        """
        return await self._run(SecureWrap(algorithm), kwargs)

    async def secure_unwrap_key(
        self,
        algorithm: KeySecureWrapAlgorithm | str,
        encrypted_key: Buffer,
        target_attestation_token: str,
        *,
        key_id: KeyId | None = None,
        **kwargs: Unpack[CallKeywords],
    ) -> SecureUnwrapResult:
        """Unwrap a key for an attested environment (``POST /keys/{name}/{version}/secureunwrapkey``).

        It always runs in the service, with a key that has ``secureUnwrapKey`` among its operations and a release policy
        which the environment satisfies, and needs API version 2026-01-01-preview or later.

        :param algorithm: the algorithm that the key was wrapped with.
        :param encrypted_key: the wrapped key.
        :param target_attestation_token: a token (JWT) in which an attestation authority vouches for the environment.
        :param key_id: the identifier of the version that wrapped the key: ``key_id`` of the result. It must be that
            of a version of the client's key. Default: the version that the client uses.
        :returns: the key as the service releases it to the environment.
        :raises ValueError: when an argument does not fit the algorithm or the key, the key does not allow it, or the
            client's API version lacks it.
        :raises TypeError: when an argument has the wrong type, or is missing.
        :raises NotImplementedError: when the client may not ask the service.
        :raises ~azure.core.exceptions.HttpResponseError: when the service refuses, as it does when the environment
            does not satisfy the policy.
        """
        return await self._run(SecureUnwrap(algorithm, encrypted_key, target_attestation_token, key_id), kwargs)

    async def sign(
        self,
        algorithm: SignatureAlgorithm | str,
        digest: Buffer | None = None,
        *,
        context: Buffer | None = None,
        external_mu: Buffer | None = None,
        **kwargs: Unpack[CallKeywords],
    ) -> SignResult:
        """Sign a digest, or a message (``POST /keys/{name}/{version}/sign`` when it runs in the vault).

        :param algorithm: one that fits the key. ML-DSA needs API version 2026-05-01-preview or later, unless it
            runs here with a key that was given.
        :param digest: the hash of the message, by the algorithm's own hash function: 32, 48 or 64 bytes. For ML-DSA,
            the message itself; a hash of it would be signed as a message.
        :param context: for ML-DSA: at most 255 bytes that bind the signature to a purpose; without them it is the empty
            context.
        :param external_mu: for ML-DSA, in place of the message and its context: the 64 bytes that FIPS 204 computes
            from the public key, the context and the message, and calls mu.
        :returns: the signature. Those of EC keys are r and s side by side (RFC 7518 section 3.4); their ``to_der()``
            gives the other form.
        :raises ValueError: when an argument does not fit the algorithm, or the key does not allow signing (now).
        :raises TypeError: when an argument has the wrong type, or is missing.
        :raises NotImplementedError: when the operation may run only here, and cannot.
        :raises ~azure.core.exceptions.HttpResponseError: when the vault refuses.
        """
        return await self._run(Sign(algorithm, digest, context, external_mu), kwargs)

    async def verify(
        self,
        algorithm: SignatureAlgorithm | str | SignResult,
        digest: Buffer | None = None,
        signature: Buffer | None = None,
        *,
        encoding: Encoding = "jose",
        context: Buffer | None = None,
        external_mu: Buffer | None = None,
        key_id: KeyId | None = None,
        **kwargs: Unpack[CallKeywords],
    ) -> VerifyResult:
        """Verify a signature (``POST /keys/{name}/{version}/verify`` when it runs in the vault).

        :param algorithm: the algorithm of the signature; or the whole result of :meth:`sign`, which also tells the
            signature and the version of the key: ``verify(result, digest)``.
        :param digest: the hash of the message, by the algorithm's own hash function: 32, 48 or 64 bytes. For ML-DSA,
            the message itself; None with ``external_mu``.
        :param signature: the signature.
        :param encoding: the form of an EC key's signature: ``"jose"`` for r and s side by side, ``"der"`` for the form
            that X.509, TLS and openssl use.
        :param context: for ML-DSA: the context that the signature was made with, see :meth:`sign`.
        :param external_mu: for ML-DSA, in place of the message and its context: the 64 bytes of mu.
        :param key_id: the identifier of the version that made the signature: ``key_id`` of the result. It must be that
            of a version of the client's key. Default: the version that the client uses.
        :returns: whether the signature is valid. One that is not, of whatever length, is no error.
        :raises ValueError: when an argument does not fit the algorithm, the key does not allow verifying, or the
            signature was made with another key.
        :raises TypeError: when an argument has the wrong type, is missing, or is given along with a whole result.
        :raises NotImplementedError: when the operation may run only here, and cannot.
        :raises ~azure.core.exceptions.HttpResponseError: when the vault refuses.
        """
        return await self._run(Verify(algorithm, digest, signature, encoding, context, external_mu, key_id), kwargs)

    async def sign_data(
        self,
        algorithm: SignatureAlgorithm | str,
        data: Data,
        *,
        context: Buffer | None = None,
        **kwargs: Unpack[CallKeywords],
    ) -> SignResult:
        """Hash a message in this process and sign it; see :meth:`sign`. ML-DSA takes the message itself.

        What may be sent to the vault is ``POST /keys/{name}/{version}/sign``.

        :param algorithm: one that fits the key. Its name tells the hash: SHA-256 for RS256, PS256, ES256 and ES256K.
        :param data: the message: bytes, a file opened in binary mode (read from where it stands), or an iterable of
            bytes; for the asyncio client also an asynchronous one. Files and iterables are read in constant memory;
            for ML-DSA, all of the message is kept and, where the vault signs, sent.
        :param context: for ML-DSA: at most 255 bytes that bind the signature to a purpose.
        :returns: the signature.
        :raises ValueError: when the algorithm has no hash that this library knows, an argument does not fit it, or the
            key does not allow signing (now).
        :raises TypeError: when the data is not bytes, and does not consist of them.
        :raises NotImplementedError: when the operation may run only here, and cannot.
        :raises ~azure.core.exceptions.HttpResponseError: when the vault refuses.
        """
        digest = await digest_of(signature_row(algorithm), data)
        return await self.sign(algorithm, digest, context=context, **kwargs)

    async def verify_data(
        self,
        algorithm: SignatureAlgorithm | str | SignResult,
        data: Data,
        signature: Buffer | None = None,
        *,
        encoding: Encoding = "jose",
        context: Buffer | None = None,
        key_id: KeyId | None = None,
        **kwargs: Unpack[CallKeywords],
    ) -> VerifyResult:
        """Hash a message in this process and verify its signature; see :meth:`verify`. ML-DSA takes the message itself.

        What may be sent to the vault is ``POST /keys/{name}/{version}/verify``.

        :param algorithm: the algorithm of the signature, whose name tells the hash; or the whole result of
            :meth:`sign_data`, as for :meth:`verify`.
        :param data: the message, as for :meth:`sign_data`.
        :param signature: the signature.
        :param encoding: the form of an EC key's signature, ``"jose"`` or ``"der"``.
        :param context: for ML-DSA: the context that the signature was made with.
        :param key_id: the identifier of the version that made the signature: ``key_id`` of the result. It must be that
            of a version of the client's key. Default: the version that the client uses.
        :returns: whether the signature is valid.
        :raises ValueError: when the algorithm has no hash that this library knows, an argument does not fit it, the key
            does not allow verifying, or the signature was made with another key.
        :raises TypeError: when the data is not bytes, and does not consist of them; when an argument is missing, or is
            given along with a whole result.
        :raises NotImplementedError: when the operation may run only here, and cannot.
        :raises ~azure.core.exceptions.HttpResponseError: when the vault refuses.
        """
        named = algorithm.algorithm if isinstance(algorithm, SignResult) else algorithm
        digest = await digest_of(signature_row(named), data)
        return await self.verify(
            algorithm, digest, signature, encoding=encoding, context=context, key_id=key_id, **kwargs
        )

    def send_request(
        self, request: HttpRequest, *, stream: bool = False, **kwargs: Unpack[CallKeywords]
    ) -> Awaitable[AsyncHttpResponse]:
        """Send a request of your own through the client's pipeline; see :meth:`KeyClient.send_request`.

        :param request: the request. A relative URL is completed with the vault's, and the API version is added where
            the URL has none.
        :param stream: whether to leave the body of the response unread.
        :returns: the response, whatever its status.
        :raises ValueError: when the URL leads away from the vault, or the client has none (:meth:`from_jwk`).
        """
        return super().send_request(request, stream=stream, **kwargs)

    async def _run(self, task: Task[R], options: Any) -> R:
        if options and (error := _CHECKS[task.method](self, options)):
            raise error
        if task.key_id is not None:
            version = other_version(task.key_id, self._state)
            if version is not None:
                return await self._of_version(version)._run(task, options)
        state = self._state
        if self._refresh is None or not (task.protects and self._refresh.is_due()):
            local = state.local_for(task)
            if local is not None:
                return await _here(task, local, state)
        return await _TRACED[task.method](self, task, **options)  # type: ignore[no-any-return]

    async def _ask(self, task: Task[R], **options: Any) -> R:
        connection = self._connection
        if self._state.facts is None:
            connection.wire.check_version(task.request(self._state))
            options = await self._get_key(options)
        elif task.protects:
            options = await self._look_up_if_due(options)
        state = self._state
        local = state.local_for(task)
        if local is not None:
            return await _here(task, local, state)
        try:
            answer = await connection.send(task.request(state), **options)
        except HttpResponseError as error:
            raise of_operation(error) from None
        return task.answered(answer, state)

    def _of_version(self, version: str) -> CryptographyClient:
        return self._others.get(version, lambda: self._sibling(self._state.of_version(version)))

    async def _pinned(self, options: Any) -> tuple[CryptographyClient, JsonWebKey | None]:
        """Return a client whose version does not change, and what is known of its material, having got the key."""
        if self._state.facts is None:
            await self._get_key(options)
        else:
            await self._look_up_if_due(options)
        state = self._state
        return (self if self._refresh is None else self._sibling(state)), state.material

    async def _get_key(self, options: dict[str, Any]) -> dict[str, Any]:
        """Get the key, once however many tasks need it. Returns the options for what follows in the same call."""
        shared = not has_terms_of_its_own(options)
        options = self._connection.within_timeout(options)
        waiting = self._fetching.run(lambda: self._fetch(options), context=options, shared=shared)
        await before_sending(remaining(options), waiting)
        return options

    async def _fetch(self, options: dict[str, Any]) -> None:
        state = self._state
        if state.facts is not None:
            return
        try:
            state.learn(await self._connection.send(operations.get_key(state.name, state.version), **options))
        except HttpResponseError as error:
            state.learn_refusal(error)
        else:
            if self._refresh is not None:
                self._refresh.succeeded()

    async def _look_up_if_due(self, options: dict[str, Any]) -> dict[str, Any]:
        """Look the newest version up when it is this call's turn. Returns the options for what follows in the call."""
        if self._refresh is None or not self._refresh.claim():
            return options
        options = self._connection.within_timeout(options)
        known, newest = self._state, self._state.renewed()
        with self._refresh.looking_up(known.key_id):
            bundle = await self._connection.send(operations.get_key(newest.name, ""), **look_up_options(options))
            newest.learn(bundle)
            self._state = newest
            if known.version.lower() != newest.version.lower():
                self._others.get(known.version, lambda: self._sibling(known))
        return options


async def _here(task: Task[R], key: LocalKey, state: KeyState) -> R:
    """Run a task in this process: in a thread, when the event loop would stand still for too long."""
    if task.takes_long(key):
        return await asyncio.to_thread(task.run, key, state)
    return task.run(key, state)


_TRACED = traced(CryptographyClient._ask)
_CHECKS = {method: check_of(getattr(CryptographyClient, method)) for method in METHODS}
