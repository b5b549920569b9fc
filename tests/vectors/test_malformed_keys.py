"""The keys of cryptography-vectors, good and bad: each is read, or refused with a ``ValueError`` that keeps secrets."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from importlib.resources import files

import cryptography
import pytest

from azure.keyvault.keys import JsonWebKey
from azure.keyvault.keys.crypto._local import load

ROOT = files("cryptography_vectors")
FOLDERS = [
    "asymmetric/DER_Serialization",
    "asymmetric/EC",
    "asymmetric/OpenSSH",
    "asymmetric/PEM_Serialization",
    "asymmetric/PKCS8",
    "asymmetric/Traditional_OpenSSL_Serialization",
    "pkcs12",
    "x509",
    "x509/custom",
]


# Earlier releases of cryptography than these leave the file to OpenSSL, which is laxer.
LAXER_BEFORE = {
    "enc-rsa-pkcs8-pbkdf2-0iter.pem": 50,
    "truncated-private-key.der": 50,
}
VERSION = int(cryptography.__version__.split(".")[0])


def is_lax(name: str) -> bool:
    return LAXER_BEFORE.get(name, 0) > VERSION


def key_files(folder: str) -> Iterator[tuple[str, bytes]]:
    for file in (ROOT / folder).iterdir():
        if file.is_file() and not file.name.endswith((".txt", ".pub", ".sh", ".py")):
            yield file.name, file.read_bytes()


def read(data: bytes, password: str | None = None) -> JsonWebKey:
    return (JsonWebKey.from_pem if b"-----BEGIN" in data else JsonWebKey.from_der)(data, password)


@pytest.mark.case("K11")
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("folder", FOLDERS)
def test_key_file_is_read_or_refused(folder: str, tally: Counter[str]) -> None:
    for name, data in key_files(folder):
        jwk, message = None, ""
        try:
            jwk = read(data)
        except ValueError as error:
            message = str(error)
        tally["read" if jwk else "refused"] += 1
        assert not any(line in message for line in data.decode("latin-1").splitlines() if len(line) > 20), name
        if jwk is None:
            continue
        again = JsonWebKey.from_der(jwk.to_der(private=jwk.d is not None))
        assert again == jwk, name


BAD = {
    "asymmetric/PKCS8": [
        "bad-encryption-oid.pem",
        "bad-oid-dsa-key.pem",
        "ec-inconsistent-curve.pem",
        "ec-inconsistent-curve2.pem",
        "ec-invalid-private-scalar.pem",
        "ec-invalid-version.pem",
        "enc-rsa-pkcs8-pbkdf2-0iter.pem",
        "enc-unknown-algorithm.pem",
        "enc-unknown-kdf.pem",
        "invalid-version.der",
        "unknown-oid.der",
        "unenc-dsa-pkcs8.pem",
        "wrong-pem-delimiter-rsa.pem",
    ],
    "asymmetric/EC": ["ec-missing-curve.pem", "secp128r1_private_key.pem", "truncated-private-key.der"],
    "asymmetric/PEM_Serialization": ["dsa_public_key.pem", "rsa-bad-1025-q-is-2.pem"],
    "asymmetric/Traditional_OpenSSL_Serialization": [
        "dsa-wrong-version.pem",
        "key1-malformed-dek-info.pem",
        "key1-malformed-iv.pem",
        "key1-no-dek-info.pem",
        "key1-short-iv.pem",
        "rsa-wrong-version.pem",
    ],
    "asymmetric/OpenSSH": ["dsa-nopsw.key", "ed25519-nopsw.key"],
}


@pytest.mark.case("J9", "K11")
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("folder", "name"), [(folder, name) for folder, names in BAD.items() for name in names])
def test_malformed_or_foreign_key_is_refused(folder: str, name: str, tally: Counter[str]) -> None:
    if is_lax(name):
        tally["left to OpenSSL"] += 1
        pytest.skip(f"cryptography {VERSION} leaves this to OpenSSL")
    data = (ROOT / folder / name).read_bytes()
    # Several of these are encrypted, with this password.
    for password in (None, "123456"):
        with pytest.raises(ValueError, match=r"can't be read|Key Vault|no key|not the product of the primes"):
            read(data, password)
    tally["refused"] += 1


GOOD = [
    ("asymmetric/PKCS8/unenc-rsa-pkcs8.pem", None, "RSA"),
    ("asymmetric/PKCS8/enc-rsa-pkcs8.pem", "foobar", "RSA"),
    ("asymmetric/PKCS8/enc2-rsa-pkcs8.pem", "baz", "RSA"),
    ("asymmetric/PKCS8/ec_private_key.pem", None, "EC"),
    ("asymmetric/PKCS8/ec_private_key_encrypted.pem", "123456", "EC"),
    ("asymmetric/DER_Serialization/enc-rsa-pkcs8.der", "foobar", "RSA"),
    ("asymmetric/DER_Serialization/unenc-rsa-pkcs8.der", None, "RSA"),
    ("asymmetric/DER_Serialization/testrsa.der", None, "RSA"),
    ("asymmetric/DER_Serialization/ec_private_key.der", None, "EC"),
    ("asymmetric/DER_Serialization/ec_private_key_encrypted.der", "123456", "EC"),
    ("asymmetric/PEM_Serialization/ec_private_key.pem", None, "EC"),
    ("asymmetric/PEM_Serialization/ec_private_key_encrypted.pem", "123456", "EC"),
    ("asymmetric/PEM_Serialization/rsa_private_key.pem", "123456", "RSA"),
    ("asymmetric/Traditional_OpenSSL_Serialization/testrsa.pem", None, "RSA"),
    ("asymmetric/Traditional_OpenSSL_Serialization/testrsa-encrypted.pem", "password", "RSA"),
    ("asymmetric/OpenSSH/rsa-nopsw.key", None, "RSA"),
    ("asymmetric/OpenSSH/ecdsa-nopsw.key", None, "EC"),
]


@pytest.mark.case("K11")
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("path", "password", "kty"), GOOD, ids=[path for path, _, _ in GOOD])
def test_private_key_file_gives_a_working_key(path: str, password: str | None, kty: str, tally: Counter[str]) -> None:
    data = (ROOT / path).read_bytes()
    jwk = read(data, password)
    assert jwk.kty == kty
    key = load(jwk, min_rsa_bits=512)
    assert key is not None
    assert key.has_private
    if password:
        with pytest.raises(ValueError, match="can't be read"):
            read(data, "wrong")
    tally["read"] += 1


@pytest.mark.case("K11")
@pytest.mark.parametrize("name", ["cert-key-aes256cbc.p12", "no-password.p12"])
def test_pkcs12_is_named_as_the_reason(name: str, tally: Counter[str]) -> None:
    data = (ROOT / "pkcs12" / name).read_bytes()
    for read_as in (JsonWebKey.from_der, JsonWebKey.from_pem):
        with pytest.raises(ValueError, match=re.escape("PKCS#12")):
            read_as(data)
    tally["refused"] += 1
