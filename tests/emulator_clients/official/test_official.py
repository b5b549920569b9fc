"""azure-keyvault-keys 4.11.3 and this library do the same, from one script, on the emulator.

So the emulator serves a client that this project did not write, and a program written for 4.x runs unchanged on this
library. The other library is a black box: it is installed from PyPI into an environment of its own (some seconds, then
cached) and only its public names are used. The tests are skipped where it can't be installed.

What the script leaves out or counts as the same, as the two differ there on purpose:

* an empty name (AttributeError in 4.x), more than 128 random bytes (the service refuses), local keys without
  ``key_ops`` (4.x refuses them), the ``vault_url`` of a key that is in no vault;
* an enumeration's member and its value, an error and its subclass, and what this library adds to the text of an error
  or of an object.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from fixtures.virtual_environments import virtual_environment

REQUIREMENTS = ["azure-keyvault-keys==4.11.3", "azure-identity", "aiohttp"]
SCRIPT = Path(__file__).with_name("life_cycle.py")
NAMED_HOST = SCRIPT.with_name("named_host.py")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def official() -> Path:
    """The interpreter that has the other library."""
    return virtual_environment("official", REQUIREMENTS)


@pytest.mark.parametrize("world", ["sync", "aio"])
@pytest.mark.parametrize(("hsm", "steps"), [((), 95), (("hsm",), 15)], ids=["vault", "managed-hsm"])
def test_both_libraries_tell_the_same_story(official: Path, world: str, hsm: tuple[str, ...], steps: int) -> None:
    """Every step of the life of keys has the same outcome with both: results, properties, reprs, errors."""
    theirs, ours = _story(official, world, *hsm), _story(Path(sys.executable), world, *hsm)
    assert list(ours) == list(theirs)
    assert ours == theirs
    assert len(theirs) >= steps


@pytest.mark.parametrize("world", ["sync", "aio"])
def test_a_vault_with_a_parent_domain_needs_no_argument(official: Path, world: str) -> None:
    """The other library's check of the challenge passes, and nothing else changes."""
    plain, named = _story(official, world), _story(official, world, host=True)
    assert named == plain


def test_the_other_library_is_the_one_under_test(official: Path) -> None:
    """The script does not meet this library by accident."""
    program = "import azure.keyvault.keys as keys; print(keys.__version__)"
    run = subprocess.run([str(official), "-I", "-c", program], capture_output=True, text=True, timeout=60)
    assert run.stdout.strip() == "4.11.3"


def _story(python: Path, *words: str, host: bool = False) -> dict[str, Any]:
    options = ["--managed-hsm"] if "hsm" in words else ["--deletion-delay", "0.1"]
    options += ["--host", "my.vault.localhost"] if host else []
    emulator = [sys.executable, "-m", "azure.keyvault.keys.emulator", "run", *options, "--"]
    script = [str(NAMED_HOST), str(SCRIPT)] if host else [str(SCRIPT)]
    # With -E, PYTHONPATH does not lead the other library's interpreter to this library.
    interpreter = [str(python)] if str(python) == sys.executable else [str(python), "-E"]
    run = subprocess.run([*emulator, *interpreter, *script, *words], capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stdout + run.stderr
    return {step: _without_details(outcome) for step, outcome in map(json.loads, run.stdout.splitlines())}


def _without_details(outcome: Any) -> Any:
    """Return an outcome in which the text of an object says only of which class it is."""
    if isinstance(outcome, str):
        return re.sub(r"<(\w+)\b.*>", r"<\1>", outcome)
    if isinstance(outcome, list):
        return [_without_details(item) for item in outcome]
    if isinstance(outcome, dict):
        return {name: _without_details(item) for name, item in outcome.items()}
    return outcome
