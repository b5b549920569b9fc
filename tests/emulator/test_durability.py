"""The data directory: what was acknowledged is there after a kill, and nothing private can be read from it."""

from __future__ import annotations

import itertools
import json
import os
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import urllib3

from azure.keyvault.keys.emulator import KeyVaultEmulator

from .client import EmulatorFactory, b64, private_jwk, unb64

_CREATES = 1000
_PARALLEL = 16


def test_keys_survive_a_restart(start: EmulatorFactory, tmp_path: Path) -> None:
    api = start(data_dir=tmp_path, deletion_delay=0)
    bundles = {name: api.create(name, kty=kty) for name, kty in (("rsa", "RSA"), ("Ec", "EC"))}
    bundles["Ec"] = api("PATCH", "/keys/ec", {"tags": {"a": "\ud800"}}).json
    first = bundles["rsa"]["key"]["kid"].rsplit("/", 1)[1]
    bundles["rsa"] = api.create("rsa", kty="RSA", attributes={"exp": 1800000000})
    policy = api("PUT", "/keys/rsa/rotationpolicy", {"attributes": {"expiryTime": "P90D"}}).json
    api.create("deleted")
    deleted = api("DELETE", "/keys/deleted").json
    api.create("purged")
    api("DELETE", "/keys/purged")
    api("DELETE", "/deletedkeys/purged")
    backup = api("POST", "/keys/ec/backup").json
    signature = api("POST", f"/keys/rsa/{first}/sign", {"alg": "RS256", "value": b64(b"1" * 32)}).json["value"]
    old_url = api.vault.url
    api.vault.stop()

    again = start(data_dir=tmp_path, deletion_delay=0)

    def moved(value: Any) -> Any:
        return json.loads(json.dumps(value).replace(old_url, again.vault.url))

    for name, bundle in bundles.items():
        assert again("GET", f"/keys/{name}").json == moved(bundle)
    assert again("GET", "/keys/rsa/rotationpolicy").json == moved(policy)
    assert again("GET", "/deletedkeys/deleted").json == moved(deleted)
    assert again("GET", "/deletedkeys/purged").status == 404
    body = {"alg": "RS256", "digest": b64(b"1" * 32), "value": signature}
    assert again("POST", f"/keys/rsa/{first}/verify", body).json == {"value": True}
    assert (
        again("POST", f"/keys/rsa/{first}/sign", {"alg": "RS256", "value": b64(b"1" * 32)}).json["value"] == signature
    )
    again("DELETE", "/keys/ec")
    again("DELETE", "/deletedkeys/ec")
    assert again("POST", "/keys/restore", backup).status == 200


def test_private_material_is_not_readable_in_the_data_directory(start: EmulatorFactory, tmp_path: Path) -> None:
    api, directory = start("7.6", data_dir=tmp_path / "new", managed_hsm=True), tmp_path / "new"
    secrets = [b"very secret bytes of an oct key!"]
    api("PUT", "/keys/oct", {"key": {"kty": "oct", "k": b64(secrets[0])}})
    for kind in ("RSA", "P-256"):
        jwk = private_jwk(kind)
        api("PUT", f"/keys/{kind}", {"key": jwk})
        secrets += [unb64(jwk[member]) for member in ("d", "p", "q") if member in jwk]
    content = b"".join(path.read_bytes() for path in directory.iterdir())
    for secret in secrets:
        assert secret not in content
        assert b64(secret).encode() not in content
        assert secret.hex().encode() not in content
    assert b"PRIVATE KEY" not in content
    assert stat.S_IMODE((directory / "vault.key").stat().st_mode) == 0o600
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700


def test_records_of_another_key_file_are_refused(start: EmulatorFactory, tmp_path: Path) -> None:
    api = start(data_dir=tmp_path)
    api.create("a")
    api.vault.stop()
    (tmp_path / "vault.key").write_bytes(os.urandom(32))
    with pytest.raises(ValueError, match=r"vault\.key does not match"):
        start(data_dir=tmp_path)


@pytest.mark.parametrize("wrong", ["key-file", "host-name", "port"])
def test_start_that_fails_leaves_the_directory_free(start: EmulatorFactory, tmp_path: Path, wrong: str) -> None:
    api = start()
    start(data_dir=tmp_path).vault.stop()
    key = (tmp_path / "vault.key").read_bytes()
    options: dict[str, Any] = {
        "key-file": {},
        "host-name": {"hostnames": ("a b",)},
        "port": {"port": int(api.vault.url.rsplit(":", 1)[1])},
    }[wrong]
    if wrong == "key-file":
        (tmp_path / "vault.key").write_bytes(os.urandom(32))
    vault = KeyVaultEmulator(data_dir=tmp_path, **options)
    with pytest.raises((ValueError, OSError)):
        vault.start()
    (tmp_path / "vault.key").write_bytes(key)
    start(data_dir=tmp_path)


@pytest.mark.parametrize("content", [None, b"", b"k" * 31], ids=["missing", "empty", "short"])
def test_records_without_a_key_are_refused(start: EmulatorFactory, tmp_path: Path, content: bytes | None) -> None:
    start(data_dir=tmp_path).vault.stop()
    path = tmp_path / "vault.key"
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ValueError, match=r"vault\.key is (missing|not a key)"):
        start(data_dir=tmp_path)
    assert path.exists() is (content is not None)


def test_directory_is_of_a_vault_or_of_a_managed_hsm(start: EmulatorFactory, tmp_path: Path) -> None:
    start(data_dir=tmp_path, managed_hsm=True).vault.stop()
    with pytest.raises(ValueError, match="belongs to a managed-hsm and cannot be opened as a vault"):
        start(data_dir=tmp_path)
    start(data_dir=tmp_path, managed_hsm=True)


@pytest.mark.skipif(os.name != "posix", reason="elsewhere files have no modes that say who may read them")
def test_files_are_the_owners_own(start: EmulatorFactory, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    tmp_path.chmod(0o755)
    api = start(data_dir=tmp_path)
    api.create("a")
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    public = {name: modes.pop(name) for name in ("authority.pem", "bundle.pem")}
    assert modes == dict.fromkeys(("vault.key", "vault.db", "vault.db-wal"), 0o600)
    assert all(mode & 0o022 == 0 for mode in public.values())
    assert not caplog.records
    api.vault.stop()
    (tmp_path / "vault.key").chmod(0o644)
    start(data_dir=tmp_path)
    assert "vault.key, and with it the keys" in caplog.text


def test_write_that_cannot_be_stored_is_not_seen(start: EmulatorFactory, tmp_path: Path) -> None:
    api = start(data_dir=tmp_path, deletion_delay=0)
    for name in ("a", "deleted", "backed-up"):
        api.create(name, tags={"state": "stored"})
    api("DELETE", "/keys/deleted")
    backup = api("POST", "/keys/backed-up/backup").json
    for path in ("/keys/backed-up", "/deletedkeys/backed-up"):
        api("DELETE", path)

    def shown() -> list[Any]:
        paths = ("/keys", "/deletedkeys", "/keys/a", "/keys/a/versions", "/keys/a/rotationpolicy")
        return [api("GET", path).json for path in paths]

    before = shown()
    connection = api.vault._service.storage._connection
    connection.execute("PRAGMA query_only = 1")
    calls: list[tuple[Any, ...]] = [
        ("POST", "/keys/new/create", {"kty": "EC"}),
        ("POST", "/keys/a/create", {"kty": "EC"}),
        ("PUT", "/keys/a", {"key": private_jwk("P-256")}),
        ("PATCH", "/keys/a", {"tags": {"state": "lost"}}),
        ("POST", "/keys/a/rotate"),
        ("PUT", "/keys/a/rotationpolicy", {"attributes": {"expiryTime": "P90D"}}),
        ("DELETE", "/keys/a"),
        ("POST", "/deletedkeys/deleted/recover"),
        ("DELETE", "/deletedkeys/deleted"),
        ("POST", "/keys/restore", backup),
    ]
    assert [api(*call).status for call in calls] == [503] * len(calls)
    assert shown() == before
    connection.execute("PRAGMA query_only = 0")
    assert api("POST", "/keys/new/create", {"kty": "EC"}).status == 200


def test_writes_at_the_same_time_are_all_kept(start: EmulatorFactory, tmp_path: Path) -> None:
    api = start(data_dir=tmp_path)
    api.create("a")
    numbers = itertools.count()

    def write() -> None:
        while (number := next(numbers)) < 40:
            if number % 2:
                api.create("a")
            else:
                api("PUT", "/keys/a/rotationpolicy", {"attributes": {"expiryTime": f"P{100 + number}D"}})

    _in_threads(8, write)
    versions, policy = api("GET", "/keys/a/versions").json["value"], api("GET", "/keys/a/rotationpolicy").json
    assert len(versions) == 21
    api.vault.stop()
    again = start(data_dir=tmp_path)
    assert len(again("GET", "/keys/a/versions").json["value"]) == 21
    assert again("GET", "/keys/a/rotationpolicy").json["attributes"] == policy["attributes"]


def test_mark_of_a_managed_key_and_deletions_at_an_advanced_clock_are_kept(
    start: EmulatorFactory, tmp_path: Path
) -> None:
    api = start(data_dir=tmp_path, deletion_delay=0, token_lifetime=10**7)
    for name in ("managed", "deleted"):
        api.create(name)
    api.vault.mark_managed("managed")
    with pytest.raises(KeyError):
        api.vault.mark_managed("nothing")
    api.vault.clock.advance(10**6)
    api("DELETE", "/keys/deleted")
    api.vault.stop()
    again = start(data_dir=tmp_path, deletion_delay=0)
    assert again("GET", "/keys/managed").json["managed"] is True
    assert again("DELETE", "/deletedkeys/deleted").status == 204


def test_directory_serves_one_emulator_at_a_time(start: EmulatorFactory, tmp_path: Path) -> None:
    start(data_dir=tmp_path)
    with pytest.raises(ValueError, match="cannot be used: database is locked"):
        start(data_dir=tmp_path)


def test_file_that_is_no_database_is_refused(start: EmulatorFactory, tmp_path: Path) -> None:
    (tmp_path / "vault.db").write_bytes(b"x" * 4096)
    with pytest.raises(ValueError, match="cannot be used: file is not a database"):
        start(data_dir=tmp_path)


def _create_until_killed(environment: dict[str, str], token: str, process: subprocess.Popen[str]) -> list[str]:
    """Create keys in parallel; kill the emulator half way; return the kids that were acknowledged."""
    acknowledged: list[str] = []
    numbers = itertools.count()
    headers = {"Authorization": f"Bearer {token}"}
    http = urllib3.PoolManager(_PARALLEL, ca_certs=environment["SSL_CERT_FILE"], maxsize=_PARALLEL, retries=False)

    def create_keys() -> None:
        while (number := next(numbers)) < _CREATES:
            url = f"{environment['VAULT_URL']}/keys/key-{number}/create?api-version=7.4"
            try:
                answer = http.request("POST", url, json={"kty": "EC"}, headers=headers)
            except urllib3.exceptions.HTTPError:
                return
            acknowledged.append(answer.json()["key"]["kid"])
            if len(acknowledged) == _CREATES // 2:
                process.send_signal(signal.SIGKILL)

    _in_threads(_PARALLEL, create_keys)
    http.clear()
    return acknowledged


def _in_threads(count: int, job: Callable[[], None]) -> None:
    threads = [threading.Thread(target=job) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_kill_in_the_middle_of_creates_loses_no_acknowledged_key(start: EmulatorFactory, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "azure.keyvault.keys.emulator", "--port", "0", "--data-dir", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout
        environment = {}
        for line in process.stdout:
            if line.startswith("export "):
                variable, _, value = line.removeprefix("export ").strip().partition("=")
                environment[variable] = value
            if line.startswith("Ctrl+C"):
                break
        reader = threading.Thread(target=process.stdout.read, daemon=True)
        reader.start()
        token = _managed_identity_token(environment)
        kids = _create_until_killed(environment, token, process)
        assert process.wait(10) == -signal.SIGKILL
        reader.join()
    assert _CREATES // 2 <= len(kids) < _CREATES
    api = start(data_dir=tmp_path)
    lost = [kid for kid in kids if api("GET", kid.removeprefix(environment["VAULT_URL"])).status != 200]
    assert lost == []


def _managed_identity_token(environment: dict[str, str]) -> str:
    with urllib3.PoolManager(ca_certs=environment["SSL_CERT_FILE"]) as http:
        fields = {"api-version": "2019-08-01", "resource": environment["VAULT_URL"]}
        headers = {"X-IDENTITY-HEADER": environment["IDENTITY_HEADER"]}
        answer = http.request("GET", environment["IDENTITY_ENDPOINT"], fields=fields, headers=headers)
        token: str = answer.json()["access_token"]
        return token


def test_thousand_creates_are_kept(start: EmulatorFactory, tmp_path: Path) -> None:
    api = start(data_dir=tmp_path)

    numbers = itertools.count()

    def create_keys() -> None:
        while (number := next(numbers)) < _CREATES:
            api.create(f"key-{number}")

    _in_threads(8, create_keys)
    api.vault.stop()
    again = start(data_dir=tmp_path)
    assert all(again("GET", f"/keys/key-{number}").status == 200 for number in range(0, _CREATES, 50))


def test_key_file_is_written_where_nobody_can_have_put_something(
    start: EmulatorFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A draft with a name that can be guessed would be written through a link that somebody else has put there."""
    directory, elsewhere = tmp_path / "data", tmp_path / "elsewhere"
    directory.mkdir(mode=0o700)
    elsewhere.write_bytes(b"untouched")
    (directory / f"vault.{os.getpid()}").symlink_to(elsewhere)
    start(data_dir=directory)
    assert elsewhere.read_bytes() == b"untouched"
    assert not (directory / "vault.key").is_symlink()
    assert len((directory / "vault.key").read_bytes()) == 32


def test_key_file_is_made_anew(start: EmulatorFactory, tmp_path: Path) -> None:
    """Every file that begins as the key file is opened only if nobody else has made it."""
    opened: list[int] = []
    watching = [True]

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and watching:
            path, _, flags = arguments
            if str(path).startswith(str(tmp_path / "vault.key")) and flags & os.O_CREAT:
                opened.append(flags)

    sys.addaudithook(watch)  # there is no way to remove one
    try:
        start(data_dir=tmp_path)
    finally:
        watching.clear()
    assert opened
    assert all(flags & os.O_EXCL for flags in opened)


@pytest.mark.skipif(os.name != "posix", reason="elsewhere directories have no owner of this kind")
@pytest.mark.parametrize("root", [True, False], ids=["root", "user"])
@pytest.mark.parametrize("what", ["directory", "key-file"])
def test_directory_of_another_user_is_refused(
    start: EmulatorFactory,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    what: str,
    root: bool,
) -> None:
    """Whoever owns it could have put a key there that he knows. Root is warned, as in a container with a volume."""
    if os.geteuid() != 0:
        pytest.skip("only root can give files away")
    key = tmp_path / "vault.key"
    if what == "key-file":
        key.write_bytes(b"k" * 32)
        key.chmod(0o600)
    os.chown(tmp_path if what == "directory" else key, 54321, 54321)
    if root:
        start(data_dir=tmp_path)
        assert "belongs to another user" in caplog.text
        return
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    with pytest.raises(ValueError, match="belongs to another user"):
        start(data_dir=tmp_path)


@pytest.mark.skipif(os.name != "posix", reason="elsewhere directories have no modes that say who may write")
def test_directory_that_others_may_change_is_warned_of(
    start: EmulatorFactory, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    tmp_path.chmod(0o777)
    start(data_dir=tmp_path)
    assert f"other users can write to {tmp_path}" in caplog.text


def test_private_parts_of_the_authority_and_the_identity_are_sealed(start: EmulatorFactory, tmp_path: Path) -> None:
    vault = start(data_dir=tmp_path).vault
    secrets = [vault.environment["IDENTITY_HEADER"], "PRIVATE KEY", "client_secret"]
    content = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert [secret for secret in secrets if secret.encode() in content] == []


def test_authority_is_that_of_the_last_start_and_certifies_new_names(start: EmulatorFactory, tmp_path: Path) -> None:
    first = start(data_dir=tmp_path)
    authority = Path(first.vault.ca_bundle).read_bytes()
    first.vault.stop()
    again = start(data_dir=tmp_path, hostnames=("keyvault",))
    assert Path(again.vault.ca_bundle).read_bytes() == authority
    assert again("GET", "/keys").status == 200
