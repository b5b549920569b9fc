"""Keys that exist from the start, from a JSON document: ``--seed FILE``.

The members of a key are those of create or import in the REST API, so keys are made as a client would make them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._errors import FrontEndError, ServiceError
from .._storage.durations import parse_duration
from .inside import InsideCalls

if TYPE_CHECKING:
    from .._service import Service

Document = Mapping[str, Any]

_CREATE = {"kty", "key_size", "crv", "alg", "public_exponent", "key_ops", "attributes", "tags", "release_policy"}
_IMPORT = {"key", "Hsm", "attributes", "tags", "release_policy"}
_OWN = {"name", "versions", "rotation_policy", "deleted"}
_DATES = ("nbf", "exp")
_MOST_VERSIONS = 1000


async def sow(service: Service) -> None:
    """Create the keys that the option ``seed`` describes, in all vaults. Existing keys stay unchanged.

    :raises ValueError: if the document is wrong; the text says where.
    :raises OSError: if the file cannot be read.
    """
    if service.options.seed is None:
        return
    document = _document(service.options.seed)
    vaults = document.get("vaults", {})
    if not isinstance(vaults, Mapping):
        raise ValueError('seed: "vaults" must be an object')
    if unknown := set(vaults) - set(service.others):
        raise ValueError(f"seed: there is no vault {min(unknown)!r}; add it with the option --vault")
    await _sow_vault(service, {name: value for name, value in document.items() if name != "vaults"}, "")
    for name, content in vaults.items():
        await _sow_vault(service.others[name], content, f" in the vault {name!r}")


def _document(seed: str | os.PathLike[str] | Document) -> Document:
    if isinstance(seed, Mapping):
        return seed
    try:
        document: Any = json.loads(Path(seed).read_text("utf-8"))
    except ValueError as error:
        raise ValueError(f"seed: {os.fspath(seed)} is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise ValueError(f"seed: {os.fspath(seed)} must contain an object")
    return document


async def _sow_vault(service: Service, content: Any, where: str) -> None:
    if not isinstance(content, Mapping):
        raise ValueError(f"seed: the content{where} must be an object")
    if "format" in content:
        if not service.state.all_keys():
            await service.import_state(content)
        return
    keys = content.get("keys", [])
    if unknown := set(content) - {"keys"}:
        raise ValueError(f"seed: unknown member {min(unknown)!r}{where}; known are 'keys' and 'vaults'")
    if isinstance(keys, Mapping):
        keys = [{"name": name, **key} if isinstance(key, Mapping) else key for name, key in keys.items()]
    if not isinstance(keys, list):
        raise ValueError(f'seed: "keys"{where} must be an array, or an object with a member for each name')
    call, now = InsideCalls(service), int(service.clock.now())
    for index, key in enumerate(keys):
        try:
            await _sow_key(service, call, key, now)
        except ServiceError as error:
            raise ValueError(f"seed: keys[{index}]{where}: {error.message.strip()}") from error
        except (ValueError, FrontEndError) as error:
            raise ValueError(f"seed: keys[{index}]{where}: {error}") from error


async def _sow_key(service: Service, call: InsideCalls, key: Any, now: int) -> None:
    if not isinstance(key, Mapping) or not isinstance(key.get("name"), str) or not key["name"]:
        raise ValueError('a key must be an object with a "name"')
    name, imported = key["name"], "key" in key
    if unknown := set(key) - _OWN - (_IMPORT if imported else _CREATE):
        raise ValueError(f"unknown member {min(unknown)!r} of {name!r}")
    if service.state.remembered(name) is not None:
        return
    body = {member: value for member, value in key.items() if member not in _OWN}
    if "attributes" in body:
        body["attributes"] = _dated(body["attributes"], now)
    for _ in range(_number_of_versions(key, imported)):
        await call(*(("PUT", f"/keys/{name}") if imported else ("POST", f"/keys/{name}/create")), body)
    if "rotation_policy" in key:
        await call("PUT", f"/keys/{name}/rotationpolicy", key["rotation_policy"])
    if key.get("deleted"):
        await call("DELETE", f"/keys/{name}")


def _number_of_versions(key: Mapping[str, Any], imported: bool) -> int:
    number = key.get("versions", 1)
    if not isinstance(number, int) or not 1 <= number <= (1 if imported else _MOST_VERSIONS):
        most = "1 for an imported key" if imported else f"1 to {_MOST_VERSIONS}"
        raise ValueError(f'"versions" must be {most}')
    return number


def _dated(attributes: Any, now: int) -> Any:
    """Return attributes. Dates can also be ISO 8601 texts, or durations from now such as ``P30D``."""
    if not isinstance(attributes, Mapping):
        return attributes
    texts = {name: value for name, value in attributes.items() if name in _DATES and isinstance(value, str)}
    return {**attributes, **{name: _seconds(name, text, now) for name, text in texts.items()}}


def _seconds(name: str, text: str, now: int) -> int:
    try:
        if text.startswith("P"):
            return parse_duration(text).after(now)
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        raise ValueError(f"{name} must be seconds, an ISO 8601 date or a duration such as P30D, not {text!r}") from None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp())
