"""What clients are made of again in another process: recipes, and what is made of them once in a process.

A recipe is the pickle of what the caller gave: the vault's address, options and the credential. It holds no token and
no challenge, as those are what clients find out by themselves. Processes get a recipe with every task that a client is
an argument of, so what is made of it is kept, and made once however many threads ask.
"""

from __future__ import annotations

import pickle
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from typing import Any, TypeVar

from .fork import renew_after_fork

T = TypeVar("T")

#: How many clients, connections and credentials a process keeps for those that bring the same recipe again.
MOST_SHARED = 512

#: What pickles what is defined in a program's main module, for workers that do not have it. First come first served.
_BY_VALUE = ("cloudpickle", "ray.cloudpickle", "pyspark.cloudpickle", "joblib.externals.cloudpickle")

#: The same for every version of Python, so that one recipe is the same bytes in all of them.
_PROTOCOL = 5

_REASONS = {
    "config": "its policies hold tokens",
    "transport": "it holds connections",
    "session": "it holds connections",
    "loop": "it belongs to this process",
}


class _SharedThings:
    """Things by recipe, the least recently used of which is forgotten first."""

    def __init__(self, most: int = MOST_SHARED) -> None:
        self._most = most
        self._things: OrderedDict[Hashable, Any] = OrderedDict()
        self.renew()
        renew_after_fork(self)

    def renew(self) -> None:
        """Start anew in a child process: the thread that held the lock is not there."""
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


def recipe_of(kind: str, credential: Any, *, config: Any = None, options: Mapping[str, Any], **parts: Any) -> bytes:
    """Return the recipe of something that has a credential and options of a client.

    :param kind: what it is, for messages: ``"this client"``.
    :param credential: gives the tokens.
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
        own = dumps(credential)
    except Exception as error:
        raise unpicklable(
            kind, f"its credential, a {type(credential).__name__}", f"{error}. Credentials of azure-identity can be"
        ) from error
    return dumps({"credential": own, "options": given, **parts})


def _is_tls_context(value: Any) -> bool:
    ssl: Any = sys.modules.get("ssl")  # not loaded for this question: then there is no context either
    return ssl is not None and isinstance(value, ssl.SSLContext)


def read(recipe: bytes) -> dict[str, Any]:
    """Return the parts of a recipe, with the credential that the whole process shares."""
    parts: dict[str, Any] = pickle.loads(recipe)  # noqa: S301  # whoever unpickles a client has decided to trust it
    own = parts["credential"]
    return {**parts, "credential": SHARED.get(("credential", own), lambda: pickle.loads(own))}  # noqa: S301  # as above


def dumps(thing: Any) -> bytes:
    """Pickle a part of a recipe, as the frameworks that are loaded do it."""
    pickler: Any = next((sys.modules[name] for name in _BY_VALUE if name in sys.modules), pickle)
    pickled: bytes = pickler.dumps(thing, protocol=_PROTOCOL)
    return pickled


def reduced(client: Any) -> tuple[Any, ...]:
    """Return what a client's ``__reduce__`` returns.

    :raises TypeError: when it has no recipe, or is of a subclass that is made in another way.
    """
    kind = type(client)
    maker = next(base for base in kind.__mro__ if "__init__" in vars(base))
    if not maker.__module__.startswith("azure.keyvault.keys."):
        raise unpicklable(f"this {kind.__name__}", "its own __init__", "such a subclass has to define __reduce__")
    return make, (kind, client._to_recipe())


def make(kind: Any, recipe: Any) -> Any:
    """Return the client that a recipe describes, the same one for everybody in this process.

    :param kind: the class of the client.
    :param recipe: its recipe.
    """
    return SHARED.get((kind, recipe), lambda: kind._of_recipe(recipe))
