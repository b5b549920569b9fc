"""Change the modules that decide, one place at a time, and see whether their tests notice.

``python tests/mutation.py [MODULE ...] [--sample N] [--seed S]``: a module by its name (``challenge``), or all. Every
change that no test notices is printed; the end tells how many there were. With ``--sample`` a random choice is tried,
the same for the same seed. The sources stay as they are: changes are made in a copy.
"""

from __future__ import annotations

import argparse
import ast
import copy
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = Path("azure/keyvault/keys")
_LONGEST = 180.0  # seconds: a change that makes the tests run on for ever is noticed

#: The modules that decide, and the tests that are to notice a change.
MODULES: dict[str, list[str]] = {
    "_shared/auth/challenge.py": ["unit/test_challenge.py", "unit/test_auth_flow.py"],
    "_shared/auth/flow.py": ["unit/test_auth_flow.py", "unit/test_auth_policies.py", "unit/test_trusting_vaults.py"],
    "_shared/pipeline/call.py": ["unit/test_call.py", "unit/test_retry.py"],
    "_shared/pipeline/redirects.py": ["unit/test_redirects.py"],
    "_shared/pipeline/retry.py": ["unit/test_retry.py"],
    "_shared/wire/identifiers.py": ["unit/test_identifiers.py", "unit/test_foreign_answers.py"],
    "_shared/wire/reading.py": ["unit/test_wire.py", "unit/test_serialization.py", "unit/test_foreign_answers.py"],
    "_shared/wire/subject.py": ["unit/test_foreign_answers.py"],
    "_shared/wire/members.py": ["unit/test_wire.py", "unit/test_serialization.py", "unit/test_foreign_answers.py"],
    "_shared/wire/writing.py": ["unit/test_wire.py", "unit/test_serialization.py"],
    "_shared/wire/translation.py": ["unit/test_wire.py", "unit/test_serialization.py"],
    "_polling.py": ["unit/test_polling.py", "contract/test_deletion.py"],
    "_jwk/rsa.py": ["unit/test_jwk.py", "unit/test_local_keys.py", "unit/test_foreign_answers.py"],
    "crypto/_decision.py": ["unit/test_decision.py"],
    "crypto/_local/checks.py": ["unit/test_local_algorithms.py", "unit/test_ml_dsa.py"],
    "crypto/_local/der.py": ["unit/test_local_signature_forms.py"],
    "crypto/_local/ec.py": ["unit/test_local_keys.py", "unit/test_local_interop.py"],
    "crypto/_local/oct.py": ["unit/test_local_keys.py", "unit/test_local_algorithms.py", "unit/test_local_interop.py"],
    "crypto/_local/rsa.py": ["unit/test_local_keys.py", "unit/test_local_interop.py", "unit/test_foreign_answers.py"],
    "crypto/_local/secp256k1.py": ["unit/test_local_signature_forms.py"],
}

_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
_ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.FloorDiv, ast.FloorDiv: ast.Mult, ast.Mod: ast.Mult,
    ast.Pow: ast.Mult, ast.LShift: ast.RShift, ast.RShift: ast.LShift,
}  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """A changed module."""

    line: int
    what: str
    source: str


def mutants(source: str) -> Iterator[Mutant]:
    """Yield every change of a module, one at a time."""
    tree = ast.parse(source)
    spared = _spared(tree)
    for number, node in enumerate(ast.walk(tree)):
        if id(node) in spared:
            continue
        for what, change in _changes(node):
            changed = copy.deepcopy(tree)
            twin = next(found for index, found in enumerate(ast.walk(changed)) if index == number)
            change(twin)
            try:
                yield Mutant(getattr(node, "lineno", 0), what, ast.unparse(ast.fix_missing_locations(changed)))
            except (ValueError, RecursionError):
                continue


def _spared(tree: ast.Module) -> set[int]:
    """Return the nodes whose change means nothing: annotations, docstrings, messages, and what only types check."""
    spared: set[int] = set()

    def spare(node: ast.AST | None) -> None:
        if node is not None:
            spared.update(id(found) for found in ast.walk(node))

    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            spare(node.returns)
            for argument in (*node.args.args, *node.args.kwonlyargs, *node.args.posonlyargs):
                spare(argument.annotation)
        elif isinstance(node, ast.AnnAssign):
            spare(node.annotation)
        elif isinstance(node, (ast.JoinedStr, ast.Assert)) or (
            isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        ):
            spare(node)
        elif isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            for argument in (*node.exc.args, *(keyword.value for keyword in node.exc.keywords)):
                spare(argument)
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("cast", "_LOGGER.debug", "TypeVar"):
            spare(node)
    return spared


def _changes(node: ast.AST) -> Iterator[tuple[str, object]]:
    def setting(**values: object) -> object:
        def change(twin: ast.AST) -> None:
            for name, value in values.items():
                setattr(twin, name, value)

        return change

    if isinstance(node, ast.Compare):
        swapped = _COMPARISONS.get(type(node.ops[0]))
        if swapped:
            yield f"{type(node.ops[0]).__name__} becomes {swapped.__name__}", setting(ops=[swapped(), *node.ops[1:]])
    elif isinstance(node, ast.BoolOp):
        other = ast.Or if isinstance(node.op, ast.And) else ast.And
        yield f"{type(node.op).__name__} becomes {other.__name__}", setting(op=other())
    elif isinstance(node, ast.BinOp) and type(node.op) in _ARITHMETIC:
        yield f"{type(node.op).__name__} becomes another", setting(op=_ARITHMETIC[type(node.op)]())
    elif isinstance(node, (ast.If, ast.IfExp, ast.While)):
        if not (isinstance(node, ast.While) and isinstance(node.test, ast.Constant)):
            yield "the condition is negated", setting(test=ast.UnaryOp(ast.Not(), node.test))
    elif isinstance(node, ast.Constant):
        if isinstance(node.value, bool):
            yield f"{node.value} becomes {not node.value}", setting(value=not node.value)
        elif isinstance(node.value, int):
            yield f"{node.value} becomes {node.value + 1}", setting(value=node.value + 1)
    elif isinstance(node, ast.Return) and node.value is not None and not isinstance(node.value, ast.Constant):
        yield "the result becomes None", setting(value=ast.Constant(None))
    elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.For, ast.With, ast.Try)):
        for position, statement in enumerate(node.body):
            if isinstance(statement, (ast.Expr, ast.Raise)) and not _is_text(statement):
                body = [*node.body[:position], ast.Pass(), *node.body[position + 1 :]]
                yield f"line {statement.lineno} is left out", setting(body=body)


def _is_text(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, (ast.Constant, ast.Yield, ast.YieldFrom))


def noticed(tree: Path, tests: list[str]) -> bool:
    """Tell whether tests fail with the sources of a tree."""
    # Not from the folder of the sources, which Python would look into first.
    options = ["-c", str(ROOT / "tox.ini"), "-x", "-q", "-n0", "-m", "", "-p", "no:cacheprovider"]
    command = [sys.executable, "-m", "pytest", *options]
    environment = {**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        ended = subprocess.run(
            [*command, *(str(ROOT / "tests" / test) for test in tests)],
            cwd=tree, env=environment, capture_output=True, timeout=_LONGEST, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return True
    return ended.returncode != 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("modules", nargs="*", help="names of modules; all when none is given")
    parser.add_argument("--sample", type=int, help="try so many changes, chosen at random")
    parser.add_argument("--seed", default="1", help="of the choice")
    options = parser.parse_args()
    chosen = {
        module: tests
        for module, tests in MODULES.items()
        if not options.modules or Path(module).stem in options.modules or module in options.modules
    }
    every = [(module, mutant) for module in chosen for mutant in mutants((ROOT / PACKAGE / module).read_text("utf-8"))]
    if options.sample and options.sample < len(every):
        every = random.Random(options.seed).sample(every, options.sample)
    survivors = 0
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder)
        shutil.copytree(ROOT / "azure", tree / "azure", ignore=shutil.ignore_patterns("__pycache__"))
        for module, tests in chosen.items():
            if noticed(tree, tests):
                sys.exit(f"the tests of {module} fail without a change: {', '.join(tests)}")
        for module, mutant in every:
            path = tree / PACKAGE / module
            original = path.read_text("utf-8")
            path.write_text(mutant.source, encoding="utf-8")
            if not noticed(tree, chosen[module]):
                survivors += 1
                print(f"SURVIVED {module}:{mutant.line} {mutant.what}", flush=True)
            path.write_text(original, encoding="utf-8")
    killed = len(every) - survivors
    print(f"{len(every)} changes, {killed} noticed ({100 * killed / max(1, len(every)):.1f} %), {survivors} not")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
