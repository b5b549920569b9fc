"""The two implementations behind the API, a vault and a Managed HSM, where they differ visibly."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any

from .._api_versions import ApiVersion
from .._errors import ServiceError, bad_parameter
from .._messages import to_json
from .._origins import REGION, Origin

_HELP = "For help resolving this issue, please see https://go.microsoft.com/fwlink/?linkid="


@dataclass(frozen=True, slots=True)
class ServiceKind:
    """What vault and Managed HSM word or order differently; this is the vault."""

    premium: bool = True

    name = "vault"
    is_hsm = False
    has_deletion_delay = True

    @property
    def headers(self) -> dict[str, str]:
        """The headers of every reply; those of vaults since about 2022."""
        return {
            "Cache-Control": "no-cache",
            "Pragma": "no-cache",
            "Expires": "-1",
            "Strict-Transport-Security": "max-age=31536000;includeSubDomains",
            "X-Content-Type-Options": "nosniff",
            "x-ms-keyvault-region": REGION,
            "x-ms-keyvault-service-version": "1.9.0.0",
            "x-ms-keyvault-network-info": "conn_type=Ipv4;addr=127.0.0.1;act_addr_fam=InterNetwork;",
        }

    def write(self, value: Any) -> bytes:
        """Return the JSON of a reply."""
        return to_json(value)

    def message(self, text: str, request_id: str) -> str:
        """Return the text of an error as this kind of service ends it."""
        return text

    def unauthorized_body(self, method: str, message: str) -> bytes:
        """Return the body of a 401."""
        return to_json({"error": {"code": "Unauthorized", "message": message}})

    def key_not_found(self, origin: Origin, name: str, version: str = "") -> ServiceError:
        """404 for a key or version."""
        shown = f"{name}/{version}" if version else name
        return ServiceError(
            404,
            "KeyNotFound",
            f"A key with (name/id) {shown} was not found in this key vault. If you recently deleted this key you may "
            f"be able to recover it using the correct recovery command. {_HELP}2125182",
        )

    def deleted_key_not_found(self, origin: Origin, name: str) -> ServiceError:
        """404 for a deleted key."""
        return ServiceError(404, "KeyNotFound", f"Deleted Key not found: {name}")

    def nothing_to_recover(self, origin: Origin, name: str) -> ServiceError:
        """404 for recover and purge of a key that is not deleted."""
        return ServiceError(404, "KeyNotFound", f"Key not found: {name}")

    def malformed_backup(self) -> ServiceError:
        """400 for a backup that cannot be read."""
        return ServiceError(400, "Malformed backup blob", "Backup blob is corrupt.")

    def foreign_backup(self) -> ServiceError:
        """400 for a backup made elsewhere."""
        return self.malformed_backup()

    def release_rule(self, number: int, text: str) -> ServiceError:
        """400 of the secure key release family."""
        return bad_parameter(f"AKV.SKR.{number}: {text}")

    def key_type(self, kty: str) -> str:
        """Return the key type that a requested one becomes."""
        return "AKP-HSM" if kty == "AKP" else kty

    def check_key_type(self, kty: str, version: ApiVersion) -> None:
        """Refuse symmetric keys, and HSM keys without the premium SKU.

        :raises ServiceError: 400.
        """
        if kty.startswith("oct") or (kty.endswith("-HSM") and not self.premium):
            raise bad_parameter(f"Invalid kty value: {kty}", "KeyTypeNotSupported")

    def shows_exportable(self, exportable: bool, version: ApiVersion) -> bool:
        """Say whether ``exportable`` is written; a false one was seen from 7.5 on."""
        return version.since("7.3-preview") and (exportable or version.since("7.5-preview.1"))


@dataclass(frozen=True, slots=True)
class ManagedHsmKind(ServiceKind):
    """A Managed HSM: members in alphabetical order, Activity IDs in texts, HSM key types only, no deletion delay."""

    name = "managed-hsm"
    is_hsm = True
    has_deletion_delay = False

    @property
    def headers(self) -> dict[str, str]:
        """The headers of every reply."""
        return {
            "Cache-Control": "no-cache",
            "Content-Security-Policy": "default-src 'self'",
            "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "SAMEORIGIN",
            "x-ms-keyvault-region": REGION,
            "x-ms-keyvault-network-info": "conn_type=Ipv4;addr=127.0.0.1;act_addr_fam=Ipv4;",
            "x-ms-server-latency": "1",
        }

    def write(self, value: Any) -> bytes:
        """Return the JSON of a reply, members in alphabetical order."""
        return to_json(value, sort_keys=True)

    def message(self, text: str, request_id: str) -> str:
        """Return the text of an error with the activity's id."""
        return f"{text} (Activity ID: {request_id})"

    def unauthorized_body(self, method: str, message: str) -> bytes:
        """Return the body of a 401: ``OK`` for GET, nothing for others, unless the token was the trouble."""
        if "missing" not in message:
            return to_json({"error": {"code": "Unauthorized", "message": message}})
        return b"OK" if method == "GET" else b""

    def key_not_found(self, origin: Origin, name: str, version: str = "") -> ServiceError:
        """404 for a key or version."""
        shown = f"{name}/{version}" if version else name
        return ServiceError(404, "KeyNotFound", f"Key not found: {origin.url}/keys/{shown}")

    def deleted_key_not_found(self, origin: Origin, name: str) -> ServiceError:
        """404 for a deleted key."""
        return ServiceError(404, "KeyNotFound", f"Key not found: {origin.url}/deletedkeys/{name}")

    def nothing_to_recover(self, origin: Origin, name: str) -> ServiceError:
        """404 for recover and purge of a key that is not deleted."""
        return self.deleted_key_not_found(origin, name)

    def malformed_backup(self) -> ServiceError:
        """400 for a backup that cannot be read."""
        return ServiceError(400, "MalformedBackupBlob", "Backup blob is corrupt.")

    def foreign_backup(self) -> ServiceError:
        """400 for a backup made elsewhere."""
        return ServiceError(
            400,
            "MalformedBackupBlob",
            "Backup blob belongs to a different crypto domain and cannot be used with this instance.",
        )

    def release_rule(self, number: int, text: str) -> ServiceError:
        """400 of the secure key release family, without its number."""
        return bad_parameter(text)

    def key_type(self, kty: str) -> str:
        """Return the HSM type of a requested one."""
        return kty if kty.endswith("-HSM") else f"{kty}-HSM"

    def check_key_type(self, kty: str, version: ApiVersion) -> None:
        """Refuse symmetric keys before 7.2.

        :raises ServiceError: 400.
        """
        if kty.startswith("oct") and not version.since("7.2-preview"):
            raise bad_parameter(f"Invalid kty value: {kty}", "KeyTypeNotSupported")

    def shows_exportable(self, exportable: bool, version: ApiVersion) -> bool:
        """Say whether ``exportable`` is written: always, once the version has it."""
        return version.since("7.3-preview")


def challenge(origin: Origin, authority_url: str, tenant: str) -> str:
    """Return the value of ``WWW-Authenticate``. The resource is the emulator's own origin, not Azure's."""
    return f'Bearer authorization="{authority_url}/{tenant}", resource="{origin.url}"'


def claims_challenge(authority_url: str, claims: dict[str, Any]) -> str:
    """Return a continuous-access-evaluation challenge: neither resource nor usable tenant, claims in base64."""
    encoded = base64.b64encode(json.dumps(claims).encode()).decode("ascii")
    return (
        f'Bearer realm="", authorization_uri="{authority_url}/common/oauth2/authorize", '
        f'error="insufficient_claims", claims="{encoded}"'
    )
