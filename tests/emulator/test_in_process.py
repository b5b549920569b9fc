"""The emulator inside a test process: life cycle, handles and recording."""

from __future__ import annotations

import ast
import asyncio
import dataclasses
import gc
import inspect
import logging
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

import cryptography
import pytest
from azure.core.credentials import TokenCredential
from azure.core.credentials_async import AsyncTokenCredential

from azure.keyvault.keys import emulator
from azure.keyvault.keys.emulator import EmulatedVault, EmulatorKeywords, EmulatorOptions, KeyVaultEmulator
from azure.keyvault.keys.emulator._service import Service

from .client import Api, EmulatorFactory

pytest_plugins = ["azure.keyvault.keys.emulator.pytest_plugin"]


def test_fixture_hands_out_an_empty_vault(keyvault_emulator: KeyVaultEmulator) -> None:
    api = Api(keyvault_emulator)
    assert api("GET", "/keys").json["value"] == []
    api.close()


def test_keywords_are_the_fields_of_the_options() -> None:
    assert EmulatorKeywords.__annotations__.keys() == EmulatorOptions.__annotations__.keys()
    fields = {field.name: field.type for field in dataclasses.fields(EmulatorOptions)}
    assert {name: kind.__forward_arg__ for name, kind in EmulatorKeywords.__annotations__.items()} == fields


def test_what_it_takes_and_hands_out_is_exported() -> None:
    """A test may name the type of everything that it holds."""
    hints = {
        name: inspect.signature(member.fget).return_annotation
        for name, member in {**vars(EmulatedVault), **vars(KeyVaultEmulator)}.items()
        if isinstance(member, property) and not name.startswith("_")
    }
    named = set(re.findall(r"\b[A-Z]\w+", " ".join(hints.values()))) - {"Any", "Mapping"}
    assert named <= set(emulator.__all__)
    assert {"Clock", "Faults", "Permissions", "Recorder", "Throttle", "TokenRequest"} <= named


@pytest.mark.case("A1")
def test_requests_are_recorded_in_order(start: EmulatorFactory) -> None:
    api = start()
    api.send("POST", "/keys/a/create?api-version=7.4", headers={"Content-Type": "application/json"})
    api.create("a")
    probe, create = api.vault.requests
    assert (probe.method, probe.path, probe.query) == ("POST", "/keys/a/create", {"api-version": "7.4"})
    assert (probe.authorised, probe.body, probe.body_length, probe.status) == (False, None, None, 401)
    assert (create.authorised, create.body, create.status) == (True, b'{"kty": "EC"}', 200)
    assert create.headers["content-type"] == "application/json"
    assert api.token not in repr(create)
    assert len(api.vault.requests.matching("POST", "/keys/a")) == 2
    api.vault.requests.clear()
    assert len(api.vault.requests) == 0


def test_credentials_are_those_of_azure_core(start: EmulatorFactory) -> None:
    vault = start().vault
    credential, asynchronous = vault.credential, vault.async_credential
    assert isinstance(credential, TokenCredential)
    assert isinstance(asynchronous, AsyncTokenCredential)
    info = credential.get_token_info(f"{vault.url}/.default", options={"claims": "{}"})
    assert info.expires_on > time.time() + 3000
    assert vault.token_requests[-1].claims == "{}"

    async def tokens() -> list[str]:
        async with asynchronous:
            first = await asynchronous.get_token(f"{vault.url}/.default", enable_cae=True)
            second = await asynchronous.get_token_info(f"{vault.url}/.default")
        return [first.token, second.token]

    assert len(set(asyncio.run(tokens()))) == 2
    with pytest.raises(ValueError, match="exactly one scope"):
        credential.get_token()


def test_reset_turns_every_knob_back(start: EmulatorFactory) -> None:
    api = start()
    api.create("a")
    vault = api.vault
    vault.faults.status(500, times=None)
    vault.throttle.limit(1)
    vault.permissions.deny("list")
    vault.permissions.firewall = vault.permissions.rbac = True
    vault.claims.demand(times=5)
    vault.clock.advance(10**6)
    vault.reset()
    assert len(vault.requests) == 0
    assert [api("GET", "/keys").status for _ in range(3)] == [200] * 3
    assert api("GET", "/keys/a").status == 200


def test_reset_finishes_what_was_begun_at_an_advanced_clock(start: EmulatorFactory) -> None:
    api = start(deletion_delay=0)
    for name in ("deleted", "recovered"):
        api.create(name)
    api.vault.clock.advance(10 * 86400)
    ahead = api.vault.credential.get_token(f"{api.vault.url}/.default").token
    api.token = ahead
    deletion = api("DELETE", "/keys/deleted").json
    api("DELETE", "/keys/recovered")
    assert api("POST", "/deletedkeys/recovered/recover").status == 200
    api.vault.reset()
    api.token = ahead  # as a credential that caches tokens has it
    deleted = api("GET", "/deletedkeys/deleted").json
    assert deletion["deletedDate"] - deleted["deletedDate"] >= 10 * 86400
    assert deleted["scheduledPurgeDate"] - deleted["deletedDate"] == 90 * 86400
    assert api("GET", "/keys/recovered").status == 200
    assert api("DELETE", "/deletedkeys/deleted").status == 204
    assert api("POST", "/keys/deleted/create", {"kty": "EC"}).status == 200


def test_reset_frees_names_that_a_purge_has_taken(start: EmulatorFactory) -> None:
    api = start(deletion_delay=0, purge_delay=0.001, token_lifetime=10**7)
    api.create("a")
    api.vault.clock.advance(10**6)
    api("DELETE", "/keys/a")
    assert api("DELETE", "/deletedkeys/a").status == 204
    api.vault.reset()
    time.sleep(0.002)
    assert api("POST", "/keys/a/create", {"kty": "EC"}).status == 200


def test_reset_accepts_revoked_tokens_and_forgets_requests_for_tokens(start: EmulatorFactory) -> None:
    api = start()
    api.vault.revoke_tokens()
    assert api("GET", "/keys").status == 401
    api.vault.reset()
    assert api("GET", "/keys").status == 200
    assert api.vault.token_requests == []


def test_async_with_starts_and_stops() -> None:
    async def use() -> int:
        async with KeyVaultEmulator() as vault:
            api = Api(vault)
            status = await asyncio.to_thread(api, "GET", "/keys")
            api.close()
            return status.status

    assert asyncio.run(use()) == 200


def test_start_and_stop_work_without_a_block() -> None:
    vault = KeyVaultEmulator()
    with pytest.raises(RuntimeError, match="not been started"):
        _ = vault.url
    vault.stop()
    vault.start()
    with pytest.raises(RuntimeError, match="is running"):
        vault.start()
    vault.stop()
    vault.stop()
    vault.start()
    vault.stop()


def test_taken_port_is_an_oserror(start: EmulatorFactory) -> None:
    port = int(start().vault.url.rsplit(":", 1)[1])
    vault = KeyVaultEmulator(port=port)
    with pytest.raises(OSError, match="in use"):
        vault.start()


def test_vaults_and_managed_hsms_do_not_read_each_others_backups(start: EmulatorFactory) -> None:
    hsm, vault = start("7.6", managed_hsm=True), start()
    hsm.create("a", kty="oct")
    vault.create("b")
    refused = vault("POST", "/keys/restore", hsm("POST", "/keys/a/backup").json)
    assert refused.error == (400, "Malformed backup blob", None)
    assert hsm("POST", "/keys/restore", vault("POST", "/keys/b/backup").json).error[1] == "MalformedBackupBlob"


def test_emulators_side_by_side_share_nothing(start: EmulatorFactory) -> None:
    first, second = start(), start()
    first.create("a")
    assert second("GET", "/keys/a").status == 404
    answer = second.send("GET", "/keys?api-version=7.4", headers={"Authorization": f"Bearer {first.token}"})
    assert answer.status == 401


@pytest.mark.skipif(
    int(cryptography.__version__.split(".")[0]) < 47,
    reason="before 47, cryptography holds the lock of the interpreter while it makes a key",
)
def test_key_generation_does_not_hold_up_other_calls(start: EmulatorFactory) -> None:
    api = start()
    api("GET", "/keys")
    makers = [
        threading.Thread(target=api, args=("POST", f"/keys/k{index}/create", {"kty": "RSA", "key_size": 4096}))
        for index in range(2)
    ]
    for maker in makers:
        maker.start()
    answered = 0
    while any(maker.is_alive() for maker in makers):
        assert api("GET", "/keys").status == 200
        answered += 1
    # Calls that wait for keys are answered when a key is there: one for each, and one after them.
    assert answered > 2 * len(makers)


def test_job_that_ends_with_stop_iteration_does_not_hang() -> None:
    """A future cannot carry ``StopIteration``: whoever awaits the job would never hear of it."""

    def job() -> None:
        next(iter(()))

    async def run() -> None:
        service = Service(EmulatorOptions())
        try:
            await asyncio.wait_for(service.work(job), 5)
        finally:
            service.close()

    with pytest.raises(RuntimeError, match="StopIteration"):
        asyncio.run(run())


def test_nothing_is_logged_above_info(start: EmulatorFactory, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        api = start(deletion_delay=0)
        api.create("a", kty="RSA")
        api("GET", "/nothing")
    assert [record for record in caplog.records if record.levelno > logging.INFO and "keyvault" in record.name] == []
    assert api.token not in caplog.text


def test_stopping_leaves_no_resource_open() -> None:
    script = (
        "from azure.keyvault.keys.emulator import KeyVaultEmulator\n"
        "import urllib3, gc\n"
        "with KeyVaultEmulator() as vault:\n"
        "    http = urllib3.PoolManager(ca_certs=vault.ca_bundle)\n"
        "    http.request('GET', vault.url + '/keys').release_conn()\n"
        "http.clear()\n"
        "gc.collect()\n"
    )
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    # asyncio's development mode also tells of steps that took long.
    slow = re.compile(r"Executing <.* took [\d.]+ seconds")
    assert [line for line in done.stderr.splitlines() if not slow.fullmatch(line)] == []
    gc.collect()


def test_emulator_imports_nothing_of_the_library() -> None:
    directory = Path(emulator.__file__).parent
    imports = [
        (len(path.relative_to(directory).parts), node.level, node.module or node.names[0].name)
        for path in directory.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ImportFrom)
    ]
    assert len(imports) > 100
    # The version, and what says how to install an extra, know nothing of either side.
    assert {name for depth, level, name in imports if level > depth} <= {"_extras", "_version"}
    assert not [found for found in imports if found[1] == 0 and found[2].startswith(("azure.keyvault", "msrest"))]


def test_public_names_are_sorted_and_exist() -> None:
    assert emulator.__all__ == sorted(emulator.__all__)
    assert all(hasattr(emulator, name) for name in emulator.__all__)
