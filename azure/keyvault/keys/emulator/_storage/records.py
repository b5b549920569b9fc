"""What a vault stores: keys, their versions, and the phase of each key in the soft-delete life cycle.

Records are immutable and replaced once their successor is stored, so callers see what a restart would show.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from .._cryptography import jose
from .._cryptography.algorithms import load_material
from .._cryptography.material import Material


class Phase(enum.Enum):
    """The states of a name: live, deleting, deleted, recovering, purging, gone."""

    LIVE = "live"
    DELETING = "deleting"
    DELETED = "deleted"
    RECOVERING = "recovering"
    PURGING = "purging"
    GONE = "gone"


@dataclass(slots=True)
class KeyVersion:
    """One version of a key: its material and its properties."""

    version: str
    kty: str
    material: Material = field(repr=False)
    key_ops: list[str]
    created: int
    updated: int
    enabled: bool = True
    nbf: int | None = None
    exp: int | None = None
    exportable: bool = False
    external_id: str | None = None
    tags: dict[str, str] | None = None
    release_policy: dict[str, Any] | None = None
    # Cached replies, by what they depend on.
    rendered: dict[object, bytes] = field(default_factory=dict, repr=False, compare=False)

    @property
    def is_hsm(self) -> bool:
        """Whether the key type has the ``-HSM`` suffix."""
        return self.kty.endswith("-HSM")

    def changed(self, **changes: Any) -> KeyVersion:
        """Return the version with other properties."""
        return replace(self, rendered={}, **changes)

    def facts(self) -> dict[str, Any]:
        """Return everything except the private part, ready for JSON."""
        return {
            **{name: getattr(self, name) for name in _STORED},
            "family": self.material.family,
            "members": self.material.public_members(),
        }

    def with_private(self) -> dict[str, Any]:
        """Return everything, for a backup."""
        return {**self.facts(), "private": jose.encode(self.material.private_bytes())}

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any], private: bytes) -> KeyVersion:
        """Restore a version from :meth:`facts` and its private part."""
        material = load_material(facts["family"], facts["members"], private)
        return cls(material=material, **{name: facts[name] for name in _STORED})


_STORED = tuple(name for name in KeyVersion.__dataclass_fields__ if name not in ("material", "rendered"))


@dataclass(slots=True)
class RotationPolicy:
    """A rotation policy that was set, with its texts as given."""

    lifetime_actions: list[dict[str, Any]]
    expiry_time: str | None
    created: int
    updated: int


@dataclass(slots=True)
class Key:
    """A name with its versions, oldest first."""

    name: str
    versions: dict[str, KeyVersion] = field(default_factory=dict)
    rotation_policy: RotationPolicy | None = None
    managed: bool = False
    deleted_at: float | None = None
    deletion_visible_at: float = 0.0
    purge_at: float = 0.0
    recovered_at: float = 0.0
    purged_until: float | None = None

    @property
    def folded(self) -> str:
        """The name as the vault looks it up: names are case-insensitive."""
        return self.name.lower()

    @property
    def latest(self) -> KeyVersion:
        """The version that was created last."""
        return self.versions[next(reversed(self.versions))]

    def with_version(self, version: KeyVersion) -> Key:
        """Return the key with a new or a changed version."""
        return replace(self, versions={**self.versions, version.version: version})

    def phase(self, now: float) -> Phase:
        """Return the state at a moment."""
        if self.purged_until is not None:
            return Phase.PURGING if now < self.purged_until else Phase.GONE
        if self.deleted_at is None:
            return Phase.LIVE if now >= self.recovered_at else Phase.RECOVERING
        if now < self.deletion_visible_at:
            return Phase.DELETING
        return Phase.DELETED if now < self.purge_at else Phase.GONE

    def facts(self) -> dict[str, Any]:
        """Return everything except the versions, ready for JSON."""
        facts = {name: getattr(self, name) for name in _STORED_OF_KEY}
        facts["rotation_policy"] = self.rotation_policy and asdict(self.rotation_policy)
        return facts

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> Key:
        """Restore a key without its versions."""
        key = cls(**{name: facts[name] for name in _STORED_OF_KEY})
        if facts["rotation_policy"]:
            key.rotation_policy = RotationPolicy(**facts["rotation_policy"])
        return key


_STORED_OF_KEY = tuple(name for name in Key.__dataclass_fields__ if name not in ("versions", "rotation_policy"))
