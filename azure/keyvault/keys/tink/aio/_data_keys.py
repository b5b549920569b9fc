"""Data keys for several streams in asyncio."""

from __future__ import annotations

import asyncio
import weakref
from typing import TYPE_CHECKING, Any

from ..._frames import clears_locals
from ..._shared.recipe import Recipe, make
from .._data_keys import NewDataKey
from .._reuse import DataKey, Reuse
from ._keys import remote_of

if TYPE_CHECKING:
    from tink import aead

    from ...crypto.aio import CryptographyClient


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
        self._given = key
        self._key = remote_of(key)
        self._reuse = Reuse(max_age, max_messages, max_bytes)
        self._making: weakref.WeakKeyDictionary[Any, asyncio.Lock] = weakref.WeakKeyDictionary()

    def __reduce__(self) -> Any:
        return make, (type(self), Recipe(key=self._given, limits=self._reuse.limits))

    @classmethod
    def _of_recipe(cls, recipe: Recipe) -> DataKeys:
        return cls(recipe.parts["key"], **recipe.parts["limits"])

    def renew(self) -> None:
        """Use a new data key for the next stream, for example after the vault's key was rotated."""
        self._reuse.renew()

    async def _for_stream(self, size: int | None) -> DataKey:
        """Return the data key for one more stream, whose plaintext has this length, if that is known."""
        async with self._turn():
            current = self._reuse.take(size)
            if current is not None:
                return current
            new = NewDataKey()
            return self._reuse.begin(new.encrypted_as(await self._key.encrypt(new.keyset, b"")), size)

    def _turn(self) -> asyncio.Lock:
        """Return the lock of the running event loop: a lock belongs to one."""
        loop = asyncio.get_running_loop()
        turn = self._making.get(loop)
        if turn is None:
            for reference in self._making.keyrefs():  # the locks of loops that have ended, which refer to these
                other = reference()
                if other is not None and other.is_closed():
                    self._making.pop(other, None)
            turn = self._making.setdefault(loop, asyncio.Lock())
        return turn

    def _count(self, used: DataKey, excess: int) -> None:
        """Correct how many bytes a data key has encrypted."""
        self._reuse.count(used, excess)
