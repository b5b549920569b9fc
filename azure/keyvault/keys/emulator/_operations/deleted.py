"""Deleted keys: list, get, recover, purge."""

from __future__ import annotations

from .. import _errors
from .._errors import ServiceError
from .._messages import Reply
from .._origins import REGION
from .._storage.records import Key, Phase
from . import paging
from .call import Call


async def list_deleted_keys(call: Call) -> Reply:
    """GET /deletedkeys (2016-10-01): by name or by deletion. The text for a vault without soft delete is unknown."""
    if not call.service.rules.soft_delete:
        raise _errors.bad_parameter("Soft delete is not enabled for this vault.")
    keys = paging.listed_keys(call, Phase.DELETED, lambda key: key.deleted_at or 0.0)
    items = ((marker, call.service.bundles.deleted_item(call.view, key)) for marker, key in keys)
    return call.reply(paging.page(call, "/deletedkeys", items))


async def get_deleted_key(call: Call) -> Reply:
    """GET /deletedkeys/{name} (2016-10-01)."""
    key = call.service.state.deleted(call.name)
    if key is None:
        raise call.service.kind.deleted_key_not_found(call.origin, call.name)
    return call.reply(call.service.bundles.deleted_bundle(call.view, key))


async def recover_deleted_key(call: Call) -> Reply:
    """POST /deletedkeys/{name}/recover (2016-10-01): the reply is immediate, the key follows later."""
    service = call.service
    missing = service.kind.nothing_to_recover(call.origin, call.name, call.api)
    async with service.writing(call.name):
        key = service.state.as_recovered(_deleted_key(call, missing))
        await service.save(key)
    return call.bundle_reply(key, key.latest)


async def purge_deleted_key(call: Call) -> Reply:
    """DELETE /deletedkeys/{name} (2016-10-01): 204 without a body."""
    service = call.service
    if service.rules.purge_protection and service.state.deleted(call.name):
        raise _errors.purge_protected(call.origin.vault_name, REGION)
    async with service.writing(call.name):
        key = _deleted_key(call, service.kind.nothing_to_purge(call.origin, call.name))
        await service.remove(key, taken_for=service.rules.purge_delay)
    return Reply(204, headers=service.kind.empty_headers(), content_type=None)


def _deleted_key(call: Call, missing: ServiceError) -> Key:
    key = call.service.state.deleted_or_conflict(call.name, call.kid)
    if key is None:
        raise missing
    return key
