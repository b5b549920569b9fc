"""Answers in the forms in which the live service sends them, some of which its description does not foresee."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from fixtures.stub_vault import HOST_CHALLENGE, URL, VERSION, Answer, Script, StubWorld, Tokens

from azure.keyvault.keys import JsonWebKey, KeyOperation, KeyRotationPolicyAction, KeyType, KeyVaultKey
from azure.keyvault.keys.crypto import CryptographyClient, KeyEncryptionKey

HSM = "https://demo.managedhsm.azure.net"
KID = f"{HSM}/keys/orders/{VERSION}"
ATTRIBUTES = {
    "created": 1780000000,
    "enabled": True,
    "exportable": False,
    "recoverableDays": 7,
    "recoveryLevel": "CustomizedRecoverable+Purgeable",
    "updated": 1780000000,
}
MODULUS = "_" * 340 + "_w"  # 2048 bits


def hsm_bundle(key: dict[str, Any], **attributes: Any) -> dict[str, Any]:
    """Return a key as a Managed HSM writes it."""
    return {"attributes": {**ATTRIBUTES, **attributes}, "key": {"kid": KID, **key}}


def oct_bundle(*key_ops: str) -> dict[str, Any]:
    return hsm_bundle({"key_ops": list(key_ops), "kty": "oct-HSM"})


def client_of(stub: StubWorld, *replies: Any, **options: Any) -> tuple[Any, Script]:
    script = Script(list(replies))
    return stub.client(script, url=HSM, verify_challenge_resource=False, **options), script


def crypto_of(stub: StubWorld, script: Script, key: Any = KID, **options: Any) -> Any:
    client = stub.world.CryptographyClient(
        key,
        stub.credential(Tokens()),
        transport=stub.transport(script),
        verify_challenge_resource=False,
        **options,
    )
    return stub.world.adapt(client)


# Lists


@pytest.mark.parametrize("slash", ["", "/"], ids=["bare", "slash"])
async def test_link_without_a_version_is_asked_with_the_clients_own(stub: StubWorld, slash: str) -> None:
    link = f"{HSM}/deletedkeys{slash}?maxresults=25&$skiptoken=eyJOZXh0TWFya2VyIjoiMiE5MiJ9"
    item = {"attributes": ATTRIBUTES, "kid": f"{HSM}/keys/orders", "recoveryId": f"{HSM}/deletedkeys/orders"}
    client, script = client_of(
        stub, Answer(200, {"value": [item], "nextLink": link}), Answer(200, {"value": [item]}), api_version="7.3"
    )
    assert len([key async for key in client.list_deleted_keys()]) == 2
    assert script.calls[1].url == f"{link}&api-version=7.3"


async def test_link_with_a_version_stays_as_it_is(stub: StubWorld) -> None:
    link = f"{HSM}:443/keys?api-version=7.4&$skiptoken=abc"
    client, script = client_of(
        stub, Answer(200, {"value": [], "nextLink": link}), Answer(200, {"value": [], "nextLink": None})
    )
    assert [key async for key in client.list_properties_of_keys()] == []
    assert script.calls[1].url == link


async def test_link_without_a_query_gets_one(stub: StubWorld) -> None:
    client, script = client_of(
        stub, Answer(200, {"value": [], "nextLink": f"{HSM}/keys"}), Answer(200, {"value": []}), api_version="7.2"
    )
    assert [key async for key in client.list_properties_of_keys()] == []
    assert script.calls[1].url == f"{HSM}/keys?api-version=7.2"


async def test_continuation_token_of_a_managed_hsm_goes_on(stub: StubWorld) -> None:
    link = f"{HSM}/keys?maxresults=1&$skiptoken=abc"
    client, script = client_of(stub, Answer(200, {"value": [{"kid": f"{HSM}/keys/orders"}]}))
    pages = client.list_properties_of_keys().by_page(continuation_token=link)
    assert [key.name async for page in pages async for key in page] == ["orders"]
    assert script.calls[0].url == f"{link}&api-version={client.api_version}"


# Rotation policies


async def test_rotation_policy_that_was_never_set_says_none(stub: StubWorld) -> None:
    never = {"attributes": {"created": 0, "expiryTime": "", "updated": 0}, "id": ""}
    client, script = client_of(stub, Answer(200, never))
    policy = await client.get_key_rotation_policy("orders")
    assert (policy.id, policy.expires_in, policy.created_on, policy.updated_on) == (None, None, None, None)
    assert policy.lifetime_actions == []
    await client.update_key_rotation_policy("orders", policy)
    assert script.calls[-1].content in ('{"lifetimeActions":[]}', b'{"lifetimeActions":[]}')
    await client.update_key_rotation_policy("orders", policy, expires_in="P90D")
    assert b"P90D" in _bytes(script.calls[-1].content)


async def test_rotation_policy_in_lower_case_is_known_and_can_be_sent_back(stub: StubWorld) -> None:
    action = {"action": {"type": "rotate"}, "trigger": {"timeAfterCreate": "P2M", "timeBeforeExpiry": ""}}
    times = {"created": 1780000000, "expiryTime": "", "updated": 1780000000}
    answer = {"attributes": times, "id": f"{HSM}/keys/orders/rotationpolicy", "lifetimeActions": [action]}
    client, script = client_of(stub, Answer(200, answer))
    policy = await client.get_key_rotation_policy("orders")
    [found] = policy.lifetime_actions
    assert found.action is KeyRotationPolicyAction.rotate
    assert (found.time_after_create, found.time_before_expiry) == ("P2M", None)
    assert policy.created_on == datetime.fromtimestamp(1780000000, timezone.utc)
    await client.update_key_rotation_policy("orders", policy)
    assert b"timeBeforeExpiry" not in _bytes(script.calls[-1].content)


# Keys


async def test_key_of_the_service_without_operations_allows_nothing(stub: StubWorld) -> None:
    answer = Answer(200, hsm_bundle({"kty": "RSA-HSM", "n": MODULUS, "e": "AQAB"}))
    client, _ = client_of(stub, answer)
    key = await client.get_key("orders")
    assert key.key_operations == []
    script = Script([answer])
    with pytest.raises(ValueError, match="does not allow"):
        await crypto_of(stub, script).encrypt("RSA-OAEP-256", b"x")
    assert [sent.method for sent in script.calls] == ["GET"]
    with pytest.raises(ValueError, match="does not allow"):
        await crypto_of(stub, script, key).verify("RS256", bytes(32), b"s")


async def test_key_of_the_caller_without_operations_is_not_restricted(stub: StubWorld) -> None:
    key = KeyVaultKey(KID, kty="oct", k=bytes(32))
    assert (await crypto_of(stub, Script(), key).wrap_key("A256KW", bytes(16))).performed == "local"


async def test_derive_key_is_a_key_operation(stub: StubWorld) -> None:
    client, script = client_of(stub, Answer(200, oct_bundle("deriveKey", "wrapKey", "verify", "sign")))
    key = await client.create_oct_key("orders", key_operations=[KeyOperation.derive_key, "wrapKey"])
    assert KeyOperation.derive_key in key.key_operations
    assert b'"deriveKey"' in _bytes(script.calls[-1].content)


async def test_curve_of_an_rsa_key_is_shown_and_means_nothing(stub: StubWorld) -> None:
    key = {"crv": "P-256", "e": "AQAB", "key_ops": ["encrypt"], "kty": "RSA-HSM", "n": MODULUS}
    client, _ = client_of(stub, Answer(200, hsm_bundle(key)))
    found = await client.get_key("orders")
    assert (found.key_type, found.key.crv) == (KeyType.rsa_hsm, "P-256")
    assert (await crypto_of(stub, Script(), found).encrypt("RSA-OAEP-256", b"x")).performed == "local"


@pytest.mark.parametrize(
    "curve", [ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1(), ec.SECP256K1()], ids=lambda c: c.name
)
async def test_coordinates_without_leading_zeros_are_padded(stub: StubWorld, curve: ec.EllipticCurve) -> None:
    private, whole = _with_short_x(curve)
    short: dict[str, Any] = {name: (getattr(whole, name) or b"").lstrip(b"\0") for name in ("x", "y")}
    bundle = hsm_bundle({"kty": "EC", "crv": whole.crv, "key_ops": ["verify"], **_encoded(short)})
    client, _ = client_of(stub, Answer(200, bundle))
    key = await client.get_key("orders")
    assert (key.key.x, key.key.y) == (whole.x, whole.y)
    assert key.key.thumbprint() == whole.thumbprint()
    signer = stub.world.from_jwk(JsonWebKey.from_cryptography(private))
    algorithm = {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512", "P-256K": "ES256K"}[str(whole.crv)]
    signature = (await signer.sign_data(algorithm, b"paid")).signature
    for verifier in (
        crypto_of(stub, Script(), key),
        crypto_of(stub, Script([Answer(200, bundle)])),
        stub.world.from_jwk({"kty": "EC", "crv": whole.crv, **_encoded(short)}),
        stub.world.from_jwk(JsonWebKey(kty="EC", crv=whole.crv, **short)),
    ):
        result = await verifier.verify_data(algorithm, b"paid", signature)
        assert (result.is_valid, result.performed) == (True, "local")


@pytest.mark.parametrize("name", ["certificatePemFile", "certificates"])
async def test_attestation_has_its_certificates_under_either_name(stub: StubWorld, name: str) -> None:
    attestation = {name: "LS0tLS1CRUdJTg==", "privateKeyAttestation": "cHJpdg", "publicKeyAttestation": "cHVi"}
    key = {"e": "AQAB", "key_ops": ["sign"], "kty": "RSA-HSM", "n": MODULUS}
    client, _ = client_of(stub, Answer(200, hsm_bundle(key, attestation=attestation)), api_version="7.6")
    found = (await client.get_key_attestation("orders")).properties.attestation
    assert (found.certificate_pem_file, found.version) == (b"-----BEGIN", None)
    assert found.public_key_attestation == b"pub"


# Cryptography


async def test_cbc_without_whole_blocks_is_for_the_hsm_to_fill(stub: StubWorld) -> None:
    sealed = {"alg": "A256CBC", "iv": "MDEyMzQ1Njc4OUFCQ0RFRg", "kid": KID, "value": "AAAA" * 69 + "AA"}
    opened = {"alg": "A256CBC", "kid": KID, "value": "AAAA" * 69 + "AA"}
    script = Script([Answer(200, oct_bundle("encrypt", "decrypt")), Answer(200, sealed), Answer(200, opened)])
    crypto = crypto_of(stub, script)
    result = await crypto.encrypt("A256CBC", bytes(200), iv=b"0123456789ABCDEF", additional_authenticated_data=b"aad")
    assert (len(result.ciphertext), result.iv, result.performed) == (208, b"0123456789ABCDEF", "remote")
    assert b'"aad":"YWFk"' in _bytes(script.calls[-1].content)
    assert len((await crypto.decrypt(result)).plaintext) == 208
    assert b'"aad":"YWFk"' in _bytes(script.calls[-1].content)


async def test_cbc_without_whole_blocks_is_refused_here(stub: StubWorld) -> None:
    crypto = stub.world.from_jwk({"kty": "oct", "k": bytes(32)})
    with pytest.raises(ValueError, match=r"multiple of 16 bytes .* used in this process, not 200 bytes"):
        await crypto.encrypt("A256CBC", bytes(200))
    with pytest.raises(ValueError, match=r"'additional_authenticated_data' .* authenticates nothing"):
        await crypto.encrypt("A256CBC", bytes(208), additional_authenticated_data=b"aad")
    with pytest.raises(ValueError, match=r"'additional_authenticated_data' .* authenticates nothing"):
        await crypto.decrypt("A256CBC", bytes(208), iv=bytes(16), additional_authenticated_data=b"aad")


async def test_gcm_answer_with_a_short_iv_and_aad_can_be_decrypted(stub: StubWorld) -> None:
    sealed = {"aad": "d2l0aA", "alg": "A256GCM", "iv": "AAAAAAAAAAAAAAAA", "kid": KID, "tag": "A" * 22, "value": "AAAA"}
    opened = Answer(200, {"alg": "A256GCM", "kid": KID, "value": "AAAA"})
    script = Script([Answer(200, oct_bundle("encrypt", "decrypt")), Answer(200, sealed), opened])
    crypto = crypto_of(stub, script)
    result = await crypto.encrypt("A256GCM", bytes(3), additional_authenticated_data=b"with")
    assert (len(result.iv), result.aad, len(result.tag)) == (12, b"with", 16)
    assert (await crypto.decrypt(result)).plaintext == bytes(3)


@pytest.mark.parametrize("inner", [False, True], ids=["outer", "inner"])
async def test_forbidden_operation_is_a_value_error_wherever_its_code_is(stub: StubWorld, inner: bool) -> None:
    message = "Operation sign is not permitted on the given key (Activity ID: 5ec7e2d1-0000-4000-8000-000000000001)"
    error: dict[str, Any] = {"code": "KeyOperationForbidden", "message": message}
    if inner:
        error = {"code": "Forbidden", "message": message, "innererror": {"code": "KeyOperationForbidden"}}
    crypto = crypto_of(stub, Script([Answer(403, {"error": error})]), execution="remote")
    with pytest.raises(HttpResponseError, match="not permitted") as caught:
        await crypto.sign("HS256", bytes(32))
    assert isinstance(caught.value, ValueError)


async def test_other_refusal_is_no_value_error(stub: StubWorld) -> None:
    error = {"code": "Forbidden", "message": "no role", "innererror": {"code": "ForbiddenByRbac"}}
    crypto = crypto_of(stub, Script([Answer(403, {"error": error})]), execution="remote")
    with pytest.raises(HttpResponseError) as caught:
        await crypto.sign("HS256", bytes(32))
    assert not isinstance(caught.value, ValueError)


# Empty answers

JSON = {"Content-Type": "application/json; charset=utf-8", "Content-Length": "0"}


@pytest.mark.parametrize("headers", [JSON, {"Content-Length": "0"}, {}], ids=["json", "length", "bare"])
async def test_purge_without_a_body_returns_nothing(stub: StubWorld, headers: dict[str, str]) -> None:
    client, script = client_of(stub, Answer(204, None, headers))
    assert await client.purge_deleted_key("orders") is None
    assert script.calls[0].method == "DELETE"


@pytest.mark.parametrize("body", [None, b"OK", b""], ids=["none", "OK", "empty"])
async def test_challenge_of_a_managed_hsm_is_answered_whatever_its_body(stub: StubWorld, body: Any) -> None:
    script = Script([Answer(200, {"value": []})])
    script.challenge = Answer(401, body, {"WWW-Authenticate": HOST_CHALLENGE})
    client = stub.client(script, url=HSM, verify_challenge_resource=False)
    assert [key async for key in client.list_properties_of_keys()] == []
    assert len(script.probes) == 1


@pytest.mark.parametrize("body", [None, b"OK", b""], ids=["none", "OK", "empty"])
async def test_refused_token_without_an_explanation_is_an_error_of_authentication(stub: StubWorld, body: Any) -> None:
    client, _ = client_of(stub, Answer(401, body, {"WWW-Authenticate": HOST_CHALLENGE}))
    with pytest.raises(ClientAuthenticationError):
        await client.get_key("orders")


# Keys of secrets

SECRET_ID = f"{URL}/secrets/content-key/{VERSION}"


async def test_key_of_a_secret_works_here(stub: StubWorld) -> None:
    """azure-storage's client-side encryption has symmetric keys in secrets."""
    script = Script()
    key = KeyVaultKey(key_id=SECRET_ID, key_ops=["unwrapKey", "wrapKey"], k=bytes(range(32)), kty=KeyType.oct)
    crypto = crypto_of(stub, script, key)
    wrapped = await crypto.wrap_key("A256KW", bytes(32))
    assert (wrapped.key_id, wrapped.performed) == (SECRET_ID, "local")
    assert (await crypto.unwrap_key("A256KW", wrapped.encrypted_key)).key == bytes(32)
    with pytest.raises(NotImplementedError):
        await crypto.wrap_key("CKM_AES_KEY_WRAP", bytes(32))
    with pytest.raises(ValueError, match="does not allow"):
        await crypto.encrypt("A256CBCPAD", b"x")
    assert (crypto.key_id, crypto.vault_url, script.sent) == (SECRET_ID, URL, [])


async def test_key_of_a_secret_in_a_key_client_works_here(stub: StubWorld) -> None:
    script = Script()
    key = KeyVaultKey(SECRET_ID, kty="oct", k=bytes(32))
    crypto = stub.client(script).get_cryptography_client(key)
    assert (await crypto.wrap_key("A256KW", bytes(16))).performed == "local"
    assert script.sent == []


@pytest.mark.parametrize("collection", ["secrets", "certificates"])
def test_key_of_a_secret_needs_its_material(stub: StubWorld, collection: str) -> None:
    identifier = f"{URL}/{collection}/content-key/{VERSION}"
    for key in (identifier, KeyVaultKey(identifier, kty="oct"), KeyVaultKey(identifier, kty="oct-HSM")):
        with pytest.raises(ValueError, match=r"not .* ID of a key"):
            crypto_of(stub, Script(), key)
    with pytest.raises(ValueError, match="in this process only"):
        crypto_of(stub, Script(), KeyVaultKey(identifier, kty="oct", k=bytes(32)), execution="remote")


def test_key_of_a_secret_encrypts_the_keys_of_azure_storage() -> None:
    key = KeyVaultKey(SECRET_ID, kty="oct", k=bytes(32))
    with CryptographyClient(key, _Never()) as client:
        encrypting = KeyEncryptionKey(client, "A256KW")
        assert encrypting.get_kid() == SECRET_ID
        assert encrypting.unwrap_key(encrypting.wrap_key(bytes(32)), "A256KW") == bytes(32)


class _Never:
    """A credential that must not be asked."""

    def get_token(self, *scopes: str, **options: Any) -> Any:
        raise AssertionError("a key that is here needs no token")


def _bytes(content: Any) -> bytes:
    return content.encode() if isinstance(content, str) else bytes(content)


def _encoded(members: dict[str, bytes]) -> dict[str, str]:
    from azure.keyvault.keys._jwk.rfc7517 import encode_base64url

    return {name: encode_base64url(value) for name, value in members.items()}


def _with_short_x(curve: ec.EllipticCurve) -> tuple[ec.EllipticCurvePrivateKey, JsonWebKey]:
    """Return a key whose first coordinate begins with a zero byte: one of 256, or of 2 on P-521."""
    number = 1
    while True:
        key = ec.derive_private_key(number, curve)
        jwk = JsonWebKey.from_cryptography(key.public_key())
        if (jwk.x or b"\1")[0] == 0:
            return key, jwk
        number += 1


# Key objects and JSON Web Keys


@pytest.mark.parametrize("kind", ["RSA", "EC"])
def test_public_key_of_a_vault_equals_its_json_web_key(kind: str) -> None:
    private: Any = rsa.generate_private_key(65537, 2048) if kind == "RSA" else ec.generate_private_key(ec.SECP256R1())
    other: Any = rsa.generate_private_key(65537, 2048) if kind == "RSA" else ec.generate_private_key(ec.SECP256R1())
    client = CryptographyClient.from_jwk(JsonWebKey.from_cryptography(private))
    key = client.create_rsa_public_key() if kind == "RSA" else client.create_ec_public_key()
    public = JsonWebKey.from_cryptography(private.public_key())
    assert key == public
    assert public == key
    assert key == JsonWebKey.from_cryptography(private)
    assert key != JsonWebKey.from_cryptography(other)
    assert key != JsonWebKey(kty=kind)
    assert key != JsonWebKey(kty="oct", k=bytes(16))
