"""The command that mutates modules tells what tests notice from what they do not."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from mutants.changes import mutants
from mutants.equivalent import EQUIVALENT

TESTS = Path(__file__).parents[1]

SOURCE = """
LIMIT = 3

def bounded(numbers):
    if len(numbers) > LIMIT and numbers[0]:
        raise ValueError("too many")
    return [number + 1 for number in numbers if number]
"""


def test_every_small_mistake_is_made_once() -> None:
    made = {change.what: change for change in mutants("module.py", SOURCE)}
    assert set(made) == {
        "`3` becomes `4`",
        "`len(numbers) > LIMIT and numbers[0]` becomes `not (len(numbers) > LIMIT and numbers[0])`",
        "`len(numbers) > LIMIT and numbers[0]` becomes `len(numbers) > LIMIT or numbers[0]`",
        "`len(numbers) > LIMIT` becomes `len(numbers) >= LIMIT`",
        "`0` becomes `1`",
        "`raise ValueError('too many')` becomes `pass`",
        "`return [number + 1 for number in numbers if number]` becomes `return None`",
        "`number + 1` becomes `number - 1`",
        "`1` becomes `2`",
        "`number` becomes `not number`",
    }
    assert [what for what, change in made.items() if not change.in_function] == ["`3` becomes `4`"]
    assert len({ast.unparse(change.tree) for change in made.values()}) == len(made)


def test_change_that_makes_no_difference_is_of_the_source_as_it_is() -> None:
    package = TESTS.parent / "azure" / "keyvault" / "keys"
    modules = {module for module, _, _ in EQUIVALENT}
    possible = {
        (module, change.statement, change.what)
        for module in modules
        for change in mutants(module, (package / module).read_text("utf-8"))
    }
    assert set(EQUIVALENT) - possible == set()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="needs fork")
def test_changes_of_a_module_are_tried() -> None:
    command = [sys.executable, str(TESTS / "mutation.py"), "redirects", "--sample", "6", "--verbose"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=900)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "FAILED _shared/pipeline/redirects.py" in ended.stdout
    assert ended.stdout.splitlines()[-1].startswith("all: 6"), ended.stdout
