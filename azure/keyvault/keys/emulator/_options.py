"""The configuration of an emulator."""

from __future__ import annotations

import ipaddress
import math
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypedDict

from ._api_versions import LATEST_STABLE, VERSIONS

_VAULT = re.compile(r"[0-9A-Za-z](?:[0-9A-Za-z-]{0,61}[0-9A-Za-z])?(?:\.[0-9A-Za-z-]{1,63})*", re.ASCII)


class EmulatorKeywords(TypedDict, total=False):
    """The fields of :class:`EmulatorOptions` as keywords, for type checkers."""

    port: int
    managed_hsm: bool
    data_dir: str | os.PathLike[str] | None
    deletion_delay: float
    purge_delay: float
    soft_delete: bool
    purge_protection: bool
    retention_days: int
    premium: bool
    page_size: int
    empty_pages: bool
    padded_hsm_exponent: bool
    service_principal: bool
    token_lifetime: int
    hostnames: tuple[str, ...]
    latest_api_version: str | None
    record: bool
    listen: str | None
    vaults: tuple[str, ...]
    seed: str | os.PathLike[str] | Mapping[str, Any] | None
    ui: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class EmulatorOptions:
    """Options of an emulator.

    :param port: the port on the loopback interface, up to 65535; 0 for a free one.
    :param managed_hsm: behave as a Managed HSM instead of a vault.
    :param data_dir: keep keys there, in SQLite with private parts encrypted; None for memory only.
    :param deletion_delay: seconds until a DELETE or recover takes effect, 0 or more. Managed HSMs have no delay.
    :param purge_delay: seconds for which a purged name stays reserved, 0 or more.
    :param soft_delete: keep deleted keys for recovery.
    :param purge_protection: refuse to purge.
    :param retention_days: the number of days in which deleted keys can be recovered, 7 to 90.
    :param premium: support HSM key types, like a vault of the premium SKU.
    :param page_size: the default number of items in a page, 1 to 25.
    :param empty_pages: put an empty page with a link before every page, as the service sometimes does.
    :param padded_hsm_exponent: write the exponent of RSA-HSM keys as ``AAEAAQ``, as vaults of 2019 did.
    :param service_principal: challenge with the ``adfs`` tenant and offer a service principal in the environment.
    :param token_lifetime: the number of seconds for which tokens are valid.
    :param hostnames: additional host names to answer to, besides localhost.
    :param latest_api_version: the newest version served, one of :class:`~azure.keyvault.keys.ApiVersion`; None for all,
        including previews.
    :param record: record requests, for assertions.
    :param listen: an IP address to listen on besides the loopback interface, such as ``0.0.0.0`` in a container.
        **Anyone who can reach it can get tokens and use the keys.** None for the loopback interface only.
    :param vaults: names of additional vaults in the same server. Each has its own keys, settings and port (the next
        ones, or free ones), and the host name ``NAME.vault.localhost``. A full host name also works, such as
        ``billing.vault.azure.net``.
    :param seed: keys that exist from the start: a JSON file, or its content. Keys that are already in a data directory
        stay unchanged.
    :param ui: serve a page at the root that shows and controls the vault, for those who have ``vault.ui_link``.
    :raises ValueError: if an option is outside its limits.
    """

    port: int = 0
    managed_hsm: bool = False
    data_dir: str | os.PathLike[str] | None = None
    deletion_delay: float = 0.5
    purge_delay: float = 0.0
    soft_delete: bool = True
    purge_protection: bool = False
    retention_days: int = 90
    premium: bool = True
    page_size: int = 25
    empty_pages: bool = False
    padded_hsm_exponent: bool = False
    service_principal: bool = False
    token_lifetime: int = 3600
    hostnames: tuple[str, ...] = ()
    latest_api_version: str | None = None
    record: bool = True
    listen: str | None = None
    vaults: tuple[str, ...] = ()
    seed: str | os.PathLike[str] | Mapping[str, Any] | None = None
    ui: bool = False

    def __post_init__(self) -> None:
        if not 7 <= self.retention_days <= 90:
            raise ValueError("retention_days must be 7 to 90")
        if not 1 <= self.page_size <= 25:
            raise ValueError("page_size must be 1 to 25")
        if not 0 <= self.port <= 65535:
            raise ValueError("port must be 0 to 65535")
        if not all(0 <= delay < math.inf for delay in (self.deletion_delay, self.purge_delay)):
            raise ValueError("deletion_delay and purge_delay must be finite and not negative")
        if self.latest_api_version not in (None, *VERSIONS):
            raise ValueError(f"latest_api_version must be one of {', '.join(VERSIONS)}")
        if self.listen is not None:
            _check_address(self.listen)
        _check_vaults(self.vaults)

    @property
    def own_options(self) -> Iterator[tuple[str, EmulatorOptions]]:
        """The name and the options of every additional vault."""
        for number, host in enumerate(self.vaults, 1):
            name, domain = vault_name(host), "managedhsm" if self.managed_hsm else "vault"
            yield (
                name,
                replace(
                    self,
                    port=self.port and self.port + number,
                    data_dir=self.data_dir and os.path.join(self.data_dir, name.lower()),
                    hostnames=((host if "." in host else f"{name}.{domain}.localhost").lower(),),
                    vaults=(),
                    seed=None,
                ),
            )

    @property
    def recommended_api_version(self) -> str:
        """The version that the error for an unknown version recommends."""
        return self.latest_api_version or LATEST_STABLE


def vault_name(host: str) -> str:
    """Return the name of an additional vault: the first label of its host name."""
    return host.partition(".")[0]


def _check_address(text: str) -> None:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        raise ValueError(f"listen must be an IP address such as 0.0.0.0, not {text!r}") from None


def _check_vaults(hosts: tuple[str, ...]) -> None:
    if wrong := [host for host in hosts if not _VAULT.fullmatch(host)]:
        raise ValueError(f"vaults must be host names, or names of letters, digits and hyphens, not {wrong[0]!r}")
    names = [vault_name(host).lower() for host in hosts]
    if len(set(names)) < len(names):
        raise ValueError("vaults must have different names")
