"""What is in the repository, and what of it is in the wheel."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
#: What no file of the repository holds.
FORBIDDEN = {
    "a machine's path": rb"(?<![\w.])/(work|root|opt/wheels)/|/home/[a-z]\w*/|/Users/\w+/|C:\\\\?Users\\",
    "a token": rb"gh[pousr]_[A-Za-z0-9]{30}|github_pat_\w{30}|AKIA[0-9A-Z]{16}|npm_[A-Za-z0-9]{36}",
    "an access token": rb"eyJ[\w-]{30,}\.eyJ[\w-]{30,}\.[\w-]{80,}",
    "a private key": rb"BEGIN (RSA |EC |ENCRYPTED |OPENSSH )?PRIVATE KEY-----\s+[A-Za-z0-9+/=\s]{200}",
    "a package registry": rb"registry\.npmjs|files\.pythonhosted|test\.pypi\.org|://[^/\s\"']+/(simple|artifactory|nexus)/",
}
OFFLINE = re.compile(
    r"No matching distribution|Could not find a version|Connection|Temporary failure in name resolution"
)


def _files(*options: str) -> list[Path]:
    """Return the files that git keeps."""
    if not (ROOT / ".git").exists() or shutil.which("git") is None:
        pytest.skip("no git checkout")
    command = ["git", "ls-files", "-z", *options]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode().split("\0")
    return [ROOT / name for name in names if name and (ROOT / name).is_file()]


@pytest.mark.parametrize("what", FORBIDDEN)
def test_files_hold_nothing_of_this_machine(what: str) -> None:
    pattern = re.compile(FORBIDDEN[what])
    this = Path(__file__)
    found = [str(path.relative_to(ROOT)) for path in _files() if path != this and pattern.search(path.read_bytes())]
    assert found == []


def _sources() -> list[Path]:
    """Return the files that a build from this checkout would see: those that are not committed yet as well."""
    return _files("--cached", "--others", "--exclude-standard")


def _pip(*arguments: str, cwd: Path) -> None:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments]
    result = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=120)
    if result.returncode and OFFLINE.search(result.stderr):
        pytest.skip(f"pip cannot get what it needs: {result.stderr.strip()[-300:]}")
    assert result.returncode == 0, result.stderr[-2000:]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy, so that nothing is left in the checkout."""
    copy = tmp_path_factory.mktemp("checkout")
    for path in _sources():
        target = copy / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    out = tmp_path_factory.mktemp("wheel")
    _pip("wheel", "--no-deps", "--wheel-dir", str(out), ".", cwd=copy)
    (built,) = out.glob("*.whl")
    return built


@pytest.mark.slow
def test_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    strangers = [name for name in names if not name.startswith("azure/keyvault/keys/") and ".dist-info/" not in name]
    assert strangers == []
    assert "azure/keyvault/keys/py.typed" in names
    assert any(name.endswith("/LICENSE") for name in names)
    package = [path for path in _sources() if path.is_relative_to(ROOT / "azure")]
    expected = {path.relative_to(ROOT).as_posix() for path in package}
    assert {name for name in names if name.startswith("azure/")} == expected


@pytest.mark.slow
def test_wheel_o4_installs_beside_other_azure_packages(wheel: Path, tmp_path: Path) -> None:
    _pip("install", "--no-deps", "--target", str(tmp_path), str(wheel), "azure-core", "azure-identity", cwd=tmp_path)
    assert not (tmp_path / "azure" / "__init__.py").exists()
    assert not (tmp_path / "azure" / "keyvault" / "__init__.py").exists()
    program = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "import azure.core, azure.identity, azure.keyvault.keys as keys, azure.keyvault.keys.crypto\n"
        "print(keys.__file__, azure.core.__file__, azure.identity.__file__, keys.__version__, sep='\\n')\n"
    )
    command = [sys.executable, "-c", program]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    *files, version = result.stdout.split()
    assert all(Path(file).is_relative_to(tmp_path) for file in files)
    assert wheel.name.startswith(f"azure_keyvault_keys-{version}-")
