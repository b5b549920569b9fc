"""Who may import whom, what an import loads, and how large a module grows before it is more than one thing."""

from __future__ import annotations

import ast
import io
import subprocess
import sys
import tokenize
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
from fixtures.cases import Cases
from rooms import imports, table

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "azure" / "keyvault" / "keys"
MODULES = [path for path in sorted(PACKAGE.rglob("*.py")) if "_generated" not in path.parts]
MOST_LINES = 300
MOST_LINES_OF_A_FUNCTION = 40
#: Modules that may be larger, by how many lines, and why.
LARGER = {
    "_client.py": (600, "one method for each operation, and most of it are their parameters"),
    "aio/_client.py": (600, "the twin of _client.py"),
    "crypto/_client.py": (350, "one method for each operation, and most of it are their parameters"),
    "crypto/aio/_client.py": (350, "the twin of crypto/_client.py"),
    "_models.py": (450, "the public models, which are properties over the wire models and know each other"),
}
#: Which module imports which, although that one imports it: the client makes these objects, whose constructor takes it.
CIRCLES = [
    ("crypto/_key_objects/base.py", "crypto/_client.py"),
    ("crypto/_key_objects/ec.py", "crypto/_client.py"),
]
NOT_LOADED = [
    "aiohttp",
    "azure.identity",
    "azure.keyvault.keys.emulator",
    "cryptography.hazmat.primitives.asymmetric",
    "msrest",
    "requests",
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


def test_modules_and_their_functions_are_of_a_size_to_be_read() -> None:
    cases = Cases()
    for path in MODULES:
        source = path.read_text("utf-8")
        lines = _lines_of_code(source)
        name = path.relative_to(PACKAGE).as_posix()
        most, _reason = LARGER.get(name, (MOST_LINES, ""))
        with cases.of(name):
            assert len(lines) <= most
            for node in ast.walk(ast.parse(source)):
                if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                    body = range(node.body[0].lineno, (node.end_lineno or node.lineno) + 1)
                    assert len(lines.intersection(body)) <= MOST_LINES_OF_A_FUNCTION, node.name
    cases.check()


def test_exceptions_for_large_modules_are_of_modules_that_need_them() -> None:
    sizes = {name: len(_lines_of_code((PACKAGE / name).read_text("utf-8"))) for name in LARGER}
    assert {name for name, size in sizes.items() if size <= MOST_LINES} == set()


@pytest.mark.parametrize("of_emulator", [False, True], ids=["library", "emulator"])
def test_rooms_are_what_the_imports_say(of_emulator: bool) -> None:
    """``python tests/project/rooms.py`` prints the tables."""
    assert table(of_emulator) in (ROOT / "docs" / "architecture.md").read_text("utf-8")


def test_no_modules_import_each_other() -> None:
    """Not in functions and not for type checkers either, except where :data:`CIRCLES` has a reason."""
    graph = imports()
    for importer, imported in CIRCLES:
        graph[PACKAGE / importer].remove(PACKAGE / imported)
    TopologicalSorter(graph).prepare()  # raises an error that names the circle


def test_imports_keep_to_the_contracts() -> None:
    """The contracts of pyproject.toml, which import-linter reads."""
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()"]
    result = subprocess.run(
        [*command, "--config", "pyproject.toml", "--no-cache"], cwd=ROOT, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-1000:]
    assert "0 broken" in result.stdout


@pytest.mark.case("O2")
@pytest.mark.parametrize(
    ("package", "others"),
    [
        ("azure.keyvault.keys", ["azure.keyvault.keys.aio", "azure.keyvault.keys.crypto"]),
        ("azure.keyvault.keys.crypto", ["azure.keyvault.keys.aio", "azure.keyvault.keys.crypto.aio"]),
        ("azure.keyvault.keys.aio", ["azure.keyvault.keys.crypto"]),
        ("azure.keyvault.keys.crypto.aio", ["azure.keyvault.keys.aio"]),
    ],
    ids=["keys", "keys.crypto", "keys.aio", "keys.crypto.aio"],
)
def test_import_loads_nothing_that_is_not_needed_yet(package: str, others: list[str]) -> None:
    loaded = _loaded_after(f"import {package}")
    assert loaded.intersection({*NOT_LOADED, *others}) == set()


STUB = """
import asyncio, builtins, sys, threading
from fixtures.stub_vault import AIO, SYNC, Answer, Script, StubWorld, bundle
for module in [name for name in sys.modules if name.partition(".")[0] == "msrest"]:
    raise SystemExit(f"{module} is loaded by the fixtures")
client = StubWorld(%s).client(Script([Answer(200, bundle())] * 2))
"""


@pytest.mark.case("O2")
@pytest.mark.parametrize("world", ["SYNC", "AIO"])
def test_reading_does_without_msrest(world: str) -> None:
    assert "msrest" not in _loaded_after(STUB % world + "asyncio.run(client.get_key('orders'))")


@pytest.mark.case("O2")
def test_loop_does_not_wait_for_msrest() -> None:
    program = """
real, threads = builtins.__import__, set()
def spy(name, *arguments):
    if name == "msrest":
        threads.add(threading.current_thread())
    return real(name, *arguments)
builtins.__import__ = spy
asyncio.run(client.create_key("orders", "RSA"))
assert threads and threading.main_thread() not in threads, threads
"""
    assert "msrest" in _loaded_after(STUB % "AIO" + program)


def _loaded_after(program: str) -> set[str]:
    """Return the modules that a new interpreter has loaded when it has run a program."""
    result = subprocess.run(
        [sys.executable, "-c", f"{program}\nimport sys; print(*sys.modules, sep='\\n')"],
        capture_output=True,
        text=True,
        cwd=ROOT / "tests",
    )
    assert result.returncode == 0, result.stderr
    return set(result.stdout.split())


@pytest.mark.case("O5")
def test_source_uses_nothing_that_runs_data() -> None:
    """No pickle, no eval, no YAML, no shell."""
    cases = Cases()
    for path in MODULES:
        with cases.of(path.relative_to(PACKAGE).as_posix()):
            _uses_nothing_that_runs_data(path)
    cases.check()


def _uses_nothing_that_runs_data(path: Path) -> None:
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


@pytest.mark.case("O4")
def test_namespaces_have_no_init() -> None:
    assert not (ROOT / "azure" / "__init__.py").exists()
    assert not (ROOT / "azure" / "keyvault" / "__init__.py").exists()
