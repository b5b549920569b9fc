"""The emulated service, assembled from its parts according to the options."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Mapping
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
from ._identity.secrets import Identity
from ._identity.tokens import TokenAuthority
from ._knobs.access import ClaimsDemand, Permissions, fresh_claims
from ._knobs.events import Events
from ._knobs.faults import Faults
from ._knobs.recorder import Recorder
from ._knobs.throttle import Throttle
from ._operations.bundles import Bundles
from ._operations.kinds import ServiceKind
from ._operations.managed_hsm import ManagedHsmKind
from ._options import EmulatorOptions
from ._origins import KnownOrigins
from ._storage.agenda import Agenda
from ._storage.backup import BackupKey
from ._storage.exports import exported, imported
from ._storage.records import Key, KeyVersion, Phase
from ._storage.state import LifeCycle, VaultState
from ._storage.storage import MemoryStorage, SqliteStorage, Storage

_T = TypeVar("_T")
_DAY = 86400
_SHOWN_REQUESTS = 100


class Realm:
    """What the vaults of a server share: the clock, the tenant with its tokens and endpoints, and worker threads."""

    def __init__(self, options: EmulatorOptions, clock: Clock, storage: Storage) -> None:
        identity = Identity.kept(storage.secret)
        self.clock = clock
        self.tokens = TokenAuthority(clock, options.token_lifetime, identity)
        self.identity = IdentityEndpoints(self.tokens, identity)
        self.attestation = AttestationAuthority(clock)
        self.vaults: list[Service] = []
        self.workers = ThreadPoolExecutor(max_workers=4, thread_name_prefix="emulator-worker")

    def bind(self, url: str) -> None:
        """Tell the parts the URL of the server."""
        self.tokens.base_url = self.attestation._base_url = url


class Service:
    """A vault: everything that handles its calls, apart from the web server."""

    def __init__(self, options: EmulatorOptions, realm: Realm | None = None) -> None:
        self.options = options
        self.clock = Clock() if realm is None else realm.clock
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
            self.state = VaultState(self.clock, self.rules, self.storage.load(), Agenda(notices=not self.kind.is_hsm))
            self.realm = realm or Realm(options, self.clock, self.storage)
            shared = not options.data_dir
            self.backup_key = BackupKey.shared(self.kind.name) if shared else BackupKey.stored(self.storage)
        except BaseException:
            self.storage.close()
            raise
        self.bundles = Bundles(self.kind, self.rules, options.padded_hsm_exponent)
        self.permissions = Permissions(self.tokens.client_id)
        self.claims = ClaimsDemand()
        self.throttle = Throttle(self.clock)
        self.faults = Faults()
        # If recording is off, the page still shows the latest requests, without headers and bodies.
        self.requests = Recorder() if options.record else Recorder(most=_SHOWN_REQUESTS)
        self.realm.vaults.append(self)
        self.events = Events()
        self.catching_up = asyncio.Lock()
        self.origins = KnownOrigins(options.port, options.hostnames)
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self.others: dict[str, Service] = {}
        self._open_others()

    def _open_others(self) -> None:
        try:
            for name, options in self.options.own_options:
                self.others[name] = Service(options, self.realm)
        except BaseException:
            self.close()
            raise

    @property
    def vaults(self) -> list[Service]:
        """This vault and the additional ones of its server."""
        return [self, *self.others.values()]

    @property
    def hostnames(self) -> list[str]:
        """The additional host names of all vaults."""
        return [name for vault in self.vaults for name in vault.options.hostnames]

    @property
    def tokens(self) -> TokenAuthority:
        """The tokens of the tenant."""
        return self.realm.tokens

    @property
    def identity(self) -> IdentityEndpoints:
        """The identity endpoints."""
        return self.realm.identity

    @property
    def attestation(self) -> AttestationAuthority:
        """The attestation authority that release policies can name."""
        return self.realm.attestation

    def bind(self, port: int, host: str = "localhost") -> None:
        """Tell the parts the host names of the server."""
        self.origins = KnownOrigins(port, self.options.hostnames, host)

    @property
    def public_host(self) -> str:
        """The host in the emulator's URLs. Other machines need a host name other than ``localhost``."""
        names = self.options.hostnames
        return names[0].lower() if self.options.listen and names else "localhost"

    @cached_property
    def release_signer(self) -> ReleaseSigner:
        """The service's own certificate."""
        return ReleaseSigner()

    @property
    def challenge_tenant(self) -> str:
        """The tenant that challenges name."""
        return "adfs" if self.options.service_principal else self.tokens.tenant

    def demanded_claims(self, claims: dict[str, Any]) -> dict[str, Any] | None:
        """Return the claims that a continuous-access-evaluation challenge demands of this call, or None."""
        return fresh_claims() if self.tokens.is_revoked(claims) else self.claims._take()

    async def work(self, job: Callable[[], _T]) -> _T:
        """Run slow arithmetic in a thread so that other calls can continue."""
        return await asyncio.get_running_loop().run_in_executor(self.realm.workers, _deliverable(job))

    @asynccontextmanager
    async def writing(self, name: str) -> AsyncIterator[None]:
        """Lock a name while its key is replaced. Before that, free the name if the key's retention has ended.

        Calls that read the key in the meantime see the stored one.
        """
        async with self._locks.setdefault(name.lower(), asyncio.Lock()):
            key = self.state.remembered(name)
            if key is not None and key.phase(self.clock.now()) is Phase.GONE:
                await self.remove(key)
            yield

    async def save(self, key: Key, *versions: KeyVersion) -> None:
        """Store a key with its new versions, then make it visible.

        :raises ServiceError: 503 if it cannot be stored.
        """
        await self.storage.save(key, *versions)
        self.state.put(key)

    async def remove(self, key: Key, *, taken_for: float = 0.0) -> None:
        """Remove a key, and free its name immediately or after some seconds.

        :raises ServiceError: 503 if the removal cannot be stored.
        """
        await self.storage.remove(key)
        self.state.forget(key, taken_for=taken_for)

    def reset(self) -> None:
        """Restore every setting after the clock has been reset. Keys stay."""
        self.faults.clear()
        self.throttle.off()
        self.permissions.reset()
        self.claims.demand(times=0)
        self.state.follow_clock()
        self.requests.clear()
        self.events.clear()

    async def export_state(self) -> dict[str, Any]:
        """Return all keys with their private parts, ready for JSON."""
        return exported(self.kind.name, self.state.all_keys())

    async def import_state(self, state: Mapping[str, Any]) -> None:
        """Replace all keys.

        :raises ValueError: if the state is invalid, or belongs to the other kind of service.
        """
        keys = imported(self.kind.name, state)
        for key in self.state.all_keys():
            async with self._locks.setdefault(key.folded, asyncio.Lock()):
                await self.remove(key)
        for key in keys:
            async with self.writing(key.name):
                await self.save(key, *key.versions.values())

    async def mark_managed(self, name: str) -> None:
        """Make a key look as if a certificate backed it.

        :raises KeyError: if there is no such key.
        """
        async with self.writing(name):
            key = self.state.live(name)
            if key is None:
                raise KeyError(name)
            versions = {text: version.changed() for text, version in key.versions.items()}
            await self.save(replace(key, managed=True, versions=versions))

    def close(self) -> None:
        """End threads and files."""
        for other in self.others.values():
            other.storage.close()
        self.realm.workers.shutdown()
        self.storage.close()


def _storage(directory: str | os.PathLike[str] | None, kind: ServiceKind) -> Storage:
    return SqliteStorage(Path(directory), kind.name) if directory else MemoryStorage()


def _deliverable(job: Callable[[], _T]) -> Callable[[], _T]:
    """Return a job whose failures all reach its waiter: a future rejects ``StopIteration`` and would never finish."""

    def run() -> _T:
        try:
            return job()
        except StopIteration as error:
            raise RuntimeError("a job ended with StopIteration") from error

    return run
