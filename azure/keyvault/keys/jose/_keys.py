"""Keys in a vault as instances of joserfc's and jwcrypto's key classes, which those libraries' algorithms call."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from joserfc.jwk import ECKey, RSAKey

from .. import _extras
from .._jwk import JsonWebKey, family_of

if TYPE_CHECKING:
    from jwcrypto.jwk import JWK

    from ..crypto import CryptographyClient, KeyVaultECPrivateKey, KeyVaultRSAPrivateKey

    PrivateKey = KeyVaultECPrivateKey | KeyVaultRSAPrivateKey


def joserfc_key(crypto: CryptographyClient) -> RSAKey | ECKey:
    """Return a joserfc private key that is in a vault.

    It signs, and decrypts JWE with ``RSA-OAEP`` and ``RSA-OAEP-256``, wherever joserfc accepts a key. Its ``kid`` is
    its thumbprint (RFC 7638), as in :func:`jwk_set`. Public key operations run in this process.

    :param crypto: the synchronous client of the key, which must stay open as long as the key is used.
    :returns: the key.
    :raises TypeError: for the asyncio client: joserfc cannot await.
    :raises ValueError: when the key is neither RSA nor EC, or the caller may not read its public part.
    :raises ~azure.core.exceptions.HttpResponseError: when the key cannot be fetched.
    """
    private_key, public = key_pair_of(crypto)
    kind = RSAKey if public["kty"] == "RSA" else ECKey
    return kind(private_key, public)  # type: ignore[arg-type]  # the object's type goes with the kind


def jwcrypto_key(crypto: CryptographyClient) -> JWK:
    """Return a jwcrypto private key that is in a vault. The package jwcrypto must be installed.

    It signs, and decrypts JWE with ``RSA-OAEP`` and ``RSA-OAEP-256``, wherever jwcrypto accepts a key. Its ``kid`` is
    its thumbprint (RFC 7638), as in :func:`jwk_set`. Public key operations run in this process.

    :param crypto: the synchronous client of the key, which must stay open as long as the key is used.
    :returns: the key.
    :raises TypeError: for the asyncio client: jwcrypto cannot await.
    :raises ValueError: when the key is neither RSA nor EC, or the caller may not read its public part.
    :raises ImportError: when jwcrypto is not installed.
    :raises ~azure.core.exceptions.HttpResponseError: when the key cannot be fetched.
    """
    if _extras.absent("jwcrypto"):
        # No extra installs it: users who do not need jwcrypto should not have to install it.
        raise ImportError(
            "jwcrypto_key needs jwcrypto, which is not installed. Run: pip install jwcrypto", name="jwcrypto"
        )
    from ._jwcrypto import VaultKey

    return VaultKey(*key_pair_of(crypto))


def key_pair_of(crypto: CryptographyClient) -> tuple[PrivateKey, dict[str, Any]]:
    """Return a key as an object of ``cryptography``, and its public part as a JWK with its thumbprint as ``kid``."""
    material = material_of(crypto)
    family = family_of(material.kty)
    if family not in ("RSA", "EC"):
        raise ValueError(f"The key {crypto.key_id} is of type {material.kty}, and this is for RSA and EC keys")
    private_key: Any = crypto.create_rsa_private_key() if family == "RSA" else crypto.create_ec_private_key()
    return private_key, json.loads(material.to_json(kid="thumbprint"))


def material_of(crypto: CryptographyClient) -> JsonWebKey:
    """Return the public part of a client's key; it is fetched if it is not known."""
    if not hasattr(crypto, "create_rsa_private_key"):
        raise TypeError(
            "'crypto' must be a synchronous CryptographyClient: other libraries cannot await a key. "
            "In asyncio, use azure.keyvault.keys.jose.aio, or a synchronous client in a thread"
        )
    _version, material = crypto._pinned({})
    if material is None:
        raise ValueError(f"The public part of the key {crypto.key_id} is not known: it may not be read (keys/get)")
    return material
