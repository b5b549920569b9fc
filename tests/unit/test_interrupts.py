"""Interrupts at odd moments, such as Ctrl-C: nothing that later calls need is left locked or counted."""

from __future__ import annotations

import random
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from azure.keyvault.keys._shared.fork import ForkLock
from azure.keyvault.keys._shared.workers import Workers

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="no timers that interrupt"),
    # A signal that meets a destructor is reported there.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

_TRIES = 100


class Interrupted(BaseException):
    """What the signal makes."""


@pytest.fixture
def interrupted(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Do something again and again until a signal comes."""

    armed = threading.Event()

    def interrupt(*_: object) -> None:
        if armed.is_set():
            raise Interrupted

    def again_and_again(work: Callable[[], object]) -> None:
        # A destructor that the signal meets swallows what it raises.
        end = time.monotonic() + 0.1
        while time.monotonic() < end:
            work()

    def run(work: Callable[[], object]) -> None:
        try:
            armed.set()
            signal.setitimer(signal.ITIMER_REAL, random.uniform(1e-5, 5e-4))
            again_and_again(work)  # a loop of its own: Python 3.13 leaves a try by the jump of a loop in it
        except (Interrupted, RuntimeError) as error:
            # Python's own Condition, which starting a thread waits for, may say so after an interrupt.
            assert isinstance(error, Interrupted) or "release unlocked lock" in str(error)  # noqa: PT017
        finally:
            armed.clear()  # a late signal is of no interest
            signal.setitimer(signal.ITIMER_REAL, 0)

    before = signal.signal(signal.SIGALRM, interrupt)
    yield run
    signal.signal(signal.SIGALRM, before)


@pytest.mark.case("C13")
def test_lock_is_released_whenever_an_interrupt_comes(interrupted: Any) -> None:
    lock = ForkLock()

    def use() -> None:
        with lock.current:
            pass

    for _ in range(_TRIES):
        interrupted(use)
        assert not lock.current.locked()


@pytest.mark.case("C13")
def test_workers_still_work_whenever_an_interrupt_comes(interrupted: Any) -> None:
    workers = Workers(2, "interrupted")
    for _ in range(_TRIES):
        interrupted(lambda: workers.submit(int))
    assert workers.within(20, lambda: 42) == 42


def test_workers_are_no_more_than_their_limit() -> None:
    workers, over = Workers(3, "limited"), threading.Event()
    jobs = [workers.submit(over.wait) for _ in range(20)]
    time.sleep(0.1)
    assert sum(thread.name == "limited" for thread in threading.enumerate()) == 3
    over.set()
    assert all(job.result(20) for job in jobs)
