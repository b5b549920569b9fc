"""ML-DSA members of a JSON Web Key (kty AKP, FIPS 204): checked, and turned into key objects.

``cryptography`` supports ML-DSA with message representatives (mu) since release 49, and not with every OpenSSL. The
features that need it check for it when they are used; without it, keys can be read, written and used in the vault.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .shapes import AkpMembers

#: Bytes of the public key, by parameter set (FIPS 204 section 4). The private key is a seed of 32 bytes in all of them.
PUBLIC_SIZES = {"ML-DSA-44": 1312, "ML-DSA-65": 1952, "ML-DSA-87": 2592}
SEED_SIZE = 32


# The types of cryptography's keys are Any here, because older releases do not define them.


@dataclass(frozen=True, slots=True)
class AkpPublic:
    """A public key, or the public part of a private key."""

    alg: str
    pub: bytes

    def to_key(self) -> Any:
        """Make the key object of ``cryptography``.

        :raises ValueError: when the installed ``cryptography`` does not support ML-DSA.
        """
        return _class(self.alg, "PublicKey").from_public_bytes(self.pub)


@dataclass(frozen=True, slots=True, repr=False)
class AkpPrivate(AkpPublic):
    """A public key and the seed that it is made from."""

    seed: bytes

    def to_key(self) -> Any:
        """Make the key object of ``cryptography``.

        :raises ValueError: when the seed belongs to a different public key, or the installed ``cryptography`` does not
            support ML-DSA.
        """
        key = _class(self.alg, "PrivateKey").from_seed_bytes(self.seed)
        if key.public_key().public_bytes_raw() != self.pub:
            raise ValueError("'priv' does not belong to 'pub'")
        return key


@cache
def is_usable(alg: str) -> bool:
    """Return whether the installed ``cryptography`` supports a parameter set, with everything that is needed here."""
    try:
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric import mldsa
    except ImportError:
        return False
    try:
        key = getattr(mldsa, _name(alg, "PrivateKey")).from_seed_bytes(bytes(SEED_SIZE))
    except UnsupportedAlgorithm:
        return False
    return hasattr(key, "sign_mu")


def public_numbers(jwk: AkpMembers) -> AkpPublic:
    """Read the public key.

    :raises ValueError: when the parameter set is unknown, or the public key has the wrong length.
    """
    alg, pub = parameter_set_of(jwk), jwk.pub or b""
    if len(pub) != PUBLIC_SIZES[alg]:
        raise ValueError(f"'pub' must have {PUBLIC_SIZES[alg]} bytes for {alg}, not {len(pub)}")
    return AkpPublic(alg, pub)


def private_numbers(jwk: AkpMembers) -> AkpPrivate:
    """Read the public key and the seed.

    :raises ValueError: when one of them has the wrong length.
    """
    public, seed = public_numbers(jwk), jwk.priv or b""
    if len(seed) != SEED_SIZE:
        raise ValueError(f"'priv' must be the seed of {SEED_SIZE} bytes, not {len(seed)} bytes")
    return AkpPrivate(public.alg, public.pub, seed)


def parameter_set_of(jwk: AkpMembers) -> str:
    """Find the parameter set of a key.

    :raises ValueError: when it is missing or unknown.
    """
    alg = str.__str__(jwk.alg) if jwk.alg else jwk.alg
    if alg not in PUBLIC_SIZES:
        raise ValueError(f"'alg' must be one of {', '.join(PUBLIC_SIZES)} for a key of type AKP, not {alg!r}")
    return alg


def complete_fields(jwk: AkpMembers, private: bool) -> dict[str, str | bytes]:
    """Return the members of the public key, or all of them.

    :raises ValueError: when one is missing or has the wrong length.
    """
    key = private_numbers(jwk) if private else public_numbers(jwk)
    fields: dict[str, str | bytes] = {"alg": key.alg, "pub": key.pub}
    return {**fields, "priv": key.seed} if isinstance(key, AkpPrivate) else fields


def members_of(key: Any) -> dict[str, str | bytes] | None:
    """Return the members of a key object of ``cryptography``; None when it is not an ML-DSA key."""
    for alg in PUBLIC_SIZES:
        if not is_usable(alg):
            continue
        if isinstance(key, _class(alg, "PublicKey")):
            return {"alg": alg, "pub": key.public_bytes_raw()}
        if isinstance(key, _class(alg, "PrivateKey")):
            return {"alg": alg, "pub": key.public_key().public_bytes_raw(), "priv": key.private_bytes_raw()}
    return None


def _class(alg: str, part: str) -> Any:
    if not is_usable(alg):
        raise ValueError(
            f"The installed cryptography, or its OpenSSL, does not support {alg}: install cryptography 49 or later"
        )
    from cryptography.hazmat.primitives.asymmetric import mldsa

    return getattr(mldsa, _name(alg, part))


def _name(alg: str, part: str) -> str:
    return alg.replace("-", "") + part
