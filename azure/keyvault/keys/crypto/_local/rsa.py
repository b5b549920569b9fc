"""RSA: PKCS#1 v1.5 and OAEP encryption, PKCS#1 v1.5 and PSS signatures (RFC 8017)."""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from ..._jwk.rsa import RsaPrivate, RsaPublic, private_numbers, public_numbers
from ..._lazy import lazy_property
from .algorithms import Algorithm, Padding
from .errors import DecryptionError
from .hashes import hash_named, prehashed
from .local_key import PUBLIC_OPERATIONS, Encrypted, LocalKey

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

    from ..._jwk import JsonWebKey


@cache
def _padding(kind: Padding | None, hash_name: str | None) -> padding.AsymmetricPadding:
    """Return a padding as an object of ``cryptography``."""
    if kind == "PKCS1":
        return padding.PKCS1v15()
    digest = hash_named(hash_name)
    if kind == "OAEP":
        return padding.OAEP(padding.MGF1(digest), digest, None)
    # The service signs PSS with a salt as long as the digest (RFC 7518 section 3.5).
    return padding.PSS(padding.MGF1(digest), digest.digest_size)


# For a modulus of more than 3,072 bits, OpenSSL accepts exponents of at most 64 bits (OPENSSL_RSA_SMALL_MODULUS_BITS
# and OPENSSL_RSA_MAX_PUBEXP_BITS in openssl/rsa.h). With a longer one, valid signatures would look invalid.
_SMALL_MODULUS_BITS = 3072
_MAX_EXPONENT_BITS = 64


class RsaKey(LocalKey):
    """An RSA key.

    :ivar size: bytes of the modulus, of a ciphertext and of a signature.
    """

    family = "RSA"
    obstacle = (
        f"OpenSSL takes no public exponent of more than {_MAX_EXPONENT_BITS} bits for a modulus of more than "
        f"{_SMALL_MODULUS_BITS}"
    )

    def __init__(self, numbers: RsaPublic | RsaPrivate) -> None:
        self.has_private = isinstance(numbers, RsaPrivate)
        self.size = (numbers.n.bit_length() + 7) // 8
        self._numbers = numbers

    @classmethod
    def load(cls, jwk: JsonWebKey, min_bits: int) -> RsaKey | None:
        """Check the numbers and make the key; ``None`` when there is no public key."""
        if not jwk.n or not jwk.e:
            return None
        return cls((private_numbers if jwk._has_private() else public_numbers)(jwk, min_bits))

    def supports(self, operation: str, row: Algorithm) -> bool:
        return super().supports(operation, row) and self._is_usable

    @property
    def _is_usable(self) -> bool:
        """Whether OpenSSL accepts the key. Making a private key object includes an operation with the public key."""
        return self._numbers.n.bit_length() <= _SMALL_MODULUS_BITS or self._numbers.e.bit_length() <= _MAX_EXPONENT_BITS

    def misfit(self, row: Algorithm) -> str | None:
        if self.size < row.overhead:
            return f"{row.name} needs a modulus of at least {8 * row.overhead} bits, and the key has {8 * self.size}"
        return None

    def takes_long(self, operation: str, size: int) -> bool:
        # Private operations take 0.7 ms with 2048 bits and 5 ms with 4096 on a fast machine. Public ones take 0.1 ms,
        # or 1 ms with 16384 bits; with an exponent as long as the modulus they take longer than private ones.
        return operation not in PUBLIC_OPERATIONS or self.size > 1024 or self._numbers.e.bit_length() > 32

    def encrypt(self, row: Algorithm, plaintext: bytes, iv: bytes | None = None, aad: bytes | None = None) -> Encrypted:
        if len(plaintext) > self.size - row.overhead:
            raise self._too_long(row, len(plaintext))
        return self._public.encrypt(plaintext, _padding(row.padding, row.hash_name)), None, None

    def wrap(self, row: Algorithm, key: bytes) -> bytes:
        return self.encrypt(row, key)[0]

    def decrypt(
        self,
        row: Algorithm,
        ciphertext: bytes,
        iv: bytes | None = None,
        tag: bytes | None = None,
        aad: bytes | None = None,
    ) -> bytes:
        key = self._private
        # For bad PKCS#1 v1.5 padding, OpenSSL returns random bytes (implicit rejection); others raise an error.
        try:
            return key.decrypt(ciphertext, _padding(row.padding, row.hash_name))
        except ValueError:
            pass
        raise DecryptionError

    def unwrap(self, row: Algorithm, encrypted_key: bytes) -> bytes:
        return self.decrypt(row, encrypted_key)

    def sign(self, row: Algorithm, digest: bytes, context: bytes | None = None, mu: bytes | None = None) -> bytes:
        return self._private.sign(digest, _padding(row.padding, row.hash_name), prehashed(row.hash_name))

    def verify(
        self,
        row: Algorithm,
        digest: bytes,
        signature: bytes,
        context: bytes | None = None,
        mu: bytes | None = None,
    ) -> bool:
        try:
            self._public.verify(signature, digest, _padding(row.padding, row.hash_name), prehashed(row.hash_name))
        except InvalidSignature:
            return False
        return True

    def _too_long(self, row: Algorithm, size: int) -> ValueError:
        name, longest = "plaintext" if row.kind == "encryption" else "key", self.size - row.overhead
        return ValueError(
            f"'{name}' has {size} bytes; {row.name} with a {8 * self.size}-bit key takes {longest} at most"
        )

    @lazy_property
    def _public(self) -> RSAPublicKey:
        return RsaPublic(self._numbers.n, self._numbers.e).to_key()

    @lazy_property
    def _private(self) -> RSAPrivateKey:
        if not self.has_private:
            raise NotImplementedError("The key has no private part")
        key = _key_of(self._numbers)
        if not _works(key):
            raise ValueError("The RSA key does not decrypt what it encrypts: 'p' and 'q' are not prime")
        return key


def _key_of(numbers: Any) -> RSAPrivateKey:
    """Make the key object of ``cryptography`` without a test of the primes.

    The test takes 40 ms for 2048 bits and 290 ms for 4096, and holds Python's global lock. It is not needed: the
    numbers were checked for consistency when they were read; a key with composite "primes" does not work, which one
    operation shows; and whoever made the numbers has the key anyway. OpenSSL itself checks every result that it
    computes with the Chinese remainder theorem.
    """
    public = rsa.RSAPublicNumbers(numbers.e, numbers.n)
    private = rsa.RSAPrivateNumbers(numbers.p, numbers.q, numbers.d, numbers.dp, numbers.dq, numbers.qi, public)
    return private.private_key(unsafe_skip_rsa_key_validation=True)


def _works(key: RSAPrivateKey) -> bool:
    """Return whether a private key reverses its public key (the pairwise consistency test of FIPS 140)."""
    message, scheme = os.urandom(16), _padding("OAEP", "sha1")
    try:
        return key.decrypt(key.public_key().encrypt(message, scheme), scheme) == message
    except ValueError:
        return False
