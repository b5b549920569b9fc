"""RSA keys of a vault as RSA keys of cryptography."""

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
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from fixtures.keyring import Keyring, private_jwk
from fixtures.targets import Target, Traffic

from azure.keyvault.keys import KeyClient
from azure.keyvault.keys.crypto import CryptographyClient, KeyVaultRSAPrivateKey, KeyVaultRSAPublicKey
from azure.keyvault.keys.emulator import KeyVaultEmulator

DATA = b"to be signed"
HASHES = {"SHA256": hashes.SHA256(), "SHA384": hashes.SHA384(), "SHA512": hashes.SHA512()}
SHA1, SHA256 = hashes.SHA1(), hashes.SHA256()


def pss(algorithm: hashes.HashAlgorithm, salt: Any = padding.PSS.DIGEST_LENGTH, mask: Any = None) -> padding.PSS:
    return padding.PSS(padding.MGF1(mask or algorithm), salt)


def oaep(algorithm: hashes.HashAlgorithm, label: bytes | None = None, mask: Any = None) -> padding.OAEP:
    return padding.OAEP(padding.MGF1(mask or algorithm), algorithm, label)


@pytest.fixture(scope="module")
def ring(keyring_of: Callable[[Target], Keyring], vault: Target) -> Keyring:
    return keyring_of(vault)


@pytest.fixture(params=["public part only", "with private part"])
def private(request: pytest.FixtureRequest, ring: Keyring, vault: Target) -> Any:
    """A private key whose operations run in the vault, or here."""
    key = (ring.imported if request.param == "public part only" else ring.with_private_part)("RSA 2048")
    with CryptographyClient(key, vault.credential, **vault.options) as client:
        yield client.create_rsa_private_key()


@pytest.fixture
def public(private: KeyVaultRSAPrivateKey) -> KeyVaultRSAPublicKey:
    return private.public_key()


@pytest.fixture(scope="module")
def native() -> rsa.RSAPrivateKey:
    """The same key without a vault."""
    key = private_jwk("RSA 2048").to_cryptography(private=True)
    assert isinstance(key, rsa.RSAPrivateKey)
    return key


@pytest.mark.case("K12")
@pytest.mark.parametrize("kind", [KeyVaultRSAPrivateKey, KeyVaultRSAPublicKey], ids=lambda kind: kind.__name__)
def test_class_implements_all_that_cryptography_asks_for(kind: Any) -> None:
    interface = rsa.RSAPrivateKey if kind is KeyVaultRSAPrivateKey else rsa.RSAPublicKey
    assert issubclass(kind, interface)
    assert not inspect.isabstract(kind)
    for name in interface.__abstractmethods__:
        theirs, ours = getattr(interface, name), getattr(kind, name)
        assert isinstance(ours, property) == isinstance(theirs, property), name
        if not isinstance(theirs, property) and name != "__eq__":
            assert list(inspect.signature(ours).parameters) == list(inspect.signature(theirs).parameters), name


@pytest.mark.case("K12")
def test_instances_are_what_cryptography_looks_for(
    private: KeyVaultRSAPrivateKey, public: KeyVaultRSAPublicKey
) -> None:
    assert isinstance(private, rsa.RSAPrivateKey)
    assert isinstance(public, rsa.RSAPublicKey)
    assert (private.key_size, public.key_size) == (2048, 2048)


@pytest.mark.parametrize("name", HASHES)
@pytest.mark.parametrize("scheme", ["PKCS1", "PSS"])
@pytest.mark.parametrize("hashed", [False, True], ids=["data", "digest"])
def test_signature_is_verified_by_cryptography_and_the_other_way(
    private: KeyVaultRSAPrivateKey, native: rsa.RSAPrivateKey, name: str, scheme: str, hashed: bool
) -> None:
    chosen = HASHES[name]
    pad = padding.PKCS1v15() if scheme == "PKCS1" else pss(chosen)
    data = hashlib.new(chosen.name, DATA).digest() if hashed else DATA
    algorithm = Prehashed(chosen) if hashed else chosen
    native.public_key().verify(private.sign(data, pad, algorithm), DATA, pad, chosen)
    private.public_key().verify(native.sign(DATA, pad, chosen), data, pad, algorithm)
    with pytest.raises(InvalidSignature):
        private.public_key().verify(native.sign(b"other", pad, chosen), data, pad, algorithm)


@pytest.mark.case("K15")
@pytest.mark.parametrize("signature", [b"", b"x", bytes(256), bytes(257)], ids=len)
def test_what_is_no_signature_is_an_invalid_one(public: KeyVaultRSAPublicKey, signature: bytes) -> None:
    with pytest.raises(InvalidSignature):
        public.verify(signature, DATA, padding.PKCS1v15(), SHA256)


@pytest.mark.parametrize(
    "salt", [padding.PSS.DIGEST_LENGTH, 32, padding.PSS.AUTO], ids=["digest length", "number", "auto"]
)
def test_salt_of_the_digests_length_may_be_said_in_every_way(
    public: KeyVaultRSAPublicKey, native: rsa.RSAPrivateKey, salt: Any
) -> None:
    public.verify(native.sign(DATA, pss(SHA256), SHA256), DATA, pss(SHA256, salt), SHA256)


def test_automatic_salt_does_not_accept_what_the_vault_would_not(
    public: KeyVaultRSAPublicKey, native: rsa.RSAPrivateKey
) -> None:
    signature = native.sign(DATA, pss(SHA256, 20), SHA256)
    with pytest.raises(InvalidSignature):
        public.verify(signature, DATA, pss(SHA256, padding.PSS.AUTO), SHA256)


REFUSED: dict[str, tuple[Any, Any]] = {
    "short salt": (pss(SHA256, 20), SHA256),
    "longest salt": (pss(SHA256, padding.PSS.MAX_LENGTH), SHA256),
    "no salt": (pss(SHA256, 0), SHA256),
    "salt of the key's size": (pss(SHA256, 222), SHA256),
    "mask with SHA-1": (pss(SHA256, mask=SHA1), SHA256),
    "mask with another hash": (pss(SHA512 := hashes.SHA512(), mask=SHA256), SHA512),
    "SHA-1": (padding.PKCS1v15(), SHA1),
    "SHA-1 digest": (padding.PKCS1v15(), Prehashed(SHA1)),
    "SHA-224": (pss(hashes.SHA224()), hashes.SHA224()),
    "SHA3": (padding.PKCS1v15(), hashes.SHA3_256()),
    "SHA-512/256": (padding.PKCS1v15(), hashes.SHA512_256()),
    "padding for encryption": (oaep(SHA256), SHA256),
    "no hash": (padding.PKCS1v15(), None),
}


@pytest.mark.case("K4", "K5", "K14")
@pytest.mark.parametrize("case", REFUSED)
def test_what_the_vault_cannot_sign_is_refused_without_a_request(
    private: KeyVaultRSAPrivateKey, traffic: Traffic, case: str
) -> None:
    pad, algorithm = REFUSED[case]
    with pytest.raises(UnsupportedAlgorithm):
        private.sign(bytes(20), pad, algorithm)
    with pytest.raises(UnsupportedAlgorithm):
        private.public_key().verify(bytes(256), bytes(20), pad, algorithm)
    assert len(traffic) == 0


@pytest.mark.case("K4")
def test_automatic_salt_is_for_verifying_only(private: KeyVaultRSAPrivateKey) -> None:
    with pytest.raises(UnsupportedAlgorithm, match="salt"):
        private.sign(DATA, pss(SHA256, padding.PSS.AUTO), SHA256)


@pytest.mark.case("J7")
def test_digest_of_another_length_is_refused(private: KeyVaultRSAPrivateKey, traffic: Traffic) -> None:
    with pytest.raises(ValueError, match="digest"):
        private.sign(b"short", padding.PKCS1v15(), Prehashed(SHA256))
    assert len(traffic) == 0


@pytest.mark.parametrize("pad", [None, "PKCS1", object()], ids=["none", "text", "object"])
def test_what_is_no_padding_is_a_type_error(private: KeyVaultRSAPrivateKey, pad: Any) -> None:
    for call in (
        lambda: private.sign(DATA, pad, SHA256),
        lambda: private.decrypt(bytes(256), pad),
        lambda: private.public_key().encrypt(DATA, pad),
    ):
        with pytest.raises(TypeError, match="padding"):
            call()


@pytest.mark.parametrize("data", [None, "text", 7, [1]], ids=str)
def test_data_that_is_no_bytes_is_a_type_error(private: KeyVaultRSAPrivateKey, data: Any) -> None:
    with pytest.raises(TypeError, match="data"):
        private.sign(data, padding.PKCS1v15(), SHA256)
    with pytest.raises(TypeError, match="data"):
        private.public_key().verify(bytes(256), data, padding.PKCS1v15(), SHA256)


PADDINGS = {"PKCS1": padding.PKCS1v15(), "OAEP": oaep(SHA1), "OAEP-256": oaep(SHA256), "empty label": oaep(SHA256, b"")}


@pytest.mark.parametrize("name", PADDINGS)
def test_what_one_encrypts_the_other_decrypts(
    private: KeyVaultRSAPrivateKey, native: rsa.RSAPrivateKey, name: str
) -> None:
    pad = PADDINGS[name]
    assert private.decrypt(native.public_key().encrypt(DATA, pad), pad) == DATA
    assert native.decrypt(private.public_key().encrypt(DATA, pad), pad) == DATA


@pytest.mark.parametrize(
    "pad",
    [oaep(SHA256, b"label"), oaep(SHA256, mask=SHA1), oaep(SHA1, mask=SHA256), oaep(hashes.SHA512()), pss(SHA256)],
    ids=["label", "mask with SHA-1", "mask with SHA-256", "SHA-512", "padding for signatures"],
)
def test_what_the_vault_cannot_encrypt_is_refused_without_a_request(
    private: KeyVaultRSAPrivateKey, traffic: Traffic, pad: Any
) -> None:
    with pytest.raises(UnsupportedAlgorithm):
        private.decrypt(bytes(256), pad)
    with pytest.raises(UnsupportedAlgorithm):
        private.public_key().encrypt(DATA, pad)
    assert len(traffic) == 0


def test_what_cannot_be_decrypted_is_a_value_error(private: KeyVaultRSAPrivateKey) -> None:
    with pytest.raises(ValueError):
        private.decrypt(b"\1" * 256, oaep(SHA256))


@pytest.mark.case("K9")
def test_plaintext_that_is_too_long_is_a_value_error(public: KeyVaultRSAPublicKey) -> None:
    with pytest.raises(ValueError, match="190 at most"):
        public.encrypt(bytes(191), oaep(SHA256))


def test_public_key_is_that_of_cryptography(public: KeyVaultRSAPublicKey, native: rsa.RSAPrivateKey) -> None:
    theirs = native.public_key()
    assert public.public_numbers() == theirs.public_numbers()
    for form in ((Encoding.PEM, PublicFormat.SubjectPublicKeyInfo), (Encoding.DER, PublicFormat.PKCS1)):
        assert public.public_bytes(*form) == theirs.public_bytes(*form)


def test_public_keys_are_equal_by_their_numbers(
    public: KeyVaultRSAPublicKey, native: rsa.RSAPrivateKey, private: KeyVaultRSAPrivateKey
) -> None:
    theirs, other = native.public_key(), private_jwk("RSA 3072").to_cryptography()
    assert public == private.public_key()
    assert public == theirs
    assert theirs == public
    assert public != other
    assert public != private.public_key().public_numbers()
    assert public.__eq__("key") is NotImplemented


def test_signed_data_is_recovered(public: KeyVaultRSAPublicKey, native: rsa.RSAPrivateKey) -> None:
    signature = native.sign(DATA, padding.PKCS1v15(), SHA256)
    assert public.recover_data_from_signature(signature, padding.PKCS1v15(), SHA256) == hashlib.sha256(DATA).digest()
    with pytest.raises(InvalidSignature):
        public.recover_data_from_signature(bytes(256), padding.PKCS1v15(), SHA256)


@pytest.mark.case("K12", "D8")
def test_copies_are_the_key_itself(private: KeyVaultRSAPrivateKey, public: KeyVaultRSAPublicKey) -> None:
    for key in (private, public):
        assert copy.copy(key) is key
        assert copy.deepcopy([key])[0] is key
        if key._material is not None and key._material.d is not None:
            with pytest.raises(TypeError, match="because of the private part of its key"):
                pickle.dumps(key)
        else:
            assert pickle.loads(pickle.dumps(key)).key_size == key.key_size


def test_private_part_that_is_here_is_given(ring: Keyring, vault: Target, native: rsa.RSAPrivateKey) -> None:
    with CryptographyClient(ring.with_private_part("RSA 2048"), vault.credential, **vault.options) as client:
        private = client.create_rsa_private_key()
    assert private.private_numbers() == native.private_numbers()
    form = (Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    assert private.private_bytes(*form) == native.private_bytes(*form)


def test_private_part_that_is_in_the_vault_is_not_given(ring: Keyring, vault: Target) -> None:
    with CryptographyClient(ring.imported("RSA 2048"), vault.credential, **vault.options) as client:
        private = client.create_rsa_private_key()
    with pytest.raises(ValueError, match=r"stays in the vault.*public_numbers\(\), and sign\(\) and decrypt\(\) work"):
        private.private_numbers()
    with pytest.raises(ValueError, match=r"stays in the vault.*public_bytes\(\). Give this object itself"):
        private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def test_copied_paddings_mean_what_the_originals_do(
    private: KeyVaultRSAPrivateKey, public: KeyVaultRSAPublicKey, native: rsa.RSAPrivateKey
) -> None:
    """Libraries copy them, as securesystemslib does, and a copy of ``PSS.DIGEST_LENGTH`` is another object."""
    for length in (padding.PSS.DIGEST_LENGTH, padding.PSS.AUTO):
        copied = copy.deepcopy(padding.PSS(padding.MGF1(SHA256), length))
        if length is padding.PSS.DIGEST_LENGTH:
            native.public_key().verify(private.sign(DATA, copied, SHA256), DATA, copied, SHA256)
        signature = native.sign(DATA, padding.PSS(padding.MGF1(SHA256), 32), SHA256)
        public.verify(signature, DATA, copied, SHA256)


def test_signer_and_verifier_are_not_implemented(private: KeyVaultRSAPrivateKey, public: KeyVaultRSAPublicKey) -> None:
    with pytest.raises(NotImplementedError, match=r"use sign\(\)"):
        private.signer(padding.PKCS1v15(), SHA256)
    with pytest.raises(NotImplementedError, match=r"use verify\(\)"):
        public.verifier(b"", padding.PKCS1v15(), SHA256)


@pytest.mark.case("K13")
@pytest.mark.parametrize("kind", ["EC P-256", "oct 256"])
@pytest.mark.parametrize("method", ["create_rsa_private_key", "create_rsa_public_key"])
def test_key_of_another_type_is_refused(kind: str, method: str) -> None:
    client = CryptographyClient.from_jwk(private_jwk(kind))
    with pytest.raises(ValueError, match=f"is of type {kind[:2]}"):
        getattr(client, method)()


def test_key_made_of_a_jwk_needs_no_vault() -> None:
    private = CryptographyClient.from_jwk(private_jwk("RSA 2048")).create_rsa_private_key()
    signature = private.sign(DATA, pss(SHA256), SHA256)
    private.public_key().verify(signature, DATA, pss(SHA256), SHA256)


def test_key_is_got_once_for_all_objects(ring: Keyring, vault: Target, traffic: Traffic) -> None:
    key = ring.imported("RSA 2048")
    traffic.restart()
    with CryptographyClient(key.id, vault.credential, **vault.options) as client:
        client.create_rsa_private_key().public_key().encrypt(DATA, padding.PKCS1v15())
        client.create_rsa_public_key().encrypt(DATA, padding.PKCS1v15())
    assert [request.method for request in traffic.calls] == ["GET"]


@pytest.mark.case("M6")
def test_key_that_may_not_be_read_signs_all_the_same(
    ring: Keyring, vault: Target, emulator: KeyVaultEmulator, native: rsa.RSAPrivateKey
) -> None:
    key = ring.imported("RSA 2048")
    emulator.permissions.deny("get")
    with CryptographyClient(key.id, vault.credential, **vault.options) as client:
        private = client.create_rsa_private_key()
        signature = private.sign(DATA, padding.PKCS1v15(), SHA256)
        native.public_key().verify(signature, DATA, padding.PKCS1v15(), SHA256)
        private.public_key().verify(signature, DATA, padding.PKCS1v15(), SHA256)
        for needy in (
            lambda: private.key_size,
            lambda: private.public_key().public_numbers(),
            lambda: private.public_key().public_bytes(Encoding.PEM, PublicFormat.PKCS1),
            lambda: private.private_numbers(),
        ):
            with pytest.raises(ValueError, match="may not be read"):
                needy()
        assert private.public_key() != native.public_key()


def test_recovery_does_not_pass_over_the_vault(ring: Keyring, vault: Target) -> None:
    key = ring.imported("RSA 2048")
    with CryptographyClient(key, vault.credential, execution="remote", **vault.options) as client:
        public = client.create_rsa_public_key()
        with pytest.raises(UnsupportedAlgorithm, match="passed over"):
            public.recover_data_from_signature(bytes(256), padding.PKCS1v15(), SHA256)


@pytest.mark.case("M4")
def test_operations_that_the_key_does_not_allow_are_refused(vault: Target, name: str) -> None:
    with KeyClient(vault.url, vault.credential, **vault.options) as client:
        key = client.create_rsa_key(name, key_operations=["verify"])
        private = client.get_cryptography_client(key).create_rsa_private_key()
        with pytest.raises(ValueError, match='does not allow the "sign"'):
            private.sign(DATA, padding.PKCS1v15(), SHA256)
