"""What type checkers know of azure.keyvault.keys.jose. It is checked, and not run."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from azure.identity import ClientAssertionCredential
from azure.identity.aio import ClientAssertionCredential as AsyncClientAssertionCredential
from joserfc.jwk import ECKey, RSAKey
from typing_extensions import assert_type

from azure.keyvault.keys import KeyClient, aio
from azure.keyvault.keys.crypto import CryptographyClient, SignatureAlgorithm
from azure.keyvault.keys.crypto import aio as crypto_aio
from azure.keyvault.keys.jose import ClientAssertion, joserfc_key, jwcrypto_key, jwk_set, sign_jwt
from azure.keyvault.keys.jose import aio as jose_aio


def synchronous(client: KeyClient, crypto: CryptographyClient) -> None:
    assert_type(joserfc_key(crypto), RSAKey | ECKey)
    jwcrypto_key(crypto)
    assert_type(sign_jwt(crypto, {"sub": "x"}, algorithm="ES256", headers={"nonce": "n"}, timeout=5), str)
    assert_type(sign_jwt(crypto, {}, algorithm=SignatureAlgorithm.ps256), str)
    assert_type(jwk_set(client, "orders", publish_ahead=timedelta(hours=1), algorithm="PS256"), dict[str, Any])
    assertion = ClientAssertion(
        crypto, client_id="c", tenant_id="t", certificate=b"", authority="a", algorithm="RS256", lifetime=300
    )
    assert_type(assertion(), str)
    ClientAssertionCredential("t", "c", assertion)
    AsyncClientAssertionCredential("t", "c", assertion)


async def asynchronous(client: aio.KeyClient, crypto: crypto_aio.CryptographyClient) -> None:
    assert_type(await jose_aio.sign_jwt(crypto, {"sub": "x"}), str)
    assert_type(await jose_aio.jwk_set(client, "orders", publish_ahead=60), dict[str, Any])
    joserfc_key(crypto)  # type: ignore[arg-type]
