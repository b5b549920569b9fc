"""From request to reply: routing, authentication, checks, operation, errors. Independent of sockets."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from typing import Any

from .. import _errors
from .._api_versions import api_version
from .._errors import FrontEndError, ServiceError
from .._identity.tokens import TokenError
from .._messages import Inbound, Reply, json_reply
from .._operations.call import Call
from .._operations.kinds import challenge, claims_challenge
from .._operations.routes import Route, Router, Target
from .._origins import Origin
from .._service import Service

_LOGGER = logging.getLogger(__name__)
_VAULT_ROOTS = ("/keys", "/deletedkeys", "/rng")


class Application:
    """Answers requests to the API."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._router = Router(managed_hsm=service.kind.is_hsm)

    async def answer(self, request: Inbound) -> Reply:
        """Return the response to any request. There is always one, whatever happens."""
        if not request.path.startswith(_VAULT_ROOTS):
            other = await self._answer_beside_the_vault(request)
            if other is not None:
                return other
        request_id = str(uuid.uuid4())
        try:
            reply = await self._answer_as_vault(request)
        except ServiceError as error:
            reply = self._error_reply(request, error, request_id)
        except FrontEndError as error:
            reply = Reply(error.status, error.page(), content_type="text/html")
        except Exception:
            _LOGGER.exception("the emulator failed on %s %s", request.method, request.path)
            failure = ServiceError(500, "InternalServerError", "The emulator failed; its log says why.")
            reply = self._error_reply(request, failure, request_id)
        return self._with_headers(request, reply, request_id)

    async def _answer_beside_the_vault(self, request: Inbound) -> Reply | None:
        attestation = self._service.attestation
        documents: dict[str, Callable[[], dict[str, Any]]] = {
            "/attestation/.well-known/openid-configuration": attestation._metadata,
            "/attestation/certs": lambda: {"keys": [attestation._public_jwk()]},
        }
        if request.method == "GET" and request.path in documents:
            return json_reply(documents[request.path]())
        return await self._service.identity.answer(request)

    async def _answer_as_vault(self, request: Inbound) -> Reply:
        service = self._service
        target = self._router.find(request.path)
        origin = service.origins.of(request.headers.get("Host", ""))
        issuer = self._authenticate(request, origin)
        route = target.route(_effective_method(request))
        service.permissions._check_firewall("127.0.0.1")
        target.check_name()
        call = self._call(request, target, route, origin)
        service.permissions._check(route.permission, origin, issuer)
        call.raw_body = await request.read()
        self._count(call, route)
        return await route.handler(call)

    def _call(self, request: Inbound, target: Target, route: Route, origin: Origin) -> Call:
        """Return the call if the API version supports it."""
        service, query = self._service, request.query_values()
        options = service.options
        text = query.get("api-version", "")
        version = api_version(text, options.recommended_api_version, options.latest_api_version is not None)
        if not version.since(route.since):
            raise _errors.bad_parameter(
                f"Operation {route.operation} is not supported by the specified version ({version.text}). "
                f"It needs {route.since.removesuffix('-preview')} or later."
            )
        return Call(service, route.operation, origin, version, query, request.path, target.name, target.version)

    def _count(self, call: Call, route: Route) -> None:
        """Count a call in its class, if calls are counted: a create by the new key's type, others by the key's.

        :raises ServiceError: 429; or 400 for a create without a key type.
        """
        service = self._service
        if not service.throttle.is_on:
            return
        key = service.state.live(call.name)
        version = key.versions.get(call.version, key.latest) if key else None
        kty = version.kty if version else ""
        if route.new_type and service.throttle._counts_by_class:
            _, kty = route.new_type(call)
        size = version.material.size if version else None
        service.throttle._check(creates=route.creates, hardware=kty.endswith("-HSM"), size=size)

    def _authenticate(self, request: Inbound, origin: Origin) -> str:
        """Return the issuer of the caller's token. The body has not been read yet.

        :raises ServiceError: 401 with a challenge.
        """
        tokens = self._service.tokens
        plain = challenge(origin, tokens.base_url, self._service.challenge_tenant)
        scheme, _, text = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not text:
            version = request.query_values().get("api-version", "")
            raise _errors.unauthorized(self._service.kind.missing_token(version), plain)
        try:
            claims = tokens.verify(text.strip(), origin.resource, self._service.origins.audiences | {origin.url})
        except TokenError as error:
            raise _errors.unauthorized(str(error), plain) from error
        demanded = self._service.demanded_claims(claims)
        if demanded is not None:
            raise _errors.unauthorized(
                "AKV10000: The token does not satisfy the required claims.",
                claims_challenge(tokens.base_url, demanded),
            )
        return str(claims["iss"])

    def _error_reply(self, request: Inbound, error: ServiceError, request_id: str) -> Reply:
        kind = self._service.kind
        message = kind.message(error.message, request_id)
        if error.status == 401:
            challenged = not request.headers.get("Authorization")
            body = kind.unauthorized_body(request.method, message, challenged=challenged)
            return Reply(401, body, dict(error.headers))
        return Reply(error.status, kind.write(error.envelope(message)), dict(error.headers))

    def _with_headers(self, request: Inbound, reply: Reply, request_id: str) -> Reply:
        kind = self._service.kind
        headers = {**kind.headers(reply.status), "x-ms-request-id": request_id}
        if kind.echoes_client_request_id:
            client_request_id = request.headers.get("x-ms-client-request-id", "")
            if client_request_id.isascii() and client_request_id.isprintable() and client_request_id:
                headers["x-ms-client-request-id"] = client_request_id
        headers.update(reply.headers)
        reply.headers = headers
        return reply


def _effective_method(request: Inbound) -> str:
    """Return the method. A POST may override it with ``X-HTTP-METHOD``."""
    if request.method == "POST":
        return request.headers.get("X-HTTP-METHOD", "POST").upper()
    return request.method
