"""The emulator in process: a server in its own thread, and the objects that tests control it with."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from ._clock import Clock
from ._environment import emulator_environment
from ._http.server import Server
from ._http.tls import Certificates
from ._identity.attestation import AttestationAuthority
from ._identity.tokens import TokenRequest
from ._operations.passage_of_time import catch_up
from ._options import EmulatorOptions
from ._service import Service
from ._vault import EmulatedVault

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ._options import EmulatorKeywords

_T = TypeVar("_T")


class KeyVaultEmulator(EmulatedVault):
    """A Key Vault (or Managed HSM) for keys on the loopback interface, over HTTPS.

    ::

        with KeyVaultEmulator() as vault:
            client = KeyClient(vault.url, vault.credential, **vault.client_options)

    Nearly everything except the options needs a running vault and raises ``RuntimeError`` before
    :meth:`start`.

    :param options: the fields of :class:`EmulatorOptions` as keywords, such as ``managed_hsm=True``.
    :ivar options: the options of this emulator.
    :raises TypeError: if an option is unknown.
    :raises ValueError: if an option is outside its limits.
    """

    def __init__(self, **options: Unpack[EmulatorKeywords]) -> None:
        self.options = EmulatorOptions(**options)
        self._service: Service | None = None
        self._certificates: Certificates | None = None
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._server: Server | None = None

    def __repr__(self) -> str:
        state = self.url if self._service is not None else "not started"
        return f"<{type(self).__name__} [{state}]>"

    def start(self) -> KeyVaultEmulator:
        """Start serving. Return once requests are accepted.

        :returns: the emulator itself.
        :raises RuntimeError: if it is already serving.
        :raises OSError: if the port is taken.
        :raises ValueError: if the data directory cannot be used, or a host name is invalid.
        """
        if self._thread is not None:
            raise RuntimeError("the emulator is running")
        try:
            self._service = Service(self.options)
            self._certificates = Certificates.of(self._service)
            self._start_thread()
        except Exception:  # any step of the start may fail; it leaves nothing open and the caller gets the error
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Close all connections and remove temporary files. Stopping twice is harmless."""
        if self._loop is not None and self._stop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
        if self._thread is not None:
            self._thread.join()
        if self._service is not None:
            self._service.close()
        if self._certificates is not None:
            self._certificates.close()
        self._thread = self._loop = self._stop = self._server = self._certificates = None

    def _start_thread(self) -> None:
        ready, failures = threading.Event(), list[BaseException]()
        self._thread = threading.Thread(
            target=self._serve_in_thread, args=(ready, failures), name="keyvault-emulator", daemon=True
        )
        self._thread.start()
        ready.wait()
        if failures:
            raise failures[0]
        self._running_service.clock._moved = self._catch_up

    def _serve_in_thread(self, ready: threading.Event, failures: list[BaseException]) -> None:
        try:
            asyncio.run(self._serve(ready))
        except BaseException as error:  # passed to the thread that waits in start()
            failures.append(error)
        finally:
            ready.set()

    async def _serve(self, ready: threading.Event) -> None:
        server = Server(self._running_service, self._running_certificates)
        try:
            await server.start()
            self._server = server
            self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
            ready.set()
            await self._stop.wait()
        finally:
            await server.stop()

    @property
    def _running_service(self) -> Service:
        if self._service is None:
            raise RuntimeError("the emulator has not been started")
        return self._service

    @property
    def _running_certificates(self) -> Certificates:
        if self._certificates is None:
            raise RuntimeError("the emulator is not running")
        return self._certificates

    def _run(self, job: Coroutine[Any, Any, _T]) -> _T:
        if self._loop is None:
            job.close()
            raise RuntimeError("the emulator is not running")
        return asyncio.run_coroutine_threadsafe(job, self._loop).result()

    def _catch_up(self) -> None:
        for vault in self._running_service.vaults:
            self._run(catch_up(vault))

    @property
    def ca_bundle(self) -> str:
        """The path of the certificate authority's certificate, in PEM."""
        return str(self._running_certificates.authority)

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables that ``run`` sets for a command."""
        return emulator_environment(self._running_service, self._running_certificates)

    @property
    def ui_link(self) -> str:
        """A new single-use link to the page of the vault. It requires the option ``ui``.

        :raises RuntimeError: if the emulator is not running or has no page.
        """
        if self._server is None:
            raise RuntimeError("the emulator is not running")
        return self._server.ui_link()

    @property
    def vaults(self) -> Mapping[str, EmulatedVault]:
        """The additional vaults of the same server, by name. The name of a full host name is its first label."""
        return {name: _FurtherVault(self, name) for name in self._running_service.others}

    @property
    def tenant_id(self) -> str:
        """The tenant, a GUID. The vault accepts its tokens and those of ``adfs``."""
        return self._running_service.tokens.tenant

    @property
    def token_requests(self) -> list[TokenRequest]:
        """The latest 1024 tokens issued, oldest first: audience, tenant, demanded claims and grant."""
        return list(self._running_service.tokens.requests)

    @property
    def clock(self) -> Clock:
        """The vault's clock."""
        return self._running_service.clock

    @property
    def attestation(self) -> AttestationAuthority:
        """The attestation authority that release policies can name."""
        return self._running_service.attestation

    def revoke_tokens(self) -> None:
        """Answer every token issued so far with a claims challenge."""
        self._running_service.tokens.revoke()

    def reset(self) -> None:
        """Restore every setting: faults, limits, permissions, claims, clock and revocation of tokens.

        This applies to all vaults. Keys stay; the records of requests, events and tokens are cleared.
        """
        self.clock.offset = 0.0
        for vault in self._running_service.vaults:
            vault.reset()
        self._running_service.tokens.reset()

    def __enter__(self) -> KeyVaultEmulator:
        return self.start()

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    async def __aenter__(self) -> KeyVaultEmulator:
        return await asyncio.to_thread(self.start)

    async def __aexit__(self, *exc_info: object) -> None:
        await asyncio.to_thread(self.stop)


class _FurtherVault(EmulatedVault):
    """An additional vault."""

    def __init__(self, emulator: KeyVaultEmulator, name: str) -> None:
        self._emulator = emulator
        self._name = name

    @property
    def _running_service(self) -> Service:
        return self._emulator._running_service.others[self._name]

    @property
    def ca_bundle(self) -> str:
        return self._emulator.ca_bundle

    def _run(self, job: Coroutine[Any, Any, _T]) -> _T:
        return self._emulator._run(job)

    def __repr__(self) -> str:
        return f"<EmulatedVault {self._name} at {self.url}>"
