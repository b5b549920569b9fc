"""What the policies know about one call: its deadline, whether it may be repeated, which stage it has reached."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from enum import Enum, auto
from typing import Any

from azure.core.exceptions import ClientAuthenticationError, ServiceRequestError
from azure.core.pipeline import PipelineRequest
from azure.core.pipeline.policies import SansIOHTTPPolicy

from ..wire.identifiers import secure_origin_of
from .keywords import UNREAD

#: The context of a call in azure-core's pipeline, where the policies keep what they know about it.
Call = dict[str, Any]

#: The option, and then the entry of the context, that a call has for which tracing was found to be off.
UNTRACED = "keyvault_untraced"

_DEADLINE = "keyvault_deadline"
_REPEATABLE = "keyvault_repeatable"
_STAGE = "keyvault_stage"
_URL = "keyvault_url"

#: The longest wait that Python supports, in seconds. A longer timeout means that there is no limit.
_FOREVER = threading.TIMEOUT_MAX / 2

#: Methods that may be repeated when nothing else is known about a request: those of RFC 9110 section 9.2.2, except PUT,
#: with which the service imports another version of a key.
_IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "DELETE"})


class CallPolicy(SansIOHTTPPolicy[Any, Any]):
    """Removes this library's options from a call and keeps them for the policies below.

    :param timeout: seconds that a call without a timeout of its own may take; None for no limit.
    """

    def __init__(self, timeout: float | None = None) -> None:
        super().__init__()
        self.timeout = timeout
        end_of(timeout)  # a wrong timeout is an error when the client is made

    def on_request(self, request: PipelineRequest[Any]) -> None:
        """Note the deadline and whether the request may be repeated."""
        context = request.context
        context[_URL] = request.http_request.url
        for name in UNREAD.intersection(context.options):
            del context.options[name]
        timeout = context.options.pop("timeout", self.timeout)
        if _DEADLINE in context.options:  # one of several requests of a call
            context[_DEADLINE] = context.options.pop(_DEADLINE)
        elif timeout is not None:
            context[_DEADLINE] = end_of(timeout)
        if context.options.pop(UNTRACED, False):
            context[UNTRACED] = True
        context[_REPEATABLE] = context.options.pop("repeatable", request.http_request.method.upper() in _IDEMPOTENT)


def with_deadline(options: Mapping[str, Any], default: float | None) -> dict[str, Any]:
    """Return the options of a call with its deadline in place of its ``timeout``.

    :param default: seconds that a call without a timeout of its own may take; None for no limit.
    """
    fixed = dict(options)
    fixed.setdefault(_DEADLINE, end_of(fixed.pop("timeout", default)))
    return fixed


def ending_by(options: Mapping[str, Any], moment: float) -> dict[str, Any]:
    """Return the options of a call that ends by a time of :func:`time.monotonic`, or by its own earlier deadline."""
    own = options.get(_DEADLINE)
    return {**options, _DEADLINE: moment if own is None else min(own, moment)}


def has_terms_of_its_own(options: Mapping[str, Any]) -> bool:
    """Return whether a call sets its own time limits or number of retries."""
    return any(name.startswith("retry_") or name.endswith("timeout") for name in options)


def end_of(timeout: float | None) -> float | None:
    """Return when a call that begins now must end, on the clock of :func:`time.monotonic`.

    :raises TypeError: when the timeout is not a number.
    :raises ValueError: when it is NaN.
    """
    if timeout is None:
        return None
    if isinstance(timeout, bool) or not isinstance(timeout, (int, float)):
        raise TypeError(f"timeout must be a number of seconds, not {type(timeout).__name__}")
    if timeout != timeout:
        raise ValueError("timeout must be a number of seconds, not NaN")
    return None if timeout >= _FOREVER else time.monotonic() + timeout


def remaining(context: Mapping[str, Any]) -> float | None:
    """Return the seconds that a call has left, at least 0; None when it has no limit."""
    deadline = context.get(_DEADLINE)
    return None if deadline is None else max(0.0, deadline - time.monotonic())


def deadline_of(context: Mapping[str, Any]) -> float | None:
    """Return when a call must end, on the clock of :func:`time.monotonic`; None when it has no limit."""
    return context.get(_DEADLINE)


def is_repeatable(context: Call) -> bool:
    """Whether sending the request twice has the effect of sending it once."""
    return bool(context.get(_REPEATABLE))


def is_untraced(context: Call) -> bool:
    """Whether tracing was off when the call began."""
    return UNTRACED in context


def asked_url(context: Call) -> str | None:
    """Return the URL to which the caller sent the request; None when no policy has recorded it."""
    return context.get(_URL)


def check_destination(request: PipelineRequest[Any]) -> None:
    """Refuse to send a request away from the vault, with its token and its body, wherever a policy has led it.

    :raises ~azure.core.exceptions.ClientAuthenticationError: when it would go to another origin than the caller's.
    """
    asked, url = asked_url(request.context), request.http_request.url
    if asked is None or asked == url:
        return
    origin = secure_origin_of(asked)
    try:
        if secure_origin_of(url) == origin:
            return
    except (ServiceRequestError, ValueError):  # not https, or no URL
        pass
    raise ClientAuthenticationError(
        message=f"The request to {origin} was redirected to another origin by a policy or a hook, and was not sent."
    )


class Stage(Enum):
    """The stage that a call has reached."""

    PROBE = auto()  # asking the vault for its challenge
    TOKEN = auto()  # asking the credential for a token
    REQUEST = auto()  # sending the request itself


def enter(context: Call, stage: Stage) -> None:
    """Record the stage that a call has reached."""
    context[_STAGE] = stage


def stage_of(context: Call) -> Stage:
    """Return the stage that a call has reached."""
    return context.get(_STAGE, Stage.REQUEST)  # type: ignore[no-any-return]
