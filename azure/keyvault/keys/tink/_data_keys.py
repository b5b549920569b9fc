"""Data keys: Tink keysets with one key for streams, encrypted with a key of the vault."""

from __future__ import annotations

import threading
import time
import weakref
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

import tink
from google.protobuf.message import DecodeError
from tink import aead, secret_key_access, streaming_aead

from .._shared.fork import renew_after_fork
from .._shared.recipe import Recipe, make
from ..crypto import CryptographyClient
from ._aead import AzureKmsAead
from ._errors import StreamDecryptionError

if TYPE_CHECKING:
    from typing import TypeAlias

    Key: TypeAlias = "CryptographyClient | aead.Aead | DataKeys"

# Tink creates these messages at run time, so type checkers do not know them.
_messages: Any = import_module("tink.proto.tink_pb2")
_stream_messages: Any = import_module("tink.proto.aes_gcm_hkdf_streaming_pb2")

streaming_aead.register()

_TEMPLATE = streaming_aead.streaming_aead_key_templates.AES256_GCM_HKDF_1MB
#: The most bytes of an encrypted keyset, as in Tink's envelopes.
MOST_KEYSET_BYTES = 4096
# A segment is held in memory, and its size comes with the data.
_MOST_SEGMENT_BYTES = 4 << 20


class DataKey(NamedTuple):
    """A data key that is ready to encrypt.

    :ivar encrypted: its keyset, encrypted, as Tink writes it.
    :ivar primitive: what encrypts streams with it.
    """

    encrypted: bytes
    primitive: Any


def new_data_key(key: aead.Aead) -> DataKey:
    """Generate a data key and encrypt it.

    Unlike Tink, this does not decrypt the result to check it.
    """
    handle = tink.new_keyset_handle(_TEMPLATE)
    keyset = tink.proto_keyset_format.serialize(handle, secret_key_access.TOKEN)
    encrypted = _messages.EncryptedKeyset(
        encrypted_keyset=key.encrypt(keyset, b""), keyset_info=_info(_messages.Keyset.FromString(keyset))
    ).SerializeToString()
    return DataKey(encrypted, handle.primitive(streaming_aead.StreamingAead))


def open_data_key(key: aead.Aead, encrypted: bytes) -> Any:
    """Return the primitive that decrypts streams with a data key.

    An encrypted keyset's cleartext part, its ``keyset_info``, is not authenticated. It must therefore match the keyset
    or be absent, and must be encoded exactly as protobuf encodes it.

    :raises StreamDecryptionError: when it is not an encrypted keyset with one key for streams.
    :raises tink.TinkError: when it cannot be decrypted.
    """
    outer = _parsed(_messages.EncryptedKeyset, encrypted)
    serialized = key.decrypt(outer.encrypted_keyset, b"")
    keyset = _parsed(_messages.Keyset, serialized)
    _check(keyset)
    bare = _messages.EncryptedKeyset(encrypted_keyset=outer.encrypted_keyset)
    full = _messages.EncryptedKeyset(encrypted_keyset=outer.encrypted_keyset, keyset_info=_info(keyset))
    if encrypted not in (bare.SerializeToString(), full.SerializeToString()):
        raise StreamDecryptionError("the encrypted keyset of the stream was changed")
    handle = tink.proto_keyset_format.parse(serialized, secret_key_access.TOKEN)
    return handle.primitive(streaming_aead.StreamingAead)


def _parsed(kind: Any, data: bytes) -> Any:
    try:
        return kind.FromString(data)
    except DecodeError:  # its text and traceback may hold key material
        pass
    raise StreamDecryptionError("the stream does not begin with an encrypted keyset")


def _check(keyset: Any) -> None:
    """Reject keysets that an attacker may have made to use up memory or to have several keys tried."""
    if len(keyset.key) != 1 or keyset.key[0].key_data.type_url != _TEMPLATE.type_url:
        raise StreamDecryptionError("the keyset of the stream does not hold one AES-GCM-HKDF key for streams")
    key = _parsed(_stream_messages.AesGcmHkdfStreamingKey, keyset.key[0].key_data.value)
    if key.params.ciphertext_segment_size > _MOST_SEGMENT_BYTES:
        raise StreamDecryptionError(f"the segments of the stream have more than {_MOST_SEGMENT_BYTES} bytes")


def _info(keyset: Any) -> Any:
    """Return the cleartext that Tink writes beside an encrypted keyset."""
    info = _messages.KeysetInfo(primary_key_id=keyset.primary_key_id)
    for key in keyset.key:
        info.key_info.add(
            type_url=key.key_data.type_url,
            status=key.status,
            output_prefix_type=key.output_prefix_type,
            key_id=key.key_id,
        )
    return info


class DataKeys:
    """Reuses one data key for several streams, until it is too old or has encrypted enough.

    Pass it as ``key`` to :func:`encrypt_stream` and :func:`decrypt_stream`. Every stream still has its own keys and
    nonces, which Tink derives from the data key. Reuse weakens the separation: anyone who learns a data key can read
    all streams that were encrypted with it. In return, it saves requests: a reader needs one data key decrypted instead
    of one per stream.

    One object may be used by any number of threads. It can be pickled if its key can. Data keys are not included:
    everyone in another process who receives it shares the ones generated there.

    :param key: the key that encrypts the data keys: a :class:`~azure.keyvault.keys.crypto.CryptographyClient`, an
        :class:`AzureKmsAead` or another ``tink.aead.Aead``.
    :param max_age: seconds after which the next stream gets a new data key.
    :param max_messages: the maximum number of streams that one data key encrypts.
    :param max_bytes: the maximum number of plaintext bytes that one data key encrypts. A stream of unknown length is
        finished with the key that it began with.
    :raises TypeError: when the key is none of these.
    :raises ValueError: when a limit is not positive.
    """

    def __init__(
        self,
        key: CryptographyClient | aead.Aead,
        *,
        max_age: float = 300.0,
        max_messages: int = 10_000,
        max_bytes: int = 1 << 40,
    ) -> None:
        if max_age <= 0 or max_messages <= 0 or max_bytes <= 0:
            raise ValueError("max_age, max_messages and max_bytes must be positive")
        self._key = as_aead(key)
        self._max_age = max_age
        self._max_messages = max_messages
        self._max_bytes = max_bytes
        self.renew()
        renew_after_fork(self)

    def __reduce__(self) -> Any:
        limits = {"max_age": self._max_age, "max_messages": self._max_messages, "max_bytes": self._max_bytes}
        return make, (type(self), Recipe(key=self._key, limits=limits))

    @classmethod
    def _of_recipe(cls, recipe: Recipe) -> DataKeys:
        return cls(recipe.parts["key"], **recipe.parts["limits"])

    def renew(self) -> None:
        """Use a new data key for the next stream, for example after the vault's key was rotated."""
        self._lock = threading.Lock()
        self._current: DataKey | None = None
        self._made = 0.0
        self._messages = self._bytes = 0

    def _for_stream(self, size: int | None) -> DataKey:
        """Return the data key for one more stream.

        :param size: the length of its plaintext, when that is known. It is counted now and corrected by :meth:`_count`.
        """
        with self._lock:
            current = self._current
            if current is None or self._is_used_up(size or 0):
                current = self._current = new_data_key(self._key)
                self._made = time.monotonic()
                self._messages = self._bytes = 0
            self._messages += 1
            self._bytes += size or 0
            return current

    def _is_used_up(self, size: int) -> bool:
        return (
            time.monotonic() - self._made >= self._max_age
            or self._messages >= self._max_messages
            or self._bytes >= self._max_bytes
            or self._bytes + size > self._max_bytes
        )

    def _count(self, used: DataKey, excess: int) -> None:
        """Correct how many bytes a data key has encrypted."""
        with self._lock:
            if used is self._current:
                self._bytes += excess


_AEADS: weakref.WeakKeyDictionary[CryptographyClient, AzureKmsAead] = weakref.WeakKeyDictionary()


def as_aead(key: Key) -> aead.Aead:
    """Return the Aead that encrypts data keys, for whatever a caller passes as ``key``.

    Each client has one, so that its cache lasts from stream to stream.

    :raises TypeError: when it is anything else.
    """
    if isinstance(key, DataKeys):
        return key._key
    if isinstance(key, aead.Aead):
        return key
    if isinstance(key, CryptographyClient):
        return _AEADS.get(key) or _AEADS.setdefault(key, AzureKmsAead(key))
    raise TypeError(
        f"'key' must be a synchronous CryptographyClient, a Tink Aead or DataKeys, not {type(key).__name__}"
    )
