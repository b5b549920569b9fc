"""What ML-DSA and secure wrap send, what becomes of the answer, and what is refused before anything is sent."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from typing import Any

import pytest
from azure.core.exceptions import DecodeError, HttpResponseError
from fixtures.stub_vault import URL, VERSION, Answer, Script, StubWorld, bundle

from azure.keyvault.keys import JsonWebKey, KeyVaultKey
from azure.keyvault.keys._generated import models
from azure.keyvault.keys._generated import operations as operations_of_the_service
from azure.keyvault.keys._shared.wire.translation import Wire
from azure.keyvault.keys.crypto import KeySecureWrapAlgorithm, SignatureAlgorithm

PREVIEW = "2026-05-01-preview"
KEY_ID = f"{URL}/keys/orders/{VERSION}"
SIZES = {"ML-DSA-44": 2420, "ML-DSA-65": 3309, "ML-DSA-87": 4627}


def text(data: bytes) -> str:
    """Return base64url."""
    return urlsafe_b64encode(data).decode().rstrip("=")


def answered(value: Any) -> Script:
    return Script([Answer(200, {"kid": KEY_ID, "value": value})])


def crypto(stub: StubWorld, script: Script, api_version: str = PREVIEW, execution: Any = "remote") -> Any:
    return stub.client(script, api_version=api_version).get_cryptography_client("orders", execution=execution)


def sent(script: Script) -> tuple[str, Any]:
    """Return the path and body of the one request."""
    (call,) = script.calls
    return call.url.removeprefix(URL).partition("?")[0], json.loads(call.content)


SIGNING: dict[str, tuple[tuple[Any, ...], dict[str, Any], dict[str, str]]] = {
    "message": ((b"m",), {}, {"alg": "ML-DSA-65", "value": text(b"m")}),
    "empty message": ((b"",), {}, {"alg": "ML-DSA-65", "value": ""}),
    "context": ((b"m",), {"context": b"c"}, {"alg": "ML-DSA-65", "value": text(b"m"), "context": text(b"c")}),
    "empty context": ((b"m",), {"context": b""}, {"alg": "ML-DSA-65", "value": text(b"m"), "context": ""}),
    "longest context": (
        (b"m",),
        {"context": bytes(255)},
        {"alg": "ML-DSA-65", "value": text(b"m"), "context": text(bytes(255))},
    ),
    "mu": ((), {"external_mu": b"u" * 64}, {"external_mu": text(b"u" * 64)}),
}


@pytest.mark.parametrize("case", SIGNING)
async def test_signing_and_verifying_send_message_and_context_or_mu_alone(stub: StubWorld, case: str) -> None:
    arguments, options, body = SIGNING[case]
    script = answered(text(bytes(3309)))
    signed = await crypto(stub, script).sign(SignatureAlgorithm.ml_dsa_65, *arguments, **options)
    assert sent(script) == ("/keys/orders/sign", body)
    assert (signed.key_id, signed.algorithm, signed.performed) == (KEY_ID, SignatureAlgorithm.ml_dsa_65, "remote")
    assert signed.signature == bytes(3309)
    script = Script([Answer(200, {"value": True})])
    signature = b"s" * 3309
    verified = await crypto(stub, script).verify("ML-DSA-65", *(arguments or (None,)), signature, **options)
    asked = {"digest" if name == "value" else name: value for name, value in body.items()}
    assert sent(script) == ("/keys/orders/verify", {**asked, "value": text(signature)})
    assert verified.is_valid


@pytest.mark.case("E13", "J6")
async def test_signature_of_another_algorithm_is_not_valid_though_the_vault_says_so(stub: StubWorld) -> None:
    """With mu the vault is not told the algorithm, and takes the key's."""
    client = crypto(stub, Script([Answer(200, {"value": True})]))
    assert not (await client.verify("ML-DSA-87", None, bytes(2420), external_mu=bytes(64))).is_valid


async def test_sign_data_sends_the_message_itself(stub: StubWorld) -> None:
    script = answered(text(bytes(2420)))
    await crypto(stub, script).sign_data("ML-DSA-44", [b"mess", b"age"], context=b"c")
    assert sent(script)[1] == {"alg": "ML-DSA-44", "value": text(b"message"), "context": text(b"c")}
    script = Script([Answer(200, {"value": False})])
    verified = await crypto(stub, script).verify_data("ML-DSA-44", b"message", b"s", context=b"c")
    assert sent(script)[1]["digest"] == text(b"message")
    assert not verified.is_valid


@pytest.mark.parametrize("algorithm", SIZES)
@pytest.mark.parametrize("off", [-1, 1])
@pytest.mark.parametrize("options", [{"digest": b"m"}, {"external_mu": bytes(64)}], ids=["message", "mu"])
async def test_signature_of_another_length_is_a_decode_error(
    stub: StubWorld, algorithm: str, off: int, options: Any
) -> None:
    client = crypto(stub, answered(text(bytes(SIZES[algorithm] + off))))
    with pytest.raises(DecodeError, match=f"a signature of {SIZES[algorithm] + off} bytes for {algorithm}"):
        await client.sign(algorithm, **options)


async def test_secure_wrap_sends_the_algorithm_and_returns_the_wrapped_key(stub: StubWorld) -> None:
    script = Script([Answer(200, {"kid": KEY_ID, "value": text(b"wrapped"), "alg": "A256KW"})])
    wrapped = await crypto(stub, script).secure_wrap_key(KeySecureWrapAlgorithm.aes_256)
    assert sent(script) == ("/keys/orders/securewrapkey", {"alg": "A256KW"})
    assert (wrapped.key_id, wrapped.algorithm, wrapped.encrypted_key, wrapped.performed) == (
        KEY_ID,
        KeySecureWrapAlgorithm.aes_256,
        b"wrapped",
        "remote",
    )


async def test_secure_unwrap_sends_the_wrapped_key_and_the_token(stub: StubWorld) -> None:
    script = Script([Answer(200, {"kid": KEY_ID, "value": text(b"released"), "alg": "A128KWPAD"})])
    unwrapped = await crypto(stub, script).secure_unwrap_key("A128KWPAD", bytearray(b"wrapped"), "a.b.c")
    body = {"alg": "A128KWPAD", "value": text(b"wrapped"), "target": "a.b.c"}
    assert sent(script) == ("/keys/orders/secureunwrapkey", body)
    assert (unwrapped.key_id, unwrapped.algorithm, unwrapped.key, unwrapped.performed) == (
        KEY_ID,
        KeySecureWrapAlgorithm.aes_128_pad,
        b"released",
        "remote",
    )


@pytest.mark.parametrize("call", ["secure_wrap_key", "secure_unwrap_key", "sign", "verify"])
async def test_pure_operation_is_repeated_after_a_failure(stub: StubWorld, call: str) -> None:
    good = Answer(200, {"value": True} if call == "verify" else {"kid": KEY_ID, "value": text(bytes(2420))})
    script = Script([Answer(503), good])
    client = crypto(stub, script)
    arguments = {
        "secure_wrap_key": ("A256KW",),
        "secure_unwrap_key": ("A256KW", b"w", "t"),
        "sign": ("ML-DSA-44", b"m"),
        "verify": ("ML-DSA-44", b"m", b"s"),
    }
    await getattr(client, call)(*arguments[call])
    assert len(script.calls) == 2


@pytest.mark.parametrize("status", [400, 403])
async def test_refusal_of_secure_unwrap_is_an_error_that_tells_no_token(stub: StubWorld, status: int) -> None:
    refusal = Answer(status, {"error": {"code": "Forbidden", "message": "No."}})
    with pytest.raises(HttpResponseError, match="Forbidden") as caught:
        await crypto(stub, Script([refusal])).secure_unwrap_key("A256KW", b"w", "secret-token")
    assert "secret-token" not in str(caught.value)
    assert isinstance(caught.value, ValueError) is (status == 400)


CALLS: dict[str, tuple[str, str, Any]] = {
    "secure_wrap_key": ("2025-07-01", "2026-01-01-preview", lambda client: client.secure_wrap_key("A256KW")),
    "secure_unwrap_key": (
        "7.6",
        "2026-01-01-preview",
        lambda client: client.secure_unwrap_key("A256KW", b"w", "t"),
    ),
    "ML-DSA-44": ("2026-04-01", PREVIEW, lambda client: client.sign("ML-DSA-44", b"m")),
    "ML-DSA-87": ("2026-01-01-preview", PREVIEW, lambda client: client.verify("ML-DSA-87", b"m", b"s")),
    "external_mu": ("2026-04-01", PREVIEW, lambda client: client.sign("ML-DSA-65", external_mu=bytes(64))),
    "HS256": ("7.5", "7.6-preview.2", lambda client: client.sign("HS256", bytes(32))),
    "A256KW": ("7.1", "7.2", lambda client: client.wrap_key("A256KW", bytes(32))),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("execution", ["auto", "remote"])
async def test_what_the_version_lacks_is_refused_before_anything_is_sent(
    stub: StubWorld, call: str, execution: str
) -> None:
    version, needed, act = CALLS[call]
    script = Script()
    with pytest.raises(ValueError, match=f"{call} needs API version {needed} or later, and this client uses {version}"):
        await act(crypto(stub, script, version, execution))
    assert script.sent == []


async def test_create_of_a_type_that_the_version_lacks_is_refused_before_anything_is_sent(stub: StubWorld) -> None:
    script = Script()
    client = stub.client(script, api_version="2026-04-01")
    with pytest.raises(ValueError, match=rf"AKP needs API version {PREVIEW} or later"):
        await client.create_key("orders", "AKP")
    with pytest.raises(ValueError, match=rf"alg needs API version {PREVIEW} or later"):
        await client.create_key("orders", "AKP", alg="ML-DSA-65")
    assert script.sent == []


async def test_create_and_get_tell_of_the_algorithm_and_the_public_key(stub: StubWorld) -> None:
    answer = bundle()
    answer["key"] = {"kid": KEY_ID, "kty": "AKP-HSM", "key_ops": ["sign"], "alg": "ML-DSA-65", "pub": text(b"p" * 1952)}
    script = Script([Answer(200, answer)])
    key = await stub.client(script, api_version=PREVIEW).create_key("orders", "AKP", alg=SignatureAlgorithm.ml_dsa_65)
    assert sent(script) == ("/keys/orders/create", {"kty": "AKP", "alg": "ML-DSA-65"})
    assert (key.key_type, key.key.alg, key.key.pub) == ("AKP-HSM", SignatureAlgorithm.ml_dsa_65, b"p" * 1952)
    assert "ML-DSA-65" in repr(key.key)


@pytest.mark.parametrize("version", [PREVIEW, "2026-07-01-preview", "2099-01-01"])
def test_newer_and_unknown_versions_have_everything(version: str) -> None:
    body = models.KeySignParameters(alg="ML-DSA-65", value=b"m", context=b"c")
    Wire(URL, version).check_version(operations_of_the_service.sign("orders", body))


@pytest.mark.parametrize("value", ["P-256K", "SECP256K1", "XYZ"])
def test_renamed_and_unknown_values_are_not_refused(value: str) -> None:
    body = models.KeyCreateParameters(kty="XYZ", crv=value)
    Wire(URL, "2016-10-01").check_version(operations_of_the_service.create_key("orders", body))


@pytest.mark.parametrize("algorithm", ["A256KW", "RSA-OAEP-256"])
async def test_local_execution_refuses_secure_wrap_at_once(stub: StubWorld, algorithm: str) -> None:
    material = JsonWebKey(kty="oct", k=bytes(32)) if algorithm == "A256KW" else JsonWebKey(kty="RSA", n=b"", e=b"")
    script = Script()
    key = KeyVaultKey(KEY_ID, material)
    client = stub.client(script).get_cryptography_client(key, execution="local")
    for call in (client.secure_wrap_key(algorithm), client.secure_unwrap_key(algorithm, b"w", "t")):
        with pytest.raises(NotImplementedError, match=r'"secure.*Key" operation with algorithm'):
            await call
    assert script.sent == []


async def test_secure_wrap_with_a_key_that_is_not_for_it_is_refused_at_once(stub: StubWorld) -> None:
    script = Script()
    key = KeyVaultKey(KEY_ID, JsonWebKey(kty="oct-HSM", key_ops=["wrapKey", "unwrapKey"]))
    client = stub.client(script).get_cryptography_client(key)
    with pytest.raises(ValueError, match='does not allow the "secureWrapKey" operation'):
        await client.secure_wrap_key("A256KW")
    with pytest.raises(ValueError, match="A256GCM is for encrypt and decrypt, not for secure_wrap_key"):
        await client.secure_wrap_key("A256GCM")
    with pytest.raises(TypeError, match="'encrypted_key' must be bytes"):
        await client.secure_unwrap_key("A256KW", "wrapped", "t")
    assert script.sent == []
