"""What is sent to another process: recipes without tokens and keys, of which everything is made once there."""

from __future__ import annotations

import io
import os
import pickle
import subprocess
import sys
from collections.abc import Callable

import pytest

pytest.importorskip("tink", reason="Tink is not installed (extra tink)")

import tink
from fixtures.targets import Target, Traffic
from tink import aead

from azure.keyvault.keys.crypto import CryptographyClient
from azure.keyvault.keys.emulator import KeyVaultEmulator
from azure.keyvault.keys.tink import AzureKmsAead, AzureKmsClient, DataKeys, encrypt_stream

DATA = b"a data key, 32 bytes long. 012345"


def test_key_that_arrives_shares_what_it_has_decrypted(
    uri: str, kms: Callable[[], AzureKmsClient], traffic: Traffic
) -> None:
    sent = pickle.dumps(kms().get_aead(uri))
    encrypted = kms().get_aead(uri).encrypt(DATA, b"")
    traffic.restart()
    assert [pickle.loads(sent).decrypt(encrypted, b"") for _ in range(20)] == [DATA] * 20
    assert [request.method for request in traffic.calls] == ["GET", "POST"]


def test_client_that_arrives_shares_its_keys(uri: str, kms: Callable[[], AzureKmsClient], traffic: Traffic) -> None:
    sent = pickle.dumps(kms())
    encrypted = [pickle.loads(sent).get_aead(uri).encrypt(DATA, b"") for _ in range(20)]
    assert [request.method for request in traffic.calls] == ["GET"]
    with pickle.loads(sent) as client:  # closing it closes nothing that others use
        assert client.get_aead(uri).decrypt(encrypted[0], b"") == DATA
    assert pickle.loads(sent).get_aead(uri).decrypt(encrypted[1], b"") == DATA


def test_data_keys_that_arrive_are_shared_and_new(uri: str, kms: Callable[[], AzureKmsClient]) -> None:
    keys = DataKeys(kms().get_aead(uri), max_messages=7)

    def header(keys: DataKeys) -> bytes:
        target = io.BytesIO()
        encrypt_stream(io.BytesIO(b"tea"), target, keys)
        return target.getvalue()[: 4 + int.from_bytes(target.getvalue()[:4], "big")]

    first = header(keys)
    sent = pickle.dumps(keys)
    assert first[60:80] not in sent
    there = [header(pickle.loads(sent)) for _ in range(7)]
    assert len(set(there)) == 1
    assert there[0] != first
    assert header(pickle.loads(sent)) != there[0]


def test_pickle_holds_no_token_and_no_data_key(
    uri: str, kms: Callable[[], AzureKmsClient], vault: Target, client_of: Callable[[str], CryptographyClient]
) -> None:
    key = kms().get_aead(uri)
    key.decrypt(key.encrypt(DATA, b""), b"")
    client = client_of(uri)
    other = AzureKmsAead(client, cache_size=3)
    other.decrypt(key.encrypt(DATA, b""), b"")
    for thing in (key, other, DataKeys(key)):
        sent = pickle.dumps(thing)
        assert DATA not in sent
        assert b"eyJ" not in sent


def test_key_that_is_not_the_vaults_does_not_travel() -> None:
    aead.register()
    local = tink.new_keyset_handle(aead.aead_key_templates.AES256_GCM).primitive(aead.Aead)
    with pytest.raises((TypeError, pickle.PicklingError)):
        pickle.dumps(DataKeys(local))


def test_process_that_was_started_anew_decrypts(emulated_vault: KeyVaultEmulator, name: str) -> None:
    """With the credential of azure-identity that a program has."""
    program = """
import io, os, pickle, subprocess, sys
from azure.identity import DefaultAzureCredential
from azure.keyvault.keys import KeyClient
from azure.keyvault.keys.tink import AzureKmsClient, DataKeys, encrypt_stream

url, name = os.environ["VAULT_URL"], sys.argv[1]
with DefaultAzureCredential() as credential, KeyClient(url, credential) as client:
    client.create_rsa_key(name)
    with AzureKmsClient(credential, allowed_suffixes=["localhost"]) as kms:
        keys = DataKeys(kms.get_aead(f"azure-kms://{url}/keys/{name}"))
        target = io.BytesIO()
        encrypt_stream(io.BytesIO(b"42 crates of tea"), target, keys)
        sys.stdout.buffer.write(pickle.dumps((keys, target.getvalue())))
"""
    environment = {**os.environ, **emulated_vault.environment}
    python = [sys.executable, "-W", "error", "-c"]
    one = subprocess.run([*python, program, name], env=environment, capture_output=True, timeout=60)
    assert one.returncode == 0, one.stderr
    reader = """
import io, pickle, sys
from azure.keyvault.keys.tink import decrypt_stream
keys, data = pickle.loads(sys.stdin.buffer.read())
decrypt_stream(io.BytesIO(data), sys.stdout.buffer, keys)
"""
    two = subprocess.run([*python, reader], env=environment, input=one.stdout, capture_output=True, timeout=60)
    assert (two.returncode, two.stdout) == (0, b"42 crates of tea"), two.stderr
