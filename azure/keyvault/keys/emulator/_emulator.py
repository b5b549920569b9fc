"""The emulator in process: a server in a thread of its own, and the handles that tests hold on it."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

from ._clock import Clock
from ._environment import emulator_environment
from ._http.server import Server
from ._http.tls import Certificates
from ._identity.attestation import AttestationAuthority
from ._identity.credentials import AsyncEmulatorCredential, EmulatorCredential
from ._identity.tokens import TokenRequest
from ._knobs.access import ClaimsDemand, Permissions
from ._knobs.faults import Faults
from ._knobs.recorder import Recorder
from ._knobs.throttle import Throttle
from ._options import EmulatorOptions
from ._service import Service

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ._options import EmulatorKeywords


class KeyVaultEmulator:
    """A Key Vault (or Managed HSM) for keys on the loopback interface, over HTTPS.

    ::

        with KeyVaultEmulator() as vault:
            client = KeyClient(vault.url, vault.credential, **vault.client_options)

    What belongs to the running vault, which is nearly all but its options, raises ``RuntimeError`` before
    :meth:`start`.

    :param options: those of :class:`EmulatorOptions`, by keyword, such as ``managed_hsm=True``.
    :ivar options: how it is set up.
    :raises TypeError: when an option is not known.
    :raises ValueError: when an option is outside its limits.
    """

    def __init__(self, **options: Unpack[EmulatorKeywords]) -> None:
        self.options = EmulatorOptions(**options)
        self._service: Service | None = None
        self._certificates: Certificates | None = None
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None

    def start(self) -> KeyVaultEmulator:
        """Begin to serve; return when requests are accepted.

        :returns: the emulator itself.
        :raises RuntimeError: it serves already.
        :raises OSError: the port is taken.
        :raises ValueError: the data directory cannot be used, or a host name is none.
        """
        if self._thread is not None:
            raise RuntimeError("the emulator is running")
        try:
            self._service = Service(self.options)
            self._certificates = Certificates(self.options.hostnames)
            self._start_thread()
        except Exception:  # whatever it was: nothing stays open, and the caller hears of it
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """End all connections and remove temporary files. Stopping twice is harmless."""
        if self._loop is not None and self._stop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
        if self._thread is not None:
            self._thread.join()
        if self._service is not None:
            self._service.close()
        if self._certificates is not None:
            self._certificates.close()
        self._thread = self._loop = self._stop = self._certificates = None

    def _start_thread(self) -> None:
        ready, failures = threading.Event(), list[BaseException]()
        self._thread = threading.Thread(target=self._run, args=(ready, failures), name="keyvault-emulator", daemon=True)
        self._thread.start()
        ready.wait()
        if failures:
            raise failures[0]

    def _run(self, ready: threading.Event, failures: list[BaseException]) -> None:
        try:
            asyncio.run(self._serve(ready))
        except BaseException as error:  # handed to the thread that waits in start()
            failures.append(error)
        finally:
            ready.set()

    async def _serve(self, ready: threading.Event) -> None:
        server = Server(self._running_service, self._running_certificates)
        try:
            await server.start()
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

    @property
    def url(self) -> str:
        """The vault's URL, without a trailing slash."""
        return self._running_service.origins.default.url

    @property
    def ca_bundle(self) -> str:
        """The path of the certificate authority's certificate, in PEM."""
        return str(self._running_certificates.authority)

    @property
    def client_options(self) -> dict[str, Any]:
        """Keyword arguments for a client: the certificate authority to trust."""
        return {"connection_verify": self.ca_bundle}

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables that ``run`` sets for a command."""
        return emulator_environment(self._running_service, self._running_certificates)

    @property
    def credential(self) -> EmulatorCredential:
        """A credential for synchronous clients."""
        return EmulatorCredential(self._running_service.tokens)

    @property
    def async_credential(self) -> AsyncEmulatorCredential:
        """A credential for asynchronous clients."""
        return AsyncEmulatorCredential(self._running_service.tokens)

    @property
    def tenant_id(self) -> str:
        """The tenant, a GUID, whose tokens the vault accepts beside those of ``adfs``."""
        return self._running_service.tokens.tenant

    @property
    def requests(self) -> Recorder:
        """The requests seen, oldest first."""
        return self._running_service.requests

    @property
    def token_requests(self) -> list[TokenRequest]:
        """The tokens issued, oldest first, the latest 1024 of them: audience, tenant, demanded claims and grant."""
        return list(self._running_service.tokens.requests)

    @property
    def faults(self) -> Faults:
        """Faults to inject."""
        return self._running_service.faults

    @property
    def clock(self) -> Clock:
        """The vault's clock."""
        return self._running_service.clock

    @property
    def permissions(self) -> Permissions:
        """Permissions to deny, and the firewall."""
        return self._running_service.permissions

    @property
    def claims(self) -> ClaimsDemand:
        """Claims challenges (continuous access evaluation) to make."""
        return self._running_service.claims

    @property
    def throttle(self) -> Throttle:
        """Limits on calls."""
        return self._running_service.throttle

    @property
    def attestation(self) -> AttestationAuthority:
        """The attestation authority that release policies can name."""
        return self._running_service.attestation

    def revoke_tokens(self) -> None:
        """Answer every token issued until now with a claims challenge."""
        self._running_service.tokens.revoke()

    def reset(self) -> None:
        """Turn every knob back: faults, limits, permissions, claims, clock and revocation of tokens.

        Keys stay; the records of requests and of tokens are emptied.
        """
        self.faults.clear()
        self.throttle.off()
        self.permissions.reset()
        self.claims.demand(times=0)
        self.clock.offset = 0.0
        self._running_service.state.follow_clock()
        self._running_service.tokens.reset()
        self.requests.clear()

    def mark_managed(self, name: str) -> None:
        """Make a key look as if a certificate backed it.

        :param name: the name of the key.
        :raises KeyError: there is no such key.
        :raises RuntimeError: it does not serve.
        """
        if self._loop is None:
            raise RuntimeError("the emulator is not running")
        asyncio.run_coroutine_threadsafe(self._running_service.mark_managed(name), self._loop).result()

    def __enter__(self) -> KeyVaultEmulator:
        return self.start()

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    async def __aenter__(self) -> KeyVaultEmulator:
        return await asyncio.to_thread(self.start)

    async def __aexit__(self, *exc_info: object) -> None:
        await asyncio.to_thread(self.stop)
