"""The places that the contract is checked against. Every portable test is run against each that was chosen."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from itertools import count

import pytest
from fixtures.keyring import Keyring, Keyrings
from fixtures.portability import Identity, against, chosen
from fixtures.targets import Target


@pytest.hookimpl(tryfirst=True)
def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "target_of" in metafunc.fixturenames and "emulator_only" not in metafunc.fixturenames:
        metafunc.parametrize("target_of", chosen(metafunc.config), indirect=True)


@pytest.fixture
def identity(request: pytest.FixtureRequest) -> Identity:
    """Who the test is, whatever it runs against."""
    return Identity(request.node)


@pytest.fixture
def target_of(request: pytest.FixtureRequest, identity: Identity) -> Iterator[Callable[[str], Target]]:
    """Gives a place by its name, ``vault`` or ``hsm``."""
    with against(getattr(request, "param", "emulator"), identity, request) as places:
        yield places


@pytest.fixture
def vault(target_of: Callable[[str], Target]) -> Target:
    """The vault that the contract is checked against."""
    return target_of("vault")


@pytest.fixture
def hsm(target_of: Callable[[str], Target]) -> Target:
    """The Managed HSM that the contract is checked against."""
    return target_of("hsm")


@pytest.fixture
def new_name(identity: Identity, vault: Target) -> Callable[[], str]:
    """Gives key names that no other test uses, and that are the same in every run of this one."""
    digest = hashlib.sha256(f"{identity.module}::{identity.name}".encode()).hexdigest()[:12]
    numbers = count(1)
    return lambda: f"t{vault.run}-{digest}-{next(numbers)}"


@pytest.fixture
def keyring_of(
    request: pytest.FixtureRequest, keyring_of: Callable[[Target], Keyring]
) -> Iterator[Callable[[Target], Keyring]]:
    """Gives the keyring of a target: the run's, or the test's own where a recording has to be complete."""
    if request.node.get_closest_marker("recording") is None:
        yield keyring_of
        return
    keyrings = Keyrings()
    yield keyrings.of
    keyrings.close()
