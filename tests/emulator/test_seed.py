"""Keys that are there from the start, and states that are exported and imported."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from azure.keyvault.keys.emulator import KeyVaultEmulator

from .client import Api, EmulatorFactory, b64, private_jwk

_DAY = 86400
_PROGRAM = [sys.executable, "-m", "azure.keyvault.keys.emulator"]


def _document() -> dict[str, Any]:
    return {
        "keys": [
            {
                "name": "invoices",
                "kty": "RSA",
                "key_size": 2048,
                "key_ops": ["sign", "verify"],
                "tags": {"team": "red"},
            },
            {
                "name": "receipts",
                "kty": "EC",
                "crv": "P-384",
                "versions": 3,
                "attributes": {"enabled": False, "exp": "P30D", "nbf": "2024-01-02T03:04:05Z"},
                "rotation_policy": {
                    "lifetimeActions": [{"trigger": {"timeAfterCreate": "P60D"}, "action": {"type": "Rotate"}}],
                    "attributes": {"expiryTime": "P90D"},
                },
            },
            {"name": "imported", "key": private_jwk("P-256")},
            {"name": "gone", "kty": "EC", "deleted": True},
        ]
    }


def _check(api: Api, imported: str) -> None:
    invoices = api("GET", "/keys/invoices").json
    assert (invoices["key"]["kty"], invoices["key"]["key_ops"]) == ("RSA", ["sign", "verify"])
    assert invoices["tags"] == {"team": "red"}
    attributes = api("GET", "/keys/receipts").json["attributes"]
    assert attributes["enabled"] is False
    assert attributes["nbf"] == 1704164645
    assert abs(attributes["exp"] - time.time() - 30 * _DAY) < 3600
    assert len(api("GET", "/keys/receipts/versions").json["value"]) == 3
    assert api("GET", "/keys/receipts/rotationpolicy").json["attributes"]["expiryTime"] == "P90D"
    assert api("GET", "/keys/imported").json["key"]["x"] == imported
    assert api("GET", "/deletedkeys/gone").status == 200


def test_keys_and_policies_are_there_from_the_start(start: EmulatorFactory, tmp_path: Path) -> None:
    document = _document()
    (tmp_path / "seed.json").write_text(json.dumps(document), "utf-8")
    for seed in (tmp_path / "seed.json", str(tmp_path / "seed.json"), document):
        api = start(seed=seed, deletion_delay=0)
        _check(api, document["keys"][2]["key"]["x"])
        assert list(api.vault.token_requests)[:-1] == []


def test_keys_of_a_seed_may_be_named_by_an_object(start: EmulatorFactory) -> None:
    api = start(seed={"keys": {"invoices": {"kty": "EC"}, "receipts": {"kty": "RSA"}}})
    assert [api("GET", f"/keys/{name}").json["key"]["kty"] for name in ("invoices", "receipts")] == ["EC", "RSA"]


def test_seed_is_an_option_of_the_command_line(tmp_path: Path) -> None:
    (tmp_path / "seed.json").write_text(json.dumps({"keys": [{"name": "invoices", "kty": "EC"}]}), "utf-8")
    script = (
        "import os\n"
        "from azure.identity import DefaultAzureCredential\n"
        "from azure.keyvault.keys import KeyClient\n"
        "with DefaultAzureCredential() as credential, KeyClient(os.environ['VAULT_URL'], credential) as client:\n"
        "    print([key.name for key in client.list_keys()])\n"
    )
    command = [*_PROGRAM, "run", "--seed", str(tmp_path / "seed.json"), "--", "python", "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "['invoices']\n"


def test_keys_that_are_there_stay_as_they_are(start: EmulatorFactory, tmp_path: Path) -> None:
    seed = {"keys": [{"name": "invoices", "kty": "EC"}, {"name": "gone", "kty": "EC"}]}
    api = start(seed=seed, data_dir=tmp_path)
    kid = api("GET", "/keys/invoices").json["key"]["kid"].removeprefix(api.vault.url)
    api("DELETE", "/keys/gone")
    api.vault.stop()
    again = start(seed=seed, data_dir=tmp_path)
    assert again("GET", "/keys/invoices").json["key"]["kid"].removeprefix(again.vault.url) == kid
    assert again("GET", "/keys/gone").status == 404


def test_every_vault_can_have_a_seed(start: EmulatorFactory) -> None:
    seed = {"keys": [{"name": "a", "kty": "EC"}], "vaults": {"billing": {"keys": [{"name": "b", "kty": "RSA"}]}}}
    api = start(seed=seed, vaults=("billing",))
    billing = Api(api.vault.vaults["billing"])
    assert [api("GET", f"/keys/{name}").status for name in "ab"] == [200, 404]
    assert [billing("GET", f"/keys/{name}").status for name in "ab"] == [404, 200]
    billing.close()


@pytest.mark.parametrize(
    ("seed", "message"),
    [
        ({"key": []}, "unknown member 'key'; known are 'keys' and 'vaults'"),
        ({"keys": 5}, '"keys" must be an array'),
        ({"keys": {"a": 5}}, r"keys\[0\]: a key must be an object"),
        ({"keys": [{"kty": "EC"}]}, r'keys\[0\]: a key must be an object with a "name"'),
        ({"keys": [{"name": "a", "kty": "EC", "cvr": "P-256"}]}, r"keys\[0\]: unknown member 'cvr' of 'a'"),
        ({"keys": [{"name": "a", "kty": "RSA", "key_size": 1}]}, r"keys\[0\]: Unsupported key size: 1"),
        ({"keys": [{"name": "a", "kty": "XYZ"}]}, r"keys\[0\]: Invalid kty value: XYZ"),
        ({"keys": [{"name": "a_b", "kty": "EC"}]}, r"keys\[0\]: The request URI contains an invalid name: a_b"),
        ({"keys": [{"name": "a", "kty": "EC", "versions": 0}]}, r'keys\[0\]: "versions" must be 1 to 1000'),
        ({"keys": [{"name": "a", "kty": "EC", "attributes": {"exp": "soon"}}]}, r"keys\[0\]: exp must be seconds"),
        ({"vaults": {"billing": {}}}, "there is no vault 'billing'"),
        ({"format": "other"}, "not an exported state"),
    ],
    ids=[
        "member",
        "array",
        "object",
        "nameless",
        "typo",
        "size",
        "type",
        "name",
        "versions",
        "date",
        "vault",
        "format",
    ],
)
def test_what_is_wrong_in_a_seed_is_said(seed: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        KeyVaultEmulator(seed=seed).start()


def test_seed_that_is_no_json_or_not_there_is_said(tmp_path: Path) -> None:
    (tmp_path / "seed.json").write_text("{", "utf-8")
    for path, status, message in (("seed.json", 2, "is not JSON"), ("nothing.json", 1, "No such file")):
        command = [*_PROGRAM, "--port", "0", "--seed", str(tmp_path / path)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == status
        assert message in done.stderr
        assert "Traceback" not in done.stderr


@pytest.mark.parametrize("durable", [False, True], ids=["memory", "directory"])
def test_exported_state_brings_everything_back(start: EmulatorFactory, tmp_path: Path, durable: bool) -> None:
    options = {"data_dir": tmp_path} if durable else {}
    api = start(seed=_document(), deletion_delay=0, **options)
    signature = api("POST", "/keys/imported/sign", {"alg": "ES256", "value": b64(b"1" * 32)}).json["value"]
    paths = ("/keys", "/deletedkeys", "/keys/receipts/versions", "/keys/receipts/rotationpolicy", "/keys/imported")
    before = [api("GET", path).json for path in paths]
    state = json.loads(json.dumps(api.vault.export_state()))
    for name in ("invoices", "imported"):
        api("DELETE", f"/keys/{name}")
    api.create("another")
    api.vault.import_state(state)
    assert [api("GET", path).json for path in paths] == before
    body = {"alg": "ES256", "digest": b64(b"1" * 32), "value": signature}
    assert api("POST", "/keys/imported/verify", body).json == {"value": True}
    if durable:
        api.vault.stop()
        api = start(data_dir=tmp_path)
        assert api("GET", "/keys/another").status == 404
        assert api("POST", "/keys/imported/verify", body).json == {"value": True}


def test_exported_state_is_a_seed(start: EmulatorFactory, tmp_path: Path) -> None:
    api = start()
    kid = api.create("invoices")["key"]["kid"].removeprefix(api.vault.url)
    (tmp_path / "state.json").write_text(json.dumps(api.vault.export_state()), "utf-8")
    again = start(seed=tmp_path / "state.json")
    assert again("GET", "/keys/invoices").json["key"]["kid"].removeprefix(again.vault.url) == kid


def test_state_of_another_kind_or_damaged_is_refused_and_changes_nothing(start: EmulatorFactory) -> None:
    api, hsm = start(), start("7.6", managed_hsm=True)
    api.create("invoices")
    state = api.vault.export_state()
    with pytest.raises(ValueError, match="state of a managed-hsm and cannot be imported into a vault"):
        api.vault.import_state(hsm.vault.export_state())
    damaged = json.loads(json.dumps(state))
    del damaged["keys"][0]["versions"][0]["private"]
    for wrong in (damaged, {}, {**state, "keys": 5}):
        with pytest.raises(ValueError, match="exported state"):
            api.vault.import_state(wrong)
    assert api("GET", "/keys/invoices").status == 200


def test_requests_can_be_sliced(start: EmulatorFactory) -> None:
    api = start()
    for name in "abc":
        api("GET", f"/keys/{name}")
    assert [request.path for request in api.vault.requests[-2:]] == ["/keys/b", "/keys/c"]
    assert [request.path for request in api.vault.requests[::2]] == ["/keys/a", "/keys/c"]
    assert api.vault.requests[5:] == []
    assert api.vault.requests[-1].path == "/keys/c"
