"""A key of the vault as Tink's Aead."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tink import aead

from .._frames import clears_locals
from .._key_cipher import KeyCipher
from ._errors import as_tink_errors

if TYPE_CHECKING:
    from ..crypto import CryptographyClient, EncryptionAlgorithm, KeyWrapAlgorithm


@clears_locals
class AzureKmsAead(aead.Aead):
    """Encrypts keysets and data keys with a key of the vault: a ``tink.aead.Aead``.

    Its ciphertexts begin with ``azure:v1:<version of the key>:``, so they can be decrypted after the key is rotated.
    Data without that header is decrypted with the client's own version.

    With an RSA key, anyone who has the public key can encrypt: the data is hidden, but its origin is not
    authenticated, and associated data is refused. A symmetric key of a Managed HSM authenticates both.

    Encrypting with an RSA key sends no request once the key is known. Recent plaintexts are cached, so when Tink checks
    a keyset that it has just encrypted, that needs neither a request nor the permission to decrypt.

    It can be pickled if its client can; everyone in another process who receives it shares one instance there.

    :param client: the client of the key, a synchronous :class:`~azure.keyvault.keys.crypto.CryptographyClient`. For a
        key without a version, the newest version encrypts.
    :param algorithm: how to encrypt. Default: RSA-OAEP-256 for an RSA key, A256GCM for a symmetric one. RSA-OAEP-256
        as a member of ``KeyWrapAlgorithm`` or ``EncryptionAlgorithm`` also chooses the operation of the vault
        (``unwrapKey`` or ``decrypt``); by default it is the first of them that the key allows.
    :param cache_size: the number of plaintexts to cache; 0 for none.
    :param cache_lifetime: for how many seconds they are cached.
    :raises TypeError: when the client is not a synchronous one.
    :raises ValueError: when the algorithm is not one of these, or a limit is negative.
    """

    def __init__(
        self,
        client: CryptographyClient,
        *,
        algorithm: EncryptionAlgorithm | KeyWrapAlgorithm | str | None = None,
        cache_size: int = 128,
        cache_lifetime: float = 600.0,
    ) -> None:
        self._cipher = KeyCipher(client, algorithm=algorithm, cache_size=cache_size, cache_lifetime=cache_lifetime)

    @classmethod
    def _with(cls, cipher: KeyCipher) -> AzureKmsAead:
        """Make an instance from a cipher that others may also use."""
        key = cls.__new__(cls)
        key._cipher = cipher
        return key

    def __reduce__(self) -> Any:
        return AzureKmsAead._with, (self._cipher,)

    def __repr__(self) -> str:
        return f"AzureKmsAead({self._cipher.client.key_id!r})"

    def encrypt(self, plaintext: bytes, associated_data: bytes) -> bytes:
        """Encrypt a keyset or a data key.

        :param plaintext: what to encrypt. A 2048-bit RSA key encrypts at most 190 bytes.
        :param associated_data: data to authenticate along with it; empty for an RSA key.
        :returns: the header and the ciphertext.
        :raises tink.TinkError: when an argument does not fit the key, or the key does not allow encryption (at this
            time).
        :raises ~azure.core.exceptions.HttpResponseError: when the vault rejects the request for another reason.
        """
        with as_tink_errors():
            return self._cipher.encrypt(plaintext, associated_data)

    def decrypt(self, ciphertext: bytes, associated_data: bytes) -> bytes:
        """Decrypt what :meth:`encrypt` returned, with any version of the key.

        :param ciphertext: the header and the ciphertext, or a ciphertext alone.
        :param associated_data: the data that was authenticated along with it.
        :returns: the keyset or data key.
        :raises tink.TinkError: when the data cannot be decrypted.
        :raises ~azure.core.exceptions.HttpResponseError: when the vault rejects the request for another reason: there
            is no such version, or the caller may not decrypt.
        """
        with as_tink_errors():
            return self._cipher.decrypt(ciphertext, associated_data)
