"""Run the Python code blocks of Markdown files, from top to bottom.

``python run_blocks.py [--client] [--without MODULE]... FILE...``

Each file has its own namespace. With ``--client`` it starts with a ``client`` and its ``credential``, for pages that
continue from "Getting started". Blocks whose first line is ``# <name>.py`` are files: they are written to a folder, and
pytest runs there at the end. ``--without`` skips the blocks that import from an optional module.
"""

from __future__ import annotations

import argparse
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


def run(path: Path, names: dict[str, object], folder: Path, without: list[str]) -> None:
    """Run the blocks of one file, except those that import from one of the modules in ``without``."""
    document = Sybil(parsers=[PythonCodeBlockParser()], path=str(path.parent), patterns=[path.name]).parse(path)
    document.namespace.update(names)
    for example in document.examples():
        absent = [module for module in without if f"from {module} import" in str(example.parsed)]
        print(f"-- line {example.line}", *(f"skipped without {module}" for module in absent), flush=True)
        if absent:
            continue
        file = _FILE.match(str(example.parsed))
        if file:
            Path(folder, file[1]).write_text(str(example.parsed), "utf-8")
        else:
            example.evaluate()
    for owner in (names, document.namespace):  # a page may replace the client that it starts with
        for name in ("client", "credential"):
            if hasattr(owner.get(name), "close"):
                owner[name].close()
    if any(folder.iterdir()):
        # Without the plug-ins that happen to be installed: their settings are those of this project, not the reader's.
        environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        pytest = [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider"]
        subprocess.run(pytest, cwd=folder, env=environment, check=True)


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--client", action="store_true")
    parser.add_argument("--without", action="append", default=[])
    parser.add_argument("files", nargs="+")
    given = parser.parse_args(arguments)
    for file in given.files:
        print(f"-- file {file}")
        names: dict[str, object] = {}
        if given.client:
            names["credential"] = credential = DefaultAzureCredential()
            names["client"] = KeyClient(os.environ["VAULT_URL"], credential)
        with tempfile.TemporaryDirectory() as folder:
            run(Path(file), names, Path(folder), given.without)


if __name__ == "__main__":
    main(sys.argv[1:])
