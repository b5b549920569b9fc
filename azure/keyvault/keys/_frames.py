"""Secrets in the frames of a traceback, and how public methods remove them.

A traceback keeps every frame that the error came through, with all local variables: passwords, plaintexts, private
keys. Test runners, error trackers and consoles print them. So the public classes are decorated with
:func:`clears_locals`, and public functions with :func:`clears_its_locals`: where an error leaves one of them, the
frames below are cleared. Lines and names of functions stay, so that you can still find the cause.
"""

from __future__ import annotations

import gc
import opcode
import sys
from collections.abc import Callable
from functools import wraps
from inspect import CO_ASYNC_GENERATOR, CO_COROUTINE, CO_GENERATOR, iscoroutinefunction
from types import AsyncGeneratorType, FrameType, FunctionType, GeneratorType, TracebackType
from typing import Any, TypeVar, cast

C = TypeVar("C", bound=type)
F = TypeVar("F", bound=Callable[..., Any])

_OWN = __name__.rpartition(".")[0]
#: Packages whose functions receive secrets. The frames of others, such as a caller's credential, are not cleared.
_CLEARED = (
    _OWN,
    "aiohttp",
    "asyncio.threads",
    "azure.core",
    "base64",
    "concurrent.futures",
    "cryptography",
    "google.protobuf",
    "http",
    "joserfc",
    "json",
    "jwcrypto",
    "msrest",
    "requests",
    "socket",
    "ssl",
    "tink",
    "urllib3",
)
#: The emulator may run in the same process. It is for tests and has no real secrets.
_SPARED = f"{_OWN}.emulator"

_CALLED = ("__init__", "__call__")
_SUSPENDABLE = CO_COROUTINE | CO_GENERATOR | CO_ASYNC_GENERATOR


def clears_locals(cls: C) -> C:
    """Have the public methods of a class clear the frames below them when they raise. A class decorator."""
    for name, member in list(vars(cls).items()):
        if name.startswith("_") and name not in _CALLED:
            continue
        if isinstance(member, (classmethod, staticmethod)):
            setattr(cls, name, type(member)(clears_its_locals(member.__func__)))
        elif isinstance(member, FunctionType):
            setattr(cls, name, clears_its_locals(member))
    return cls


def clears_its_locals(function: F) -> F:
    """Have a function clear its own frame and those below it when it raises. A decorator."""
    if iscoroutinefunction(function):

        @wraps(function)
        async def call_async(*args: Any, **kwargs: Any) -> Any:
            try:
                return await function(*args, **kwargs)
            except BaseException as error:
                args, kwargs = (), {}
                clear_frames(error)
                raise

        return cast(F, call_async)

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except BaseException as error:
            args, kwargs = (), {}
            clear_frames(error)
            raise

    return cast(F, call)


def clear_frames(error: BaseException) -> None:
    """Clear the local variables in the frames of an error, of its causes, and of its context.

    Frames that are still running, such as those of the caller, are left alone.
    """
    seen: set[int] = set()
    pending: list[BaseException | None] = [error]
    while pending:
        current = pending.pop()
        if current is None or id(current) in seen:
            continue
        seen.add(id(current))
        for traceback in (
            current.__traceback__,
            getattr(current, "exc_traceback", None),
        ):  # azure-core's second one
            _clear(traceback)
        pending += [current.__cause__, current.__context__, *getattr(current, "exceptions", ())]


def _clear(traceback: TracebackType | None) -> None:
    while isinstance(traceback, TracebackType):
        frame, traceback = traceback.tb_frame, traceback.tb_next
        if _is_ours(frame) and not _is_suspended(frame):
            try:
                frame.clear()
            except RuntimeError:  # it is still running
                pass


def _is_ours(frame: FrameType) -> bool:
    module = f"{frame.f_globals.get('__name__', '')}."
    return any(module.startswith(f"{package}.") for package in _CLEARED) and not module.startswith(f"{_SPARED}.")


def _is_suspended(frame: FrameType) -> bool:
    """Whether a frame is that of a suspended coroutine or generator, which clearing would end before Python 3.13.

    An error that it has caught may have its frame, and may be raised elsewhere. Python does not tell. From 3.11 on a
    frame that waits belongs to its coroutine, and refers to nothing itself. In 3.10 it stands at the instruction that
    waits: an ``await`` is left by one instruction more, and a generator that has ended no longer has the frame.
    """
    if sys.version_info >= (3, 13) or not frame.f_code.co_flags & _SUSPENDABLE:
        return False
    if sys.version_info >= (3, 11):
        return frame.f_code not in gc.get_referents(frame)
    at, code = max(frame.f_lasti, 0), frame.f_code.co_code
    if code[at] != opcode.opmap["YIELD_VALUE"]:
        return code[at + 2 : at + 3] == bytes([opcode.opmap["YIELD_FROM"]])
    return any(isinstance(found, (GeneratorType, AsyncGeneratorType)) for found in gc.get_referrers(frame))
