"""Carrying out what is due: rotation by policy, notices, and purges at the end of retention."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from .._errors import ServiceError
from .._knobs.events import VaultEvent
from .._storage.agenda import Due, Happening, stands
from .rotation import rotated

if TYPE_CHECKING:
    from .._service import Service

_LOGGER = logging.getLogger(__name__)


async def catch_up(service: Service) -> None:
    """Carry out everything that is due by now in order, as of the time when it was due.

    If something cannot be stored, the next call tries it again.
    """
    if not service.state.agenda.is_due(service.clock.now()):
        return
    async with service.catching_up:
        while (due := service.state.take_due()) is not None:
            try:
                await _carry_out(service, due)
            except ServiceError as error:
                _LOGGER.warning("%s could not be %s: %s", due.name, due.what.value, error)
                key = service.state.remembered(due.name)
                if key is not None:
                    service.state.agenda.watch(key)
                return


async def _carry_out(service: Service, due: Due) -> None:
    if due.what is Happening.ROTATED:
        await _rotate(service, due)
        return
    key = service.state.remembered(due.name)
    if key is None or not stands(due, key, service.clock.now()):
        return
    if due.what is Happening.PURGED:
        async with service.writing(due.name):
            pass  # frees the name of a key whose retention has ended
    else:
        service.state.agenda.note(key, due)
        service.state.agenda.watch(key)
    service.events.add(VaultEvent(due.what.value, key.name, due.version, int(due.at)))


async def _rotate(service: Service, due: Due) -> None:
    key = service.state.live(due.name)
    if key is None:
        return
    previous = key.latest
    material = await service.work(previous.material.renewed)
    async with service.writing(due.name):
        key = service.state.live(due.name)
        if key is None or key.latest.version != previous.version:
            return
        version = rotated(previous, material, key, int(due.at))
        await service.save(key.with_version(version), version)
    service.events.add(VaultEvent("rotated", key.name, version.version, int(due.at)))
