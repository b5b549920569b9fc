"""The vault's keys and the rules of their life cycle. No I/O: who changes something saves it afterwards.

The table of calls and states is the one of the service: during deletion and recovery a key is on neither side.
"""

from __future__ import annotations

import bisect
import secrets
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from . import _errors
from ._clock import Clock
from ._errors import ServiceError
from ._records import Key, KeyVersion, Phase


@dataclass(frozen=True, slots=True)
class LifeCycle:
    """How deletion works in a vault; times in seconds."""

    soft_delete: bool = True
    purge_protection: bool = False
    retention: int = 90 * 86400
    deletion_delay: float = 0.5
    purge_delay: float = 0.0


def new_version() -> str:
    """Return a random version: 32 lower-case hexadecimal digits, in no order of time."""
    return secrets.token_hex(16)


class VaultState:
    """Every key of a vault, by case-folded name."""

    def __init__(self, clock: Clock, rules: LifeCycle, stored: Iterable[Key] = ()) -> None:
        self._clock = clock
        self._rules = rules
        self._keys: dict[str, Key] = {}
        self._names: list[str] = []
        for key in stored:
            self._insert(key)

    def live(self, name: str) -> Key | None:
        """Return the key if it is live."""
        return self._in_phase(name, Phase.LIVE)

    def deleted(self, name: str) -> Key | None:
        """Return the key if it is soft-deleted and visible as such."""
        return self._in_phase(name, Phase.DELETED)

    def _in_phase(self, name: str, phase: Phase) -> Key | None:
        key = self._keys.get(name.lower())
        return key if key is not None and key.phase(self._clock.now()) is phase else None

    def remembered(self, name: str) -> Key | None:
        """Return the key in whatever phase it is."""
        return self._keys.get(name.lower())

    def phase(self, name: str) -> Phase:
        """Return where a name stands."""
        key = self._keys.get(name.lower())
        return Phase.GONE if key is None else key.phase(self._clock.now())

    def check_writable(self, name: str) -> None:
        """Refuse a new version of a name that is deleted or on its way.

        :raises ServiceError: the 409 of the name's state.
        """
        conflict = _WRITE_CONFLICTS.get(self.phase(name))
        if conflict is not None:
            raise conflict(self._keys[name.lower()].name)

    def add_version(self, name: str, version: KeyVersion) -> Key:
        """Make a version the latest one of a live or new name.

        :raises ServiceError: the 409 of the name's state.
        """
        self.check_writable(name)
        key = self.live(name) or self._insert(Key(name))
        key.versions[version.version] = version
        return key

    def restore(self, key: Key) -> None:
        """Take in a key from a backup.

        :raises ServiceError: 409 if its name is in use.
        """
        phase = self.phase(key.name)
        if phase in (Phase.DELETING, Phase.RECOVERING, Phase.PURGING):
            raise _WRITE_CONFLICTS[phase](key.name)
        if phase is not Phase.GONE:
            raise _errors.restore_conflict(key.name)
        self._insert(key)

    def delete(self, key: Key) -> bool:
        """Delete a live key, and say whether it can be recovered."""
        if not self._rules.soft_delete:
            self.forget(key)
            return False
        now = self._clock.now()
        key.deleted_at = now
        key.deletion_visible_at = now + self._rules.deletion_delay
        key.purge_at = int(now) + self._rules.retention
        _forget_replies(key)
        return True

    def recover(self, name: str, kid: Callable[[Key], str]) -> Key | None:
        """Begin the recovery of a deleted key; None if there is none.

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
        key.deleted_at = None
        key.recovered_at = self._clock.now() + self._rules.deletion_delay
        _forget_replies(key)
        return key

    def purge(self, name: str, kid: Callable[[Key], str]) -> Key | None:
        """End a deleted key; None if there is none.

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
        if self._rules.purge_delay:
            key.purged_until = self._clock.now() + self._rules.purge_delay
        else:
            self.forget(key)
        return key

    def forget(self, key: Key) -> None:
        """Free a name at once."""
        del self._keys[key.folded]
        del self._names[bisect.bisect_left(self._names, key.folded)]

    def listed(self, phase: Phase, start: str = "") -> Iterator[Key]:
        """Yield the keys of a phase by name, from a case-folded name onwards."""
        now = self._clock.now()
        for index in range(bisect.bisect_left(self._names, start), len(self._names)):
            key = self._keys[self._names[index]]
            if key.phase(now) is phase:
                yield key

    def _insert(self, key: Key) -> Key:
        if key.folded not in self._keys:
            bisect.insort(self._names, key.folded)
        self._keys[key.folded] = key
        return key


def _forget_replies(key: Key) -> None:
    for version in key.versions.values():
        version.rendered.clear()


_WRITE_CONFLICTS: dict[Phase, Callable[[str], ServiceError]] = {
    Phase.DELETING: _errors.being_deleted,
    Phase.PURGING: _errors.being_deleted,
    Phase.DELETED: _errors.deleted_but_recoverable,
    Phase.RECOVERING: _errors.being_recovered,
}
