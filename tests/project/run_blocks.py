"""Run the Python code blocks of Markdown files, from top to bottom: ``python run_blocks.py [--client] FILE...``.

Each file has names of its own. With ``--client`` they begin with a ``client`` and its ``credential``, for pages that go
on where "Getting started" ends. Blocks whose first line is ``# <name>.py`` are files, not programs: they are written to
a folder, where pytest runs at the end.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from azure.identity import DefaultAzureCredential
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser

from azure.keyvault.keys import KeyClient

_FILE = re.compile(r"# (\w+\.py)\n")


def run(path: Path, names: dict[str, object], folder: Path) -> None:
    """Run the blocks of one file."""
    document = Sybil(parsers=[PythonCodeBlockParser()], path=str(path.parent), patterns=[path.name]).parse(path)
    document.namespace.update(names)
    for example in document.examples():
        print(f"-- line {example.line}", flush=True)
        file = _FILE.match(str(example.parsed))
        if file:
            Path(folder, file[1]).write_text(str(example.parsed), "utf-8")
        else:
            example.evaluate()
    for name in ("client", "credential"):
        if hasattr(document.namespace.get(name), "close"):
            document.namespace[name].close()
    if any(folder.iterdir()):
        # Without the plug-ins that happen to be installed: their settings are those of this project, not the reader's.
        environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        pytest = [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider"]
        subprocess.run(pytest, cwd=folder, env=environment, check=True)


def main(arguments: list[str]) -> None:
    seeded = arguments[:1] == ["--client"]
    for argument in arguments[seeded:]:
        print(f"-- file {argument}")
        names: dict[str, object] = {}
        if seeded:
            names["credential"] = credential = DefaultAzureCredential()
            names["client"] = KeyClient(os.environ["VAULT_URL"], credential)
        with tempfile.TemporaryDirectory() as folder:
            run(Path(argument), names, Path(folder))


if __name__ == "__main__":
    main(sys.argv[1:])
