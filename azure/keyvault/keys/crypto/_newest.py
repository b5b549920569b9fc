"""Which version of a key is for new data: the newest one that may protect data now. No I/O.

The newest version may not: a successor is often published before its time, and a version can be disabled or expire.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from azure.core.exceptions import HttpResponseError

from .._generated import operations
from .._models import KeyProperties, KeyVaultKey
from .._paging import LoopGuard

if TYPE_CHECKING:
    from .._generated.models import KeyBundle
    from .._generated.operations import Operation

#: An operation to send, and the link to follow when it is the next page of a list.
Request = tuple["Operation[Any]", "str | None"]


def newest_usable(name: str, known: str | None = None) -> Generator[Request, Any, KeyBundle]:
    """Return the newest version of a key that may protect data now; if none may, the newest one.

    Usually that takes one request. Whoever sends the requests throws the error of one into this generator.

    :param name: the name of the key.
    :param known: the version that was in use until now. It is taken into account when the caller may not list versions.
    :raises ~azure.core.exceptions.HttpResponseError: when the vault rejects a request, except when the caller may not
        list the versions.
    """
    newest: KeyBundle = yield operations.get_key(name, ""), None
    if _is_usable(KeyVaultKey._from_bundle(newest).properties):
        return newest
    try:
        versions = yield from _versions(name)
        found = max(filter(_is_usable, versions), key=_created, default=None)
        version = None if found is None else found.version
    except HttpResponseError as error:
        if error.status_code != 403:
            raise
        version = known
    if not version:
        return newest
    bundle: KeyBundle = yield operations.get_key(name, version), None
    return bundle if _is_usable(KeyVaultKey._from_bundle(bundle).properties) else newest


def _versions(name: str) -> Generator[Request, Any, list[KeyProperties]]:
    operation, link, guard = operations.get_key_versions(name), None, LoopGuard()
    versions: list[KeyProperties] = []
    while True:
        page = yield operation, link
        versions += map(KeyProperties._from_item, page.value or [])
        link = page.next_link or None
        if link is None:
            return versions
        guard.follow(link)


def _is_usable(properties: KeyProperties) -> bool:
    now = time.time()
    starts, ends = properties.not_before, properties.expires_on
    return (
        properties.enabled is not False
        and (starts is None or starts.timestamp() <= now)
        and (ends is None or now < ends.timestamp())
    )


def _created(properties: KeyProperties) -> float:
    created: datetime | None = properties.created_on
    return 0.0 if created is None else created.timestamp()
