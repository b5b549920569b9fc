"""Attributes and submodules that are loaded when they are first used."""

from __future__ import annotations

from collections.abc import Callable, Collection
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Generic, TypeVar, overload

T = TypeVar("T")


class lazy_property(Generic[T]):  # named like functools.cached_property, which it replaces
    """``functools.cached_property`` as it is since Python 3.12: without a lock.

    Before 3.12, all instances of a class share one lock: threads that make different keys wait for each other, and a
    process that is forked in the meantime waits forever. Without a lock, two threads may both do the work.
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


def submodule(package: str, names: Collection[str], name: str) -> Any:
    """Return a public submodule of a package, for its ``__getattr__``.

    :raises AttributeError: when there is no such submodule, or the packages that it needs are not installed.
    """
    if name in names:
        try:
            return import_module(f"{package}.{name}")
        except ImportError as error:
            raise AttributeError(f"module {package!r} has no attribute {name!r}: {error}") from error
    raise AttributeError(f"module {package!r} has no attribute {name!r}")


def public_names(package: str, exported: Collection[str], submodules: Collection[str]) -> list[str]:
    """Return the names that completion shows for a package: its exports, and the submodules that are installed."""
    specs = {name: find_spec(f"{package}.{name}") for name in submodules}
    there = (name for name, spec in specs.items() if spec is not None and spec.origin is not None)
    dunders = ("__all__", "__doc__", "__file__", "__name__", "__path__", "__spec__")
    return sorted({*exported, *there, *dunders})
