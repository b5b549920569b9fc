"""The emulated service: its parts, put together from the options."""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar
from weakref import WeakValueDictionary

from ._clock import Clock
from ._cryptography.release_signer import ReleaseSigner
from ._identity.attestation import AttestationAuthority
from ._identity.endpoints import IdentityEndpoints
from ._identity.tokens import TokenAuthority
from ._knobs.access import ClaimsDemand, Permissions, fresh_claims
from ._knobs.faults import Faults
from ._knobs.recorder import Recorder
from ._knobs.throttle import Throttle
from ._operations.bundles import Bundles
from ._operations.kinds import ServiceKind
from ._operations.managed_hsm import ManagedHsmKind
from ._options import EmulatorOptions
from ._origins import Origins
from ._storage.backup import BackupKey
from ._storage.records import Key, KeyVersion, Phase
from ._storage.state import LifeCycle, VaultState
from ._storage.storage import MemoryStorage, SqliteStorage, Storage

_T = TypeVar("_T")
_DAY = 86400


class Service:
    """Everything that answers calls, apart from the web server."""

    def __init__(self, options: EmulatorOptions) -> None:
        self.options = options
        self.clock = Clock()
        self.kind = ManagedHsmKind() if options.managed_hsm else ServiceKind(premium=options.premium)
        self.rules = LifeCycle(
            soft_delete=options.soft_delete,
            purge_protection=options.purge_protection,
            retention=options.retention_days * _DAY,
            deletion_delay=options.deletion_delay if self.kind.has_deletion_delay else 0.0,
            purge_delay=options.purge_delay,
        )
        self.storage = _storage(options.data_dir, self.kind)
        try:
            self.state = VaultState(self.clock, self.rules, self.storage.load())
            shared = not options.data_dir
            self.backup_key = BackupKey.shared(self.kind.name) if shared else BackupKey.stored(self.storage)
        except BaseException:
            self.storage.close()
            raise
        self.bundles = Bundles(self.kind, self.rules, options.padded_hsm_exponent)
        client_id = str(uuid.uuid4())
        self.tokens = TokenAuthority(self.clock, options.token_lifetime, str(uuid.uuid4()), client_id)
        self.identity = IdentityEndpoints(self.tokens)
        self.attestation = AttestationAuthority(self.clock)
        self.permissions = Permissions(client_id)
        self.claims = ClaimsDemand()
        self.throttle = Throttle(self.clock)
        self.faults = Faults()
        self.requests = Recorder()
        self.origins = Origins(options.port)
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._workers = ThreadPoolExecutor(max_workers=4, thread_name_prefix="emulator-worker")

    def bind(self, port: int) -> None:
        """Tell the parts under which names the server is reached."""
        self.origins = Origins(port, self.options.hostnames)
        self.tokens.base_url = self.origins.default.url
        self.tokens.audiences = self.origins.urls
        self.attestation._base_url = self.origins.default.url

    @cached_property
    def release_signer(self) -> ReleaseSigner:
        """The service's own certificate."""
        return ReleaseSigner()

    @property
    def challenge_tenant(self) -> str:
        """The tenant that challenges name."""
        return "adfs" if self.options.service_principal else self.tokens.tenant

    def demanded_claims(self, claims: dict[str, Any]) -> dict[str, Any] | None:
        """Return what a continuous-access-evaluation challenge asks of this call, or None."""
        return fresh_claims() if self.tokens.is_revoked(claims) else self.claims._take()

    async def work(self, job: Callable[[], _T]) -> _T:
        """Run slow arithmetic in a thread, so that other calls go on."""
        return await asyncio.get_running_loop().run_in_executor(self._workers, _deliverable(job))

    @asynccontextmanager
    async def writing(self, name: str) -> AsyncIterator[None]:
        """Hold a name while its key is replaced, and free it before if the key has reached its end.

        Calls that read the key meanwhile see the one that is stored.
        """
        async with self._locks.setdefault(name.lower(), asyncio.Lock()):
            key = self.state.remembered(name)
            if key is not None and key.phase(self.clock.now()) is Phase.GONE:
                await self.remove(key)
            yield

    async def save(self, key: Key, *versions: KeyVersion) -> None:
        """Store a key with the versions that are new, then let callers see it.

        :raises ServiceError: 503 if it cannot be stored.
        """
        await self.storage.save(key, *versions)
        self.state.put(key)

    async def remove(self, key: Key, *, taken_for: float = 0.0) -> None:
        """Remove a key, and free its name, at once or after some seconds.

        :raises ServiceError: 503 if that cannot be stored.
        """
        await self.storage.remove(key)
        self.state.forget(key, taken_for=taken_for)

    async def mark_managed(self, name: str) -> None:
        """Make a key look as if a certificate backed it.

        :raises KeyError: there is no such key.
        """
        async with self.writing(name):
            key = self.state.live(name)
            if key is None:
                raise KeyError(name)
            versions = {text: version.changed() for text, version in key.versions.items()}
            await self.save(replace(key, managed=True, versions=versions))

    def close(self) -> None:
        """End threads and files."""
        self._workers.shutdown()
        self.storage.close()


def _storage(directory: str | os.PathLike[str] | None, kind: ServiceKind) -> Storage:
    return SqliteStorage(Path(directory), kind.name) if directory else MemoryStorage()


def _deliverable(job: Callable[[], _T]) -> Callable[[], _T]:
    """Return a job whose failures all reach its waiter: a future refuses ``StopIteration``, and would never end."""

    def run() -> _T:
        try:
            return job()
        except StopIteration as error:
            raise RuntimeError("a job ended with StopIteration") from error

    return run
