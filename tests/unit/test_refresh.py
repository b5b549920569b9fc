"""When the newest version of a key is looked up, on a clock of the test's own: no client, no vault, no waiting."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from azure.keyvault.keys import KeyVaultKey
from azure.keyvault.keys._shared.fork import _renew_all
from azure.keyvault.keys.crypto._refresh import LONGEST_LOOK_UP, Refresh, refresh_of, time_for
from azure.keyvault.keys.crypto._state import KeyState

KEY = "https://demo.vault.azure.net/keys/orders"


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def refresh(clock: Clock) -> Refresh:
    """The look-ups of a key that has just become known."""
    made = Refresh(600, clock)
    made.succeeded()
    return made


def test_key_that_is_not_known_yet_is_not_looked_up_again(clock: Clock) -> None:
    """The first look-up has to succeed: it is no matter of time."""
    refresh = Refresh(600, clock)
    clock.now += 10_000
    assert not refresh.is_due()
    assert not refresh.claim()


def test_version_is_used_for_its_time_and_looked_up_then(refresh: Refresh, clock: Clock) -> None:
    clock.now += 599.9
    assert not refresh.claim()
    clock.now += 0.1
    assert refresh.claim()


def test_one_caller_looks_up_while_the_others_go_on(refresh: Refresh, clock: Clock) -> None:
    clock.now += 600
    assert [refresh.claim() for _ in range(3)] == [True, False, False]
    refresh.succeeded()
    assert not refresh.is_due()
    clock.now += 600
    assert refresh.claim()


def test_failed_look_up_is_tried_again_soon_and_less_and_less_often(refresh: Refresh, clock: Clock) -> None:
    clock.now += 600
    waits = []
    for _ in range(9):
        assert refresh.claim()
        refresh.failed()
        began = clock.now
        while not refresh.is_due():
            clock.now += 1
        waits.append(clock.now - began)
    assert waits == [5, 10, 20, 40, 80, 160, 320, 600, 600]
    assert refresh.claim()
    refresh.succeeded()
    clock.now += 600
    assert refresh.claim()
    refresh.failed()
    clock.now += 5
    assert refresh.is_due()


def test_failed_look_up_is_tried_again_within_a_short_refresh_time(clock: Clock) -> None:
    refresh = Refresh(2, clock)
    refresh.failed()
    clock.now += 2
    assert refresh.is_due()


def test_many_failures_do_not_overflow(refresh: Refresh, clock: Clock) -> None:
    for _ in range(2000):
        refresh.failed()
    clock.now += 600
    assert refresh.is_due()


def test_look_up_that_its_caller_gave_up_is_the_next_callers(refresh: Refresh, clock: Clock) -> None:
    clock.now += 600
    assert refresh.claim()
    with pytest.raises(KeyboardInterrupt), refresh.looking_up(KEY):
        raise KeyboardInterrupt
    assert refresh.claim()


def test_failure_ends_with_the_look_up_and_is_logged(
    refresh: Refresh, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    clock.now += 600
    assert refresh.claim()
    with caplog.at_level(logging.WARNING, "azure.keyvault.keys.crypto"), refresh.looking_up(KEY):
        raise OSError("no route")
    (record,) = caplog.records
    assert KEY in record.getMessage()
    assert "no route" in record.getMessage()
    assert not refresh.is_due()


def test_child_process_does_not_wait_for_a_look_up_of_its_parent(refresh: Refresh, clock: Clock) -> None:
    clock.now += 600
    assert refresh.claim()
    refresh._lock.acquire()
    _renew_all()
    assert refresh.claim()


@pytest.mark.parametrize(
    ("left", "seconds"), [(None, LONGEST_LOOK_UP), (100.0, LONGEST_LOOK_UP), (8.0, 4.0), (0.0, 0.0)]
)
def test_look_up_leaves_its_call_time_to_go_on(left: float | None, seconds: float) -> None:
    assert time_for(left) == seconds


@pytest.mark.parametrize("wrong", [0, -1, float("nan"), float("-inf")], ids=repr)
def test_time_that_is_not_positive_is_refused(wrong: Any) -> None:
    with pytest.raises(ValueError, match="refresh_after must be a positive number of seconds"):
        refresh_of(KeyState.of(KEY, "auto"), wrong)


@pytest.mark.parametrize("wrong", ["600", True, b"1", [600]], ids=repr)
def test_time_that_is_no_number_is_refused(wrong: Any) -> None:
    with pytest.raises(TypeError, match="refresh_after must be a number of seconds"):
        refresh_of(KeyState.of(KEY, "auto"), wrong)


@pytest.mark.parametrize("key", [f"{KEY}/v1", KeyVaultKey(f"{KEY}/v1", kty="RSA")], ids=["identifier", "key"])
def test_key_with_a_version_is_refused(key: Any) -> None:
    with pytest.raises(ValueError, match="refresh_after is for a key without a version"):
        refresh_of(KeyState.of(key, "auto"), 600)


def test_nothing_is_looked_up_unless_asked_for() -> None:
    assert refresh_of(KeyState.of(KEY, "auto"), None) is None
