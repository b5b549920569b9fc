"""The environment in which unmodified production code finds the emulator."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from ._http.tls import Certificates
from ._service import Service

#: Variables that would make azure-identity or a TLS library look elsewhere.
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


def emulator_environment(service: Service, certificates: Certificates) -> dict[str, str]:
    """Return the variables that point to a running emulator, and past any proxy."""
    url = service.origins.default.url
    bundle = str(certificates.bundle)
    variables = {
        "VAULT_URL": url,
        "AZURE_KEYVAULT_URL": url,
        "SSL_CERT_FILE": bundle,
        "REQUESTS_CA_BUNDLE": bundle,
        "NODE_EXTRA_CA_CERTS": bundle,
        **{name: ",".join(filter(None, [os.environ.get(name, ""), *_NO_PROXY])) for name in ("NO_PROXY", "no_proxy")},
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


def child_environment(variables: Mapping[str, str], inherited: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return a whole environment: what is inherited, without what would override the emulator's variables.

    The directory of the running interpreter comes first on ``PATH``, so that ``python`` is the one that has the
    emulator.
    """
    environment = {name: value for name, value in inherited.items() if name not in OVERRIDING}
    environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), inherited.get("PATH", os.defpath)])
    return {**environment, **variables}
