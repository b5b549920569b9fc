"""Backups: all versions of a key in a JWE. A vault prefixes a marker; a Managed HSM does not.

In-memory vaults share one backup key per process, as vaults of a geography can read each other's backups; so do
in-memory Managed HSMs. A durable vault or HSM has its own key, stored with its records.
"""

from __future__ import annotations

import hashlib
import json
import threading
import uuid
from collections.abc import Callable
from functools import cache, cached_property, partial
from typing import Any, cast

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from .._cryptography import jose
from .records import Key, KeyVersion
from .storage import Storage

_BARE_KID = "backup-protection-key"
_MARKER = b"&AzureKeyVaultKeyBackupV1.microsoft.com"


class BackupKey:
    """The key that encrypts backups."""

    def __init__(self, pkcs8: Callable[[], bytes]) -> None:
        self._pkcs8 = pkcs8

    @classmethod
    def stored(cls, storage: Storage) -> BackupKey:
        """Return the key kept in a storage."""
        pkcs8 = storage.secret("backup", _new_key)
        return cls(lambda: pkcs8)

    @classmethod
    def shared(cls, kind: str) -> BackupKey:
        """Return the process's key for a kind of service, generated on demand."""
        return cls(partial(_process_key, kind))

    @cached_property
    def _key(self) -> rsa.RSAPrivateKey:
        return cast(rsa.RSAPrivateKey, serialization.load_der_private_key(self._pkcs8(), None))

    @property
    def _kid(self) -> str:
        return str(uuid.uuid5(uuid.NAMESPACE_OID, str(self._key.public_key().public_numbers().n)))

    @cached_property
    def _symmetric_key(self) -> bytes:
        return hashlib.sha512(self._pkcs8()).digest()

    def seal(self, key: Key, *, bare: bool) -> bytes:
        """Return the backup of a key.

        :param bare: create it as a Managed HSM does: only the JWE, encrypted with a symmetric key.
        """
        content = {"key": key.facts(), "versions": [version.with_private() for version in key.versions.values()]}
        plaintext = json.dumps(content).encode()
        if bare:
            return jose.encrypt_jwe_directly(plaintext, _BARE_KID, self._symmetric_key).encode("ascii")
        token = jose.encrypt_jwe(plaintext, self._kid, self._key.public_key())
        return _MARKER + token.encode("ascii")

    def open(self, blob: bytes, *, bare: bool) -> Key:
        """Return the key in a backup.

        :raises ValueError: if the backup is damaged, or was made with another key or by another kind of service.
        """
        if bare:
            return _restored(json.loads(jose.decrypt_jwe_directly(blob.decode("ascii"), self._symmetric_key)))
        if not blob.startswith(_MARKER):
            raise ValueError("not a backup")
        token = blob.removeprefix(_MARKER).decode("ascii")
        return _restored(json.loads(jose.decrypt_jwe(token, self._key)))


def _restored(content: dict[str, Any]) -> Key:
    key = Key.from_facts(content["key"])
    for facts in content["versions"]:
        version = KeyVersion.from_facts(facts, jose.decode(facts["private"]))
        key.versions[version.version] = version
    return key


def _new_key() -> bytes:
    return rsa.generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


_LOCK = threading.Lock()


def _process_key(kind: str) -> bytes:
    with _LOCK:
        return _made_key(kind)


@cache
def _made_key(kind: str) -> bytes:
    return _new_key()
