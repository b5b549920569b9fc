"""The identity endpoints: App Service managed identity, and OAuth 2.0 client credentials with their metadata.

* ``GET /msi/token`` is what ``IDENTITY_ENDPOINT`` names: api-version 2019-08-01, secret in ``X-IDENTITY-HEADER``.
* ``/{tenant}[/v2.0]/.well-known/openid-configuration``, ``/{tenant}/oauth2[/v2.0]/token`` and the key set serve a
  service principal. For the tenant ``adfs``, azure-identity asks only this authority, without going online.
"""

from __future__ import annotations

import hmac
import json
import re
from typing import Any
from urllib.parse import parse_qsl

from .._messages import Inbound, Reply, json_reply
from .secrets import Identity
from .tokens import Token, TokenAuthority

_METADATA = re.compile(r"/([0-9A-Za-z.-]{1,64})(?:/v2\.0)?/\.well-known/openid-configuration")
_TOKEN = re.compile(r"/([0-9A-Za-z.-]{1,64})/oauth2(?:/v2\.0)?/token")
_KEY_SET = re.compile(r"/([0-9A-Za-z.-]{1,64})/discovery(?:/v2\.0)?/keys")
_MOST_FORM_BYTES = 64 * 1024


class IdentityEndpoints:
    """Answers the requests of credentials."""

    def __init__(self, authority: TokenAuthority, identity: Identity) -> None:
        self._authority = authority
        self.identity_header = identity.identity_header
        self.client_secret = identity.client_secret
        self._patterns = ((_METADATA, "GET", self._metadata), (_TOKEN, "POST", self._client_credentials),
                          (_KEY_SET, "GET", self._key_set))  # fmt: skip

    async def answer(self, request: Inbound) -> Reply | None:
        """Return the response, or None if the path is not an identity endpoint."""
        if request.path.rstrip("/") == "/msi/token":
            return self._managed_identity(request)
        for pattern, method, handler in self._patterns:
            match = pattern.fullmatch(request.path)
            if match:
                if request.method != method:
                    return _refusal(405, "invalid_request", f"Use {method}.", {"Allow": method})
                return await handler(request, match[1])
        return None

    def _managed_identity(self, request: Inbound) -> Reply:
        if request.method != "GET":
            return _refusal(405, "invalid_request", "Use GET.", {"Allow": "GET"})
        if not hmac.compare_digest(
            request.headers.get("X-IDENTITY-HEADER", "").encode("utf-8", "replace"), self.identity_header.encode()
        ):
            return json_reply({"statusCode": 401, "message": "X-IDENTITY-HEADER is missing or wrong."}, 401)
        query = request.query_values()
        if query.get("api-version") != "2019-08-01" or not query.get("resource"):
            return json_reply({"statusCode": 400, "message": "api-version 2019-08-01 and resource are required."}, 400)
        token = self._authority.issue(
            _audience(query["resource"]), self._authority.tenant, query.get("claims"), "managed_identity"
        )
        return json_reply(
            {
                "access_token": token.text,
                "expires_on": str(token.expires_on),
                "resource": query["resource"],
                "token_type": "Bearer",
                "client_id": self._authority.client_id,
            }
        )

    async def _metadata(self, request: Inbound, tenant: str) -> Reply:
        base = f"{self._authority.base_url}/{tenant}"
        protocol = "/oauth2" if tenant == "adfs" or "/v2.0/" not in request.path else "/oauth2/v2.0"
        return json_reply(
            {
                "issuer": self._authority.issuer(tenant),
                "authorization_endpoint": f"{base}{protocol}/authorize",
                "token_endpoint": f"{base}{protocol}/token",
                "jwks_uri": f"{base}/discovery/keys",
                "token_endpoint_auth_methods_supported": ["client_secret_post"],
                "response_types_supported": ["code"],
                "subject_types_supported": ["pairwise"],
                "id_token_signing_alg_values_supported": ["RS256"],
            }
        )

    async def _key_set(self, request: Inbound, tenant: str) -> Reply:
        return json_reply({"keys": [self._authority.public_jwk()]})

    async def _client_credentials(self, request: Inbound, tenant: str) -> Reply:
        body = await request.read()
        if len(body) > _MOST_FORM_BYTES:
            return _refusal(400, "invalid_request", "AADSTS90014: The request body is too large.")
        form = dict(parse_qsl(body.decode("utf-8", "replace")))
        if form.get("grant_type") != "client_credentials":
            return _refusal(400, "unsupported_grant_type", "AADSTS70003: Only client_credentials is supported.")
        if not self._is_known_client(form):
            return _refusal(401, "invalid_client", "AADSTS7000215: Invalid client secret provided.")
        audience = _audience(form.get("resource") or form.get("scope", "").split(" ")[0])
        if not audience:
            return _refusal(400, "invalid_scope", "AADSTS70011: scope or resource is required.")
        return json_reply(_token_response(self._authority.issue(audience, tenant, _claims(form), "client_credentials")))

    def _is_known_client(self, form: dict[str, str]) -> bool:
        secret_fits = hmac.compare_digest(form.get("client_secret", "").encode(), self.client_secret.encode())
        return secret_fits and form.get("client_id") == self._authority.client_id


def _audience(resource_or_scope: str) -> str:
    """Return the resource: the scope without ``/.default``. As with Entra, the resource keeps its trailing slash."""
    return resource_or_scope.removesuffix("/.default")


def _claims(form: dict[str, str]) -> str | None:
    """Return the demanded claims, ignoring the client capabilities that azure-identity always declares."""
    try:
        claims: Any = json.loads(form.get("claims", "{}"))
        access_token = dict(claims["access_token"])
    except (ValueError, KeyError, TypeError):
        return None
    access_token.pop("xms_cc", None)
    return json.dumps({"access_token": access_token}) if access_token else None


def _token_response(token: Token) -> dict[str, object]:
    return {
        "token_type": "Bearer",
        "expires_in": token.lifetime,
        "ext_expires_in": token.lifetime,
        "access_token": token.text,
        "resource": token.audience,
    }


def _refusal(status: int, error: str, description: str, headers: dict[str, str] | None = None) -> Reply:
    return json_reply({"error": error, "error_description": description}, status, headers)
