"""RSA members of a JSON Web Key (RFC 7518 section 6.3): checked, completed, and turned into key objects."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from cryptography.hazmat.primitives.asymmetric import rsa

if TYPE_CHECKING:
    from .shapes import RsaMembers

MAX_BITS = 16384

# Primes are recovered up to the size of the service's largest keys, for which a step takes a tenth of a second.
_MAX_RECOVERY_BITS = 4096
# Each attempt fails in at most half of the cases, so a key that has primes is practically never rejected.
_TRIES = 64


class RsaPublic(NamedTuple):
    """Modulus and public exponent."""

    n: int
    e: int

    def to_key(self) -> rsa.RSAPublicKey:
        """Make the key object of ``cryptography``."""
        return rsa.RSAPublicNumbers(self.e, self.n).public_key()


class RsaPrivate(NamedTuple):
    """Every number of a private key with two primes."""

    n: int
    e: int
    d: int
    p: int
    q: int
    dp: int
    dq: int
    qi: int

    def to_key(self) -> rsa.RSAPrivateKey:
        """Make the key object of ``cryptography``, which slowly tests the primes.

        :raises ValueError: when they are not prime.
        """
        return rsa.RSAPrivateNumbers(
            p=self.p,
            q=self.q,
            d=self.d,
            dmp1=self.dp,
            dmq1=self.dq,
            iqmp=self.qi,
            public_numbers=rsa.RSAPublicNumbers(self.e, self.n),
        ).private_key()


def public_numbers(jwk: RsaMembers, min_bits: int = 0) -> RsaPublic:
    """Read and check modulus and public exponent.

    :param jwk: a key with ``n`` and ``e``.
    :param min_bits: refuse a modulus with fewer bits.
    :raises ValueError: when they are missing, even, out of range, or the modulus is too small or too large.
    """
    if not jwk.n or not jwk.e:
        raise ValueError("An RSA key needs 'n' and 'e'")
    n, e = int.from_bytes(jwk.n, "big"), int.from_bytes(jwk.e, "big")
    bits = n.bit_length()
    if not min_bits <= bits <= MAX_BITS:
        raise ValueError(f"'n' must have {min_bits} to {MAX_BITS} bits, not {bits}")
    if n % 2 == 0:
        raise ValueError("'n' is even, so it is not an RSA modulus")
    if not 3 <= e < n or e % 2 == 0:
        raise ValueError("'e' must be odd, at least 3 and less than 'n'")
    return RsaPublic(n, e)


def private_numbers(jwk: RsaMembers, min_bits: int = 0) -> RsaPrivate:
    """Read, check and complete the private numbers.

    The primes are recovered if only ``d`` is given. ``dp``, ``dq`` and ``qi`` are always derived, so missing or wrong
    ones, or those of swapped primes, do no harm.

    :param jwk: a key with ``n``, ``e`` and ``d``.
    :param min_bits: refuse a modulus with fewer bits.
    :raises ValueError: when the numbers are inconsistent.
    """
    n, e = public_numbers(jwk, min_bits)
    d = _number(jwk.d)
    if not 1 < d < n:
        raise ValueError("'d' must be a private exponent, greater than 1 and less than 'n'")
    p, q = _primes(n, e, d, _number(jwk.p), _number(jwk.q))
    return _belonging(n, e, d, p, q)


def _belonging(n: int, e: int, d: int, p: int, q: int) -> RsaPrivate:
    """Check that private numbers are consistent, and derive the others."""
    if p * q != n or min(p, q) < 3 or n % 2 == 0:
        raise ValueError("'n' is not the product of the primes 'p' and 'q'")
    if (d * e) % (p - 1) != 1 or (d * e) % (q - 1) != 1:
        raise ValueError("'d' does not belong to 'e', 'p' and 'q'")
    try:
        qi = pow(q, -1, p)
    except ValueError:
        raise ValueError("'p' and 'q' are not two different primes") from None
    return RsaPrivate(n, e, d, p, q, d % (p - 1), d % (q - 1), qi)


def _primes(n: int, e: int, d: int, p: int, q: int) -> tuple[int, int]:
    if not p and not q:
        return _recovered(n, e, d)
    # One prime gives the other.
    return p or n // q, q or n // p


def _recovered(n: int, e: int, d: int) -> tuple[int, int]:
    """Find the primes of a modulus from its exponents (NIST SP 800-56B appendix C), in bounded time.

    Two tests come first, because no number of attempts helps when an exponent does not belong to the modulus, or when
    the modulus is a power of one prime: then no square root of 1 yields a factor.

    :returns: two factors, which the caller checks.
    :raises ValueError: when the modulus is too large, or is not the product of two primes that belong to the exponents.
    """
    if n.bit_length() > _MAX_RECOVERY_BITS:
        raise ValueError(
            f"'p' and 'q' are missing, and can be recovered only up to {_MAX_RECOVERY_BITS} bits: give them too"
        )
    if n % 2 == 0 or pow(pow(2, e, n), d, n) != 2:
        raise ValueError("'d' does not belong to 'n' and 'e'")
    # When n is a power of a prime, that prime divides a**n - a for every a (H. Cohen, A Course in Computational
    # Algebraic Number Theory, section 1.7.3). When n is the product of two primes of any useful size, neither does.
    common = math.gcd(pow(2, n, n) - 2, n)
    if 1 < common < n:
        return common, n // common
    if common == 1:
        exponent = d * e - 1
        odd = exponent >> ((exponent & -exponent).bit_length() - 1)
        for base in range(2, 2 + _TRIES):
            prime = _factor(n, pow(base, odd, n))
            if prime is not None:
                return prime, n // prime
    raise ValueError("'n' is not the product of two primes that belong to 'e' and 'd'")


def _factor(n: int, root: int) -> int | None:
    """Square a number until it is 1 modulo n, and return the factor that the last root of 1 yields, if any."""
    for _ in range(2 * n.bit_length()):
        if root in (1, n - 1):
            return None
        square = root * root % n
        if square == 1:
            return math.gcd(root - 1, n)
        root = square
    return None


def complete_fields(jwk: RsaMembers, private: bool) -> dict[str, bytes]:
    """Return the members of the public key, or all of them with missing ones derived.

    :raises ValueError: when the numbers are missing or inconsistent.
    """
    numbers = private_numbers(jwk) if private else public_numbers(jwk)
    return _encode(numbers._asdict())


def members_of(key: rsa.RSAPublicKey | rsa.RSAPrivateKey) -> dict[str, bytes]:
    """Return the members of a key object of ``cryptography``.

    :raises ValueError: when its numbers are inconsistent; it may have been created without a check.
    """
    if not isinstance(key, rsa.RSAPrivateKey):
        public = key.public_numbers()
        return _encode({"n": public.n, "e": public.e})
    private = key.private_numbers()
    public = private.public_numbers
    return _encode(_belonging(public.n, public.e, private.d, private.p, private.q)._asdict())


def _encode(numbers: dict[str, int]) -> dict[str, bytes]:
    return {name: number.to_bytes((number.bit_length() + 7) // 8, "big") for name, number in numbers.items()}


def _number(value: bytes | None) -> int:
    return int.from_bytes(value or b"", "big")
