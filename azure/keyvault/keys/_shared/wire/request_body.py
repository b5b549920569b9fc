"""The bodies of requests: msrest's serializer with its rules, stricter and faster; see ``_serialization``.

This module alone loads msrest, which takes a while; ``_loading`` loads it when the first body is to be written.
"""

from __future__ import annotations

from typing import Any

from msrest import Serializer
from msrest.exceptions import (  # type: ignore[attr-defined]  # untyped
    SerializationError,  # pyright: ignore[reportPrivateImportUsage]
    ValidationError,
)

from ..._generated.models import CLASSES, Model
from .reading import WRITERS, Field, plan, typed


class Writer(Serializer):
    """Turns models into what JSON can hold."""

    def __init__(self) -> None:
        super().__init__(CLASSES)  # type: ignore[no-untyped-call]
        self._plans: dict[type[Model], list[Field]] = {}

    def __call__(self, operation: str, body: Any) -> dict[str, Any]:
        """Return the members of a request's body. Fields that are None are left out, and so is what only answers have.

        :param operation: the name of the operation, for messages.
        :param body: a model.
        :raises ValueError: when a value breaks a rule of its field.
        :raises TypeError: when a value has not the type that its model declares.
        """
        refusal: Exception
        try:
            return self._members(body)
        except ValidationError as error:
            refusal = ValueError(str(error))
        except SerializationError as error:
            refusal = TypeError(f"{operation} cannot send its arguments: {error}")
        raise refusal  # here, so that it does not carry the other's traceback, which holds the body

    def _members(self, model: Model) -> dict[str, Any]:
        fields = self._plans.get(type(model)) or self._plans.setdefault(
            type(model), plan(type(model), WRITERS, self._nested)
        )
        members = {}
        for field in fields:
            value = getattr(model, field.name)
            if field.rules:
                if "readonly" in field.rules:
                    continue
                self.validate(value, field.name, **field.rules)  # type: ignore[no-untyped-call]
            if value is not None:
                try:
                    members[field.key] = field.convert(value)
                except (SerializationError, ValidationError):
                    raise  # it names the member that is to blame
                except (ValueError, TypeError, AttributeError, OverflowError):
                    # The cause is left out: it may quote the value, which may be a private key.
                    raise SerializationError(f"{field.name} is of type {type(value).__name__}") from None
        return members

    def _nested(self, kind: type[Model], value: Any) -> dict[str, Any]:
        return self._members(typed(kind, value))


write = Writer()
