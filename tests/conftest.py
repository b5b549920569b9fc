"""Fixtures by topic; each module says what it is about."""

import sys

import pytest

pytest_plugins = ["fixtures.targets", "fixtures.worlds", "fixtures.clients", "fixtures.keyring", "fixtures.portability"]


def pytest_configure(config: pytest.Config) -> None:
    """Warnings are errors, but for one that asyncio of Python 3.10 gives without a reason."""
    if sys.version_info < (3, 11):
        # Its SSLProtocol does not mark a transport as closed that the other side has closed.
        config.addinivalue_line("filterwarnings", "ignore:unclosed transport <asyncio.sslproto:ResourceWarning")
