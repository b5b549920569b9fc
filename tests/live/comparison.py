"""The comparison of an answer with the recorded one, value by value."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import urlsplit

from .scenarios import VERSION, WORD, Exchange, size_of, unb64

#: Headers that are the emulator's own, or of no use to clients.
_OWN_HEADERS = ("www-authenticate", "x-ms-keyvault-service-version")
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_HEX = re.compile(r"\b[0-9a-f]{32}\b")


class Comparison:
    """Notes the differences of one answer, as pairs of a path and what is different there."""

    def __init__(self, exchange: Exchange, host: str, *, is_hsm: bool) -> None:
        self._exchange = exchange
        self._host = host
        self._is_hsm = is_hsm
        self.differences: list[tuple[str, str]] = []

    def answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        """Compare everything."""
        expected = self._exchange.response
        if status != self._exchange.status:
            self._note("status", f"live {self._exchange.status}, emulator {status} {body[:200]!r}")
            return
        self._headers({name.lower(): value for name, value in headers.items()})
        if expected is None or isinstance(expected, str):
            if body.decode() != (expected or ""):
                self._note("body", f"live {expected!r}, emulator {body[:120]!r}")
            return
        actual = json.loads(body)
        self._value("", expected, actual)
        self._token(actual)

    def _note(self, where: str, what: str) -> None:
        self.differences.append((where or "body", what))

    def _headers(self, actual: dict[str, str]) -> None:
        expected = self._exchange.headers
        for name, value in expected.items():
            if name in _OWN_HEADERS:
                continue
            found = actual.get(name)
            if found is None:
                self._note(f"header {name}", f"absent, live {value}")
            elif not WORD.fullmatch(value) and _plain_header(found) != _plain_header(value):
                self._note(f"header {name}", f"live {value!r}, emulator {found!r}")
        for name in actual:
            if expected and name.startswith("x-ms-keyvault-") and name not in expected:
                self._note(f"header {name}", "only the emulator sends it")

    def _members(self, where: str, expected: list[str], actual: list[str]) -> None:
        missing = [name for name in expected if name not in actual]
        more = [name for name in actual if name not in expected]
        if missing:
            self._note(where, f"emulator lacks {', '.join(missing)}")
        if more:
            self._note(where, f"emulator adds {', '.join(more)}")
        ours, theirs = (
            [name for name in one if name in other] for one, other in ((actual, expected), (expected, actual))
        )
        if ours != theirs:
            self._note(where, f"order: live {', '.join(theirs)}; emulator {', '.join(ours)}")

    def _value(self, where: str, expected: Any, actual: Any) -> None:
        if isinstance(expected, dict) and isinstance(actual, dict):
            self._members(where, list(expected), list(actual))
            for name in expected.keys() & actual.keys():
                self._value(f"{where}.{name}".lstrip("."), expected[name], actual[name])
        elif isinstance(expected, list) and isinstance(actual, list):
            self._list(where, expected, actual)
        elif isinstance(expected, str):
            self._text(where, expected, actual)
        elif type(expected) is not type(actual) or expected != actual:
            self._note(where, f"live {expected!r}, emulator {actual!r}")

    def _list(self, where: str, expected: list[Any], actual: list[Any]) -> None:
        if where.endswith("key_ops"):
            # A Managed HSM gives them in another order each time.
            same = sorted(expected) == sorted(actual) if self._is_hsm else expected == actual
            if not same:
                self._note(where, f"live {', '.join(expected)}; emulator {', '.join(actual)}")
            return
        if self._exchange.sample or any(isinstance(item, str) for item in expected):
            expected, actual = ([item for item in side if isinstance(item, dict)][:1] for side in (expected, actual))
        elif len(expected) != len(actual):
            self._note(where, f"live {len(expected)} items, emulator {len(actual)}")
        for theirs, ours in zip(expected, actual, strict=False):
            self._value(f"{where}[]", theirs, ours)

    def _text(self, where: str, expected: str, actual: Any) -> None:
        size = size_of(expected)
        if expected == "<time>":
            if type(actual) is not int:
                self._note(where, f"live a time, emulator {actual!r}")
        elif not isinstance(actual, str):
            self._note(where, f"live {expected!r}, emulator {actual!r}")
        elif size is not None:
            # The sizes of backups and policies are not the emulator's to know.
            if len(unb64(actual)) != size and max(size, len(unb64(actual))) < 1000 and not where.endswith(".data"):
                self._note(where, f"live {size} bytes, emulator {len(unb64(actual))}")
        elif where.endswith(".data"):
            if unb64(expected) != unb64(actual):
                self._note(where, f"live {unb64(expected)!r}, emulator {unb64(actual)!r}")
        elif not WORD.fullmatch(expected) and self._normal(expected) != self._normal(actual):
            self._note(where, f"live {self._normal(expected)!r}, emulator {self._normal(actual)!r}")

    def _normal(self, text: str) -> str:
        text = text.replace(self._host, "HOST").replace("https://localhost", "https://HOST")
        text = re.sub(r"https://HOST:\d+", "https://HOST", text)
        text = re.sub(r"skiptoken=[^&\"]*", "skiptoken=<token>", text)
        text = re.sub(r"<(guid|activity id|activity)>", "<id>", _GUID.sub("<id>", text))
        if self._exchange.sample and text.startswith("https://HOST/"):
            parts = urlsplit(text).path.split("/")
            return f"{parts[1]} {len(parts)}"
        return VERSION.sub("VERSION", _HEX.sub("VERSION", text))

    def _token(self, actual: Any) -> None:
        exchange = self._exchange
        if exchange.begins and not str(actual["value"]).startswith(exchange.begins):
            self._note("value", f"live begins {exchange.begins}, emulator {actual['value'][:60]}")
        if not exchange.jws_header and not exchange.jws_facts:
            return
        header, payload = (json.loads(unb64(part)) for part in actual["value"].split(".")[:2])
        if exchange.jws_header:
            self._members("JWS header", exchange.jws_header, list(header))
        for path, expected in exchange.jws_facts.items():
            found = _at(path, payload)
            found = self._normal(found) if isinstance(found, str) else found
            expected = self._normal(expected) if isinstance(expected, str) else expected
            if isinstance(expected, list) and self._is_hsm:
                expected, found = sorted(expected), sorted(found)
            if expected != found and not (isinstance(expected, str) and WORD.fullmatch(expected) and found):
                self._note(f"JWS {path}", f"live {expected!r}, emulator {found!r}")


def _at(path: str, payload: Any) -> Any:
    found = payload
    for part in path.split("."):
        found = found.get(part.rstrip("!")) if isinstance(found, dict) else None
        if part.endswith("!") and isinstance(found, str):
            found = json.loads(unb64(found))
    return found


def _plain_header(value: str) -> str:
    return re.sub("addr=[^;]*", "addr=", value).replace(" ", "").lower()
