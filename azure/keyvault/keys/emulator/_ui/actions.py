"""Carries out the forms of the page with the same means that the emulator offers to tests."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from urllib.parse import quote

from .._knobs.access import PERMISSIONS
from .._knobs.faults import Fault, FaultFilter, Faults
from .._operations.inside import InsideCalls
from .._operations.passage_of_time import catch_up
from .._service import Service

_SECONDS = {"days": 86400, "hours": 3600, "minutes": 60}
METHODS = ("", "GET", "POST", "PUT", "PATCH", "DELETE")
#: The faults that the page can inject, and what the form's number means for each.
FAULTS: Mapping[str, str] = {
    "status": "respond with a status (the number)",
    "throttled": "throttle (429)",
    "delay": "delay the response (seconds)",
    "hang": "send nothing (seconds)",
    "drop": "drop the connection",
    "lose": "process the call, lose the response",
}

#: The limits that the page can set.
THROTTLES: Mapping[str, str] = {
    "off": "off",
    "limit": "a number of calls",
    "documented": "the documented limits of a vault",
}


@dataclass(frozen=True, slots=True)
class Form:
    """A submitted form: a single value for each name, and all ticked boxes."""

    values: Mapping[str, str]
    ticked: frozenset[str]

    def number(self, name: str, default: float, *, most: float = 10**6) -> float:
        """Return a number.

        :raises ValueError: if it is not a number, or is too far from zero.
        """
        text = self.values.get(name, "").strip()
        number = float(text) if text else default
        if not abs(number) <= most:
            raise ValueError(f"{name} must be a number up to {most:g}")
        return number


async def perform(service: Service, name: str, form: Form) -> str:
    """Carry out a form in a vault, and return the message to show.

    :raises ValueError: if the form is wrong.
    :raises ServiceError: if the vault rejects the action.
    """
    action = _ACTIONS.get(name)
    if action is None:
        raise ValueError(f"there is no action {name[:32]!r}")
    return await action(service, form)


def _on_key(method: str, path: str, done: str) -> Callable[[Service, Form], Awaitable[str]]:
    async def act(service: Service, form: Form) -> str:
        name = form.values.get("key", "")
        await InsideCalls(service)(method, path.format(quote(name, safe="")))
        return done.format(name)

    return act


async def _advance(service: Service, form: Form) -> str:
    unit = form.values.get("unit", "days")
    seconds = form.number("amount", 1) * _SECONDS.get(unit, 0)
    await _move_clock(service, service.clock.offset + seconds)
    return "Clock moved."


async def _now(service: Service, form: Form) -> str:
    service.clock.offset = 0.0
    for vault in service.realm.vaults:
        vault.state.follow_clock()
    return "Clock set to real time."


async def _move_clock(service: Service, offset: float) -> None:
    service.clock.offset = offset
    for vault in service.realm.vaults:
        await catch_up(vault)


async def _permissions(service: Service, form: Form) -> str:
    permissions = service.permissions
    permissions.allow()
    permissions.deny(*(name for name in PERMISSIONS if f"allow-{name}" not in form.ticked))
    permissions.rbac, permissions.firewall = "rbac" in form.ticked, "firewall" in form.ticked
    return "Permissions set."


async def _claims(service: Service, form: Form) -> str:
    service.claims.demand()
    return "The next call will get a claims challenge."


async def _revoke(service: Service, form: Form) -> str:
    service.tokens.revoke()
    return "All tokens issued so far are revoked."


async def _inject(service: Service, form: Form) -> str:
    inject = _INJECTIONS.get(form.values.get("kind", ""))
    if inject is None:
        raise ValueError("choose a fault")
    times = int(form.number("times", 1))
    where: FaultFilter = {
        "times": times if times > 0 else None,
        "method": form.values.get("method") or None,
        "path": form.values.get("path") or None,
    }
    inject(service.faults, form, where)
    return "Fault injected."


def _status(faults: Faults, form: Form, where: FaultFilter) -> Fault:
    status = int(form.number("number", 503))
    if not 100 <= status <= 599:
        raise ValueError("a status must be 100 to 599")
    return faults.status(status, **where)


_INJECTIONS: Mapping[str, Callable[[Faults, Form, FaultFilter], Fault]] = {
    "status": _status,
    "throttled": lambda faults, form, where: faults.throttled(**where),
    "delay": lambda faults, form, where: faults.delay(abs(form.number("number", 1, most=3600)), **where),
    "hang": lambda faults, form, where: faults.hang(abs(form.number("number", 1, most=3600)), **where),
    "drop": lambda faults, form, where: faults.drop(**where),
    "lose": lambda faults, form, where: faults.drop(processed=True, **where),
}


async def _end_fault(service: Service, form: Form) -> str:
    service.faults._end(form.values.get("fault", ""))
    return "Fault removed."


async def _throttle(service: Service, form: Form) -> str:
    throttle, mode = service.throttle, form.values.get("mode", "")
    if mode not in THROTTLES:
        raise ValueError("choose a limit")
    retry_after = form.number("retry_after", 0)
    if retry_after < 0:
        raise ValueError("retry_after must not be negative")
    seconds = int(retry_after) or None
    if mode == "limit":
        period = form.number("seconds", 10)
        if period <= 0:
            raise ValueError("seconds must be more than 0")
        throttle.limit(int(form.number("calls", 5)), period, seconds)
    elif mode == "documented":
        throttle.documented_limits(seconds)
    else:
        throttle.off()
        return "Throttling is off."
    return "Throttling is on."


async def _reset(service: Service, form: Form) -> str:
    service.clock.offset = 0.0
    for vault in service.realm.vaults:
        vault.reset()
    service.tokens.reset()
    return "All settings restored; keys unchanged."


_ACTIONS: Mapping[str, Callable[[Service, Form], Awaitable[str]]] = {
    "delete": _on_key("DELETE", "/keys/{}", "{} deleted."),
    "rotate": _on_key("POST", "/keys/{}/rotate", "{} rotated."),
    "recover": _on_key("POST", "/deletedkeys/{}/recover", "{} is being recovered."),
    "purge": _on_key("DELETE", "/deletedkeys/{}", "{} purged."),
    "advance": _advance,
    "now": _now,
    "permissions": _permissions,
    "claims": _claims,
    "revoke": _revoke,
    "inject": _inject,
    "end-fault": _end_fault,
    "throttle": _throttle,
    "reset": _reset,
}
