"""Dask, Ray and Spark encrypt and decrypt in several processes, and the vault hears little of it.

The samples in ``samples/at_scale`` run as they are, on the emulator. Each engine is installed from PyPI into an
environment of its own (one or two minutes, then cached); its test is skipped where it cannot be installed, or where
Spark finds no Java. ``pytest -m slow -s tests/emulator_clients/engines`` prints rows and requests side by side.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pytest
from fixtures.virtual_environments import library_environment

from azure.keyvault.keys.emulator import KeyVaultEmulator

SAMPLES = Path(__file__).parents[3] / "samples" / "at_scale"
REQUIREMENTS = {
    "dask": ["dask[distributed]>=2024.8", "pyarrow>=22", "tink>=1.16"],
    "ray": ["ray>=2.40", "pyarrow>=22", "tink>=1.16"],
    "spark": ["pyspark>=4.0", "pandas>=2.2,<3", "pyarrow>=22", "tink>=1.16"],
}
PROCESSES = 4
#: The most data keys that are unwrapped. With Parquet and streams, every process makes its own for each key of the
#: vault, and reads what all the others have written; a keyset for all is unwrapped by each.
MOST_UNWRAPPED = {
    "dask_parquet": 2 * PROCESSES * PROCESSES,
    "ray_parquet": 2 * PROCESSES * PROCESSES,
    "dask_files": PROCESSES * PROCESSES,
    "ray_files": PROCESSES * PROCESSES,
    "spark_column": PROCESSES,
}

pytestmark = pytest.mark.slow


class Cost(NamedTuple):
    """What a run has cost: requests by method and operation, and tokens."""

    requests: Counter[str]
    tokens: int


@pytest.mark.parametrize("sample", MOST_UNWRAPPED)
def test_requests_grow_with_processes_and_keys_but_not_with_rows_or_files(sample: str, tmp_path: Path) -> None:
    if sample.startswith("spark") and shutil.which("java") is None:
        pytest.skip("Spark needs Java")
    for files, rows in ((12, 100), (96, 500)):
        cost = _run(sample, files, rows, tmp_path)
        print(
            f"\n{sample}: {files * rows} rows, {files} files, {cost.requests.total()} requests: {dict(cost.requests)}"
        )
        assert 0 < cost.requests["unwrapkey"] <= MOST_UNWRAPPED[sample]
        assert set(cost.requests) == {"GET", "unwrapkey"}
        # Each process gets each key once to write, and once more to read; the probe for the challenge comes before.
        assert cost.requests["GET"] <= (1 + PROCESSES) * (1 + 2 * 2)
        assert cost.tokens <= 1 + PROCESSES


def _run(sample: str, files: int, rows: int, folder: Path) -> Cost:
    engine = sample.partition("_")[0]
    python, variables = library_environment(engine, REQUIREMENTS[engine], timeout=1200)
    with KeyVaultEmulator(deletion_delay=0.05) as vault:
        environment = {**os.environ, **vault.environment, **variables, "VAULT_SUFFIXES": "localhost"}
        environment |= {"RAY_USAGE_STATS_ENABLED": "0", "PYSPARK_PYTHON": str(python)}
        command = [str(python), str(SAMPLES / f"{sample}.py"), "--files", str(files), "--rows", str(rows)]
        run = subprocess.run(
            [*command, "--workers", str(PROCESSES)],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=400,
        )
        assert run.returncode == 0, run.stdout + run.stderr
        assert f" {files * rows} rows: as written" in run.stdout
        # What the sample does to have a key, and to delete it, is left out.
        asked = [request for request in vault.requests if request.method in ("GET", "POST")]
        work = [one for one in asked if not one.path.endswith("/create") and "/deletedkeys/" not in one.path]
        return Cost(
            Counter(one.path.rsplit("/", 1)[1] if one.method == "POST" else "GET" for one in work),
            len(vault.token_requests),
        )
