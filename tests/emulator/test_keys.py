"""Create, import, get, update, list, backup and restore."""

from __future__ import annotations

import base64
import json
import re

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.keywrap import aes_key_wrap_with_padding

from azure.keyvault.keys.emulator import KeyVaultEmulator

from .client import Api, EmulatorFactory, b64, private_jwk, unb64


def test_create_rsa_key_has_defaults_of_the_service(api: Api, name: str) -> None:
    bundle = api.create(name, kty="RSA")
    assert list(bundle) == ["key", "attributes"]
    assert list(bundle["key"]) == ["kid", "kty", "key_ops", "n", "e"]
    assert bundle["key"]["key_ops"] == ["encrypt", "decrypt", "sign", "verify", "wrapKey", "unwrapKey"]
    assert bundle["key"]["e"] == "AQAB"
    assert len(unb64(bundle["key"]["n"])) == 256
    assert re.fullmatch(re.escape(f"{api.vault.url}/keys/{name}/") + "[0-9a-f]{32}", bundle["key"]["kid"])
    attributes = bundle["attributes"]
    assert list(attributes) == ["enabled", "created", "updated", "recoveryLevel", "recoverableDays", "exportable"]
    assert attributes["created"] == attributes["updated"]
    assert (attributes["recoveryLevel"], attributes["recoverableDays"]) == ("Recoverable+Purgeable", 90)


@pytest.mark.parametrize(("size", "width"), [(2048, 256), (3072, 384), (4096, 512)])
def test_create_rsa_key_has_requested_size(api: Api, name: str, size: int, width: int) -> None:
    n = unb64(api.create(name, kty="RSA-HSM", key_size=size)["key"]["n"])
    assert len(n) == width
    assert n[0] >= 0x80


@pytest.mark.parametrize(
    ("curve", "width"), [("", 32), ("P-256", 32), ("P-256K", 32), ("P-384", 48), ("P-521", 66)], ids=repr
)
def test_create_ec_key_has_fixed_width_coordinates(api: Api, name: str, curve: str, width: int) -> None:
    key = api.create(name, kty="EC-HSM", crv=curve)["key"]
    assert list(key) == ["kid", "kty", "key_ops", "crv", "x", "y"]
    assert (key["kty"], key["crv"], key["key_ops"]) == ("EC-HSM", curve or "P-256", ["sign", "verify"])
    assert len(unb64(key["x"])) == len(unb64(key["y"])) == width


def test_create_echoes_operations_dates_and_tags(api: Api, name: str) -> None:
    bundle = api.create(
        name, key_ops=["verify", "sign"], attributes={"exp": 1800000000, "nbf": 5, "enabled": False}, tags={"a ": "b"}
    )
    assert bundle["key"]["key_ops"] == ["verify", "sign"]
    assert list(bundle["attributes"])[:3] == ["enabled", "nbf", "exp"]
    assert (bundle["attributes"]["enabled"], bundle["attributes"]["exp"]) == (False, 1800000000)
    assert bundle["tags"] == {"a ": "b"}


def test_create_again_makes_a_new_latest_version_of_any_type(api: Api, name: str) -> None:
    first = api.create(name)
    second = api.create(name.upper(), kty="RSA")
    assert second["key"]["kid"].startswith(f"{api.vault.url}/keys/{name}/")
    assert api("GET", f"/keys/{name}").json == second
    assert api("GET", f"/keys/{name.upper()}/" + first["key"]["kid"].rsplit("/", 1)[1]).json == first


@pytest.mark.parametrize("path", ["/keys/{}", "/keys/{}/", "/keys//{}", "//keys/{}//"])
def test_get_latest_accepts_slashes(api: Api, name: str, path: str) -> None:
    bundle = api.create(name)
    assert api("GET", path.format(name)).json == bundle


def test_padded_exponent_is_an_option_for_hsm_keys(start: EmulatorFactory) -> None:
    api = start(padded_hsm_exponent=True)
    assert api.create("hsm", kty="RSA-HSM")["key"]["e"] == "AAEAAQ"
    assert api.create("soft", kty="RSA")["key"]["e"] == "AQAB"


@pytest.mark.parametrize("kind", ["RSA", "P-256", "P-384", "P-521", "secp256k1"])
def test_import_returns_public_members_only(api: Api, name: str, kind: str) -> None:
    jwk = private_jwk(kind)
    if kind == "secp256k1":
        jwk["crv"] = "P-256K"
    answer = api("PUT", f"/keys/{name}", {"key": {**jwk, "key_ops": ["verify", "sign"]}, "tags": {"from": "joserfc"}})
    assert answer.status == 200
    public = {member: value for member, value in jwk.items() if member in ("kty", "n", "e", "crv", "x", "y")}
    key = answer.json["key"]
    assert {member: key[member] for member in public} == public
    assert key["key_ops"] == ["verify", "sign"]
    assert not {"d", "p", "q", "dp", "dq", "qi"} & set(key)


def test_import_echoes_modulus_with_leading_zero(api: Api, name: str) -> None:
    jwk = private_jwk("RSA")
    for member in ("n", "p", "q", "dp", "dq", "qi"):
        jwk[member] = b64(b"\0" + unb64(jwk[member]))
    key = api("PUT", f"/keys/{name}", {"key": jwk}).json["key"]
    assert key["n"] == jwk["n"]
    assert len(unb64(key["n"])) == 257


def test_import_with_hsm_flag_makes_an_hsm_key(api: Api, name: str) -> None:
    assert api("PUT", f"/keys/{name}", {"key": private_jwk("P-256"), "Hsm": True}).json["key"]["kty"] == "EC-HSM"


def test_import_of_numbers_that_do_not_fit_is_refused(api: Api, name: str) -> None:
    jwk, other = private_jwk("RSA"), private_jwk("RSA")
    answer = api("PUT", f"/keys/{name}", {"key": {**jwk, "d": other["d"]}})
    assert answer.error == (400, "BadParameter", None)
    assert answer.message == "RSA key is not valid - cannot instantiate crypto service"


@pytest.mark.parametrize("missing", ["n", "e", "d", "p", "q", "dp", "dq", "qi"])
def test_import_without_a_member_is_refused(api: Api, name: str, missing: str) -> None:
    jwk = private_jwk("RSA")
    del jwk[missing]
    answer = api("PUT", f"/keys/{name}", {"key": jwk})
    assert answer.message == 'The property "key" must be a valid JsonWebKey object.'


@pytest.mark.parametrize("change", [{"d": b64(b"\0" * 32)}, {"x": b64(b"\1" * 32)}, {"crv": "P-384"}, {"y": "!"}])
def test_import_of_a_wrong_point_is_refused(api: Api, name: str, change: dict[str, str]) -> None:
    answer = api("PUT", f"/keys/{name}", {"key": {**private_jwk("P-256"), **change}})
    assert answer.error == (400, "BadParameter", None)


def test_update_replaces_what_is_given_and_keeps_the_rest(api: Api, name: str) -> None:
    before = api.create(name, attributes={"exp": 1800000000}, tags={"a": "1", "b": "2"})
    api.vault.clock.advance(2)
    after = api("PATCH", f"/keys/{name}/", {"attributes": {"enabled": False}, "tags": {"state": "frozen"}}).json
    assert after["tags"] == {"state": "frozen"}
    assert after["key"] == before["key"]
    assert after["attributes"]["exp"] == 1800000000
    assert after["attributes"]["enabled"] is False
    assert after["attributes"]["created"] == before["attributes"]["created"]
    assert after["attributes"]["updated"] > before["attributes"]["updated"]
    assert api("GET", f"/keys/{name}").json == after
    enabled = api("PATCH", f"/keys/{name}", {"attributes": {"enabled": True}, "key_ops": ["verify"]}).json
    assert (enabled["attributes"]["enabled"], enabled["key"]["key_ops"]) == (True, ["verify"])


def test_update_of_empty_tags_removes_them(api: Api, name: str) -> None:
    api.create(name, tags={"a": "1"})
    assert "tags" not in api("PATCH", f"/keys/{name}", {"tags": {}}).json


def test_get_of_unknown_key_and_version_tells_which(api: Api, name: str) -> None:
    missing = api("GET", f"/keys/{name}")
    assert missing.error == (404, "KeyNotFound", None)
    assert missing.message.startswith(f"A key with (name/id) {name} was not found in this key vault.")
    api.create(name)
    assert f"{name}/{'0' * 32}" in api("GET", f"/keys/{name}/{'0' * 32}").message


def test_list_shows_items_without_material(start: EmulatorFactory) -> None:
    api = start()
    api.create("beta", tags={"team": "blue"})
    api.create("Alpha")
    api("GET", "/keys/alpha")
    api.vault.mark_managed("alpha")
    assert api("GET", "/keys/alpha").json["managed"] is True
    body = api("GET", "/keys").json
    assert [item["kid"] for item in body["value"]] == [f"{api.vault.url}/keys/Alpha", f"{api.vault.url}/keys/beta"]
    assert list(body["value"][1]) == ["kid", "attributes", "tags"]
    assert body["value"][0]["managed"] is True
    assert body["nextLink"] is None


def test_versions_are_listed_by_their_text(api: Api, name: str) -> None:
    kids = {api.create(name)["key"]["kid"] for _ in range(6)}
    listed = [item["kid"] for item in api("GET", f"/keys/{name}/versions").json["value"]]
    assert listed == sorted(kids)


def test_versions_of_an_unknown_name_are_an_empty_list(api: Api, name: str) -> None:
    assert api("GET", f"/keys/{name}/versions").json == {"value": [], "nextLink": None}


def test_backup_restores_versions_and_times_into_another_vault(api: Api, start: EmulatorFactory, name: str) -> None:
    first = api.create(name, kty="RSA", tags={"a": "b"})
    latest = api.create(name)
    value = api("POST", f"/keys/{name}/backup").json["value"]
    assert value.startswith("JkF6dXJlS2V5VmF1bHRLZXlCYWNrdXBWMS5taWNyb3NvZnQuY29t")
    assert first["key"]["n"].encode() not in base64.urlsafe_b64decode(value + "==")
    assert api("POST", "/keys/restore", {"value": value}).error == (409, "Conflict", None)
    other = start()
    other.vault.clock.advance(1000)
    restored = other("POST", "/keys//restore", {"value": value}).json
    assert restored["key"]["kid"] == latest["key"]["kid"].replace(api.vault.url, other.vault.url)
    assert restored["attributes"] == latest["attributes"]
    version = first["key"]["kid"].rsplit("/", 1)[1]
    assert other("GET", f"/keys/{name}/{version}").json["tags"] == {"a": "b"}
    digest = {"alg": "ES256", "value": b64(b"1" * 32)}
    signature = other("POST", f"/keys/{name}/sign", digest).json["value"]
    verdict = api("POST", f"/keys/{name}/verify", {"alg": "ES256", "digest": digest["value"], "value": signature})
    assert verdict.json == {"value": True}


@pytest.mark.parametrize("blob", ["", b64(b"x"), b64(b"&AzureKeyVaultKeyBackupV1.microsoft.com"), "change"])
def test_restore_of_a_damaged_backup_is_refused(api: Api, name: str, blob: str) -> None:
    if blob == "change":
        api.create(name)
        value = bytearray(unb64(api("POST", f"/keys/{name}/backup").json["value"]))
        value[-60] ^= 1
        blob = b64(bytes(value))
    answer = api("POST", "/keys/restore", {"value": blob})
    assert answer.error == (400, "Malformed backup blob", None)
    assert answer.message == "Backup blob is corrupt."


def test_vault_without_soft_delete_deletes_at_once(start: EmulatorFactory) -> None:
    api = start(soft_delete=False)
    assert api.create("a")["attributes"]["recoveryLevel"] == "Purgeable"
    backup = api("POST", "/keys/a/backup").json
    deleted = api("DELETE", "/keys/a").json
    assert "recoveryId" not in deleted
    assert deleted["attributes"]["recoverableDays"] == 0
    assert api("GET", "/deletedkeys").error == (400, "BadParameter", None)
    assert api("POST", "/keys/restore", backup).status == 200


def test_standard_vault_refuses_hsm_keys(start: EmulatorFactory) -> None:
    api = start(premium=False)
    answer = api("POST", "/keys/a/create", {"kty": "RSA-HSM"})
    assert answer.error == (400, "BadParameter", "KeyTypeNotSupported")


def _transferred(api: Api, name: str, private: bytes) -> str:
    """Return the transfer blob of a key, wrapped for a new key-exchange key."""
    exchange = api.create(f"{name}-kek", kty="RSA-HSM", key_ops=["import"])["key"]
    numbers = [int.from_bytes(unb64(exchange[member]), "big") for member in ("e", "n")]
    oaep = padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None)
    ciphertext = rsa.RSAPublicNumbers(*numbers).public_key().encrypt(b"k" * 32, oaep)
    ciphertext += aes_key_wrap_with_padding(b"k" * 32, private)
    header = {"kid": exchange["kid"], "alg": "dir", "enc": "CKM_RSA_AES_KEY_WRAP"}
    blob = {"schema_version": "1.0.0", "header": header, "ciphertext": b64(ciphertext), "generator": "test"}
    return b64(json.dumps(blob).encode())


def _pkcs8(key: PrivateKeyTypes) -> bytes:
    return key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


@pytest.mark.parametrize("crv", [{"crv": "P-256"}, {}], ids=["named", "unnamed"])
def test_byok_import_unwraps_the_transferred_key(api: Api, name: str, crv: dict[str, str]) -> None:
    target = ec.generate_private_key(ec.SECP256R1())
    blob = _transferred(api, name, _pkcs8(target))
    key = api("PUT", f"/keys/{name}", {"key": {"kty": "EC-HSM", "key_hsm": blob, **crv}}).json["key"]
    assert int.from_bytes(unb64(key["x"]), "big") == target.public_key().public_numbers().x
    content = json.loads(unb64(blob))
    damaged = b64(json.dumps({**content, "ciphertext": content["ciphertext"][:-11]}).encode())
    answer = api("PUT", f"/keys/{name}", {"key": {"kty": "EC-HSM", "key_hsm": damaged, **crv}})
    assert answer.error == (400, "BadParameter", None)


_UNKNOWN_ALGORITHM = bytes.fromhex("302e020100300506032b657f042204200000000000000000000000000000000000000000000000")


@pytest.mark.parametrize(
    ("jwk", "private"),
    [
        ({"kty": "EC-HSM", "crv": "P-256"}, _pkcs8(ec.generate_private_key(ec.SECP224R1()))),
        ({"kty": "EC-HSM", "crv": "P-384"}, _pkcs8(ec.generate_private_key(ec.SECP256R1()))),
        ({"kty": "EC-HSM", "crv": "P-256"}, _pkcs8(ed25519.Ed25519PrivateKey.generate())),
        ({"kty": "EC-HSM", "crv": "P-256"}, _UNKNOWN_ALGORITHM + bytes(9)),
        ({"kty": "RSA-HSM"}, _pkcs8(rsa.generate_private_key(65537, 1024))),
    ],
    ids=["unsupported-curve", "another-curve", "another-type", "unknown-algorithm", "short-rsa"],
)
def test_byok_import_of_an_unfit_key_is_refused(api: Api, name: str, jwk: dict[str, str], private: bytes) -> None:
    answer = api("PUT", f"/keys/{name}", {"key": {**jwk, "key_hsm": _transferred(api, name, private)}})
    assert answer.error == (400, "BadParameter", None)
    assert api("GET", f"/keys/{name}").status == 404


def test_key_may_have_the_name_of_an_operation(api: Api) -> None:
    for name in ("restore", "create", "versions"):
        bundle = api.create(name)
        assert api("GET", f"/keys/{name}").json == bundle
        assert api("PATCH", f"/keys/{name}", {"tags": {"a": "b"}}).json["tags"] == {"a": "b"}
        assert api("PUT", f"/keys/{name}", {"key": private_jwk("P-256")}).status == 200
        assert api("DELETE", f"/keys/{name}").status == 200


def test_method_override_header_is_obeyed_on_post(api: Api, name: str) -> None:
    api.create(name)
    answer = api("POST", f"/keys/{name}", {"tags": {"a": "b"}}, **{"X-HTTP-METHOD": "PATCH"})
    assert answer.json["tags"] == {"a": "b"}


def test_extra_host_names_are_answered_under_their_own_name(start: EmulatorFactory) -> None:
    api = start(hostnames=("myvault.vault.test",))
    port = api.vault.url.rsplit(":", 1)[1]
    api.create("a")
    bundle = api("GET", "/keys/a", Host=f"myvault.vault.test:{port}").json
    assert bundle["key"]["kid"].startswith(f"https://myvault.vault.test:{port}/keys/a/")
    assert api("GET", "/keys/a", Host="attacker.test").json["key"]["kid"].startswith(f"{api.vault.url}/")


def test_emulator_needs_valid_options() -> None:
    for options in ({"retention_days": 6}, {"page_size": 26}, {"deletion_delay": -1}, {"latest_api_version": "9"}):
        with pytest.raises(ValueError, match=next(iter(options))):
            KeyVaultEmulator(**options)
