"""The authentication flow as a pure generator: no client, no server, no event loop."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from typing import Any

import pytest
from azure.core.credentials import AccessToken, AccessTokenInfo
from azure.core.exceptions import ClientAuthenticationError
from azure.core.pipeline import PipelineContext, PipelineRequest, PipelineResponse
from azure.core.rest import HttpRequest
from fixtures.stub_vault import HOST_CHALLENGE, URL, Answer, challenged

from azure.keyvault.keys._shared.auth.challenge import CHALLENGES, Challenge, ChallengeError
from azure.keyvault.keys._shared.auth.flow import AuthSession, Exclusive, GetToken, Send, authenticate
from azure.keyvault.keys._shared.pipeline.call import Stage, stage_of
from azure.keyvault.keys._shared.wire.identifiers import origin_of

ORIGIN = origin_of(URL)
SCOPE = "https://vault.azure.net/.default"
CLAIMS_CHALLENGE = (
    'Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize", '
    'error="insufficient_claims", claims="eyJuYmYiOjF9"'
)
MOVED = 'Bearer authorization="https://login.windows.net/tenant-two", resource="https://vault.azure.net"'


class Run:
    """Fulfils the wishes of a flow from lists, and notes them.

    :param answers: what requests bring; in a function, when it depends on the request.
    :param tokens: what the credential gives; exceptions are raised.
    """

    def __init__(self, answers: list[Answer], tokens: list[Any] | None = None) -> None:
        self.answers = answers
        self.tokens = tokens
        self.sent: list[tuple[str, str, Any, str | None]] = []
        self.asked: list[GetToken] = []
        self.stages: list[Stage] = []
        self.flights = 0
        self.before_leading: Callable[[], None] = lambda: None

    def call(self, session: AuthSession, method: str = "GET", path: str = "/keys/a", content: Any = None) -> Any:
        """Authenticate one request."""
        headers = {"Content-Type": "application/json"}
        request = PipelineRequest(HttpRequest(method, URL + path, headers=headers, content=content), context())
        return self.drive(authenticate(session, request))

    def drive(self, flow: Any) -> Any:
        outcome, error = None, None
        while True:
            try:
                step = flow.throw(error) if error else flow.send(outcome)
            except StopIteration as end:
                return end.value
            outcome, error = None, None
            try:
                outcome = self.fulfil(step)
            except Exception as failure:
                error = failure

    def fulfil(self, step: Any) -> Any:
        if isinstance(step, Exclusive):
            self.flights += 1
            self.before_leading()
            return self.drive(step.flow)
        if isinstance(step, GetToken):
            self.asked.append(step)
            token = f"token-{len(self.asked)}" if self.tokens is None else self.tokens.pop(0)
            if isinstance(token, Exception):
                raise token
            return AccessToken(token, int(time.time()) + 3600) if isinstance(token, str) else token
        assert isinstance(step, Send)
        request = step.request.http_request
        token = request.headers.get("Authorization")
        self.sent.append((request.method, request.url, request.content, token))
        self.stages.append(stage_of(step.request.context))
        return PipelineResponse(request, self.answers.pop(0), step.request.context)


def context() -> PipelineContext:
    return PipelineContext(None)


def ok() -> Answer:
    return Answer(200, {})


@pytest.fixture
def session() -> AuthSession:
    return AuthSession(ORIGIN, verify=True)


def warm(session: AuthSession) -> None:
    """Let a session have a grant."""
    Run([challenged(), ok()], ["first"]).call(session)


@pytest.mark.case("A1")
def test_cold_call_probes_without_body_and_token_then_sends_all_once(session: AuthSession) -> None:
    run = Run([challenged(), ok()])
    response = run.call(session, "POST", content=b'{"kty":"RSA"}')
    assert response.http_response.status_code == 200
    assert run.sent == [
        ("POST", URL + "/keys/a", None, None),
        ("POST", URL + "/keys/a", b'{"kty":"RSA"}', "Bearer token-1"),
    ]
    assert run.asked == [GetToken(SCOPE, "tenant-one", None)]
    assert run.stages == [Stage.PROBE, Stage.REQUEST]


@pytest.mark.case("A2")
def test_warm_call_sends_one_request_and_asks_for_nothing(session: AuthSession) -> None:
    warm(session)
    run = Run([ok()])
    run.call(session)
    assert run.sent == [("GET", URL + "/keys/a", None, "Bearer first")]
    assert (run.asked, run.flights) == ([], 0)


@pytest.mark.case("A2")
def test_call_of_another_client_uses_the_known_challenge(session: AuthSession) -> None:
    warm(session)
    run = Run([ok()])
    run.call(AuthSession(ORIGIN, verify=True))
    assert [token for *_, token in run.sent] == ["Bearer token-1"]


@pytest.mark.case("A3")
@pytest.mark.parametrize("status", [301, 403, 404, 408, 429, 500, 503])
def test_probe_that_is_not_challenged_leaves_the_whole_request_for_the_next_try(
    session: AuthSession, status: int
) -> None:
    run = Run([Answer(status), challenged(), ok()])
    request = PipelineRequest(HttpRequest("POST", URL + "/keys/a", content=b"body"), context())
    first = run.drive(authenticate(session, request))
    assert first.http_response.status_code == status
    assert first.http_request is request.http_request
    assert (request.http_request.content, run.sent[0][2]) == (b"body", None)
    run.drive(authenticate(session, request))
    assert run.sent[-1] == ("POST", URL + "/keys/a", b"body", "Bearer token-1")


@pytest.mark.case("A4")
def test_claims_challenge_repeats_the_request_it_was_made_for(session: AuthSession) -> None:
    warm(session)
    run = Run([challenged(CLAIMS_CHALLENGE), ok()])
    run.call(session, "PATCH", "/keys/b", b"second")
    assert run.sent == [
        ("PATCH", URL + "/keys/b", b"second", "Bearer first"),
        ("PATCH", URL + "/keys/b", b"second", "Bearer token-1"),
    ]


@pytest.mark.case("A5", "B3")
@pytest.mark.parametrize("resource", ["https://evil.example", "https://azure.net", "http://vault.azure.net"])
def test_challenge_that_fails_verification_is_not_kept_and_asks_for_no_token(
    session: AuthSession, resource: str
) -> None:
    run = Run([challenged(f'Bearer authorization="https://login.windows.net/t", resource="{resource}"')])
    with pytest.raises(ChallengeError):
        run.call(session, "PUT", content=b"private key")
    assert [content for _, _, content, _ in run.sent] == [None]
    assert (run.asked, CHALLENGES.get(ORIGIN), session.grant) == ([], None, None)


@pytest.mark.case("A6")
def test_challenge_of_a_client_that_does_not_verify_is_verified_and_then_forgotten() -> None:
    hostile = 'Bearer authorization="https://login.windows.net/t", resource="https://evil.example"'
    trusting = Run([challenged(hostile), ok()])
    trusting.call(AuthSession(ORIGIN, verify=False))
    assert trusting.asked == [GetToken("https://evil.example/.default", "t", None)]
    session = AuthSession(ORIGIN, verify=True)
    run = Run([])
    with pytest.raises(ChallengeError):
        run.call(session)
    assert run.asked == []
    Run([challenged(), ok()]).call(session)


@pytest.mark.case("A7")
def test_rejecting_a_grant_spares_the_challenge_that_took_its_place(session: AuthSession) -> None:
    warm(session)
    newer = Challenge(SCOPE, "tenant-two")
    CHALLENGES.put(ORIGIN, newer)
    Run([Answer(401)]).call(session)
    assert CHALLENGES.get(ORIGIN) is newer


@pytest.mark.case("A8")
def test_401_without_challenge_is_returned_and_the_token_not_used_again(session: AuthSession) -> None:
    warm(session)
    run = Run([Answer(401), challenged(), ok()])
    response = run.call(session)
    assert response.http_response.status_code == 401
    assert "Authorization" not in response.http_request.headers
    assert (len(run.sent), run.asked, CHALLENGES.get(ORIGIN), session.grant) == (1, [], None, None)
    run.call(session)
    assert [token for *_, token in run.sent[1:]] == [None, "Bearer token-1"]


@pytest.mark.case("A9")
def test_cold_call_that_is_always_challenged_ends_after_two_requests(session: AuthSession) -> None:
    run = Run([challenged()] * 9)
    assert run.call(session).http_response.status_code == 401
    assert (len(run.sent), len(run.asked)) == (2, 1)


@pytest.mark.case("A9")
def test_warm_call_that_is_always_challenged_ends_after_two_requests(session: AuthSession) -> None:
    warm(session)
    run = Run([challenged()] * 9)
    assert run.call(session).http_response.status_code == 401
    assert (len(run.sent), len(run.asked)) == (2, 1)


@pytest.mark.case("A10")
def test_vault_challenge_then_claims_challenge_are_both_answered(session: AuthSession) -> None:
    run = Run([challenged(), challenged(CLAIMS_CHALLENGE), ok()])
    assert run.call(session).http_response.status_code == 200
    assert run.asked == [GetToken(SCOPE, "tenant-one", None), GetToken(SCOPE, "tenant-one", '{"nbf":1}')]


@pytest.mark.case("A10")
@pytest.mark.parametrize("order", [(MOVED, CLAIMS_CHALLENGE), (CLAIMS_CHALLENGE, MOVED)], ids=["vault", "claims"])
def test_warm_call_that_meets_both_kinds_of_challenge_answers_both(
    session: AuthSession, order: tuple[str, str]
) -> None:
    warm(session)
    run = Run([*map(challenged, order), ok()])
    assert run.call(session).http_response.status_code == 200
    assert len(run.asked) == 2
    assert {step.claims for step in run.asked} == {None, '{"nbf":1}'}


@pytest.mark.case("A10")
def test_second_claims_challenge_in_a_row_is_returned(session: AuthSession) -> None:
    run = Run([challenged(), challenged(CLAIMS_CHALLENGE), challenged(CLAIMS_CHALLENGE), ok()])
    assert run.call(session).http_response.status_code == 401
    assert len(run.sent) == 3


@pytest.mark.case("A11")
def test_claims_challenge_keeps_scope_and_tenant_and_is_not_remembered(session: AuthSession) -> None:
    warm(session)
    run = Run([challenged(CLAIMS_CHALLENGE), ok()])
    run.call(session)
    assert run.asked == [GetToken(SCOPE, "tenant-one", '{"nbf":1}')]
    assert CHALLENGES.get(ORIGIN) == Challenge(SCOPE, "tenant-one")


@pytest.mark.case("A12")
def test_cold_call_that_meets_a_claims_challenge_raises_a_clear_error(session: AuthSession) -> None:
    with pytest.raises(ClientAuthenticationError, match="names no resource"):
        Run([challenged(CLAIMS_CHALLENGE)]).call(session)


@pytest.mark.case("A13")
@pytest.mark.parametrize("claims", ["%%%", "bm90IGpzb24=", "e" * 1_000_000], ids=["not-base64", "not-json", "1-MB"])
@pytest.mark.parametrize("is_warm", [True, False], ids=["warm", "cold"])
def test_claims_that_cannot_be_read_leave_the_401(session: AuthSession, claims: str, is_warm: bool) -> None:
    if is_warm:
        warm(session)
    run = Run([challenged(f'Bearer resource="https://vault.azure.net", claims="{claims}"')])
    assert run.call(session).http_response.status_code == 401
    assert run.asked == []


@pytest.mark.case("A15")
def test_ambiguous_challenge_asks_for_no_token(session: AuthSession) -> None:
    run = Run([challenged(HOST_CHALLENGE + ', resource="https://evil.example"')])
    assert run.call(session).http_response.status_code == 401
    assert run.asked == []


@pytest.mark.case("A19")
def test_vault_that_moved_to_another_tenant_costs_one_more_round(session: AuthSession) -> None:
    warm(session)
    run = Run([challenged(MOVED), ok(), ok()])
    assert run.call(session, "POST", content=b"x").http_response.status_code == 200
    run.call(session)
    assert run.asked == [GetToken(SCOPE, "tenant-two", None)]
    assert [(content, token) for _, _, content, token in run.sent[:2]] == [
        (b"x", "Bearer first"),
        (b"x", "Bearer token-1"),
    ]


@pytest.mark.case("A19")
def test_vault_that_moved_while_the_token_expired_is_followed(session: AuthSession) -> None:
    Run([challenged(), ok()], [AccessToken("old", 1)]).call(session)
    run = Run([challenged(MOVED), ok()])
    assert run.call(session).http_response.status_code == 200
    assert [step.tenant for step in run.asked] == ["tenant-one", "tenant-two"]


@pytest.mark.case("A20")
def test_adfs_challenge_asks_for_no_tenant(session: AuthSession) -> None:
    run = Run([challenged('Bearer authorization="https://a.b/adfs", resource="https://vault.azure.net"'), ok()])
    run.call(session)
    assert run.asked == [GetToken(SCOPE, None, None)]


@pytest.mark.case("A23")
@pytest.mark.parametrize(
    ("lifetime", "refresh_in", "asked"),
    [(3600, None, 0), (200, None, 1), (20, None, 1), (-5, None, 1), (3600, -1, 1), (3600, 600, 0)],
    ids=["good", "near-expiry", "about-to-expire", "expired", "past-refresh-on", "before-refresh-on"],
)
def test_token_is_replaced_in_time(session: AuthSession, lifetime: int, refresh_in: int | None, asked: int) -> None:
    now = int(time.time())
    refresh_on = None if refresh_in is None else now + refresh_in
    Run([challenged(), ok()], [AccessTokenInfo("first", now + lifetime, refresh_on=refresh_on)]).call(session)
    run = Run([ok()])
    run.call(session)
    assert len(run.asked) == asked
    assert run.sent[0][3] == ("Bearer token-1" if asked else "Bearer first")


@pytest.mark.case("A23")
def test_token_that_the_vault_says_is_expired_is_not_sent_twice(session: AuthSession) -> None:
    warm(session)
    run = Run([challenged(), ok()], ["first"])  # the credential's clock is slow as well
    assert run.call(session).http_response.status_code == 401
    assert [token for *_, token in run.sent] == ["Bearer first"]


@pytest.mark.case("A23", "D3")
def test_failure_to_replace_a_good_token_fails_no_call_and_is_not_repeated_at_once(session: AuthSession) -> None:
    Run([challenged(), ok()], [AccessToken("first", int(time.time()) + 200)]).call(session)
    run = Run([ok(), ok()], [RuntimeError("the credential is down")])
    run.call(session)
    run.call(session)
    assert [token for *_, token in run.sent] == ["Bearer first", "Bearer first"]
    assert len(run.asked) == 1


@pytest.mark.case("A11", "A19", "D3")
@pytest.mark.parametrize("challenge", [CLAIMS_CHALLENGE, MOVED], ids=["claims", "moved"])
def test_challenge_after_a_failure_to_replace_the_token_is_answered(session: AuthSession, challenge: str) -> None:
    Run([challenged(), ok()], [AccessToken("first", int(time.time()) + 200)]).call(session)
    run = Run([challenged(challenge), ok()], [RuntimeError("the credential is down"), "second"])
    assert run.call(session).http_response.status_code == 200
    assert [token for *_, token in run.sent] == ["Bearer first", "Bearer second"]


@pytest.mark.case("A23")
def test_failure_to_replace_an_expired_token_is_heard(session: AuthSession) -> None:
    Run([challenged(), ok()], [AccessToken("first", int(time.time()) + 20)]).call(session)
    with pytest.raises(RuntimeError, match="is down"):
        Run([], [RuntimeError("the credential is down")]).call(session)


@pytest.mark.case("A24")
@pytest.mark.parametrize(
    "token",
    [
        None,
        "",
        AccessToken("a\r\nX: y", 1),
        AccessToken("clé", 1),
        AccessToken("a b", 1),
        AccessToken("a\x7f", 1),
        AccessToken(None, 1),
    ],
    ids=["None", "empty", "CRLF", "not-ascii", "blank", "control", "no-text"],
)
def test_token_that_cannot_stand_in_a_header_is_refused_before_sending(session: AuthSession, token: Any) -> None:
    run = Run([challenged()], [token])
    with pytest.raises(ClientAuthenticationError, match="cannot be sent in a header"):
        run.call(session)
    assert (len(run.sent), session.grant) == (1, None)


@pytest.mark.case("A24")
@pytest.mark.parametrize(
    "expires_on", [None, "soon", object(), 10**400], ids=["None", "text", "object", "beyond-floats"]
)
def test_token_without_a_time_of_expiry_is_refused(session: AuthSession, expires_on: Any) -> None:
    with pytest.raises(ClientAuthenticationError, match="expires_on"):
        Run([challenged()], [AccessToken("text", expires_on)]).call(session)


@pytest.mark.case("A25")
def test_failure_of_the_credential_passes_unwrapped_and_the_next_call_tries_again(session: AuthSession) -> None:
    failure = KeyError("the credential's own")
    with pytest.raises(KeyError) as caught:
        Run([challenged()], [failure]).call(session)
    assert caught.value is failure
    assert (CHALLENGES.get(ORIGIN), session.grant) == (None, None)
    run = Run([challenged(), ok()])
    assert run.call(session).http_response.status_code == 200


@pytest.mark.case("A27")
@pytest.mark.parametrize("header", ['PoP nonce="x"', 'Basic realm="y"'])
def test_vault_that_wants_another_scheme_gets_a_clear_error(session: AuthSession, header: str) -> None:
    with pytest.raises(ClientAuthenticationError, match=f"scheme {header.split()[0]}, which is not supported"):
        Run([challenged(header)]).call(session)


@pytest.mark.case("D1")
def test_call_that_waited_uses_what_the_other_was_granted(session: AuthSession) -> None:
    run = Run([ok()])
    run.before_leading = lambda: warm(session)
    run.call(session)
    assert run.sent == [("GET", URL + "/keys/a", None, "Bearer first")]


@pytest.mark.case("D3", "D4")
def test_call_that_waited_while_another_renewed_uses_the_renewed_token(session: AuthSession) -> None:
    warm(session)

    def renewed_meanwhile() -> None:
        session.grant = None
        Run([ok()], ["newer"]).call(session)

    run = Run([challenged(MOVED), ok()])
    run.before_leading = renewed_meanwhile
    run.call(session)
    assert [token for *_, token in run.sent] == ["Bearer first", "Bearer newer"]
    assert run.asked == []


@pytest.mark.case("D4")
def test_call_survives_that_its_grant_is_rejected_by_another(session: AuthSession) -> None:
    warm(session)
    request = PipelineRequest(HttpRequest("GET", URL + "/keys/a"), context())
    flow = authenticate(session, request)
    flow.send(None)
    assert session.grant is not None
    session.reject(session.grant)
    with pytest.raises(StopIteration) as end:
        flow.send(PipelineResponse(request.http_request, ok(), request.context))
    assert end.value.value.http_response.status_code == 200


def test_server_without_authentication_gets_the_body_when_the_caller_vouches_for_it() -> None:
    run = Run([ok(), ok()])
    run.call(AuthSession(ORIGIN, verify=False), "POST", content=b"body")
    assert [content for _, _, content, _ in run.sent] == [None, b"body"]


@pytest.mark.case("P6")
@pytest.mark.parametrize("status", [200, 201, 204])
def test_body_is_not_sent_to_a_vault_that_has_shown_no_challenge(session: AuthSession, status: int) -> None:
    run = Run([Answer(status)])
    with pytest.raises(ClientAuthenticationError, match="asked for no token"):
        run.call(session, "POST", content=b"body")
    assert [content for _, _, content, _ in run.sent] == [None]


@pytest.mark.case("P6", "C5")
@pytest.mark.parametrize("method", ["POST", "DELETE", "PUT", "PATCH"])
@pytest.mark.parametrize("content", [None, b""], ids=["none", "empty"])
def test_request_that_needs_no_body_is_not_its_own_probe(session: AuthSession, method: str, content: Any) -> None:
    run = Run([challenged(), ok()])
    run.call(session, method, "/keys/a/rotate?x=1&api-version=7.6", content=content)
    assert [sent[:2] for sent in run.sent] == [
        ("GET", f"{URL}/keys?api-version=7.6"),
        (method, f"{URL}/keys/a/rotate?x=1&api-version=7.6"),
    ]


@pytest.mark.case("P6")
@pytest.mark.parametrize("status", [200, 307, 403, 404])
def test_answer_to_a_probe_in_place_of_the_request_is_not_that_of_the_request(
    session: AuthSession, status: int
) -> None:
    run = Run([Answer(status), Answer(209)])
    assert run.call(session, "POST", "/keys/a/rotate").http_response.status_code == 209
    assert [(method, token) for method, _, _, token in run.sent] == [("GET", None), ("POST", None)]


@pytest.mark.case("P6", "C5")
@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_probe_that_has_to_be_tried_again_rotates_nothing(session: AuthSession, status: int) -> None:
    run = Run([Answer(status)])
    assert run.call(session, "POST", "/keys/a/rotate").http_response.status_code == status
    assert ([method for method, *_ in run.sent], run.stages) == (["GET"], [Stage.PROBE])


@pytest.mark.case("P18")
@pytest.mark.parametrize("token", ["***", "fake token!".replace(" ", "_"), "{}", "a=b=c", '"quoted"'])
def test_token_of_a_fake_is_sent_as_it_is(session: AuthSession, token: str) -> None:
    run = Run([challenged(), ok()], [token])
    run.call(session)
    assert run.sent[-1][3] == f"Bearer {token}"


REJECTED = HOST_CHALLENGE.replace("vault.azure.net", "elsewhere.example")


@pytest.mark.case("P19", "A5")
@pytest.mark.parametrize(
    ("challenge", "tokens", "error"),
    [
        (REJECTED, [], ChallengeError),
        (MOVED, [RuntimeError("the credential is down")], RuntimeError),
        (CLAIMS_CHALLENGE, [RuntimeError("the credential is down")], RuntimeError),
    ],
    ids=["foreign resource", "failing credential", "failing credential for claims"],
)
def test_token_that_was_refused_is_not_used_again_whatever_follows(
    session: AuthSession, challenge: str, tokens: list[Any], error: type[Exception]
) -> None:
    warm(session)
    with pytest.raises(error):
        Run([challenged(challenge)], tokens).call(session, "POST", content=b"body")
    assert (session.grant, CHALLENGES.get(ORIGIN)) == (None, None)
    run = Run([challenged(), ok()], ["second"])
    run.call(session, "POST", content=b"body")
    assert [sent[2:] for sent in run.sent] == [(None, None), (b"body", "Bearer second")]


@pytest.mark.case("P19", "C13")
def test_token_that_was_refused_is_dropped_when_the_call_is_cancelled(session: AuthSession) -> None:
    warm(session)
    request = PipelineRequest(HttpRequest("GET", URL + "/keys/a"), context())
    flow = authenticate(session, request)
    next(flow)
    step = flow.send(PipelineResponse(request.http_request, challenged(MOVED), request.context))
    assert isinstance(step, Exclusive)
    flow.close()
    assert session.grant is None


@pytest.mark.case("P19", "B5")
@pytest.mark.parametrize("elsewhere", ["https://elsewhere.example/keys/a", "http://demo.vault.azure.net/keys/a"])
def test_request_that_a_policy_has_led_away_gets_no_fresh_token(session: AuthSession, elsewhere: str) -> None:
    warm(session)
    request = PipelineRequest(HttpRequest("POST", URL + "/keys/a", content=b"body"), context())
    run = Run([challenged(MOVED)])
    flow = authenticate(session, request)
    step = next(flow)
    step.request.http_request.url = elsewhere
    with pytest.raises(ClientAuthenticationError, match="redirected to another origin"):
        flow.send(PipelineResponse(request.http_request, challenged(MOVED), request.context))
    assert (run.asked, session.grant) == ([], None)
    assert "Authorization" not in request.http_request.headers


@pytest.mark.case("P19", "B5")
@pytest.mark.parametrize("elsewhere", ["https://elsewhere.example/keys/a", "http://demo.vault.azure.net/keys/a", "x"])
def test_challenge_of_elsewhere_to_a_probe_is_not_answered(session: AuthSession, elsewhere: str) -> None:
    class Astray(Run):
        def fulfil(self, step: Any) -> Any:
            outcome = super().fulfil(step)
            if isinstance(step, Send):
                outcome.http_request = HttpRequest("GET", elsewhere)
            return outcome

    run = Astray([challenged()])
    with pytest.raises(ClientAuthenticationError, match="redirected to another origin"):
        run.call(session)
    assert run.asked == []


@pytest.mark.case("P19")
def test_request_that_was_led_away_before_is_not_sent(session: AuthSession) -> None:
    warm(session)
    request = PipelineRequest(HttpRequest("GET", "https://elsewhere.example/keys/a"), context())
    run = Run([ok()])
    with pytest.raises(ClientAuthenticationError, match="redirected to another origin"):
        run.drive(authenticate(session, request))
    assert run.sent == []


@pytest.mark.case("P21", "D3")
@pytest.mark.parametrize(("left", "asked"), [(20, 0), (-1, 1)], ids=["short", "expired"])
def test_calls_that_wait_share_a_token_however_soon_it_expires(session: AuthSession, left: int, asked: int) -> None:
    warm(session)
    session.grant = None
    run = Run([ok()], [AccessToken("own", int(time.time()) + 3600)])

    def another_was_faster() -> None:
        if session.grant is None:
            Run([ok()], [AccessToken("shared", int(time.time()) + left)]).call(session)

    run.before_leading = another_was_faster
    run.call(session)
    assert (len(run.asked), run.sent[0][3]) == (asked, "Bearer own" if asked else "Bearer shared")


@pytest.mark.case("P21", "D3")
def test_token_with_little_time_left_is_not_for_later_calls(session: AuthSession) -> None:
    Run([challenged(), ok()], [AccessToken("short", int(time.time()) + 20)]).call(session)
    run = Run([ok()], ["fresh"])
    run.call(session)
    assert run.sent[0][3] == "Bearer fresh"


@pytest.mark.case("A7", "A11")
def test_challenge_that_is_known_stays_the_one_that_is_known(session: AuthSession) -> None:
    """What another session has observed can be forgotten only by what it has observed."""
    warm(session)
    known = CHALLENGES.get(ORIGIN)
    Run([challenged(CLAIMS_CHALLENGE), ok()]).call(session)
    assert CHALLENGES.get(ORIGIN) is known
    assert session.grant is not None
    assert session.grant.challenge is known


@pytest.mark.case("A1")
@pytest.mark.parametrize("name", ["Authorization", "authorization"])
def test_probe_has_no_token_of_the_callers_either(session: AuthSession, name: str) -> None:
    headers = {name: "Bearer of-the-caller", "x-own": "kept"}
    request = PipelineRequest(HttpRequest("GET", URL + "/keys/a", headers=headers), context())
    exclusive = next(authenticate(session, request))
    probe = next(exclusive.flow).request.http_request
    assert "Authorization" not in probe.headers
    assert probe.headers["x-own"] == "kept"


@pytest.mark.case("P14")
def test_challenges_of_any_number_of_vaults_take_bounded_memory() -> None:
    for number in range(3000):
        CHALLENGES.put(ORIGIN._replace(host=f"v{number}.vault.azure.net"), Challenge(SCOPE, "t"))
    assert len(CHALLENGES._challenges) == 1024
    assert CHALLENGES.get(ORIGIN._replace(host="v2999.vault.azure.net")) is not None


@pytest.mark.case("P14")
@pytest.mark.parametrize("part", ["resource", "authorization"])
def test_challenge_with_an_endless_value_is_refused(session: AuthSession, part: str) -> None:
    padding = "https://vault.azure.net/" + "a" * 2000
    header = HOST_CHALLENGE.replace(f'{part}="https://vault.azure.net"', f'{part}="{padding}"').replace(
        f'{part}="https://login.windows.net/tenant-one"', f'{part}="{padding}"'
    )
    assert Run([challenged(header)]).call(session).http_response.status_code == 401


@pytest.mark.case("I3")
@pytest.mark.parametrize("stage_answers", [[challenged(), ok()]], ids=["cold"])
def test_grant_does_not_show_its_token(session: AuthSession, stage_answers: list[Answer]) -> None:
    Run(stage_answers, ["canary"]).call(session)
    assert "canary" not in repr(session.grant)


class Watched(Run):
    """Notes more of what a flow does: headers, stages when a token is wanted, what the process knows of the vault."""

    def __init__(self, answers: list[Answer], tokens: list[Any] | None = None) -> None:
        super().__init__(answers, tokens)
        self.request: PipelineRequest[Any] | None = None
        self.headers: list[dict[str, str]] = []
        self.hooks: list[Any] = []
        self.stages_of_tokens: list[Stage] = []
        self.known: list[Challenge | None] = []
        self.optional: list[bool] = []

    def fulfil(self, step: Any) -> Any:
        if isinstance(step, Exclusive):
            self.optional.append(step.optional)
        elif isinstance(step, GetToken):
            assert self.request is not None
            self.stages_of_tokens.append(stage_of(self.request.context))
            self.known.append(CHALLENGES.get(ORIGIN))
        else:
            self.headers.append(dict(step.request.http_request.headers))
            self.hooks.append(step.request.context.options.get("raw_request_hook"))
        return super().fulfil(step)

    def run(self, session: AuthSession, method: str = "GET", content: Any = None, **options: Any) -> Any:
        headers = {"Content-Type": "application/json", "x-ms-client-request-id": "mine"}
        request = HttpRequest(method, URL + "/keys/a", headers=headers, content=content)
        self.request = PipelineRequest(request, PipelineContext(None, **options))
        return self.drive(authenticate(session, self.request))


@pytest.mark.case("C3")
@pytest.mark.parametrize("is_known", [False, True], ids=["unknown vault", "known vault"])
def test_call_waits_for_its_token_in_the_stage_of_tokens(session: AuthSession, is_known: bool) -> None:
    if is_known:
        warm(AuthSession(ORIGIN, verify=True))
    run = Watched([ok()] if is_known else [challenged(), ok()])
    run.run(session)
    assert run.stages_of_tokens == [Stage.TOKEN]
    assert run.stages[-1] is Stage.REQUEST


@pytest.mark.case("C3")
@pytest.mark.parametrize("why", ["stale", "refused"])
def test_call_waits_for_another_token_in_the_stage_of_tokens(session: AuthSession, why: str) -> None:
    left = 200 if why == "stale" else 3600
    Run([challenged(), ok()], [AccessToken("first", int(time.time()) + left)]).call(session)
    run = Watched([ok()] if why == "stale" else [challenged(MOVED), ok()])
    run.run(session)
    assert (run.stages_of_tokens, run.stages[-1]) == ([Stage.TOKEN], Stage.REQUEST)


def test_request_to_a_server_without_authentication_is_in_the_stage_of_requests() -> None:
    run = Watched([ok(), ok()])
    run.run(AuthSession(ORIGIN, verify=False), "POST", b"{}")
    assert run.stages == [Stage.PROBE, Stage.REQUEST]


@pytest.mark.case("A3")
@pytest.mark.parametrize(("method", "content"), [("POST", b"{}"), ("POST", None)], ids=["create", "rotate"])
def test_probe_has_the_headers_of_the_request_and_says_that_it_is_empty(
    session: AuthSession, method: str, content: Any
) -> None:
    run = Watched([challenged(), ok()])
    run.run(session, method, content)
    probe, request = run.headers
    assert (probe["Content-Length"], probe["x-ms-client-request-id"]) == ("0", "mine")
    assert request["x-ms-client-request-id"] == "mine"


def test_hook_of_the_caller_is_for_the_request_and_not_for_the_probe(session: AuthSession) -> None:
    def hook(request: Any) -> None: ...

    run = Watched([challenged(), ok()])
    run.run(session, raw_request_hook=hook)
    assert run.hooks == [None, hook]
    plain = Watched([challenged(), ok()])
    plain.run(AuthSession(origin_of(URL), verify=True))
    assert "raw_request_hook" not in plain.request.context.options  # type: ignore[union-attr]


@pytest.mark.case("A12")
def test_challenge_that_was_replaced_is_not_used_by_others_while_the_token_is_fetched(session: AuthSession) -> None:
    warm(session)
    run = Watched([challenged(MOVED), ok()])
    run.run(session)
    assert run.known == [None]
    assert CHALLENGES.get(ORIGIN) == Challenge(SCOPE, "tenant-two")


def test_claims_challenge_with_another_tenant_is_remembered_without_its_claims(session: AuthSession) -> None:
    warm(session)
    run = Run([challenged(f'{MOVED}, claims="eyJuYmYiOjF9"'), ok()])
    assert run.call(session).http_response.status_code == 200
    assert CHALLENGES.get(ORIGIN) == Challenge(SCOPE, "tenant-two")


def test_repeated_headers_that_are_kept_apart_are_all_read(session: AuthSession) -> None:
    from multidict import CIMultiDict

    answer = challenged()
    answer.headers = CIMultiDict([("www-authenticate", 'PoP nonce="x"'), ("WWW-Authenticate", HOST_CHALLENGE)])
    assert Run([answer, ok()]).call(session).http_response.status_code == 200


@pytest.mark.parametrize(("status", "refused"), [(299, True), (300, False)])
def test_what_is_no_success_of_a_probe_is_the_answer_to_the_call(
    session: AuthSession, status: int, refused: bool
) -> None:
    run = Run([Answer(status)])
    if refused:
        with pytest.raises(ClientAuthenticationError, match="asked for no token"):
            run.call(session, "POST", content=b"{}")
    else:
        assert run.call(session, "POST", content=b"{}").http_response.status_code == status
    assert [content for _, _, content, _ in run.sent] == [None]


@pytest.mark.case("A23")
def test_refused_token_is_dropped_although_replacing_it_has_just_failed(session: AuthSession) -> None:
    Run([challenged(), ok()], [AccessToken("first", int(time.time()) + 200)]).call(session)
    run = Run([Answer(401)], [RuntimeError("the credential is down")])
    assert run.call(session).http_response.status_code == 401
    assert session.grant is None


@pytest.mark.case("A23")
def test_call_uses_the_token_that_another_has_just_replaced(session: AuthSession) -> None:
    Run([challenged(), ok()], [AccessToken("first", int(time.time()) + 200)]).call(session)
    run = Watched([ok()])

    def other_call() -> None:
        assert session.grant is not None
        session.grant = copy.copy(session.grant)
        session.grant.header = "Bearer second"

    run.before_leading = other_call
    run.run(session)
    assert [token for *_, token in run.sent] == ["Bearer second"]
    assert (run.asked, run.optional) == ([], [True])


@pytest.mark.case("A23", "C9")
def test_replacement_of_a_good_token_gets_half_of_the_time_and_a_first_token_all() -> None:
    first, again = GetToken(SCOPE, None, None), GetToken(SCOPE, None, None, optional=True)
    assert (first.patience(10.0), first.patience(None)) == (10.0, None)
    assert (again.patience(10.0), again.patience(None)) == (5.0, None)


@pytest.mark.case("A23")
def test_replacement_of_a_good_token_is_optional(session: AuthSession) -> None:
    Run([challenged(), ok()], [AccessToken("first", int(time.time()) + 200)]).call(session)
    run = Run([ok()])
    run.call(session)
    assert [asked.optional for asked in run.asked] == [True]


@pytest.mark.case("D3")
def test_times_of_a_grant_end_where_they_say(session: AuthSession, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("azure.keyvault.keys._shared.auth.flow.time.time", lambda: 1000.0)
    Run([challenged(), ok()], [AccessToken("first", 2000)]).call(session)
    grant = session.grant
    assert grant is not None
    assert (grant.is_stale(1699.9), grant.is_stale(1700.0)) == (False, True)
    assert (grant.is_usable(1969.9), grant.is_usable(1970.0)) == (True, False)
    assert grant.is_for(grant.granted, 1999.9)
    assert not grant.is_for(grant.granted, 2000.0)
    assert not grant.is_for(grant.granted + 0.001, 1999.9)


@pytest.mark.case("A23", "D3")
def test_failed_replacement_is_tried_again_after_half_a_minute(
    session: AuthSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1000.0]
    monkeypatch.setattr("azure.keyvault.keys._shared.auth.flow.time.time", lambda: now[0])
    Run([challenged(), ok()], [AccessToken("first", 1200)]).call(session)
    run = Run([ok(), ok(), ok()], [RuntimeError("down"), "second"])
    for moment in (1000.0, 1029.9, 1030.0):
        now[0] = moment
        run.call(session)
    assert [token for *_, token in run.sent] == ["Bearer first", "Bearer first", "Bearer second"]
