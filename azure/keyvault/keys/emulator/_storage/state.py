"""The vault's keys and the rules of their life cycle. No I/O: a changed key is put in once it has been stored.

Calls and states follow the service: during deletion and recovery, a key is neither live nor deleted.
"""

from __future__ import annotations

import bisect
import secrets
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from .. import _errors
from .._clock import Clock
from .._errors import ServiceError
from .agenda import Agenda, Due, stands
from .records import Key, KeyVersion, Phase


@dataclass(frozen=True, slots=True)
class LifeCycle:
    """How deletion works in a vault, with times in seconds."""

    soft_delete: bool = True
    purge_protection: bool = False
    retention: int = 90 * 86400
    deletion_delay: float = 0.5
    purge_delay: float = 0.0


def new_version() -> str:
    """Return a random version: 32 lower-case hexadecimal digits, not ordered by time."""
    return secrets.token_hex(16)


class VaultState:
    """Every key of a vault, by case-folded name."""

    def __init__(
        self, clock: Clock, rules: LifeCycle, stored: Iterable[Key] = (), agenda: Agenda | None = None
    ) -> None:
        self._clock = clock
        self._rules = rules
        self._keys: dict[str, Key] = {}
        self._names: list[str] = []
        self.agenda = agenda or Agenda(notices=True)
        for key in stored:
            self.agenda.forgo_notices(key, clock.now())
            self.put(self._brought_back(key, clock.now()))

    def live(self, name: str) -> Key | None:
        """Return the key if it is live."""
        return self._in_phase(name, Phase.LIVE)

    def deleted(self, name: str) -> Key | None:
        """Return the key if it is soft-deleted and visible as deleted."""
        return self._in_phase(name, Phase.DELETED)

    def _in_phase(self, name: str, phase: Phase) -> Key | None:
        key = self._keys.get(name.lower())
        return key if key is not None and key.phase(self._clock.now()) is phase else None

    def remembered(self, name: str) -> Key | None:
        """Return the key in any phase."""
        return self._keys.get(name.lower())

    def phase(self, name: str) -> Phase:
        """Return the phase of a name."""
        key = self._keys.get(name.lower())
        return Phase.GONE if key is None else key.phase(self._clock.now())

    def check_writable(self, name: str) -> None:
        """Reject a new version of a name that is deleted or in transition.

        :raises ServiceError: the 409 of the name's state.
        """
        conflict = _WRITE_CONFLICTS.get(self.phase(name))
        if conflict is not None:
            raise conflict(self._keys[name.lower()].name)

    def with_version(self, name: str, version: KeyVersion) -> Key:
        """Return a live or new key with its latest version.

        :raises ServiceError: the 409 of the name's state.
        """
        self.check_writable(name)
        return (self.live(name) or Key(name)).with_version(version)

    def check_restorable(self, name: str) -> None:
        """Reject a key from a backup if its name is not free.

        :raises ServiceError: 409 if its name is in use.
        """
        phase = self.phase(name)
        if phase in (Phase.DELETING, Phase.RECOVERING, Phase.PURGING):
            raise _WRITE_CONFLICTS[phase](name)
        if phase is not Phase.GONE:
            raise _errors.restore_conflict(name)

    def as_deleted(self, key: Key) -> Key:
        """Return a live key as it will be once deleted."""
        now = self._clock.now()
        visible_at = now + self._rules.deletion_delay
        purge_at = int(now) + self._rules.retention
        return replace(key, deleted_at=now, deletion_visible_at=visible_at, purge_at=purge_at)

    def as_recovered(self, key: Key) -> Key:
        """Return a deleted key as it will be once recovered."""
        return replace(key, deleted_at=None, recovered_at=self._clock.now() + self._rules.deletion_delay)

    def deleted_or_conflict(self, name: str, kid: Callable[[Key], str]) -> Key | None:
        """Return the key to recover or to purge, or None if there is none.

        :param kid: how to name the key in an error.
        :raises ServiceError: the 409 of the name's state.
        """
        key = self._keys.get(name.lower())
        phase = self.phase(name)
        if key is None or phase in (Phase.LIVE, Phase.GONE, Phase.PURGING):
            return None
        if phase is Phase.DELETING:
            raise _errors.deletion_unfinished()
        if phase is Phase.RECOVERING:
            raise _errors.recovery_conflict(kid(key))
        return key

    def put(self, key: Key) -> None:
        """Add a key, replacing any key with its name."""
        if key.folded not in self._keys:
            bisect.insort(self._names, key.folded)
        self._keys[key.folded] = key
        self.agenda.watch(key)

    def forget(self, key: Key, *, taken_for: float = 0.0) -> None:
        """Free a name immediately or after some seconds."""
        if taken_for:
            self.put(replace(key, purged_until=self._clock.now() + taken_for))
            return
        del self._keys[key.folded]
        del self._names[bisect.bisect_left(self._names, key.folded)]

    def take_due(self) -> Due | None:
        """Return the first event that is due and still valid, if any."""
        now = self._clock.now()
        while self.agenda.is_due(now):
            due = self.agenda.pop()
            key = self._keys.get(due.name)
            if key is not None and stands(due, key, now) and self.agenda.next_of(key) == due:
                return due
        return None

    def all_keys(self) -> list[Key]:
        """Return every stored key by name, in any phase."""
        return [self._keys[name] for name in self._names]

    def follow_clock(self) -> None:
        """After the clock was turned back, move up times that are now too far ahead."""
        now = self._clock.now()
        self.agenda.clear()
        for key in list(self._keys.values()):
            self.agenda.forgo_notices(key, now)
            self.put(self._brought_back(key, now))

    def _brought_back(self, key: Key, now: float) -> Key:
        if key.deleted_at is not None and key.deleted_at > now:
            retention = key.purge_at - int(key.deleted_at)
            visible_at = key.deletion_visible_at - key.deleted_at + now
            key = replace(key, deleted_at=now, deletion_visible_at=visible_at, purge_at=int(now) + retention)
        if key.purged_until is not None:
            key = replace(key, purged_until=min(key.purged_until, now + self._rules.purge_delay))
        return replace(key, recovered_at=min(key.recovered_at, now + self._rules.deletion_delay))

    def listed(self, phase: Phase, start: str = "") -> Iterator[Key]:
        """Yield the keys of a phase by name, from a case-folded name onwards."""
        now = self._clock.now()
        for index in range(bisect.bisect_left(self._names, start), len(self._names)):
            key = self._keys[self._names[index]]
            if key.phase(now) is phase:
                yield key

    def by_arrival(self, phase: Phase) -> list[Key]:
        """Return the keys of a phase in the order of their arrival."""
        now = self._clock.now()
        return [key for key in self._keys.values() if key.phase(now) is phase]


_WRITE_CONFLICTS: dict[Phase, Callable[[str], ServiceError]] = {
    Phase.DELETING: _errors.being_deleted,
    Phase.PURGING: _errors.being_deleted,
    Phase.DELETED: _errors.deleted_but_recoverable,
    Phase.RECOVERING: _errors.being_recovered,
}
