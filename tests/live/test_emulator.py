"""The emulator answers as the live service did; what is meant to differ says why, and does differ."""

from __future__ import annotations

import pytest

from .emulated import differences
from .scenarios import Scenario, scenarios


@pytest.mark.parametrize("scenario", scenarios(), ids=lambda scenario: scenario.name)
def test_emulator_answers_as_the_live_service_did(scenario: Scenario) -> None:
    unmeant, meant = differences(scenario)
    assert unmeant == []
    for path, reason in scenario.meant.items():
        assert reason
        assert any(f": {path}: " in text for text in meant), f"the difference of {path} is no more: take it out"
