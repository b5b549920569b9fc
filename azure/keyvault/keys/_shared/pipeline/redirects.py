"""Redirects: followed within a vault, refused to any other origin."""

from __future__ import annotations

from typing import Any, Literal
from urllib.parse import urljoin

from azure.core.exceptions import HttpResponseError, TooManyRedirectsError
from azure.core.pipeline import PipelineRequest, PipelineResponse
from azure.core.pipeline.policies import AsyncRedirectPolicy, RedirectPolicy

from ..._compatibility import drop_content
from ..wire.identifiers import origin_of
from ..wire.text import error_of
from .unread import close_unread, close_unread_async


class _SameOrigin:
    """Overrides of azure-core's redirect policies."""

    def get_redirect_location(self, response: PipelineResponse[Any, Any]) -> str | Literal[False] | None:
        """Return where a redirect leads.

        :raises ~azure.core.exceptions.HttpResponseError: when it leads to another origin: the token and the body of
            the request must not leave the vault.
        """
        location: str | Literal[False] | None = super().get_redirect_location(response)  # type: ignore[misc]
        if not location:
            return location
        source, target = response.http_request.url, location
        try:
            target = urljoin(source, location)
            allowed = origin_of(target) == origin_of(source)
        except ValueError:
            allowed = False
        if not allowed:
            raise error_of(
                HttpResponseError,
                f"The vault redirects to {target!r}, which is another origin. The redirect was not followed.",
                response.http_response,
            )
        return target

    def increment(self, settings: dict[str, Any], response: PipelineResponse[Any, Any], redirect_location: str) -> bool:
        """Prepare the request for its new target."""
        followed: bool = super().increment(settings, response, redirect_location)  # type: ignore[misc]
        request = response.http_request
        if response.http_response.status_code == 303:  # RFC 9110 section 15.4.4: a GET, without content
            drop_content(request)
            for header in ("Content-Length", "Content-Type"):
                request.headers.pop(header, None)
        return followed

    def follows(self, settings: dict[str, Any], response: PipelineResponse[Any, Any]) -> bool:
        """Whether to send the request again, to where a response redirects it.

        :raises ~azure.core.exceptions.TooManyRedirectsError: when it has been redirected too often.
        """
        location = self.get_redirect_location(response)
        if not location or not settings["allow"]:
            return False
        if not self.increment(settings, response, location):
            raise TooManyRedirectsError(settings["history"])
        return True


class SameOriginRedirectPolicy(_SameOrigin, RedirectPolicy):  # type: ignore[type-arg]  # as azure-core
    """The redirect policy of the synchronous clients; takes the keywords of azure-core's ``RedirectPolicy``."""

    def send(self, request: PipelineRequest[Any]) -> PipelineResponse[Any, Any]:
        """Send the request, wherever the vault redirects it within its origin."""
        settings = self.configure_redirects(request.context.options)
        while True:
            response = self.next.send(request)
            is_last = False
            try:
                is_last = not self.follows(settings, response)
            finally:
                if not is_last:
                    close_unread(response)
            if is_last:
                return response
            request.http_request = response.http_request


class AsyncSameOriginRedirectPolicy(_SameOrigin, AsyncRedirectPolicy):  # type: ignore[type-arg]  # as azure-core
    """The redirect policy of the asyncio clients; takes the keywords of azure-core's ``AsyncRedirectPolicy``."""

    async def send(self, request: PipelineRequest[Any]) -> PipelineResponse[Any, Any]:
        """Send the request, wherever the vault redirects it within its origin."""
        settings = self.configure_redirects(request.context.options)
        while True:
            response = await self.next.send(request)
            is_last = False
            try:
                is_last = not self.follows(settings, response)
            finally:
                if not is_last:
                    await close_unread_async(response)
            if is_last:
                return response
            request.http_request = response.http_request
