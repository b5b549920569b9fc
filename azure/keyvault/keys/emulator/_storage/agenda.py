"""What happens as time passes: rotation by policy, near expiry, expiry, and the end of retention. No I/O.

Each key has at most one event due next. Carrying it out schedules the event after that.
"""

from __future__ import annotations

import enum
import heapq
from collections.abc import Iterator
from dataclasses import dataclass

from .durations import parse_duration
from .records import Key, Phase

_DEFAULT_NOTICE = "P30D"


class Happening(str, enum.Enum):
    """The kinds of events that can be due."""

    ROTATED = "rotated"
    NEAR_EXPIRY = "near-expiry"
    EXPIRED = "expired"
    PURGED = "purged"


@dataclass(frozen=True, slots=True, order=True)
class Due:
    """An event that is due for a key.

    :ivar at: when it is due, in seconds since the epoch.
    :ivar name: the case-folded name of the key.
    :ivar version: the version that it concerns.
    """

    at: float
    name: str
    version: str
    what: Happening


class Agenda:
    """Knows the next event due among all keys.

    :param notices: whether keys get a near-expiry event 30 days ahead unless a policy says otherwise.
    """

    def __init__(self, *, notices: bool) -> None:
        self._notices = notices
        self._queue: list[Due] = []
        self._noted: set[tuple[str, str, Happening, int | None]] = set()

    def watch(self, key: Key) -> None:
        """Schedule the next event of a key in its current state."""
        due = self.next_of(key)
        if due is not None:
            heapq.heappush(self._queue, due)

    def is_due(self, now: float) -> bool:
        """Return whether an event may be due."""
        return bool(self._queue) and self._queue[0].at <= now

    def pop(self) -> Due:
        """Remove and return the first item. Whether it is still valid is up to :meth:`next_of`."""
        return heapq.heappop(self._queue)

    def note(self, key: Key, due: Due) -> None:
        """Remember that the owner of a key was notified of an event, so that it does not become due again."""
        self._noted.add((due.name, due.version, due.what, key.versions[due.version].exp))

    def clear(self) -> None:
        """Forget everything after the clock was turned back. All keys must be watched again."""
        self._queue.clear()
        self._noted.clear()

    def forgo_notices(self, key: Key, now: float) -> None:
        """Treat expiry and near expiry before now as noted: nobody was there to be notified."""
        for due in self._notices_of(key):
            if due.at <= now:
                self.note(key, due)

    def next_of(self, key: Key) -> Due | None:
        """Return the next event due for a key, whether in the future or overdue."""
        if key.purged_until is not None or not key.versions:
            return None
        if key.deleted_at is not None:
            return Due(key.purge_at, key.folded, key.latest.version, Happening.PURGED)
        return min([*self._rotations_of(key), *self._notices_of(key)], default=None)

    def _rotations_of(self, key: Key) -> Iterator[Due]:
        latest, policy = key.latest, key.rotation_policy
        if policy is None or key.managed:
            return
        for trigger in _triggers(key, "Rotate"):
            moment = _moment(trigger, latest.created, latest.exp)
            if moment is not None:
                at = max(moment, policy.updated, latest.created + 1, key.recovered_at)
                yield Due(at, key.folded, latest.version, Happening.ROTATED)

    def _notices_of(self, key: Key) -> Iterator[Due]:
        latest = key.latest
        if latest.exp is None:
            return
        triggers = list(_triggers(key, "Notify"))
        if key.rotation_policy is None and self._notices:
            triggers = [{"timeBeforeExpiry": _DEFAULT_NOTICE}]
        moments = [moment for trigger in triggers if (moment := _moment(trigger, latest.created, latest.exp))]
        found = [(max(min(moment, latest.exp), latest.created), Happening.NEAR_EXPIRY) for moment in moments]
        if latest.exp <= latest.created:
            found = []  # A version that was already expired when it was created is no longer near expiry.
        for at, what in [*found, (max(latest.exp, latest.created), Happening.EXPIRED)]:
            if (key.folded, latest.version, what, latest.exp) not in self._noted:
                yield Due(at, key.folded, latest.version, what)


def stands(due: Due, key: Key | None, now: float) -> bool:
    """Return whether an event that was due for a name concerns the key that has the name now."""
    if key is None or due.version not in key.versions:
        return False
    return key.phase(now) is (Phase.GONE if due.what is Happening.PURGED else Phase.LIVE)


def _triggers(key: Key, action: str) -> Iterator[dict[str, str]]:
    actions = key.rotation_policy.lifetime_actions if key.rotation_policy else []
    return (item["trigger"] for item in actions if item["action"]["type"].lower() == action.lower())


def _moment(trigger: dict[str, str], created: int, expiry: int | None) -> int | None:
    """Return when a trigger fires, or None if it never does."""
    if after := trigger.get("timeAfterCreate"):
        return parse_duration(after).after(created)
    return None if expiry is None else parse_duration(trigger["timeBeforeExpiry"]).before(expiry)
