"""Rotation: on request, and by policy."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from .._cryptography.material import Material
from .._errors import ServiceError, bad_parameter, invalid_property
from .._json_body import Body
from .._messages import Reply
from .._storage.durations import Duration, parse_duration
from .._storage.records import Key, KeyVersion, RotationPolicy
from .._storage.state import new_version
from .call import Call
from .kinds import DEFAULT_NOTIFY

_ACTIONS = {"rotate": "Rotate", "notify": "Notify"}
_LEAST_EXPIRY_DAYS = 28
_LEAST_TRIGGER_DAYS = 7
_DAY = 86400
_TRIGGERS = ("timeAfterCreate", "timeBeforeExpiry")


async def rotate_key(call: Call) -> Reply:
    """POST /keys/{name}/rotate (7.3): a new version of the same kind; its expiry follows the policy."""
    service, previous = call.service, _key(call).latest
    material = await service.work(previous.material.renewed)
    async with service.writing(call.name):
        key = _key(call)
        if previous.version not in key.versions:
            raise service.kind.nothing_to_rotate(call.origin, call.name)
        version = rotated(previous, material, key, int(service.clock.now()))
        key = key.with_version(version)
        await service.save(key, version)
    return call.bundle_reply(key, version)


def _key(call: Call) -> Key:
    key = call.service.state.live(call.name)
    if key is None:
        raise call.service.kind.nothing_to_rotate(call.origin, call.name)
    return key


def rotated(previous: KeyVersion, material: Material, key: Key, now: int) -> KeyVersion:
    """Return the new version that a rotation creates, on request or by policy."""
    expiry = key.rotation_policy.expiry_time if key.rotation_policy else None
    return KeyVersion(
        version=new_version(),
        kty=previous.kty,
        material=material,
        key_ops=previous.key_ops,
        created=now,
        updated=now,
        exp=parse_duration(expiry).after(now) if expiry else None,
        exportable=previous.exportable,
        external_id=previous.external_id,
        tags=previous.tags,
        release_policy=previous.release_policy,
    )


async def get_rotation_policy(call: Call) -> Reply:
    """GET /keys/{name}/rotationpolicy (7.3): without one, the default policy, which has no id."""
    key = call.key()
    if key.rotation_policy is None:
        return call.reply(call.service.kind.unset_rotation_policy())
    return call.reply(_policy(call, key, key.rotation_policy))


async def update_rotation_policy(call: Call) -> Reply:
    """PUT /keys/{name}/rotationpolicy (7.3). Existing versions keep their expiry."""
    actions, expiry = _checked_policy(call.required_body, int(call.service.clock.now()))
    if call.service.kind.adds_notify and not any(action["action"]["type"] == "Notify" for action in actions):
        actions.append(DEFAULT_NOTIFY)
    async with call.service.writing(call.name):
        key = call.key()
        policy = _renewed(key.rotation_policy, actions, expiry, int(call.service.clock.now()))
        if policy is not key.rotation_policy:
            await call.service.save(replace(key, rotation_policy=policy))
    return call.reply(_policy(call, key, policy))


def _renewed(
    known: RotationPolicy | None, actions: list[dict[str, Any]], expiry: str | None, now: int
) -> RotationPolicy:
    """Return the policy to store. If the same policy is set again, keep the old one with its times."""
    if known is None:
        return RotationPolicy(actions, expiry, now, now)
    if (known.lifetime_actions, known.expiry_time) == (actions, expiry):
        return known
    return RotationPolicy(actions, expiry, known.created, now)


def _policy(call: Call, key: Key, policy: RotationPolicy) -> dict[str, Any]:
    return call.service.kind.rotation_policy(f"{call.kid(key)}/rotationpolicy", policy)


def _checked_policy(body: Body, now: int) -> tuple[list[dict[str, Any]], str | None]:
    """Return the lifetime actions and the expiry.

    :param now: the time from which months and years are counted.
    :raises ServiceError: 400. The texts are the emulator's own.
    """
    # The default policy has null attributes, and clients send back what they received.
    attributes = Body({}) if body.raw("attributes") is None else body.object("attributes") or Body({})
    expiry = attributes.text("expiryTime") or None
    if expiry is not None and _duration(expiry).least_days < _LEAST_EXPIRY_DAYS:
        raise bad_parameter("The key expiry time in a rotation policy must be at least 28 days.")
    actions = [_action(item, expiry) for item in body.object_list("lifetimeActions") or []]
    for action in actions:
        _check_room(action, expiry, now)
    types = [action["action"]["type"] for action in actions]
    if len(set(types)) < len(types):
        raise bad_parameter("A rotation policy can have one lifetime action of each type.")
    return actions, expiry


def _action(item: Body, expiry: str | None) -> dict[str, Any]:
    trigger, action = item.object("trigger"), item.object("action")
    given = (action and action.text("type")) or ""
    if trigger is None or given.lower() not in _ACTIONS:
        raise invalid_property("lifetimeActions")
    kind = _ACTIONS[given.lower()]
    times = {name: text for name in _TRIGGERS if (text := trigger.text(name))}
    if len(times) != 1:
        raise bad_parameter("A lifetime action needs one of timeAfterCreate and timeBeforeExpiry.")
    ((name, text),) = times.items()
    _check_trigger(kind, name, _duration(text), expiry)
    return {"trigger": {name: text}, "action": {"type": kind}}


def _check_trigger(kind: str, name: str, duration: Duration, expiry: str | None) -> None:
    if duration.least_days < _LEAST_TRIGGER_DAYS:
        raise bad_parameter(f"{name} must be at least 7 days.")
    if kind == "Notify" and name == "timeAfterCreate":
        raise bad_parameter("timeAfterCreate can only be used with the action Rotate.")
    if kind == "Rotate" and name == "timeBeforeExpiry" and expiry is None:
        raise bad_parameter("timeBeforeExpiry can only be used with expiryTime.")


def _check_room(action: dict[str, Any], expiry: str | None, now: int) -> None:
    """Reject an action less than 7 days after creation or before expiry. The default action suits every expiry."""
    if expiry is None or action == DEFAULT_NOTIFY:
        return
    ((name, text),) = action["trigger"].items()
    if _duration(text).after(now) + _LEAST_TRIGGER_DAYS * _DAY > _duration(expiry).after(now):
        raise bad_parameter(f"{name} must leave at least 7 days of expiryTime.")


def _duration(text: str) -> Duration:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise _not_a_duration(text) from error


def _not_a_duration(text: str) -> ServiceError:
    return bad_parameter(f"'{text[:64]}' is not an ISO 8601 duration.")
