"""EC keys of a vault as EC keys of cryptography."""

from __future__ import annotations

import copy
import hashlib
import inspect
import pickle
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from fixtures.keyring import Keyring, private_jwk
from fixtures.targets import Target, Traffic

from azure.keyvault.keys import JsonWebKey, KeyVaultKey
from azure.keyvault.keys.crypto import CryptographyClient, KeyVaultECPrivateKey, KeyVaultECPublicKey
from azure.keyvault.keys.emulator import KeyVaultEmulator

DATA = b"to be signed"
CURVES: dict[str, tuple[type[ec.EllipticCurve], hashes.HashAlgorithm]] = {
    "P-256": (ec.SECP256R1, hashes.SHA256()),
    "P-384": (ec.SECP384R1, hashes.SHA384()),
    "P-521": (ec.SECP521R1, hashes.SHA512()),
    "P-256K": (ec.SECP256K1, hashes.SHA256()),
}
ALL_HASHES = (hashes.SHA1(), hashes.SHA256(), hashes.SHA384(), hashes.SHA512(), hashes.SHA3_256())


@pytest.fixture(scope="module")
def ring(keyring_of: Callable[[Target], Keyring], vault: Target) -> Keyring:
    return keyring_of(vault)


@pytest.fixture(params=CURVES)
def curve(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(params=["public part only", "with private part"])
def private(request: pytest.FixtureRequest, ring: Keyring, vault: Target, curve: str) -> Any:
    """A private key whose operations run in the vault, or here."""
    key = (ring.imported if request.param == "public part only" else ring.with_private_part)(f"EC {curve}")
    with CryptographyClient(key, vault.credential, **vault.options) as client:
        yield client.create_ec_private_key()


@pytest.fixture
def public(private: KeyVaultECPrivateKey) -> KeyVaultECPublicKey:
    return private.public_key()


@pytest.fixture
def native(curve: str) -> ec.EllipticCurvePrivateKey:
    """The same key without a vault."""
    key = private_jwk(f"EC {curve}").to_cryptography(private=True)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return key


@pytest.mark.case("K12")
@pytest.mark.parametrize("kind", [KeyVaultECPrivateKey, KeyVaultECPublicKey], ids=lambda kind: kind.__name__)
def test_class_implements_all_that_cryptography_asks_for(kind: Any) -> None:
    interface = ec.EllipticCurvePrivateKey if kind is KeyVaultECPrivateKey else ec.EllipticCurvePublicKey
    assert issubclass(kind, interface)
    assert not inspect.isabstract(kind)
    for name in interface.__abstractmethods__:
        theirs, ours = getattr(interface, name), getattr(kind, name)
        assert isinstance(ours, property) == isinstance(theirs, property), name
        if not isinstance(theirs, property) and name != "__eq__":
            assert list(inspect.signature(ours).parameters) == list(inspect.signature(theirs).parameters), name


@pytest.mark.case("K12")
def test_instances_are_what_cryptography_looks_for(
    private: KeyVaultECPrivateKey, public: KeyVaultECPublicKey, native: ec.EllipticCurvePrivateKey, curve: str
) -> None:
    assert isinstance(private, ec.EllipticCurvePrivateKey)
    assert isinstance(public, ec.EllipticCurvePublicKey)
    for key in (private, public):
        assert isinstance(key.curve, CURVES[curve][0])
        assert key.key_size == native.key_size


@pytest.mark.case("J11")
@pytest.mark.parametrize("hashed", [False, True], ids=["data", "digest"])
def test_signature_is_verified_by_cryptography_and_the_other_way(
    private: KeyVaultECPrivateKey, native: ec.EllipticCurvePrivateKey, curve: str, hashed: bool
) -> None:
    algorithm = CURVES[curve][1]
    data = hashlib.new(algorithm.name, DATA).digest() if hashed else DATA
    scheme = ec.ECDSA(Prehashed(algorithm) if hashed else algorithm)
    native.public_key().verify(private.sign(data, scheme), DATA, ec.ECDSA(algorithm))
    private.public_key().verify(native.sign(DATA, ec.ECDSA(algorithm)), data, scheme)
    with pytest.raises(InvalidSignature):
        private.public_key().verify(native.sign(b"other", ec.ECDSA(algorithm)), data, scheme)


@pytest.mark.case("K15")
@pytest.mark.parametrize("signature", [b"", b"x", bytes(64), b"\x30\x06\x02\x01\x01\x02\x01\x01"], ids=repr)
def test_what_is_no_signature_is_an_invalid_one(public: KeyVaultECPublicKey, curve: str, signature: bytes) -> None:
    with pytest.raises(InvalidSignature):
        public.verify(signature, DATA, ec.ECDSA(CURVES[curve][1]))


@pytest.mark.case("J6", "K14")
def test_other_hashes_than_the_curves_are_refused_without_a_request(
    private: KeyVaultECPrivateKey, public: KeyVaultECPublicKey, curve: str, traffic: Traffic
) -> None:
    for algorithm in ALL_HASHES:
        if algorithm.name == CURVES[curve][1].name:
            continue
        for chosen in (algorithm, Prehashed(algorithm)):
            with pytest.raises(UnsupportedAlgorithm, match=algorithm.name):
                private.sign(bytes(algorithm.digest_size), ec.ECDSA(chosen))
            with pytest.raises(UnsupportedAlgorithm, match=algorithm.name):
                public.verify(bytes(70), bytes(algorithm.digest_size), ec.ECDSA(chosen))
    assert len(traffic) == 0


def test_what_the_vault_does_not_have_is_refused_without_a_request(
    private: KeyVaultECPrivateKey, public: KeyVaultECPublicKey, native: ec.EllipticCurvePrivateKey, traffic: Traffic
) -> None:
    scheme: Any = object()
    with pytest.raises(UnsupportedAlgorithm, match="ECDSA"):
        private.sign(DATA, scheme)
    with pytest.raises(UnsupportedAlgorithm, match="ECDSA"):
        public.verify(bytes(70), DATA, scheme)
    with pytest.raises(UnsupportedAlgorithm, match="no key exchange: to agree on a secret"):
        private.exchange(ec.ECDH(), native.public_key())
    assert len(traffic) == 0


def test_deterministic_signature_is_refused_and_verified(
    private: KeyVaultECPrivateKey, public: KeyVaultECPublicKey, native: ec.EllipticCurvePrivateKey, curve: str
) -> None:
    algorithm = CURVES[curve][1]
    try:
        scheme = ec.ECDSA(algorithm, deterministic_signing=True)
        signature = native.sign(DATA, scheme)
    except UnsupportedAlgorithm:
        pytest.skip("this OpenSSL has no deterministic signatures")
    public.verify(signature, DATA, scheme)
    with pytest.raises(UnsupportedAlgorithm, match="deterministically"):
        private.sign(DATA, scheme)


@pytest.mark.case("J7")
def test_digest_of_another_length_is_refused(private: KeyVaultECPrivateKey, curve: str, traffic: Traffic) -> None:
    with pytest.raises(ValueError, match="digest"):
        private.sign(b"short", ec.ECDSA(Prehashed(CURVES[curve][1])))
    assert len(traffic) == 0


def test_public_key_is_that_of_cryptography(public: KeyVaultECPublicKey, native: ec.EllipticCurvePrivateKey) -> None:
    theirs = native.public_key()
    assert public.public_numbers() == theirs.public_numbers()
    for form in ((Encoding.PEM, PublicFormat.SubjectPublicKeyInfo), (Encoding.X962, PublicFormat.CompressedPoint)):
        assert public.public_bytes(*form) == theirs.public_bytes(*form)
    assert public == theirs
    assert theirs == public
    assert public != ec.generate_private_key(native.curve).public_key()
    assert public != "key"


@pytest.mark.case("K12", "D8")
def test_copies_are_the_key_itself(private: KeyVaultECPrivateKey, public: KeyVaultECPublicKey) -> None:
    for key in (private, public):
        assert copy.copy(key) is key
        assert copy.deepcopy([key])[0] is key
        if key._material is not None and key._material.d is not None:
            with pytest.raises(TypeError, match="because of the private part of its key"):
                pickle.dumps(key)
        else:
            assert pickle.loads(pickle.dumps(key)).key_size == key.key_size


def test_private_part_is_given_only_when_it_is_here(
    ring: Keyring, vault: Target, curve: str, native: ec.EllipticCurvePrivateKey
) -> None:
    form = (Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    with CryptographyClient(ring.with_private_part(f"EC {curve}"), vault.credential, **vault.options) as client:
        private = client.create_ec_private_key()
    assert private.private_numbers() == native.private_numbers()
    assert private.private_bytes(*form) == native.private_bytes(*form)
    with CryptographyClient(ring.imported(f"EC {curve}"), vault.credential, **vault.options) as client:
        private = client.create_ec_private_key()
    with pytest.raises(ValueError, match=r"stays in the vault. .*public"):
        private.private_numbers()
    with pytest.raises(ValueError, match=r"stays in the vault. .*public"):
        private.private_bytes(*form)


@pytest.mark.case("K13")
@pytest.mark.parametrize("kind", ["RSA 2048", "oct 256"])
@pytest.mark.parametrize("method", ["create_ec_private_key", "create_ec_public_key"])
def test_key_of_another_type_is_refused(kind: str, method: str) -> None:
    client = CryptographyClient.from_jwk(private_jwk(kind))
    with pytest.raises(ValueError, match=f"is of type {kind[:3]}"):
        getattr(client, method)()


@pytest.mark.case("K13")
@pytest.mark.parametrize("method", ["create_ec_private_key", "create_ec_public_key"])
def test_key_whose_curve_is_not_known_is_refused(
    ring: Keyring, vault: Target, emulator: KeyVaultEmulator, method: str
) -> None:
    key = ring.imported("EC P-256")
    emulator.permissions.deny("get")
    with (
        CryptographyClient(key.id, vault.credential, **vault.options) as client,
        pytest.raises(ValueError, match="read"),
    ):
        getattr(client, method)()
    strange = KeyVaultKey(key.id, JsonWebKey(kty="EC", crv="P-224", x=b"x", y=b"y"))
    with (
        CryptographyClient(strange, vault.credential, **vault.options) as client,
        pytest.raises(ValueError, match="P-224"),
    ):
        getattr(client, method)()
