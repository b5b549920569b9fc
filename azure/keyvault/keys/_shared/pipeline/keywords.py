"""Keywords that calls and clients take besides their own parameters: azure-core's options, by name and type.

Type checkers read the ``TypedDict``s; :func:`check_call` and :func:`check_client` read the same names when a program
runs. A client that has policies of the caller's own accepts other keywords too, because these policies may read them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import wraps
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar, cast

from ..._names import Names

if TYPE_CHECKING:
    import ssl

    from ..._enums import KeyOperation
    from ..._models import KeyReleasePolicy


F = TypeVar("F", bound=Callable[..., Any])


class CallKeywords(TypedDict, total=False):
    """Options of a call that azure-core's policies and transports read, and ``timeout``, which is this library's."""

    timeout: float | None
    headers: Mapping[str, str]
    request_id: str
    user_agent: str
    proxies: Mapping[str, str]
    raw_request_hook: Callable[[Any], Any]
    raw_response_hook: Callable[[Any], Any]
    logging_enable: bool
    logger: logging.Logger
    http_logging_level: int
    permit_redirects: bool
    redirect_max: int
    retry_total: int
    retry_connect: int
    retry_read: int
    retry_status: int
    retry_backoff_factor: float
    retry_backoff_max: float
    retry_on_methods: Iterable[str]
    connection_timeout: float
    read_timeout: float
    connection_verify: bool | str | ssl.SSLContext
    connection_cert: Any
    enforce_https: bool
    response_encoding: str
    merge_span: bool
    parent_span: Any
    tracing_options: Any
    tracing_attributes: Mapping[str, Any]
    enable_cae: bool
    cls: Callable[[Any, Any, Any], Any]
    error_map: Mapping[int, type[Exception]]
    params: Mapping[str, Any]
    auth: Any
    cookies: Any


class PollingKeywords(CallKeywords, total=False):
    """Options of a call that waits for a deletion or a recovery."""

    polling_interval: float | None
    continuation_token: str | None
    progress: Callable[[float], Any] | None


class BeginKeywords(CallKeywords, total=False):
    """Options of a call that begins a deletion or a recovery."""

    _polling_interval: float | None


class UpdatePropertiesKeywords(CallKeywords, total=False):
    """Options of a call that changes properties, besides its parameters."""

    expires: datetime | None


class UpdateKeywords(UpdatePropertiesKeywords, total=False):
    """Options of ``update_key``, the shorter name of the call that changes properties."""

    key_operations: list[str | KeyOperation] | tuple[str | KeyOperation, ...] | None
    enabled: bool | None
    tags: Mapping[str, str] | None
    not_before: datetime | None
    expires_on: datetime | None
    release_policy: KeyReleasePolicy | None


class ClientKeywords(TypedDict, total=False):
    """Options of a client, from which azure-core's policies, transports and pipelines are made."""

    timeout: float | None
    transport: Any
    policies: Iterable[Any]
    per_call_policies: Any
    per_retry_policies: Any
    authentication_policy: Any
    custom_hook_policy: Any
    headers_policy: Any
    http_logging_policy: Any
    logging_policy: Any
    proxy_policy: Any
    redirect_policy: Any
    request_id_policy: Any
    retry_policy: Any
    user_agent_policy: Any
    headers: Mapping[str, str]
    base_headers: Mapping[str, str]
    request_id: str
    auto_request_id: bool
    user_agent: str
    base_user_agent: str
    user_agent_overwrite: bool
    user_agent_use_env: bool
    proxies: Mapping[str, str]
    raw_request_hook: Callable[[Any], Any]
    raw_response_hook: Callable[[Any], Any]
    logging_enable: bool
    logger: logging.Logger
    http_logging_level: int
    permit_redirects: bool
    redirect_max: int
    redirect_remove_headers: Any
    redirect_on_status_codes: Iterable[int]
    retry_total: int
    retry_connect: int
    retry_read: int
    retry_status: int
    retry_backoff_factor: float
    retry_backoff_max: float
    retry_mode: Any
    retry_on_methods: Iterable[str]
    retry_on_status_codes: Iterable[int]
    connection_timeout: float
    read_timeout: float
    connection_verify: bool | str | ssl.SSLContext
    connection_cert: Any
    connection_data_block_size: int
    use_env_settings: bool
    session: Any
    session_owner: bool
    loop: Any
    response_encoding: str
    decompress: bool
    network_span_namer: Callable[[Any], str]
    tracing_attributes: Mapping[str, Any]
    instrumentation_config: Any
    enable_cae: bool
    enforce_https: bool
    polling_interval: float


#: Options that calls of 4.x take and that have no effect here: the wire layer decodes bodies, and requests always use
#: HTTPS.
UNREAD = frozenset({"enable_cae", "enforce_https", "http_logging_level", "response_encoding"})

#: Options of clients that programs are known to pass although nothing reads them.
_UNREAD_BY_CLIENTS = frozenset({"base_url", "credential_scopes", "enable_http_logger"})

#: Options that this library adds to a call on its way to the transport.
_INTERNAL = frozenset({"keyvault_deadline", "keyvault_untraced", "repeatable"})

#: Keywords of a client that pass policies, which may read options of their own from every call.
_POLICIES = frozenset({"config", *(name for name in ClientKeywords.__annotations__ if "polic" in name)})

# How similar, as difflib measures it, a keyword must be to a known one to count as a typo where policies may read it.
_ALIKE = 0.85


#: Takes a client and the keywords of a call. Returns the error for a wrong one, or None.
Check = Callable[[Any, Iterable[str]], TypeError | None]


def checked(function: F) -> F:
    """Make a method of a client refuse keywords that neither it nor azure-core has."""
    check = check_of(function)

    @wraps(function)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        if kwargs and (error := check(self, kwargs)):
            args, kwargs = (), {}  # a traceback shows them to those who print locals
            raise error
        return function(self, *args, **kwargs)

    return cast(F, call)


def check_of(function: Callable[..., Any]) -> Check:
    """Return the check of a method's keywords.

    The check returns its error instead of raising it, because a traceback would hold the values of all keywords.
    """
    accepted = _accepted(function)

    def check(client: Any, names: Iterable[str]) -> TypeError | None:
        if accepted.issuperset(names):
            return None
        strict = not getattr(getattr(client, "_vault", None), "has_own_policies", False)
        return _refusal(function.__name__, names, accepted, strict=strict)

    return check


def check_client(kind: str, options: Mapping[str, Any]) -> bool:
    """Refuse keywords of a client that azure-core does not have.

    :param kind: the name of its class.
    :returns: whether the options include policies of the caller's own.
    :raises TypeError: for the first such keyword; its text suggests the most similar known one.
    """
    if not _CLIENT.issuperset(options) and (error := _refusal(kind, options, _CLIENT, strict=True)):
        options = {}  # as above
        raise error
    return not _POLICIES.isdisjoint(options)


def _refusal(what: str, names: Iterable[str], accepted: frozenset[str], *, strict: bool) -> TypeError | None:
    """Return the error for the first keyword that is not accepted.

    :param strict: whether nothing else can read it. A client that has policies of the caller's own refuses only
        keywords that look like typos.
    """
    from difflib import SequenceMatcher  # here, as only mistakes need it

    known = Names("keywords", sorted(name for name in accepted if not name.startswith("_")))
    for name in names:
        nearest = None if name in accepted else known.nearest(name)
        alike = nearest is not None and SequenceMatcher(None, name.lower(), nearest).ratio() >= _ALIKE
        if name not in accepted and (strict or alike):
            meant = f"; did you mean {nearest!r}?" if nearest else ""
            return TypeError(f"{what}() got an unexpected keyword argument {name!r}{meant}")
    return None


def _accepted(function: Callable[..., Any]) -> frozenset[str]:
    """Return the keywords of a method: its parameters, and those that its annotation of ``kwargs`` promises."""
    code = function.__code__
    own = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    promised = str(function.__annotations__.get("kwargs", "")).removeprefix("Unpack[").removesuffix("]")
    kind = globals().get(promised, CallKeywords)
    return frozenset((*own, *kind.__annotations__)) - {"self"} | _INTERNAL


#: Parameters of the clients themselves, which a client hands on with the rest or suggests for a misspelled keyword.
_PARAMETERS = frozenset(
    {"vault_url", "credential", "api_version", "verify_challenge_resource", "config", "execution", "refresh_after"}
)
_CLIENT = frozenset(ClientKeywords.__annotations__) | _UNREAD_BY_CLIENTS | _PARAMETERS
