"""What is in the repository, what of it is in the sdist and the wheel, and what they require."""

from __future__ import annotations

import importlib.metadata
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from fixtures.distributions import Distributions, build, copy_of_sources, sources
from packaging.requirements import Requirement

import azure.keyvault.keys

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


@pytest.mark.parametrize("what", FORBIDDEN)
def test_files_hold_nothing_of_this_machine(what: str) -> None:
    pattern = re.compile(FORBIDDEN[what])
    this = Path(__file__)
    found = [str(path.relative_to(ROOT)) for path in sources() if path != this and pattern.search(path.read_bytes())]
    assert found == []


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Distributions:
    """The sdist and the wheel."""
    return build(copy_of_sources(tmp_path_factory.mktemp("sources")), tmp_path_factory.mktemp("built"))


@pytest.mark.slow
def test_wheel_holds_the_package_and_nothing_else(built: Distributions) -> None:
    names = zipfile.ZipFile(built.wheel).namelist()
    strangers = [name for name in names if not name.startswith("azure/keyvault/keys/") and ".dist-info/" not in name]
    assert strangers == []
    assert "azure/keyvault/keys/py.typed" in names
    assert any(name.endswith("/LICENSE") for name in names)
    expected = {path.relative_to(ROOT).as_posix() for path in sources() if path.is_relative_to(ROOT / "azure")}
    assert {name for name in names if name.startswith("azure/")} == expected


@pytest.mark.slow
def test_metadata_names_the_author_and_has_no_link_that_is_dead_outside_the_repository(built: Distributions) -> None:
    wheel = zipfile.ZipFile(built.wheel)
    metadata = wheel.read(next(name for name in wheel.namelist() if name.endswith("/METADATA"))).decode("utf-8")
    assert "\nAuthor: The azure-keyvault-keys contributors\n" in metadata
    assert "\nLicense-Expression: MIT\n" in metadata
    links = re.findall(r"\]\(([^)]+)\)", metadata)
    assert len(links) >= 2
    assert [link for link in links if not link.startswith("https://")] == []
    sources = re.findall(r"""(?:src|srcset|href)=["']([^"']*)""", metadata)
    assert [source for source in sources if not source.startswith("https://")] == []


@pytest.mark.slow
def test_sdist_holds_every_file_and_nothing_else(built: Distributions) -> None:
    """Who has the sdist can build, test and document the package."""
    with tarfile.open(built.sdist) as archive:
        names = {member.name.partition("/")[2] for member in archive if member.isfile()}
    made = {
        name for name in names if name in ("PKG-INFO", "setup.cfg") or name.startswith("azure_keyvault_keys.egg-info/")
    }
    expected = {path.relative_to(ROOT).as_posix() for path in sources()}
    assert names - made == expected - {".gitignore"} - made


@pytest.mark.slow
def test_builds_of_another_time_place_and_umask_have_the_same_bytes(built: Distributions, tmp_path: Path) -> None:
    tree = copy_of_sources(tmp_path / "another" / "place")
    for path in tree.rglob("*"):
        path.chmod(0o700 if path.is_dir() or path.stat().st_mode & 0o100 else 0o600)
        os.utime(path, (1_000_000_000, 1_000_000_000))
    again = build(tree, tmp_path / "built", umask=0o077)
    assert again.sdist.read_bytes() == built.sdist.read_bytes()
    assert again.wheel.read_bytes() == built.wheel.read_bytes()


@pytest.mark.slow
def test_twine_accepts_what_is_built(built: Distributions) -> None:
    """Among other things, a package index can show the README."""
    command = [sys.executable, "-m", "twine", "check", "--strict", *map(str, built)]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.count("PASSED") == 2


def _pip(*arguments: str, cwd: Path) -> None:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments]
    result = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=120)
    if result.returncode and OFFLINE.search(result.stderr):
        # The suite needs no network; everything else that pip may say fails the test.
        pytest.skip(f"pip cannot get what it needs: {result.stderr.strip()[-300:]}")
    assert result.returncode == 0, result.stderr[-2000:]


@pytest.mark.case("O4")
@pytest.mark.slow
def test_wheel_installs_beside_other_azure_packages(built: Distributions, tmp_path: Path) -> None:
    packages = [str(built.wheel), "azure-core", "azure-identity"]
    _pip("install", "--no-deps", "--target", str(tmp_path), *packages, cwd=tmp_path)
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
    assert built.wheel.name.startswith(f"azure_keyvault_keys-{version}-")


# What is tested: the lowest releases that are said to do, and the wheel


def _requirements(name: str) -> list[Requirement]:
    """Return what a file of requirements asks for."""
    lines = (line.partition(" #")[0].strip() for line in (ROOT / "tests" / name).read_text("utf-8").splitlines())
    return [Requirement(line) for line in lines if line and not line.startswith(("#", "-"))]


def _floors() -> dict[str, str]:
    """Return the lowest releases of what the package requires, and of what programs use with it."""
    required = re.findall(r'"([a-z][a-z0-9-]*>=[\d.]+)"', (ROOT / "setup.py").read_text("utf-8"))
    with_it = [str(entry) for entry in _requirements("requirements.txt") if entry.name.startswith("azure-")]
    floors: dict[str, str] = {}
    for name, _, version in (entry.partition(">=") for entry in required + with_it):
        assert floors.setdefault(name, version) == version  # extras agree
    return floors


@pytest.mark.case("P4", "O3")
def test_lowest_dependencies_tested_are_the_lowest_required() -> None:
    pinned = {entry.name: str(entry.specifier) for entry in _requirements("lowest.txt")}
    assert pinned == {name: f"=={version}" for name, version in _floors().items()}


def test_tox_tests_every_version_of_python_with_lowest_and_newest_dependencies() -> None:
    settings = (ROOT / "tox.ini").read_text("utf-8")
    assert "env_list = py{310, 311, 312, 313}-{lowest, newest}," in settings


@pytest.mark.case("O4", "O3")
@pytest.mark.skipif(
    "KEYVAULT_TEST_WHEEL" not in os.environ, reason="this is no environment of tox, which installs the wheel"
)
def test_tox_tests_the_wheel_with_the_dependencies_that_its_name_says() -> None:
    assert not Path(azure.keyvault.keys.__file__).is_relative_to(ROOT / "azure")
    program = "import azure.keyvault.keys as keys; print(keys.__file__)"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.strip()
    assert found == azure.keyvault.keys.__file__
    if os.environ["TOX_ENV_NAME"].endswith("lowest"):
        for entry in _requirements("lowest.txt"):
            assert importlib.metadata.version(entry.name) in entry.specifier


#: What starts programs among the sources. They read them, and import nothing of the package.
READERS = {
    "fixtures/distributions.py": "git",
    "project/test_architecture.py": "import-linter",
    "typing/test_typing.py": "type checkers",
}


def test_programs_of_tests_start_where_the_sources_cannot_be_imported() -> None:
    """``python -m`` and ``python -c`` look in the current directory first, before what is installed."""
    this = Path(__file__)
    found = {
        path.relative_to(ROOT / "tests").as_posix()
        for path in (ROOT / "tests").rglob("*.py")
        if path != this and re.search(r"cwd=ROOT[,)]|chdir\(ROOT\)", path.read_text("utf-8"))
    }
    assert found == set(READERS)
