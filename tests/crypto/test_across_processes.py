"""Stored results and clients in other processes: each test starts some, and an emulator serves them all."""

from __future__ import annotations

import asyncio
import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from fixtures import workers
from fixtures.targets import Target

from azure.keyvault.keys import KeyClient, KeyVaultKey, aio
from azure.keyvault.keys.crypto import CryptographyClient, KeyEncryptionKey, KeyResolver
from azure.keyvault.keys.crypto import aio as crypto_aio
from azure.keyvault.keys.emulator import KeyVaultEmulator

PROCESSES = 2


@pytest.fixture(scope="module")
def pool() -> Iterator[ProcessPoolExecutor]:
    """Processes that inherit nothing."""
    with ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")) as executor:
        yield executor


@pytest.fixture(scope="module")
def emulated_vault() -> Iterator[KeyVaultEmulator]:
    """An emulator of their own: that of the whole run may have forgotten its oldest requests for tokens."""
    with KeyVaultEmulator(deletion_delay=0.05) as emulator:
        yield emulator


@pytest.fixture(scope="module")
def vault(emulated_vault: KeyVaultEmulator) -> Target:
    return Target.emulated(emulated_vault)


@pytest.fixture
def client(vault: Target) -> Iterator[KeyClient]:
    with KeyClient(vault.url, vault.credential, **vault.options) as made:
        yield made


@pytest.fixture
def async_client(vault: Target) -> aio.KeyClient:
    """One that is only sent away: it is never opened here."""
    return aio.KeyClient(vault.url, vault.async_credential, **vault.options)


@pytest.fixture
def key(client: KeyClient, name: str) -> KeyVaultKey:
    return client.create_rsa_key(name)


def tokens_for(emulator: KeyVaultEmulator, seen: int) -> list[str]:
    """Return how the tokens were asked for since so many were seen."""
    return [request.grant for request in emulator.token_requests[seen:]]


def test_stored_results_are_read_after_three_rotations(
    pool: ProcessPoolExecutor, client: KeyClient, async_client: aio.KeyClient, key: KeyVaultKey, vault: Target
) -> None:
    """Every reader is a fresh client in another process than the writer; some have no client of the emulator's."""
    key_id = key.id.rpartition("/")[0]
    stored = pool.submit(workers.make_data_of, key_id, vault.credential, vault.options).result()
    for _ in range(3):
        newest = client.rotate_key(key)
    assert {result["kid"] for result in stored.values()} == {key.id}
    credential, async_credential, options = vault.credential, vault.async_credential, vault.options
    readers = [
        *(
            pool.submit(read, identifier, own, options, stored)
            for read, own in (
                (workers.read_with_identifier, credential),
                (workers.read_with_identifier_async, async_credential),
                (workers.read_with_identifier_async, credential),
            )
            for identifier in (key_id, key.id, newest.id)
        ),
        pool.submit(workers.read_with_name, client, key.name, stored),
        pool.submit(workers.read_with_name_async, async_client, key.name, stored),
        pool.submit(workers.read_with_resolver, credential, options, stored),
    ]
    assert [reader.result() for reader in readers] == [True] * len(readers)


@pytest.mark.parametrize("kind", ["sync", "aio"])
def test_many_tasks_share_a_client_and_its_token_in_each_process(
    pool: ProcessPoolExecutor, key: KeyVaultKey, vault: Target, emulator: KeyVaultEmulator, kind: str
) -> None:
    crypto: Any
    if kind == "sync":
        crypto, use = CryptographyClient(key.id, vault.credential, timeout=20, **vault.options), workers.use
    else:
        crypto = crypto_aio.CryptographyClient(key.id, vault.async_credential, timeout=20, **vault.options)
        use = workers.use_async
    seen = len(emulator.token_requests)
    found = [task.result() for task in [pool.submit(use, crypto) for _ in range(40)]]
    processes = {process for process, _, _ in found}
    assert os.getpid() not in processes
    assert len({(process, client) for process, client, _ in found}) == len(processes) <= PROCESSES
    assert {key_id for _, _, key_id in found} == {key.id}
    assert tokens_for(emulator, seen) == ["managed_identity"] * len(processes)


@pytest.mark.parametrize("kind", ["sync", "aio"])
def test_threads_of_a_process_share_it_too(
    pool: ProcessPoolExecutor, key: KeyVaultKey, vault: Target, emulator: KeyVaultEmulator, kind: str
) -> None:
    """Each thread of asyncio's test runs an event loop of its own, at the same time as the others."""
    crypto: Any = (
        CryptographyClient(key.id, vault.credential, timeout=21, **vault.options)
        if kind == "sync"
        else crypto_aio.CryptographyClient(key.id, vault.async_credential, timeout=21, **vault.options)
    )
    seen = len(emulator.token_requests)
    process, clients, key_ids = pool.submit(workers.use_in_threads, pickle.dumps(crypto)).result()
    assert process != os.getpid()
    assert (clients, key_ids) == (1, {key.id})
    # Event loops do not wait for each other: threads of asyncio may each ask once.
    assert len(tokens_for(emulator, seen)) == 1 if kind == "sync" else len(tokens_for(emulator, seen)) <= 16


def test_recipe_holds_no_token_and_no_challenge(key: KeyVaultKey, vault: Target, emulator: KeyVaultEmulator) -> None:
    """Also of clients that have worked for long."""
    with (
        KeyClient(vault.url, vault.credential, **vault.options) as client,
        CryptographyClient(key.id, vault.credential, **vault.options) as crypto,
    ):
        before = [pickle.dumps(client), pickle.dumps(crypto)]
        client.get_key(key.name)
        crypto.sign("RS256", workers.DIGEST)
        after = [pickle.dumps(client), pickle.dumps(crypto)]
    assert before == after
    for pickled in after:
        assert b"eyJ" not in pickled  # as every JWT begins
        assert b"Bearer" not in pickled
        assert emulator.tenant_id.encode() not in pickled
        assert b"PRIVATE" not in pickled


def test_key_clients_work_elsewhere(
    pool: ProcessPoolExecutor, client: KeyClient, async_client: aio.KeyClient, key: KeyVaultKey
) -> None:
    assert key.name in pool.submit(workers.list_names, client).result()
    assert key.name in pool.submit(workers.list_names_async, async_client).result()


def test_key_encryption_key_and_resolver_work_elsewhere(
    pool: ProcessPoolExecutor, client: KeyClient, key: KeyVaultKey, vault: Target
) -> None:
    """They stay with the version that they tell of, however often the key is rotated before they get there."""
    encryption_key = KeyEncryptionKey(client.get_cryptography_client(key.name), "RSA-OAEP-256")
    resolver = KeyResolver(vault.credential, **vault.options)
    client.rotate_key(key)
    for task in (
        pool.submit(workers.wrap, encryption_key),
        pool.submit(workers.resolve_and_wrap, resolver, key.id),
        pool.submit(workers.resolve_and_wrap, resolver, key.id),
    ):
        process, key_id, same = task.result()
        assert process != os.getpid()
        assert (key_id, same) == (key.id, True)


def test_key_objects_work_elsewhere_with_their_own_version(
    pool: ProcessPoolExecutor, client: KeyClient, key: KeyVaultKey, new_name: Any
) -> None:
    crypto = client.get_cryptography_client(key.name)
    rsa_key = crypto.create_rsa_private_key()
    ec_key = client.get_cryptography_client(client.create_ec_key(new_name()).name).create_ec_private_key()
    client.rotate_key(key)
    process, signature = pool.submit(workers.sign_object, rsa_key).result()
    assert process != os.getpid()
    public = rsa_key.public_key().public_numbers().public_key()
    public.verify(signature, b"message", padding.PKCS1v15(), hashes.SHA256())
    _, signature = pool.submit(workers.sign_object, ec_key).result()
    ec_key.public_key().public_numbers().public_key().verify(signature, b"message", ec.ECDSA(hashes.SHA256()))
    public_again = pickle.loads(pickle.dumps(rsa_key.public_key()))
    assert public_again.public_numbers() == rsa_key.public_key().public_numbers()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_child_of_a_fork_asks_the_emulator_as_any_other_process(key: KeyVaultKey, vault: Target) -> None:
    """It has a copy of the emulator's keys, and must not sign tokens that the emulator knows nothing of."""
    program = Path(__file__).with_name("forked_credential.py")
    subprocess.run([sys.executable, str(program)], check=True, timeout=60)


@pytest.mark.parametrize("kind", ["sync", "aio"])
def test_credential_of_the_emulator_travels(vault: Target, emulator: KeyVaultEmulator, kind: str) -> None:
    credential = pickle.loads(pickle.dumps(vault.credential if kind == "sync" else vault.async_credential))
    seen = len(emulator.token_requests)
    scope = f"{vault.url}/.default"
    for method in ("get_token", "get_token_info"):
        token = getattr(credential, method)(scope)
        assert (asyncio.run(token) if kind == "aio" else token).token.startswith("eyJ")
    assert tokens_for(emulator, seen) == ["in-process"] * 2  # this is the emulator's process
    assert repr(credential).count(emulator.environment["IDENTITY_HEADER"]) == 0


# With the credentials of azure-identity, in the environment of `run`

IDENTITY = """
import asyncio, pickle, sys
from multiprocessing import get_context
from azure.identity import ClientSecretCredential, DefaultAzureCredential, ManagedIdentityCredential
from azure.identity.aio import DefaultAzureCredential as AsyncDefaultAzureCredential
from azure.keyvault.keys import KeyClient, aio
sys.path.insert(0, sys.argv[1])
from fixtures import workers

if __name__ == "__main__":
    import os
    url = os.environ["VAULT_URL"]
    with get_context("spawn").Pool(1) as pool:
        for kind in (DefaultAzureCredential, ManagedIdentityCredential):
            with kind() as credential, KeyClient(url, credential) as client:
                key = client.create_rsa_key("orders")
                crypto = client.get_cryptography_client(key.name)
                crypto.sign("RS256", workers.DIGEST)
                token = credential.get_token(url + "/.default").token.encode()
                for sent in (client, crypto, crypto.create_rsa_private_key()):
                    pickled = pickle.dumps(sent)
                    assert token not in pickled and b"eyJ" not in pickled, kind
                found = pool.map(workers.use, [crypto] * 4)
                assert len({(process, client) for process, client, _ in found}) == 1, found
                assert {key_id for _, _, key_id in found} == {key.id}
        async def names():
            async with AsyncDefaultAzureCredential() as credential, aio.KeyClient(url, credential) as client:
                return await asyncio.to_thread(pool.apply, workers.list_names_async, (client,))
        assert asyncio.run(names()) == ["orders"]
"""


def test_credentials_of_azure_identity_travel_without_their_tokens(tmp_path: Path) -> None:
    pytest.importorskip("azure.identity")
    program = tmp_path / "identity.py"
    program.write_text(IDENTITY, "utf-8")
    command = [sys.executable, "-m", "azure.keyvault.keys.emulator", "run", "--", sys.executable, str(program)]
    subprocess.run([*command, str(Path(workers.__file__).parents[1])], check=True, timeout=120)
