"""The algorithm that a key is for, if the caller does not name one."""

from __future__ import annotations

from .._jwk import JsonWebKey, family_of
from ..crypto._local.algorithms import ALGORITHMS

_BY_CURVE = {row.curve: row.name for row in ALGORITHMS if row.curve is not None}
_USE_OF_KIND = {"signature": "sig", "encryption": "enc", "key wrap": "enc"}
_USE_OF_ALGORITHM = {row.name: _USE_OF_KIND[row.kind] for row in ALGORITHMS if row.kind in _USE_OF_KIND}


def signature_algorithm(key: JsonWebKey) -> str | None:
    """Return the signature algorithm of a key: RS256 for RSA, as in OpenID Connect; other keys have only one.

    :returns: its name; None when there is no such algorithm.
    """
    family = family_of(key.kty)
    if family == "RSA":
        return "RS256"
    if family == "EC":
        return _BY_CURVE.get("P-256K" if key.crv == "secp256k1" else key.crv or "")
    return key.alg if family == "AKP" else None


def public_algorithm(key: JsonWebKey) -> str | None:
    """Return the algorithm that a key is published for: an encryption algorithm if the key cannot sign."""
    if key.key_ops is None or "sign" in key.key_ops or family_of(key.kty) != "RSA":
        return signature_algorithm(key)
    return "RSA-OAEP-256"


def use_of(algorithm: str) -> str:
    """Return the ``use`` of a JWK for an algorithm.

    :raises ValueError: when there is no such algorithm.
    """
    if algorithm not in _USE_OF_ALGORITHM:
        raise ValueError(f"'algorithm' {algorithm!r} is not known")
    return _USE_OF_ALGORITHM[algorithm]
