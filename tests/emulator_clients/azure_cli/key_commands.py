"""What people do with ``az keyvault key``, and what has to come of it.

``python key_commands.py PYTHON [DIRECTORY]`` runs all with the azure-cli of another environment, and prints a table of
the commands. Packages in the directory go before those of the environment.
"""

from __future__ import annotations

import base64
import hashlib
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from az import Az, Emulated
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

DIGEST = hashlib.sha256(b"42 crates of tea").digest()
DIGEST_TEXT = base64.b64encode(DIGEST).decode()
SHA256 = utils.Prehashed(hashes.SHA256())
VAULT = ("--vault-name", "localhost")
HSM = ("--hsm-name", "localhost")


def create_and_show(az: Az) -> None:
    """Create keys, show them by name and by id, list them, and change their attributes."""
    made = az("keyvault key create", *VAULT, "--name", "tea", "--kty", "RSA", "--size", "3072", "--tags", "team=blue",
              "--ops", "sign", "verify", "encrypt", "decrypt", "--expires", "2199-01-02T03:04:05Z",
              "--not-before", "2020-01-02")  # fmt: skip
    assert (made["key"]["kty"], made["tags"]) == ("RSA", {"team": "blue"})
    assert made["key"]["keyOps"] == ["sign", "verify", "encrypt", "decrypt"]
    assert len(base64.b64decode(made["key"]["n"])) == 3072 // 8
    assert made["attributes"]["expires"] == "2199-01-02T03:04:05+00:00"
    assert made["attributes"]["notBefore"] == "2020-01-02T00:00:00+00:00"
    assert made["attributes"]["recoverableDays"] == 90
    shown = az("keyvault key show", *VAULT, "--name", "tea")
    assert shown == made
    assert az("keyvault key show", "--id", made["key"]["kid"]) == made
    curve = az("keyvault key create", *VAULT, "--name", "mate", "--kty", "EC", "--curve", "P-384", "--disabled")
    assert (curve["key"]["crv"], curve["attributes"]["enabled"]) == ("P-384", False)
    changed = az("keyvault key set-attributes", *VAULT, "--name", "mate", "--enabled", "true", "--ops", "sign",
                 "--tags", "team=red")  # fmt: skip
    assert (changed["attributes"]["enabled"], changed["key"]["keyOps"]) == (True, ["sign"])
    assert changed["tags"] == {"team": "red"}
    hardware = az("keyvault key create", *VAULT, "--name", "chai", "--protection", "hsm")
    assert (hardware["key"]["kty"], hardware["attributes"]["hsmPlatform"]) == ("RSA-HSM", "2")
    listed = az("keyvault key list", *VAULT)
    assert [item["name"] for item in listed] == ["chai", "mate", "tea"]
    assert listed[2]["attributes"]["enabled"] is True
    assert listed[2]["kid"].endswith("/keys/tea")
    assert len(az("keyvault key list", *VAULT, "--maxresults", "2")) == 2
    error = az("keyvault key show", *VAULT, "--name", "none", fails=True)
    assert "KeyNotFound" in error


def rotate(az: Az) -> None:
    """Rotate a key and give it a policy."""
    first = az("keyvault key show", *VAULT, "--name", "tea")
    second = az("keyvault key rotate", *VAULT, "--name", "tea")
    assert second["key"]["kid"] != first["key"]["kid"]
    versions = az("keyvault key list-versions", *VAULT, "--name", "tea")
    assert {item["kid"] for item in versions} == {first["key"]["kid"], second["key"]["kid"]}
    default = az("keyvault key rotation-policy show", *VAULT, "--name", "tea")
    assert default["lifetimeActions"][0]["timeBeforeExpiry"] == "P30D"
    policy = {
        "lifetimeActions": [
            {"trigger": {"timeAfterCreate": "P90D"}, "action": {"type": "Rotate"}},
            {"trigger": {"timeBeforeExpiry": "P20D"}, "action": {"type": "Notify"}},
        ],
        "attributes": {"expiryTime": "P2Y"},
    }
    given = az("keyvault key rotation-policy update", *VAULT, "--name", "tea", "--value", json.dumps(policy))
    assert given["expiresIn"] == "P2Y"
    assert [action["action"] for action in given["lifetimeActions"]] == ["Rotate", "Notify"]
    assert az("keyvault key rotation-policy show", *VAULT, "--name", "tea") == given


def use(az: Az) -> None:
    """Sign and verify, encrypt and decrypt; the results hold for ``cryptography`` too."""
    key = az("keyvault key show", *VAULT, "--name", "tea")["key"]
    public = rsa.RSAPublicNumbers(*(int.from_bytes(base64.b64decode(key[part]), "big") for part in "en")).public_key()
    signed = az("keyvault key sign", *VAULT, "--name", "tea", "--algorithm", "RS256", "--digest", DIGEST_TEXT)
    public.verify(base64.b64decode(signed["signature"]), DIGEST, padding.PKCS1v15(), SHA256)
    assert (signed["algorithm"], signed["keyId"]) == ("RS256", key["kid"])
    verify = ("keyvault key verify", *VAULT, "--name", "tea", "--algorithm", "RS256", "--digest", DIGEST_TEXT)
    assert az(*verify, "--signature", signed["signature"])["isValid"] is True
    assert az(*verify, "--signature", base64.b64encode(b"\0" * 384).decode())["isValid"] is False
    encrypt = ("keyvault key encrypt", *VAULT, "--name", "tea", "--algorithm", "RSA-OAEP-256")
    encrypted = az(*encrypt, "--data-type", "plaintext", "--value", "42 crates")
    assert len(base64.b64decode(encrypted["result"])) == 384
    decrypt = ("keyvault key decrypt", "--id", key["kid"], "--algorithm", "RSA-OAEP-256")
    assert az(*decrypt, "--data-type", "plaintext", "--value", encrypted["result"])["result"] == "42 crates"
    assert az(*decrypt, "--value", encrypted["result"])["result"] == base64.b64encode(b"42 crates").decode()


def take_in_and_out(az: Az, directory: Path) -> None:
    """Import keys in PEM, and download public ones."""
    for name, private in (
        ("cocoa", rsa.generate_private_key(65537, 2048)),
        ("juice", ec.generate_private_key(ec.SECP256R1())),
    ):
        pem = directory / f"{name}.pem"
        secret = serialization.BestAvailableEncryption(b"open sesame")
        pem.write_bytes(private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, secret))
        imported = az("keyvault key import", *VAULT, "--name", name, "--pem-file", pem, "--pem-password", "open sesame")
        assert imported["key"]["kty"] == ("RSA" if name == "cocoa" else "EC")
        assert imported["key"]["d"] is None
        for encoding, load in (("PEM", serialization.load_pem_public_key), ("DER", serialization.load_der_public_key)):
            file = directory / f"{name}.{encoding}"
            az("keyvault key download", *VAULT, "--name", name, "--file", file, "--encoding", encoding)
            assert load(file.read_bytes()) == private.public_key()


def delete(az: Az, directory: Path) -> None:
    """Back up, delete, recover, purge and restore."""
    backup = directory / "tea.backup"
    before = az("keyvault key show", *VAULT, "--name", "tea")
    az("keyvault key backup", *VAULT, "--name", "tea", "--file", backup)
    deleted = az("keyvault key delete", *VAULT, "--name", "tea")
    assert deleted["recoveryId"].endswith("/deletedkeys/tea")
    assert deleted["key"] == before["key"]
    assert wait_for(az, "keyvault key show-deleted", "tea")["deletedDate"] == deleted["deletedDate"]
    assert [item["name"] for item in az("keyvault key list-deleted", *VAULT)] == ["tea"]
    assert az("keyvault key recover", *VAULT, "--name", "tea")["key"] == before["key"]
    assert wait_for(az, "keyvault key show", "tea")["key"] == before["key"]
    az("keyvault key delete", *VAULT, "--name", "tea")
    wait_for(az, "keyvault key show-deleted", "tea")
    az("keyvault key purge", *VAULT, "--name", "tea")
    assert az("keyvault key list-deleted", *VAULT) == []
    assert az("keyvault key restore", *VAULT, "--file", backup)["key"] == before["key"]
    assert len(az("keyvault key list-versions", *VAULT, "--name", "tea")) == 2


def wait_for(az: Az, command: str, name: str) -> Any:
    """Run a command; the CLI does not wait for deletions and recoveries, so that it may be too early at first."""
    for _ in range(5):
        try:
            return az(command, *VAULT, "--name", name)
        except AssertionError:
            if "KeyNotFound" not in az.runs[-1].error:
                raise
            az.runs.pop()
    raise AssertionError(f"{command} is still too early")


def use_managed_hsm(az: Az, directory: Path) -> None:
    """Do what only a Managed HSM does."""
    made = az("keyvault key create", *HSM, "--name", "safe", "--kty", "oct-HSM", "--size", "256")
    assert (made["key"]["kty"], made["key"]["k"]) == ("oct-HSM", None)
    text = "0123456789abcdef"
    encrypt = ("keyvault key encrypt", *HSM, "--name", "safe", "--data-type", "plaintext", "--value", text)
    encrypted = az(*encrypt, "--algorithm", "A256GCM", "--aad", "00ff")
    assert encrypted["algorithm"] == "A256GCM"
    decrypted = az("keyvault key decrypt", *HSM, "--name", "safe", "--algorithm", "A256GCM", "--data-type", "plaintext",
                   "--value", encrypted["result"], "--iv", encrypted["iv"], "--tag", encrypted["tag"],
                   "--aad", "00ff")  # fmt: skip
    assert decrypted["result"] == text
    encrypted = az(*encrypt, "--algorithm", "A256CBC", "--iv", "00" * 16)
    assert encrypted["iv"] == "00" * 16
    assert len(base64.b64decode(az("keyvault key random", *HSM, "--count", "32")["value"])) == 32
    proof = az("keyvault key get-attestation", *HSM, "--name", "safe")
    assert proof["publicKeyAttestation"]
    assert [item["name"] for item in az("keyvault key list", *HSM)] == ["safe"]
    backup = directory / "safe.backup"
    az("keyvault key backup", *HSM, "--name", "safe", "--file", backup)
    az("keyvault key delete", *HSM, "--name", "safe")
    az("keyvault key purge", *HSM, "--name", "safe")
    assert az("keyvault key restore", *HSM, "--file", backup)["key"]["kid"] == made["key"]["kid"]


def name_by_id(az: Az, directory: Path) -> None:
    """Name keys and versions by their ids, import a key on the largest curve, and list in pages."""
    pem = directory / "rooibos.pem"
    private = ec.generate_private_key(ec.SECP521R1())
    plain = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    pem.write_bytes(private.private_bytes(*plain))
    made = az("keyvault key import", *VAULT, "--name", "rooibos", "--pem-file", pem, "--ops", "sign", "verify")
    kid = made["key"]["kid"]
    assert (made["key"]["crv"], len(base64.b64decode(made["key"]["x"]))) == ("P-521", 66)
    digest = base64.b64encode(hashlib.sha512(b"42 crates of tea").digest()).decode()
    signed = az("keyvault key sign", "--id", kid, "--algorithm", "ES512", "--digest", digest)
    verify = ("keyvault key verify", "--id", kid, "--algorithm", "ES512", "--digest", digest)
    assert az(*verify, "--signature", signed["signature"])["isValid"] is True
    bare = kid.rpartition("/")[0]
    rotated = az("keyvault key rotate", "--id", bare)
    assert az("keyvault key show", "--id", bare)["key"]["kid"] == rotated["key"]["kid"]
    assert len(az("keyvault key list-versions", "--id", bare, "--maxresults", "1")) == 1
    assert az("keyvault key set-attributes", "--id", kid, "--tags", "team=red")["tags"] == {"team": "red"}
    assert len(az("keyvault key list", *VAULT, "--maxresults", "1", "--include-managed", "true")) == 1
    recovery_id = az("keyvault key delete", "--id", bare)["recoveryId"]
    wait_for(az, "keyvault key show-deleted", "rooibos")
    assert az("keyvault key show-deleted", "--id", recovery_id)["recoveryId"] == recovery_id
    assert len(az("keyvault key list-deleted", *VAULT, "--maxresults", "1")) == 1
    assert az("keyvault key recover", "--id", recovery_id)["key"]["kid"] == rotated["key"]["kid"]
    wait_for(az, "keyvault key show", "rooibos")
    az("keyvault key delete", "--id", bare)
    wait_for(az, "keyvault key show-deleted", "rooibos")
    az("keyvault key purge", "--id", recovery_id)
    policy = directory / "policy.json"
    condition = {"claim": "trusted", "equals": "true"}
    allowed = {"authority": "https://attest.example", "allOf": [condition]}
    policy.write_text(json.dumps({"version": "1.0.0", "anyOf": [allowed]}))
    made = az("keyvault key create", *VAULT, "--name", "honeybush", "--kty", "RSA-HSM", "--exportable", "true",
              "--policy", policy)  # fmt: skip
    assert made["attributes"]["exportable"] is True
    assert "attest.example" in json.dumps(az("keyvault key show", *VAULT, "--name", "honeybush")["releasePolicy"])


def use_managed_hsm_further(az: Az) -> None:
    """Encrypt with AES-CBC and data beside it, which the HSM takes, and list in pages, whose links have no version."""
    made = az("keyvault key create", *HSM, "--name", "chest", "--kty", "oct-HSM", "--size", "128",
              "--ops", "encrypt", "decrypt", "wrapKey")  # fmt: skip
    assert sorted(made["key"]["keyOps"]) == ["decrypt", "encrypt", "wrapKey"]
    common = ("--id", made["key"]["kid"], "--iv", "0f" * 16, "--aad", "00ff", "--data-type", "plaintext")
    for algorithm, text in (("A128CBC", "0123456789abcdef"), ("A128CBCPAD", "42 crates")):
        encrypted = az("keyvault key encrypt", *common, "--algorithm", algorithm, "--value", text)
        decrypt = ("keyvault key decrypt", *common, "--algorithm", algorithm)
        assert az(*decrypt, "--value", encrypted["result"])["result"] == text
    curve = az("keyvault key create", *HSM, "--name", "purse", "--kty", "EC-HSM", "--curve", "P-521")
    assert set(curve["key"]["keyOps"]) == {"sign", "verify", "deriveKey"}
    assert len(az("keyvault key list", *HSM, "--maxresults", "2")) == 2
    assert {item["name"] for item in az("keyvault key list", *HSM)} == {"safe", "chest", "purse"}
    az("keyvault key create", *HSM, "--name", "chest", "--kty", "oct-HSM")
    assert len(az("keyvault key list-versions", *HSM, "--name", "chest", "--maxresults", "1")) == 1
    error = az(
        "keyvault key encrypt", *HSM, "--name", "purse", "--algorithm", "RSA-OAEP", "--value", "AAAA", fails=True
    )
    assert "encrypt" in error


def run_all(python: Path, directory: Path, packages: Path | None = None) -> Emulated:
    """Run everything, and return what knows of every command.

    :raises AssertionError: a command failed, or its result is not what it has to be; the table has been printed.
    """
    with Emulated(python, directory, packages) as emulated:
        try:
            create_and_show(emulated.vault)
            rotate(emulated.vault)
            use(emulated.vault)
            take_in_and_out(emulated.vault, directory)
            delete(emulated.vault, directory)
            name_by_id(emulated.vault, directory)
            use_managed_hsm(emulated.hsm, directory)
            use_managed_hsm_further(emulated.hsm)
        except BaseException:
            print(emulated.table())
            raise
        return emulated


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        python, *packages = map(Path, sys.argv[1:])
        print(run_all(python, Path(temporary), *packages).table())
