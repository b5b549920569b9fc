# pyright: strict
"""Every name of the cryptography clients, with the types that a user sees."""

from __future__ import annotations

import io
from typing import Literal

import azure.identity
import azure.identity.aio
from azure.core.rest import AsyncHttpResponse, HttpRequest, HttpResponse
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from typing_extensions import assert_type

from azure.keyvault.keys import JsonWebKey, KeyVaultKey, KeyVaultKeyIdentifier
from azure.keyvault.keys.crypto import (
    CryptographyClient,
    DecryptResult,
    EncryptionAlgorithm,
    EncryptResult,
    KeyEncryptionKey,
    KeyResolver,
    KeySecureWrapAlgorithm,
    KeyVaultECPrivateKey,
    KeyVaultECPublicKey,
    KeyVaultRSAPrivateKey,
    KeyVaultRSAPublicKey,
    KeyWrapAlgorithm,
    SecureUnwrapResult,
    SecureWrapResult,
    SignatureAlgorithm,
    SignResult,
    UnwrapResult,
    VerifyResult,
    WrapResult,
    aio,
)

KEY_ID = "https://my-vault.vault.azure.net/keys/k/0"


def clients(key: KeyVaultKey, jwk: JsonWebKey) -> None:
    """Make clients."""
    credential = azure.identity.DefaultAzureCredential()
    with CryptographyClient(key, credential) as client:
        assert_type(client, CryptographyClient)
        assert_type(client.send_request(HttpRequest("GET", "keys")), HttpResponse)
    client = CryptographyClient(KEY_ID, credential, execution="remote", api_version="7.4")
    assert_type(client.key_id, str | None)
    assert_type(client.vault_url, str | None)
    assert_type(client.api_version, str)
    assert_type(CryptographyClient.from_jwk(jwk), CryptographyClient)
    assert_type(CryptographyClient.from_jwk({"kty": "oct", "k": b"k"}), CryptographyClient)
    client.close()


def use(client: CryptographyClient, digest: bytes) -> None:
    """Encrypt, wrap and sign; algorithms are members or text."""
    encrypted = client.encrypt(EncryptionAlgorithm.rsa_oaep_256, b"plain")
    assert_type(encrypted, EncryptResult)
    assert_type(encrypted.key_id, str | None)
    assert_type(encrypted.algorithm, EncryptionAlgorithm)
    assert_type(encrypted.ciphertext, bytes)
    assert_type(encrypted.iv, bytes | None)
    assert_type(encrypted.tag, bytes | None)
    assert_type(encrypted.aad, bytes | None)
    assert_type(encrypted.authentication_tag, bytes | None)
    assert_type(encrypted.additional_authenticated_data, bytes | None)
    assert_type(encrypted.performed, Literal["local", "remote"])
    client.encrypt("A256GCM", bytearray(b"plain"), iv=None, additional_authenticated_data=b"aad")
    decrypted = client.decrypt("RSA-OAEP-256", encrypted.ciphertext, iv=b"", authentication_tag=b"")
    assert_type(decrypted, DecryptResult)
    assert_type(decrypted.plaintext, bytes)
    wrapped = client.wrap_key(KeyWrapAlgorithm.aes_256, b"k" * 32)
    assert_type(wrapped, WrapResult)
    assert_type(wrapped.encrypted_key, bytes)
    assert_type(client.unwrap_key("A256KW", wrapped.encrypted_key), UnwrapResult)
    assert_type(client.unwrap_key("A256KW", wrapped.encrypted_key).key, bytes)
    signed = client.sign("ES256", digest)
    assert_type(signed, SignResult)
    assert_type(signed.algorithm, SignatureAlgorithm)
    assert_type(signed.signature, bytes)
    assert_type(signed.to_der(), bytes)
    assert_type(client.sign_data(SignatureAlgorithm.es256_k, io.BytesIO(b"data")).to_low_s(), SignResult)
    assert_type(signed.recovery_id(digest, JsonWebKey()), int)
    verified = client.verify("ES256", digest, signed.to_der(), encoding="der")
    assert_type(verified, VerifyResult)
    assert_type(verified.is_valid, bool)
    assert_type(client.verify_data("ES256", [b"da", b"ta"], signed.signature), VerifyResult)


def store(client: CryptographyClient, digest: bytes, key: KeyVaultKey) -> None:
    """Store results and find the version of the key that made them."""
    credential = azure.identity.DefaultAzureCredential()
    rotating = CryptographyClient(KeyVaultKeyIdentifier(KEY_ID), credential, refresh_after=600)
    encrypted, wrapped = rotating.encrypt("RSA-OAEP", b"plain"), rotating.wrap_key("RSA-OAEP", b"k" * 32)
    signed = rotating.sign("RS256", digest)
    assert_type(encrypted.to_dict(), dict[str, str])
    assert_type(EncryptResult.from_dict(encrypted.to_dict()), EncryptResult)
    assert_type(WrapResult.from_dict(wrapped.to_dict()), WrapResult)
    assert_type(SignResult.from_dict({"alg": "RS256", "signature": "c2ln"}), SignResult)
    assert_type(client.decrypt(encrypted), DecryptResult)
    assert_type(client.decrypt("RSA-OAEP", b"cipher", key_id=encrypted.key_id), DecryptResult)
    assert_type(client.unwrap_key(wrapped), UnwrapResult)
    assert_type(client.unwrap_key("RSA-OAEP", b"wrapped", key_id=key), UnwrapResult)
    assert_type(client.verify(signed, digest), VerifyResult)
    assert_type(client.verify("RS256", digest, b"signature", key_id=KeyVaultKeyIdentifier(KEY_ID)), VerifyResult)
    assert_type(client.verify_data(signed, b"data"), VerifyResult)
    assert_type(client.secure_unwrap_key("A256KW", b"wrapped", "token", key_id=KEY_ID), SecureUnwrapResult)


def use_newer(client: CryptographyClient) -> None:
    """Sign messages, and let the service wrap keys that it makes."""
    signed = client.sign(SignatureAlgorithm.ml_dsa_65, b"message", context=b"context")
    assert_type(signed, SignResult)
    assert_type(client.sign("ML-DSA-65", external_mu=bytearray(64)), SignResult)
    assert_type(client.sign_data("ML-DSA-65", io.BytesIO(b"message"), context=b"context"), SignResult)
    assert_type(client.verify("ML-DSA-65", b"message", signed.signature, context=b"context"), VerifyResult)
    assert_type(client.verify("ML-DSA-65", None, signed.signature, external_mu=bytes(64)), VerifyResult)
    assert_type(client.verify_data("ML-DSA-65", b"message", signed.signature, context=b"context"), VerifyResult)
    wrapped = client.secure_wrap_key(KeySecureWrapAlgorithm.aes_256_pad)
    assert_type(wrapped, SecureWrapResult)
    assert_type(wrapped.key_id, str | None)
    assert_type(wrapped.algorithm, KeySecureWrapAlgorithm)
    assert_type(wrapped.encrypted_key, bytes)
    assert_type(wrapped.performed, Literal["local", "remote"])
    unwrapped = client.secure_unwrap_key("A256KWPAD", wrapped.encrypted_key, "token", timeout=5)
    assert_type(unwrapped, SecureUnwrapResult)
    assert_type(unwrapped.algorithm, KeySecureWrapAlgorithm)
    assert_type(unwrapped.key, bytes)


async def use_async(client: aio.CryptographyClient, key: KeyVaultKey, digest: bytes) -> None:
    """Do the same in asyncio."""
    async with (
        azure.identity.aio.DefaultAzureCredential() as credential,
        aio.CryptographyClient(key, credential) as own,
    ):
        assert_type(own, aio.CryptographyClient)
        assert_type(await own.send_request(HttpRequest("GET", "keys")), AsyncHttpResponse)
    assert_type(client.key_id, str | None)
    assert_type(client.vault_url, str | None)
    assert_type(client.api_version, str)
    assert_type(aio.CryptographyClient.from_jwk(JsonWebKey()), aio.CryptographyClient)
    assert_type(await client.encrypt("RSA-OAEP", b"plain"), EncryptResult)
    assert_type(await client.decrypt(EncryptionAlgorithm.rsa_oaep, b"cipher"), DecryptResult)
    assert_type(await client.wrap_key("RSA-OAEP", b"k" * 32), WrapResult)
    assert_type(await client.unwrap_key("RSA-OAEP", b"wrapped"), UnwrapResult)
    assert_type(await client.unwrap_key(await client.wrap_key("RSA-OAEP", b"k" * 32)), UnwrapResult)
    assert_type(await client.decrypt(EncryptResult.from_dict({}), key_id=key), DecryptResult)
    assert_type(await client.verify(await client.sign("PS256", digest), digest), VerifyResult)
    assert_type(await client.verify_data(await client.sign_data("PS256", b"data"), b"data"), VerifyResult)
    assert_type(await client.sign("PS256", digest), SignResult)
    assert_type(await client.verify("PS256", digest, b"signature"), VerifyResult)
    assert_type(await client.sign_data("PS256", b"data"), SignResult)
    assert_type(await client.verify_data("PS256", b"data", b"signature"), VerifyResult)
    assert_type(await client.sign("ML-DSA-65", external_mu=bytes(64)), SignResult)
    assert_type(await client.verify("ML-DSA-65", b"message", b"signature", context=b"context"), VerifyResult)
    assert_type(await client.secure_wrap_key(KeySecureWrapAlgorithm.aes_256), SecureWrapResult)
    assert_type(await client.secure_unwrap_key("A256KW", b"wrapped", "token"), SecureUnwrapResult)
    await client.close()


def hand_over(client: CryptographyClient) -> tuple[rsa.RSAPrivateKey, ec.EllipticCurvePrivateKey]:
    """Hand keys to ``cryptography`` and to azure-storage-blob."""
    assert_type(client.create_rsa_private_key(), KeyVaultRSAPrivateKey)
    assert_type(client.create_rsa_public_key(), KeyVaultRSAPublicKey)
    assert_type(client.create_ec_private_key(), KeyVaultECPrivateKey)
    assert_type(client.create_ec_public_key(), KeyVaultECPublicKey)
    key_encryption_key = KeyEncryptionKey(client, "RSA-OAEP-256")
    assert_type(key_encryption_key.wrap_key(b"k" * 32), bytes)
    assert_type(key_encryption_key.unwrap_key(b"wrapped", "RSA-OAEP-256"), bytes)
    assert_type(key_encryption_key.get_kid(), str)
    assert_type(key_encryption_key.get_key_wrap_algorithm(), str)
    with KeyResolver(azure.identity.DefaultAzureCredential(), algorithm=KeyWrapAlgorithm.rsa_oaep) as resolver:
        assert_type(resolver(KEY_ID), KeyEncryptionKey)
    resolver.close()
    return client.create_rsa_private_key(), client.create_ec_private_key()


async def mistakes(client: CryptographyClient, other: aio.CryptographyClient) -> None:
    """Make mistakes: a checker that lets one of them pass calls its comment unused."""
    client.encrypt("RSA-OAEP", b"data", timout=3)  # type: ignore[call-arg]
    await other.encrypt("RSA-OAEP", b"data", timout=3)  # type: ignore[call-arg]
