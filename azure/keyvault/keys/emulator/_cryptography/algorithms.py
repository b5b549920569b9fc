"""The single table of algorithms and key types, assembled from the rows of each family."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from .._api_versions import ApiVersion
from .._errors import ServiceError, bad_parameter, invalid_property
from . import ec, ml_dsa, oct, okp, rsa
from .ec import EcMaterial
from .material import CipherAlgorithm, Material, SignatureAlgorithm
from .ml_dsa import MlDsaMaterial
from .oct import OctMaterial
from .okp import OkpMaterial
from .rsa import RsaMaterial

CIPHERS: Mapping[str, CipherAlgorithm] = MappingProxyType({row.name: row for row in (*rsa.CIPHERS, *oct.CIPHERS)})

SIGNATURES: Mapping[str, SignatureAlgorithm] = MappingProxyType(
    {row.name: row for row in (*rsa.SIGNATURES, *ec.SIGNATURES, *oct.SIGNATURES, *okp.SIGNATURES, *ml_dsa.SIGNATURES)}
)

_LOADERS: Mapping[str, Callable[[Mapping[str, str], bytes], Material]] = {
    "RSA": RsaMaterial.load,
    "EC": EcMaterial.load,
    "oct": OctMaterial.load,
    "OKP": OkpMaterial.load,
    "AKP": MlDsaMaterial.load,
}

#: The default operations of a key, in the order in which a vault writes them. Managed HSMs have more.
DEFAULT_KEY_OPS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "RSA": ("encrypt", "decrypt", "sign", "verify", "wrapKey", "unwrapKey"),
        "EC": ("sign", "verify"),
        "OKP": ("sign", "verify"),
        "AKP": ("sign", "verify"),
    }
)


def load_material(family: str, members: Mapping[str, str], private: bytes) -> Material:
    """Restore material from the results of :meth:`Material.public_members` and :meth:`Material.private_bytes`."""
    return _LOADERS[family](members, private)


def cipher_for(name: str, use: str, material: Material, kid: str, version: ApiVersion) -> CipherAlgorithm:
    """Return the row for an encryption or wrapping algorithm.

    :param use: ``encrypt`` or ``wrapKey``; the reverse operations use the same rows.
    :raises ServiceError: 400 if the API version lacks the algorithm, or the key does not suit it.
    """
    row = CIPHERS.get(name)
    if row is None or not version.since(row.since) or use not in row.uses:
        raise invalid_property("alg")
    if row.family != material.family:
        raise _wrong_family(kid, material.family, row.name, row.family)
    if row.key_bits not in (None, material.size) or (row.family == "oct" and material.size not in oct.SIZES):
        raise bad_parameter(f"Key and algorithm are incompatible. Key {kid} does not have the size of '{row.name}'.")
    return row


def signature_for(name: str, material: Material, kid: str, version: ApiVersion) -> SignatureAlgorithm:
    """Return the row for a signature algorithm.

    :raises ServiceError: 400 if the API version lacks the algorithm, or the key does not suit it.
    """
    row = SIGNATURES.get(name)
    if row is None or not version.since(row.since):
        raise invalid_property("alg")
    if row.family != material.family:
        raise _wrong_family(kid, material.family, row.name, row.family)
    curve = material.public_members().get("crv") or material.public_members().get("alg", "")
    if row.curves and curve not in row.curves:
        only = " or ".join(f"'{name}'" for name in row.curves)
        raise bad_parameter(
            f"Key and signing algorithm are incompatible. Key {kid} uses curve '{curve}', and algorithm '{row.name}' "
            f"can only be used with curve {only}."
        )
    return row


def _wrong_family(kid: str, family: str, algorithm: str, needed: str) -> ServiceError:
    return bad_parameter(
        f"Key and algorithm are incompatible. Key {kid} is of type '{family}', and algorithm '{algorithm}' can only be "
        f"used with type '{needed}'."
    )
