"""What several tests of the project need, made once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import utils

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="session")
def documentation(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The documentation in HTML, made without a warning."""
    if not hasattr(utils, "NoDigestInfo"):
        # Releases before 47. The newest, with which the docs are published, is tried in CI.
        pytest.skip("annotations name what this release of cryptography does not have")
    pytest.importorskip("tink", reason="Tink is not installed (extra tink)")
    pytest.importorskip("pyarrow", reason="pyarrow is not installed (extra parquet)")
    out = tmp_path_factory.mktemp("docs")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-n", "-E", "-q", str(DOCS), str(out)]
    run = subprocess.run(command, cwd=out, capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stdout + run.stderr
    return out
