"""Fixtures by topic; each module says what it is about."""

pytest_plugins = ["fixtures.targets", "fixtures.worlds", "fixtures.clients", "fixtures.keyring", "fixtures.portability"]
