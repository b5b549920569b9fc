"""Pages: at most 25 items, an opaque marker for the next page, and the service's form of link.

The marker has the form seen from the service: base64url of ``{"NextMarker": "2!{length}!{base64}",
"TargetLocation": 0}``, whose base64 (``-`` for ``=``) names the next item. Clients must not look inside.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

from .._cryptography import jose
from .._errors import ServiceError, bad_parameter
from .._storage.records import Key, Phase
from .call import Call

MOST_ITEMS = 25
_MARKER = re.compile(r"2!(\d{1,6})!([A-Za-z0-9+/-]+)", re.ASCII)
_CONTENT = re.compile(r"\d{6}!(key/[^!]*)!000028!9999-12-31T23:59:59.9999999Z!(empty!)?", re.ASCII)


def requested_size(call: Call) -> int:
    """Return the number of items in a page.

    :raises ServiceError: 400 outside 1 to 25.
    """
    text = call.query.get("maxresults")
    if text is None:
        return call.service.options.page_size
    size = int(text) if text.isascii() and text.isdigit() and len(text) < 5 else 0
    if not 1 <= size <= MOST_ITEMS:
        raise bad_parameter("Invalid maxresults parameter value provided in the URI. Value should be between 1 and 25.")
    return size


def requested_start(call: Call) -> tuple[str, bool]:
    """Return the case-folded marker of the first item, and whether an empty page preceded its page.

    :raises ServiceError: 400 for a marker that the emulator did not write.
    """
    token = call.query.get("$skiptoken")
    if token is None:
        return "", False
    try:
        marker = _MARKER.fullmatch(str(jose.decode_json(token)["NextMarker"]))
        content = marker and _CONTENT.fullmatch(base64.b64decode(marker[2].replace("-", "=")).decode("ascii"))
    except (ValueError, KeyError, binascii.Error):
        content = None
    if not content:
        raise _invalid_marker()
    return content[1].removeprefix("key/").lower(), content[2] is not None


def listed_keys(call: Call, phase: Phase, moment: Callable[[Key], float]) -> Iterator[tuple[str, Key]]:
    """Return markers and keys in a state from the requested start onwards: by name, or by time in a Managed HSM.

    :param moment: when the key was added to the list.
    """
    start, _ = requested_start(call)
    if not call.service.kind.lists_by_creation:
        return ((key.folded, key) for key in call.service.state.listed(phase, start))
    keys = sorted(call.service.state.by_arrival(phase), key=moment)
    return _from_marker([(f"{moment(key):018.6f}/{key.folded}", key) for key in keys], start)


def _from_marker(items: list[tuple[str, Key]], start: str) -> Iterator[tuple[str, Key]]:
    """Return the items from the one that a marker names onwards or, if it is gone, those that are newer."""
    markers = [marker for marker, _ in items]
    if start in markers:
        return iter(items[markers.index(start) :])
    since = start.partition("/")[0]
    return (item for item in items if item[0] >= since)


def _invalid_marker() -> ServiceError:
    return bad_parameter("The $skiptoken parameter in the URI is not valid.")


def page(call: Call, path: str, items: Iterable[tuple[str, dict[str, Any]]]) -> dict[str, Any]:
    """Return a page.

    :param path: the path of the collection.
    :param items: markers and items from :func:`requested_start` onwards.
    """
    size = requested_size(call)
    taken = list(islice(items, size + 1))
    if taken and call.service.options.empty_pages and not requested_start(call)[1]:
        return {"value": [], "nextLink": _link(call, path, f"{taken[0][0]}", "empty!")}
    following = taken[size][0] if len(taken) > size else None
    link = None if following is None else _link(call, path, following)
    return call.service.kind.page([item for _, item in taken[:size]], link)


def _link(call: Call, path: str, marker: str, suffix: str = "") -> str:
    name = f"key/{marker.upper()}"
    content = f"{len(name):06}!{name}!000028!9999-12-31T23:59:59.9999999Z!{suffix}"
    encoded = base64.b64encode(content.encode("ascii")).decode("ascii").replace("=", "-")
    token = jose.encode_json({"NextMarker": f"2!{len(encoded)}!{encoded}", "TargetLocation": 0})
    kind = call.service.kind
    return kind.next_link(call.origin, call.path if kind.is_hsm else path, call.query, token)
