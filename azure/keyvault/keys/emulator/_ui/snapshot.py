"""What the page shows of a vault, as text. It is limited to what callers can see: no private key is read here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone

from .._knobs.faults import Fault
from .._knobs.throttle import Throttle
from .._service import Service
from .._storage.records import Key, KeyVersion, Phase


@dataclass(frozen=True, slots=True)
class VersionRow:
    """A version of a key."""

    version: str
    created: str
    expires: str
    state: str
    key_ops: str


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A key that is live, being recovered or being deleted."""

    name: str
    type: str
    state: str
    expires: str
    policy: str
    tags: str
    versions: tuple[VersionRow, ...]


@dataclass(frozen=True, slots=True)
class DeletedRow:
    """A deleted key."""

    name: str
    type: str
    deleted: str
    purged: str
    settled: bool


def when(seconds: float | None) -> str:
    """Return a time in UTC."""
    if seconds is None:
        return ""
    try:
        return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%d %H:%M:%S")
    except (OverflowError, ValueError, OSError):
        return f"{seconds:.0f} s"


def live_rows(service: Service) -> list[KeyRow]:
    """Return the keys that are not deleted."""
    now = service.clock.now()
    keys = [key for key in service.state.all_keys() if key.phase(now) in (Phase.LIVE, Phase.RECOVERING)]
    return [_key_row(key, now) for key in keys]


def deleted_rows(service: Service) -> list[DeletedRow]:
    """Return the keys that are deleted or being deleted."""
    now = service.clock.now()
    return [
        DeletedRow(key.name, _type(key.latest), when(key.deleted_at), when(key.purge_at), phase is Phase.DELETED)
        for key in service.state.all_keys()
        if (phase := key.phase(now)) in (Phase.DELETED, Phase.DELETING)
    ]


def _key_row(key: Key, now: float) -> KeyRow:
    latest = key.latest
    return KeyRow(
        key.name,
        _type(latest),
        "being recovered" if key.phase(now) is Phase.RECOVERING else _state(latest, now),
        when(latest.exp),
        "; ".join(_policy(key)),
        ", ".join(f"{name}={value}" for name, value in (latest.tags or {}).items()),
        tuple(
            VersionRow(one.version, when(one.created), when(one.exp), _state(one, now), ", ".join(one.key_ops))
            for one in reversed(key.versions.values())
        ),
    )


def _type(version: KeyVersion) -> str:
    members, size = version.material.public_members(), version.material.size
    detail = members.get("crv") or members.get("alg") or (f"{size} bits" if size else "")
    return f"{version.kty} {detail}".strip()


def _state(version: KeyVersion, now: float) -> str:
    if not version.enabled:
        return "disabled"
    if version.exp is not None and now >= version.exp:
        return "expired"
    if version.nbf is not None and now < version.nbf:
        return "not yet valid"
    return "enabled"


def _policy(key: Key) -> Iterator[str]:
    policy = key.rotation_policy
    if policy is None:
        return
    for item in policy.lifetime_actions:
        ((trigger, duration),) = item["trigger"].items()
        when_ = "after creation" if trigger == "timeAfterCreate" else "before expiry"
        yield f"{item['action']['type'].lower()} {duration} {when_}"
    if policy.expiry_time:
        yield f"expires {policy.expiry_time} after creation"


def fault_text(fault: Fault) -> str:
    """Describe what a fault does."""
    if fault.reply is not None:
        return f"respond with {fault.reply.status}"
    if fault.wire is not None:
        if fault.wire.hang:
            return f"send nothing for {fault.wire.hang:g} s"
        return "lose the response" if fault.processed else "drop the connection"
    if fault.rewrite:
        return "change the response"
    return f"delay by {fault.delay:g} s"


def throttle_text(throttle: Throttle) -> str:
    """Describe which calls are rejected with 429."""
    if throttle._documented:
        text = "the documented limits of a vault"
    elif throttle._limit is not None:
        text = f"{throttle._limit} calls in {throttle._window:g} seconds"
    else:
        return "off"
    return text if throttle._retry_after is None else f"{text}, Retry-After: {throttle._retry_after}"


def fault_filter_text(fault: Fault) -> str:
    """Describe which calls a fault affects."""
    calls = {False: "calls with a token", True: "calls without a token", None: "all calls"}[fault.probes]
    method = f"{fault.method} " if fault.method else ""
    return f"{method}{calls}" + (f" to {fault.path.pattern}" if fault.path else "")
