"""Reading request bodies: members of JSON objects are read by name and type, and every mistake is a 400."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NoReturn

from ._cryptography import jose
from ._errors import bad_parameter, invalid_property

_LATEST_TIME = 253402300799  # 9999-12-31T23:59:59Z, the last date that the service supports


def _no_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not JSON")


def parse_body(data: bytes) -> Body:
    """Return the JSON object in a body. A missing body counts as an empty object, as in the service.

    :raises ServiceError: 400 if the body is not UTF-8, not JSON, or not an object.
    """
    if not data:
        return Body({})
    try:
        value = json.loads(data.decode("utf-8"), parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise bad_parameter("The request body is not valid JSON.") from error
    if not isinstance(value, dict):
        raise bad_parameter("The request body must be a JSON object.")
    return Body(value)


class Body:
    """A JSON object of a request. Members are either absent or of the right type; null counts as a wrong type."""

    def __init__(self, members: Mapping[str, Any], path: str = "") -> None:
        self._members = members
        self._path = path

    def __contains__(self, name: str) -> bool:
        return name in self._members

    def text(self, name: str) -> str | None:
        """Return a string member."""
        value: str | None = self._typed(name, str)
        return value

    def boolean(self, name: str) -> bool | None:
        """Return a boolean member."""
        value: bool | None = self._typed(name, bool)
        return value

    def integer(self, name: str) -> int | None:
        """Return an int32 member. ``1.0`` counts as an integer because JSON does not distinguish them."""
        value = self._number(name)
        if value is not None and not -(2**31) <= value < 2**31:
            raise self._invalid(name)
        return value

    def time(self, name: str) -> int | None:
        """Return seconds since the epoch."""
        value = self._number(name)
        if value is not None and not 0 <= value <= _LATEST_TIME:
            raise self._invalid(name)
        return value

    def _number(self, name: str) -> int | None:
        if name not in self._members:
            return None
        value = self._members[name]
        if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
            return int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise self._invalid(name)
        return value

    def object(self, name: str) -> Body | None:
        """Return an object member."""
        value: dict[str, Any] | None = self._typed(name, dict)
        return None if value is None else Body(value, f"{self._path}{name}.")

    def object_list(self, name: str) -> list[Body] | None:
        """Return an array of objects."""
        values: list[Any] | None = self._typed(name, list)
        if values is None:
            return None
        if not all(isinstance(value, dict) for value in values):
            raise self._invalid(name)
        return [Body(value, f"{self._path}{name}.") for value in values]

    def text_list(self, name: str) -> list[str] | None:
        """Return an array of strings."""
        values: list[Any] | None = self._typed(name, list)
        if values is not None and not all(isinstance(value, str) for value in values):
            raise self._invalid(name)
        return values

    def text_map(self, name: str) -> dict[str, str] | None:
        """Return an object whose members are strings."""
        values: dict[str, Any] | None = self._typed(name, dict)
        if values is not None and not all(isinstance(value, str) for value in values.values()):
            raise self._invalid(name)
        return values

    def binary(self, name: str) -> bytes | None:
        """Return a base64url member, decoded.

        :raises ServiceError: 400 with the text of the service.
        """
        value = self._members.get(name)
        if name not in self._members:
            return None
        try:
            if not isinstance(value, str):
                raise ValueError("not a string")
            return jose.decode(value)
        except ValueError as error:
            raise bad_parameter(
                f"Content of '{name}' is not base64url.\r\nProperty '{name}' is required.\r\n"
            ) from error

    def required_binary(self, name: str) -> bytes:
        """Return a required base64url member."""
        value = self.binary(name)
        if value is None:
            raise bad_parameter(f"Property '{name}' is required.\r\n")
        return value

    def required_text(self, name: str) -> str:
        """Return a required string member that is not empty."""
        value = self.text(name)
        if not value:
            raise bad_parameter(f"Property '{name}' is required.\r\n")
        return value

    def names(self) -> list[str]:
        """Return the names of the members."""
        return list(self._members)

    def raw(self, name: str) -> Any:
        """Return a member as parsed from JSON."""
        return self._members.get(name)

    def _typed(self, name: str, kind: type) -> Any:
        if name not in self._members:
            return None
        value = self._members[name]
        if not isinstance(value, kind):
            raise self._invalid(name)
        return value

    def _invalid(self, name: str) -> Exception:
        return invalid_property(self._path + name)
