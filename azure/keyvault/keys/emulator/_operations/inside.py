"""Internal calls, which bypass tokens, permissions, limits, faults and the record of requests."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .._api_versions import VERSIONS, api_version
from .._messages import Reply
from .call import Call
from .routes import Router

if TYPE_CHECKING:
    from .._service import Service


class InsideCalls:
    """Carries out operations of the API in the newest version that the vault supports."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._router = Router(managed_hsm=service.kind.is_hsm)
        self._version = service.options.latest_api_version or VERSIONS[-1]

    async def __call__(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Reply:
        """Return the reply to a call.

        :raises ServiceError: if the service rejects the call.
        :raises FrontEndError: if the path is not part of the API.
        """
        target = self._router.find(path)
        route = target.route(method)
        target.check_name()
        origin, query = self._service.origins.default, {"api-version": self._version}
        call = Call(
            self._service, route.operation, origin, api_version(self._version), query, path, target.name, target.version
        )
        call.raw_body = b"" if body is None else json.dumps(body).encode()
        return await route.handler(call)
