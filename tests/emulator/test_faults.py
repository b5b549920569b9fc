"""Faults on demand, throttling and refusals, as other tests use them."""

from __future__ import annotations

import time
from typing import Any

import pytest
import urllib3

from .client import Api, EmulatorFactory, private_jwk


@pytest.fixture
def faulty(start: EmulatorFactory) -> Api:
    api = start(deletion_delay=0)
    api.create("a")
    return api


def test_status_is_answered_the_given_times_for_matching_calls(faulty: Api) -> None:
    faulty.vault.faults.status(503, times=2, method="GET", path="^/keys/a", retry_after=7)
    assert faulty("GET", "/keys").status == 200
    first = faulty("GET", "/keys/a")
    assert (first.status, first.headers["Retry-After"], first.error[1]) == (503, "7", "Injected")
    assert [faulty("GET", "/keys/a").status for _ in range(2)] == [503, 200]


def test_method_may_be_in_any_letter_case(faulty: Api) -> None:
    faulty.vault.faults.status(503, method="get")
    assert [faulty("GET", "/keys/a").status for _ in range(2)] == [503, 200]


def test_path_that_is_no_regular_expression_is_refused(faulty: Api) -> None:
    with pytest.raises(ValueError, match="path must be a regular expression"):
        faulty.vault.faults.status(503, path="(")


@pytest.mark.parametrize(
    ("filters", "message"),
    [({"time": 2}, "'time'; did you mean 'times'"), ({"verb": 1}, "the filters are times, method, path, probes")],
)
def test_keyword_that_is_no_filter_is_refused(faulty: Api, filters: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        faulty.vault.faults.status(503, **filters)
    assert faulty("GET", "/keys/a").status == 200


def test_status_that_is_no_number_is_refused(faulty: Api) -> None:
    status: Any = "503"
    with pytest.raises(TypeError, match="status must be int, such as 503, not str"):
        faulty.vault.faults.status(status)
    with pytest.raises(TypeError, match="status must be int"):
        faulty.vault.faults.rewrite(status=status)
    assert faulty("GET", "/keys/a").status == 200


def test_probes_are_spared_unless_asked_for(faulty: Api) -> None:
    faulty.vault.faults.status(500)
    assert faulty.send("GET", "/keys?api-version=7.4").status == 401
    assert faulty("GET", "/keys").status == 500
    faulty.vault.faults.status(500, probes=True)
    assert faulty("GET", "/keys").status == 200
    assert faulty.send("GET", "/keys?api-version=7.4").status == 500


@pytest.mark.case("C1")
def test_throttled_answer_has_no_retry_after_unless_given(faulty: Api) -> None:
    faulty.vault.faults.throttled()
    answer = faulty("GET", "/keys")
    assert answer.error == (429, "Throttled", None)
    assert "Retry-After" not in answer.headers
    faulty.vault.faults.throttled(retry_after="soon")
    assert faulty("GET", "/keys").headers["Retry-After"] == "soon"


@pytest.mark.case("E2")
def test_answer_is_sent_as_given(faulty: Api) -> None:
    faulty.vault.faults.answer(b"<html>", content_type="text/html", headers={"X-Portal": "yes"})
    answer = faulty("GET", "/keys/a")
    assert (answer.status, answer.data, answer.headers["Content-Type"]) == (200, b"<html>", "text/html")
    assert answer.headers["X-Portal"] == "yes"


@pytest.mark.case("B4")
def test_redirect_points_elsewhere(faulty: Api) -> None:
    faulty.vault.faults.redirect("https://elsewhere.test/keys", status=308)
    answer = faulty("GET", "/keys/a")
    assert (answer.status, answer.headers["Location"]) == (308, "https://elsewhere.test/keys")


@pytest.mark.case("E16")
def test_rewrite_changes_a_processed_reply(faulty: Api) -> None:
    faulty.vault.faults.rewrite(status=202, headers={"X": "y"})
    answer = faulty("POST", "/keys/b/create", {"kty": "EC"})
    assert (answer.status, answer.headers["X"]) == (202, "y")
    assert faulty("GET", "/keys/b").status == 200


@pytest.mark.case("E2")
def test_headers_of_a_fault_replace_those_of_the_reply(faulty: Api) -> None:
    faulty.vault.faults.rewrite(headers={"content-type": "text/html", "X-Ms-Request-Id": "mine", "server": "other"})
    headers = faulty("GET", "/keys/a").headers
    assert [headers.getlist(name) for name in ("Content-Type", "x-ms-request-id", "Server")] == [
        ["text/html"], ["mine"], ["other"],
    ]  # fmt: skip
    faulty.vault.faults.status(503, retry_after=7, headers={"Content-Type": "text/plain", "retry-after": "1"})
    headers = faulty("GET", "/keys/a").headers
    assert [headers.getlist(name) for name in ("Content-Type", "Retry-After")] == [["text/plain"], ["7"]]


def test_delay_answers_late(faulty: Api) -> None:
    faulty.vault.faults.delay(0.3)
    started = time.monotonic()
    assert faulty("GET", "/keys/a").status == 200
    assert time.monotonic() - started > 0.29


@pytest.mark.case("C15")
@pytest.mark.parametrize("reset", [False, True], ids=["FIN", "RST"])
@pytest.mark.parametrize("kind", ["none", "headers", "partial"])
def test_connection_is_broken(faulty: Api, kind: str, reset: bool) -> None:
    if kind == "partial":
        faulty.vault.faults.truncate(20, reset=reset)
    else:
        faulty.vault.faults.drop(after_headers=kind == "headers", reset=reset)
    with pytest.raises(urllib3.exceptions.ProtocolError):
        faulty("GET", "/keys/a")
    assert faulty("GET", "/keys/a").status == 200


@pytest.mark.case("C15")
def test_truncated_body_can_pose_as_whole(faulty: Api) -> None:
    faulty.vault.faults.truncate(20, as_success=True)
    answer = faulty("GET", "/keys/a")
    assert (answer.status, len(answer.data)) == (200, 20)


@pytest.mark.case("C15")
@pytest.mark.parametrize("sent", [None, 10], ids=["hang", "hang-mid-body"])
def test_connection_hangs(faulty: Api, sent: int | None) -> None:
    faulty.vault.faults.hang(0.3, sent=sent)
    started = time.monotonic()
    with pytest.raises(urllib3.exceptions.ProtocolError):
        faulty("GET", "/keys/a")
    assert time.monotonic() - started > 0.29


@pytest.mark.case("C5")
@pytest.mark.parametrize("processed", [True, False])
def test_dropped_reply_can_have_been_processed(faulty: Api, processed: bool) -> None:
    faulty.vault.faults.drop(processed=processed)
    with pytest.raises(urllib3.exceptions.ProtocolError):
        faulty("POST", "/keys/b/create", {"kty": "EC"})
    assert faulty("GET", "/keys/b").status == (200 if processed else 404)


def test_faults_can_be_cleared_and_last_forever(faulty: Api) -> None:
    faulty.vault.faults.status(500, times=None)
    assert [faulty("GET", "/keys").status for _ in range(3)] == [500] * 3
    faulty.vault.faults.clear()
    assert faulty("GET", "/keys").status == 200


def test_limit_throttles_and_forgets(faulty: Api) -> None:
    faulty.vault.throttle.limit(3, seconds=10)
    assert [faulty("GET", "/keys").status for _ in range(5)] == [200, 200, 200, 429, 429]
    faulty.vault.clock.advance(10)
    assert faulty("GET", "/keys").status == 200
    with pytest.raises(ValueError, match="calls must be 1 or more"):
        faulty.vault.throttle.limit(0)
    faulty.vault.throttle.limit(1, retry_after=3)
    assert [faulty("GET", "/keys").headers.get("Retry-After") for _ in range(2)] == [None, "3"]
    faulty.vault.throttle.limit(1)
    assert [faulty("POST", "/keys/b/create", {}).status for _ in range(2)] == [400, 429]
    faulty.vault.throttle.off()
    assert faulty("GET", "/keys").status == 200


def test_documented_limits_count_creates_by_protection(faulty: Api) -> None:
    faulty.vault.throttle.documented_limits()
    statuses = [faulty("POST", "/keys/a/create", {"kty": "EC"}).status for _ in range(21)]
    assert statuses == [200] * 20 + [429]
    assert faulty("GET", "/keys/a").error == (429, "Throttled", None)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/create", {"kty": "EC-HSM"}),
        ("PUT", "", {"key": {**private_jwk("P-256"), "kty": "EC-HSM"}}),
        ("PUT", "", {"key": private_jwk("P-256"), "Hsm": True}),
    ],
    ids=["create", "import", "import-flag"],
)
def test_documented_limits_count_new_hardware_keys(faulty: Api, method: str, path: str, body: dict[str, Any]) -> None:
    faulty.vault.throttle.documented_limits()
    statuses = [faulty(method, f"/keys/new-{number}{path}", body).status for number in range(11)]
    assert statuses == [200] * 10 + [429]


def test_documented_limits_count_the_version_that_is_named(faulty: Api) -> None:
    key_version = faulty.create("a", kty="RSA-HSM", key_size=4096)["key"]["kid"].rsplit("/", 1)[1]
    faulty.create("a")
    faulty.vault.throttle.documented_limits()
    assert [faulty("POST", "/keys/a/create", {"kty": "EC"}).status for _ in range(19)] == [200] * 19
    statuses = [faulty("GET", f"/keys/a/{key_version}").status for _ in range(14)]  # 250 cost as much as 20 creates
    assert statuses == [200] * 12 + [429] * 2
    faulty.vault.throttle.documented_limits()
    assert faulty("POST", "/keys/a/create", {}).error == (400, "BadParameter", None)


@pytest.mark.parametrize(
    ("permission", "method", "path"),
    [
        ("list", "GET", "/keys"),
        ("list", "GET", "/deletedkeys"),
        ("delete", "DELETE", "/keys/a"),
        ("sign", "POST", "/keys/a/sign"),
    ],
)
def test_denied_permission_is_refused_in_both_wordings(faulty: Api, permission: str, method: str, path: str) -> None:
    faulty.vault.permissions.deny(permission)
    answer = faulty(method, path)
    assert answer.error == (403, "Forbidden", "ForbiddenByPolicy")
    assert f" does not have keys {permission} permission on key vault 'localhost;location=" in answer.message
    faulty.vault.permissions.rbac = True
    answer = faulty(method, path)
    assert answer.error == (403, "Forbidden", "ForbiddenByRbac")
    assert answer.message.startswith("Caller is not authorized to perform action on resource.\r\n")


@pytest.mark.case("N2")
def test_firewall_refuses_everything(faulty: Api) -> None:
    faulty.vault.permissions.firewall = True
    assert faulty("GET", "/keys").error == (403, "Forbidden", "ForbiddenByFirewall")


def test_unknown_permission_is_a_mistake_of_the_test(faulty: Api) -> None:
    with pytest.raises(ValueError, match="not a permission: fly"):
        faulty.vault.permissions.deny("fly")
