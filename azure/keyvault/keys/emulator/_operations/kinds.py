"""The visible differences between the two implementations of the API, vault and Managed HSM. This is the vault.

Responses follow recordings of the live service. Where it changed over the years, they follow the newest recording of
the API version in use. A comment says where there is no recording and the response is based on documentation.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from .._api_versions import ApiVersion
from .._cryptography.algorithms import DEFAULT_KEY_OPS
from .._errors import ServiceError, bad_parameter
from .._messages import to_json
from .._origins import REGION, Origin
from .._storage.records import Key, KeyVersion, RotationPolicy
from .release_policies import canonical_policy

DEFAULT_NOTIFY = {"trigger": {"timeBeforeExpiry": "P30D"}, "action": {"type": "Notify"}}
_HELP = "For help resolving this issue, please see https://go.microsoft.com/fwlink/?linkid="
_VAULT_HEADERS = MappingProxyType(
    {
        "Cache-Control": "no-cache",
        "Pragma": "no-cache",
        "Expires": "-1",
        "Strict-Transport-Security": "max-age=31536000;includeSubDomains",
        "X-Content-Type-Options": "nosniff",
        "x-ms-keyvault-region": REGION,
        "x-ms-keyvault-service-version": "1.9.0.0",
        "x-ms-keyvault-network-info": "conn_type=Ipv4;addr=127.0.0.1;act_addr_fam=InterNetwork;",
    }
)
#: Previews whose latest recordings predate ``key_size`` in vaults.
_WITHOUT_KEY_SIZE = ("7.6-preview.1", "7.6-preview.2")


@dataclass(frozen=True, slots=True)
class ServiceKind:
    """What vaults and Managed HSMs word or order differently. This is the vault."""

    premium: bool = True

    name = "vault"
    is_hsm = False
    has_deletion_delay = True
    #: Whether a response echoes the client's request id.
    echoes_client_request_id = True
    #: Whether an imported modulus keeps its leading zeros, and deleted keys are shown without a release policy.
    keeps_leading_zeros = True
    shows_deleted_policy = False
    #: Whether a rotation policy without a Notify action gets one by default.
    adds_notify = True
    lists_by_creation = False

    def headers(self, status: int) -> Mapping[str, str]:
        """Return the headers of a reply, as vaults have sent them since about 2022."""
        return _VAULT_HEADERS

    def empty_headers(self) -> dict[str, str]:
        """Return the headers of a 204, which has no content type in vaults."""
        return {"Content-Length": "0"}

    def write(self, value: Any) -> bytes:
        """Return the JSON of a reply."""
        return to_json(value)

    def message(self, text: str, request_id: str) -> str:
        """Return the text of an error with the ending that this kind of service adds."""
        return text

    def missing_token(self, version: str) -> str:
        """Return the text of the 401 for a request without a token. Since 2026 it names one more kind of token."""
        # No recording has an unknown version, so it gets the old text.
        newest = version.startswith("20") and version >= "2026-01-01-preview"
        kinds = "Bearer, PoP, or MTLS_POP" if newest else "Bearer or PoP"
        return f"AKV10000: Request is missing a {kinds} token."

    def unauthorized_body(self, method: str, message: str, *, challenged: bool) -> bytes:
        """Return the body of a 401.

        :param challenged: the request brought no token at all.
        """
        return to_json({"error": {"code": "Unauthorized", "message": message}})

    def key_not_found(self, origin: Origin, name: str, version: str = "") -> ServiceError:
        """404 for a key or version. The text with a version is inferred: no recording has one."""
        shown = f"{name}/{version}" if version else name
        return ServiceError(
            404,
            "KeyNotFound",
            f"A key with (name/id) {shown} was not found in this key vault. If you recently deleted this key you may "
            f"be able to recover it using the correct recovery command. {_HELP}2125182",
        )

    def nothing_to_rotate(self, origin: Origin, name: str) -> ServiceError:
        """404 for the rotation of a key that does not exist."""
        return self.key_not_found(origin, name)

    def deleted_key_not_found(self, origin: Origin, name: str) -> ServiceError:
        """404 for a deleted key."""
        return ServiceError(404, "KeyNotFound", f"Deleted Key not found: {name}")

    def nothing_to_recover(self, origin: Origin, name: str, version: ApiVersion) -> ServiceError:
        """404 for recovering a key that is not deleted. The long text dates from 2024, when 7.5 was released."""
        return (
            self.key_not_found(origin, name) if version.since("7.5-preview.1") else self.nothing_to_purge(origin, name)
        )

    def nothing_to_purge(self, origin: Origin, name: str) -> ServiceError:
        """404 for purging a key that is not deleted."""
        return ServiceError(404, "KeyNotFound", f"Key not found: {name}")

    def malformed_backup(self) -> ServiceError:
        """400 for a backup that is unreadable or was made elsewhere."""
        return ServiceError(400, "Malformed backup blob", "Backup blob is corrupt.")

    def operation_forbidden(self, operation: str) -> ServiceError:
        """403 for an operation missing from the key's ``key_ops``. The vault's text is based on documentation."""
        message = f"Operation {operation} is not permitted on this key."
        return ServiceError(403, "Forbidden", message, "KeyOperationForbidden")

    def release_rule(self, number: int, text: str) -> ServiceError:
        """400 for breaking a rule of secure key release."""
        return bad_parameter(f"AKV.SKR.{number}: {text}.")

    def immutable_policy(self) -> ServiceError:
        """400 for changing an immutable release policy."""
        return self.release_rule(1020, "Immutable Key Release Policy cannot be modified")

    def release_policy_data(self, policy: dict[str, Any], version: ApiVersion) -> bytes:
        """Return the stored text of a release policy. A vault reorders its members.

        In recordings of 2022 with 7.3, booleans are written as text.
        """
        return canonical_policy(policy, booleans_as_text=not version.since("7.4-preview.1"))

    def key_type(self, kty: str) -> str:
        """Return the key type that results from a requested one."""
        return "AKP-HSM" if kty == "AKP" else kty

    def family(self, kty: str, version: ApiVersion) -> str:
        """Return the family of a requested key type.

        :raises ServiceError: 400 for a type that is unknown or not supported here.
        """
        if kty == "oct-HSM":
            raise bad_parameter("Property  has invalid value\r\n")
        family = kty.removesuffix("-HSM")
        known = family in ("RSA", "EC") or (family == "AKP" and version.since("2026-05-01-preview"))
        if not known or kty not in (family, f"{family}-HSM") or (kty.endswith("-HSM") and not self.premium):
            # Documented: "Invalid kty value: oct" is only known from users' reports.
            raise bad_parameter(f"Invalid kty value: {kty}", "KeyTypeNotSupported")
        return family

    def default_key_ops(self, family: str, version: ApiVersion, *, external: bool = False) -> list[str]:
        """Return the default operations of a key."""
        return list(DEFAULT_KEY_OPS[family])

    def knows_key_op(self, name: str, version: ApiVersion) -> bool:
        """Return whether only this kind of service has an operation."""
        return False

    def shown_exportable(self, key: Key, version: KeyVersion, api: ApiVersion) -> bool:
        """Return whether to write ``exportable``. Since September 2022, 7.3 writes false, except for certificates."""
        if version.exportable:
            return api.since("7.3-preview")
        return api.since("7.3") and not key.managed

    def shown_key_size(self, version: KeyVersion, api: ApiVersion, *, deleted: bool) -> int | None:
        """Return the ``key_size`` to write: that of RSA keys. By 2026, 7.5 writes it too."""
        shown = api.since("7.5") and api.text not in _WITHOUT_KEY_SIZE and version.material.family == "RSA"
        return version.material.size if shown else None

    def shown_platform(self, version: KeyVersion, api: ApiVersion) -> str | None:
        """Return the ``hsmPlatform`` to write."""
        if not api.since("7.5-preview.1"):
            return None
        return "2" if version.is_hsm else "0"

    def shown_jwk(self, jwk: dict[str, Any]) -> dict[str, Any]:
        """Return a JWK as the service writes it."""
        return jwk

    def released_key_type(self, kty: str) -> str:
        """Return the key type in the response to a release."""
        return kty

    def unset_rotation_policy(self) -> dict[str, Any]:
        """Return the policy of a key for which none was set."""
        return {"lifetimeActions": [DEFAULT_NOTIFY], "attributes": None}

    def rotation_policy(self, identifier: str, policy: RotationPolicy) -> dict[str, Any]:
        """Return a policy that was set."""
        attributes: dict[str, Any] = {} if policy.expiry_time is None else {"expiryTime": policy.expiry_time}
        attributes.update(created=policy.created, updated=policy.updated)
        return {"id": identifier, "lifetimeActions": policy.lifetime_actions, "attributes": attributes}

    def attestation_members(self, version: ApiVersion) -> tuple[str, ...]:
        """Return the members of a key attestation.

        :raises ServiceError: always 400, because vaults have none.
        """
        raise bad_parameter("Method GET does not allow operation 'attestation'")

    def next_link(self, origin: Origin, path: str, query: Mapping[str, str], token: str) -> str:
        """Return the link to the next page."""
        size = f"&maxresults={query['maxresults']}" if "maxresults" in query else ""
        return f"{origin.explicit}{path}?api-version={query['api-version']}&$skiptoken={token}{size}"

    def page(self, items: list[dict[str, Any]], link: str | None) -> dict[str, Any]:
        """Return a page. The last page of a vault has a null link."""
        return {"value": items, "nextLink": link}


def challenge(origin: Origin, authority_url: str, tenant: str) -> str:
    """Return the value of ``WWW-Authenticate``. The resource is the emulator's own, not Azure's."""
    return f'Bearer authorization="{authority_url}/{tenant}", resource="{origin.resource}"'


def claims_challenge(authority_url: str, claims: dict[str, Any]) -> str:
    """Return a continuous-access-evaluation challenge: no resource, no usable tenant, and the claims in base64."""
    encoded = base64.b64encode(json.dumps(claims).encode()).decode("ascii")
    return (
        f'Bearer realm="", authorization_uri="{authority_url}/common/oauth2/authorize", '
        f'error="insufficient_claims", claims="{encoded}"'
    )
