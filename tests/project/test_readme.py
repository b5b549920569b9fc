"""The README does what it says."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_readme_examples_run_on_the_emulator(tmp_path: Path) -> None:
    """All code blocks run from top to bottom, as production code with DefaultAzureCredential, and warn of nothing."""
    emulator = [sys.executable, "-m", "azure.keyvault.keys.emulator", "run", "--deletion-delay", "0.05", "--"]
    blocks = [sys.executable, "-X", "dev", "-W", "error", str(Path(__file__).with_name("run_blocks.py"))]
    command = [*emulator, *blocks, str(ROOT / "README.md")]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stdout + run.stderr
    blocks_in_readme = re.findall(r"^```python$", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert run.stdout.count("-- line") == len(blocks_in_readme) >= 12
    assert "b'42 crates' remote" in run.stdout


def test_readme_begins_with_the_two_commands_that_ci_runs() -> None:
    """A newcomer copies them; .ci/run takes them from here."""
    commands = re.findall(r"^pip install -r .*$", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert commands == [
        "pip install -r dev_requirements.txt && "
        "python -m azure.keyvault.keys.emulator run python samples/hello_world.py",
        "pip install -r dev_requirements.txt && pytest",
    ]
