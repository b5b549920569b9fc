"""Spans: azure-core's distributed tracing, with attributes that identify the key."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any, TypeVar, cast

from azure.core.pipeline import PipelineRequest
from azure.core.pipeline.policies import DistributedTracingPolicy
from azure.core.settings import settings
from azure.core.tracing.decorator import distributed_trace
from azure.core.tracing.decorator_async import distributed_trace_async

from ..wire.identifiers import parse_key_vault_id
from .call import UNTRACED, is_untraced
from .keywords import Check, check_of

F = TypeVar("F", bound=Callable[..., Any])

#: Returns the name and the version of the key that a call is about, None where there is none, from its arguments.
KeyOf = Callable[[tuple[Any, ...], dict[str, Any]], tuple[str | None, str | None]]


def traced(*, key: str | None = None, version: str | None = None) -> Callable[[F], F]:
    """Give a method of a client a span of its own when tracing is on, with the key's name, version and identifier.

    :param key: the parameter of the method that identifies the key; None when the method is not about a single key.
    :param version: the parameter that has the version of the key; None when the method is about all versions.
    :raises TypeError: when the method does not have such a parameter.
    """

    def decorate(function: F) -> F:
        name_of_span = f"KeyClient.{function.__name__}"
        return spanned(function, name_of_span, _key_of(function, key, version), check_of(function))

    return decorate


def traced_page(page: F, method: str, key_name: str | None = None) -> F:
    """Give the function that requests a page a span. The method that made the list returned before any request.

    :param method: the name of that method.
    :param key_name: the key whose versions are listed.
    """
    return spanned(page, f"KeyClient.{method}", lambda args, options: (key_name, None))


def spanned(function: F, span: str, key_of: KeyOf, check: Check | None = None) -> F:
    """Give a method a span with a name of its own, after ``check`` has checked its keywords.

    azure-core's decorator takes longer than most policies, so it is only called when tracing is on.
    """
    if iscoroutinefunction(function):
        recorded_async = distributed_trace_async(name_of_span=span)(function)

        @wraps(function)
        async def call_async(self: Any, *args: Any, **kwargs: Any) -> Any:
            try:
                if kwargs and check is not None and (error := check(self, kwargs)):
                    raise error
                if _is_off(kwargs):
                    return await function(self, *args, **kwargs)
                kwargs.setdefault("tracing_attributes", key_attributes(self.vault_url, *key_of((self, *args), kwargs)))
                return await recorded_async(self, *args, **kwargs)
            except BaseException:
                args, kwargs = (), {}  # keys and backups, which tools that print the locals of a traceback would show
                raise

        return cast(F, call_async)

    recorded = distributed_trace(name_of_span=span)(function)

    @wraps(function)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            if kwargs and check is not None and (error := check(self, kwargs)):
                raise error
            if _is_off(kwargs):
                return function(self, *args, **kwargs)
            kwargs.setdefault("tracing_attributes", key_attributes(self.vault_url, *key_of((self, *args), kwargs)))
            return recorded(self, *args, **kwargs)
        except BaseException:
            args, kwargs = (), {}  # keys and backups, which tools that print the locals of a traceback would show
            raise

    return cast(F, call)


def _is_off(options: dict[str, Any]) -> bool:
    """Return whether tracing is off. If it is, remove the options for spans; the requests of the call have none."""
    if UNTRACED in options:
        return True
    enabled = options["tracing_options"].get("enabled") if "tracing_options" in options else None
    if settings.tracing_enabled() if enabled is None else enabled:
        return False
    for name in ("merge_span", "parent_span", "tracing_attributes"):
        options.pop(name, None)
    options[UNTRACED] = True
    return True


class NetworkTracingPolicy(DistributedTracingPolicy[Any, Any]):
    """azure-core's policy, which gives every request a span, unless it is known that the call is not traced.

    azure-core looks for its settings in the environment each time, which takes as long as five other policies.
    """

    def on_request(self, request: PipelineRequest[Any]) -> None:
        """Start a span."""
        if is_untraced(request.context):
            request.context.options.pop("tracing_options", None)
        else:
            super().on_request(request)


def key_attributes(vault_url: str | None, name: str | None, version: str | None) -> dict[str, str]:
    """Return the span attributes that identify a key: no key material and no data."""
    if not name:
        return {}
    identifier = f"{vault_url}/keys/{name}"
    attributes = {"az.keyvault.key.name": name}
    if version:
        attributes["az.keyvault.key.version"] = version
        identifier += f"/{version}"
    return {**attributes, "az.keyvault.key.id": identifier}


def _key_of(function: Callable[..., Any], key: str | None, version: str | None) -> KeyOf:
    """Return what finds the key and its version among the arguments of a call."""
    key_argument, version_argument = _argument(function, key), _argument(function, version)

    def key_of(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[str | None, str | None]:
        name, own_version = name_and_version(key_argument(args, kwargs))
        given = version_argument(args, kwargs) or own_version
        return name, given if version is not None and isinstance(given, str) else None

    return key_of


def _argument(function: Callable[..., Any], parameter: str | None) -> Callable[[tuple[Any, ...], dict[str, Any]], Any]:
    """Return what finds the argument for a parameter, which may be given by position or by name."""
    if parameter is None:
        return lambda args, kwargs: None
    code = function.__code__
    positional = code.co_varnames[: code.co_argcount]
    if parameter not in code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]:
        raise TypeError(f"{function.__qualname__} has no parameter {parameter!r}")
    position = positional.index(parameter) if parameter in positional else None

    def argument(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return args[position] if position is not None and position < len(args) else kwargs.get(parameter)

    return argument


def name_and_version(key: Any) -> tuple[str | None, str | None]:
    """Return the key that a name, an identifier or an object with one identifies; None for anything else."""
    text = key if isinstance(key, str) else getattr(key, "source_id", None) or getattr(key, "id", None)
    if not isinstance(text, str):
        return None, None
    if "/" not in text:
        return text, None
    try:
        parts = parse_key_vault_id(text)
    except ValueError:
        return None, None
    return parts.name, parts.version
