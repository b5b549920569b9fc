"""The environment in which unmodified production code finds the emulator."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from ._http.tls import Certificates
from ._service import Service

#: Variables that would send azure-identity or a TLS library elsewhere.
OVERRIDING = (
    "AZURE_AUTHORITY_HOST",
    "AZURE_CLIENT_CERTIFICATE_PASSWORD",
    "AZURE_CLIENT_CERTIFICATE_PATH",
    "AZURE_CLIENT_ID",
    "AZURE_CLIENT_SECRET",
    "AZURE_CLIENT_SEND_CERTIFICATE_CHAIN",
    "AZURE_FEDERATED_TOKEN_FILE",
    "AZURE_KUBERNETES_CA_DATA",
    "AZURE_KUBERNETES_CA_FILE",
    "AZURE_KUBERNETES_SNI_NAME",
    "AZURE_KUBERNETES_TOKEN_PROXY",
    "AZURE_PASSWORD",
    "AZURE_POD_IDENTITY_AUTHORITY_HOST",
    "AZURE_REGIONAL_AUTHORITY_NAME",
    "AZURE_TENANT_ID",
    "AZURE_TOKEN_CREDENTIALS",
    "AZURE_USERNAME",
    "CURL_CA_BUNDLE",
    "IDENTITY_ENDPOINT",
    "IDENTITY_HEADER",
    "IDENTITY_SERVER_THUMBPRINT",
    "IMDS_ENDPOINT",
    "MSI_ENDPOINT",
    "MSI_SECRET",
    "SSL_CERT_DIR",
)
_NO_PROXY = ("localhost", "127.0.0.1", "::1")


def emulator_environment(
    service: Service, certificates: Certificates, vault_url: Callable[[Service], str] | None = None
) -> dict[str, str]:
    """Return the variables that point clients to a running emulator and bypass any proxy.

    :param vault_url: the URL to call the vault by; by default, that of ``localhost``.
    """
    vault_url = vault_url or (lambda vault: vault.origins.default.url)
    url = service.origins.default.url
    bundle = str(certificates.bundle)
    past_proxies = [*_NO_PROXY, *service.hostnames]
    variables = {
        "VAULT_URL": vault_url(service),
        "AZURE_KEYVAULT_URL": vault_url(service),
        **{f"VAULT_URL_{name.upper().replace('-', '_')}": vault_url(one) for name, one in service.others.items()},
        "SSL_CERT_FILE": bundle,
        "REQUESTS_CA_BUNDLE": bundle,
        "NODE_EXTRA_CA_CERTS": bundle,
        **{
            name: ",".join(filter(None, [os.environ.get(name, ""), *past_proxies])) for name in ("NO_PROXY", "no_proxy")
        },
    }
    if service.options.service_principal:
        return variables | {
            "AZURE_AUTHORITY_HOST": url,
            "AZURE_CLIENT_ID": service.tokens.client_id,
            "AZURE_CLIENT_SECRET": service.identity.client_secret,
            "AZURE_TENANT_ID": "adfs",
        }
    return variables | {
        "IDENTITY_ENDPOINT": f"{url}/msi/token",
        "IDENTITY_HEADER": service.identity.identity_header,
    }


def resolved_url(service: Service) -> str:
    """Return the vault's URL with its first host name that resolves to this machine, or else with ``localhost``.

    This looks up the names, so it takes as long as the resolver takes.
    """
    origins = service.origins
    for host in service.options.hostnames:
        if origins.default.host != host.lower() and _is_this_machine(host):
            return origins.of(f"{host}:{origins.default.port}").url
    return origins.default.url


def unresolved_hosts(hosts: Iterable[str]) -> list[str]:
    """Return the host names that do not resolve to this machine."""
    return [host for host in hosts if not _is_this_machine(host)]


def _is_this_machine(host: str) -> bool:
    """Return whether a name resolves to an address of this machine, one that a socket can bind to."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return False
    return any(_is_bindable(family, address) for family, _, _, _, address in found)


def _is_bindable(family: int, address: Any) -> bool:
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.bind((address[0], 0, *address[2:]))
    except OSError:
        return False
    return True


def child_environment(variables: Mapping[str, str], inherited: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return a complete environment: the inherited one, minus what would override the emulator's variables.

    The directory of the running interpreter comes first on ``PATH``, so that ``python`` is the one that has the
    emulator installed.
    """
    environment = {name: value for name, value in inherited.items() if name not in OVERRIDING}
    environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), inherited.get("PATH", os.defpath)])
    return {**environment, **variables}
