"""What is changed: every small mistake that a module could contain, one at a time."""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass

_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
_ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.FloorDiv, ast.FloorDiv: ast.Mult, ast.Mod: ast.Mult,
    ast.Pow: ast.Mult, ast.LShift: ast.RShift, ast.RShift: ast.LShift, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
    ast.BitXor: ast.BitAnd, ast.Div: ast.Mult,
}  # fmt: skip
#: ``frozen`` and ``slots`` of a dataclass protect from slips of a programmer; the library does not depend on them.
_SPARED_CALLS = ("cast", "_LOGGER.debug", "TypeVar", "dataclass")


@dataclass(frozen=True)
class Mutant:
    """A changed module.

    :ivar lines: the first and last line of the statement that was changed.
    :ivar statement: that statement's first line, as a name that survives when lines move.
    :ivar what: the code before and after the change.
    :ivar in_function: whether the change is within the body of a function. Others are made by importing the module.
    """

    module: str
    lines: tuple[int, int]
    statement: str
    what: str
    tree: ast.Module
    in_function: bool

    def __str__(self) -> str:
        return f"{self.module}:{self.lines[0]} {self.what}"


def mutants(module: str, source: str) -> Iterator[Mutant]:
    """Yield every change of a module, one at a time."""
    tree = ast.parse(source)
    lines = source.splitlines()
    spared = _spared(tree)
    parents = {child: parent for parent in ast.walk(tree) for child in ast.iter_child_nodes(parent)}
    numbers = {id(node): number for number, node in enumerate(ast.walk(tree))}
    for node in ast.walk(tree):
        if id(node) in spared:
            continue
        for target, change in _changes(node):
            changed = copy.deepcopy(tree)
            twin = _numbered(changed, numbers[id(node)])
            before = _text(target)
            after = change(twin)
            statement = target
            while not isinstance(statement, ast.stmt):
                statement = parents[statement]
            yield Mutant(
                module,
                (target.lineno if isinstance(target, ast.stmt) else statement.lineno, target.end_lineno or 0),
                lines[statement.lineno - 1].strip(),
                f"`{before}` becomes `{after}`",
                ast.fix_missing_locations(changed),
                _in_function(target, parents),
            )


def _numbered(tree: ast.Module, number: int) -> ast.AST:
    return next(node for index, node in enumerate(ast.walk(tree)) if index == number)


def _in_function(node: ast.AST, parents: dict[ast.AST, ast.AST]) -> bool:
    """Tell whether a node runs when a function is called, and not when it is defined."""
    while node in parents:
        parent = parents[node]
        if isinstance(parent, ast.Lambda) and node is parent.body:
            return True
        if isinstance(parent, (ast.FunctionDef, ast.AsyncFunctionDef)) and node in parent.body:
            return True
        node = parent
    return False


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
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in _SPARED_CALLS:
            spare(node)
    return spared


_Change = Callable[[ast.AST], str]


def _changes(node: ast.AST) -> Iterator[tuple[ast.expr | ast.stmt, _Change]]:
    """Yield what is changed of a node, and a function that changes its twin and returns the new code."""

    def setting(**values: object) -> _Change:
        def change(twin: ast.AST) -> str:
            for name, value in values.items():
                setattr(twin, name, value)
            return _text(twin)

        return change

    if isinstance(node, ast.Compare):
        for position, operator in enumerate(node.ops):
            swapped = _COMPARISONS[type(operator)]()
            yield node, setting(ops=[*node.ops[:position], swapped, *node.ops[position + 1 :]])
    elif isinstance(node, ast.BoolOp):
        yield node, setting(op=ast.Or() if isinstance(node.op, ast.And) else ast.And())
    elif isinstance(node, (ast.BinOp, ast.AugAssign)) and type(node.op) in _ARITHMETIC:
        yield node, setting(op=_ARITHMETIC[type(node.op)]())
    elif isinstance(node, (ast.If, ast.IfExp, ast.While, ast.comprehension)):
        yield from _conditions(node)
    elif isinstance(node, ast.Constant):
        if isinstance(node.value, bool):
            yield node, setting(value=not node.value)
        elif isinstance(node.value, int):
            yield node, setting(value=node.value + 1)
    elif isinstance(node, ast.Return) and node.value is not None and not isinstance(node.value, ast.Constant):
        yield node, setting(value=ast.Constant(None))
    for name in ("body", "orelse", "finalbody"):
        block = getattr(node, name, None)
        for position, statement in enumerate(block if isinstance(block, list) else ()):
            if _is_left_out(node, statement):
                yield statement, _leaving_out(name, position)


def _conditions(node: ast.If | ast.IfExp | ast.While | ast.comprehension) -> Iterator[tuple[ast.expr, _Change]]:
    def negating(position: int | None) -> _Change:
        def change(twin: ast.AST) -> str:
            old = twin.test if position is None else twin.ifs[position]  # type: ignore[attr-defined]
            new = old.operand if _is_not(old) else ast.UnaryOp(ast.Not(), old)
            if position is None:
                twin.test = new  # type: ignore[attr-defined]
            else:
                twin.ifs[position] = new  # type: ignore[attr-defined]
            return ast.unparse(new)

        return change

    if isinstance(node, ast.comprehension):
        for position, test in enumerate(node.ifs):
            yield test, negating(position)
    elif not isinstance(node.test, ast.Constant):
        yield node.test, negating(None)


def _is_not(node: ast.expr) -> bool:
    return isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)


def _is_left_out(parent: ast.AST, statement: ast.stmt) -> bool:
    """Tell whether a module without this statement is worth trying."""
    if isinstance(parent, (ast.Module, ast.ClassDef)):
        return False
    if isinstance(statement, ast.Expr):
        return not isinstance(statement.value, (ast.Constant, ast.Yield, ast.YieldFrom))
    if isinstance(statement, ast.Assign):
        return all(isinstance(target, (ast.Attribute, ast.Subscript)) for target in statement.targets)
    return isinstance(statement, (ast.Raise, ast.Delete, ast.AugAssign, ast.Break, ast.Continue))


def _leaving_out(name: str, position: int) -> _Change:
    def change(twin: ast.AST) -> str:
        getattr(twin, name)[position] = ast.copy_location(ast.Pass(), getattr(twin, name)[position])
        return "pass"

    return change


def _text(node: ast.AST) -> str:
    text = ast.unparse(node).splitlines()[0]
    return text if len(text) <= 100 else text[:97] + "..."
