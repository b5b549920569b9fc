"""Key management: create, import, get, update, delete, list, backup and restore."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from .. import _errors
from .._cryptography import jose
from .._cryptography.ec import EcMaterial
from .._cryptography.material import Material
from .._cryptography.ml_dsa import NAMES as ML_DSA_NAMES
from .._cryptography.ml_dsa import MlDsaMaterial
from .._cryptography.oct import OctMaterial
from .._cryptography.okp import OkpMaterial
from .._cryptography.rsa import RsaMaterial
from .._errors import invalid_property
from .._json_body import Body
from .._messages import Reply
from .._storage.durations import parse_duration
from .._storage.records import Key, KeyVersion, Phase
from .._storage.state import new_version
from . import paging
from .byok import unwrap_transferred_key
from .call import Call
from .key_requests import KeyProperties, external_key_id, jwk_members, key_properties
from .release_rules import check_new_policy, check_policy_change

_CHANGEABLE = ("key_ops", "enabled", "nbf", "exp", "tags", "release_policy")
_OLD_CURVE, _NEW_CURVE = "SECP256K1", "P-256K"


def _key_type(call: Call, body: Body) -> tuple[str, str]:
    """Return the family of the requested key type, and the resulting type.

    :raises ServiceError: 400 for a type that is missing, unknown or not supported here.
    """
    kind, given = call.service.kind, body.text("kty")
    if not given:
        raise _errors.missing_key_type()
    return kind.family(given, call.api), kind.key_type(given)


def created_type(call: Call) -> tuple[str, str]:
    """Return the family and the type of the key that a create produces.

    :raises ServiceError: 400.
    """
    external = call.body.object("attributes") and external_key_id(call.body, call.api)
    if external and "kty" not in call.body and call.service.kind.is_hsm:
        return _external_type(external)
    return _key_type(call, call.body)


def _external_type(identifier: str) -> tuple[str, str]:
    """Return the type of an external key, which the request does not name.

    The emulator derives it from the id: an id that contains the word ``rsa`` or ``ec`` means such a key. Any other id
    means a symmetric key, as recorded.
    """
    words = identifier.lower().split("-")
    family = "RSA" if "rsa" in words else "EC" if "ec" in words else "oct"
    return family, f"{family}-HSM"


def imported_type(call: Call) -> tuple[str, str]:
    """Return the family and the type of the key that an import produces.

    :raises ServiceError: 400.
    """
    family, kty = _key_type(call, _imported_jwk(call))
    if call.body.boolean("Hsm") and not kty.endswith("-HSM"):
        kty = f"{kty}-HSM"
        call.service.kind.family(kty, call.api)
    return family, kty


def _imported_jwk(call: Call) -> Body:
    jwk = call.body.object("key")
    if jwk is None:
        raise _errors.malformed_jwk()
    return jwk


def _curve(call: Call, name: str | None) -> str | None:
    """Reject a curve name that the API version lacks: SECP256K1 became P-256K in 7.0."""
    if name == (_OLD_CURVE if call.api.since("7.0") else _NEW_CURVE):
        raise invalid_property("crv")
    return name


def _generator(call: Call, family: str) -> Callable[[], Material]:
    """Return a function that generates the key, after checking the type of every member of the request."""
    body = call.body
    size, curve, alg = body.integer("key_size"), _curve(call, body.text("crv")), body.text("alg")
    exponent = body.integer("public_exponent") if call.api.since("7.2-preview") else None
    if alg not in (None, *ML_DSA_NAMES):
        raise invalid_property("alg")
    makers: dict[str, Callable[[], Material]] = {
        "RSA": lambda: RsaMaterial.generate(size, exponent or None),
        "EC": lambda: EcMaterial.generate(curve),
        "oct": lambda: OctMaterial.generate(size),
        "OKP": lambda: OkpMaterial.generate(curve),
        "AKP": lambda: MlDsaMaterial.generate(alg),
    }
    return makers[family]


def _new_key_version(call: Call, kty: str, material: Material, given: KeyProperties) -> KeyVersion:
    now = int(call.service.clock.now())
    return KeyVersion(
        version=new_version(),
        kty=kty,
        material=material,
        key_ops=_key_ops(call, material.family, given),
        created=now,
        updated=now,
        enabled=given.enabled is not False,
        nbf=given.nbf,
        exp=given.exp,
        exportable=bool(given.exportable),
        external_id=given.external_id,
        tags=given.tags or None,
        release_policy=given.release_policy,
    )


def _key_ops(call: Call, family: str, given: KeyProperties) -> list[str]:
    if given.key_ops is not None:
        return given.key_ops
    return call.service.kind.default_key_ops(family, call.api, external=given.external_id is not None)


async def _keep(call: Call, version: KeyVersion, *, expires: bool) -> Reply:
    service = call.service
    async with service.writing(call.name):
        key = service.state.with_version(call.name, _with_expiry(version, service.state.live(call.name), expires))
        await service.save(key, key.latest)
    return call.bundle_reply(key, key.latest)


def _with_expiry(version: KeyVersion, key: Key | None, expires: bool) -> KeyVersion:
    """Return a new version. If the request gave no expiry, the key's rotation policy sets it."""
    expiry = key.rotation_policy.expiry_time if key is not None and key.rotation_policy else None
    if not expires or version.exp is not None or expiry is None:
        return version
    return version.changed(exp=parse_duration(expiry).after(version.created))


async def create_key(call: Call) -> Reply:
    """POST /keys/{name}/create (2016-10-01): a new key, or a new version of a key."""
    family, kty = created_type(call)
    given = key_properties(call.body, call.api, call.body.text_list("key_ops"), call.service.kind)
    if given.external_id is not None and not call.service.kind.is_hsm:
        raise invalid_property("attributes.external_key")
    check_new_policy(call, kty, given)
    generate = _generator(call, family)
    call.service.state.check_writable(call.name)
    material = await call.service.work(generate) if family == "RSA" else generate()
    return await _keep(call, _new_key_version(call, kty, material, given), expires=True)


async def import_key(call: Call) -> Reply:
    """PUT /keys/{name} (2016-10-01): a key from elsewhere, in plain text or wrapped with a key-exchange key."""
    jwk, (family, kty) = _imported_jwk(call), imported_type(call)
    given = key_properties(call.body, call.api, jwk.text_list("key_ops"), call.service.kind)
    check_new_policy(call, kty, given)
    material = await call.service.work(lambda: _imported(call, family, kty, jwk))
    return await _keep(call, _new_key_version(call, kty, material, given), expires=False)


def _imported(call: Call, family: str, kty: str, jwk: Body) -> Material:
    curve = _curve(call, jwk.text("crv")) if family in ("EC", "OKP") else None
    if "key_hsm" in jwk:
        return unwrap_transferred_key(call, family, kty, jwk, curve)
    members = jwk_members(jwk)
    keeps_zeros = call.service.kind.keeps_leading_zeros
    # A Managed HSM echoes a curve that was given with an imported RSA key.
    stray = jwk.text("crv") if call.service.kind.is_hsm else None
    importers: dict[str, Callable[[], Material]] = {
        "RSA": lambda: RsaMaterial.from_jwk(members, keeps_leading_zeros=keeps_zeros, curve=stray),
        "EC": lambda: EcMaterial.from_jwk(curve or "", members),
        "oct": lambda: OctMaterial.from_jwk(members),
        "OKP": lambda: OkpMaterial.from_jwk(curve or "", members),
    }
    if family not in importers:
        raise _errors.malformed_jwk()
    return importers[family]()


async def get_key(call: Call) -> Reply:
    """GET /keys/{name}[/{version}] (2016-10-01). Disabled and expired keys are returned like others."""
    return call.bundle_reply(*call.key_and_version())


async def update_key(call: Call) -> Reply:
    """PATCH /keys/{name}[/{version}] (2016-10-01): what is left out stays; tags and key_ops are replaced."""
    body = call.required_body
    given = key_properties(body, call.api, body.text_list("key_ops"), call.service.kind)
    async with call.service.writing(call.name):
        key, version = call.key_and_version()
        check_policy_change(call, version, given)
        changes = {name: value for name in _CHANGEABLE if (value := getattr(given, name)) is not None}
        version = version.changed(updated=int(call.service.clock.now()), **changes)
        key = key.with_version(version)
        await call.service.save(key, version)
    return call.bundle_reply(key, version)


async def delete_key(call: Call) -> Reply:
    """DELETE /keys/{name} (2016-10-01): all versions."""
    service = call.service
    async with service.writing(call.name):
        key = call.key()
        if not service.rules.soft_delete:
            await service.remove(key)
            return call.bundle_reply(key, key.latest)
        deleted = service.state.as_deleted(key)
        await service.save(deleted)
    return call.reply(service.bundles.deleted_bundle(call.view, deleted))


async def list_keys(call: Call) -> Reply:
    """GET /keys (2016-10-01): live keys sorted by name or by creation."""
    keys = paging.listed_keys(call, Phase.LIVE, lambda key: next(iter(key.versions.values())).created)
    items = ((marker, call.service.bundles.item(call.view, key)) for marker, key in keys)
    return call.reply(paging.page(call, "/keys", items))


async def list_versions(call: Call) -> Reply:
    """GET /keys/{name}/versions (2016-10-01): sorted by text or by creation; empty for an unknown name."""
    start, _ = paging.requested_start(call)
    key = call.service.state.live(call.name)
    items = iter(()) if key is None else _version_items(call, key, start.rpartition("/")[2])
    return call.reply(paging.page(call, f"/keys/{key.name if key else call.name}/versions", items))


def _version_items(call: Call, key: Key, start: str) -> Iterator[tuple[str, dict[str, Any]]]:
    by_creation = call.service.kind.lists_by_creation
    names = list(key.versions) if by_creation else sorted(key.versions)
    for name in names[_index(names, start) :]:
        yield f"{key.folded}/{name}", call.service.bundles.item(call.view, key, key.versions[name])


def _index(names: list[str], start: str) -> int:
    """Return the index of the first version to return, which a marker names."""
    return next((index for index, name in enumerate(names) if name == start), 0 if not start else len(names))


async def backup_key(call: Call) -> Reply:
    """POST /keys/{name}/backup (2016-10-01): all versions in one opaque blob."""
    key = call.key()
    bare = call.service.kind.is_hsm
    blob = await call.service.work(lambda: call.service.backup_key.seal(key, bare=bare))
    return call.reply({"value": jose.encode(blob)})


async def restore_key(call: Call) -> Reply:
    """POST /keys/restore (2016-10-01): the key as it was, with its versions and times."""
    service, blob = call.service, call.body.required_binary("value")
    try:
        key = await service.work(lambda: service.backup_key.open(blob, bare=service.kind.is_hsm))
    except Exception as error:  # parsers of a stranger's bytes raise many errors; the service has one answer
        raise service.kind.malformed_backup() from error
    async with service.writing(key.name):
        service.state.check_restorable(key.name)
        await service.save(key, *key.versions.values())
    return call.bundle_reply(key, key.latest)
