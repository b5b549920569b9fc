"""What is said to whoever has installed half of it."""

from __future__ import annotations

import importlib.metadata
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from azure.keyvault.keys import _extras, aio
from azure.keyvault.keys.crypto import aio as crypto_aio

URL = "https://demo.vault.azure.net"


class _Credential:
    async def get_token(self, *scopes: str, **options: Any) -> Any: ...


class _Installed:
    """A distribution that pip has recorded the origin of."""

    def __init__(self, origin: Any) -> None:
        self.origin = origin

    def read_text(self, name: str) -> str | None:
        return None if self.origin is None else json.dumps(self.origin)


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Any:
    def from_(origin: Any) -> None:
        monkeypatch.setattr(importlib.metadata, "distribution", lambda name: _Installed(origin))

    return from_


@pytest.mark.parametrize(
    "make",
    [
        lambda: aio.KeyClient(URL, _Credential()),
        lambda: crypto_aio.CryptographyClient(f"{URL}/keys/orders", _Credential()),
    ],
    ids=["KeyClient", "CryptographyClient"],
)
def test_asyncio_client_without_aiohttp_says_what_to_install(monkeypatch: pytest.MonkeyPatch, make: Any) -> None:
    monkeypatch.setitem(sys.modules, "aiohttp", None)
    with pytest.raises(ImportError, match=r"The asyncio client needs aiohttp, which is not installed. Run") as refused:
        make()
    assert "[aio]" in str(refused.value)
    assert refused.value.name == "aiohttp"


def test_asyncio_client_with_a_transport_of_the_callers_needs_no_aiohttp(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "aiohttp", None)
    assert aio.KeyClient(URL, _Credential(), transport=object()).vault_url == URL


@pytest.mark.parametrize(
    ("module", "package", "extra"),
    [
        ("jose", "joserfc", "jose"),
        ("jose.aio", "joserfc", "jose"),
        ("tink", "tink", "tink"),
        ("tink.aio", "tink", "tink"),
        ("parquet", "pyarrow", "parquet"),
    ],
    ids=["jose", "jose.aio", "tink", "tink.aio", "parquet"],
)
def test_part_without_its_extra_says_how_to_install_this_library_with_it(module: str, package: str, extra: str) -> None:
    """Never by the name that on PyPI is another library's."""
    program = (
        f"import sys; sys.modules[{package!r}] = None\n"
        f"try: import azure.keyvault.keys.{module}\n"
        "except ImportError as error: print(error)\n"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert f"azure.keyvault.keys.{module.removesuffix('.aio')}" in run.stdout, run.stderr
    assert f"needs {package}, which is not installed. Run" in run.stdout
    assert f"[{extra}]" in run.stdout
    assert f'pip install "azure-keyvault-keys[{extra}]"' not in run.stdout


@pytest.mark.parametrize("work", [["encrypt", "x"], []], ids=["work", "nothing"])
def test_command_line_without_its_extra_says_so_in_one_line(work: list[str]) -> None:
    program = (
        "import runpy, sys; sys.modules['tink'] = None; "
        f"sys.argv = ['x', *{work!r}]; runpy._run_module_as_main('azure.keyvault.keys.tink')"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert run.returncode != 0
    assert "needs tink, which is not installed. Run" in run.stderr
    assert len(run.stderr.splitlines()) == 1


def test_folder_that_was_installed_from_is_named(installed: Any, tmp_path: Path) -> None:
    installed({"url": tmp_path.as_uri(), "dir_info": {}})
    assert _extras.how_to_install("aio") == f'Run: pip install "azure-keyvault-keys[aio] @ {tmp_path.as_uri()}"'


def test_repository_that_was_installed_from_is_named_with_its_revision_and_without_a_password(installed: Any) -> None:
    vcs = {"vcs": "git", "commit_id": "abc123"}
    installed({"url": "https://me:hush@git.example/keys.git", "vcs_info": vcs})
    text = _extras.how_to_install("emulator")
    assert text == 'Run: pip install "azure-keyvault-keys[emulator] @ git+https://git.example/keys.git@abc123"'


@pytest.mark.parametrize(
    "origin",
    [None, {}, [], {"url": 3}, {"url": "file:///no/such/folder"}],
    ids=["none", "empty", "list", "int", "gone"],
)
def test_unknown_origin_leads_to_a_checkout_or_the_packages_themselves(installed: Any, origin: Any) -> None:
    installed(origin)
    assert _extras.how_to_install("aio") == (
        'Run, in a checkout of this library: pip install ".[aio]", '
        'or what the extra brings: pip install "aiohttp>=3.13.4"'
    )


def test_name_on_pypi_which_is_another_librarys_is_never_suggested(installed: Any) -> None:
    installed(None)
    for extra in _extras.EXTRAS:
        assert "pip install azure-keyvault-keys" not in str(_extras.missing(extra, "thing", what="the part"))


def test_module_that_is_there_is_not_missed() -> None:
    _extras.require("aio", "json", "sys", what="the part")


def test_each_missing_module_is_named() -> None:
    with pytest.raises(ImportError, match="The part needs no_such_a and no_such_b, which are not installed") as refused:
        _extras.require("aio", "no_such_a", "json", "no_such_b", what="the part", name="parts")
    assert refused.value.name == "parts"


def test_extras_are_those_of_setup_py() -> None:
    text = (Path(__file__).parents[2] / "setup.py").read_text("utf-8")
    for extra, requirements in _extras.EXTRAS.items():
        assert f'"{extra}": [{", ".join(json.dumps(entry) for entry in requirements)}]' in text


def test_module_keeps_its_name_at_the_beginning_of_the_message() -> None:
    assert str(_extras.missing("aio", "thing", what="azure.keyvault.keys.part")).startswith("azure.keyvault.keys.part ")
    assert str(_extras.missing("aio", "thing", what="the part")).startswith("The part needs thing, which is not")
