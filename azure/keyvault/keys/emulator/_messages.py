"""Requests and replies of the emulator, independent of the web server that carries them."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qsl

JSON_TYPE = "application/json; charset=utf-8"


@dataclass(slots=True)
class Inbound:
    """A request as received. Its body is read on demand."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    read: Callable[[], Awaitable[bytes]]

    def query_values(self) -> Mapping[str, str]:
        """Return the query. The first value of a repeated parameter counts."""
        return _parsed_query(self.query)


@lru_cache(maxsize=1024)
def _parsed_query(query: str) -> Mapping[str, str]:
    return MappingProxyType(dict(reversed(parse_qsl(query, keep_blank_values=True))))


@dataclass(slots=True)
class Reply:
    """A response."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str | None = JSON_TYPE

    def sent_headers(self) -> dict[str, str]:
        """Return the headers. A given ``Content-Type`` overrides that of the body."""
        return overlaid({} if self.content_type is None else {"Content-Type": self.content_type}, self.headers)


def overlaid(headers: Mapping[str, str], others: Mapping[str, str]) -> dict[str, str]:
    """Return headers with others added. These replace headers of the same name, ignoring case."""
    named = {name.lower() for name in others}
    return {**{name: value for name, value in headers.items() if name.lower() not in named}, **others}


def json_reply(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
    """Return a reply with a JSON body. ``json`` must be able to serialize the value."""
    return Reply(status, to_json(value), dict(headers or {}))


def to_json(value: Any, *, sort_keys: bool = False) -> bytes:
    """Return compact JSON."""
    return json.dumps(value, separators=(",", ":"), sort_keys=sort_keys).encode("ascii")
