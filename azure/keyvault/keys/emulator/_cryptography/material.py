"""What all families of key material have in common, and the types of cryptographic input and output."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from .._errors import ServiceError, bad_parameter


class Material(Protocol):
    """The numbers of a key. Only :meth:`private_bytes` exposes the private ones, for storage, backup and release."""

    @property
    def family(self) -> str:
        """Return ``RSA``, ``EC``, ``oct`` or ``AKP``."""
        ...

    @property
    def size(self) -> int | None:
        """Return the size in bits if the service reports one."""

    def public_members(self) -> dict[str, str]:
        """Return the public members of the JWK, in the service's order."""
        ...

    def private_bytes(self) -> bytes:
        """Return the private part: PKCS #8 in DER, or the bytes of a symmetric key."""
        ...

    def renewed(self) -> Material:
        """Return new material of the same kind, for a rotation."""
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


# The material in the callables below is Any: the look-up in the table of algorithms checks that a row is only used
# with material of its own family.


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
    """A row of the table of signature algorithms. ``digest_size`` is None if the message itself is signed."""

    name: str
    family: str
    since: str
    digest_size: int | None
    sign: Callable[[Any, bytes], bytes]
    verify: Callable[[Any, bytes, bytes], bool]
    curves: tuple[str, ...] = ()


def required_members(jwk: Mapping[str, bytes], names: tuple[str, ...], error: Callable[[], ServiceError]) -> None:
    """Reject a JWK that lacks one of the members.

    :raises ServiceError: the given error.
    """
    if any(not jwk.get(name) for name in names):
        raise error()


def integer(data: bytes) -> int:
    """Return the unsigned big-endian integer in a JWK member."""
    return int.from_bytes(data, "big")


def unsupported_size(size: int | None, supported: tuple[int, ...]) -> ServiceError:
    """Return the 400 for a key size that is not supported."""
    sizes = ",".join(map(str, supported))
    return bad_parameter(f"Unsupported key size: {size}. Supported sizes are [{sizes}]")
