"""Run the Python code blocks of a Markdown file, from top to bottom: ``python run_blocks.py FILE``."""

from __future__ import annotations

import sys
from pathlib import Path

from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser

path = Path(sys.argv[1])
document = Sybil(parsers=[PythonCodeBlockParser()], path=str(path.parent), patterns=[path.name]).parse(path)
for example in document.examples():
    print(f"-- line {example.line}", flush=True)
    example.evaluate()
for name in ("client", "credential"):
    document.namespace[name].close()
