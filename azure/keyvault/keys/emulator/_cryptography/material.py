"""What every family of key material has in common, and the shapes of cryptographic input and output."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from .._errors import ServiceError, bad_parameter


class Material(Protocol):
    """A key's numbers. Only :meth:`private_bytes` gives the private ones away, for storage, backup and release."""

    @property
    def family(self) -> str:
        """Return ``RSA``, ``EC``, ``oct`` or ``AKP``."""
        ...

    @property
    def size(self) -> int | None:
        """Return the size in bits where the service tells one."""

    def public_members(self) -> dict[str, str]:
        """Return the public members of the JWK, in the service's order."""
        ...

    def private_bytes(self) -> bytes:
        """Return the private part: PKCS #8 in DER, or the bytes of a symmetric key."""
        ...

    def renewed(self) -> Material:
        """Return new material of the same kind, as a rotation makes it."""
        ...


@dataclass(frozen=True, slots=True)
class CipherInput:
    """The binary members of an encrypt, decrypt, wrapkey or unwrapkey request."""

    value: bytes
    iv: bytes | None = None
    aad: bytes | None = None
    tag: bytes | None = None


@dataclass(frozen=True, slots=True)
class CipherOutput:
    """The binary members of the reply to encrypt or wrapkey."""

    value: bytes
    iv: bytes | None = None
    tag: bytes | None = None
    aad: bytes | None = None


# The material in the callables below is Any: a row is only ever used with material of its own family, which
# the look-up in _algorithms checks before it hands the row out.


@dataclass(frozen=True, slots=True)
class CipherAlgorithm:
    """A row of the table of encryption and wrapping algorithms."""

    name: str
    family: str
    since: str
    uses: frozenset[str]
    encrypt: Callable[[Any, CipherInput], CipherOutput]
    decrypt: Callable[[Any, CipherInput], bytes]
    key_bits: int | None = None


@dataclass(frozen=True, slots=True)
class SignatureAlgorithm:
    """A row of the table of signature algorithms. ``digest_size`` is None where the message itself is signed."""

    name: str
    family: str
    since: str
    digest_size: int | None
    sign: Callable[[Any, bytes], bytes]
    verify: Callable[[Any, bytes, bytes], bool]
    curves: tuple[str, ...] = ()


def required_members(jwk: Mapping[str, bytes], names: tuple[str, ...], error: Callable[[], ServiceError]) -> None:
    """Refuse a JWK that lacks one of the members.

    :raises ServiceError: the given error.
    """
    if any(not jwk.get(name) for name in names):
        raise error()


def integer(data: bytes) -> int:
    """Return the unsigned big-endian integer in a JWK member."""
    return int.from_bytes(data, "big")


def unsupported_size(size: int | None, supported: tuple[int, ...]) -> ServiceError:
    """400 for a key size outside the list."""
    sizes = ",".join(map(str, supported))
    return bad_parameter(f"Unsupported key size: {size}. Supported sizes are [{sizes}]")
