"""JsonWebKey into and out of PEM, DER, JSON and the objects of cryptography."""

from __future__ import annotations

import json
import re
import subprocess
import time
import traceback
from collections.abc import Callable
from functools import cache
from typing import Any, Literal

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import ECKey, RSAKey

from azure.keyvault.keys import KeyOperation
from azure.keyvault.keys._jwk import JsonWebKey
from azure.keyvault.keys.crypto import SignatureAlgorithm

FORMS: list[Literal["identifier", "thumbprint", "version"] | None] = ["identifier", "thumbprint", "version", None]
Private = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
MAKERS: dict[str, Callable[[], Private]] = {
    "RSA": lambda: rsa.generate_private_key(65537, 2048),
    "P-256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "P-384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "P-521": lambda: ec.generate_private_key(ec.SECP521R1()),
    "P-256K": lambda: ec.generate_private_key(ec.SECP256K1()),
}
every_key = pytest.mark.parametrize("kind", list(MAKERS))


@cache
def private_key(kind: str) -> Private:
    return MAKERS[kind]()


def jwk_of(kind: str) -> JsonWebKey:
    return JsonWebKey.from_cryptography(private_key(kind))


def public_of(kind: str) -> JsonWebKey:
    return JsonWebKey.from_cryptography(private_key(kind).public_key())


@every_key
@pytest.mark.parametrize("private", [False, True])
def test_key_survives_every_form(kind: str, private: bool) -> None:
    expected = jwk_of(kind) if private else public_of(kind)
    jwk = jwk_of(kind)
    assert JsonWebKey.from_pem(jwk.to_pem(private)) == expected
    assert JsonWebKey.from_pem(jwk.to_pem(private).decode()) == expected
    assert JsonWebKey.from_der(jwk.to_der(private)) == expected
    assert JsonWebKey.from_json(jwk.to_json(private)) == expected
    assert JsonWebKey.from_json(json.loads(jwk.to_json(private))) == expected
    key = jwk.to_cryptography(private=True) if private else jwk.to_cryptography()
    assert JsonWebKey.from_cryptography(key) == expected


@pytest.mark.case("K11")
@every_key
def test_private_key_survives_encryption(kind: str) -> None:
    jwk = jwk_of(kind)
    for password in ("pässword", b"bytes"):
        assert JsonWebKey.from_pem(jwk.to_pem(True, password), password) == jwk
        assert JsonWebKey.from_der(jwk.to_der(True, password), password) == jwk
    with pytest.raises(ValueError, match="needs password="):
        JsonWebKey.from_pem(jwk.to_pem(True, "secret"))
    with pytest.raises(ValueError, match="password is wrong"):
        JsonWebKey.from_pem(jwk.to_pem(True, "secret"), "guess")
    with pytest.raises(ValueError, match="a password was given"):
        JsonWebKey.from_pem(jwk.to_pem(True), "needless")


def test_empty_password_does_not_write_a_private_key_in_the_clear() -> None:
    for password in ("", b""):
        with pytest.raises(ValueError, match=r"[Pp]assword"):
            jwk_of("P-256").to_pem(private=True, password=password)


@pytest.mark.case("K11")
def test_pem_of_many_broken_blocks_is_refused_quickly() -> None:
    started = time.monotonic()
    for text in (b"-----BEGIN A-----\n" * 100_000, b"-----BEGIN " + b"A" * 1_000_000, b"-" * 1_000_000):
        with pytest.raises(ValueError, match="not PEM"):
            JsonWebKey.from_pem(text)
    assert time.monotonic() - started < 10


FORMATS = ["PKCS8", "TraditionalOpenSSL"]


@pytest.mark.case("K11")
@pytest.mark.parametrize(
    ("kind", "form"),
    # OpenSSH has no secp256k1.
    [(kind, form) for kind in MAKERS for form in [*FORMATS, "OpenSSH"] if (kind, form) != ("P-256K", "OpenSSH")],
)
def test_private_pem_of_every_kind_is_read(kind: str, form: str) -> None:
    private_format = getattr(serialization.PrivateFormat, form)
    pem = private_key(kind).private_bytes(serialization.Encoding.PEM, private_format, serialization.NoEncryption())
    around = b"Bag Attributes\n    friendlyName: x\n" + pem + b"\nthe end\n"
    for text in (pem, pem.replace(b"\n", b"\r\n"), around, pem.decode()):
        assert JsonWebKey.from_pem(text) == jwk_of(kind)


@pytest.mark.case("K11")
@every_key
@pytest.mark.parametrize("form", FORMATS)
def test_private_der_of_every_kind_is_read(kind: str, form: str) -> None:
    private_format = getattr(serialization.PrivateFormat, form)
    der = private_key(kind).private_bytes(serialization.Encoding.DER, private_format, serialization.NoEncryption())
    assert JsonWebKey.from_der(der) == jwk_of(kind)


@pytest.mark.case("K11")
def test_private_key_is_taken_before_other_blocks() -> None:
    pem = public_of("P-384").to_pem() + jwk_of("P-256").to_pem(private=True)
    assert JsonWebKey.from_pem(pem) == jwk_of("P-256")


@pytest.mark.case("K11")
def test_pkcs1_public_key_is_read() -> None:
    pem = private_key("RSA").public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.PKCS1)
    assert JsonWebKey.from_pem(pem) == public_of("RSA")


@pytest.mark.case("K11")
def test_certificate_gives_its_public_key(tmp_path: Any) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    key.write_bytes(jwk_of("P-256").to_pem(private=True))
    subprocess.run(
        ["openssl", "req", "-x509", "-key", key, "-subj", "/CN=test", "-out", certificate],
        check=True,
        capture_output=True,
    )
    assert JsonWebKey.from_pem(certificate.read_bytes()) == public_of("P-256")
    der = subprocess.run(
        ["openssl", "x509", "-in", certificate, "-outform", "DER"], check=True, capture_output=True
    ).stdout
    assert JsonWebKey.from_der(der) == public_of("P-256")


@pytest.mark.case("K11")
@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "This is not PEM"),
        (b"\0\1\2", "This is not PEM"),
        ("-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----", "only: CERTIFICATE REQUEST"),
        ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", "private key can't be read"),
        ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PUBLIC KEY-----", "This is not PEM"),
    ],
)
def test_pem_that_is_none_names_the_reason(data: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        JsonWebKey.from_pem(data)


@pytest.mark.case("K11")
def test_pfx_names_the_reason() -> None:
    pfx = pkcs12.serialize_key_and_certificates(b"name", private_key("RSA"), None, None, serialization.NoEncryption())
    for read in (JsonWebKey.from_pem, JsonWebKey.from_der):
        with pytest.raises(ValueError, match=r"PKCS#12.*load_key_and_certificates"):
            read(pfx)


def test_keys_that_the_service_has_not_are_refused() -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    with pytest.raises(ValueError, match="has RSA, EC and ML-DSA keys"):
        JsonWebKey.from_pem(pem)
    spki = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    with pytest.raises(ValueError, match="has RSA, EC and ML-DSA keys"):
        JsonWebKey.from_der(spki)
    with pytest.raises(TypeError, match="RSA, EC or ML-DSA key"):
        JsonWebKey.from_cryptography(key)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="no keys on the curve brainpoolP256r1"):
        JsonWebKey.from_cryptography(ec.generate_private_key(ec.BrainpoolP256R1()))


@every_key
def test_private_parts_need_private_true_and_private_material(kind: str) -> None:
    jwk = jwk_of(kind)
    secret = json.loads(jwk.to_json(private=True))["d"]
    assert secret not in jwk.to_json()
    assert b"PRIVATE" not in jwk.to_pem()
    public = public_of(kind)
    writers: list[Callable[..., Any]] = [public.to_pem, public.to_der, public.to_json, public.to_cryptography]
    for write in writers:
        with pytest.raises(ValueError, match="no private parts"):
            write(private=True)
    with pytest.raises(ValueError, match="add private=True"):
        public.to_pem(password="secret")


def test_symmetric_key_has_only_json() -> None:
    jwk = JsonWebKey(kty="oct-HSM", k=b"0" * 32, key_ops=["wrapKey", "export"])
    assert json.loads(jwk.to_json()) == {"kty": "oct"}
    assert json.loads(jwk.to_json(key_ops=True)) == {"kty": "oct", "key_ops": ["wrapKey"]}
    assert json.loads(jwk.to_json(private=True))["k"] == "MDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDA"
    writers: list[Callable[..., Any]] = [jwk.to_pem, jwk.to_der, jwk.to_cryptography]
    for write in writers:
        with pytest.raises(ValueError, match="symmetric key"):
            write()


@pytest.mark.parametrize("kty", [None, "OKP"])
def test_key_of_another_type_is_refused(kty: str | None) -> None:
    jwk = JsonWebKey(kty=kty)
    writers: list[Callable[[], Any]] = [jwk.to_pem, jwk.to_json, jwk.to_cryptography, jwk.thumbprint]
    for write in writers:
        with pytest.raises(ValueError, match="'kty' must be"):
            write()


# JSON


def test_json_has_the_names_of_other_libraries() -> None:
    jwk = jwk_of("P-256K")
    jwk.kty, jwk.kid, jwk.key_ops = "EC-HSM", "https://v/keys/k/1", ["sign", "verify", "import", "secureWrapKey"]
    written = json.loads(jwk.to_json(key_ops=True))
    assert (written["kty"], written["crv"], written["kid"]) == ("EC", "secp256k1", "https://v/keys/k/1")
    assert written["key_ops"] == ["sign", "verify"]
    assert list(written) == ["kty", "kid", "key_ops", "crv", "x", "y"]


@every_key
def test_public_json_has_operations_only_when_asked(kind: str) -> None:
    """JOSE libraries refuse a public key that says it can sign or decrypt."""
    jwk = jwk_of(kind)
    jwk.key_ops = [KeyOperation.sign, "verify", "export"]
    assert "key_ops" not in json.loads(jwk.to_json())
    assert json.loads(jwk.to_json(key_ops=True))["key_ops"] == ["sign", "verify"]
    assert json.loads(jwk.to_json(key_ops=[KeyOperation.verify]))["key_ops"] == ["verify"]
    assert json.loads(jwk.to_json(private=True))["key_ops"] == ["sign", "verify"]
    assert "key_ops" not in json.loads(jwk.to_json(private=True, key_ops=False))
    assert JsonWebKey.from_json(jwk.to_json()).key_ops is None
    with pytest.raises(TypeError, match="list of operations"):
        jwk.to_json(key_ops="verify")


def test_json_names_the_key_as_asked() -> None:
    jwk = jwk_of("P-256")
    jwk.kid = "https://v.example/keys/orders/0123"
    names = {form: json.loads(jwk.to_json(kid=form)).get("kid") for form in FORMS}
    assert names == {"identifier": jwk.kid, "thumbprint": jwk.thumbprint(), "version": "0123", None: None}
    assert json.loads(jwk.to_json())["kid"] == jwk.kid


@pytest.mark.parametrize("kid", [None, "mine", "https://v.example/keys/orders"])
def test_json_is_not_named_by_a_version_that_is_not_known(kid: str | None) -> None:
    jwk = jwk_of("P-256")
    jwk.kid = kid
    with pytest.raises(ValueError, match="no version"):
        jwk.to_json(kid="version")
    assert json.loads(jwk.to_json(kid="thumbprint"))["kid"] == jwk.thumbprint()
    with pytest.raises(ValueError, match="'kid' must be 'identifier'"):
        jwk.to_json(kid="name")  # type: ignore[arg-type]


def test_json_tells_use_and_algorithm() -> None:
    written = json.loads(jwk_of("RSA").to_json(use="sig", alg=SignatureAlgorithm.ps256))
    assert (written["use"], written["alg"]) == ("sig", "PS256")
    assert not {"use", "alg"}.intersection(json.loads(jwk_of("RSA").to_json()))


@every_key
def test_json_is_understood_by_joserfc(kind: str) -> None:
    jwk = jwk_of(kind)
    theirs = (RSAKey if kind == "RSA" else ECKey).import_key(json.loads(jwk.to_json(private=True)))
    assert theirs.as_pem(private=True)
    assert theirs.thumbprint() == jwk.thumbprint() == public_of(kind).thumbprint()
    assert JsonWebKey.from_json(theirs.as_dict(private=True)) == jwk


@pytest.mark.case("M12")
def test_unknown_members_are_ignored() -> None:
    document = {**json.loads(jwk_of("RSA").to_json()), "use": "sig", "alg": "RS256", "x5t": "AAAA", "ext": True}
    assert JsonWebKey.from_json(document) == public_of("RSA")


@pytest.mark.case("M12")
def test_mapping_may_hold_bytes_and_the_services_names() -> None:
    assert JsonWebKey.from_json({"kty": "oct", "k": b"raw"}).k == b"raw"
    assert JsonWebKey.from_json({"kty": "RSA-HSM", "key_hsm": "AQ"}).t == b"\1"
    akp = JsonWebKey.from_json({"kty": "AKP", "alg": "ML-DSA-44", "pub": "AQ"})
    assert (akp.alg, akp.pub) == ("ML-DSA-44", b"\1")


@pytest.mark.case("E6", "K7")
@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("", "JSON object"),
        ("[]", "JSON object"),
        ("null", "JSON object"),
        (b"\xff\xfe\0", "JSON object"),
        ("[" * 100_000, "JSON object"),
        ('{"kty": "RSA", "n": "AQ=A"}', "'n' is not base64url"),
        ('{"kty": "RSA", "n": 1}', "'n' must be base64url"),
        ('{"kty": 1}', "'kty' must be a string"),
        ("{}", "'kty' is missing"),
        ({"kty": None, "k": "AA"}, "'kty' is missing"),
        ('{"kty": "RSA", "key_ops": "sign"}', "'key_ops' must be a list"),
        ('{"kty": "RSA", "oth": []}', "more than two primes"),
    ],
)
def test_json_that_is_no_key_is_refused(source: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        JsonWebKey.from_json(source)


@pytest.mark.case("E6")
@pytest.mark.parametrize(
    ("read", "source", "message"),
    [
        (JsonWebKey.from_pem, 5, "'data' must be text or bytes, not int"),
        (JsonWebKey.from_pem, None, "'data' must be text or bytes, not NoneType"),
        (JsonWebKey.from_der, "text", "'data' must be bytes, not str"),
        (JsonWebKey.from_der, 5, "'data' must be bytes, not int"),
        (JsonWebKey.from_json, 5, "text or a mapping of its members, not int"),
    ],
)
def test_source_of_another_type_is_refused(read: Callable[[Any], Any], source: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        read(source)


@pytest.mark.case("I2")
@pytest.mark.parametrize(
    "read",
    [
        lambda: JsonWebKey.from_json('{"kty": "oct", "k": "canary", "canary'),
        lambda: JsonWebKey.from_json('{"kty": "oct", "k": "canary!"}'),
        lambda: JsonWebKey.from_pem("-----BEGIN PRIVATE KEY-----\ncanary\n-----END PRIVATE KEY-----"),
        lambda: JsonWebKey.from_pem(jwk_of("RSA").to_pem(True, "canary"), "canary2"),
        lambda: JsonWebKey.from_der(b"canary"),
        lambda: JsonWebKey(n="canary!"),
    ],
)
def test_error_shows_nothing_of_the_input(read: Callable[[], Any]) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        read()
    error: BaseException | None = caught.value
    while error is not None:
        assert "canary" not in f"{error} {error!r} {vars(error)}"
        error = error.__cause__ or error.__context__
    assert not re.search("canary[^'\"]*$", "".join(traceback.format_exception_only(caught.value)))


@pytest.mark.case("K11")
@given(st.binary(max_size=200))
def test_bytes_that_are_no_key_are_refused(data: bytes) -> None:
    for read in (JsonWebKey.from_pem, JsonWebKey.from_der, JsonWebKey.from_json):
        with pytest.raises(ValueError, match=r"."):
            read(data)


@pytest.mark.case("M12")
@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda x: st.lists(x, max_size=3)))
def test_member_of_any_json_type_is_read_or_refused(value: Any) -> None:
    for member in ("kty", "kid", "key_ops", "n", "crv", "key_hsm", "alg", "whatever"):
        try:
            JsonWebKey.from_json(json.dumps({"kty": "RSA", member: value}))
        except ValueError as error:
            assert member in str(error) or "t" in str(error)  # noqa: PT017


@pytest.mark.case("J4")
@given(st.sampled_from(["P-256", "P-384", "P-521", "P-256K"]), st.integers(1, 2**250))
def test_private_value_of_any_size_survives(kind: str, secret: int) -> None:
    curve = private_key(kind).curve  # type: ignore[union-attr]
    jwk = JsonWebKey.from_cryptography(ec.derive_private_key(secret, curve))
    assert jwk.d is not None
    assert jwk.x is not None
    assert len(jwk.d) == len(jwk.x)
    assert JsonWebKey.from_pem(jwk.to_pem(private=True)) == jwk


# Thumbprints


def test_thumbprint_does_not_depend_on_where_the_key_is() -> None:
    jwk = public_of("RSA")
    expected = jwk.thumbprint()
    jwk.kty, jwk.kid, jwk.n = "RSA-HSM", "id", b"\0" + (jwk.n or b"")
    assert jwk.thumbprint() == expected


def test_thumbprint_of_a_symmetric_key_needs_the_key() -> None:
    assert JsonWebKey(kty="oct", k=b"1").thumbprint() != JsonWebKey(kty="oct", k=b"2").thumbprint()
    with pytest.raises(ValueError, match="'k'"):
        JsonWebKey(kty="oct").thumbprint()
