"""The emulated service: its parts, put together from the options."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from ._access import ClaimsDemand, Permissions, fresh_claims
from ._attestation import AttestationAuthority
from ._backup import BackupKey
from ._bundles import Bundles
from ._clock import Clock
from ._faults import Faults
from ._identity import IdentityEndpoints
from ._kinds import ManagedHsmKind, ServiceKind
from ._options import EmulatorOptions
from ._origins import Origins
from ._recorder import Recorder
from ._records import Phase
from ._release_signer import ReleaseSigner
from ._state import LifeCycle, VaultState
from ._storage import MemoryStorage, SqliteStorage, Storage
from ._throttle import Throttle
from ._tokens import TokenAuthority

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
        self.storage: Storage = SqliteStorage(Path(options.data_dir)) if options.data_dir else MemoryStorage()
        self.state = VaultState(self.clock, self.rules, self.storage.load())
        self.backup_key = BackupKey.stored(self.storage) if options.data_dir else BackupKey.shared()
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

    async def free_expired(self, name: str) -> None:
        """Free a name whose deleted key has reached its purge date, or whose purge is over."""
        key = self.state.remembered(name)
        if key is not None and key.phase(self.clock.now()) is Phase.GONE:
            self.state.forget(key)
            await self.storage.remove(key)

    def close(self) -> None:
        """End threads and files."""
        self._workers.shutdown()
        self.storage.close()


def _deliverable(job: Callable[[], _T]) -> Callable[[], _T]:
    """Return a job whose failures all reach its waiter: a future cannot carry ``StopIteration``, and would never end."""

    def run() -> _T:
        try:
            return job()
        except StopIteration as error:
            raise RuntimeError("a job ended with StopIteration") from error

    return run
