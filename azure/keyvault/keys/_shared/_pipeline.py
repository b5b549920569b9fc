"""What stands between a client and its transport: azure-core's policies, in one order for both worlds."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterable
from typing import Any

from azure.core.configuration import Configuration
from azure.core.pipeline import AsyncPipeline, Pipeline, PipelineRequest
from azure.core.pipeline.policies import (
    CustomHookPolicy,
    DistributedTracingPolicy,
    HeadersPolicy,
    ProxyPolicy,
    RequestIdPolicy,
    UserAgentPolicy,
)

from .._version import VERSION
from ._auth import ChallengeAuthPolicy
from ._auth_async import AsyncChallengeAuthPolicy
from ._call import CallPolicy
from ._group import AsyncVaultPipeline, VaultPipeline
from ._logging import TraceLoggingPolicy, http_logging_policy
from ._redirects import AsyncSameOriginRedirectPolicy, SameOriginRedirectPolicy
from ._retry import AsyncKeyVaultRetryPolicy, KeyVaultRetryPolicy
from ._tls import environment_proxies

_REQUEST_ID = "x-ms-client-request-id"


class VaultRequestIdPolicy(RequestIdPolicy):
    """azure-core's policy, with random identifiers: those from the clock take ten times as long to make."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._random = "request_id" not in kwargs and kwargs.get("auto_request_id", True)

    def on_request(self, request: PipelineRequest[Any]) -> None:
        """Give the request an identifier, unless it has one or the caller wants another, or none."""
        headers = request.http_request.headers
        if not self._random or "request_id" in request.context.options:
            super().on_request(request)
        elif _REQUEST_ID not in headers:
            headers[_REQUEST_ID] = str(uuid.UUID(bytes=os.urandom(16), version=4))


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


def configure(
    credential: Any,
    *,
    asynchronous: bool,
    verify_challenge_resource: bool = True,
    timeout: float | None = None,
    **kwargs: Any,
) -> Configuration[Any, Any]:
    """Return the policies of a client, made from azure-core's keywords.

    A keyword with the name of a policy (``retry_policy=``) replaces that policy.
    """
    config: Configuration[Any, Any] = Configuration(**kwargs)
    config.request_id_policy = VaultRequestIdPolicy(**kwargs)
    config.headers_policy = HeadersPolicy(**kwargs)
    config.user_agent_policy = UserAgentPolicy(sdk_moniker=f"keyvault-keys/{VERSION}", **kwargs)
    config.proxy_policy = ProxyPolicy(**kwargs)
    config.custom_hook_policy = CustomHookPolicy(**kwargs)
    config.logging_policy = TraceLoggingPolicy(**kwargs)
    config.http_logging_policy = http_logging_policy(**kwargs)
    if asynchronous:
        config.redirect_policy = AsyncSameOriginRedirectPolicy(**kwargs)
        config.retry_policy = AsyncKeyVaultRetryPolicy(**kwargs)
    else:
        config.redirect_policy = SameOriginRedirectPolicy(**kwargs)
        config.retry_policy = KeyVaultRetryPolicy(**kwargs)
    for name in _REPLACEABLE:
        if kwargs.get(name) is not None:
            setattr(config, name, kwargs[name])
    if config.authentication_policy is None:
        policy = AsyncChallengeAuthPolicy if asynchronous else ChallengeAuthPolicy
        config.authentication_policy = policy(credential, verify_challenge_resource=verify_challenge_resource)
    config.call_policy = CallPolicy(timeout)  # type: ignore[attr-defined]  # ours, beside those azure-core names
    return config


def _policies(
    config: Any, *, policies: Any = None, per_call_policies: Any = None, per_retry_policies: Any = None, **kwargs: Any
) -> list[Any]:
    """Return the policies in the order in which a request passes them."""
    call = getattr(config, "call_policy", None) or CallPolicy()
    if policies is not None:
        return [call, *_listed(per_call_policies), *policies, *_listed(per_retry_policies)]
    return [
        call,
        config.request_id_policy,
        config.headers_policy,
        config.user_agent_policy,
        config.proxy_policy,
        *_listed(per_call_policies),
        config.redirect_policy,
        config.retry_policy,
        config.authentication_policy,
        config.custom_hook_policy,
        *_listed(per_retry_policies),
        config.logging_policy,
        DistributedTracingPolicy(**kwargs),
        config.http_logging_policy,
    ]


def _listed(policies: Any) -> list[Any]:
    if policies is None:
        return []
    return list(policies) if isinstance(policies, Iterable) else [policies]


def build_pipeline(vault_url: str, config: Any, *, transport: Any = None, **kwargs: Any) -> Pipeline[Any, Any]:
    """Return the pipeline of a synchronous client. A transport that the caller brings is used as it is."""
    if transport is None:
        from ._transport import VaultTransport

        transport = VaultTransport(**kwargs)
        _use_environment(vault_url, config, **kwargs)
    return VaultPipeline(transport, _policies(config, **kwargs))


def build_async_pipeline(
    vault_url: str, config: Any, *, transport: Any = None, **kwargs: Any
) -> AsyncPipeline[Any, Any]:
    """Return the pipeline of an asyncio client. A transport that the caller brings is used as it is."""
    if transport is None:
        from ._transport_async import AsyncVaultTransport

        transport = AsyncVaultTransport(**kwargs)
        _use_environment(vault_url, config, **kwargs)
    return AsyncVaultPipeline(transport, _policies(config, **kwargs))


def _use_environment(vault_url: str, config: Any, *, use_env_settings: bool = True, **_: Any) -> None:
    """Look up the environment's proxies once, unless the caller has named some."""
    if use_env_settings and config.proxy_policy is not None and config.proxy_policy.proxies is None:
        config.proxy_policy = ProxyPolicy(proxies=environment_proxies(vault_url))
