"""Bring your own key: import a key that was wrapped with a key-exchange key of this vault.

The ``key_hsm`` member holds ``{"schema_version": "1.0.0", "header": {"kid", "alg": "dir",
"enc": "CKM_RSA_AES_KEY_WRAP"}, "ciphertext", "generator"}``.
"""

from __future__ import annotations

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap

from .._cryptography import jose, key_transfer
from .._cryptography.ec import CURVES, EcMaterial
from .._cryptography.material import Material
from .._cryptography.ml_dsa import MlDsaMaterial
from .._cryptography.oct import OctMaterial
from .._cryptography.rsa import RsaMaterial
from .._errors import bad_parameter, malformed_jwk
from .._json_body import Body
from .call import Call

_MECHANISM = "CKM_RSA_AES_KEY_WRAP"


def unwrap_transferred_key(call: Call, family: str, kty: str, jwk: Body, curve: str | None) -> Material:
    """Return the material in a transfer blob.

    :param curve: the curve that the request names, if any.
    :raises ServiceError: 400 if the blob is malformed, or its key-exchange key is missing or unsuitable.
    """
    if not kty.endswith("-HSM"):
        raise malformed_jwk()
    try:
        blob = jose.decode_json(jwk.text("key_hsm") or "")
        header = blob["header"]
        if (header["alg"], header["enc"]) != ("dir", _MECHANISM):
            raise ValueError("another mechanism")
        exchange_key = _exchange_key(call, header["kid"])
        private = key_transfer.unwrap(jose.decode(blob["ciphertext"]), exchange_key.key, _MECHANISM)
        return _material(family, private, curve, jwk.text("alg"))
    except (ValueError, KeyError, TypeError, AttributeError, InvalidUnwrap, UnsupportedAlgorithm) as error:
        raise bad_parameter("The key transfer blob is not valid.") from error


def _exchange_key(call: Call, kid: str) -> RsaMaterial:
    """Return the key-exchange key: an RSA-HSM key whose only operation is import."""
    name, version = kid.rsplit("/", 2)[1:]
    key = call.service.state.live(name)
    found = key.versions[version] if key else None
    if found is None or found.key_ops != ["import"] or not isinstance(found.material, RsaMaterial):
        raise ValueError("not a key-exchange key")
    return found.material


def _material(family: str, private: bytes, curve: str | None, alg: str | None) -> Material:
    if family == "oct":
        return OctMaterial.from_jwk({"k": private})
    key = serialization.load_der_private_key(private, None)
    if family == "RSA" and isinstance(key, rsa.RSAPrivateKey):
        return RsaMaterial.from_key(key)
    if family == "EC" and isinstance(key, ec.EllipticCurvePrivateKey):
        return EcMaterial(_curve_name(key.curve, curve), key)
    if family == "AKP" and alg is not None:
        return MlDsaMaterial.of(alg, key)
    raise ValueError("another key type")


def _curve_name(curve: ec.EllipticCurve, requested: str | None) -> str:
    names = [name for name, known in CURVES.items() if known.name == curve.name]
    if not names or (requested and requested not in names):
        raise ValueError("another curve")
    return requested or names[0]
