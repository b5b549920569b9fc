"""Data keys: Tink keysets with one key for streams, encrypted with a key of the vault."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import tink
from google.protobuf.message import DecodeError
from tink import aead, secret_key_access, streaming_aead

from .._frames import clears_locals
from .._shared.fork import ForkLock
from .._shared.recipe import Recipe, make
from ..crypto import CryptographyClient
from ._aead import AzureKmsAead
from ._errors import StreamDecryptionError
from ._reuse import DataKey, Reuse

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


def new_data_key(key: aead.Aead) -> DataKey:
    """Generate a data key and encrypt it.

    Unlike Tink, this does not decrypt the result to check it.
    """
    new = NewDataKey()
    return new.encrypted_as(key.encrypt(new.keyset, b""))


class NewDataKey:
    """A data key that has been generated and is to be encrypted.

    :ivar keyset: its keyset, in clear.
    """

    def __init__(self) -> None:
        self._handle = tink.new_keyset_handle(_TEMPLATE)
        self.keyset = tink.proto_keyset_format.serialize(self._handle, secret_key_access.TOKEN)

    def encrypted_as(self, ciphertext: bytes) -> DataKey:
        """Return the data key.

        :param ciphertext: the keyset, encrypted by a key of the vault.
        """
        encrypted = _messages.EncryptedKeyset(
            encrypted_keyset=ciphertext, keyset_info=_info(_messages.Keyset.FromString(self.keyset))
        )
        return DataKey(encrypted.SerializeToString(), self._handle.primitive(streaming_aead.StreamingAead))


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


@clears_locals
class DataKeys:
    """Reuses one data key for several streams, until it is too old or has encrypted enough.

    Pass it as ``key`` to :func:`encrypt_stream` and :func:`decrypt_stream`. Every stream still has its own keys and
    nonces, which Tink derives from the data key. Reuse weakens the separation: anyone who learns a data key can read
    all streams that were encrypted with it. In return, it saves requests: a reader needs one data key decrypted instead
    of one per stream.

    One object may be used by any number of threads or, in asyncio, by any number of tasks of one event loop. It can be
    pickled if its key can. Data keys are not included: everyone in another process who receives it shares the ones
    generated there.

    :param key: the key that encrypts the data keys: a ``CryptographyClient``, sync or async like the functions;
        an :class:`AzureKmsAead` or another ``tink.aead.Aead``.
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
        self._key = as_aead(key)
        self._reuse = Reuse(max_age, max_messages, max_bytes)
        self._making = ForkLock()

    def __reduce__(self) -> Any:
        return make, (type(self), Recipe(key=self._key, limits=self._reuse.limits))

    @classmethod
    def _of_recipe(cls, recipe: Recipe) -> DataKeys:
        return cls(recipe.parts["key"], **recipe.parts["limits"])

    def renew(self) -> None:
        """Use a new data key for the next stream, for example after the vault's key was rotated."""
        self._reuse.renew()

    def _for_stream(self, size: int | None) -> DataKey:
        """Return the data key for one more stream, whose plaintext has this length, if that is known."""
        with self._making.current:
            return self._reuse.take(size) or self._reuse.begin(new_data_key(self._key), size)

    def _count(self, used: DataKey, excess: int) -> None:
        """Correct how many bytes a data key has encrypted."""
        self._reuse.count(used, excess)


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
        # The client holds it, as each refers to the other: a table of all clients would keep both for ever.
        held: AzureKmsAead = vars(key).get("_tink_aead") or vars(key).setdefault("_tink_aead", AzureKmsAead(key))
        return held
    raise TypeError(
        f"'key' must be a synchronous CryptographyClient, a Tink Aead or DataKeys, not {type(key).__name__}"
    )
