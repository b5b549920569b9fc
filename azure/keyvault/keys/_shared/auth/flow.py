"""The authentication flow: what to send and which token to ask for, decided without I/O.

:func:`authenticate` is a generator. It yields steps (:class:`Send`, :class:`GetToken`, :class:`Exclusive`), receives
their outcomes, and returns the response. The sync and async policies perform the steps and contain no rules of the
flow. In short:

1. A vault that this process has not talked to is probed with the request, without its body and token, or with a
harmless request if that one would have an effect. No body is sent before the vault has named a resource that belongs to
it.
2. A token for that resource is requested once, however many calls wait for it, and used until shortly before it
expires.
3. A 401 to a request with a token is answered once per kind of challenge: with a token for the new resource or tenant,
   and with a token that holds the claims asked for (continuous access evaluation). A token that the vault has rejected
   is never used again.
4. Every request is checked before it gets a token, and every challenge before it is answered: both must belong to the
vault's origin, although a caller's policy may have followed a redirect elsewhere.
"""

from __future__ import annotations

import copy
import re
import time
from collections.abc import Generator
from typing import Any, NamedTuple, Protocol
from urllib.parse import urlsplit, urlunsplit

from azure.core.exceptions import ClientAuthenticationError, ServiceRequestError
from azure.core.pipeline import PipelineRequest, PipelineResponse
from azure.core.rest import HttpRequest

from ..pipeline.call import Stage, asked_url, enter
from ..pipeline.retry import TRANSIENT
from ..wire.identifiers import Origin, secure_origin_of
from ..wire.text import error_of
from .challenge import CHALLENGES, Challenge, ChallengeError, UnsupportedSchemeError, parse_challenge, verify_challenge

# A token is replaced when it has less than this many seconds left ...
_MARGIN = 300
# ... and no longer used when it has less than this: it must still be valid when the vault reads it.
_LEAST = 30
# Seconds until a credential is asked again after it failed to replace a token that is still valid.
_PAUSE = 30

# What can be one word in a header. RFC 6750 section 2.1 allows less, but tokens in tests can be anything.
_BEARER_TOKEN = re.compile(r"[\x21-\x7e]+")
# Methods that change nothing (RFC 9110 section 9.2.1).
_SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


class Token(Protocol):
    """What credentials return: an ``AccessToken`` or ``AccessTokenInfo`` of azure-core."""

    @property
    def token(self) -> str: ...

    @property
    def expires_on(self) -> int: ...


class Send(NamedTuple):
    """Send the request down the pipeline; the outcome is the response."""

    request: PipelineRequest[Any]


class GetToken(NamedTuple):
    """Ask the credential; the outcome is the token.

    With ``optional``, the call can do without the token: it waits for at most half of its remaining time.
    """

    scope: str
    tenant: str | None
    claims: str | None
    optional: bool = False

    def patience(self, left: float | None) -> float | None:
        """Return how many of the call's remaining seconds to wait for the token; None for no limit."""
        return left / 2 if self.optional and left is not None else left


class Exclusive(NamedTuple):
    """Run a flow that only one call of a session may run at a time; the outcome is what that flow returns.

    A call that has to wait fails if the other one fails. If the other one succeeds, it runs its own flow, which finds
    the new grant; if the other one is cancelled, a waiting call takes its place. With ``optional``, a call does not
    wait, and the outcome is None.
    """

    flow: Generator[Any, Any, Any]
    optional: bool = False


class Grant:
    """A token and the challenge it answers."""

    def __init__(self, challenge: Challenge, header: str, expires_on: float, refresh_on: float) -> None:
        self.challenge = challenge
        self.header = header
        self.expires_on = expires_on
        self.refresh_on = refresh_on
        self.granted = time.monotonic()

    def refreshed_from(self, moment: float) -> Grant:
        """Return the same grant, to be refreshed from then on."""
        later = copy.copy(self)
        later.refresh_on = moment
        return later

    def is_usable(self, now: float) -> bool:
        """Whether the token is valid for another call."""
        return now < self.expires_on - _LEAST

    def is_for(self, began: float, now: float) -> bool:
        """Whether the token serves a call that has waited for it since ``began``, however soon it expires.

        Otherwise all waiting calls would at once ask a credential whose tokens expire soon.
        """
        return self.is_usable(now) or (self.granted >= began and now < self.expires_on)

    def is_stale(self, now: float) -> bool:
        """Whether the token should be replaced although it is still valid."""
        return now >= self.refresh_on


class AuthSession:
    """What one credential has been granted at one vault.

    ``grant`` is replaced as a whole, and a call keeps the one that it has read, so any number of threads and tasks can
    share a session.
    """

    def __init__(self, origin: Origin, *, verify: bool) -> None:
        self.origin = origin
        self.verify = verify
        self.grant: Grant | None = None

    def reject(self, grant: Grant) -> None:
        """Forget a grant that the vault has rejected, unless another one has replaced it."""
        CHALLENGES.remove(self.origin, grant.challenge)
        if self.grant is grant:
            self.grant = None


def origin_of_call(request: PipelineRequest[Any]) -> Origin:
    """Return the origin that a request is for.

    :raises ~azure.core.exceptions.ServiceRequestError: when it is not https, or an earlier policy has changed it: the
        credential is only for the vault that the caller named.
    """
    origin = secure_origin_of(request.http_request.url)
    asked = asked_url(request.context)
    if asked is not None and asked != request.http_request.url and secure_origin_of(asked) != origin:
        raise ServiceRequestError(
            f"The request was redirected to {origin}, which is not the vault's origin, and was not sent"
        )
    return origin


def is_overloaded(outcome: Any) -> bool:
    """Return whether an exclusive flow has met an overloaded vault, which concerns all waiting calls.

    Each of them decides for itself when to retry. Any other response without a challenge comes from a vault that needs
    no token or rejects everyone; then every call gets its own.
    """
    return (
        not isinstance(outcome, Grant)
        and outcome.http_response.status_code in TRANSIENT
        and not outcome.context.options.get("stream")
    )


Flow = Generator[Any, Any, PipelineResponse[Any, Any]]


def authenticate(session: AuthSession, request: PipelineRequest[Any]) -> Flow:
    """Send one request with a token, after as many challenges as that takes.

    :returns: the response of the vault; a 401 when it does not accept the token.
    :raises ChallengeError: when the vault's challenge names a resource that is not its own.
    :raises ~azure.core.exceptions.ClientAuthenticationError: when the challenge or the token cannot be used.
    """
    now = time.time()
    grant = session.grant
    fresh = grant is None or not grant.is_usable(now)
    if grant is None or fresh:
        enter(request.context, Stage.TOKEN)
        outcome = yield Exclusive(_authorise(session, request, time.monotonic()))
        if not isinstance(outcome, Grant):
            # The response to a probe that was no challenge, of this call or of another.
            return PipelineResponse(request.http_request, outcome.http_response, request.context)
        grant = outcome
    elif grant.is_stale(now):
        enter(request.context, Stage.TOKEN)
        grant = (yield Exclusive(_refresh(session, grant), optional=True)) or grant
    response = yield _sent(session, request, grant)

    answered: set[str] = set()
    while response.http_response.status_code == 401:
        refused = grant
        try:
            _check_origin(session, request.http_request.url, response)
            kind, challenge = _challenge_of(grant, response)
            # A fresh token that meets the challenge it answers will not succeed the second time either.
            if challenge is None or kind in answered or (fresh and challenge == grant.challenge):
                break
            answered.add(kind)
            enter(request.context, Stage.TOKEN)
            grant = yield Exclusive(_renew(session, grant, challenge))
        except BaseException:  # the end of this generator among them, when the call is cancelled or interrupted
            session.reject(refused)
            request.http_request.headers.pop("Authorization", None)
            raise
        if grant.header == refused.header and challenge == refused.challenge:
            break  # the credential has nothing else to offer
        response = yield _sent(session, request, grant)
    if response.http_response.status_code == 401:
        session.reject(grant)
        request.http_request.headers.pop("Authorization", None)
    return response  # type: ignore[no-any-return]


def _authorise(session: AuthSession, request: PipelineRequest[Any], began: float) -> Generator[Any, Any, Any]:
    """Find out what the vault requires, and get it. Return a grant, or the response that was not a challenge."""
    grant = session.grant
    if grant is not None and grant.is_for(began, time.time()):
        return grant  # another call has been here while this one waited
    challenge = CHALLENGES.get(session.origin)
    if challenge is None:
        enter(request.context, Stage.PROBE)
        options = request.context.options
        own = dict(options)
        options.pop("raw_request_hook", None)  # a caller's, for the request itself
        if request.http_request.content or not _is_harmless(request.http_request):
            options.pop("stream", None)  # nobody would read the response to the probe
        probe = _probe(request)
        try:
            response = yield Send(probe)
        finally:
            options.update((name, own[name]) for name in ("raw_request_hook", "stream") if name in own)
        _check_origin(session, probe.http_request.url, response)
        # Redirects and retries start from the whole request, not from the emptied one.
        response.http_request = request.http_request
        if response.http_response.status_code != 401:
            return (yield from _unchallenged(session, request, response))
        try:
            challenge = parse_challenge(_headers(response))
        except UnsupportedSchemeError as error:
            raise error_of(ClientAuthenticationError, str(error), response.http_response) from error
        except ChallengeError:
            return response  # as for any 401 that does not say what would help
        if challenge.scope is None:
            raise error_of(
                ClientAuthenticationError,
                "The vault's challenge names no resource to request a token for.",
                response.http_response,
            )
        enter(request.context, Stage.TOKEN)
    return (yield from _grant(session, challenge))


def _unchallenged(session: AuthSession, request: PipelineRequest[Any], response: Any) -> Generator[Any, Any, Any]:
    """Return the response to a probe, if it also answers the request.

    :raises ~azure.core.exceptions.ClientAuthenticationError: when the vault needs no token, and nothing proves that the
        body is meant for it.
    """
    status = response.http_response.status_code
    if request.http_request.content:
        if status >= 300:
            return response
        if session.verify:
            raise error_of(
                ClientAuthenticationError,
                f"The vault {session.origin} asked for no token, so nothing shows that it is the vault. The "
                "body of the request was not sent. If this vault is known to be right, create the client with "
                "verify_challenge_resource=False.",
                response.http_response,
            )
    elif _is_harmless(request.http_request) or status in TRANSIENT:
        return response
    # The server needs no token, so the request is sent unchanged; the probe's success was not its response.
    enter(request.context, Stage.REQUEST)
    return (yield Send(request))


def _refresh(session: AuthSession, grant: Grant) -> Generator[Any, Any, Grant]:
    """Replace a token that is still valid. If that fails, no caller is affected yet."""
    if session.grant is not grant:
        return session.grant or grant
    try:
        return (yield from _grant(session, grant.challenge, optional=True))
    except Exception:  # credentials may raise any error; the token is still valid, so no call needs to fail
        if session.grant is grant:
            session.grant = grant = grant.refreshed_from(time.time() + _PAUSE)
        return grant


def _renew(session: AuthSession, refused: Grant, challenge: Challenge) -> Generator[Any, Any, Grant]:
    """Answer a challenge to a request that had a token."""
    current = session.grant
    if current is not None and current.header != refused.header:
        return current  # another call has answered it
    if challenge.claims is None:
        CHALLENGES.remove(session.origin, refused.challenge)
    return (yield from _grant(session, challenge))


def _grant(session: AuthSession, challenge: Challenge, *, optional: bool = False) -> Generator[Any, Any, Grant]:
    if session.verify:
        try:
            verify_challenge(challenge, session.origin)
        except ChallengeError:
            CHALLENGES.remove(session.origin, challenge)  # a client that does not verify may have stored it
            raise
    assert challenge.scope is not None  # noqa: S101  # callers have seen to it
    token = yield GetToken(challenge.scope, challenge.tenant, challenge.claims, optional)
    # Claims belong to one token, the rest of the challenge to the vault.
    lasting = challenge if challenge.claims is None else Challenge(challenge.scope, challenge.tenant)
    known = CHALLENGES.get(session.origin)
    if known is not None and known == lasting:
        lasting = known
    else:
        CHALLENGES.put(session.origin, lasting)
    grant = _granted(lasting, token)
    session.grant = grant
    return grant


def _challenge_of(grant: Grant, response: Any) -> tuple[str, Challenge | None]:
    """Return the kind of a challenge, and what to ask the credential for; None when there is nothing to ask."""
    try:
        challenge = parse_challenge(_headers(response))
    except ChallengeError:
        return "none", None
    if challenge.claims is not None:
        # A claims challenge names neither the resource nor a usable tenant, so those of the vault's own challenge
        # apply.
        own = grant.challenge if challenge.scope is None else challenge
        return "claims", Challenge(own.scope, own.tenant, challenge.claims)
    return "vault", challenge if challenge.scope else None


def _headers(response: Any) -> list[str]:
    headers = response.http_response.headers
    if hasattr(headers, "getall"):  # aiohttp keeps repeated headers apart
        return list(headers.getall("WWW-Authenticate", []))
    value = headers.get("WWW-Authenticate")
    return [value] if value else []


def _is_harmless(request: Any) -> bool:
    """Return whether sending the request without its body has no effect."""
    return request.method.upper() in _SAFE or bool(request.content)


def _probe(request: PipelineRequest[Any]) -> PipelineRequest[Any]:
    """Return the request that finds out what the vault requires, without body and token.

    It is the same request without these. A request without a body that would rotate or delete a key if the vault needed
    no token is replaced by one for the first page of a list. The original request is not changed.
    """
    original = request.http_request
    headers = {name: value for name, value in original.headers.items() if name.lower() != "authorization"}
    headers["Content-Length"] = "0"
    if _is_harmless(original):
        probe = HttpRequest(original.method, original.url, headers=headers)
    else:
        parts = urlsplit(original.url)
        version = [text for text in parts.query.split("&") if text.startswith("api-version=")]
        probe = HttpRequest("GET", urlunsplit((parts.scheme, parts.netloc, "/keys", "&".join(version), "")))
        probe.headers.update(headers)
    return PipelineRequest(probe, request.context)


def _check_origin(session: AuthSession, url: str, response: Any = None) -> None:
    """Refuse to give a token to a request that leaves the vault, or to answer a challenge from elsewhere.

    :raises ~azure.core.exceptions.ClientAuthenticationError: when a policy has changed where the request goes.
    """
    urls = [url, getattr(response.http_request, "url", url)] if response is not None else [url]
    for found in urls:
        try:
            if secure_origin_of(found) == session.origin:
                continue
        except (ValueError, ServiceRequestError):
            pass
        raise error_of(
            ClientAuthenticationError,
            f"The request to {session.origin} was redirected to another origin and was not given a token for it.",
            response.http_response if response is not None else None,
        )


def _sent(session: AuthSession, request: PipelineRequest[Any], grant: Grant) -> Send:
    """Return the step that sends the request with its token."""
    _check_origin(session, request.http_request.url)
    enter(request.context, Stage.REQUEST)
    request.http_request.headers["Authorization"] = grant.header
    return Send(request)


def _granted(challenge: Challenge, token: Token) -> Grant:
    """Check what a credential has returned, and work out when to replace it."""
    text = getattr(token, "token", None)
    if not isinstance(text, str) or not _BEARER_TOKEN.fullmatch(text):
        raise ClientAuthenticationError(
            message="The credential returned a token that cannot be sent in a header: it is empty, or contains blanks, "
            "control characters or characters beyond ASCII."
        )
    try:
        expires_on = float(token.expires_on)
        refresh_on = float(getattr(token, "refresh_on", None) or expires_on)
    except (AttributeError, TypeError, ValueError, OverflowError):
        raise ClientAuthenticationError(
            message="The credential returned a token whose expires_on or refresh_on is not a Unix time."
        ) from None
    return Grant(challenge, "Bearer " + text, expires_on, min(refresh_on, expires_on - _MARGIN))
