"""What the unit tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fixtures.stub_vault import stub

from azure.keyvault.keys._shared.auth.challenge import CHALLENGES

__all__ = ["stub"]


@pytest.fixture(autouse=True)
def _no_known_challenges() -> Iterator[None]:
    """Let no test profit from what an earlier one has learnt of a vault."""
    CHALLENGES.clear()
    yield
    CHALLENGES.clear()
