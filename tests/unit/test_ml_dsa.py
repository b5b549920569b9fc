"""ML-DSA keys: their JSON Web Keys and key objects, and what becomes of them where ``cryptography`` has no ML-DSA.

Whether signatures are right is judged by tests/vectors/test_published_ml_dsa.py.
"""

from __future__ import annotations

import builtins
import json
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import pytest
from fixtures.keyring import needs_ml_dsa, private_jwk
from hypothesis import given, settings
from hypothesis import strategies as st

from azure.keyvault.keys import JsonWebKey
from azure.keyvault.keys._jwk.akp import PUBLIC_SIZES, AkpPrivate, is_usable
from azure.keyvault.keys._parameters import create_parameters, import_parameters
from azure.keyvault.keys.crypto import CryptographyClient, SignatureAlgorithm
from azure.keyvault.keys.crypto._decision import KeyFacts, decide
from azure.keyvault.keys.crypto._local import load
from azure.keyvault.keys.crypto._local.algorithms import signature as signature_row

PARAMETER_SETS = list(PUBLIC_SIZES)
SEED = bytes(range(32))

every_set = pytest.mark.parametrize("alg", PARAMETER_SETS)


def changed(jwk: JsonWebKey, **changes: Any) -> JsonWebKey:
    return JsonWebKey(**{**vars(jwk), **changes})


@pytest.fixture(params=["no module", "module without mu", "OpenSSL without ML-DSA"])
def without_ml_dsa(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A process whose ``cryptography``, or OpenSSL, has no ML-DSA or only a part of it."""
    from cryptography.exceptions import UnsupportedAlgorithm

    class Older:
        """Keys of cryptography 47 and 48."""

        @classmethod
        def from_seed_bytes(cls, seed: bytes) -> Any:
            if request.param != "module without mu":
                raise UnsupportedAlgorithm("ML-DSA is not supported by this backend")
            return object()

    class Module:
        MLDSA44PrivateKey = MLDSA65PrivateKey = MLDSA87PrivateKey = Older

    real = builtins.__import__

    def imported(name: str, *arguments: Any, **options: Any) -> Any:
        if name == "cryptography.hazmat.primitives.asymmetric" and "mldsa" in (arguments[2] or ()):
            if request.param == "no module":
                raise ImportError(name)
            return type("asymmetric", (), {"mldsa": Module})
        return real(name, *arguments, **options)

    is_usable.cache_clear()
    monkeypatch.setattr(builtins, "__import__", imported)
    yield
    monkeypatch.undo()
    is_usable.cache_clear()


@needs_ml_dsa
@every_set
def test_key_goes_through_every_form_and_comes_back(alg: str) -> None:
    jwk = private_jwk(f"AKP {alg}")
    assert (jwk.kty, jwk.alg, len(jwk.pub or b""), len(jwk.priv or b"")) == ("AKP", alg, PUBLIC_SIZES[alg], 32)
    public = JsonWebKey(kty="AKP", alg=alg, pub=jwk.pub)
    assert JsonWebKey.from_pem(jwk.to_pem(private=True)) == jwk
    assert JsonWebKey.from_der(jwk.to_der(private=True, password="secret"), "secret") == jwk
    assert JsonWebKey.from_json(jwk.to_json(private=True)) == jwk
    assert JsonWebKey.from_cryptography(jwk.to_cryptography(private=True)) == jwk
    for form in (
        JsonWebKey.from_pem(jwk.to_pem()),
        JsonWebKey.from_der(jwk.to_der()),
        JsonWebKey.from_json(jwk.to_json()),
        JsonWebKey.from_cryptography(jwk.to_cryptography()),
    ):
        assert form == public


@needs_ml_dsa
def test_json_has_the_members_of_jose_and_the_private_one_only_when_asked() -> None:
    jwk = private_jwk("AKP ML-DSA-44")
    jwk = changed(jwk, kty="AKP-HSM", kid="k", key_ops=["sign", "export"], alg=SignatureAlgorithm.ml_dsa_44)
    assert list(json.loads(jwk.to_json())) == ["kty", "kid", "alg", "pub"]
    assert json.loads(jwk.to_json(use="sig", alg="ML-DSA-44"))["alg"] == "ML-DSA-44"
    with pytest.raises(ValueError, match="'alg' 'ML-DSA-65' does not fit the key, which is for 'ML-DSA-44'"):
        jwk.to_json(alg="ML-DSA-65")
    document = json.loads(jwk.to_json(private=True))
    assert (document["kty"], document["alg"], document["key_ops"]) == ("AKP", "ML-DSA-44", ["sign"])
    assert list(document)[-1] == "priv"


def test_thumbprint_is_made_of_alg_kty_and_pub() -> None:
    """RFC 7638 section 3.2: the members that a public key of the type must have."""
    pub = bytes(1312)
    jwk = JsonWebKey(kty="AKP-HSM", alg="ML-DSA-44", pub=pub, key_ops=["sign"])
    assert jwk.thumbprint() == JsonWebKey(kty="AKP", alg="ML-DSA-44", pub=pub, priv=SEED).thumbprint()
    members = b'{"alg":"ML-DSA-44","kty":"AKP","pub":"' + urlsafe_b64encode(pub).rstrip(b"=") + b'"}'
    assert jwk.thumbprint() == urlsafe_b64encode(sha256(members).digest()).decode().rstrip("=")


@pytest.mark.case("J8")
@every_set
@pytest.mark.parametrize("size", [0, 1, 1311, 1313, 2593])
def test_public_key_of_a_wrong_length_is_refused(alg: str, size: int) -> None:
    jwk = JsonWebKey(kty="AKP", alg=alg, pub=bytes(size))
    with pytest.raises(ValueError, match=f"'pub' must have {PUBLIC_SIZES[alg]} bytes for {alg}, not {size}"):
        load(jwk)


@pytest.mark.case("J8")
@every_set
@pytest.mark.parametrize("size", [0, 31, 33, 64, 2560])
def test_private_key_that_is_no_seed_is_refused_and_not_taken_as_public(alg: str, size: int) -> None:
    jwk = JsonWebKey(kty="AKP", alg=alg, pub=bytes(PUBLIC_SIZES[alg]), priv=bytes(size))
    with pytest.raises(ValueError, match=f"'priv' must be the seed of 32 bytes, not {size} bytes"):
        load(jwk)


@pytest.mark.case("J8")
@needs_ml_dsa
@every_set
def test_seed_of_another_key_is_refused(alg: str) -> None:
    with pytest.raises(ValueError, match="'priv' does not belong to 'pub'"):
        load(changed(private_jwk(f"AKP {alg}"), priv=bytes(32)))


@pytest.mark.parametrize("alg", [None, "", "ML-DSA-1", "RS256"])
def test_parameter_set_that_is_unknown_is_left_to_the_service(alg: str | None) -> None:
    jwk = JsonWebKey(kty="AKP", alg=alg, pub=bytes(1312))
    assert load(jwk) is None
    with pytest.raises(ValueError, match="'alg' must be one of ML-DSA-44, ML-DSA-65, ML-DSA-87"):
        jwk.to_json()


@pytest.mark.case("I3")
def test_repr_of_the_private_key_shows_no_seed() -> None:
    assert "seed" not in repr(AkpPrivate("ML-DSA-44", b"", SEED))


@needs_ml_dsa
@every_set
def test_signature_made_here_is_valid_and_of_its_size(alg: str) -> None:
    client = CryptographyClient.from_jwk(private_jwk(f"AKP {alg}"))
    signed = client.sign(alg, b"message", context=b"context")
    assert (signed.performed, signed.algorithm) == ("local", SignatureAlgorithm(alg))
    assert len(signed.signature) == signature_row(alg).signature_size
    assert client.verify(alg, b"message", signed.signature, context=b"context").is_valid
    for message, options in ((b"message", {}), (b"Message", {"context": b"context"}), (b"message", {"context": b""})):
        assert not client.verify(alg, message, signed.signature, **options).is_valid
    assert not client.verify(alg, b"message", b"", context=b"context").is_valid
    with pytest.raises(ValueError, match="'der' is for EC signatures"):
        client.verify(alg, b"message", signed.signature, encoding="der")


@needs_ml_dsa
@pytest.mark.parametrize("data", [b"message", [b"mess", bytearray(b"age")], [], b""], ids=repr)
def test_sign_data_signs_the_message_itself(data: Any) -> None:
    client = CryptographyClient.from_jwk(private_jwk("AKP ML-DSA-44"))
    message = data if isinstance(data, bytes) else b"".join(data)
    signed = client.sign_data("ML-DSA-44", data, context=b"c")
    assert client.verify("ML-DSA-44", message, signed.signature, context=b"c").is_valid
    assert client.verify_data("ML-DSA-44", [message], signed.signature, context=b"c").is_valid
    assert not client.verify_data("ML-DSA-44", [message], signed.signature).is_valid


@pytest.mark.case("J2", "K10")
@needs_ml_dsa
@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=100) | st.sampled_from([2419, 2420, 2421]).map(bytes), st.booleans())
def test_any_bytes_as_signature_are_just_not_valid(signature: bytes, external: bool) -> None:
    client = CryptographyClient.from_jwk(JsonWebKey.from_json(private_jwk("AKP ML-DSA-44").to_json()))
    message, options = (None, {"external_mu": bytes(64)}) if external else (b"message", {})
    assert client.verify("ML-DSA-44", message, signature, **options).is_valid is False  # type: ignore[arg-type]


def test_key_without_cryptographys_ml_dsa_is_read_and_used_in_the_vault(without_ml_dsa: None) -> None:
    jwk = JsonWebKey(kty="AKP", alg="ML-DSA-44", pub=bytes(1312), priv=SEED)
    assert JsonWebKey.from_json(jwk.to_json(private=True)) == jwk
    row = signature_row("ML-DSA-44")
    for operation in ("sign", "verify"):
        assert decide("auto", KeyFacts.of(jwk), operation, row).outcome == "remote"
        assert decide("remote", KeyFacts.of(jwk), operation, row).outcome == "remote"
        refusal = decide("local", KeyFacts.of(jwk), operation, row)
        with pytest.raises(NotImplementedError, match="the installed cryptography, or its OpenSSL, has no ML-DSA"):
            raise refusal.error()
    # What does not fit the key is a mistake all the same.
    with pytest.raises(ValueError, match="ML-DSA-65 needs a key of ML-DSA-65, and the key is one of ML-DSA-44"):
        raise decide("auto", KeyFacts.of(jwk), "verify", signature_row("ML-DSA-65")).error()


def test_key_object_without_cryptographys_ml_dsa_is_refused_with_a_reason(without_ml_dsa: None) -> None:
    jwk = JsonWebKey(kty="AKP", alg="ML-DSA-44", pub=bytes(1312), priv=SEED)
    for write in (jwk.to_cryptography, jwk.to_pem, lambda: jwk.to_der(private=True)):
        with pytest.raises(ValueError, match="install cryptography 49 or later"):
            write()
    with pytest.raises(TypeError, match="must be an RSA, EC or ML-DSA key"):
        JsonWebKey.from_cryptography(object())  # type: ignore[arg-type]


# For the service


def test_create_names_the_algorithm() -> None:
    body = create_parameters("AKP", alg=SignatureAlgorithm.ml_dsa_65)
    assert (body.kty, body.alg, type(body.alg)) == ("AKP", "ML-DSA-65", str)
    assert create_parameters("AKP-HSM", alg="ML-DSA-87").alg == "ML-DSA-87"
    assert create_parameters("XYZ", alg="XYZ-1").alg == "XYZ-1"
    with pytest.raises(TypeError, match="alg must be text"):
        create_parameters("AKP", alg=65)  # type: ignore[arg-type]


@pytest.mark.parametrize("kty", ["RSA", "EC-HSM", "oct", "rsa"])
def test_create_with_an_algorithm_of_another_type_is_refused(kty: str) -> None:
    with pytest.raises(ValueError, match=f"alg is for keys of type AKP, and this one is to be of type {kty}"):
        create_parameters(kty, alg="ML-DSA-65")


def test_import_of_a_seed_is_refused_for_the_service_has_no_member_for_it() -> None:
    jwk = JsonWebKey(kty="AKP", alg="ML-DSA-44", pub=bytes(1312), priv=SEED)
    with pytest.raises(ValueError, match="does not accept an ML-DSA private key in the clear"):
        import_parameters(jwk)


def test_import_of_a_transfer_blob_is_sent() -> None:
    body = import_parameters(JsonWebKey(kty="AKP-HSM", alg=SignatureAlgorithm.ml_dsa_44, t=b"blob"))
    assert (body.key.kty, body.key.alg, body.key.t) == ("AKP-HSM", "ML-DSA-44", b"blob")
    assert type(body.key.alg) is str
