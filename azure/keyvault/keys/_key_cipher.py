"""Encryption of data keys with a vault key, in a form that says which version of the key decrypts it.

:mod:`azure.keyvault.keys.tink` and :mod:`azure.keyvault.keys.parquet` are built on this module; it needs neither
package.
"""

from __future__ import annotations

import hashlib
import re
import time
import weakref
from collections import OrderedDict
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from ._models import KeyVaultKeyIdentifier
from ._shared.auth.credentials import check_sync_credential
from ._shared.fork import ForkLock
from ._shared.recipe import Recipe, make, read, recipe_of
from ._shared.wire.identifiers import canonical_host, origin_of
from .crypto import CryptographyClient, EncryptionAlgorithm, EncryptResult, KeyWrapAlgorithm

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

#: The domains of vaults and Managed HSMs in all clouds.
CLOUD_SUFFIXES = (
    "vault.azure.net",
    "managedhsm.azure.net",
    "vault.azure.cn",
    "managedhsm.azure.cn",
    "vault.usgovcloudapi.net",
    "managedhsm.usgovcloudapi.net",
    "vault.microsoftazure.de",
    "managedhsm.microsoftazure.de",
)
#: How many seconds a client without a pinned version goes on with the newest one it knows.
REFRESH_AFTER = 600.0

# However many keys the data names, only so many clients are kept.
_MOST_KEYS = 64
_MARK = b"azure:v1:"
# Lower case only, as the service writes versions: every header has one form, so that none can be changed unnoticed.
_HEADER = re.compile(rb"azure:v1:([0-9a-f]{32}):")
_VERSION = re.compile(r"[0-9a-f]{32}")
_NONCE, _TAG = 12, 16


class Packed(NamedTuple):
    """Encrypted data, taken apart.

    :ivar version: the version of the key that encrypted it; None when the data does not say.
    :ivar body: what the key has made.
    """

    version: str | None
    body: bytes

    @classmethod
    def parse(cls, data: bytes) -> Packed:
        """Take encrypted data apart.

        :raises ValueError: when it begins like a header and is not one.
        """
        match = _HEADER.match(data)
        if match:
            return cls(match[1].decode("ascii"), data[match.end() :])
        if data.startswith(_MARK):
            raise ValueError("the header of the encrypted data does not name a version of the key: 32 hex digits")
        return cls(None, data)

    def __bytes__(self) -> bytes:
        return self.body if self.version is None else _MARK + self.version.encode("ascii") + b":" + self.body


class RecentKeys:
    """A bounded memory of data keys in clear, for a limited time.

    :param size: how many it holds; 0 for none.
    :param lifetime: seconds after which one is forgotten.
    """

    def __init__(self, size: int, lifetime: float) -> None:
        self._size = size
        self._lifetime = lifetime
        self._entries: OrderedDict[bytes, tuple[float, bytes]] = OrderedDict()
        self._lock = ForkLock()

    def get(self, name: bytes) -> bytes | None:
        """Return what is remembered under a name; None when nothing is."""
        with self._lock:
            entry = self._entries.get(name)
            if entry is None:
                return None
            if entry[0] <= time.monotonic():
                del self._entries[name]
                return None
            self._entries.move_to_end(name)
            return entry[1]

    def put(self, name: bytes, key: bytes) -> None:
        """Remember a key, in place of the one that was not used for the longest time."""
        with self._lock:
            self._entries[name] = (time.monotonic() + self._lifetime, key)
            self._entries.move_to_end(name)
            while len(self._entries) > self._size:
                self._entries.popitem(last=False)


class KeyCipher:
    """Encrypts and decrypts data keys with one key of a vault.

    With an RSA key, encrypting happens in this process. What was encrypted or decrypted lately is remembered, so that
    decrypting it again needs no request.

    :param client: the client of the key.
    :param algorithm: how to encrypt. Default: RSA-OAEP-256 for an RSA key, A256GCM for a symmetric one.
    :param cache_size: how many decrypted data keys are remembered.
    :param cache_lifetime: the seconds for which they are cached.
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
        if not isinstance(client, CryptographyClient):
            raise TypeError(f"'client' must be a (synchronous) CryptographyClient, not {type(client).__name__}")
        if cache_size < 0 or cache_lifetime < 0:
            raise ValueError("cache_size and cache_lifetime must not be negative")
        self.client = client
        self._given = algorithm
        self._fixed = _fixed(algorithm)
        self._recent = RecentKeys(cache_size, cache_lifetime)
        self._turns: weakref.WeakValueDictionary[bytes, _Turn] = weakref.WeakValueDictionary()
        self._lock = ForkLock()
        self._limits = cache_size, cache_lifetime

    def __reduce__(self) -> Any:
        return make, (type(self), Recipe(client=self.client, algorithm=self._given, limits=self._limits))

    @classmethod
    def _of_recipe(cls, recipe: Recipe) -> KeyCipher:
        size, lifetime = recipe.parts["limits"]
        return cls(
            recipe.parts["client"], algorithm=recipe.parts["algorithm"], cache_size=size, cache_lifetime=lifetime
        )

    def encrypt(self, plaintext: bytes, associated_data: bytes) -> bytes:
        """Encrypt a data key under the newest known version.

        :raises ValueError: when it is too long for the key, the key cannot bind associated data, or is not allowed to
            encrypt.
        :raises ~azure.core.exceptions.HttpResponseError: when the vault rejects the request.
        """
        algorithm = self._algorithm_of(self.client, associated_data)
        result: Any
        if isinstance(algorithm, KeyWrapAlgorithm):
            result = self.client.wrap_key(algorithm, plaintext)
            body = result.encrypted_key
        elif algorithm is EncryptionAlgorithm.rsa_oaep_256:
            result = self.client.encrypt(algorithm, plaintext)
            body = result.ciphertext
        else:
            result = self.client.encrypt(algorithm, plaintext, additional_authenticated_data=associated_data or None)
            body = _joined(result)
        packed = bytes(Packed(_version_of(result.key_id), body))
        self._recent.put(_name(packed, associated_data), plaintext)
        return packed

    def decrypt(self, data: bytes, associated_data: bytes) -> bytes:
        """Decrypt a data key with the version that encrypted it; without a header, with the client's.

        :raises ValueError: when the data is malformed or cannot be decrypted, or the key cannot bind associated data.
        :raises ~azure.core.exceptions.HttpResponseError: when the vault rejects the request.
        """
        packed = Packed.parse(data)
        name = _name(data, associated_data)
        known = self._recent.get(name)
        if known is not None:
            return known
        with self._lock:
            turn = self._turns.setdefault(name, _Turn())
        with turn.lock:  # threads that need the same data key make one request together
            known = self._recent.get(name)
            if known is None:
                known = self._decrypted(packed, associated_data)
                self._recent.put(name, known)
        return known

    def _decrypted(self, packed: Packed, associated_data: bytes) -> bytes:
        client = self._client_of(packed.version)
        algorithm = self._algorithm_of(client, associated_data)
        if isinstance(algorithm, KeyWrapAlgorithm):
            return client.unwrap_key(algorithm, packed.body).key
        if algorithm is EncryptionAlgorithm.rsa_oaep_256:
            return client.decrypt(algorithm, packed.body).plaintext
        if len(packed.body) < _NONCE + _TAG:
            raise ValueError("the encrypted data is too short for AES-GCM")
        return client.decrypt(
            algorithm,
            packed.body[_NONCE:-_TAG],
            iv=packed.body[:_NONCE],
            authentication_tag=packed.body[-_TAG:],
            additional_authenticated_data=associated_data or None,
        ).plaintext

    def _client_of(self, version: str | None) -> CryptographyClient:
        """Return a client of a version of this key: the vault and the name are never taken from the data."""
        state = self.client._state
        if version is None or (state.identifier is not None and state.version == version):
            return self.client
        if state.identifier is None:
            raise ValueError("the encrypted data names a version of a key, and this client's key is in no vault")
        return self.client._of_version(version)

    def _algorithm_of(
        self, client: CryptographyClient, associated_data: bytes
    ) -> EncryptionAlgorithm | KeyWrapAlgorithm:
        algorithm = self._fixed or _for_key(client, self._given)
        if associated_data and algorithm not in _AUTHENTICATED:
            raise ValueError(
                "An RSA key cannot bind associated data to what it encrypts; a symmetric key in a Managed HSM can. "
                "In an envelope, associated data is bound by the data key: pass it there"
            )
        return algorithm


class _Turn:
    """The right to ask for a data key, for one thread at a time."""

    def __init__(self) -> None:
        self.lock = ForkLock()


_AUTHENTICATED = (EncryptionAlgorithm.a128_gcm, EncryptionAlgorithm.a192_gcm, EncryptionAlgorithm.a256_gcm)


def _fixed(
    algorithm: EncryptionAlgorithm | KeyWrapAlgorithm | str | None,
) -> EncryptionAlgorithm | KeyWrapAlgorithm | None:
    """Return the algorithm that a caller has settled on; None when it depends on the key."""
    if algorithm is None:
        return None
    if isinstance(algorithm, (EncryptionAlgorithm, KeyWrapAlgorithm)):
        if algorithm in (*_AUTHENTICATED, EncryptionAlgorithm.rsa_oaep_256, KeyWrapAlgorithm.rsa_oaep_256):
            return algorithm
    elif algorithm == EncryptionAlgorithm.rsa_oaep_256.value:
        return None  # its two operations make the same data: the key says which of them it allows
    elif any(algorithm == one.value for one in _AUTHENTICATED):
        return EncryptionAlgorithm(algorithm)
    raise ValueError(f"data keys are encrypted with RSA-OAEP-256, or with A256GCM and its kin, not {algorithm!r}")


def _for_key(client: CryptographyClient, given: object) -> EncryptionAlgorithm | KeyWrapAlgorithm:
    """Return the algorithm for the key of a client.

    RSA-OAEP-256 has two operations that make and take the same data, and a key need not allow both.
    """
    if client._state.facts is None:
        client._get_key({})
    material = client._state.material
    if material is None:  # the caller may not read the key
        return KeyWrapAlgorithm.rsa_oaep_256
    kind = str(material.kty or "").upper().removesuffix("-HSM")
    operations = material.key_ops
    if kind == "RSA":
        wraps = operations is None or "wrapKey" in operations or "unwrapKey" in operations
        return KeyWrapAlgorithm.rsa_oaep_256 if wraps else EncryptionAlgorithm.rsa_oaep_256
    if kind == "OCT" and given is None:
        return EncryptionAlgorithm.a256_gcm
    raise ValueError(f"a key of type {material.kty} cannot encrypt data keys{f' with {given}' if given else ''}")


def _joined(result: EncryptResult) -> bytes:
    """Return nonce, ciphertext and tag as one, as Tink's AES-GCM has them."""
    nonce, tag = result.iv or b"", result.tag or b""
    if not any(nonce[_NONCE:]):  # some HSMs return 16 bytes of which the last four are zero, and take 12
        nonce = nonce[:_NONCE]
    if len(nonce) != _NONCE or len(tag) != _TAG:
        raise ValueError("the vault did not return the nonce of 12 bytes and the tag of 16 bytes that AES-GCM needs")
    return nonce + result.ciphertext + tag


def _version_of(key_id: str | None) -> str:
    identifier = KeyVaultKeyIdentifier.try_parse(key_id) if key_id else None
    version = identifier.version if identifier else None
    if version is None or not _VERSION.fullmatch(version):
        raise ValueError(f"the key {key_id} has no version of 32 hex digits, by which its data could be found again")
    return version


def _name(data: bytes, associated_data: bytes) -> bytes:
    """Return a name for encrypted data that no other data has."""
    return hashlib.sha256(len(data).to_bytes(8, "big") + data + associated_data).digest()


def allowed_key_id(key_id: str, allowed_suffixes: Iterable[str] | None) -> str:
    """Return the identifier of a key in one of the allowed vaults, in its plain form.

    :param allowed_suffixes: domains that are allowed, along with their subdomains; None for all.
    :raises ValueError: when it is not the identifier of a key, not https, or of a vault elsewhere.
    """
    identifier = KeyVaultKeyIdentifier.try_parse(key_id)
    if identifier is None or identifier._id.collection.lower() != "keys":
        raise ValueError(f"{key_id!r} is not the identifier of a key: expected https://HOST/keys/NAME[/VERSION]")
    host = origin_of(identifier.vault_url).host
    if allowed_suffixes is not None:
        suffixes = [canonical_host(suffix.strip(".")) for suffix in allowed_suffixes]
        if not any(host == suffix or host.endswith(f".{suffix}") for suffix in suffixes):
            raise ValueError(f"the vault {host} is not in one of the allowed domains: {', '.join(suffixes) or 'none'}")
    version = f"/{identifier.version}" if identifier.version else ""
    return f"{identifier.vault_url}/keys/{identifier.name}{version}"


class KeyCiphers:
    """The ciphers of keys that are named by what may come from anywhere: of allowed vaults, and so many at most.

    :param credential: provides the tokens.
    :param allowed_suffixes: domains whose vaults are accepted, along with their subdomains; None for every host.
    :param options: keywords of :class:`CryptographyClient`.
    :raises ValueError: when there is no credential.
    :raises TypeError: when the credential cannot give tokens, or only asynchronously, or the domains are one text.
    """

    def __init__(
        self, credential: TokenCredential, allowed_suffixes: Iterable[str] | None, options: dict[str, Any]
    ) -> None:
        check_sync_credential(credential)
        if isinstance(allowed_suffixes, str):
            raise TypeError("allowed_suffixes must be several domains, as ['vault.azure.net'], not text")
        self._credential = credential
        self._suffixes = None if allowed_suffixes is None else tuple(allowed_suffixes)
        self._options = options
        self._is_shared = False
        self._recipe: Recipe | None = None
        self._ciphers: OrderedDict[str, KeyCipher] = OrderedDict()
        self._lock = ForkLock()

    def __reduce__(self) -> Any:
        if self._recipe is None:  # kept, as a credential may change when it is used
            self._recipe = recipe_of(
                "what finds keys of vaults", self._credential, options=self._options, suffixes=self._suffixes
            )
        return make, (type(self), self._recipe)

    @classmethod
    def _of_recipe(cls, recipe: Recipe) -> KeyCiphers:
        parts = read(recipe)
        ciphers = cls(parts["credential"], parts["suffixes"], parts["options"])
        ciphers._is_shared, ciphers._recipe = True, recipe
        return ciphers

    def check(self, key_id: str) -> str:
        """Return the identifier of a key in one of the allowed vaults, in its plain form.

        :raises ValueError: when it is not the identifier of a key, or that of one in another vault.
        """
        return allowed_key_id(key_id, self._suffixes)

    def of(self, key_id: str) -> KeyCipher:
        """Return the cipher of a key: the same one for the same identifier. It sends no request.

        :raises ValueError: as :meth:`check` does.
        """
        key_id = self.check(key_id)
        with self._lock:
            if key_id not in self._ciphers:
                cipher = self._ciphers[key_id] = KeyCipher(self._client_of(key_id))
                # Nobody else has the client: its connections close when nobody has the cipher any more.
                weakref.finalize(cipher, cipher.client.close)
            self._ciphers.move_to_end(key_id)
            while len(self._ciphers) > _MOST_KEYS:
                self._ciphers.popitem(last=False)
            return self._ciphers[key_id]

    def _client_of(self, key_id: str) -> CryptographyClient:
        options = self._options
        if KeyVaultKeyIdentifier(key_id).version is None:
            options = {"refresh_after": REFRESH_AFTER, **options}
        else:
            options = {name: value for name, value in options.items() if name != "refresh_after"}
        return CryptographyClient(key_id, self._credential, **options)

    def close(self) -> None:
        """Close the connections to the vaults, unless the whole process shares them."""
        if self._is_shared:
            return
        with self._lock:
            for cipher in self._ciphers.values():
                cipher.client.close()
            self._ciphers.clear()
