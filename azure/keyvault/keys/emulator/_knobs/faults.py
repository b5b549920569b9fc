"""Faults on demand: wrong responses, late responses, broken connections.

``vault.faults`` has one method per fault. Each takes the same filter: ``times``, ``method``, ``path`` (a regular
expression), and ``probes``: False for calls with a token, True for those without one, None for both. Faults are tried
in the order in which they were added.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, TypedDict

from .._messages import JSON_TYPE, Inbound, Reply, json_reply, overlaid

if TYPE_CHECKING:
    from typing_extensions import Unpack


class FaultFilter(TypedDict, total=False):
    """Selects the calls that a fault affects: keywords of every method of :class:`Faults`.

    :ivar times: how many calls, 1 by default; None for all.
    :ivar method: the HTTP method, in any letter case; any method by default.
    :ivar path: a regular expression to search for in the path; any path by default.
    :ivar probes: False, the default, for calls with a token; True for calls without one; None for both.
    """

    times: int | None
    method: str | None
    path: str | None
    probes: bool | None


@dataclass(frozen=True, slots=True)
class Wire:
    """What happens to the bytes of a reply in transit.

    :param sent: how many bytes of the body are sent; None for all, -1 to send nothing, not even headers.
    :param reset: close with RST instead of FIN.
    :param hang: keep the connection open for this many seconds before closing it.
    """

    sent: int | None = None
    reset: bool = False
    hang: float = 0.0


@dataclass(slots=True)
class Fault:
    """A fault that waits for matching calls.

    :ivar reply: the reply to send; None for the emulator's own.
    :ivar wire: what happens to the bytes of the reply; None to send them unchanged.
    :ivar delay: the seconds to wait before replying.
    :ivar processed: whether the emulator carries out the call, whatever the reply.
    :ivar rewrite: what to change in the emulator's reply: ``status``, ``body``, ``headers``; ``cut``, the number of
        bytes of the body to keep.
    :ivar times: the number of calls it still affects; None for all. Set it to 0 to end the fault.
    :ivar method: the HTTP method of the calls it affects; None for all.
    :ivar path: a pattern to search for in their paths; None for all.
    :ivar probes: False for calls with a token, True for those without, None for both.
    """

    reply: Reply | None = None
    wire: Wire | None = None
    delay: float = 0.0
    processed: bool = False
    rewrite: Mapping[str, Any] = field(default_factory=dict)
    times: int | None = 1
    method: str | None = None
    path: re.Pattern[str] | None = None
    probes: bool | None = False

    def _takes(self, request: Inbound, *, authorised: bool) -> bool:
        """Return whether the fault affects a call, and count the call if so."""
        if self.times == 0 or (self.probes is not None and self.probes is authorised):
            return False
        if self.method is not None and self.method.upper() != request.method:
            return False
        if self.path and not self.path.search(request.path):
            return False
        if self.times is not None:
            self.times -= 1
        return True

    def _apply_to(self, reply: Reply) -> Reply:
        """Return what to send instead of a reply."""
        if self.reply is not None:
            return self.reply
        if not self.rewrite:
            return reply
        body = self.rewrite.get("body", reply.body)[: self.rewrite.get("cut")]
        headers = overlaid(reply.headers, self.rewrite.get("headers", {}))
        return Reply(self.rewrite.get("status", reply.status), body, headers, reply.content_type)


class Faults:
    """The faults of an emulator: ``vault.faults``. Safe to use from any thread.

    Every method except :meth:`clear` also takes the keywords of :class:`FaultFilter`.
    """

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} [{len(self._faults)} waiting]>"

    def status(
        self,
        status: int,
        *,
        code: str = "Injected",
        message: str = "An injected fault.",
        headers: Mapping[str, str] | None = None,
        retry_after: int | str | None = None,
        **where: Unpack[FaultFilter],
    ) -> Fault:
        """Reply with a status and an error envelope.

        :param status: the HTTP status.
        :param code: the code of the error.
        :param message: the message of the error.
        :param headers: additional headers.
        :param retry_after: the value of ``Retry-After``, in seconds or as a date; None to leave the header out.
        :param where: the calls to affect: see :class:`FaultFilter`.
        :returns: the fault, to inspect or to end.
        :raises TypeError: if a filter is unknown.
        :raises ValueError: if ``path`` is not a regular expression.
        """
        extra = overlaid(headers or {}, {} if retry_after is None else {"Retry-After": str(retry_after)})
        return self._add(where, reply=json_reply({"error": {"code": code, "message": message}}, status, extra))

    def throttled(self, *, retry_after: int | str | None = None, **where: Unpack[FaultFilter]) -> Fault:
        """Reply with 429 as the service does.

        :param retry_after: the value of ``Retry-After``, in seconds or as a date; None to leave the header out, as the
            service does.
        :param where: the calls to affect: see :class:`FaultFilter`.
        :returns: the fault, to inspect or to end.
        :raises TypeError: if a filter is unknown.
        :raises ValueError: if ``path`` is not a regular expression.
        """
        text = "Request was not processed because too many requests were received. Reason: VaultRequestTypeLimitReached"
        return self.status(429, code="Throttled", message=text, retry_after=retry_after, **where)

    def answer(
        self,
        body: bytes,
        *,
        status: int = 200,
        content_type: str | None = JSON_TYPE,
        headers: Mapping[str, str] | None = None,
        **where: Unpack[FaultFilter],
    ) -> Fault:
        """Reply with exactly these bytes.

        :param body: the bytes.
        :param status: the HTTP status.
        :param content_type: the value of ``Content-Type``; None to leave the header out.
        :param headers: additional headers.
        :param where: the calls to affect: see :class:`FaultFilter`.
        :returns: the fault, to inspect or to end.
        :raises TypeError: if a filter is unknown.
        :raises ValueError: if ``path`` is not a regular expression.
        """
        return self._add(where, reply=Reply(status, body, dict(headers or {}), content_type))

    def redirect(self, location: str, *, status: int = 307, **where: Unpack[FaultFilter]) -> Fault:
        """Reply with a redirect.

        :param location: the target of the redirect.
        :param status: the HTTP status.
        :param where: the calls to affect: see :class:`FaultFilter`.
        :returns: the fault, to inspect or to end.
        :raises TypeError: if a filter is unknown.
        :raises ValueError: if ``path`` is not a regular expression.
        """
        return self._add(where, reply=Reply(status, b"", {"Location": location}, None))

    def rewrite(
        self,
        *,
        status: int | None = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        **where: Unpack[FaultFilter],
    ) -> Fault:
        """Process the call, then change the given parts of the reply.

        :param status: the HTTP status.
        :param body: the body.
        :param headers: headers to add or to replace.
        :param where: the calls to affect: see :class:`FaultFilter`.
        :returns: the fault, to inspect or to end.
        :raises TypeError: if a filter is unknown.
        :raises ValueError: if ``path`` is not a regular expression.
        """
        changes = {"status": status, "body": body, "headers": headers}
        given = {name: value for name, value in changes.items() if value is not None}
        return self._add(where, rewrite=given, processed=True)

    def delay(self, seconds: float, **where: Unpack[FaultFilter]) -> Fault:
        """Delay the reply.

        :param seconds: the delay in seconds.
        :param where: the calls to affect: see :class:`FaultFilter`.
        :returns: the fault, to inspect or to end.
        :raises TypeError: if a filter is unknown.
        :raises ValueError: if ``path`` is not a regular expression.
        """
        return self._add(where, delay=seconds, processed=True)

    def drop(
        self, *, after_headers: bool = False, reset: bool = False, processed: bool = False, **where: Unpack[FaultFilter]
    ) -> Fault:
        """Close the connection before the reply, or after its headers.

        :param after_headers: send the headers of the reply.
        :param reset: close with RST instead of FIN.
        :param processed: carry out the call and lose only the reply.
        :param where: the calls to affect: see :class:`FaultFilter`.
        :returns: the fault, to inspect or to end.
        :raises TypeError: if a filter is unknown.
        :raises ValueError: if ``path`` is not a regular expression.
        """
        return self._add(where, wire=Wire(0 if after_headers else -1, reset), processed=processed or after_headers)

    def truncate(
        self, sent: int, *, reset: bool = False, as_success: bool = False, **where: Unpack[FaultFilter]
    ) -> Fault:
        """Send only the first bytes of the body.

        :param sent: how many bytes.
        :param reset: close with RST instead of FIN.
        :param as_success: declare the short body as complete instead of closing the connection.
        :param where: the calls to affect: see :class:`FaultFilter`.
        :returns: the fault, to inspect or to end.
        :raises TypeError: if a filter is unknown.
        :raises ValueError: if ``path`` is not a regular expression.
        """
        if as_success:
            return self._add(where, rewrite={"cut": sent}, processed=True)
        return self._add(where, wire=Wire(sent, reset), processed=True)

    def hang(self, seconds: float, *, sent: int | None = None, **where: Unpack[FaultFilter]) -> Fault:
        """Send nothing, or only the first bytes of the body, and keep the connection open before closing it.

        :param seconds: how many seconds to keep it open.
        :param sent: how many bytes of the body to send; None for nothing at all, not even headers.
        :param where: the calls to affect: see :class:`FaultFilter`.
        :returns: the fault, to inspect or to end.
        :raises TypeError: if a filter is unknown.
        :raises ValueError: if ``path`` is not a regular expression.
        """
        return self._add(where, wire=Wire(-1 if sent is None else sent, hang=seconds), processed=True)

    def clear(self) -> None:
        """Forget all faults."""
        with self._lock:
            self._faults.clear()

    def _active(self) -> list[tuple[str, Fault]]:
        """Return the waiting faults, each with an id for :meth:`_end`."""
        with self._lock:
            return [(str(id(fault)), fault) for fault in self._faults if fault.times != 0]

    def _end(self, name: str) -> None:
        """End a fault if it is still waiting."""
        with self._lock:
            self._faults = [fault for fault in self._faults if str(id(fault)) != name]

    def _take(self, request: Inbound, *, authorised: bool) -> Fault | None:
        """Return the fault that affects a call, if any."""
        if not self._faults:
            return None
        with self._lock:
            fault = next((fault for fault in self._faults if fault._takes(request, authorised=authorised)), None)
            self._faults = [waiting for waiting in self._faults if waiting.times != 0]
        return fault

    def _add(self, where: FaultFilter, **what: Any) -> Fault:
        filters: dict[str, Any] = {**where}
        _check_names(filters)
        _check_status(what)
        pattern = filters.pop("path", None)
        try:
            path = re.compile(pattern) if pattern else None
        except re.error as error:
            raise ValueError(f"path must be a regular expression: {error}") from None
        fault = Fault(**what, **filters, path=path)
        with self._lock:
            self._faults.append(fault)
        return fault


def _check_names(filters: Mapping[str, Any]) -> None:
    """Reject a keyword that is no filter, with the name that was probably meant."""
    known = list(FaultFilter.__annotations__)
    for name in filters:
        if name not in known:
            nearest = next(iter(get_close_matches(name, known, n=1)), None)
            meant = f"; did you mean {nearest!r}?" if nearest else f"; the filters are {', '.join(known)}"
            raise TypeError(f"a fault got an unexpected keyword argument {name!r}{meant}")


def _check_status(what: Mapping[str, Any]) -> None:
    reply: Reply | None = what.get("reply")
    status = what.get("rewrite", {}).get("status", 200) if reply is None else reply.status
    if not isinstance(status, int):
        raise TypeError(f"status must be int, such as 503, not {type(status).__name__}")
