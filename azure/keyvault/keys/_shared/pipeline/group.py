"""Policies that only inspect requests and responses, run in one loop.

azure-core gives each such policy a node of its own in the pipeline, and asks for each whether what it returned has to
be awaited. That is most of what a pipeline costs.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from typing import Any

from azure.core.pipeline import AsyncPipeline, Pipeline, PipelineRequest, PipelineResponse
from azure.core.pipeline.policies import AsyncHTTPPolicy, HTTPPolicy, SansIOHTTPPolicy

_OWN = ("azure.core.", "azure.keyvault.keys.")
_HOOKS = ("on_request", "on_response", "on_exception")


class _Hooks:
    """The hooks of some policies that have any to run: in order down the pipeline, in reverse on the way back."""

    def __init__(self, policies: list[SansIOHTTPPolicy[Any, Any]]) -> None:
        super().__init__()
        self._on_request, self._on_response, self._on_exception = (
            [
                getattr(policy, name)
                for policy in (policies if name == "on_request" else reversed(policies))
                if getattr(type(policy), name) is not getattr(SansIOHTTPPolicy, name)
            ]
            for name in _HOOKS
        )


class PolicyGroup(_Hooks, HTTPPolicy[Any, Any]):
    """The node of a synchronous pipeline."""

    def send(self, request: PipelineRequest[Any]) -> PipelineResponse[Any, Any]:
        """Run the hooks around the rest of the pipeline."""
        for on_request in self._on_request:
            on_request(request)
        try:
            response = self.next.send(request)
        except Exception:
            for on_exception in self._on_exception:
                on_exception(request)
            raise
        for on_response in self._on_response:
            on_response(request, response)
        return response


class AsyncPolicyGroup(_Hooks, AsyncHTTPPolicy[Any, Any]):
    """The node of an asyncio pipeline."""

    async def send(self, request: PipelineRequest[Any]) -> PipelineResponse[Any, Any]:
        """Run the hooks around the rest of the pipeline."""
        for on_request in self._on_request:
            on_request(request)
        try:
            response = await self.next.send(request)
        except Exception:
            for on_exception in self._on_exception:
                on_exception(request)
            raise
        for on_response in self._on_response:
            on_response(request, response)
        return response


def grouped(policies: Iterable[Any], group: Any) -> list[Any]:
    """Put neighbouring policies that only look into groups; leave the others as they are."""
    nodes: list[Any] = []
    run: list[Any] = []
    for policy in policies:
        if _only_looks(policy):
            run.append(policy)
        elif policy is not None:
            nodes += [group(run)] if run else []
            nodes.append(policy)
            run = []
    return nodes + ([group(run)] if run else [])


def _only_looks(policy: Any) -> bool:
    """Whether it is a policy of azure-core's or ours, as its class made it. Those of users are left to azure-core."""
    kind = type(policy)
    return (
        issubclass(kind, SansIOHTTPPolicy)
        and kind.__module__.startswith(_OWN)
        and not any(name in vars(policy) or inspect.iscoroutinefunction(getattr(kind, name)) for name in _HOOKS)
    )


class VaultPipeline(Pipeline[Any, Any]):
    """azure-core's pipeline, with groups of policies, and without multipart requests: a vault takes none."""

    def __init__(self, transport: Any, policies: Iterable[Any]) -> None:
        super().__init__(transport, grouped(policies, PolicyGroup))

    def _prepare_multipart(self, request: Any) -> None:
        """Look for no parts: that takes longer than most policies."""


class AsyncVaultPipeline(AsyncPipeline[Any, Any]):
    """azure-core's asyncio pipeline, with groups of policies, and without multipart requests: a vault takes none."""

    def __init__(self, transport: Any, policies: Iterable[Any]) -> None:
        super().__init__(transport, grouped(policies, AsyncPolicyGroup))

    async def _prepare_multipart(self, request: Any) -> None:
        """Look for no parts: that takes longer than most policies."""
