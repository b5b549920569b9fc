"""Recreating clients in another process: recipes, and the clients that a process has made from them.

A recipe holds what the caller gave: the vault's address, options and the credential. It holds no token and no
challenge, as those are what clients find out by themselves. Processes get a recipe with every task that a client is an
argument of, so what is made of it is kept, and made once however many threads ask.

The program pickles and unpickles the clients; this library does neither.
"""

from __future__ import annotations

import copyreg
import os
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from types import FunctionType
from typing import Any, TypeVar

from .fork import renew_after_fork

T = TypeVar("T")

#: How many clients, connections and credentials a process keeps for those that bring the same recipe again.
MOST_SHARED = 512

# The protocol whose forms of objects are compared: it has been in every version of Python that is in use.
_PROTOCOL = 4

_REASONS = {
    "config": "its policies hold tokens",
    "transport": "it holds connections",
    "session": "it holds connections",
    "loop": "it belongs to this process",
}


class Recipe:
    """What something is made of. Recipes of the same content are equal, in all processes that have got them.

    :param parts: the content, by name.
    """

    __slots__ = ("key", "parts")

    def __init__(self, **parts: Any) -> None:
        self.parts = parts
        self.key = fingerprint(parts)

    def __eq__(self, other: object) -> bool:
        return self.key == other.key if isinstance(other, Recipe) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.key)

    def __reduce__(self) -> tuple[Any, ...]:
        return _arrived, (self.key, self.parts)


def _arrived(key: str, parts: dict[str, Any]) -> Recipe:
    """Return a recipe in the process that it was sent to, whose key stays as it was."""
    recipe = Recipe.__new__(Recipe)
    recipe.key, recipe.parts = key, parts
    return recipe


class _SharedThings:
    """Things by recipe, the least recently used of which is forgotten first."""

    def __init__(self, most: int = MOST_SHARED) -> None:
        self._most = most
        self._things: OrderedDict[Hashable, Any] = OrderedDict()
        self.renew()
        renew_after_fork(self)

    def renew(self) -> None:
        """Reset in a child process: the thread that held the lock does not exist there."""
        # A client is made of a connection, and that of a credential: all three are looked up here, by one thread.
        self._lock = threading.RLock()

    def get(self, recipe: Hashable, make: Callable[[], T]) -> T:
        """Return the thing that is made of a recipe; it is made when there is none."""
        with self._lock:
            if recipe in self._things:
                self._things.move_to_end(recipe)
            else:
                thing = make()
                self._things[recipe] = thing
                if len(self._things) > self._most:
                    self._things.popitem(last=False)
            return self._things[recipe]  # type: ignore[no-any-return]


SHARED = _SharedThings()


def unpicklable(thing: str, part: str, reason: str) -> TypeError:
    """Return the error for something that must not, or cannot, go to another process."""
    return TypeError(f"{thing} cannot be pickled, because of {part}: {reason}")


def recipe_of(kind: str, credential: Any, *, config: Any = None, options: Mapping[str, Any], **parts: Any) -> Recipe:
    """Return the recipe of something that has a credential and options of a client.

    :param kind: what it is, for messages: ``"this client"``.
    :param credential: provides the tokens.
    :param config: the policies, when they were made beforehand.
    :param options: the options.
    :param parts: what else it is made of.
    :raises TypeError: when an option holds a connection, a token or a policy, or the credential cannot be pickled.
    """
    given = {name: value for name, value in options.items() if value is not None}
    if config is not None:
        given["config"] = config
    for name, value in given.items():
        reason = _REASONS.get(name)
        if "polic" in name:
            reason = "policies are part of a pipeline, which holds tokens and connections"
        if _is_tls_context(value):
            reason = "an SSLContext cannot leave its process; give the path of a bundle of certificates instead"
        if reason:
            raise unpicklable(kind, f"{name}=", reason)
    try:
        own = Recipe(credential=credential)
    except Exception as error:
        raise unpicklable(
            kind, f"its credential, a {type(credential).__name__}", f"{error}. Credentials of azure-identity can be"
        ) from error
    return Recipe(credential=own, options=given, **parts)


def _is_tls_context(value: Any) -> bool:
    ssl: Any = sys.modules.get("ssl")  # not loaded for this question: then there is no context either
    return ssl is not None and isinstance(value, ssl.SSLContext)


def read(recipe: Recipe) -> dict[str, Any]:
    """Return the parts of a recipe, with the credential that the whole process shares."""
    own: Recipe = recipe.parts["credential"]
    return {**recipe.parts, "credential": SHARED.get(own, lambda: own.parts["credential"])}


def reduced(client: Any) -> tuple[Any, ...]:
    """Return what a client's ``__reduce__`` returns.

    :raises TypeError: when it has no recipe, or is of a subclass that is made in another way.
    """
    kind = type(client)
    maker = next(base for base in kind.__mro__ if "__init__" in vars(base))
    if not maker.__module__.startswith("azure.keyvault.keys."):
        raise unpicklable(f"this {kind.__name__}", "its own __init__", "such a subclass has to define __reduce__")
    return make, (kind, client._to_recipe())


def make(kind: Any, recipe: Recipe) -> Any:
    """Return the client that a recipe describes, the same one for everybody in this process.

    :param kind: the class of the client.
    :param recipe: its recipe.
    """
    return SHARED.get((kind, recipe), lambda: kind._of_recipe(recipe))


def fingerprint(thing: Any) -> str:
    """Return a text that is the same for things which would be pickled alike.

    :raises TypeError: when a part of the thing cannot be pickled.
    """
    import hashlib  # here, because it is slow to import, and only clients that other processes get need it

    digest = hashlib.sha256()
    _feed(digest.update, thing, {})
    return digest.hexdigest()


def _feed(write: Callable[[bytes], object], thing: Any, seen: dict[int, tuple[int, Any]]) -> None:
    """Write what a thing is made of. ``seen`` keeps what was written, so that no other thing takes its address."""
    kind = type(thing)
    if thing is None or kind in (bool, int, float, complex, str, bytes):
        text = repr(thing).encode("utf-8", "surrogatepass")
        write(b"%s %d %s" % (kind.__name__.encode(), len(text), text))
    elif isinstance(thing, Recipe):
        write(b"recipe " + thing.key.encode())
    elif id(thing) in seen:
        write(b"again %d." % seen[id(thing)][0])
    elif isinstance(thing, (type, FunctionType)):
        write(_name_of(thing))
    else:
        seen[id(thing)] = len(seen), thing
        parts = _parts_of(thing)
        write(b"%s %d(" % (kind.__name__.encode(), len(parts)))
        for part in parts:
            _feed(write, part, seen)
        write(b")")


def _name_of(thing: Any) -> bytes:
    """Return what names a class or function; those that are not found by their name alone are told apart."""
    name = f"{thing.__module__}:{thing.__qualname__}"
    if thing.__module__ == "__main__" or "<" in name:
        name += f":{os.getpid()}:{id(thing)}"
    return b"named %s." % name.encode()


def _parts_of(thing: Any) -> list[Any]:
    kind = type(thing)
    if kind in (list, tuple):
        return list(thing)
    if kind is dict:
        return [part for item in thing.items() for part in item]
    if kind in (set, frozenset):
        return sorted(fingerprint(item) for item in thing)
    reducer = copyreg.dispatch_table.get(kind)
    reduced_to: Any = reducer(thing) if reducer else thing.__reduce_ex__(_PROTOCOL)
    if isinstance(reduced_to, str):
        return [kind, reduced_to]
    # The function, its arguments, the state, and what lists and dictionaries hold.
    return [list(part) if hasattr(part, "__next__") else part for part in reduced_to]
