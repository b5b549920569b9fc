"""What a Managed HSM does differently, and what only it does."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.keywrap import aes_key_wrap, aes_key_wrap_with_padding

from .client import Api, EmulatorFactory, b64, unb64

_SECRET = bytes(range(32))


def _import_oct(hsm: Api, name: str, k: bytes, *key_ops: str) -> Any:
    jwk: dict[str, Any] = {"kty": "oct", "k": b64(k)}
    if key_ops:
        jwk["key_ops"] = list(key_ops)
    answer = hsm("PUT", f"/keys/{name}", {"key": jwk})
    assert answer.status == 200, answer.data
    return answer.json


def test_members_are_written_in_alphabetical_order(hsm: Api, name: str) -> None:
    bundle = hsm.create(name)
    assert list(bundle) == ["attributes", "key"]
    assert list(bundle["attributes"]) == sorted(bundle["attributes"])
    assert bundle["attributes"]["exportable"] is False


@pytest.mark.parametrize("kty", ["RSA", "EC", "oct"])
def test_key_types_become_hsm_types(hsm: Api, name: str, kty: str) -> None:
    assert hsm.create(name, kty=kty)["key"]["kty"] == f"{kty}-HSM"


def test_errors_end_with_an_activity_id(hsm: Api) -> None:
    answer = hsm("GET", "/keys/nothing")
    assert answer.message.startswith(f"Key not found: {hsm.vault.url}/keys/nothing (Activity ID: ")
    assert answer.headers["x-ms-request-id"] in answer.message
    deleted = hsm("GET", "/deletedkeys/nothing").message
    assert deleted.startswith(f"Key not found: {hsm.vault.url}/deletedkeys/nothing (Activity ID: ")


def test_headers_are_those_of_a_managed_hsm(hsm: Api) -> None:
    headers = hsm("GET", "/keys").headers
    assert headers["X-Frame-Options"] == "SAMEORIGIN"
    assert headers["Content-Security-Policy"] == "default-src 'self'"
    assert "x-ms-server-latency" in headers


def test_delete_and_recover_are_visible_at_once(hsm: Api, name: str) -> None:
    hsm.create(name)
    hsm("DELETE", f"/keys/{name}")
    assert hsm("GET", f"/deletedkeys/{name}").status == 200
    hsm("POST", f"/deletedkeys/{name}/recover")
    assert hsm("GET", f"/keys/{name}").status == 200
    hsm("DELETE", f"/keys/{name}")
    purged = hsm("DELETE", f"/deletedkeys/{name}")
    assert (purged.status, purged.data, purged.headers["Content-Length"]) == (204, b"", "0")
    assert purged.headers["Content-Type"] == "application/json; charset=utf-8"


@pytest.mark.case("L12")
def test_symmetric_key_shows_neither_value_nor_size(hsm: Api, name: str) -> None:
    key = hsm.create(name, kty="oct-HSM", key_size=128)["key"]
    assert sorted(key) == ["key_ops", "kid", "kty"]
    everything = ["decrypt", "deriveKey", "encrypt", "sign", "unwrapKey", "verify", "wrapKey"]
    assert sorted(key["key_ops"]) == everything
    newest = hsm.at("2026-04-01")("GET", f"/keys/{name}").json
    assert newest["attributes"]["key_size"] == 128


def test_symmetric_key_of_odd_size_is_refused(hsm: Api, name: str) -> None:
    answer = hsm("POST", f"/keys/{name}/create", {"kty": "oct", "key_size": 64})
    assert answer.message.startswith("Invalid key size: '64' (Activity ID: ")


def test_symmetric_import_over_64_bytes_is_refused(hsm: Api, name: str) -> None:
    _import_oct(hsm, name, b"k" * 64)
    answer = hsm("PUT", f"/keys/{name}", {"key": {"kty": "oct", "k": b64(b"k" * 65)}})
    assert answer.message.startswith("JSON Web Key: k property of oct key is too large, maximum size is 64")


@pytest.mark.parametrize("bits", [128, 192, 256])
def test_gcm_reply_is_decrypted_by_cryptography(hsm: Api, name: str, bits: int) -> None:
    kid = _import_oct(hsm, name, _SECRET[: bits // 8])["key"]["kid"]
    body = {"alg": f"A{bits}GCM", "value": b64(b"hello"), "aad": b64(b"with")}
    sealed = hsm("POST", f"/keys/{name}/encrypt", body).json
    assert sorted(sealed) == ["aad", "alg", "iv", "kid", "tag", "value"]
    iv, tag = unb64(sealed["iv"]), unb64(sealed["tag"])
    assert (len(iv), len(tag), sealed["aad"], sealed["kid"]) == (12, 16, body["aad"], kid)
    opened = AESGCM(_SECRET[: bits // 8]).decrypt(iv, unb64(sealed["value"]) + tag, b"with")
    assert opened == b"hello"
    request = {**body, "value": sealed["value"], "iv": sealed["iv"], "tag": sealed["tag"]}
    assert hsm("POST", f"/keys/{name}/decrypt", request).json["value"] == b64(b"hello")


@pytest.mark.case("L4")
@pytest.mark.parametrize(
    "change",
    [
        {"tag": None},
        {"tag": ""},
        {"tag": b64(b"t" * 12)},
        {"tag": b64(b"t" * 16)},
        {"iv": None},
        {"iv": b64(b"i" * 16)},
        {"aad": b64(b"x")},
    ],
    ids=str,
)
def test_gcm_with_wrong_tag_nonce_or_aad_is_refused(hsm: Api, name: str, change: dict[str, Any]) -> None:
    hsm.create(name, kty="oct", key_size=256)
    sealed = hsm("POST", f"/keys/{name}/encrypt", {"alg": "A256GCM", "value": "aGVsbG8"}).json
    body = {member: value for member, value in {**sealed, **change}.items() if value is not None and member != "kid"}
    assert hsm("POST", f"/keys/{name}/decrypt", body).error == (400, "BadParameter", None)


@pytest.mark.case("L8")
@pytest.mark.parametrize("algorithm", ["A128CBC", "A192CBC", "A256CBC", "A128CBCPAD", "A192CBCPAD", "A256CBCPAD"])
def test_cbc_needs_an_iv_of_16_bytes_and_returns_it(hsm: Api, name: str, algorithm: str) -> None:
    hsm.create(name, kty="oct", key_size=int(algorithm[1:4]))
    body = {"alg": algorithm, "value": b64(b"sixteen bytes...")}
    for iv in (None, "", b64(b"i" * 12)):
        refused = hsm("POST", f"/keys/{name}/encrypt", body if iv is None else {**body, "iv": iv})
        assert refused.error == (400, "BadParameter", None)
    sealed = hsm("POST", f"/keys/{name}/encrypt", {**body, "iv": b64(b"i" * 16)}).json
    assert sorted(sealed) == ["alg", "iv", "kid", "value"]
    assert sealed["iv"] == b64(b"i" * 16)
    assert len(unb64(sealed["value"])) == (32 if algorithm.endswith("PAD") else 16)
    opened = hsm("POST", f"/keys/{name}/decrypt", {**body, "iv": sealed["iv"], "value": sealed["value"]}).json
    assert opened["value"] == body["value"]
    odd = hsm("POST", f"/keys/{name}/encrypt", {**body, "iv": sealed["iv"], "value": b64(b"hello")}).json
    opened = hsm("POST", f"/keys/{name}/decrypt", {**body, "iv": sealed["iv"], "value": odd["value"]}).json
    assert unb64(opened["value"]) == (b"hello" if algorithm.endswith("PAD") else b"hello".ljust(16, b"\0"))


@pytest.mark.case("L5")
def test_cbc_padding_and_length_errors_have_one_text(hsm: Api, name: str) -> None:
    _import_oct(hsm, name, _SECRET[:16])  # a fixed key: with a random one, one block in 256 has valid padding
    texts = {
        hsm(
            "POST", f"/keys/{name}/decrypt", {"alg": "A128CBCPAD", "iv": b64(bytes(16)), "value": b64(value)}
        ).message.split(" (")[0]
        for value in (b"", b"x" * 15, b"x" * 16, b"x" * 48)
    }
    assert texts == {"Unable to decrypt specified value with this key"}


@pytest.mark.case("L7")
@pytest.mark.parametrize(
    ("algorithm", "wrap"),
    [
        ("A256KW", aes_key_wrap),
        ("CKM_AES_KEY_WRAP", aes_key_wrap),
        ("CKM_AES_KEY_WRAP_PAD", aes_key_wrap_with_padding),
    ],
)
def test_key_wrap_is_that_of_the_rfc(hsm: Api, name: str, algorithm: str, wrap: Any) -> None:
    _import_oct(hsm, name, _SECRET)
    wrapped = hsm("POST", f"/keys/{name}/wrapkey", {"alg": algorithm, "value": b64(b"k" * 16)}).json
    assert unb64(wrapped["value"]) == wrap(_SECRET, b"k" * 16)
    opened = hsm("POST", f"/keys/{name}/unwrapkey", {"alg": algorithm, "value": wrapped["value"]}).json
    assert opened["value"] == b64(b"k" * 16)
    for value in (b"", b"x" * 7, b"x" * 24):
        refused = hsm("POST", f"/keys/{name}/unwrapkey", {"alg": algorithm, "value": b64(value)})
        assert refused.error == (400, "BadParameter", None)


@pytest.mark.case("L6")
def test_key_wrap_needs_a_key_of_its_size(hsm: Api, name: str) -> None:
    _import_oct(hsm, name, _SECRET)
    assert hsm("POST", f"/keys/{name}/wrapkey", {"alg": "A128KW", "value": b64(b"k" * 16)}).status == 400
    _import_oct(hsm, name, _SECRET[:17])
    assert hsm("POST", f"/keys/{name}/wrapkey", {"alg": "CKM_AES_KEY_WRAP", "value": b64(b"k" * 16)}).status == 400


@pytest.mark.parametrize("bits", [256, 384, 512])
def test_hmac_is_that_of_the_standard_library(hsm: Api, name: str, bits: int) -> None:
    _import_oct(hsm, name, _SECRET, "sign", "verify")
    digest = hashlib.new(f"sha{bits}", b"x").digest()
    body = {"alg": f"HS{bits}", "value": b64(digest)}
    signature = hsm("POST", f"/keys/{name}/sign", body).json["value"]
    assert unb64(signature) == hmac.digest(_SECRET, digest, f"sha{bits}")
    check = {"alg": f"HS{bits}", "digest": b64(digest), "value": signature}
    assert hsm("POST", f"/keys/{name}/verify", check).json["value"] is True
    assert hsm("POST", f"/keys/{name}/verify", {**check, "value": "AAAA"}).json["value"] is False


def test_random_bytes_have_the_requested_count(hsm: Api) -> None:
    values = {hsm("POST", "/rng", {"count": 128}).json["value"] for _ in range(3)}
    assert {len(unb64(value)) for value in values} == {128}
    assert len(values) == 3
    for count in (0, 129, None, "16", 1.5):
        answer = hsm("POST", "/rng", {} if count is None else {"count": count})
        assert answer.error == (400, "BadParameter", None)
    assert hsm("POST", "/rng", {"count": 0}).message.startswith(
        "GetRandomBytesRequest: count cannot be greater than 128 or less than 1 (Activity ID: "
    )


@pytest.mark.parametrize("versioned", [True, False], ids=["version", "latest"])
def test_attestation_adds_to_the_attributes(hsm: Api, name: str, versioned: bool) -> None:
    kid = hsm.create(name)["key"]["kid"]
    path = kid.removeprefix(hsm.vault.url) if versioned else f"/keys/{name}"
    attestation = hsm("GET", f"{path}/attestation").json["attributes"]["attestation"]
    assert sorted(attestation) == ["certificatePemFile", "privateKeyAttestation", "publicKeyAttestation", "version"]
    assert "attestation" not in hsm("GET", f"/keys/{name}").json["attributes"]


def test_hsm_only_operations_are_unknown_to_a_vault(api: Api, name: str) -> None:
    api.create(name)
    newest = api.at("2026-04-01")
    assert newest("POST", "/rng", {"count": 1}).status == 404
    for path in (f"/keys/{name}/attestation", f"/keys/{name}/{'0' * 32}/attestation", f"/keys/{name}//attestation"):
        refused = newest("GET", path)
        assert refused.error == (400, "BadParameter", None)
        assert refused.message == "Method GET does not allow operation 'attestation'"
    hardware = newest("POST", f"/keys/{name}/create", {"kty": "oct-HSM"})
    assert hardware.error == (400, "BadParameter", None)
    assert hardware.message == "Property  has invalid value\r\n"
    oct_key = newest("POST", f"/keys/{name}/create", {"kty": "oct"})
    assert oct_key.error == (400, "BadParameter", "KeyTypeNotSupported")
    assert oct_key.message == "Invalid kty value: oct"


def test_external_key_keeps_its_id(hsm: Api, name: str) -> None:
    newest = hsm.at("2026-04-01")
    bundle = newest.create(name, kty="RSA-HSM", attributes={"external_key": {"id": "ekm-1"}})
    assert bundle["attributes"]["external_key"] == {"id": "ekm-1"}
    assert "external_key" not in hsm("GET", f"/keys/{name}").json["attributes"]
    bad = newest("POST", f"/keys/{name}/create", {"kty": "RSA", "attributes": {"external_key": {"id": "a_b"}}})
    assert bad.status == 400


def test_backup_of_a_foreign_hsm_is_refused(hsm: Api, start: EmulatorFactory, name: str, tmp_path: Any) -> None:
    hsm.create(name)
    other = start("7.6", managed_hsm=True, data_dir=tmp_path)
    answer = other("POST", "/keys/restore", hsm("POST", f"/keys/{name}/backup").json)
    assert answer.error == (400, "MalformedBackupBlob", None)
    assert answer.message.startswith("Backup blob belongs to a different crypto domain")


def test_public_exponent_is_chosen(hsm: Api, name: str) -> None:
    for exponent, encoded in ((3, b"\3"), (17, b"\x11"), (0, b"\1\0\1"), (257, b"\1\1")):
        key = hsm.create(name, kty="RSA", public_exponent=exponent)["key"]
        assert (key["e"], len(unb64(key["n"]))) == (b64(encoded), 256)
        assert unb64(hsm("POST", f"/keys/{name}/rotate").json["key"]["e"]) == encoded
        sealed = hsm("POST", f"/keys/{name}/encrypt", {"alg": "RSA-OAEP-256", "value": "aGVsbG8"}).json
        opened = hsm("POST", f"/keys/{name}/decrypt", {"alg": "RSA-OAEP-256", "value": sealed["value"]}).json
        assert opened["value"] == "aGVsbG8"
    for exponent in (4, 1, -3):
        assert hsm("POST", f"/keys/{name}/create", {"kty": "RSA", "public_exponent": exponent}).status == 400


def test_every_reply_is_json_in_utf8(hsm: Api) -> None:
    answer = hsm("GET", "/keys")
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    assert isinstance(json.loads(answer.data), dict)


def test_deleted_symmetric_key_is_listed_without_its_size(start: EmulatorFactory) -> None:
    newest = start("2026-04-01", managed_hsm=True)
    newest.create("safe", kty="oct-HSM")
    [listed] = newest("GET", "/keys").json["value"]
    assert listed["attributes"]["key_size"] == 256
    newest("DELETE", "/keys/safe")
    [deleted] = newest("GET", "/deletedkeys").json["value"]
    assert "key_size" not in deleted["attributes"]


def test_lists_are_in_the_order_of_creation_and_of_deletion(start: EmulatorFactory) -> None:
    hsm = start("7.4", managed_hsm=True)
    names = ["tea", "ale", "mate", "chai"]
    for name in names:
        hsm.create(name)
    versions = [hsm.create("mate")["key"]["kid"] for _ in range(3)]

    def listed(path: str) -> list[str]:
        found, pages = [], 0
        while path:
            page = hsm("GET", path).json
            found += [item["kid"] for item in page["value"]]
            path, pages = page.get("nextLink", "").removeprefix(hsm.vault.url), pages + 1
            assert "api-version" not in path
        assert pages > 1
        return found

    assert [kid.rpartition("/")[2] for kid in listed("/keys?maxresults=1")] == names
    assert listed("/keys/mate/versions?maxresults=2")[1:] == versions
    for name in reversed(names):
        hsm("DELETE", f"/keys/{name}")
    assert [kid.rpartition("/")[2] for kid in listed("/deletedkeys/?maxresults=3")] == names[::-1]


@pytest.mark.parametrize(("identifier", "kty", "size"), [("a-key", "oct-HSM", 256), ("my-rsa", "RSA-HSM", None)])
def test_external_key_has_the_type_that_its_id_says(hsm: Api, name: str, identifier: str, kty: str, size: Any) -> None:
    newest = hsm.at("2026-04-01")
    body = {"attributes": {"external_key": {"id": identifier}}}
    made = newest("POST", f"/keys/{name}/create", body).json
    assert (made["key"]["kty"], made["attributes"].get("key_size")) == (kty, size)
    assert newest("POST", f"/keys/{name}/create", {}).status == 400
