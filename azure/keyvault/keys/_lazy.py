"""Attributes that are worked out at their first use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar, overload

T = TypeVar("T")


class lazy_property(Generic[T]):  # as functools.cached_property, which it stands for
    """``functools.cached_property`` as it is since Python 3.12: without a lock.

    Before, one lock served all instances of a class: threads that made different keys waited for each other, and a
    child that was forked meanwhile waited for good. Threads that come at the same time may both do the work here.
    """

    def __init__(self, work: Callable[[Any], T]) -> None:
        self._work = work
        self.__doc__ = work.__doc__

    def __set_name__(self, owner: type[Any], name: str) -> None:
        self._name = name

    @overload
    def __get__(self, instance: None, owner: type[Any]) -> lazy_property[T]: ...
    @overload
    def __get__(self, instance: object, owner: type[Any]) -> T: ...
    def __get__(self, instance: object | None, owner: type[Any]) -> T | lazy_property[T]:
        if instance is None:
            return self
        return instance.__dict__.setdefault(self._name, self._work(instance))  # type: ignore[no-any-return]
