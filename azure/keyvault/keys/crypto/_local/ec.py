"""ECDSA (RFC 7518 section 3.4 and RFC 8812)."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, derive_private_key

from ..._jwk.ec import CURVES, Curve, EcPrivate, EcPublic, private_numbers, public_numbers
from ..._lazy import lazy_property
from .algorithms import Algorithm
from .der import der_to_raw, raw_to_der
from .hashes import prehashed
from .local_key import LocalKey

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey, EllipticCurvePublicKey

    from ..._jwk import JsonWebKey


@cache
def _ecdsa(hash_name: str | None) -> ECDSA:
    """Return the ECDSA scheme for a digest."""
    return ECDSA(prehashed(hash_name))


class EcKey(LocalKey):
    """A key on one of the service's curves."""

    family = "EC"
    obstacle = "the OpenSSL of this process does not have the key's curve"

    def __init__(self, point: EcPublic, private: EllipticCurvePrivateKey | None = None) -> None:
        self.has_private = isinstance(point, EcPrivate)
        self._point = point
        self._private_key = private

    @classmethod
    def load(cls, jwk: JsonWebKey) -> EcKey | None:
        """Check the point and make the key; ``None`` without a point or on an unknown curve."""
        if jwk.crv not in CURVES or (jwk.d is None and not (jwk.x and jwk.y)):
            return None
        if jwk.d is None:
            return cls(public_numbers(jwk))
        numbers = private_numbers(jwk)
        return cls(numbers, numbers.to_key() if _is_usable(numbers.curve) else None)

    def supports(self, operation: str, row: Algorithm) -> bool:
        return super().supports(operation, row) and _is_usable(self._point.curve)

    def misfit(self, row: Algorithm) -> str | None:
        curve = self._point.curve.name
        return None if row.curve == curve else f"{row.name} needs a key on {row.curve}, and the key is on {curve}"

    def sign(self, row: Algorithm, digest: bytes, context: bytes | None = None, mu: bytes | None = None) -> bytes:
        if self._private_key is None:
            raise NotImplementedError("The key has no private part")
        return der_to_raw(self._private_key.sign(digest, _ecdsa(row.hash_name)), 2 * self._point.curve.size)

    def verify(
        self,
        row: Algorithm,
        digest: bytes,
        signature: bytes,
        context: bytes | None = None,
        mu: bytes | None = None,
    ) -> bool:
        if len(signature) != row.signature_size:
            return False
        try:
            self._public.verify(raw_to_der(signature), digest, _ecdsa(row.hash_name))
        except InvalidSignature:
            return False
        return True

    @lazy_property
    def _public(self) -> EllipticCurvePublicKey:
        return EcPublic(self._point.curve, self._point.x, self._point.y).to_key()


@cache
def _is_usable(curve: Curve) -> bool:
    """Return whether OpenSSL supports the curve. Some builds support only NIST's curves, so not P-256K."""
    try:
        derive_private_key(1, curve.make())
    except UnsupportedAlgorithm:
        return False
    return True
