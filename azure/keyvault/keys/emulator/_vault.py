"""The objects with which tests control one vault of a running emulator."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Coroutine, Mapping
from pathlib import Path
from typing import Any, TypeVar

from ._identity.credentials import AsyncEmulatorCredential, EmulatorCredential
from ._identity.remote import TokenPlace, remember
from ._knobs.access import ClaimsDemand, Permissions
from ._knobs.events import VaultEvent
from ._knobs.faults import Faults
from ._knobs.recorder import Recorder
from ._knobs.throttle import Throttle
from ._service import Service

_T = TypeVar("_T")


class EmulatedVault(ABC):
    """One vault of an emulator: the emulator itself for its first one, and ``emulator.vaults[NAME]`` for each.

    Each vault has its own keys, requests, faults, permissions, claims and limits. It shares the clock, tokens and
    credentials of the emulator.
    """

    @property
    @abstractmethod
    def _running_service(self) -> Service: ...

    @abstractmethod
    def _run(self, job: Coroutine[Any, Any, _T]) -> _T:
        """Run a coroutine in the vault's event loop and return its result.

        :raises RuntimeError: if the vault is not serving.
        """

    @property
    @abstractmethod
    def ca_bundle(self) -> str:
        """The path of the certificate authority's certificate, in PEM."""

    @property
    def url(self) -> str:
        """The vault's URL, without a trailing slash."""
        return self._running_service.origins.default.url

    def url_of(self, host: str) -> str:
        """Return the URL of an additional host name.

        :param host: one of the option ``hostnames``, or the host name of an additional vault.
        :raises ValueError: if the vault does not answer to that name.
        """
        origins = self._running_service.origins
        if host.lower() not in origins.hosts:
            raise ValueError(f"this vault does not answer to {host!r}, only to {', '.join(sorted(origins.hosts))}")
        return origins.of(f"{host}:{origins.default.port}").url

    @property
    def client_options(self) -> dict[str, Any]:
        """Keyword arguments for a client: the certificate authority to trust."""
        return {"connection_verify": self.ca_bundle}

    @property
    def credential(self) -> EmulatorCredential:
        """A credential for synchronous clients."""
        return EmulatorCredential(self._running_service.tokens, self._token_place)

    @property
    def async_credential(self) -> AsyncEmulatorCredential:
        """A credential for asynchronous clients."""
        return AsyncEmulatorCredential(self._running_service.tokens, self._token_place)

    @property
    def _token_place(self) -> TokenPlace:
        service = self._running_service
        endpoint = f"{service.tokens.base_url}/msi/token"
        place = TokenPlace(endpoint, service.identity.identity_header, Path(self.ca_bundle).read_text("ascii"))
        remember(place, service.tokens)
        return place

    @property
    def requests(self) -> Recorder:
        """The recorded requests, oldest first."""
        return self._running_service.requests

    @property
    def faults(self) -> Faults:
        """Faults to inject."""
        return self._running_service.faults

    @property
    def permissions(self) -> Permissions:
        """Permissions to deny, and the firewall."""
        return self._running_service.permissions

    @property
    def claims(self) -> ClaimsDemand:
        """Claims challenges (continuous access evaluation) to send."""
        return self._running_service.claims

    @property
    def throttle(self) -> Throttle:
        """Limits on calls."""
        return self._running_service.throttle

    @property
    def events(self) -> list[VaultEvent]:
        """Events that the passage of time caused, oldest first: rotations by policy, near expiry, expiry, purges."""
        return self._running_service.events.all()

    def mark_managed(self, name: str) -> None:
        """Make a key look as if a certificate backed it.

        :param name: the name of the key.
        :raises KeyError: if there is no such key.
        :raises RuntimeError: if the vault is not serving.
        """
        self._run(self._running_service.mark_managed(name))

    def export_state(self) -> dict[str, Any]:
        """Return everything that the vault stores, ready for JSON: live and deleted keys, versions, policies, times.

        **It contains the private keys in plain text.** Use it in tests, to restore a state or to start from one.

        :returns: a state for :meth:`import_state` or the option ``seed``.
        """
        return self._run(self._running_service.export_state())

    def import_state(self, state: Mapping[str, Any]) -> None:
        """Replace everything that the vault stores.

        :param state: what :meth:`export_state` returned.
        :raises ValueError: if it is something else, or belongs to the other kind of service.
        """
        self._run(self._running_service.import_state(state))
