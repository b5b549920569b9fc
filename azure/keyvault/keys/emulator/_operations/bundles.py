"""Translation outwards: keys as the JSON of the service, for an API version, an origin and a kind of service."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .._api_versions import ApiVersion
from .._origins import Origin
from .._storage.records import Key, KeyVersion
from .._storage.state import LifeCycle
from .kinds import ServiceKind

_PADDED_EXPONENT = "AAEAAQ"
_MOST_DAYS = 90


@dataclass(frozen=True, slots=True)
class Viewpoint:
    """What the JSON of a key depends on besides the key."""

    origin: Origin
    version: ApiVersion


class Bundles:
    """Renders keys as JSON."""

    def __init__(self, kind: ServiceKind, rules: LifeCycle, padded_hsm_exponent: bool) -> None:
        self._kind = kind
        self._days = rules.retention // 86400 if rules.soft_delete else 0
        self._level = _recovery_level(rules, self._days)
        self._padded_hsm_exponent = padded_hsm_exponent

    def kid(self, origin: Origin, key: Key, version: KeyVersion | None = None) -> str:
        """Return a key identifier."""
        base = f"{origin.url}/keys/{key.name}"
        return base if version is None else f"{base}/{version.version}"

    def key_bundle(self, view: Viewpoint, key: Key, version: KeyVersion) -> dict[str, Any]:
        """Return a KeyBundle."""
        return {
            "key": self._jwk(view, key, version),
            "attributes": self.attributes(view, key, version),
            **self._trailer(view, key, version),
        }

    def written_bundle(self, view: Viewpoint, key: Key, version: KeyVersion) -> bytes:
        """Return a KeyBundle as JSON, cached until the version changes."""
        written = version.rendered.get(view)
        if written is None:
            written = version.rendered[view] = self._kind.write(self.key_bundle(view, key, version))
        return written

    def deleted_bundle(self, view: Viewpoint, key: Key) -> dict[str, Any]:
        """Return a DeletedKeyBundle, which shows the latest version."""
        bundle = self.key_bundle(view, key, key.latest)
        bundle["attributes"] = self.attributes(view, key, key.latest, deleted=True)
        if not self._kind.shows_deleted_policy:
            bundle.pop("release_policy", None)
        return {**self._deletion(view, key), **bundle}

    def item(self, view: Viewpoint, key: Key, version: KeyVersion | None = None) -> dict[str, Any]:
        """Return an item of a list of keys, or of a list of versions if a version is given."""
        shown = version or key.latest
        item: dict[str, Any] = {
            "kid": self.kid(view.origin, key, version),
            "attributes": self.attributes(view, key, shown),
        }
        if shown.tags:
            item["tags"] = shown.tags
        if key.managed:
            item["managed"] = True
        return item

    def deleted_item(self, view: Viewpoint, key: Key) -> dict[str, Any]:
        """Return an item of the list of deleted keys."""
        item = self.item(view, key)
        item["attributes"] = self.attributes(view, key, key.latest, deleted=True)
        return {**self._deletion(view, key), **item}

    def attributes(self, view: Viewpoint, key: Key, version: KeyVersion, *, deleted: bool = False) -> dict[str, Any]:
        """Return the attributes of the API version, in the order of the service."""
        api, kind = view.version, self._kind
        attributes: dict[str, Any] = {"enabled": version.enabled}
        size = kind.shown_key_size(version, api, deleted=deleted)
        if size is not None:
            attributes["key_size"] = size
        if version.nbf is not None:
            attributes["nbf"] = version.nbf
        if version.exp is not None:
            attributes["exp"] = version.exp
        attributes.update(created=version.created, updated=version.updated, recoveryLevel=self._level)
        if api.since("7.1"):
            attributes["recoverableDays"] = self._days
        if kind.shown_exportable(key, version, api):
            attributes["exportable"] = version.exportable
        platform = kind.shown_platform(version, api)
        if platform is not None:
            attributes["hsmPlatform"] = platform
        if version.external_id is not None and api.since("2026-01-01-preview"):
            attributes["external_key"] = {"id": version.external_id}
        return attributes

    def _jwk(self, view: Viewpoint, key: Key, version: KeyVersion) -> dict[str, Any]:
        members = version.material.public_members()
        if self._padded_hsm_exponent and version.kty == "RSA-HSM" and members["e"] == "AQAB":
            members["e"] = _PADDED_EXPONENT
        jwk = {"kid": self.kid(view.origin, key, version), "kty": version.kty, "key_ops": version.key_ops, **members}
        return self._kind.shown_jwk(jwk)

    def _trailer(self, view: Viewpoint, key: Key, version: KeyVersion) -> dict[str, Any]:
        trailer: dict[str, Any] = {}
        if version.tags:
            trailer["tags"] = version.tags
        if key.managed:
            trailer["managed"] = True
        if version.release_policy and view.version.since("7.3-preview"):
            trailer["release_policy"] = version.release_policy
        return trailer

    def _deletion(self, view: Viewpoint, key: Key) -> dict[str, Any]:
        return {
            "recoveryId": f"{view.origin.url}/deletedkeys/{key.name}",
            "deletedDate": int(key.deleted_at or 0),
            "scheduledPurgeDate": int(key.purge_at),
        }


def _recovery_level(rules: LifeCycle, days: int) -> str:
    """Return the recovery level. Every API version has separate levels for custom retention periods."""
    if not rules.soft_delete:
        return "Purgeable"
    level = "Recoverable" if rules.purge_protection else "Recoverable+Purgeable"
    return level if days == _MOST_DAYS else f"Customized{level}"
