"""From a JsonWebKey to the local key of its family, whose module is imported with the first such key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..._jwk import family_of
from .local_key import LocalKey

if TYPE_CHECKING:
    from ..._jwk import JsonWebKey

MIN_RSA_BITS = 2048


def load(jwk: JsonWebKey, *, min_rsa_bits: int = MIN_RSA_BITS) -> LocalKey | None:
    """Make a local key from the material in a JWK.

    :param jwk: the key; it may change afterwards.
    :param min_rsa_bits: refuse RSA keys with a smaller modulus. Lower it for tests only.
    :returns: the local key; ``None`` when the JWK has no material (such as a symmetric key in an HSM), or has a type
        or a curve that can't be used here.
    :raises ValueError: when the material is broken. A key with a broken private part is refused, not taken as public.
    """
    family = family_of(jwk.kty)
    if family == "RSA":
        from .rsa import RsaKey

        return RsaKey.load(jwk, min_rsa_bits)
    if family == "EC":
        from .ec import EcKey

        return EcKey.load(jwk)
    if family == "oct":
        from .oct import OctKey

        return OctKey.load(jwk)
    if family == "AKP":
        from .akp import AkpKey

        return AkpKey.load(jwk)
    return None
