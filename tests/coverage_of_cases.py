"""Print which tests show which rows of docs/reliability.md: ``python tests/coverage_of_cases.py [ID ...]``."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
#: How the last column of a row begins that no test shows.
REASONS = ("Not tested: ", "Does not apply: ")

_ROW = re.compile(r"^\| ([A-Z]\d+) \| (.+) \| (.+) \|$", re.MULTILINE)


def rows() -> dict[str, tuple[str, str]]:
    """Return what every row says: what happens, and what the library does."""
    found = _ROW.findall((ROOT / "docs/reliability.md").read_text("utf-8"))
    assert len({case for case, _, _ in found}) == len(found), "an id stands twice in docs/reliability.md"
    return {case: (given, done) for case, given, done in found}


@cache
def tests() -> dict[str, list[str]]:
    """Return the tests of every case that a test is marked with."""
    found: dict[str, list[str]] = {}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for function in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
                for case in _cases(function):
                    found.setdefault(case, []).append(f"{path.relative_to(ROOT)}::{function.name}")
    return found


def _cases(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
    for decorator in function.decorator_list:
        if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "pytest.mark.case":
            yield from (ast.literal_eval(argument) for argument in decorator.args)


def main(chosen: list[str]) -> int:
    """Print the tests of the chosen rows, or how many tests every row has."""
    described, shown = rows(), tests()
    if chosen:
        for case in chosen:
            print(f"{case}: {' '.join(described[case])}")
            print(*(f"  {test}" for test in shown.get(case, [])), sep="\n")
        return 0
    for case, (given, done) in described.items():
        count = len(shown.get(case, []))
        print(f"{case:4} {count:3}  {given}" + ("" if count or not done.startswith(REASONS) else f"  ({done})"))
    covered = [case for case in described if shown.get(case)]
    explained = [case for case, (_, done) in described.items() if done.startswith(REASONS)]
    print(f"\n{len(described)} rows: {len(covered)} shown by tests, {len(set(explained) - set(covered))} with a reason")
    return 0 if set(described) == {*covered, *explained} else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
