"""Types for type checkers: the members that each key family reads, and the key objects of ``cryptography``.

With them, a family's module does not depend on ``JsonWebKey``, which imports it. Nothing imports this at run time.
"""

from __future__ import annotations

from typing import Protocol, TypeAlias

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import (
    MLDSA44PrivateKey,
    MLDSA44PublicKey,
    MLDSA65PrivateKey,
    MLDSA65PublicKey,
    MLDSA87PrivateKey,
    MLDSA87PublicKey,
)
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

PublicKey: TypeAlias = RSAPublicKey | EllipticCurvePublicKey | MLDSA44PublicKey | MLDSA65PublicKey | MLDSA87PublicKey
PrivateKey: TypeAlias = (
    RSAPrivateKey | EllipticCurvePrivateKey | MLDSA44PrivateKey | MLDSA65PrivateKey | MLDSA87PrivateKey
)


class RsaMembers(Protocol):
    """The members of an RSA key (RFC 7518 section 6.3)."""

    @property
    def n(self) -> bytes | None: ...
    @property
    def e(self) -> bytes | None: ...
    @property
    def d(self) -> bytes | None: ...
    @property
    def p(self) -> bytes | None: ...
    @property
    def q(self) -> bytes | None: ...
    @property
    def dp(self) -> bytes | None: ...
    @property
    def dq(self) -> bytes | None: ...
    @property
    def qi(self) -> bytes | None: ...


class EcMembers(Protocol):
    """The members of an EC key (RFC 7518 section 6.2)."""

    @property
    def crv(self) -> str | None: ...
    @property
    def x(self) -> bytes | None: ...
    @property
    def y(self) -> bytes | None: ...
    @property
    def d(self) -> bytes | None: ...


class AkpMembers(Protocol):
    """The members of an ML-DSA key (kty AKP)."""

    @property
    def alg(self) -> str | None: ...
    @property
    def pub(self) -> bytes | None: ...
    @property
    def priv(self) -> bytes | None: ...
