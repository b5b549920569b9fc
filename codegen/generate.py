"""Write azure/keyvault/keys/_generated/ from keyvault-keys.yaml.

    python codegen/generate.py          wipe the directory and write it again
    python codegen/generate.py --check  change nothing; fail if the directory is not what would be written

The document describes the service, and the templates describe the Python code. This program connects the two:
`description` validates the document and turns its operations and schemas into rows, the templates print them, and ruff
formats the result. Exit codes: 0 success, 1 the directory differs (--check), 2 the document is not valid.
"""

from __future__ import annotations

import argparse
import difflib
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import jinja2
from description import PLAIN_SEGMENT, Description, DescriptionError, Parameter, load

HERE = Path(__file__).resolve().parent
DOCUMENT = HERE / "keyvault-keys.yaml"
TEMPLATES = HERE / "templates"
OUTPUT = HERE.parent / "azure" / "keyvault" / "keys" / "_generated"

LINE_LENGTH = 120


def docstring(text: str) -> str:
    """The first sentence as summary, the others as a paragraph below it."""
    summary, _, rest = text.strip().partition(". ")
    return f"{wrap(summary.rstrip('.'))}.\n\n    {wrap(rest)}" if rest else wrap(summary)


def wrap(text: str, indent: int = 4, hanging: int = 0) -> str:
    """A paragraph of a docstring, without the indentation of its first line."""
    lines = textwrap.wrap(
        text,
        LINE_LENGTH,
        initial_indent=" " * indent,
        subsequent_indent=" " * (indent + hanging),
        break_on_hyphens=False,
        break_long_words=False,
    )
    return "\n".join(lines).lstrip()


def render(description: Description) -> dict[str, str]:
    """The generated files, by name."""
    environment = jinja2.Environment(  # noqa: S701 - the result is Python, which has nothing to escape for HTML.
        loader=jinja2.FileSystemLoader(TEMPLATES),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(
        wrap=wrap, docstring=docstring, pystr=repr, regex=lambda pattern: PLAIN_SEGMENT.sub(r"\1", pattern)
    )
    parameters: dict[str, dict[str, Parameter]] = {"segments": {}, "queries": {}}
    for operation in description.operations:
        for place, found in parameters.items():
            found.update({parameter.name: parameter for parameter in getattr(operation, place)})
    return {
        template.removesuffix(".jinja"): formatted(
            environment.get_template(template).render(description=description, parameters=parameters)
        )
        for template in sorted(environment.list_templates(extensions=["jinja"]))
    }


def formatted(source: str) -> str:
    """The source as formatted by ruff, independent of any surrounding configuration."""
    options = ["--isolated", "--line-length", str(LINE_LENGTH), "--target-version", "py310"]
    command = [sys.executable, "-m", "ruff", "format", *options, "-"]
    # The command consists of constants.
    result = subprocess.run(command, input=source.encode(), capture_output=True, check=False)  # noqa: S603
    if result.returncode:
        raise DescriptionError(f"a template gives Python that cannot be formatted: {result.stderr.decode()}")
    return result.stdout.decode()


def differences(files: dict[str, str], output: Path) -> list[str]:
    """The differences between the directory and these files, as readable lines."""
    present = {
        path.relative_to(output).as_posix(): path
        for path in sorted(output.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }
    found = [f"missing:    {name}" for name in sorted(files.keys() - present.keys())]
    found += [f"unexpected: {name}" for name in sorted(present.keys() - files.keys())]
    for name in sorted(files.keys() & present.keys()):
        committed, expected = present[name].read_bytes(), files[name].encode()
        if committed != expected:
            found.append(f"differs:    {name}")
            old, new = committed.decode(errors="replace").splitlines(), files[name].splitlines()
            diff = difflib.unified_diff(old, new, "committed", "generated", lineterm="", n=1)
            found += [f"    {line}" for line in list(diff)[:20]]
    return found


def write(files: dict[str, str], output: Path) -> None:
    """Replace the directory with these files."""
    shutil.rmtree(output, ignore_errors=True)
    output.mkdir(parents=True)
    for name, source in files.items():
        (output / name).write_bytes(source.encode())


def main(arguments: list[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description="Write the generated layer from keyvault-keys.yaml.")
    parser.add_argument("--check", action="store_true", help="change nothing, fail if the output is not up to date")
    parser.add_argument("--document", type=Path, default=DOCUMENT, help="OpenAPI document (default: %(default)s)")
    parser.add_argument("--output", type=Path, default=OUTPUT, help="directory to write (default: %(default)s)")
    options = parser.parse_args(arguments)
    try:
        files = render(load(options.document))
    except DescriptionError as error:
        print(f"{options.document.name}: {error}", file=sys.stderr)
        return 2
    if not options.check:
        write(files, options.output)
        return 0
    if found := differences(files, options.output):
        print(f"{options.output} is not what codegen/generate.py writes; run it.", *found, sep="\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
