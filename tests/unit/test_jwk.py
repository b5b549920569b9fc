"""JsonWebKey as a model: attributes of 4.x, equality, repr, and the way to and from the wire."""

from __future__ import annotations

import copy
import inspect
import pickle
import subprocess
import sys
from functools import cache
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from azure.keyvault.keys._enums import KeyCurveName, KeyOperation, KeyType
from azure.keyvault.keys._jwk import JsonWebKey
from azure.keyvault.keys.crypto._enums import SignatureAlgorithm

FIELDS = ("kid", "kty", "key_ops", "n", "e", "d", "dp", "dq", "qi", "p", "q", "k", "t", "crv", "x", "y")


@cache
def rsa_key() -> JsonWebKey:
    return JsonWebKey.from_cryptography(rsa.generate_private_key(65537, 2048))


def changed(jwk: JsonWebKey, **changes: Any) -> JsonWebKey:
    return JsonWebKey(**{**vars(jwk), **changes})


def number(value: bytes | None) -> int:
    assert value is not None
    return int.from_bytes(value, "big")


def test_fields_are_those_of_4_x() -> None:
    assert JsonWebKey._FIELDS == FIELDS
    assert set(inspect.signature(JsonWebKey).parameters) == {*FIELDS, "alg", "pub", "priv"}


def test_attributes_are_none_by_default_and_live_in_the_instance() -> None:
    assert vars(JsonWebKey()) == dict.fromkeys(FIELDS)
    assert (JsonWebKey().alg, JsonWebKey().pub, JsonWebKey().priv) == (None, None, None)


def test_attributes_can_be_changed() -> None:
    jwk = JsonWebKey()
    jwk.kty, jwk.t, jwk.n, jwk.crv = "RSA-HSM", b"blob", b"\1", "P-256"
    assert vars(jwk) == {**dict.fromkeys(FIELDS), "kty": "RSA-HSM", "t": b"blob", "n": b"\1", "crv": "P-256"}


@pytest.mark.case("M12")
def test_bytes_stay_and_text_is_base64url() -> None:
    jwk = JsonWebKey(kty="oct", k=b"\xfb\xff", n="-_8", e="AQAB==", x=bytearray(b"x"), y=memoryview(b"y"))
    assert (jwk.k, jwk.n, jwk.e, jwk.x, jwk.y) == (b"\xfb\xff", b"\xfb\xff", b"\1\0\1", b"x", b"y")


@pytest.mark.case("E4")
@pytest.mark.parametrize("text", ["A", "AQ=B", "+/8", "A Q", "AQAB\n", "AQABA", "é"])
def test_text_that_is_not_base64url_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="'n' is not base64url") as caught:
        JsonWebKey(n=text)
    assert repr(text) not in str(caught.value)


@pytest.mark.case("M12")
def test_unknown_keyword_is_refused() -> None:
    with pytest.raises(TypeError):
        JsonWebKey(modulus=b"1")  # type: ignore[call-arg]


def test_value_of_wrong_type_is_refused() -> None:
    with pytest.raises(TypeError, match="'n' must be bytes or base64url text, not int"):
        JsonWebKey(n=65537)  # type: ignore[arg-type]


def test_key_ops_are_copied() -> None:
    operations = ["sign"]
    jwk = JsonWebKey(key_ops=operations)
    operations.append("verify")
    assert jwk.key_ops == ["sign"]


def test_keys_are_equal_by_value() -> None:
    assert JsonWebKey(kty=KeyType.oct, k=b"1") == JsonWebKey(kty="oct", k=b"1")
    assert JsonWebKey(kty="oct", k=b"1") != JsonWebKey(kty="oct", k=b"2")
    assert JsonWebKey(alg="ML-DSA-44") != JsonWebKey()
    assert JsonWebKey(alg=SignatureAlgorithm.ml_dsa_44) == JsonWebKey(alg="ML-DSA-44")
    assert JsonWebKey(priv=b"1") != JsonWebKey(priv=b"2")
    assert JsonWebKey() != "JsonWebKey()"
    with pytest.raises(TypeError):
        hash(JsonWebKey())


@pytest.mark.case("D8")
def test_copies_are_equal() -> None:
    for duplicate in (copy.copy(rsa_key()), copy.deepcopy(rsa_key()), pickle.loads(pickle.dumps(rsa_key()))):
        assert duplicate == rsa_key()


@pytest.mark.case("I3")
@pytest.mark.parametrize(
    ("jwk", "text"),
    [
        (JsonWebKey(), "JsonWebKey(kid=None, kty=None)"),
        (JsonWebKey(kid="id", kty=KeyType.ec, crv=KeyCurveName.p_521), "JsonWebKey(kid='id', kty='EC', crv='P-521')"),
        (JsonWebKey(kty="RSA", n=b"\0\x80" + bytes(255)), "JsonWebKey(kid=None, kty='RSA', size=2048)"),
        (JsonWebKey(kty="oct", k=b"canary"), "JsonWebKey(kid=None, kty='oct', size=48, private parts not shown)"),
        (JsonWebKey(kty="AKP", alg="ML-DSA-44", pub=b"p"), "JsonWebKey(kid=None, kty='AKP', alg='ML-DSA-44')"),
        (
            JsonWebKey(kty="AKP", alg=SignatureAlgorithm.ml_dsa_65, priv=b"canary"),
            "JsonWebKey(kid=None, kty='AKP', alg='ML-DSA-65', private parts not shown)",
        ),
    ],
)
def test_repr_names_the_key_and_no_private_part(jwk: JsonWebKey, text: str) -> None:
    assert repr(jwk) == str(jwk) == f"{jwk}" == text


@pytest.mark.case("O2")
def test_import_loads_nothing_of_cryptography() -> None:
    program = (
        "import sys;"
        "from azure.keyvault.keys._jwk import JsonWebKey;"
        "from azure.keyvault.keys.crypto._local import load;"
        "from azure.keyvault.keys.crypto import _decision, _results;"
        "JsonWebKey(kty='RSA', n='AQAB');"
        "assert not [m for m in sys.modules if m.startswith('cryptography.hazmat.primitives.asymmetric')]"
    )
    subprocess.run([sys.executable, "-c", program], check=True, env={"PYTHONPATH": ":".join(sys.path)})


# The wire


def wire(**members: Any) -> SimpleNamespace:
    return SimpleNamespace(**{**dict.fromkeys(FIELDS), **members})


def test_key_is_taken_from_a_wire_model() -> None:
    jwk = JsonWebKey._from_wire(wire(kid="id", kty="RSA", n=b"\1", key_ops=["sign"]))
    assert vars(jwk) == {**dict.fromkeys(FIELDS), "kid": "id", "kty": "RSA", "n": b"\1", "key_ops": ["sign"]}
    akp = JsonWebKey._from_wire(wire(kty="AKP", alg="ML-DSA-44", pub=b"p"))
    assert (akp.alg, akp.pub) == ("ML-DSA-44", b"p")


def test_wire_fields_are_plain_and_only_those_set() -> None:
    jwk = JsonWebKey(kty=KeyType.oct_hsm, k=b"k", key_ops=[KeyOperation.wrap_key, "unwrapKey"])
    fields = jwk._to_wire_fields()
    assert fields == {"kty": "oct-HSM", "k": b"k", "key_ops": ["wrapKey", "unwrapKey"]}
    assert [type(value) for value in (fields["kty"], *fields["key_ops"])] == [str, str, str]


def ec_key(curve: str, **changes: Any) -> JsonWebKey:
    """Return a key whose private value, and whose padded forms, begin with zeros."""
    make = {"P-256": ec.SECP256R1, "P-384": ec.SECP384R1, "P-521": ec.SECP521R1}.get(curve, ec.SECP256K1)
    point = ec.derive_private_key(3, make()).public_key().public_numbers()
    x, y = (number.to_bytes(70, "big") for number in (point.x, point.y))
    return JsonWebKey(**{"kty": "EC", "crv": curve, "x": x.lstrip(b"\0"), "y": y, "d": b"\3", **changes})


@pytest.mark.parametrize(
    ("curve", "size"), [("P-256", 32), ("P-384", 48), ("P-521", 66), ("P-256K", 32), ("SECP256K1", 32)]
)
def test_ec_fields_have_the_full_length_on_the_wire(curve: str, size: int) -> None:
    key = ec_key(curve)
    fields = key._to_wire_fields()
    assert fields["crv"] == curve.replace("SECP256K1", "P-256K")
    assert [len(fields[name]) for name in "xyd"] == [size] * 3
    assert [number(fields[name]) for name in "xyd"] == [number(key.x or b""), number(key.y or b""), 3]


@pytest.mark.case("G7")
def test_curve_secp256k1_is_p_256k() -> None:
    assert ec_key("SECP256K1", d=None)._to_wire_fields()["crv"] == "P-256K"


@pytest.mark.case("J8", "J9")
@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"y": b"\2"}, "not a point on P-256"),
        ({"d": b"\0"}, "'d' is missing|'d' must be greater than 0"),
        ({"d": b"\xff" * 32}, "'d' must be greater than 0 and less than the order"),
        ({"d": b"\4"}, "'d' does not belong to 'x' and 'y'"),
    ],
    ids=["off the curve", "zero", "too large", "of another point"],
)
def test_ec_numbers_that_do_not_fit_together_are_not_sent(changes: dict[str, bytes], error: str) -> None:
    with pytest.raises(ValueError, match=error):
        ec_key("P-256", **changes)._to_wire_fields()


def test_key_that_is_half_made_can_be_shown() -> None:
    half = JsonWebKey.__new__(JsonWebKey)
    half.__dict__["kty"] = "RSA"
    assert repr(half) == "JsonWebKey(kid=None, kty='RSA')"


def test_ec_value_too_long_for_its_curve_is_refused() -> None:
    with pytest.raises(ValueError, match="'x' must have at most 32 bytes"):
        JsonWebKey(kty="EC", crv="P-256", x=b"\1" * 33, y=b"\2")._to_wire_fields()


@pytest.mark.case("K7")
@pytest.mark.parametrize("given", [{}, {"p": None}, {"q": None}, {"dp": None}, {"p": None, "q": None, "qi": None}])
def test_missing_rsa_parts_are_derived(given: dict[str, None]) -> None:
    fields = changed(rsa_key(), **given)._to_wire_fields()
    n, e, d, p, q, dp, dq, qi = (number(fields[name]) for name in ("n", "e", "d", "p", "q", "dp", "dq", "qi"))
    assert p * q == n
    assert (dp, dq) == (d % (p - 1), d % (q - 1))
    assert q * qi % p == 1
    assert pow(pow(3, e, n), d, n) == 3


@pytest.mark.case("K8")
def test_swapped_primes_and_wrong_crt_parts_are_put_right() -> None:
    swapped = changed(rsa_key(), p=rsa_key().q, q=rsa_key().p)._to_wire_fields()
    assert number(swapped["qi"]) == pow(number(rsa_key().p), -1, number(rsa_key().q))
    assert (swapped["dp"], swapped["dq"]) == (rsa_key().dq, rsa_key().dp)
    wrong = changed(rsa_key(), dp=b"\1", dq=b"\2", qi=b"\3")._to_wire_fields()
    assert {name: wrong[name] for name in ("dp", "dq", "qi")} == {
        name: getattr(rsa_key(), name) for name in ("dp", "dq", "qi")
    }


@pytest.mark.case("K6", "K8")
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"p": b"\3"}, "not the product"),
        ({"p": b"\1", "q": None}, "not the product"),
        ({"d": b"\3"}, "'d' does not belong"),
        ({"d": b"\3", "p": None, "q": None}, "'d' does not belong"),
        ({"d": None}, "'d' must be a private exponent"),
        ({"d": b""}, "'d' must be a private exponent"),
        ({"n": None}, "needs 'n' and 'e'"),
        ({"e": b"\2"}, "'e' must be odd"),
        ({"e": b"\1"}, "'e' must be odd"),
        ({"n": bytes(255) + b"\x80\0"}, "'n' is even"),
    ],
)
def test_rsa_numbers_that_do_not_belong_together_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        changed(rsa_key(), **changes)._to_wire_fields()


def test_transfer_blob_is_sent_as_it_is() -> None:
    jwk = JsonWebKey(kty="RSA-HSM", t=b"blob", key_ops=["import"])
    assert jwk._to_wire_fields() == {"kty": "RSA-HSM", "t": b"blob", "key_ops": ["import"]}


@pytest.mark.case("J4")
def test_ec_key_of_every_curve_survives_the_wire() -> None:
    for curve in (ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1(), ec.SECP256K1()):
        jwk = JsonWebKey.from_cryptography(ec.generate_private_key(curve))
        fields = jwk._to_wire_fields()
        assert JsonWebKey(**fields) == jwk


@pytest.mark.case("K6")
@pytest.mark.parametrize("missing", ["n", "e"])
def test_rsa_key_needs_modulus_and_exponent(missing: str) -> None:
    members: dict[str, Any] = {"kty": "RSA", "n": b"\xff" * 256, "e": b"\1\0\1", missing: None}
    with pytest.raises(ValueError, match="needs 'n' and 'e'"):
        JsonWebKey(**members).to_pem()


@pytest.mark.case("K6")
@pytest.mark.parametrize(
    ("bits", "accepted"), [(2047, False), (2048, True), (16384, True), (16385, False)], ids=lambda value: str(value)
)
def test_rsa_modulus_has_so_many_bits(bits: int, accepted: bool) -> None:
    from azure.keyvault.keys._jwk.rsa import public_numbers

    modulus = (1 << (bits - 1)) + 1
    key = JsonWebKey(kty="RSA", n=modulus.to_bytes((bits + 7) // 8, "big"), e=b"\1\0\1")
    if accepted:
        assert public_numbers(key, 2048).n == modulus
    else:
        with pytest.raises(ValueError, match=f"must have 2048 to 16384 bits, not {bits}"):
            public_numbers(key, 2048)
