"""The policies between a client and its transport, in the same order for sync and async."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from azure.core.configuration import Configuration
from azure.core.pipeline import PipelineRequest
from azure.core.pipeline.policies import (
    CustomHookPolicy,
    HeadersPolicy,
    ProxyPolicy,
    RequestIdPolicy,
    UserAgentPolicy,
)

from ..._version import VERSION
from ..sockets.proxies import check_proxies, environment_proxies
from .call import CallPolicy
from .callers_transport import policies_for
from .keywords import check_client
from .request_logging import TraceLoggingPolicy, http_logging_policy
from .tracing import NetworkTracingPolicy

_REQUEST_ID = "x-ms-client-request-id"


class VaultRequestIdPolicy(RequestIdPolicy):
    """azure-core's policy, with random identifiers: time-based ones take ten times as long to generate."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._random = "request_id" not in kwargs and kwargs.get("auto_request_id", True)

    def on_request(self, request: PipelineRequest[Any]) -> None:
        """Give the request an identifier, unless it has one, or the caller has chosen one or turned them off."""
        headers = request.http_request.headers
        if not self._random or "request_id" in request.context.options:
            super().on_request(request)
        elif _REQUEST_ID not in headers:
            headers[_REQUEST_ID] = _random_id()


def _random_id() -> str:
    """Return a UUID of version 4 (RFC 9562 section 5.4). A :class:`uuid.UUID` takes three times as long."""
    digits = os.urandom(16).hex()
    variant = "89ab"[int(digits[16], 16) % 4]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"


#: Keywords that replace a policy of the configuration.
_REPLACEABLE = (
    "authentication_policy",
    "custom_hook_policy",
    "headers_policy",
    "http_logging_policy",
    "logging_policy",
    "proxy_policy",
    "redirect_policy",
    "request_id_policy",
    "retry_policy",
    "user_agent_policy",
)


class PipelineClasses(NamedTuple):
    """The classes in which the sync and async pipelines differ.

    :ivar pipeline: made of a transport and policies.
    :ivar transport: makes the transport; loads its HTTP library when it is called.
    :ivar authentication: the policy that answers challenges.
    :ivar redirects: the policy that follows redirects.
    :ivar retries: the policy that tries again.
    :ivar deadlines: the policy that ends a call when it runs out of time.
    """

    pipeline: type[Any]
    transport: Callable[..., Any]
    authentication: type[Any]
    redirects: type[Any]
    retries: type[Any]
    deadlines: type[Any]


def configure(
    classes: PipelineClasses,
    credential: Any,
    *,
    verify_challenge_resource: bool = True,
    timeout: float | None = None,
    **kwargs: Any,
) -> Configuration[Any, Any]:
    """Return the policies of a client, made from azure-core's keywords.

    A keyword with the name of a policy (``retry_policy=``) replaces that policy.

    :raises TypeError: for a keyword that azure-core does not have.
    """
    check_client("create_config", kwargs)
    config: Configuration[Any, Any] = Configuration(**kwargs)
    config.request_id_policy = VaultRequestIdPolicy(**kwargs)
    config.headers_policy = HeadersPolicy(**kwargs)
    config.user_agent_policy = UserAgentPolicy(sdk_moniker=f"keyvault-keys/{VERSION}", **kwargs)
    config.proxy_policy = ProxyPolicy(**kwargs)
    config.custom_hook_policy = CustomHookPolicy(**kwargs)
    config.logging_policy = TraceLoggingPolicy(**kwargs)
    config.http_logging_policy = http_logging_policy(**kwargs)
    config.redirect_policy = classes.redirects(**kwargs)
    config.retry_policy = classes.retries(**kwargs)
    for name in _REPLACEABLE:
        if kwargs.get(name) is not None:
            setattr(config, name, kwargs[name])
    if config.authentication_policy is None:
        config.authentication_policy = classes.authentication(
            credential, verify_challenge_resource=verify_challenge_resource
        )
    config.call_policy = CallPolicy(timeout)  # type: ignore[attr-defined]  # ours, beside those azure-core names
    return config


def _policies(
    config: Any,
    proxy_policy: Any,
    last: list[Any],
    *,
    policies: Any = None,
    per_call_policies: Any = None,
    per_retry_policies: Any = None,
    **kwargs: Any,
) -> list[Any]:
    """Return the policies in the order in which a request passes them."""
    call = getattr(config, "call_policy", None) or CallPolicy()
    if policies is not None:
        return [call, *_listed(per_call_policies), *policies, *_listed(per_retry_policies), *last]
    return [
        call,
        config.request_id_policy,
        config.headers_policy,
        config.user_agent_policy,
        proxy_policy,
        *_listed(per_call_policies),
        config.redirect_policy,
        config.retry_policy,
        config.authentication_policy,
        config.custom_hook_policy,
        *_listed(per_retry_policies),
        config.logging_policy,
        NetworkTracingPolicy(**kwargs),
        config.http_logging_policy,
        *last,
    ]


def _listed(policies: Any) -> list[Any]:
    if policies is None:
        return []
    return list(policies) if isinstance(policies, Iterable) else [policies]


def build_pipeline(
    classes: PipelineClasses, vault_url: str, config: Any, *, transport: Any = None, **kwargs: Any
) -> Any:
    """Return the pipeline of a client. A transport that the caller brings gets no proxies of the environment.

    :raises ValueError: when the transport repeats requests by itself, and cannot be kept from it.
    """
    proxy_policy = config.proxy_policy
    check_proxies(getattr(proxy_policy, "proxies", None))
    if transport is None:
        transport = classes.transport(**kwargs)
        proxy_policy = _with_environment(vault_url, proxy_policy, **kwargs)
    last = [*policies_for(transport, vault_url), classes.deadlines()]
    return classes.pipeline(transport, _policies(config, proxy_policy, last, **kwargs))


def _with_environment(vault_url: str, proxy_policy: Any, *, use_env_settings: bool = True, **_: Any) -> Any:
    """Look up the environment's proxies once, unless the caller has given some."""
    if use_env_settings and isinstance(proxy_policy, ProxyPolicy) and proxy_policy.proxies is None:
        return ProxyPolicy(proxies=environment_proxies(vault_url))
    return proxy_policy
