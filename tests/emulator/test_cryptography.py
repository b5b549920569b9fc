"""RSA and EC operations, judged by joserfc, PyJWT's algorithms and the openssl program."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from joserfc import jws
from joserfc.jwk import ECKey, RSAKey

from .client import NEWEST, Api, b64, needs_ml_dsa, unb64

_CURVES = {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512", "P-256K": "ES256K"}
_MESSAGE = b"a message"


def _digest(algorithm: str) -> bytes:
    bits = "256" if algorithm == "ES256K" else algorithm[2:]
    return hashlib.new(f"sha{bits}", _MESSAGE).digest()


def _rsa_public(jwk: dict[str, str]) -> rsa.RSAPublicKey:
    e, n = (int.from_bytes(unb64(jwk[member]), "big") for member in ("e", "n"))
    return rsa.RSAPublicNumbers(e, n).public_key()


@pytest.fixture(scope="module")
def keys(api: Api) -> dict[str, Any]:
    made = {curve: api.create(f"crypto-{curve}", crv=curve)["key"] for curve in _CURVES}
    return {**made, "RSA": api.create("crypto-RSA", kty="RSA")["key"]}


def _signature(api: Api, key: dict[str, str], algorithm: str, message: bytes) -> bytes:
    digest = hashlib.new(f"sha{'256' if algorithm == 'ES256K' else algorithm[2:]}", message).digest()
    path = key["kid"].removeprefix(api.vault.url)
    answer = api("POST", f"{path}/sign", {"alg": algorithm, "value": b64(digest)}).json
    assert answer["kid"] == key["kid"]
    assert list(answer) == ["kid", "value"]
    return unb64(answer["value"])


@pytest.mark.parametrize(
    ("kind", "algorithm"),
    [("RSA", name) for name in ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")] + list(_CURVES.items()),
)
def test_signature_is_accepted_by_joserfc_as_a_jws(api: Api, keys: dict[str, Any], kind: str, algorithm: str) -> None:
    key = keys[kind]
    head = f"{b64(json.dumps({'alg': algorithm}).encode())}.{b64(_MESSAGE)}"
    token = f"{head}.{b64(_signature(api, key, algorithm, head.encode()))}"
    public = {member: value for member, value in key.items() if member in ("kty", "n", "e", "crv", "x", "y")}
    if kind == "P-256K":
        public["crv"] = "secp256k1"
    verifier = (RSAKey if kind == "RSA" else ECKey).import_key(public)
    assert jws.deserialize_compact(token, verifier, algorithms=[algorithm]).payload == _MESSAGE


@pytest.mark.case("J4")
@pytest.mark.parametrize(("curve", "algorithm"), _CURVES.items())
def test_signatures_have_the_width_of_the_field(api: Api, keys: dict[str, Any], curve: str, algorithm: str) -> None:
    widths = {len(_signature(api, keys[curve], algorithm, bytes([index]))) for index in range(8)}
    assert widths == {{"P-384": 96, "P-521": 132}.get(curve, 64)}


@pytest.mark.parametrize("kind", ["RSA", "P-256", "P-384", "P-521", "P-256K"])
@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs the openssl program")
def test_signature_is_accepted_by_openssl(api: Api, keys: dict[str, Any], tmp_path: Path, kind: str) -> None:
    key, algorithm = keys[kind], _CURVES.get(kind, "PS256")
    signature = _signature(api, key, algorithm, _MESSAGE)
    public: Any
    if kind == "RSA":
        public, options = _rsa_public(key), ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:32"]
    else:
        curves = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1(), "P-521": ec.SECP521R1(), "P-256K": ec.SECP256K1()}
        x, y = (int.from_bytes(unb64(key[member]), "big") for member in ("x", "y"))
        public, options = ec.EllipticCurvePublicNumbers(x, y, curves[kind]).public_key(), []
        half = len(signature) // 2
        r, s = (int.from_bytes(part, "big") for part in (signature[:half], signature[half:]))
        signature = encode_dss_signature(r, s)
    files = {
        "key.pem": public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    }
    files |= {"signature": signature, "message": _MESSAGE}
    for file, content in files.items():
        (tmp_path / file).write_bytes(content)
    digest = "-sha" + ("256" if algorithm == "ES256K" else algorithm[2:])
    command = ["openssl", "dgst", digest, "-verify", "key.pem", "-signature", "signature", *options, "message"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    assert done.stdout == b"Verified OK\n", done.stderr


@pytest.mark.case("K10", "J2")
@pytest.mark.parametrize(("kind", "algorithm"), [("RSA", "RS256"), ("RSA", "PS512"), *_CURVES.items()])
def test_verify_tells_right_from_wrong(api: Api, keys: dict[str, Any], kind: str, algorithm: str) -> None:
    signature = _signature(api, keys[kind], algorithm, _MESSAGE)
    changed = bytes([signature[0] ^ 1]) + signature[1:]
    zeros = bytes(len(signature))
    verdicts = [
        api(
            "POST",
            f"/keys/crypto-{kind}/verify",
            {"alg": algorithm, "digest": b64(_digest(algorithm)), "value": b64(given)},
        ).json
        for given in (signature, changed, signature[:-1], signature + b"\0", b"", zeros)
    ]
    assert verdicts == [{"value": True}] + [{"value": False}] * 5


@pytest.mark.parametrize("operation", [("encrypt", "decrypt"), ("wrapkey", "unwrapkey")], ids=["encrypt", "wrap"])
@pytest.mark.parametrize("algorithm", ["RSA-OAEP", "RSA-OAEP-256", "RSA1_5"])
def test_rsa_ciphertext_of_openssl_is_decrypted(
    api: Api, keys: dict[str, Any], operation: tuple[str, str], algorithm: str
) -> None:
    digest = {"RSA-OAEP": hashes.SHA1(), "RSA-OAEP-256": hashes.SHA256()}.get(algorithm)
    scheme: padding.AsymmetricPadding = (
        padding.OAEP(padding.MGF1(digest), digest, None) if digest else padding.PKCS1v15()
    )
    ciphertext = _rsa_public(keys["RSA"]).encrypt(b"hello", scheme)
    seal, unseal = operation
    body = {"alg": algorithm, "value": b64(ciphertext)}
    opened = api("POST", f"/keys/crypto-RSA/{unseal}", body).json
    assert opened == {"kid": keys["RSA"]["kid"], "value": b64(b"hello")}
    sealed = api("POST", f"/keys/crypto-RSA//{seal}", {"alg": algorithm, "value": b64(b"hello")}).json
    assert list(sealed) == ["kid", "value"]
    assert len(sealed["value"]) == 342
    assert api("POST", f"/keys/crypto-RSA/{unseal}", {"alg": algorithm, "value": sealed["value"]}).json == opened


@pytest.mark.case("K9")
@pytest.mark.parametrize(("algorithm", "room"), [("RSA-OAEP", 214), ("RSA-OAEP-256", 190), ("RSA1_5", 245)])
def test_plaintext_over_the_room_is_refused(api: Api, keys: dict[str, Any], algorithm: str, room: int) -> None:
    assert api("POST", "/keys/crypto-RSA/encrypt", {"alg": algorithm, "value": b64(b"x" * room)}).status == 200
    answer = api("POST", "/keys/crypto-RSA/encrypt", {"alg": algorithm, "value": b64(b"x" * (room + 1))})
    assert answer.error == (400, "BadParameter", None)


@pytest.mark.parametrize("algorithm", ["RSA-OAEP", "RSA-OAEP-256"])
@pytest.mark.parametrize("value", [b"", b"x", b"\0" * 256, b"\xff" * 256, b"\0" * 257], ids=len)
def test_foreign_ciphertext_is_refused_with_one_text(
    api: Api, keys: dict[str, Any], algorithm: str, value: bytes
) -> None:
    answer = api("POST", "/keys/crypto-RSA/decrypt", {"alg": algorithm, "value": b64(value)})
    assert answer.error == (400, "BadParameter", None)
    assert answer.message == "Unable to decrypt specified value with this key"


def test_damaged_pkcs1_ciphertext_is_refused(api: Api, keys: dict[str, Any]) -> None:
    """The service does not give random bytes, as OpenSSL does (implicit rejection)."""
    public = _rsa_public(keys["RSA"])
    sealed = public.encrypt(b"hello", padding.PKCS1v15())
    n, e, width = public.public_numbers().n, public.public_numbers().e, 256
    wrong_padding = [b"\0\1" + b"x" * 254, b"\0\2" + b"x" * 7 + b"\0" * 247, b"\0\2" + b"x" * 254, bytes(256)]
    damaged = [pow(int.from_bytes(padded, "big"), e, n).to_bytes(width, "big") for padded in wrong_padding]
    damaged += [sealed[:-1] + bytes([sealed[-1] ^ 1]), sealed[:-1], b"\0" + sealed, b"\xff" * width, b""]
    answers = [
        api("POST", f"/keys/crypto-RSA/{operation}", {"alg": "RSA1_5", "value": b64(value)})
        for operation in ("decrypt", "unwrapkey")
        for value in damaged
    ]
    assert {answer.error for answer in answers} == {(400, "BadParameter", None)}
    assert {answer.message for answer in answers} == {"Unable to decrypt specified value with this key"}
    for message in (b"", b"\0hello\0", b"x" * 245):
        value = b64(public.encrypt(message, padding.PKCS1v15()))
        opened = api("POST", "/keys/crypto-RSA/decrypt", {"alg": "RSA1_5", "value": value}).json
        assert opened["value"] == b64(message)


@pytest.mark.case("J7")
def test_digest_of_wrong_length_is_refused_with_the_text_of_the_service(api: Api, keys: dict[str, Any]) -> None:
    answer = api("POST", "/keys/crypto-P-256/sign", {"alg": "ES256", "value": b64(b"x" * 44)})
    assert answer.message == "Invalid length of 'value': 44 bytes. ES256 requires 32 bytes, encoded with base64url."
    assert api("POST", "/keys/crypto-RSA/verify", {"alg": "RS512", "digest": "", "value": ""}).status == 400


@pytest.mark.case("J6")
@pytest.mark.parametrize(
    ("kind", "algorithm"), [("P-256", "ES384"), ("P-256", "ES256K"), ("P-256", "RS256"), ("RSA", "ES256")]
)
def test_algorithm_that_does_not_fit_the_key_is_refused(
    api: Api, keys: dict[str, Any], kind: str, algorithm: str
) -> None:
    answer = api("POST", f"/keys/crypto-{kind}/sign", {"alg": algorithm, "value": b64(_digest(algorithm))})
    assert answer.error == (400, "BadParameter", None)
    assert "incompatible" in answer.message


def test_old_name_of_es256k_fits_old_keys_only(api: Api, keys: dict[str, Any]) -> None:
    value = b64(b"1" * 32)
    answer = api("POST", "/keys/crypto-P-256K/sign", {"alg": "ECDSA256", "value": value})
    assert answer.message == (
        f"Key and signing algorithm are incompatible. Key {keys['P-256K']['kid']} uses curve 'P-256K', and algorithm "
        "'ECDSA256' can only be used with curve 'P-256' or 'SECP256K1'."
    )
    old = api.at("2016-10-01")
    assert old.create("old-curve", crv="SECP256K1")["key"]["crv"] == "SECP256K1"
    for version in (old, api):
        assert version("POST", "/keys/old-curve/sign", {"alg": "ECDSA256", "value": value}).status == 200
    assert api("POST", "/keys/old-curve/sign", {"alg": "ES256K", "value": value}).status == 400


def test_operation_outside_key_ops_is_refused(api: Api, name: str) -> None:
    api.create(name, kty="RSA", key_ops=["encrypt"])
    answer = api("POST", f"/keys/{name}/decrypt", {"alg": "RSA-OAEP", "value": b64(b"x" * 256)})
    assert answer.error == (403, "Forbidden", "KeyOperationForbidden")
    assert answer.message == "Operation decrypt is not permitted on this key."
    answer = api("POST", f"/keys/{name}/unwrapkey", {"alg": "RSA-OAEP", "value": b64(b"x" * 256)})
    assert answer.message == "Operation unwrapKey is not permitted on this key."


@pytest.mark.parametrize(
    ("attributes", "status"),
    [
        ({"enabled": False}, (403, 403)),
        ({"exp": 1000}, (403, 200)),
        ({"nbf": 253402300799}, (403, 200)),
        ({}, (200, 200)),
    ],
    ids=["disabled", "expired", "not-yet-valid", "live"],
)
def test_key_state_decides_per_operation(
    api: Api, name: str, attributes: dict[str, Any], status: tuple[int, int]
) -> None:
    api.create(name, kty="RSA")
    sealed = api("POST", f"/keys/{name}/encrypt", {"alg": "RSA-OAEP", "value": "aGVsbG8"}).json["value"]
    digest = b64(b"1" * 32)
    signature = api("POST", f"/keys/{name}/sign", {"alg": "RS256", "value": digest}).json["value"]
    api("PATCH", f"/keys/{name}", {"attributes": attributes})
    body = {"alg": "RSA-OAEP", "value": "aGVsbG8"}
    making = [api("POST", f"/keys/{name}/{verb}", body) for verb in ("encrypt", "wrapkey")]
    making.append(api("POST", f"/keys/{name}/sign", {"alg": "RS256", "value": digest}))
    using = [api("POST", f"/keys/{name}/{verb}", {**body, "value": sealed}) for verb in ("decrypt", "unwrapkey")]
    using.append(api("POST", f"/keys/{name}/verify", {"alg": "RS256", "digest": digest, "value": signature}))
    assert ({answer.status for answer in making}, {answer.status for answer in using}) == ({status[0]}, {status[1]})
    if attributes.get("enabled") is False:
        assert making[0].error == (403, "Forbidden", "KeyDisabled")
        assert making[1].message == "Operation wrapKey is not allowed on a disabled key."
    assert api("GET", f"/keys/{name}").status == 200


def test_cryptography_needs_its_own_permission_only(api: Api, keys: dict[str, Any]) -> None:
    api.vault.permissions.deny("get")
    try:
        assert api("GET", "/keys/crypto-RSA").error == (403, "Forbidden", "ForbiddenByPolicy")
        assert api("POST", "/keys/crypto-RSA/sign", {"alg": "RS256", "value": b64(b"1" * 32)}).status == 200
    finally:
        api.vault.permissions.allow()


@needs_ml_dsa
@pytest.mark.parametrize("alg", ["ML-DSA-44", "ML-DSA-65", "ML-DSA-87"])
def test_ml_dsa_signs_messages_and_external_mu(api: Api, name: str, alg: str) -> None:
    mldsa = import_module("cryptography.hazmat.primitives.asymmetric.mldsa")
    preview = api.at(NEWEST)
    key = preview.create(name, kty="AKP", alg=alg)["key"]
    assert list(key) == ["kid", "kty", "key_ops", "alg", "pub"]
    assert (key["kty"], key["alg"]) == ("AKP-HSM", alg)
    public = getattr(mldsa, f"MLDSA{alg[-2:]}PublicKey").from_public_bytes(unb64(key["pub"]))
    sign, verify = f"/keys/{name}/sign", f"/keys/{name}/verify"
    plain = preview("POST", sign, {"alg": alg, "value": b64(_MESSAGE)}).json["value"]
    public.verify(unb64(plain), _MESSAGE)
    context = {"context": b64(b"ctx")}
    bound = preview("POST", sign, {"alg": alg, "value": b64(_MESSAGE), **context}).json["value"]
    public.verify(unb64(bound), _MESSAGE, b"ctx")
    mu = {"external_mu": b64(b"m" * 64)}
    external = preview("POST", sign, mu).json["value"]
    public.verify_mu(unb64(external), b"m" * 64)
    assert preview("POST", verify, {"alg": alg, "digest": b64(_MESSAGE), "value": plain}).json == {"value": True}
    assert preview("POST", verify, {"alg": alg, "digest": b64(_MESSAGE), "value": bound}).json == {"value": False}
    assert preview("POST", verify, {**mu, "value": external}).json == {"value": True}
    for wrong in ({"external_mu": b64(b"m" * 63)}, {**mu, **context}, {"value": "", "context": b64(b"c" * 256)}):
        assert preview("POST", sign, wrong).error == (400, "BadParameter", None)


def test_ml_dsa_is_refused_before_its_version(api: Api, name: str) -> None:
    answer = api("POST", f"/keys/{name}/create", {"kty": "AKP", "alg": "ML-DSA-65"})
    assert answer.error == (400, "BadParameter", "KeyTypeNotSupported")
