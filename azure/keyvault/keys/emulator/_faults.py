"""Faults on demand: wrong answers, late answers, broken connections.

``vault.faults`` has one method per fault. Each takes the same filter: ``times``, ``method``, ``path`` (a regular
expression), and ``probes``: False for calls with a token, True for those without one, None for both. Faults are tried
in the order in which they were added.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ._http import JSON_TYPE, Inbound, Reply, json_reply


@dataclass(frozen=True, slots=True)
class Wire:
    """What happens to the bytes of a reply on their way.

    :param sent: how many bytes of the body are sent; None for all, -1 to send nothing, not even headers.
    :param reset: end with RST instead of FIN.
    :param hang: keep the connection open that many seconds before ending it.
    """

    sent: int | None = None
    reset: bool = False
    hang: float = 0.0


@dataclass(slots=True)
class Fault:
    """A fault that waits for its calls."""

    reply: Reply | None = None
    wire: Wire | None = None
    delay: float = 0.0
    processed: bool = False
    rewrite: Mapping[str, Any] = field(default_factory=dict)
    times: int | None = 1
    method: str | None = None
    path: re.Pattern[str] | None = None
    probes: bool | None = False

    def takes(self, request: Inbound, *, authorised: bool) -> bool:
        """Say whether a call is meant, and count it."""
        if self.times == 0 or (self.probes is not None and self.probes is authorised):
            return False
        if self.method not in (None, request.method) or (self.path and not self.path.search(request.path)):
            return False
        if self.times is not None:
            self.times -= 1
        return True

    def apply_to(self, reply: Reply) -> Reply:
        """Return what is sent instead of a reply."""
        if self.reply is not None:
            return self.reply
        if not self.rewrite:
            return reply
        body = self.rewrite.get("body", reply.body)[: self.rewrite.get("cut")]
        headers = {**reply.headers, **self.rewrite.get("headers", {})}
        return Reply(self.rewrite.get("status", reply.status), body, headers, reply.content_type)


class Faults:
    """The faults of an emulator. Safe to use from any thread."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._lock = threading.Lock()

    def status(
        self,
        status: int,
        *,
        code: str = "Injected",
        message: str = "An injected fault.",
        headers: Mapping[str, str] | None = None,
        retry_after: int | str | None = None,
        **where: Any,
    ) -> Fault:
        """Answer with a status and an error envelope.

        :param retry_after: the value of ``Retry-After``; None to leave the header out.
        """
        extra = dict(headers or {})
        if retry_after is not None:
            extra["Retry-After"] = str(retry_after)
        return self._add(where, reply=json_reply({"error": {"code": code, "message": message}}, status, extra))

    def throttled(self, *, retry_after: int | str | None = None, **where: Any) -> Fault:
        """Answer 429 as the service does: without ``Retry-After`` unless one is given."""
        text = "Request was not processed because too many requests were received. Reason: VaultRequestTypeLimitReached"
        return self.status(429, code="Throttled", message=text, retry_after=retry_after, **where)

    def answer(
        self,
        body: bytes,
        *,
        status: int = 200,
        content_type: str | None = JSON_TYPE,
        headers: Mapping[str, str] | None = None,
        **where: Any,
    ) -> Fault:
        """Answer with these bytes, whatever they are."""
        return self._add(where, reply=Reply(status, body, dict(headers or {}), content_type))

    def redirect(self, location: str, *, status: int = 307, **where: Any) -> Fault:
        """Answer with a redirect."""
        return self._add(where, reply=Reply(status, b"", {"Location": location}, None))

    def rewrite(
        self,
        *,
        status: int | None = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        **where: Any,
    ) -> Fault:
        """Process the call, then change the reply."""
        changes = {"status": status, "body": body, "headers": headers}
        given = {name: value for name, value in changes.items() if value is not None}
        return self._add(where, rewrite=given, processed=True)

    def delay(self, seconds: float, **where: Any) -> Fault:
        """Answer late."""
        return self._add(where, delay=seconds, processed=True)

    def drop(self, *, after_headers: bool = False, reset: bool = False, processed: bool = False, **where: Any) -> Fault:
        """End the connection before the reply, or after its headers.

        :param reset: end with RST instead of FIN.
        :param processed: do what was asked, and lose only the reply.
        """
        return self._add(where, wire=Wire(0 if after_headers else -1, reset), processed=processed or after_headers)

    def truncate(self, sent: int, *, reset: bool = False, as_success: bool = False, **where: Any) -> Fault:
        """Send only the first bytes of the body.

        :param as_success: announce the short body as if it were the whole one, instead of ending the connection.
        """
        if as_success:
            return self._add(where, rewrite={"cut": sent}, processed=True)
        return self._add(where, wire=Wire(sent, reset), processed=True)

    def hang(self, seconds: float, *, sent: int | None = None, **where: Any) -> Fault:
        """Send nothing, or only the first bytes of the body, and keep the connection open before ending it."""
        return self._add(where, wire=Wire(-1 if sent is None else sent, hang=seconds), processed=True)

    def clear(self) -> None:
        """Forget all faults."""
        with self._lock:
            self._faults.clear()

    def take(self, request: Inbound, *, authorised: bool) -> Fault | None:
        """Return the fault for a call, if there is one."""
        if not self._faults:
            return None
        with self._lock:
            fault = next((fault for fault in self._faults if fault.takes(request, authorised=authorised)), None)
            self._faults = [waiting for waiting in self._faults if waiting.times != 0]
        return fault

    def _add(self, where: dict[str, Any], **what: Any) -> Fault:
        pattern = where.pop("path", None)
        fault = Fault(**what, **where, path=re.compile(pattern) if pattern else None)
        with self._lock:
            self._faults.append(fault)
        return fault
