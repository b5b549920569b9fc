"""Fixtures by topic; each module says what it is about."""

import sys

import pytest

pytest_plugins = ["fixtures.targets", "fixtures.worlds", "fixtures.clients", "fixtures.keyring", "fixtures.portability"]


def pytest_configure(config: pytest.Config) -> None:
    """Warnings are errors, but for one that asyncio of Python 3.10 gives when nothing is wrong."""
    if sys.version_info < (3, 11):
        # A TLS connection is closed there when the other side has answered, and with aiohttp before 3.13 that is later
        # than the event loop of a test lives; one that the other side has closed is not marked as closed at all.
        config.addinivalue_line("filterwarnings", "ignore:unclosed (transport )?<:ResourceWarning")
