"""Requests: models to what JSON can hold, checked against the limits in the document.

msrest's ``Serializer.validate`` checks the limits; this module converts the values. msrest's own conversion,
``Serializer.body``, takes some 15 times as long, which makes the client time of a create 1.7 times and that of a
signature 1.4 times as long. It also sends ``b"RS256"`` as the text ``b'RS256'`` and ``"no"`` as true, and its errors
quote the values that they refuse, which may be private keys.

Loading msrest takes longer than most calls, so it waits for the first request that has a body. asyncio clients load it
in a thread.
"""

from __future__ import annotations

import base64
import calendar
import os
import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple

from ..._generated.models import Model
from .members import UNCHANGED, Member, conversions_of, typed


def _base64(value: Any) -> str:
    if not isinstance(value, (bytes, bytearray, memoryview)):
        raise TypeError
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode("ascii")


def _unix_time(value: Any) -> int:
    return calendar.timegm(typed(datetime, value).utctimetuple())


_WRITERS = {**UNCHANGED, "base64": _base64, "unix-time": _unix_time}


class _Limits(NamedTuple):
    """What checks the limits of members.

    :ivar check: takes a value, the name of its member and its limits.
    :ivar error: what it raises.
    """

    check: Callable[..., Any]
    error: type[Exception]


_limits: _Limits | None = None
_LOADING = threading.Lock()

if hasattr(os, "register_at_fork"):
    # A process that forked while another thread loads msrest would wait forever for a thread that it does not have.
    os.register_at_fork(before=_LOADING.acquire, after_in_parent=_LOADING.release, after_in_child=_LOADING.release)


def load() -> _Limits:
    """Load msrest, which checks limits."""
    global _limits  # once for the process, as modules are
    if _limits is None:
        with _LOADING:
            from msrest import Serializer
            from msrest.exceptions import ValidationError

            _limits = _Limits(Serializer.validate, ValidationError)
    return _limits


def is_loaded() -> bool:
    """Whether :func:`load` returns at once."""
    return _limits is not None


class _WrongType(TypeError):
    """A value does not have the type that its model declares. The text does not quote it."""


class Writer:
    """Turns models into what JSON can hold."""

    def __init__(self) -> None:
        # For each model, the members that a request may have, with their limits.
        self._plans: dict[type[Model], list[tuple[Member, dict[str, Any]]]] = {}

    def __call__(self, operation: str, body: Model) -> dict[str, Any]:
        """Return the members of a request's body, without those that are None or that only answers have.

        :param operation: the name of the operation, for error messages.
        :param body: a model.
        :raises ValueError: when a value breaks a limit of its member.
        :raises TypeError: when a value does not have the type that its model declares.
        """
        limits = _limits or load()
        refusal: Exception
        try:
            return self._written(body, limits.check)
        except limits.error as error:
            refusal = ValueError(str(error))
        except _WrongType as error:
            refusal = TypeError(f"{operation} cannot send its arguments: {error}")
        raise refusal  # here, so that it does not carry the other's traceback, which holds the body

    def _written(self, model: Model, check: Callable[..., Any]) -> dict[str, Any]:
        kind = type(model)
        written = {}
        for member, limits in self._plans.get(kind) or self._plans.setdefault(kind, self._plan(kind)):
            value = getattr(model, member.name)
            if limits:
                check(value, member.name, **limits)
            if value is not None:
                try:
                    written[member.key] = member.convert(value)
                except _WrongType:
                    raise  # it already names the nested member
                except (ValueError, TypeError, AttributeError, OverflowError):
                    # The cause is left out: it may quote the value, which may be a private key.
                    raise _WrongType(f"{member.name} is of type {type(value).__name__}") from None
        return written

    def _plan(self, kind: type[Model]) -> list[tuple[Member, dict[str, Any]]]:
        pairs = [
            (member, kind._validation.get(member.name, {})) for member in conversions_of(kind, _WRITERS, self._nested)
        ]
        return [(member, limits) for member, limits in pairs if "readonly" not in limits]

    def _nested(self, kind: type[Model], value: Any) -> dict[str, Any]:
        return self._written(typed(kind, value), (_limits or load()).check)


write = Writer()


def to_wire(model: Model) -> dict[str, Any]:
    """Return the JSON object that ``reading.read`` turns into the same model, unchecked."""
    pairs = (
        (member, getattr(model, member.name))
        for member in conversions_of(type(model), _WRITERS, lambda _, value: to_wire(value))
    )
    return {member.key: member.convert(value) for member, value in pairs if value is not None}
