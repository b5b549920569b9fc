"""The documentation can be made, tells of everything public, and does what it says."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import inspect
import re
import subprocess
import sys
import zlib
from enum import Enum
from pathlib import Path
from textwrap import dedent

import pytest
from decision_tables import with_tables
from fixtures.keyring import is_usable, needs_ml_dsa

from azure.keyvault.keys import KeyClient
from azure.keyvault.keys.crypto import CryptographyClient
from azure.keyvault.keys.emulator import EmulatorOptions
from azure.keyvault.keys.emulator._evidence import describe as describe_evidence

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.glob("**/*.md"))
PACKAGES = [
    "azure.keyvault.keys",
    "azure.keyvault.keys.aio",
    "azure.keyvault.keys.crypto",
    "azure.keyvault.keys.crypto.aio",
    "azure.keyvault.keys.emulator",
    "azure.keyvault.keys.parquet",
    "azure.keyvault.keys.tink",
    "azure.keyvault.keys.tink.aio",
    "azure.keyvault.keys.jose",
    "azure.keyvault.keys.jose.aio",
    "azure.keyvault.keys.ssh_agent",
]
MARKDOWN = [
    ROOT / "README.md",
    ROOT / "CHANGELOG.md",
    ROOT / "samples" / "README.md",
    ROOT / "tests" / "README.md",
    *PAGES,
]
_BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def _inventory(out: Path) -> set[str]:
    """Return the names of everything that the reference describes."""
    data = (out / "objects.inv").read_bytes()
    lines = zlib.decompress(data.split(b"\n", 4)[4]).decode("utf-8").splitlines()
    return {line.split(" py:")[0] for line in lines if " py:" in line}


def _public_names() -> set[str]:
    """Return the names that users may write: those that packages export, and the members of classes among them."""
    names = set()
    for package in PACKAGES:
        module = importlib.import_module(package)
        for name in module.__all__:
            thing = getattr(module, name)
            # What a package passes on from another one is described there.
            owner = max(
                (other for other in PACKAGES if thing.__module__.startswith(f"{other}._")), key=len, default=package
            )
            names.add(f"{owner}.{name}")
            if inspect.isclass(thing):
                names |= {f"{owner}.{name}.{member}" for member in _members(thing)}
    return names


def _members(kind: type) -> set[str]:
    if issubclass(kind, Enum):
        return set(kind.__members__)
    return {
        name
        for base in kind.__mro__
        if base.__module__.startswith("azure.keyvault.")
        for name, value in vars(base).items()
        if not name.startswith("_")
        and (inspect.isfunction(value) or isinstance(value, (property, classmethod, staticmethod)))
    }


@pytest.mark.slow
def test_docs_are_made_without_a_warning_and_tell_of_every_public_name(documentation: Path) -> None:
    assert _public_names() - _inventory(documentation) == set()


@pytest.mark.slow
def test_every_page_is_reached_from_the_first(documentation: Path) -> None:
    first = (documentation / "index.html").read_text("utf-8")
    guides = {page.stem for page in PAGES if page.parent == DOCS} - {"index"}
    assert {name for name in guides if f'href="{name}.html"' not in first} == set()


@pytest.mark.slow
def test_links_within_the_docs_lead_somewhere(documentation: Path) -> None:
    """Sphinx has checked those between pages; this checks what it made of all of them."""
    broken = []
    for page in documentation.glob("**/*.html"):
        for target in re.findall(r'(?:href|src)="([^"#?:]+)(?:[#?][^"]*)?"', page.read_text("utf-8")):
            if not (page.parent / target).exists():
                broken.append(f"{page.relative_to(documentation)}: {target}")
    assert broken == []


@pytest.mark.parametrize("page", MARKDOWN, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_relative_links_of_markdown_lead_to_files(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", page.read_text("utf-8"))
    assert [target for target in targets if not (page.parent / target).exists()] == []


@pytest.mark.slow
def test_code_blocks_of_docs_run_on_the_emulator(tmp_path: Path) -> None:
    """All Python blocks of each page run from top to bottom, as production code, and warn of nothing."""
    # Other libraries have environments of their own: tests/cookbook/test_cookbook.py runs that page.
    cookbook = DOCS / "other-libraries.md"
    pages = [page for page in PAGES if page != cookbook and _BLOCK.search(page.read_text("utf-8"))]
    assert len(pages) >= 6
    if not is_usable("ML-DSA-65"):  # with an old cryptography
        pages.remove(DOCS / "post-quantum-signatures.md")
    for page, package in (("envelopes", "tink"), ("at-scale", "pyarrow")):
        if importlib.util.find_spec(package) is None:
            pages.remove(DOCS / f"{page}.md")
    emulator = [sys.executable, "-m", "azure.keyvault.keys.emulator", "run", "--deletion-delay", "0.05", "--"]
    runner = [sys.executable, "-W", "error", str(Path(__file__).with_name("run_blocks.py")), "--client"]
    command = [*emulator, *runner, *map(str, pages)]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stdout + run.stderr
    assert run.stdout.count("-- line") == sum(len(_BLOCK.findall(page.read_text("utf-8"))) for page in pages)
    assert "3 passed" in run.stdout


@pytest.mark.parametrize("page", MARKDOWN, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_no_python_block_escapes_being_run(page: Path) -> None:
    """What is Python, by label or by looks, is a block that the tests of the README and of the docs find and run."""
    text = page.read_text("utf-8")
    run = _BLOCK.findall(text) if page == ROOT / "README.md" or page in PAGES else []
    fences = re.findall(r"^( *)(`{3,}|~{3,})([^\n]*)\n(.*?)^\1\2 *$", text, re.MULTILINE | re.DOTALL)
    assert len(fences) * 2 == len(re.findall(r"^ *(?:`{3,}|~{3,})", text, re.MULTILINE))
    python = [
        code
        for _, _, label, code in fences
        # Files that a page shows are programs of their own: the samples, which have tests of their own.
        if not label.startswith("{literalinclude}")
        and (re.search("py|code", label, re.IGNORECASE) or _is_python(code, label))
    ]
    assert python == run


def test_page_of_samples_shows_every_sample() -> None:
    shown = set(re.findall(r"\{literalinclude\} \.\./samples/(\w+\.py)", (DOCS / "samples.md").read_text("utf-8")))
    assert shown == {path.name for path in (ROOT / "samples").glob("*.py") if not path.stem.endswith("_async")}


def _is_python(code: str, label: str) -> bool:
    """Whether an unlabelled block does something in Python; a lone word or path is no program."""
    if label.strip():
        return False
    try:
        body = ast.parse(dedent(code)).body
    except SyntaxError:
        return False
    return any(not isinstance(node, ast.Expr) or isinstance(node.value, (ast.Call, ast.Await)) for node in body)


@needs_ml_dsa
def test_tables_of_decisions_are_those_of_the_code() -> None:
    page = (DOCS / "local-and-remote.md").read_text("utf-8")
    assert with_tables(page) == page


def test_emulator_guide_tells_what_the_emulator_rests_on() -> None:
    assert describe_evidence() in (DOCS / "emulator.md").read_text("utf-8")


def test_emulator_guide_tells_of_every_option() -> None:
    page = (DOCS / "emulator.md").read_text("utf-8")
    # How an old vault wrote an exponent is for the emulator's own tests, and the record of requests is always on.
    options = set(EmulatorOptions.__dataclass_fields__) - {"padded_hsm_exponent", "record"}
    assert {name for name in options if f"`{name}" not in page} == set()
    command = [sys.executable, "-m", "azure.keyvault.keys.emulator", "run", "--help"]
    usage = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    flags = set(re.findall(r"--[a-z-]+", usage)) - {"--help"}
    assert {flag for flag in flags if f"`{flag}" not in page} == set()


def test_troubleshooting_tells_of_every_code_of_the_emulator() -> None:
    """The emulator answers with the codes that the service is known to use."""
    page = (DOCS / "troubleshooting.md").read_text("utf-8")
    source = "".join(path.read_text("utf-8") for path in (ROOT / "azure/keyvault/keys/emulator").rglob("*.py"))
    codes = set(re.findall(r'"((?:Forbidden|Object|Key|AKV)[A-Za-z0-9]{3,})"', source))
    codes = {
        code for code in codes if code.startswith(("ForbiddenBy", "ObjectIs", "KeyType", "KeyOperationF", "KeyDis"))
    }
    assert len(codes) >= 8
    assert {code for code in codes if f"`{code}`" not in page} == set()


@pytest.mark.parametrize("client", [KeyClient, CryptographyClient])
def test_methods_tell_of_their_errors_or_of_the_method_that_does(client: type) -> None:
    """The methods in asyncio have the same words, as tests/project/test_parity.py checks."""
    untold = []
    for name in sorted(_members(client)):
        function = inspect.getattr_static(client, name)
        text = inspect.getdoc(getattr(function, "__func__", function)) or ""
        if isinstance(function, property) or re.search(r"(alias of|another name of|; see) :meth:", text):
            continue
        if ":raises" not in text and name not in ("close", "create_config"):
            untold.append(name)
    assert untold == []
