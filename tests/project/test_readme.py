"""The README does what it says."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_readme_examples_run_on_the_emulator(tmp_path: Path) -> None:
    """All code blocks run from top to bottom, as production code with DefaultAzureCredential, and warn of nothing."""
    emulator = [sys.executable, "-m", "azure.keyvault.keys.emulator", "run", "--deletion-delay", "0.05", "--"]
    blocks = [sys.executable, "-X", "dev", "-W", "error", str(Path(__file__).with_name("run_blocks.py"))]
    has_tink = importlib.util.find_spec("tink") is not None
    without = [] if has_tink else ["--without", "azure.keyvault.keys.tink"]
    command = [*emulator, *blocks, *without, str(ROOT / "README.md")]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stdout + run.stderr
    blocks_in_readme = re.findall(r"^```python$", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert run.stdout.count("-- line") == len(blocks_in_readme) >= 12
    assert "b'42 crates' remote" in run.stdout
    assert ("988890 bytes decrypted" in run.stdout) == has_tink
    assert run.stdout.count("skipped") == (not has_tink)


def test_readme_begins_with_the_two_commands_that_ci_runs() -> None:
    """A newcomer copies them; .ci/run takes them from here."""
    text = (ROOT / "README.md").read_text("utf-8")
    commands = re.findall(r"^pip install .* && .*$", text, re.MULTILINE)
    assert commands == [
        'pip install ".[emulator]" azure-identity && '
        "python -m azure.keyvault.keys.emulator run python samples/hello_world.py",
        "pip install -r dev_requirements.txt && pytest",
    ]
    assert text.index(commands[1]) < text.index("\n## ")


def test_readme_says_first_whose_package_this_is_and_how_to_keep_it() -> None:
    first, _, rest = (ROOT / "README.md").read_text("utf-8").partition("## Why not the official package")
    assert "independent implementation of azure-keyvault-keys" in first
    assert "`pip install azure-keyvault-keys` gives you Microsoft's" in first
    assert "azure-keyvault-keys[aio] @ file:///" in rest


def test_nothing_says_to_install_the_other_package() -> None:
    """What tells how to install an extra tells how to install this library with it."""
    pages = [ROOT / "README.md", *ROOT.glob("docs/**/*.md"), ROOT / "samples" / "README.md"]
    sources = (ROOT / "azure").glob("**/*.py")
    command = re.compile(r"pip install (?:-U )?[\"']?azure-keyvault-keys\b(?!\[\w+\] @)")
    told = [
        f"{path.relative_to(ROOT)}: {line}"
        for path in [*pages, *sources]
        for line in path.read_text("utf-8").splitlines()
        if command.search(line) and not re.search(r"Microsoft|another|PyPI|4\.1\d", line)
    ]
    assert told == []
