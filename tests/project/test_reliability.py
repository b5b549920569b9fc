"""The catalogue of reliability cases: every row has a test or a reason, and every marker has a row."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="module")
def catalogue() -> ModuleType:
    """The program that reads the catalogue and the markers."""
    spec = importlib.util.spec_from_file_location(
        "coverage_of_cases", Path(__file__).parents[1] / "coverage_of_cases.py"
    )
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_row_has_a_test_or_a_reason(catalogue: ModuleType) -> None:
    rows, tests = catalogue.rows(), catalogue.tests()
    assert len(rows) > 150
    assert [
        case for case, (_, done) in rows.items() if case not in tests and not done.startswith(catalogue.REASONS)
    ] == []


def test_no_row_with_a_test_says_that_it_has_none(catalogue: ModuleType) -> None:
    rows, tests = catalogue.rows(), catalogue.tests()
    assert [case for case, (_, done) in rows.items() if case in tests and done.startswith(catalogue.REASONS)] == []


def test_every_marker_names_a_row(catalogue: ModuleType) -> None:
    assert set(catalogue.tests()) - set(catalogue.rows()) == set()


def test_coverage_is_printed(catalogue: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert catalogue.main([]) == 0
    assert "rows: " in capsys.readouterr().out
    assert catalogue.main(["C5"]) == 0
    assert "tests/unit/test_retry.py::" in capsys.readouterr().out
