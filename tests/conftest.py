"""Fixtures by topic; each module says what it is about."""

import os
import sys

import pytest
from hypothesis import settings

settings.register_profile("nightly", max_examples=8000, deadline=None)
if os.environ.get("HYPOTHESIS_PROFILE"):
    settings.load_profile(os.environ["HYPOTHESIS_PROFILE"])

pytest_plugins = ["fixtures.targets", "fixtures.worlds", "fixtures.clients", "fixtures.keyring", "fixtures.portability"]


def pytest_configure(config: pytest.Config) -> None:
    """Warnings are errors, but for one that asyncio of Python 3.10 gives without a reason."""
    if sys.version_info < (3, 11):
        # A TLS connection that the other side has closed is not marked as closed there; and one that is closed here in
        # the middle of an answer waits for the other side, which may take longer than the event loop of a test lives.
        config.addinivalue_line("filterwarnings", "ignore:unclosed (transport )?<:ResourceWarning")
