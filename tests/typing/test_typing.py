"""Type checkers know what a user gets, in strict mode and for the oldest supported Python."""

from __future__ import annotations

import ast
import importlib
import json
import subprocess
import sys
from collections.abc import Iterator
from enum import Enum
from importlib.util import find_spec
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from fixtures.keyring import needs_ml_dsa

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
USAGE = sorted(HERE.glob("usage_*.py"))
#: Parts of the library that need an extra, and the package that it brings.
OPTIONAL = {"parquet": "pyarrow", "tink": "tink"}
PACKAGES = [
    "azure.keyvault.keys",
    "azure.keyvault.keys.aio",
    "azure.keyvault.keys.crypto",
    "azure.keyvault.keys.crypto.aio",
    "azure.keyvault.keys.emulator",
    "azure.keyvault.keys.jose",
    "azure.keyvault.keys.jose.aio",
    "azure.keyvault.keys.ssh_agent",
    pytest.param(
        "azure.keyvault.keys.parquet", marks=pytest.mark.skipif(not find_spec("pyarrow"), reason="no pyarrow")
    ),
    pytest.param("azure.keyvault.keys.tink", marks=pytest.mark.skipif(not find_spec("tink"), reason="no Tink")),
    pytest.param("azure.keyvault.keys.tink.aio", marks=pytest.mark.skipif(not find_spec("tink"), reason="no Tink")),
]

#: Interfaces whose members are known from ``cryptography``, and enumerations, whose members are values.
KNOWN = (Enum, RSAPrivateKey, RSAPublicKey, EllipticCurvePrivateKey, EllipticCurvePublicKey)

pytestmark = pytest.mark.slow


@pytest.mark.case("O1")
def test_mypy_strict_accepts_usage() -> None:
    """It has no complaint, and sees every mistake that is marked as one."""
    command = [sys.executable, "-m", "mypy", "--strict", "--python-version", "3.10", *map(str, USAGE)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stdout + run.stderr
    assert f"no issues found in {len(USAGE)} source files" in run.stdout


@pytest.mark.case("O1")
@needs_ml_dsa
def test_pyright_accepts_usage() -> None:
    """It has no complaint, and sees every mistake that is marked as one."""
    command = [sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", sys.executable, "--project", str(HERE)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    report = json.loads(run.stdout)
    complaints = [f"{Path(one['file']).name}: {one['message']}" for one in report["generalDiagnostics"]]
    assert [text for text in complaints if text.startswith("usage_")] == []
    assert report["summary"]["filesAnalyzed"] >= len(USAGE)


@pytest.mark.case("O7")
@pytest.mark.parametrize("package", PACKAGES)
def test_usage_touches_every_public_name(package: str) -> None:
    """What is exported is used, and so is every public member of it."""
    module = importlib.import_module(package)
    used = set(_names())
    expected = set(module.__all__)
    for name in module.__all__:
        expected.update(_members(getattr(module, name)))
    assert expected - used == set()


def _members(kind: object) -> Iterator[str]:
    """Give the members that this library adds: not those of an enumeration, nor of ``cryptography``'s interfaces."""
    for base in getattr(kind, "__mro__", ()):
        ours = base.__module__.startswith("azure.keyvault.keys") and not base.__name__.startswith("_")
        if ours and not issubclass(base, KNOWN):
            yield from (name for name in vars(base) if not name.startswith("_"))


def _names() -> Iterator[str]:
    for path in USAGE:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Attribute):
                yield node.attr
            elif isinstance(node, ast.Name):
                yield node.id
