"""What a key can do in this process: the class from which the keys of each family are derived."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from .algorithms import Algorithm, Family

# Operations that need no private key; those of symmetric keys always need the key.
PUBLIC_OPERATIONS = frozenset(("encrypt", "wrapKey", "verify"))

# AES and HMAC process this many bytes in a tenth of a millisecond, or in half a millisecond on slow machines.
_MUCH = 1 << 16


# Ciphertext, IV and authentication tag.
Encrypted = tuple[bytes, bytes | None, bytes | None]


class LocalKey(ABC):
    """A key whose material is here.

    Operations take the row of an algorithm that :meth:`supports` has allowed, and arguments that ``_checks`` has
    passed; they look only at what depends on the key. ``cryptography``'s own objects are made at their first use.

    :ivar has_private: whether the operations that need the private part can run.
    :ivar obstacle: why an operation can't run here although the part of the key that it needs is here.
    """

    family: ClassVar[Family]
    obstacle: ClassVar[str] = ""
    has_private: bool

    @abstractmethod
    def misfit(self, row: Algorithm) -> str | None:
        """Tell why an algorithm of the key's family can't be used with this key; ``None`` when it can."""

    def supports(self, operation: str, row: Algorithm) -> bool:
        """Return whether an operation can run in this process.

        :param operation: as a JWK's ``key_ops`` names it.
        :param row: the row of the algorithm.
        """
        return row.local and row.family == self.family and self.can(operation) and self.misfit(row) is None

    def can(self, operation: str) -> bool:
        """Return whether the part of the key that an operation needs is present."""
        return self.has_private or operation in PUBLIC_OPERATIONS

    def takes_long(self, operation: str, size: int) -> bool:
        """Return whether an operation takes so long, about a millisecond, that an event loop should not wait for it.

        :param operation: as a JWK's ``key_ops`` names it.
        :param size: bytes of its input.
        """
        return size > _MUCH

    def encrypt(self, row: Algorithm, plaintext: bytes, iv: bytes | None = None, aad: bytes | None = None) -> Encrypted:
        """Encrypt.

        :returns: ciphertext, IV and authentication tag.
        :raises ValueError: when the plaintext is too long for the key.
        """
        raise _unsupported("encrypt", row)

    def decrypt(
        self,
        row: Algorithm,
        ciphertext: bytes,
        iv: bytes | None = None,
        tag: bytes | None = None,
        aad: bytes | None = None,
    ) -> bytes:
        """Decrypt.

        :raises DecryptionError: when it can't be decrypted, whatever the reason.
        """
        raise _unsupported("decrypt", row)

    def wrap(self, row: Algorithm, key: bytes) -> bytes:
        """Wrap a key.

        :raises ValueError: when it is too long for this key.
        """
        raise _unsupported("wrapKey", row)

    def unwrap(self, row: Algorithm, encrypted_key: bytes) -> bytes:
        """Unwrap a key.

        :raises DecryptionError: when it can't be unwrapped, whatever the reason.
        """
        raise _unsupported("unwrapKey", row)

    def sign(self, row: Algorithm, digest: bytes, context: bytes | None = None, mu: bytes | None = None) -> bytes:
        """Sign a digest or, for an algorithm that signs them, a message. An ECDSA signature is r and s side by side.

        :param context: the context of a message, for ML-DSA.
        :param mu: stands for message and context, for ML-DSA.
        """
        raise _unsupported("sign", row)

    def verify(
        self,
        row: Algorithm,
        digest: bytes,
        signature: bytes,
        context: bytes | None = None,
        mu: bytes | None = None,
    ) -> bool:
        """Return whether a signature, of any length, is the key's signature of the input of :meth:`sign`."""
        raise _unsupported("verify", row)


def _unsupported(operation: str, row: Algorithm) -> NotImplementedError:
    return NotImplementedError(f'This key does not support the "{operation}" operation with algorithm "{row.name}"')
