"""The scenarios: their data, and the words in it that stand for values.

A file has ``service`` (vault or hsm), ``api_version``, ``exchanges``, and maybe ``options`` of the emulator and
``meant``: differences of the emulator that are meant, by path, each with its reason. An exchange has ``method``,
``path``, ``status``, and maybe ``query``, ``request``, ``headers``, ``response`` and

* ``setup``: it is sent, and its answer is not compared;
* ``poll``: it is repeated until the status is the recorded one;
* ``sample``: only the first items of a list are compared;
* ``begins``: what the ``value`` of the answer begins with;
* ``jws_header``: the members of the header of the JWS that is the ``value``, in order;
* ``jws_facts``: what its payload says, by path, in which ``!`` decodes base64url.

In texts ``HOST`` stands for the host, ``VERSION`` for the newest version of the key, ``VERSION1`` for its first,
``<time>`` for seconds since 1970, ``<32 bytes>`` for so many bytes in base64url, and any other word in ``<>`` for some
text.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

ANSWERS = Path(__file__).parent / "answers"
SIZE = re.compile(r"<(\d+) bytes>")
WORD = re.compile(r"<[^<>]*>")
VERSION = re.compile(r"\bVERSION(\d*)\b")


def b64(data: bytes) -> str:
    """Return base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def unb64(text: str) -> bytes:
    """Return the bytes of a base64url text without padding."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def size_of(value: object) -> int | None:
    """Return how many bytes a word stands for."""
    match = SIZE.fullmatch(value) if isinstance(value, str) else None
    return int(match[1]) if match else None


@dataclass(frozen=True)
class Exchange:
    """A request and its answer."""

    method: str
    path: str
    status: int
    query: dict[str, str] = field(default_factory=dict)
    request: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    response: Any = None
    setup: bool = False
    poll: bool = False
    sample: bool = False
    begins: str = ""
    jws_header: list[str] = field(default_factory=list)
    jws_facts: dict[str, Any] = field(default_factory=dict)

    @property
    def segments(self) -> list[str]:
        """The parts of the path, as the service takes it: without empty ones."""
        return [unquote(part) for part in self.path.split("/") if part]

    @property
    def name(self) -> str:
        """The name of the key."""
        segments = self.segments
        return segments[1].lower() if len(segments) > 1 else ""

    @property
    def verb(self) -> str:
        """The last part of the path, which often names the operation."""
        return self.segments[-1].lower()


@dataclass(frozen=True)
class Scenario:
    """A conversation with one service."""

    name: str
    service: str
    api_version: str
    exchanges: list[Exchange]
    options: dict[str, Any]
    meant: dict[str, str]

    @property
    def is_hsm(self) -> bool:
        """Whether it was had with a Managed HSM."""
        return self.service == "hsm"

    def emulator_options(self) -> dict[str, Any]:
        """Return the options of an emulator that is set up as the service evidently was."""
        seen = [
            part
            for exchange in self.exchanges
            for part in parts_of(exchange.response)
            if isinstance(part, dict) and "recoveryLevel" in part
        ]
        days = next((part["recoverableDays"] for part in seen if "recoverableDays" in part), None)
        watched = any(exchange.status in (404, 409) for exchange in self.exchanges)
        options: dict[str, Any] = {
            "managed_hsm": self.is_hsm,
            "deletion_delay": 0.5 if watched and not self.is_hsm else 0.0,
        }
        if days:
            options["retention_days"] = days
        return {**options, **self.options}


def parts_of(value: Any) -> Iterator[Any]:
    """Yield a value and everything in it."""
    yield value
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for child in children:
        yield from parts_of(child)


def load(path: Path) -> Scenario:
    """Read a scenario."""
    data = json.loads(path.read_text("utf-8"))
    exchanges = [Exchange(**exchange) for exchange in data["exchanges"]]
    return Scenario(
        path.stem, data["service"], data["api_version"], exchanges, data.get("options", {}), data.get("meant", {})
    )


def scenarios() -> list[Scenario]:
    """Return all scenarios, by name."""
    return [load(path) for path in sorted(ANSWERS.glob("*.json"))]
