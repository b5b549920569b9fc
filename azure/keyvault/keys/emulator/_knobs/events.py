"""Events that the passage of time caused, for assertions."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Literal

_MOST_EVENTS = 20_000

EventKind = Literal["rotated", "near-expiry", "expired", "purged"]


@dataclass(frozen=True, slots=True)
class VaultEvent:
    """Something that happened to a key without a call: an item of ``vault.events``.

    :ivar kind: ``rotated`` by its policy, ``near-expiry`` (by the policy's Notify action, or 30 days ahead),
        ``expired``, or ``purged`` at the end of its retention.
    :ivar name: the name of the key.
    :ivar version: the version it concerns; for ``rotated``, the new one.
    :ivar time: when it was due on the vault's clock, in seconds since the epoch.
    """

    kind: EventKind
    name: str
    version: str
    time: int


class Events:
    """Records the latest 20,000 events."""

    def __init__(self) -> None:
        self._events: deque[VaultEvent] = deque(maxlen=_MOST_EVENTS)

    def add(self, event: VaultEvent) -> None:
        """Remember an event."""
        self._events.append(event)

    def all(self) -> list[VaultEvent]:
        """Return the events, oldest first."""
        return list(self._events)

    def clear(self) -> None:
        """Forget all events."""
        self._events.clear()
