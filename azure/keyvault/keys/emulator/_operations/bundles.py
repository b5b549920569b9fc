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
    """What the looks of a key depend on besides the key."""

    origin: Origin
    version: ApiVersion


class Bundles:
    """Writes keys."""

    def __init__(self, kind: ServiceKind, rules: LifeCycle, padded_hsm_exponent: bool) -> None:
        self._kind = kind
        self._days = rules.retention // 86400 if rules.soft_delete else 0
        self._levels = _recovery_levels(rules, self._days)
        self._padded_hsm_exponent = padded_hsm_exponent

    def kid(self, origin: Origin, key: Key, version: KeyVersion | None = None) -> str:
        """Return a key identifier."""
        base = f"{origin.url}/keys/{key.name}"
        return base if version is None else f"{base}/{version.version}"

    def key_bundle(self, view: Viewpoint, key: Key, version: KeyVersion) -> dict[str, Any]:
        """Return a KeyBundle."""
        return {
            "key": self._jwk(view, key, version),
            "attributes": self.attributes(view, version),
            **self._trailer(view, key, version),
        }

    def written_bundle(self, view: Viewpoint, key: Key, version: KeyVersion) -> bytes:
        """Return a KeyBundle as JSON, kept until the version changes."""
        written = version.rendered.get(view)
        if written is None:
            written = version.rendered[view] = self._kind.write(self.key_bundle(view, key, version))
        return written

    def deleted_bundle(self, view: Viewpoint, key: Key) -> dict[str, Any]:
        """Return a DeletedKeyBundle; it shows the latest version."""
        return {**self._deletion(view, key), **self.key_bundle(view, key, key.latest)}

    def item(self, view: Viewpoint, key: Key, version: KeyVersion | None = None) -> dict[str, Any]:
        """Return an item of a list of keys, or of versions if one is given."""
        shown = version or key.latest
        item: dict[str, Any] = {
            "kid": self.kid(view.origin, key, version),
            "attributes": self.attributes(view, shown),
        }
        if shown.tags:
            item["tags"] = shown.tags
        if key.managed:
            item["managed"] = True
        return item

    def deleted_item(self, view: Viewpoint, key: Key) -> dict[str, Any]:
        """Return an item of the list of deleted keys."""
        return {**self._deletion(view, key), **self.item(view, key)}

    def attributes(self, view: Viewpoint, version: KeyVersion) -> dict[str, Any]:
        """Return the attributes that the API version has, in the order of the service."""
        api = view.version
        attributes: dict[str, Any] = {"enabled": version.enabled}
        if version.nbf is not None:
            attributes["nbf"] = version.nbf
        if version.exp is not None:
            attributes["exp"] = version.exp
        attributes.update(created=version.created, updated=version.updated, recoveryLevel=self._level(api))
        if api.since("7.1"):
            attributes["recoverableDays"] = self._days
        if self._kind.shows_exportable(version.exportable, api):
            attributes["exportable"] = version.exportable
        if api.since("7.5-preview.1"):
            attributes["hsmPlatform"] = "2" if version.is_hsm else "0"
        if api.since("2026-01-01-preview"):
            attributes.update(_newest_attributes(version))
        return attributes

    def _level(self, api: ApiVersion) -> str:
        return self._levels[1] if api.since("7.1") else self._levels[0]

    def _jwk(self, view: Viewpoint, key: Key, version: KeyVersion) -> dict[str, Any]:
        members = version.material.public_members()
        if self._padded_hsm_exponent and version.kty == "RSA-HSM" and members["e"] == "AQAB":
            members["e"] = _PADDED_EXPONENT
        return {
            "kid": self.kid(view.origin, key, version),
            "kty": version.kty,
            "key_ops": version.key_ops,
            **members,
        }

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


def _newest_attributes(version: KeyVersion) -> dict[str, Any]:
    newest: dict[str, Any] = {}
    if version.material.size is not None:
        newest["key_size"] = version.material.size
    if version.external_id is not None:
        newest["external_key"] = {"id": version.external_id}
    return newest


def _recovery_levels(rules: LifeCycle, days: int) -> tuple[str, str]:
    """Return the level before 7.1, and since: only then are customised retention periods told apart."""
    if not rules.soft_delete:
        return "Purgeable", "Purgeable"
    level = "Recoverable" if rules.purge_protection else "Recoverable+Purgeable"
    return level, level if days == _MOST_DAYS else f"Customized{level}"
