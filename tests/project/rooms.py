"""The rooms of the house as docs/architecture.md shows them: what each holds, and which others it imports.

    python tests/project/rooms.py

prints the tables. A room is a folder of the package; modules that lie directly in ``azure/keyvault/keys`` are one each.
Imports for type checkers only do not count.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "azure" / "keyvault" / "keys"
#: Modules of one line, and what only tells of others.
LEFT_OUT = {"__init__", "_version", "py"}


def room_of(path: Path) -> str:
    """Return the room of a module, as a path below the package."""
    place = path.relative_to(PACKAGE)
    return place.parent.as_posix() + "/" if len(place.parts) > 1 else place.as_posix()


def modules() -> dict[Path, str]:
    """Return every module of the package with its room."""
    return {path: room_of(path) for path in sorted(PACKAGE.rglob("*.py")) if path != PACKAGE / "__init__.py"}


def rooms() -> dict[str, set[str]]:
    """Return which rooms each room imports."""
    found: dict[str, set[str]] = {}
    for path, room in modules().items():
        imported = {room_of(other) for other in _imports_of(path)} - {room}
        found.setdefault(room, set()).update(imported)
    return {room: imports for room, imports in found.items() if room != "_version.py"}


def _imports_of(path: Path, *, for_types: bool = False) -> Iterator[Path]:
    """Give the files of the package that a module imports, anywhere in it.

    :param for_types: whether imports that only type checkers see count.
    """
    tree = ast.parse(path.read_text("utf-8"))
    for node in ast.walk(tree) if for_types else _statements(tree):
        if isinstance(node, ast.ImportFrom) and node.level:
            start = path.parents[node.level - 1].joinpath(*(node.module or "").split(".") if node.module else ())
            for name in node.names:
                for candidate in (start / f"{name.name}.py", start / name.name / "__init__.py"):
                    if candidate.exists():
                        yield candidate
                        break
                else:
                    for candidate in (start.with_suffix(".py"), start / "__init__.py"):
                        if candidate.exists() and candidate != PACKAGE / "__init__.py":
                            yield candidate
                            break


def imports() -> dict[Path, set[Path]]:
    """Return which modules each module imports, in functions and for type checkers too."""
    return {path: set(_imports_of(path, for_types=True)) - {path} for path in modules()}


def _statements(node: ast.AST) -> Iterator[ast.AST]:
    """Give every node but those under ``if TYPE_CHECKING``."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and isinstance(child.test, ast.Name) and child.test.id == "TYPE_CHECKING":
            for other in child.orelse:
                yield other
                yield from _statements(other)
            continue
        yield child
        yield from _statements(child)


def holds(room: str) -> str:
    """Return the first sentence of what a room says of itself."""
    path = PACKAGE / room / "__init__.py" if room.endswith("/") else PACKAGE / room
    text = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""
    return text.partition("\n")[0].replace("``", "`").rstrip(".")


def table(of_emulator: bool) -> str:
    """Return the rooms of the library, or those of the emulator, as a table of Markdown."""
    lines = ["| room | holds | imports |", "|---|---|---|"]
    for room, imports in sorted(rooms().items()):
        if room.startswith("emulator/") is of_emulator:
            names = ", ".join(f"`{name}`" for name in sorted(imports - {"_version.py"}))
            lines.append(f"| `{room}` | {holds(room)} | {names} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(table(False))
    print(table(True))
