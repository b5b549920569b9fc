"""The synchronous client that does cryptography with one key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from azure.core.exceptions import HttpResponseError

from .._display import tolerant
from .._generated import operations
from .._key_references import KeyReference
from .._models import KeyVaultKey, KeyVaultKeyIdentifier
from .._shared import ApiVersion
from .._shared.auth.credentials import check_sync_credential
from .._shared.auth.flight import SingleFlight
from .._shared.base import KeyVaultClientBase, wire_of
from .._shared.connection import VaultConnection
from .._shared.pipeline.call import has_terms_of_its_own
from .._shared.pipeline.keywords import check_of, checked
from .._shared.wire.translation import mapping
from ._decision import Execution
from ._enums import EncryptionAlgorithm, KeySecureWrapAlgorithm, KeyWrapAlgorithm, SignatureAlgorithm
from ._errors import of_operation
from ._hashing import Data, digest_of
from ._local import MIN_RSA_BITS
from ._local.algorithms import signature as signature_row
from ._local.checks import Buffer
from ._newest import newest_usable
from ._recipe import client_of, recipe_of
from ._refresh import Refresh, look_up_options, refresh_of
from ._results import (
    DecryptResult,
    EncryptResult,
    SecureUnwrapResult,
    SecureWrapResult,
    SignResult,
    UnwrapResult,
    VerifyResult,
    WrapResult,
)
from ._signatures import Encoding
from ._state import KeyState
from ._tasks import METHODS, Decrypt, Encrypt, SecureUnwrap, SecureWrap, Sign, Task, Unwrap, Verify, Wrap
from ._tracing import traced
from ._versions import KeyId, VersionClients, other_version

if TYPE_CHECKING:
    from azure.core.configuration import Configuration
    from azure.core.credentials import TokenCredential
    from azure.core.rest import HttpRequest, HttpResponse
    from typing_extensions import Unpack

    from .._generated.models import KeyBundle
    from .._generated.operations import Operation
    from .._jwk import JsonWebKey
    from .._shared.pipeline.keywords import CallKeywords, ClientKeywords
    from ._key_objects.ec import KeyVaultECPrivateKey, KeyVaultECPublicKey
    from ._key_objects.rsa import KeyVaultRSAPrivateKey, KeyVaultRSAPublicKey

R = TypeVar("R")


class CryptographyClient(KeyVaultClientBase):
    """Encrypts and decrypts, wraps and unwraps keys, signs and verifies with one key.

    Example, with a :class:`~azure.keyvault.keys.KeyClient`::

        crypto = client.get_cryptography_client("invoices")
        signed = crypto.sign_data("RS256", b"paid in full")
        print(crypto.verify_data("RS256", b"paid in full", signed.signature).is_valid, signed.performed)

    Operations that need only the public key, or a private key that the client holds, run in this process; all others
    run in the vault. Every result's ``performed`` says where: ``"local"`` or ``"remote"``.

    A caller's mistake (an algorithm that does not fit the key, a digest of the wrong length, an operation that the key
    does not allow) raises an error at once, without a request. Data that cannot be decrypted here also raises an error,
    and is not sent to the vault for another attempt.

    Every result's ``key_id`` identifies the key version that produced it. Pass it to :meth:`decrypt`,
    :meth:`unwrap_key` or :meth:`verify`, as ``key_id=`` or as the whole result, and they use that version, however
    often the key has been rotated since.

    One client may be used by any number of threads or, in asyncio, by any number of tasks of one event loop. The
    asyncio client runs slow local operations, such as RSA private key operations, in a thread. Every method accepts
    azure-core's per-call options as keywords.

    Only the synchronous client makes key objects for ``cryptography`` (``create_rsa_private_key`` and the like): their
    interfaces are synchronous and would block an event loop while they wait for the vault. In asyncio, use
    :meth:`sign_data` and :meth:`verify_data`; to issue certificates, use the synchronous client in a thread.

    :param key: the key, or its identifier. Given an identifier, the client fetches the key once, for the first
        operation; if the caller may not read it (403), all operations run in the vault. A key that another client
        returned is used in the vault that it came from.
    :param credential: provides the tokens: a credential from azure-identity, or any object with a compatible
        ``get_token``. The asyncio client accepts credentials from ``azure.identity.aio``, and also synchronous ones,
        which it calls in a thread.
    :param execution: ``"auto"``; ``"local"`` to never send a request, which needs a key with its key material; or
        ``"remote"`` to do everything in the vault and never fetch the key.
    :param refresh_after: for a key whose identifier has no version, the seconds after which the client looks up the
        newest version again and encrypts, wraps and signs new data with it. Versions that are disabled, expired or not
        valid yet are skipped. One call at a time does the look-up while the others continue with the known version; if
        it fails, the known version stays in use and another look-up follows soon. 600 suits most programs. Default: the
        client keeps the first version that it fetched.
    :param api_version: the version of the REST API. Default: the newest stable one.
    :param verify_challenge_resource: whether the vault must ask for a token for its own domain.
    :param config: policies made with ``KeyClient.create_config``.
    :param kwargs: azure-core's client options; see :class:`~azure.keyvault.keys.KeyClient`.
    :raises ValueError: when there is no credential, the identifier is malformed, ``execution`` is unknown, or is
        ``"local"`` and the key has no key material; when ``refresh_after`` is not positive, or the key has a version.
    :raises TypeError: when the credential cannot provide tokens.
    """

    def __init__(
        self,
        key: KeyVaultKey | KeyVaultKeyIdentifier | str,
        credential: TokenCredential,
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
        check_sync_credential(credential)
        connection = VaultConnection(
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
        self._fetching = SingleFlight()

    @tolerant
    def __repr__(self) -> str:
        return f"<{type(self).__name__} [{self.key_id or 'a key without an identifier'}], {self._state.execution}>"

    @classmethod
    def from_jwk(
        cls, jwk: JsonWebKey | dict[str, Any] | str | bytes, *, min_rsa_bits: int = MIN_RSA_BITS
    ) -> CryptographyClient:
        """Make a client that needs no vault and never sends a request.

        :param jwk: the key: a :class:`~azure.keyvault.keys.JsonWebKey`, a mapping of its members (binary ones as bytes
            or base64url text), or JSON text (RFC 7517). A key without ``key_ops`` allows every operation.
        :param min_rsa_bits: reject RSA keys whose modulus has fewer bits. Lower it only to read old data.
        :returns: the client. Operations that cannot run locally raise ``NotImplementedError``.
        :raises ValueError: when the JWK is malformed, or contains no key material of a known type.
        """
        client = cls.__new__(cls)
        KeyVaultClientBase.__init__(client, None)
        client._set_state(KeyState.of_jwk(jwk, min_rsa_bits))
        return client

    @classmethod
    def _within(
        cls,
        connection: VaultConnection,
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
        KeyVaultClientBase.__init__(client, connection, owned=False)
        client._set_state(state, refresh)
        return client

    def _sibling(self, state: KeyState) -> CryptographyClient:
        """Make a client for another version of the key, which shares this one's connection."""
        client = CryptographyClient.__new__(CryptographyClient)
        KeyVaultClientBase.__init__(client, self._vault, owned=False)
        client._set_state(state)
        client._is_pinned = True
        return client

    def _to_recipe(self) -> Any:
        return recipe_of(self)

    @classmethod
    def _of_recipe(cls, recipe: Any) -> CryptographyClient:
        return client_of(cls, VaultConnection, recipe)  # type: ignore[no-any-return]

    @property
    def key_id(self) -> str | None:
        """The identifier of the key, including its version once that is known; None for a JWK without a ``kid``."""
        return self._state.key_id

    @property
    def vault_url(self) -> str | None:  # type: ignore[override]  # a key may be in no vault
        """The URL of the key's vault; None for a client made with :meth:`from_jwk`."""
        return self._state.vault_url

    def encrypt(
        self,
        algorithm: EncryptionAlgorithm | str,
        plaintext: Buffer,
        *,
        iv: Buffer | None = None,
        additional_authenticated_data: Buffer | None = None,
        **kwargs: Unpack[CallKeywords],
    ) -> EncryptResult:
        """Encrypt a small amount of data (``POST /keys/{name}/{version}/encrypt`` when it runs in the vault).

        :param algorithm: an algorithm that fits the key. RSA encrypts at most the size of its modulus minus the padding
            (42 bytes for RSA-OAEP, 66 for RSA-OAEP-256, 11 for RSA1_5).
        :param plaintext: the data. For AES-CBC without padding it must be a multiple of 16 bytes; a Managed HSM accepts
            any length and pads it with zeros.
        :param iv: 16 bytes for AES-CBC, generated if not given. Not accepted for AES-GCM, where the HSM generates it.
        :param additional_authenticated_data: data to authenticate along with the plaintext; for AES-GCM and
            AES-CBC-HMAC. A Managed HSM also accepts it with AES-CBC, where it has no effect.
        :returns: the ciphertext, and everything that :meth:`decrypt` needs.
        :raises ValueError: when an argument does not fit the algorithm, or the key does not allow encryption (at this
            time).
        :raises TypeError: when an argument has the wrong type, or is missing.
        :raises NotImplementedError: when the operation may run only in this process, and cannot.
        :raises ~azure.core.exceptions.HttpResponseError: when the vault rejects the request.
        """
        return self._run(Encrypt(algorithm, plaintext, iv, additional_authenticated_data), kwargs)

    def decrypt(
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
            also identifies the version of the key.
        :param ciphertext: the encrypted data.
        :param iv: the initialization vector, for AES.
        :param authentication_tag: the tag, for AES-GCM and AES-CBC-HMAC.
        :param additional_authenticated_data: the data that was authenticated along with the plaintext.
        :param key_id: the identifier of the version that encrypted the data: the result's ``key_id``. It must belong to
            the client's key. Default: the version that the client uses.
        :returns: the plaintext.
        :raises ValueError: when an argument does not fit the algorithm, the key does not allow decrypting, the data was
            encrypted with a different key, or decryption in this process fails; the message then gives no reason.
        :raises TypeError: when an argument has the wrong type, is missing, or is given along with a whole result.
        :raises NotImplementedError: when the operation may run only in this process, and cannot.
        :raises ~azure.core.exceptions.HttpResponseError: when the vault rejects the request or cannot decrypt the data.
            It is also a ``ValueError`` if the same failure in this process would be one.
        """
        task = Decrypt(algorithm, ciphertext, iv, authentication_tag, additional_authenticated_data, key_id)
        return self._run(task, kwargs)

    def wrap_key(self, algorithm: KeyWrapAlgorithm | str, key: Buffer, **kwargs: Unpack[CallKeywords]) -> WrapResult:
        """Encrypt a symmetric key (``POST /keys/{name}/{version}/wrapkey`` when it runs in the vault).

        :param algorithm: an algorithm that fits the wrapping key.
        :param key: the key to wrap. AES key wrap accepts multiples of 8 bytes, at least 16.
        :returns: the wrapped key.
        :raises ValueError: when an argument does not fit the algorithm, or the key does not allow wrapping (at this
            time).
        :raises TypeError: when an argument has the wrong type, or is missing.
        :raises NotImplementedError: when the operation may run only in this process, and cannot.
        :raises ~azure.core.exceptions.HttpResponseError: when the vault rejects the request.
        """
        return self._run(Wrap(algorithm, key), kwargs)

    def unwrap_key(
        self,
        algorithm: KeyWrapAlgorithm | str | WrapResult,
        encrypted_key: Buffer | None = None,
        *,
        key_id: KeyId | None = None,
        **kwargs: Unpack[CallKeywords],
    ) -> UnwrapResult:
        """Decrypt a wrapped key (``POST /keys/{name}/{version}/unwrapkey`` when it runs in the vault).

        :param algorithm: the algorithm that the key was wrapped with; or the whole result of :meth:`wrap_key`, which
            also identifies the version of the wrapping key.
        :param encrypted_key: the wrapped key.
        :param key_id: the identifier of the version that wrapped the key: the result's ``key_id``. It must belong to
            the client's key. Default: the version that the client uses.
        :returns: the key.
        :raises ValueError: when an argument does not fit the algorithm, the key does not allow unwrapping, the key was
            wrapped with a different key, or unwrapping in this process fails; the message then gives no reason.
        :raises TypeError: when an argument has the wrong type, is missing, or is given along with a whole result.
        :raises NotImplementedError: when the operation may run only in this process, and cannot.
        :raises ~azure.core.exceptions.HttpResponseError: when the vault rejects the request or cannot unwrap the data.
            It is also a ``ValueError`` if the same failure in this process would be one.
        """
        return self._run(Unwrap(algorithm, encrypted_key, key_id), kwargs)

    def secure_wrap_key(
        self, algorithm: KeySecureWrapAlgorithm | str, **kwargs: Unpack[CallKeywords]
    ) -> SecureWrapResult:
        """Have the service generate and wrap a 256-bit AES key (``POST /keys/{name}/{version}/securewrapkey``).

        Only an attested environment can obtain the key, with :meth:`secure_unwrap_key`. The operation always runs in
        the service. It needs a key whose operations include ``secureWrapKey``, and API version 2026-01-01-preview or
        later.

        :param algorithm: an algorithm that fits the wrapping key.
        :returns: the wrapped key.
        :raises ValueError: when the algorithm does not fit the key, the key does not allow it, or the client's API
            version does not support it.
        :raises TypeError: when an argument has the wrong type, or is missing.
        :raises NotImplementedError: when the client may not send requests.
        :raises ~azure.core.exceptions.HttpResponseError: when the service rejects the request.
        """
        return self._run(SecureWrap(algorithm), kwargs)

    def secure_unwrap_key(
        self,
        algorithm: KeySecureWrapAlgorithm | str,
        encrypted_key: Buffer,
        target_attestation_token: str,
        *,
        key_id: KeyId | None = None,
        **kwargs: Unpack[CallKeywords],
    ) -> SecureUnwrapResult:
        """Unwrap a key for an attested environment (``POST /keys/{name}/{version}/secureunwrapkey``).

        The operation always runs in the service. It needs a key whose operations include ``secureUnwrapKey`` and whose
        release policy the environment satisfies, and API version 2026-01-01-preview or later.

        :param algorithm: the algorithm that the key was wrapped with.
        :param encrypted_key: the wrapped key.
        :param target_attestation_token: a token (JWT) in which an attestation authority vouches for the environment.
        :param key_id: the identifier of the version that wrapped the key: the result's ``key_id``. It must belong to
            the client's key. Default: the version that the client uses.
        :returns: the key as the service releases it to the environment.
        :raises ValueError: when an argument does not fit the algorithm or the key, the key does not allow it, or the
            client's API version does not support it.
        :raises TypeError: when an argument has the wrong type, or is missing.
        :raises NotImplementedError: when the client may not send requests.
        :raises ~azure.core.exceptions.HttpResponseError: when the service rejects the request, for example because the
            environment does not satisfy the policy.
        """
        return self._run(SecureUnwrap(algorithm, encrypted_key, target_attestation_token, key_id), kwargs)

    def sign(
        self,
        algorithm: SignatureAlgorithm | str,
        digest: Buffer | None = None,
        *,
        context: Buffer | None = None,
        external_mu: Buffer | None = None,
        **kwargs: Unpack[CallKeywords],
    ) -> SignResult:
        """Sign a digest, or a message (``POST /keys/{name}/{version}/sign`` when it runs in the vault).

        :param algorithm: an algorithm that fits the key. ML-DSA needs API version 2026-05-01-preview or later, unless
            it runs in this process with a key that the client was given.
        :param digest: the hash of the message, computed with the algorithm's own hash function: 32, 48 or 64 bytes. For
            ML-DSA, the message itself; ML-DSA would sign a hash as if it were the message.
        :param context: for ML-DSA: at most 255 bytes that bind the signature to a purpose. Default: the empty context.
        :param external_mu: for ML-DSA, instead of the message and its context: mu, the 64 bytes that FIPS 204 computes
            from the public key, the context and the message.
        :returns: the signature. For EC keys it is r and s concatenated (RFC 7518 section 3.4); its ``to_der()`` returns
            the DER form.
        :raises ValueError: when an argument does not fit the algorithm, or the key does not allow signing (at this
            time).
        :raises TypeError: when an argument has the wrong type, or is missing.
        :raises NotImplementedError: when the operation may run only in this process, and cannot.
        :raises ~azure.core.exceptions.HttpResponseError: when the vault rejects the request.
        """
        return self._run(Sign(algorithm, digest, context, external_mu), kwargs)

    def verify(
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

        :param algorithm: the algorithm of the signature; or the whole result of :meth:`sign`, which also contains the
            signature and the version of the key: ``verify(result, digest)``.
        :param digest: the hash of the message, by the algorithm's own hash function: 32, 48 or 64 bytes. For ML-DSA,
            the message itself; None with ``external_mu``.
        :param signature: the signature.
        :param encoding: the encoding of an EC signature: ``"jose"`` for r and s concatenated, ``"der"`` for the form
            that X.509, TLS and OpenSSL use.
        :param context: for ML-DSA: the context that was signed; see :meth:`sign`.
        :param external_mu: for ML-DSA, instead of the message and its context: the 64 bytes of mu.
        :param key_id: the identifier of the version that signed: the result's ``key_id``. It must belong to the
            client's key. Default: the version that the client uses.
        :returns: whether the signature is valid. An invalid signature, of any length, does not raise an error.
        :raises ValueError: when an argument does not fit the algorithm, the key does not allow verification, or the
            signature was made with a different key.
        :raises TypeError: when an argument has the wrong type, is missing, or is given along with a whole result.
        :raises NotImplementedError: when the operation may run only in this process, and cannot.
        :raises ~azure.core.exceptions.HttpResponseError: when the vault rejects the request.
        """
        return self._run(Verify(algorithm, digest, signature, encoding, context, external_mu, key_id), kwargs)

    def sign_data(
        self,
        algorithm: SignatureAlgorithm | str,
        data: Data,
        *,
        context: Buffer | None = None,
        **kwargs: Unpack[CallKeywords],
    ) -> SignResult:
        """Hash a message in this process and sign it; see :meth:`sign`. ML-DSA signs the message itself.

        If it runs in the vault, the request is ``POST /keys/{name}/{version}/sign``.

        :param algorithm: an algorithm that fits the key. It determines the hash: SHA-256 for RS256, PS256, ES256 and
            ES256K.
        :param data: the message: bytes, a file opened in binary mode (read from its current position), or an iterable
            of bytes; for the asyncio client also an asynchronous iterable. Files and iterables are hashed in constant
            memory. For ML-DSA, the whole message is kept in memory, and sent if the vault signs.
        :param context: for ML-DSA: at most 255 bytes that bind the signature to a purpose.
        :returns: the signature.
        :raises ValueError: when this library does not know the algorithm's hash, an argument does not fit it, or the
            key does not allow signing (at this time).
        :raises TypeError: when the data is neither bytes nor made of bytes.
        :raises NotImplementedError: when the operation may run only in this process, and cannot.
        :raises ~azure.core.exceptions.HttpResponseError: when the vault rejects the request.
        """
        digest = digest_of(signature_row(algorithm), data)
        return self.sign(algorithm, digest, context=context, **kwargs)

    def verify_data(
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
        """Hash a message in this process and verify its signature; see :meth:`verify`. ML-DSA signs the message itself.

        If it runs in the vault, the request is ``POST /keys/{name}/{version}/verify``.

        :param algorithm: the algorithm of the signature, which determines the hash; or the whole result of
            :meth:`sign_data`, as for :meth:`verify`.
        :param data: the message, as for :meth:`sign_data`.
        :param signature: the signature.
        :param encoding: the encoding of an EC signature, ``"jose"`` or ``"der"``.
        :param context: for ML-DSA: the context that was signed.
        :param key_id: the identifier of the version that signed: the result's ``key_id``. It must belong to the
            client's key. Default: the version that the client uses.
        :returns: whether the signature is valid.
        :raises ValueError: when this library does not know the algorithm's hash, an argument does not fit it, the key
            does not allow verification, or the signature was made with a different key.
        :raises TypeError: when the data is neither bytes nor made of bytes; when an argument is missing, or is
            given along with a whole result.
        :raises NotImplementedError: when the operation may run only in this process, and cannot.
        :raises ~azure.core.exceptions.HttpResponseError: when the vault rejects the request.
        """
        named = algorithm.algorithm if isinstance(algorithm, SignResult) else algorithm
        digest = digest_of(signature_row(named), data)
        return self.verify(algorithm, digest, signature, encoding=encoding, context=context, key_id=key_id, **kwargs)

    def send_request(
        self, request: HttpRequest, *, stream: bool = False, **kwargs: Unpack[CallKeywords]
    ) -> HttpResponse:
        """Send a request of your own through the client's pipeline; see :meth:`KeyClient.send_request`.

        :param request: the request. A relative URL is resolved against the vault's, and the API version is added if the
            URL has none.
        :param stream: whether to leave the body of the response unread.
        :returns: the response, whatever its status.
        :raises ValueError: when the URL points outside the vault, or the client has no vault (:meth:`from_jwk`).
        """
        return super().send_request(request, stream=stream, **kwargs)

    @checked
    def create_rsa_private_key(self, **kwargs: Unpack[CallKeywords]) -> KeyVaultRSAPrivateKey:
        """Return the key as an RSA private key of ``cryptography``, for example to sign certificates.

        It signs and decrypts with this client, in this process or in the vault. The key is fetched unless it is known.

        :returns: the key object, which works until this client is closed.
        :raises ValueError: when the key has a different type.
        :raises ~azure.core.exceptions.HttpResponseError: when the key cannot be fetched, except for lack of permission
            (403): then the object is returned without the features that need the public key.
        """
        from ._key_objects.rsa import KeyVaultRSAPrivateKey

        return KeyVaultRSAPrivateKey(*self._pinned(kwargs))

    @checked
    def create_rsa_public_key(self, **kwargs: Unpack[CallKeywords]) -> KeyVaultRSAPublicKey:
        """Return the key as an RSA public key of ``cryptography``; see :meth:`create_rsa_private_key`.

        :returns: the key object, which works until this client is closed.
        :raises ValueError: when the key has a different type.
        :raises ~azure.core.exceptions.HttpResponseError: when the key cannot be fetched, except for lack of permission
            (403).
        """
        from ._key_objects.rsa import KeyVaultRSAPublicKey

        return KeyVaultRSAPublicKey(*self._pinned(kwargs))

    @checked
    def create_ec_private_key(self, **kwargs: Unpack[CallKeywords]) -> KeyVaultECPrivateKey:
        """Return the key as an EC private key of ``cryptography``, for example to sign certificates.

        It signs with this client, in this process or in the vault. The key is fetched unless it is known.

        :returns: the key object, which works until this client is closed.
        :raises ValueError: when the key has a different type, or its curve cannot be determined.
        :raises ~azure.core.exceptions.HttpResponseError: when the key cannot be fetched.
        """
        from ._key_objects.ec import KeyVaultECPrivateKey

        return KeyVaultECPrivateKey(*self._pinned(kwargs))

    @checked
    def create_ec_public_key(self, **kwargs: Unpack[CallKeywords]) -> KeyVaultECPublicKey:
        """Return the key as an EC public key of ``cryptography``; see :meth:`create_ec_private_key`.

        :returns: the key object, which works until this client is closed.
        :raises ValueError: when the key has a different type, or its curve cannot be determined.
        :raises ~azure.core.exceptions.HttpResponseError: when the key cannot be fetched.
        """
        from ._key_objects.ec import KeyVaultECPublicKey

        return KeyVaultECPublicKey(*self._pinned(kwargs))

    def _run(self, task: Task[R], options: Any) -> R:
        if options and (error := _CHECKS[task.method](self, options)):
            raise error
        if task.key_id is not None:
            version = other_version(task.key_id, self._state)
            if version is not None:
                return self._of_version(version)._run(task, options)
        state = self._state
        if self._refresh is None or not (task.protects and self._refresh.is_due()):
            local = state.local_for(task.operation, task.row)
            if local is not None:
                return task.run(local, state)
        return _TRACED[task.method](self, task, **options)  # type: ignore[no-any-return]

    def _ask(self, task: Task[R], **options: Any) -> R:
        if "error_map" in options:
            with mapping(options.pop("error_map")):
                return self._ask(task, **options)
        connection = self._connection
        if self._state.facts is None:
            connection.wire.check_version(task.request(self._state))
            options = self._get_key(options)
        elif task.protects:
            options = self._look_up_if_due(options)
        state = self._state
        local = state.local_for(task.operation, task.row)
        if local is not None:
            return task.run(local, state)
        try:
            answer = connection.send(task.request(state), **options)
        except HttpResponseError as error:
            raise of_operation(error) from None
        return task.answered(answer, state)

    def _of_version(self, version: str) -> CryptographyClient:
        return self._others.get(version, lambda: self._sibling(self._state.of_version(version)))

    def _pinned(self, options: Any) -> tuple[CryptographyClient, JsonWebKey | None]:
        """Fetch the key; return a client pinned to its version, and the known key material."""
        if "error_map" in options:
            options = dict(options)
            with mapping(options.pop("error_map")):
                return self._pinned(options)
        if self._state.facts is None:
            self._get_key(options)
        else:
            self._look_up_if_due(options)
        state = self._state
        return (self if self._refresh is None else self._sibling(state)), state.material

    def _of_known_version(self) -> CryptographyClient:
        """Return a client pinned to the version that is known now, in other processes too."""
        return self if self._vault is None else self._sibling(self._state)

    def _get_key(self, options: dict[str, Any]) -> dict[str, Any]:
        """Fetch the key, once however many threads need it. Return the options for the rest of the call."""
        shared = not has_terms_of_its_own(options)
        options = self._connection.within_timeout(options)
        self._fetching.run(lambda: self._fetch(options), context=options, shared=shared)
        return options

    def _fetch(self, options: dict[str, Any]) -> None:
        state = self._state
        if state.facts is not None:
            return
        try:
            if self._refresh is None:
                bundle = self._connection.send(operations.get_key(state.name, state.version), **options)
            else:
                bundle = self._newest(state.name, None, options)
            state.learn(bundle)
        except HttpResponseError as error:
            state.learn_refusal(error)
        else:
            if self._refresh is not None:
                self._refresh.succeeded()

    def _newest(self, name: str, known: str | None, options: dict[str, Any]) -> KeyBundle:
        """Get the newest version that may protect data now."""
        steps = newest_usable(name, known)
        answer: Any = None
        refusal: HttpResponseError | None = None
        while True:
            try:
                operation, link = steps.send(answer) if refusal is None else steps.throw(refusal)
            except StopIteration as end:
                return end.value  # type: ignore[no-any-return]
            try:
                answer, refusal = self._page(operation, link, options), None
            except HttpResponseError as error:
                refusal = error

    def _page(self, operation: Operation[Any], link: str | None, options: dict[str, Any]) -> Any:
        if link is None:
            return self._connection.send(operation, **options)
        return self._connection.send_link(operation, link, **options)

    def _look_up_if_due(self, options: dict[str, Any]) -> dict[str, Any]:
        """Look up the newest version if it is this call's turn. Return the options for the rest of the call."""
        if self._refresh is None or not self._refresh.claim():
            return options
        options = self._connection.within_timeout(options)
        known, newest = self._state, self._state.renewed()
        with self._refresh.looking_up(known.key_id):
            newest.learn(self._newest(newest.name, known.version, look_up_options(options)))
            self._state = newest
            if known.version.lower() != newest.version.lower():
                self._others.get(known.version, lambda: self._sibling(known))
        return options


_TRACED = traced(CryptographyClient._ask)
_CHECKS = {method: check_of(getattr(CryptographyClient, method)) for method in METHODS}
