"""CI tells dependencies with known vulnerabilities from a service that it could not ask."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).parents[2] / ".ci" / "audit.py"
pytestmark = pytest.mark.skipif(not SCRIPT.is_file(), reason="needs the sources")

GOOD: dict[str, Any] = {"name": "one", "version": "1.0", "vulns": []}
BAD: dict[str, Any] = {"name": "two", "version": "2.0", "vulns": [{"id": "PYSEC-1"}, {"id": "GHSA-2"}]}
UNKNOWN: dict[str, Any] = {"name": "three", "skip_reason": "Dependency not found on PyPI"}
UNREACHED = "requests.exceptions.ConnectionError: HTTPSConnectionPool(host='pypi.org', port=443): Max retries exceeded"


@pytest.mark.parametrize(
    ("packages", "errors", "status", "text"),
    [
        ([GOOD, BAD], "Found 2 known vulnerabilities", 1, "VULNERABLE: two 2.0: PYSEC-1, two 2.0: GHSA-2"),
        ([UNKNOWN, BAD], "", 1, "VULNERABLE"),
        ([GOOD], "", 0, "1 packages have no known vulnerabilities"),
        ([GOOD, UNKNOWN], "", 0, "not checked, as the service does not know them: three"),
        ([UNKNOWN], "", 0, "SKIPPED: the service knew none of 1 packages; nothing was checked"),
        (None, UNREACHED, 0, "SKIPPED: pip-audit did not reach the service"),
        (None, "No module named pip_audit", 1, "pip-audit did not work"),
        (None, "", 1, "pip-audit did not work"),
    ],
    ids=["found", "found-beside-unknown", "none", "some-unknown", "all-unknown", "unreached", "no-pip-audit", "silent"],
)
def test_end_of_an_audit_is_told(packages: Any, errors: str, status: int, text: str) -> None:
    output = "" if packages is None else json.dumps({"dependencies": packages, "fixes": []})
    ended, said = runpy.run_path(str(SCRIPT))["verdict"](output, errors)
    assert ended == status
    assert text in said
