"""Where a vault stores its records: in memory only, or also in SQLite with the private parts encrypted.

A write is acknowledged once its transaction is committed with ``synchronous=FULL`` in WAL mode, so it survives a kill.
One thread owns the connection and commits all waiting writes in one transaction, so that concurrent creates share one
sync of the disk.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import queue
import sqlite3
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from .._errors import ServiceError
from .records import Key, KeyVersion

_SCHEMA = """
CREATE TABLE IF NOT EXISTS keys (name TEXT PRIMARY KEY, facts TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS versions (
    ordinal INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL, version TEXT NOT NULL, facts TEXT NOT NULL, private BLOB NOT NULL,
    UNIQUE (name, version)
);
CREATE TABLE IF NOT EXISTS vault (kind TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS secrets (name TEXT PRIMARY KEY, sealed BLOB NOT NULL) WITHOUT ROWID;
"""
_SAVE_KEY = "INSERT INTO keys VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET facts = excluded.facts"
_SAVE_VERSION = (
    "INSERT INTO versions (name, version, facts, private) VALUES (?, ?, ?, ?) "
    "ON CONFLICT (name, version) DO UPDATE SET facts = excluded.facts"
)
_MOST_JOBS_IN_A_COMMIT = 256
_KEY_BYTES = 32
_LOGGER = logging.getLogger(__name__)

_Statements = list[tuple[str, tuple[Any, ...]]]


class Storage(Protocol):
    """Keeps records."""

    def load(self) -> Iterator[Key]:
        """Yield every stored key with its versions."""
        ...

    async def save(self, key: Key, *versions: KeyVersion) -> None:
        """Store a key's facts and the given versions. Return once they are safe."""

    async def remove(self, key: Key) -> None:
        """Remove a key and its versions. Return once the removal is safe."""

    def secret(self, name: str, make: Callable[[], bytes]) -> bytes:
        """Return a secret of the vault itself, generated at first use."""
        ...

    def close(self) -> None:
        """Release all resources."""


class MemoryStorage:
    """Stores nothing beyond the process."""

    def load(self) -> Iterator[Key]:
        """Yield nothing."""
        return iter(())

    async def save(self, key: Key, *versions: KeyVersion) -> None:
        """Return at once."""

    async def remove(self, key: Key) -> None:
        """Return at once."""

    def secret(self, name: str, make: Callable[[], bytes]) -> bytes:
        """Return a fresh secret."""
        return make()

    def close(self) -> None:
        """Return at once."""


class Seal:
    """Encryption of private parts at rest: AES-256-GCM with a key file that only its owner may read."""

    def __init__(self, path: Path, *, is_new: bool) -> None:
        self._path = path
        self._cipher = AESGCM(_key_file(path, is_new=is_new))

    def close(self, data: bytes, label: str) -> bytes:
        """Encrypt, bound to a label."""
        nonce = os.urandom(12)
        return nonce + self._cipher.encrypt(nonce, data, label.encode())

    def open(self, sealed: bytes, label: str) -> bytes:
        """Decrypt what :meth:`close` made with the same label.

        :raises ValueError: if the key file is not the one used to encrypt.
        """
        try:
            return self._cipher.decrypt(sealed[:12], sealed[12:], label.encode())
        except InvalidTag as error:
            raise ValueError(f"{self._path} does not match the records beside it") from error


def _key_file(path: Path, *, is_new: bool) -> bytes:
    """Read the key file. In a new directory, create a missing file atomically with mode 0600.

    :raises ValueError: if there are records but no key file, or the file is not a key.
    """
    if not path.exists():
        if not is_new:
            raise ValueError(f"{path} is missing; the records beside it cannot be decrypted without it")
        # mkstemp opens a file that nobody else can have created, and only its owner can read it.
        descriptor, draft = tempfile.mkstemp(prefix=f"{path.name}.", dir=path.parent)
        with os.fdopen(descriptor, "wb") as file:
            file.write(os.urandom(_KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)
    key = path.read_bytes()
    if len(key) != _KEY_BYTES:
        raise ValueError(f"{path} is not a key: it has {len(key)} bytes instead of {_KEY_BYTES}")
    if os.name == "posix" and path.stat().st_mode & 0o077:
        _LOGGER.warning("other users can read %s, and with it the keys; run chmod 600 on it", path)
    return key


def _check_owner(*paths: Path) -> None:
    """Reject files that another user could have created or can replace: a known key protects nothing.

    Root may use other users' directories, as in a container with a mounted volume, but gets a warning.

    :raises ValueError: if a path belongs to another user.
    """
    if os.name != "posix":
        return
    for path in filter(Path.exists, paths):
        facts = path.stat()
        if facts.st_uid not in (os.geteuid(), 0):
            message = f"{path} belongs to another user, who can read or replace the keys"
            if os.geteuid() != 0:
                raise ValueError(message)
            _LOGGER.warning("%s", message)
        if path.is_dir() and facts.st_mode & 0o022:
            _LOGGER.warning("other users can write to %s, and could replace the keys; run chmod 700 on it", path)


def _opened(path: Path, kind: str) -> sqlite3.Connection:
    """Open the database exclusively for this process.

    :raises ValueError: if another emulator uses it, or it is not a database of an emulator for this kind of service.
    """
    # SQLite creates the write-ahead log with the mode of the database.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    for file in (path, path.with_name(f"{path.name}-wal")):
        if file.exists():
            file.chmod(0o600)
    connection = sqlite3.connect(path, timeout=1.0, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.executescript(_SCHEMA)
        _check_kind(connection, path, kind)
    except sqlite3.Error as error:
        connection.close()
        raise ValueError(f"{path} cannot be used: {error}") from error
    except ValueError:
        connection.close()
        raise
    return connection


def _check_kind(connection: sqlite3.Connection, path: Path, kind: str) -> None:
    row = connection.execute("SELECT kind FROM vault").fetchone()
    if row is None:
        connection.execute("INSERT INTO vault VALUES (?)", (kind,))
    elif row[0] != kind:
        raise ValueError(f"{path} belongs to a {row[0]} and cannot be opened as a {kind}")


@dataclass(slots=True)
class _Job:
    statements: _Statements
    loop: asyncio.AbstractEventLoop
    done: asyncio.Future[None]

    def finish(self, error: Exception | None) -> None:
        """Wake the waiter, from the storage thread."""
        self.loop.call_soon_threadsafe(self._settle, error)

    def _settle(self, error: Exception | None) -> None:
        if self.done.cancelled():
            return
        if error is None:
            self.done.set_result(None)
        else:
            self.done.set_exception(ServiceError(503, "ServiceUnavailable", f"The data directory failed: {error}"))


class SqliteStorage:
    """Stores records in ``vault.db`` in a directory, encrypted with ``vault.key`` beside it."""

    def __init__(self, directory: Path, kind: str) -> None:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        _check_owner(directory, directory / "vault.key", directory / "vault.db")
        self._connection = _opened(directory / "vault.db", kind)
        try:
            [(is_used,)] = self._query("SELECT EXISTS (SELECT 1 FROM versions) OR EXISTS (SELECT 1 FROM secrets)")
            self._seal = Seal(directory / "vault.key", is_new=not is_used)
        except BaseException:
            self._connection.close()
            raise
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="emulator-storage", daemon=True)
        self._thread.start()

    def load(self) -> Iterator[Key]:
        """Yield every stored key with its versions, oldest version first."""
        keys = {name: Key.from_facts(json.loads(facts)) for name, facts in self._query("SELECT * FROM keys")}
        for name, version, facts, private in self._query(
            "SELECT name, version, facts, private FROM versions ORDER BY ordinal"
        ):
            opened = self._seal.open(private, f"{name}/{version}")
            keys[name].versions[version] = KeyVersion.from_facts(json.loads(facts), opened)
        yield from keys.values()

    def _query(self, statement: str) -> list[Any]:
        return self._connection.execute(statement).fetchall()

    async def save(self, key: Key, *versions: KeyVersion) -> None:
        """Commit a key's facts and the given versions."""
        name = key.folded
        statements: _Statements = [(_SAVE_KEY, (name, json.dumps(key.facts())))]
        for version in versions:
            sealed = self._seal.close(version.material.private_bytes(), f"{name}/{version.version}")
            row = (name, version.version, json.dumps(version.facts()), sealed)
            statements.append((_SAVE_VERSION, row))
        await self._commit(statements)

    async def remove(self, key: Key) -> None:
        """Commit the removal of a key."""
        name = (key.folded,)
        await self._commit([("DELETE FROM keys WHERE name = ?", name), ("DELETE FROM versions WHERE name = ?", name)])

    def secret(self, name: str, make: Callable[[], bytes]) -> bytes:
        """Return a stored secret. This is called before the vault serves."""
        row = self._connection.execute("SELECT sealed FROM secrets WHERE name = ?", (name,)).fetchone()
        if row:
            return self._seal.open(row[0], name)
        value = make()
        self._connection.execute("INSERT INTO secrets VALUES (?, ?)", (name, self._seal.close(value, name)))
        return value

    def close(self) -> None:
        """Commit pending writes, then close."""
        self._jobs.put(None)
        self._thread.join()
        self._connection.close()

    async def _commit(self, statements: _Statements) -> None:
        loop = asyncio.get_running_loop()
        job = _Job(statements, loop, loop.create_future())
        self._jobs.put(job)
        await job.done

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            batch = [job]
            while len(batch) < _MOST_JOBS_IN_A_COMMIT and not self._jobs.empty():
                following = self._jobs.get()
                if following is None:
                    self._jobs.put(None)
                    break
                batch.append(following)
            error = self._write(batch)
            for done in batch:
                done.finish(error)

    def _write(self, batch: list[_Job]) -> Exception | None:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            for job in batch:
                for statement, values in job.statements:
                    self._connection.execute(statement, values)
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            return error
        return None
