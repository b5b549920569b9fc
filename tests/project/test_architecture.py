"""Who may import whom, what an import loads, and how large a module grows before it is more than one thing."""

from __future__ import annotations

import ast
import io
import subprocess
import sys
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "azure" / "keyvault" / "keys"
MODULES = [path for path in sorted(PACKAGE.rglob("*.py")) if "_generated" not in path.parts]
MOST_LINES = 300
MOST_LINES_OF_A_FUNCTION = 40
#: Modules that may be larger, by how many lines, and why.
LARGER = {
    "_client.py": (600, "one method for each operation, and most of it are their parameters"),
    "aio/_client.py": (600, "the twin of _client.py"),
    "_models.py": (450, "the public models, which are properties over the wire models and know each other"),
}
NOT_LOADED = [
    "aiohttp",
    "azure.identity",
    "azure.keyvault.keys.aio",
    "azure.keyvault.keys.emulator",
    "cryptography.hazmat.primitives.asymmetric",
    "trustme",
]


def _lines_of_code(source: str) -> set[int]:
    """Return the numbers of the lines that hold code: no comments, no docstrings, no blanks."""
    docstrings: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            docstrings.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    beside = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER)
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in beside:
            lines.update(range(token.start[0], token.end[0] + 1))
    return lines - docstrings


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_module_and_its_functions_are_of_a_size_to_be_read(path: Path) -> None:
    source = path.read_text("utf-8")
    lines = _lines_of_code(source)
    most, _reason = LARGER.get(path.relative_to(PACKAGE).as_posix(), (MOST_LINES, ""))
    assert len(lines) <= most
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            body = range(node.body[0].lineno, (node.end_lineno or node.lineno) + 1)
            assert len(lines.intersection(body)) <= MOST_LINES_OF_A_FUNCTION, node.name


def test_exceptions_for_large_modules_are_of_modules_that_need_them() -> None:
    sizes = {name: len(_lines_of_code((PACKAGE / name).read_text("utf-8"))) for name in LARGER}
    assert {name for name, size in sizes.items() if size <= MOST_LINES} == set()


def test_imports_keep_to_the_contracts() -> None:
    """The contracts of pyproject.toml, which import-linter reads."""
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()"]
    result = subprocess.run(
        [*command, "--config", "pyproject.toml", "--no-cache"], cwd=ROOT, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-1000:]
    assert "0 broken" in result.stdout


@pytest.mark.parametrize("package", ["azure.keyvault.keys", "azure.keyvault.keys.crypto"], ids=["keys", "keys.crypto"])
def test_import_o2_loads_nothing_that_is_not_needed_yet(package: str) -> None:
    program = f"import sys, {package}; print(*sys.modules, sep='\\n')"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    loaded = set(result.stdout.split())
    assert {name for name in NOT_LOADED if name in loaded} == set()


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_source_o5_uses_nothing_that_runs_data(path: Path) -> None:
    """No pickle, no eval, no YAML, no shell."""
    tree = ast.parse(path.read_text("utf-8"))
    imported = {
        name
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    called = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    assert imported.isdisjoint({"pickle", "marshal", "shelve", "yaml", "dill"})
    assert called.isdisjoint({"eval", "exec", "compile", "__import__"})


def test_namespaces_o4_have_no_init() -> None:
    assert not (ROOT / "azure" / "__init__.py").exists()
    assert not (ROOT / "azure" / "keyvault" / "__init__.py").exists()
