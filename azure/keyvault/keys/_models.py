"""The models of the keys: what the service knows about a key, as Python objects."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from ._display import Readable, day, shown, table, tolerant
from ._durations import checked_duration, duration_text
from ._enums import KeyOperation, KeyRotationPolicyAction, KeyType, known
from ._frames import clears_locals
from ._generated import models as wire
from ._jwk import JsonWebKey, member_names
from ._shared import KeyVaultResourceId, parse_key_vault_id
from ._shared.wire.identifiers import canonical_host, origin_of

if TYPE_CHECKING:
    from typing_extensions import Self


class KeyVaultKeyIdentifier(Readable):
    """The parts of a key's identifier, which is its address in the REST API.

    :param source_id: ``https://{vault}/keys/{name}`` with or without ``/{version}``, or the ``recovery_id`` of a
        deleted key.
    :raises ValueError: when the text is not the identifier of a key.
    """

    __slots__ = ("_id",)

    def __init__(self, source_id: str) -> None:
        parts = parse_key_vault_id(source_id)
        if parts.collection.lower() not in ("keys", "deletedkeys"):
            raise ValueError(f"'{source_id}' is not a valid ID of a key: it names the collection '{parts.collection}'")
        self._id = parts

    @classmethod
    def try_parse(cls, source_id: str, *, allowed_suffixes: Iterable[str] | None = None) -> Self | None:
        """Parse an untrusted identifier.

        :param source_id: the text to parse.
        :param allowed_suffixes: the domains whose vaults are accepted, such as ``["vault.azure.net"]``; None accepts
            all.
        :returns: the identifier; None when it is malformed, not https, or its vault is not in an accepted domain.
        """
        try:
            identifier = cls(source_id)
            origin = origin_of(identifier.vault_url)
        except (ValueError, TypeError):
            return None
        allowed = allowed_suffixes is None or any(
            origin.host.endswith("." + canonical_host(suffix.strip("."))) for suffix in allowed_suffixes
        )
        return identifier if allowed and origin.scheme == "https" else None

    @property
    def source_id(self) -> str:
        """The identifier as it was given."""
        return self._id.source_id

    @property
    def vault_url(self) -> str:
        """The URL of the vault, with its port if the identifier has one."""
        return self._id.vault_url

    @property
    def name(self) -> str:
        """The name of the key."""
        return self._id.name

    @property
    def version(self) -> str | None:
        """The version of the key; None when the identifier has none, which means the latest."""
        return self._id.version

    def _facts(self) -> dict[str, Any]:
        return {
            "source_id": self.source_id,
            "vault_url": self.vault_url,
            "name": self.name,
            "version": self.version,
        }

    @tolerant
    def __repr__(self) -> str:
        return shown(self, self._id.source_id)

    def __eq__(self, other: object) -> bool:
        return self._id == other._id if isinstance(other, KeyVaultKeyIdentifier) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._id)


class KeyReleasePolicy(Readable):
    """The rules under which an exportable key may be released (``POST /keys/{name}/{version}/release``).

    :param encoded_policy: the policy, JSON in UTF-8. Azure's documentation of secure key release describes its grammar.
    :param content_type: the media type and version of the policy. Default: ``application/json; charset=utf-8``.
    :param immutable: whether the policy can never be changed.
    """

    def __init__(
        self, encoded_policy: bytes, *, content_type: str | None = None, immutable: bool | None = None
    ) -> None:
        self.encoded_policy = encoded_policy
        self.content_type = content_type
        self.immutable = immutable

    def _facts(self) -> dict[str, Any]:
        return dict(vars(self))

    @tolerant
    def __repr__(self) -> str:
        size = len(self.encoded_policy or b"")
        return shown(self, f"{size} bytes", self.content_type, "immutable" if self.immutable else None)

    @classmethod
    def _from_wire(cls, policy: wire.KeyReleasePolicy | None) -> KeyReleasePolicy | None:
        if policy is None:
            return None
        return cls(policy.encoded_policy or b"", content_type=policy.content_type, immutable=policy.immutable)

    def _to_wire(self) -> wire.KeyReleasePolicy:
        return wire.KeyReleasePolicy(
            encoded_policy=self.encoded_policy, content_type=self.content_type, immutable=self.immutable
        )


class ExternalKey(Readable):
    """A key that an external key manager holds for a Managed HSM; see :meth:`KeyClient.create_external_key`.

    :param id: the name of the key there: 1 to 64 letters, digits or hyphens.
    """

    def __init__(self, *, id: str) -> None:
        self.id = id

    def _facts(self) -> dict[str, Any]:
        return {"id": self.id}

    @tolerant
    def __repr__(self) -> str:
        return shown(self, self.id)


class KeyAttestation(Readable):
    """Proof that a Managed HSM holds a key (``GET /keys/{name}/{version}/attestation``).

    :param certificate_pem_file: the certificates of the HSM, in PEM, that validate the attestations.
    :param private_key_attestation: the attestation blob of the private key.
    :param public_key_attestation: the attestation blob of the public key.
    :param version: the version of the attestation format.
    """

    def __init__(
        self,
        *,
        certificate_pem_file: bytes | None = None,
        private_key_attestation: bytes | None = None,
        public_key_attestation: bytes | None = None,
        version: str | None = None,
    ) -> None:
        self.certificate_pem_file = certificate_pem_file
        self.private_key_attestation = private_key_attestation
        self.public_key_attestation = public_key_attestation
        self.version = version

    def _facts(self) -> dict[str, Any]:
        return dict(vars(self))

    @tolerant
    def __repr__(self) -> str:
        return shown(self, self.version)


class KeyProperties(Readable):
    """A key's properties, without its key material: an item of ``GET /keys``, and part of every key.

    :param key_id: the identifier of the key.
    :param attributes: its attributes, as the REST layer represents them.
    :param managed: whether the key belongs to a certificate.
    :param tags: application-specific metadata.
    :param release_policy: the rules under which the key may be released.
    :raises ValueError: when ``key_id`` is not an identifier.
    """

    def __init__(
        self,
        key_id: str,
        attributes: wire.KeyAttributes | None = None,
        *,
        managed: bool | None = None,
        tags: dict[str, str] | None = None,
        release_policy: KeyReleasePolicy | None = None,
    ) -> None:
        self._id = key_id
        self._vault_id: KeyVaultResourceId = parse_key_vault_id(key_id)
        self._attributes = attributes
        self._managed = managed
        self._tags = tags
        self._release_policy = release_policy

    def _facts(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in _PROPERTIES}

    def __hash__(self) -> int:
        return hash(self._id)

    @tolerant
    def __repr__(self) -> str:
        enabled = None if self.enabled is None else f"enabled={self.enabled}"
        dates = {"not_before": self.not_before, "expires_on": self.expires_on, "created_on": self.created_on}
        told = [f"{name}={day(moment)}" for name, moment in dates.items() if moment is not None]
        return shown(self, self._id, enabled, *told)

    @classmethod
    def _from_item(cls, item: wire.KeyItem) -> KeyProperties:
        return cls(item.kid or "", item.attributes, managed=item.managed, tags=item.tags)

    @property
    def id(self) -> str:
        """The identifier of the key, as the service returned it."""
        return self._id

    @property
    def name(self) -> str:
        """The name of the key."""
        return self._vault_id.name

    @property
    def version(self) -> str | None:
        """The version of the key; None in lists of keys and deleted keys, which do not include it."""
        return self._vault_id.version

    @property
    def vault_url(self) -> str:
        """The URL of the vault that holds the key."""
        return self._vault_id.vault_url

    @property
    def enabled(self) -> bool | None:
        """Whether the key may be used."""
        return self._attributes.enabled if self._attributes else None

    @property
    def not_before(self) -> datetime | None:
        """The time before which the key may not be used to encrypt, wrap or sign, in UTC."""
        return self._attributes.not_before if self._attributes else None

    @property
    def expires_on(self) -> datetime | None:
        """The time from which the key may no longer be used to encrypt, wrap or sign, in UTC."""
        return self._attributes.expires if self._attributes else None

    @property
    def created_on(self) -> datetime | None:
        """When this version was created, in UTC."""
        return self._attributes.created if self._attributes else None

    @property
    def updated_on(self) -> datetime | None:
        """When this version was last updated, in UTC."""
        return self._attributes.updated if self._attributes else None

    @property
    def recoverable_days(self) -> int | None:
        """The number of days for which a deleted key can be recovered: 7 to 90, or 0. Since API version 7.1."""
        return self._attributes.recoverable_days if self._attributes else None

    @property
    def recovery_level(self) -> str | None:
        """What happens on deletion, such as ``Recoverable+Purgeable``."""
        return self._attributes.recovery_level if self._attributes else None

    @property
    def exportable(self) -> bool | None:
        """Whether the private key may be released. Since API version 7.3."""
        return self._attributes.exportable if self._attributes else None

    @property
    def hsm_platform(self) -> str | None:
        """The platform that protects the key: "0" software, "1" and "2" HSMs (FIPS 140-2, 140-3). Since 7.5."""
        return self._attributes.hsm_platform if self._attributes else None

    @property
    def key_size(self) -> int | None:
        """The size in bits: of an RSA key in a vault, since 2026 with API version 7.5 or later; of a symmetric key in a
        Managed HSM, with 2025-07-01 or later. None otherwise."""
        return self._attributes.key_size if self._attributes else None

    @property
    def external_key(self) -> ExternalKey | None:
        """The external key that this one represents. Since API version 2026-01-01-preview."""
        external = self._attributes.external_key if self._attributes else None
        return ExternalKey(id=external.id or "") if external else None

    @property
    def attestation(self) -> KeyAttestation | None:
        """The attestation of the key, if it was fetched with ``get_key_attestation``. Since 7.6-preview.2."""
        found = self._attributes.attestation if self._attributes else None
        if found is None:
            return None
        return KeyAttestation(
            # The first preview used a different name.
            certificate_pem_file=found.certificate_pem_file or found.certificates,
            private_key_attestation=found.private_key_attestation,
            public_key_attestation=found.public_key_attestation,
            version=found.version,
        )

    @property
    def managed(self) -> bool | None:
        """True when the key belongs to a certificate and shares its lifetime."""
        return self._managed

    @property
    def tags(self) -> dict[str, str] | None:
        """Application-specific metadata, a mapping of names to text; None when there is none."""
        return self._tags

    @property
    def release_policy(self) -> KeyReleasePolicy | None:
        """The rules under which the key may be released."""
        return self._release_policy


@clears_locals
class KeyVaultKey(Readable):
    """A key: its public material and its properties (``GET /keys/{name}/{version}``).

    The key material is given either as ``jwk``, or as keywords (``kty="RSA", n=..., e=...``).

    :param key_id: the identifier of the key.
    :param jwk: the members of its JSON Web Key, binary ones as bytes, or a :class:`JsonWebKey`.
    :param properties: its properties; if None, they are built from ``managed``, ``tags`` and ``release_policy``.
    :param managed: whether the key belongs to a certificate.
    :param tags: application-specific metadata.
    :param release_policy: the rules under which the key may be released.
    :param jwk_fields: the members of its JSON Web Key, as :class:`JsonWebKey` accepts them.
    :raises ValueError: when ``key_id`` is not the identifier of a key, or both ``jwk`` and its fields are given.
    """

    _vault_url: str | None = None

    def __init__(
        self,
        key_id: str,
        jwk: dict[str, Any] | JsonWebKey | None = None,
        *,
        properties: KeyProperties | None = None,
        managed: bool | None = None,
        tags: dict[str, str] | None = None,
        release_policy: KeyReleasePolicy | None = None,
        **jwk_fields: Any,
    ) -> None:
        if jwk is not None and jwk_fields:
            raise ValueError(f"jwk and keywords for its fields were both given: {', '.join(sorted(jwk_fields))}")
        self._properties = properties or KeyProperties(
            key_id, managed=managed, tags=tags, release_policy=release_policy
        )
        if not isinstance(jwk, JsonWebKey):
            members = jwk or jwk_fields
            fields = {name: members[name] for name in member_names(members.get("kty")) if name in members}
            jwk = JsonWebKey(**{"kid": key_id, **fields})
        self._key_material: JsonWebKey = jwk

    def _facts(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "name": self.name,
            "key_type": self.key_type,
            "key_operations": self.key_operations,
            "key": self.key,
            "properties": self.properties,
        }

    def __hash__(self) -> int:
        return hash(self.id)

    @tolerant
    def __repr__(self) -> str:
        enabled = None if self.properties.enabled is None else f"enabled={self.properties.enabled}"
        expires = day(self.properties.expires_on)
        return shown(self, self.id, self.key._kind(), enabled, f"expires_on={expires}" if expires else None)

    @classmethod
    def _from_bundle(cls, bundle: wire.KeyBundle, vault_url: str | None = None) -> Self:
        """Make a key from a vault's response.

        :param vault_url: the address that responded, for clients that use the key. The response may name a different
            one.
        """
        instance = cls.__new__(cls)
        instance._read_bundle(bundle)
        instance._vault_url = vault_url
        return instance

    def _read_bundle(self, bundle: wire.KeyBundle | wire.DeletedKeyBundle) -> None:
        jwk = bundle.key
        self._key_material = material = JsonWebKey._from_wire(jwk)
        material.kty = known(KeyType, material.kty)
        if material.key_ops is None:  # a Managed HSM omits an empty list: the key allows nothing
            material.key_ops = []
        self._properties = KeyProperties(
            jwk.kid,  # type: ignore[union-attr,arg-type]  # required members: a bundle without them is refused earlier
            bundle.attributes,
            managed=bundle.managed,
            tags=bundle.tags,
            release_policy=KeyReleasePolicy._from_wire(bundle.release_policy),
        )

    @property
    def id(self) -> str:
        """The identifier of the key."""
        return self._properties.id

    @property
    def name(self) -> str:
        """The name of the key."""
        return self._properties.name

    @property
    def version(self) -> str | None:
        """The version of the key; None when its identifier has none, as in lists of deleted keys."""
        return self._properties.version

    @property
    def properties(self) -> KeyProperties:
        """The properties of the key."""
        return self._properties

    @property
    def key(self) -> JsonWebKey:
        """The key material: only its public part, because the service never returns the private part."""
        return self._key_material

    @property
    def key_type(self) -> str | KeyType:
        """The type of the key; plain text for a type that this library does not know.

        Lists of deleted keys do not include it: there it is None.
        """
        return self._key_material.kty  # type: ignore[return-value]  # as in 4.x, whose users do not expect None

    @property
    def key_operations(self) -> list[str | KeyOperation]:
        """What the key may be used for.

        Lists of deleted keys do not include it: there it is None.
        """
        return self._key_material.key_ops  # type: ignore[return-value]  # as above


class DeletedKey(KeyVaultKey):
    """A deleted key that has not been purged yet (``GET /deletedkeys/{name}``).

    :param properties: the properties of the key.
    :param deleted_date: when it was deleted, in UTC.
    :param recovery_id: its identifier as a deleted key; None in a vault without soft delete.
    :param scheduled_purge_date: when the service purges it, in UTC.
    :param kwargs: the arguments of :class:`KeyVaultKey`, including ``key_id``.
    :raises ValueError: when an identifier is malformed.
    """

    def __init__(
        self,
        properties: KeyProperties,
        deleted_date: datetime | None = None,
        recovery_id: str | None = None,
        scheduled_purge_date: datetime | None = None,
        **kwargs: Any,
    ) -> None:
        kwargs.setdefault("key_id", properties.id)
        super().__init__(properties=properties, **kwargs)
        self._deleted_date = deleted_date
        self._recovery_id = recovery_id
        self._scheduled_purge_date = scheduled_purge_date

    @classmethod
    def _from_bundle(cls, bundle: wire.DeletedKeyBundle) -> Self:  # type: ignore[override]  # its own wire model
        instance = cls.__new__(cls)
        instance._read_bundle(bundle)
        instance._read_deletion(bundle)
        return instance

    @classmethod
    def _from_deleted_item(cls, item: wire.DeletedKeyItem) -> Self:
        instance = cls.__new__(cls)
        instance._properties = KeyProperties(item.kid or "", item.attributes, managed=item.managed, tags=item.tags)
        instance._key_material = JsonWebKey(kid=item.kid)
        instance._read_deletion(item)
        return instance

    def _facts(self) -> dict[str, Any]:
        return {
            **super()._facts(),
            "deleted_date": self.deleted_date,
            "recovery_id": self.recovery_id,
            "scheduled_purge_date": self.scheduled_purge_date,
        }

    @tolerant
    def __repr__(self) -> str:
        purged = day(self.scheduled_purge_date)
        return shown(self, self.id, self.key._kind(), f"scheduled_purge_date={purged}" if purged else None)

    def _read_deletion(self, source: wire.DeletedKeyBundle | wire.DeletedKeyItem) -> None:
        self._deleted_date = source.deleted_date
        self._recovery_id = source.recovery_id
        self._scheduled_purge_date = source.scheduled_purge_date

    @property
    def deleted_date(self) -> datetime | None:
        """When the key was deleted, in UTC."""
        return self._deleted_date

    @property
    def recovery_id(self) -> str | None:
        """The identifier of the deleted key; None in a vault without soft delete, where the key no longer exists."""
        return self._recovery_id

    @property
    def scheduled_purge_date(self) -> datetime | None:
        """When the service purges the key, in UTC."""
        return self._scheduled_purge_date


class ReleaseKeyResult(Readable):
    """A released key (``POST /keys/{name}/{version}/release``).

    :param value: a compact JWS that contains the key, encrypted for the attested environment.
    """

    def __init__(self, value: str) -> None:
        self.value = value

    def _facts(self) -> dict[str, Any]:
        return {"value": self.value}

    @tolerant
    def __repr__(self) -> str:
        return shown(self, f"a JWS of {len(self.value)} characters")

    def _repr_html_(self) -> str:
        return table([("value", f"a JWS of {len(self.value)} characters")], caption=type(self).__name__)

    @classmethod
    def _from_wire(cls, result: wire.KeyReleaseResult) -> ReleaseKeyResult:
        return cls(result.value or "")


class KeyRotationLifetimeAction(Readable):
    """An action at a certain point in a key's lifetime; part of a :class:`KeyRotationPolicy`.

    :param action: rotate the key (``"Rotate"``), or send a notification that it is about to expire (``"Notify"``). The
        service requires exactly one of the two times.
    :param time_after_create: how long after creation, as an ISO 8601 duration ("P90D") or a timedelta. Only for
        ``"Rotate"``.
    :param time_before_expiry: how long before expiry, as an ISO 8601 duration or a timedelta.
    :raises ValueError: when a timedelta is not a whole number of hours.
    """

    def __init__(
        self,
        action: KeyRotationPolicyAction | str,
        *,
        time_after_create: str | timedelta | None = None,
        time_before_expiry: str | timedelta | None = None,
    ) -> None:
        self.action = action
        self.time_after_create = duration_text(time_after_create)
        self.time_before_expiry = duration_text(time_before_expiry)

    def _facts(self) -> dict[str, Any]:
        return {**vars(self), "action": _text(self.action)}

    @tolerant
    def __repr__(self) -> str:
        when = {"time_after_create": self.time_after_create, "time_before_expiry": self.time_before_expiry}
        return shown(self, _text(self.action), *(f"{name}={time}" for name, time in when.items() if time))

    @classmethod
    def _from_wire(cls, found: wire.LifetimeActions) -> KeyRotationLifetimeAction:
        action = found.action.type if found.action else None
        trigger = found.trigger
        try:
            known: KeyRotationPolicyAction | str = KeyRotationPolicyAction(action)
        except ValueError:
            known = action or ""
        return cls(
            known,
            time_after_create=(trigger.time_after_create or None) if trigger else None,
            time_before_expiry=(trigger.time_before_expiry or None) if trigger else None,
        )

    def _to_wire(self) -> wire.LifetimeActions:
        return wire.LifetimeActions(
            action=wire.LifetimeActionsType(type=_text(self.action)),
            trigger=wire.LifetimeActionsTrigger(
                time_after_create=checked_duration("time_after_create", self.time_after_create),
                time_before_expiry=checked_duration("time_before_expiry", self.time_before_expiry),
            ),
        )


class KeyRotationPolicy(Readable):
    """The rotation policy of a key (``GET`` and ``PUT /keys/{name}/rotationpolicy``).

    :param policy_id: the identifier of the policy; set by the service.
    :param lifetime_actions: the actions and their times; at most one rotation and one notification.
    :param expires_in: the lifetime of a new version, as an ISO 8601 duration or a timedelta; at least 28 days.
    :param created_on: when the policy was created, in UTC; set by the service.
    :param updated_on: when it was last updated, in UTC; set by the service.
    :raises ValueError: when a timedelta is not a whole number of hours.
    """

    def __init__(
        self,
        *,
        policy_id: str | None = None,
        lifetime_actions: list[KeyRotationLifetimeAction] | None = None,
        expires_in: str | timedelta | None = None,
        created_on: datetime | None = None,
        updated_on: datetime | None = None,
    ) -> None:
        self.id = policy_id
        self.lifetime_actions = lifetime_actions or []
        self.expires_in = duration_text(expires_in)
        self.created_on = created_on
        self.updated_on = updated_on

    def _facts(self) -> dict[str, Any]:
        return dict(vars(self))

    @tolerant
    def __repr__(self) -> str:
        expires = f"expires_in={self.expires_in}" if self.expires_in else None
        return shown(self, self.id or "without an identifier", expires, *map(repr, self.lifetime_actions))

    @classmethod
    def _from_wire(cls, policy: wire.KeyRotationPolicy) -> KeyRotationPolicy:
        # In a policy that was never set, a Managed HSM returns empty text and 0.
        attributes = policy.attributes
        return cls(
            policy_id=policy.id or None,
            lifetime_actions=[KeyRotationLifetimeAction._from_wire(action) for action in policy.lifetime_actions or []],
            expires_in=(attributes.expiry_time or None) if attributes else None,
            created_on=_moment(attributes.created) if attributes else None,
            updated_on=_moment(attributes.updated) if attributes else None,
        )


def _moment(value: datetime | None) -> datetime | None:
    """Return a time, or None for 0."""
    return value if value is not None and value.timestamp() else None


def _text(value: Any) -> Any:
    """Return the text of an enumeration's member, so that the wire never sees the member itself."""
    return getattr(value, "value", value)


#: The properties that are shown and compared: all public ones.
_PROPERTIES = tuple(name for name, member in vars(KeyProperties).items() if isinstance(member, property))
