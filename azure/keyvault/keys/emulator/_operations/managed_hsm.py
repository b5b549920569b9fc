"""The Managed HSM, where it differs from a vault.

Members are in alphabetical order, texts end with the activity id, key types are those of an HSM, and nothing is
delayed. As in the module of the vault, a comment says where a response is based on documentation, not on a recording.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

from .._api_versions import ApiVersion
from .._errors import ServiceError, bad_parameter
from .._messages import JSON_TYPE, to_json
from .._origins import REGION, Origin
from .._storage.records import Key, KeyVersion, RotationPolicy
from .kinds import ServiceKind
from .release_policies import minified_policy

_HEADERS = MappingProxyType(
    {
        "Cache-Control": "no-cache",
        "Content-Security-Policy": "default-src 'self'",
        "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "SAMEORIGIN",
        "x-ms-server-latency": "1",
    }
)
_PLACE = {
    "x-ms-keyvault-region": REGION,
    "x-ms-keyvault-network-info": "conn_type=Ipv4;addr=127.0.0.1;act_addr_fam=Ipv4;",
}
_SUCCESS_HEADERS = MappingProxyType({**_HEADERS, **_PLACE})
_OCT_KEY_OPS = ("deriveKey", "wrapKey", "unwrapKey", "encrypt", "decrypt", "sign", "verify")
_OKP_VERSION = "7.4-preview.1"


@dataclass(frozen=True, slots=True)
class ManagedHsmKind(ServiceKind):
    """A Managed HSM."""

    name = "managed-hsm"
    is_hsm = True
    has_deletion_delay = False
    echoes_client_request_id = False
    keeps_leading_zeros = False
    shows_deleted_policy = True
    adds_notify = False
    lists_by_creation = True

    def headers(self, status: int) -> Mapping[str, str]:
        """Return the headers of a reply. Errors do not name the region.

        For GET, the live service also sends its build in ``x-ms-build-version``, which clients do not use.
        """
        return _SUCCESS_HEADERS if status < 300 else _HEADERS

    def empty_headers(self) -> dict[str, str]:
        """Return the headers of a 204, which still has a content type."""
        return {"Content-Type": JSON_TYPE, "Content-Length": "0"}

    def write(self, value: Any) -> bytes:
        """Return the JSON of a reply with its members in alphabetical order."""
        return to_json(value, sort_keys=True)

    def message(self, text: str, request_id: str) -> str:
        """Return the text of an error with the activity id."""
        return f"{text} (Activity ID: {request_id})"

    def unauthorized_body(self, method: str, message: str, *, challenged: bool) -> bytes:
        """Return the body of a 401: ``OK`` for GET, nothing for other methods, unless the token was rejected."""
        if not challenged:
            return to_json({"error": {"code": "Unauthorized", "message": message}})
        return b"OK" if method == "GET" else b""

    def key_not_found(self, origin: Origin, name: str, version: str = "") -> ServiceError:
        """404 for a key or version."""
        shown = f"{name}/{version}" if version else name
        return ServiceError(404, "KeyNotFound", f"Key not found: {origin.url}/keys/{shown}")

    def nothing_to_rotate(self, origin: Origin, name: str) -> ServiceError:
        """404 for the rotation of a key that does not exist. The text says so twice."""
        return ServiceError(404, "KeyNotFound", f"Key not found: {self.key_not_found(origin, name).message}")

    def deleted_key_not_found(self, origin: Origin, name: str) -> ServiceError:
        """404 for a deleted key."""
        return ServiceError(404, "KeyNotFound", f"Key not found: {origin.url}/deletedkeys/{name}")

    def nothing_to_recover(self, origin: Origin, name: str, version: ApiVersion) -> ServiceError:
        """404 for recovering a key that is not deleted."""
        return self.deleted_key_not_found(origin, name)

    def nothing_to_purge(self, origin: Origin, name: str) -> ServiceError:
        """404 for purging a key that is not deleted."""
        return self.deleted_key_not_found(origin, name)

    def malformed_backup(self) -> ServiceError:
        """400 for an unreadable backup. The HSM assumes that it belongs to another HSM."""
        return ServiceError(
            400,
            "MalformedBackupBlob",
            "Backup blob belongs to a different crypto domain and cannot be used with this instance.",
        )

    def operation_forbidden(self, operation: str) -> ServiceError:
        """403 for an operation missing from the key's ``key_ops``. The code is the outer one."""
        message = f"Operation {operation} is not permitted on the given key"
        return ServiceError(403, "KeyOperationForbidden", message)

    def release_rule(self, number: int, text: str) -> ServiceError:
        """400 for breaking a rule of secure key release, without number and full stop."""
        return bad_parameter(text)

    def immutable_policy(self) -> ServiceError:
        """400 for changing an immutable release policy."""
        return bad_parameter("Immutable Release policy cannot be modified")

    def release_policy_data(self, policy: dict[str, Any], version: ApiVersion) -> bytes:
        """Return the stored text of a release policy: without whitespace, its members in the given order."""
        return minified_policy(policy)

    def key_type(self, kty: str) -> str:
        """Return the HSM type for a requested key type."""
        if kty == "AES":
            return "oct-HSM"
        return kty if kty.endswith("-HSM") else f"{kty}-HSM"

    def family(self, kty: str, version: ApiVersion) -> str:
        """Return the family of a requested key type. ``AES`` is symmetric, and one preview had ``OKP``.

        :raises ServiceError: 400 for a type that is unknown or not supported by the API version.
        """
        family = "oct" if kty == "AES" else kty.removesuffix("-HSM")
        known = {
            "RSA": True,
            "EC": True,
            "oct": version.since("7.2-preview"),
            "OKP": version.text == _OKP_VERSION,
            "AKP": version.since("2026-05-01-preview"),
        }
        if not known.get(family) or kty not in (family, f"{family}-HSM", "AES"):
            # Documented for vaults; no recording has a key type that an HSM rejects.
            raise bad_parameter(f"Invalid kty value: {kty}", "KeyTypeNotSupported")
        return family

    def default_key_ops(self, family: str, version: ApiVersion, *, external: bool = False) -> list[str]:
        """Return the default operations of a key. EC keys can derive keys since 2024."""
        if family == "oct":
            return ["wrapKey", "unwrapKey"] if external else list(_OCT_KEY_OPS)
        derives = family == "EC" and version.since("7.5-preview.1")
        own = ServiceKind.default_key_ops(self, family, version)
        return [*own, "deriveKey"] if derives else own

    def knows_key_op(self, name: str, version: ApiVersion) -> bool:
        """Return whether only this kind of service has an operation."""
        return name == "deriveKey"

    def shown_exportable(self, key: Key, version: KeyVersion, api: ApiVersion) -> bool:
        """Return whether to write ``exportable``."""
        return api.since("7.2")

    def shown_key_size(self, version: KeyVersion, api: ApiVersion, *, deleted: bool) -> int | None:
        """Return the ``key_size`` to write: that of symmetric keys that are not deleted."""
        shown = api.since("2025-07-01") and version.material.family == "oct" and not deleted
        return version.material.size if shown else None

    def shown_platform(self, version: KeyVersion, api: ApiVersion) -> str | None:
        """Return None: no recording of an HSM has ``hsmPlatform``, although the API description lists it."""
        return None

    def shown_jwk(self, jwk: dict[str, Any]) -> dict[str, Any]:
        """Return a JWK as the service writes it: without ``key_ops`` if the key has none."""
        return jwk if jwk["key_ops"] else {name: value for name, value in jwk.items() if name != "key_ops"}

    def released_key_type(self, kty: str) -> str:
        """Return the key type in the response to a release. The key is about to leave the HSM."""
        return kty.removesuffix("-HSM")

    def unset_rotation_policy(self) -> dict[str, Any]:
        """Return the policy of a key for which none was set: empty text and 0."""
        return {"attributes": {"created": 0, "expiryTime": "", "updated": 0}, "id": ""}

    def rotation_policy(self, identifier: str, policy: RotationPolicy) -> dict[str, Any]:
        """Return a policy that was set, with action types in lower case."""
        actions = [
            {"action": {"type": item["action"]["type"].lower()}, "trigger": item["trigger"]}
            for item in policy.lifetime_actions
        ]
        times = {"created": policy.created, "updated": policy.updated}
        return {
            "id": identifier,
            "lifetimeActions": actions,
            "attributes": {"expiryTime": policy.expiry_time or "", **times},
        }

    def attestation_members(self, version: ApiVersion) -> tuple[str, ...]:
        """Return the members of a key attestation: those of the first preview, or those of all later versions."""
        evidence = ("privateKeyAttestation", "publicKeyAttestation")
        if version.text == "7.6-preview.2":
            return ("certificates", *evidence)
        return ("certificatePemFile", *evidence, "version")

    def next_link(self, origin: Origin, path: str, query: Mapping[str, str], token: str) -> str:
        """Return the link to the next page: the requested URL, with the marker instead of ``api-version``."""
        kept = {name: value for name, value in query.items() if name not in ("api-version", "$skiptoken")}
        size = "".join(f"{quote(name, safe='$')}={quote(value, safe='')}&" for name, value in kept.items())
        return f"{origin.url}{path}?{size}$skiptoken={token}"

    def page(self, items: list[dict[str, Any]], link: str | None) -> dict[str, Any]:
        """Return a page. The last page of an HSM has no link."""
        return {"value": items} if link is None else {"value": items, "nextLink": link}
