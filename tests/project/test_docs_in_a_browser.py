"""The documentation in a real browser: landing page, search and a page of the reference, wide and narrow."""

from __future__ import annotations

import functools
import http.server
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import utils

ROOT = Path(__file__).parents[2]
BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

pytest_plugins = ["fixtures.browser"]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(BROWSER is None, reason="there is no Chromium"),
    pytest.mark.skipif(not hasattr(utils, "NoDigestInfo"), reason="the documentation needs a newer cryptography"),
]


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None: ...


@pytest.fixture(scope="module")
def site(documentation: Path) -> Iterator[str]:
    """The address of the documentation."""
    handler = functools.partial(_Quiet, directory=str(documentation))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.fixture
def browser(tmp_path: Path) -> list[str]:
    """The command of a browser with a profile of its own."""
    assert BROWSER is not None
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--virtual-time-budget=20000"]
    return [BROWSER, *flags, f"--user-data-dir={tmp_path}"]


def _rendered(browser: list[str], url: str) -> str:
    """Return the document of a page after its scripts have run."""
    run = subprocess.run([*browser, "--dump-dom", url], capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr
    return run.stdout


def test_landing_page_shows_pitch_picture_code_and_tutorials(site: str, browser: list[str]) -> None:
    page = _rendered(browser, f"{site}/index.html")
    assert "fast, typed, sync and async" in page
    assert re.search(r'<img[^>]*class="picture"[^>]*landing\.svg|<img[^>]*landing\.svg[^>]*class="picture"', page)
    assert 'class="highlight-python' in page
    assert 'class="highlight-shell' in page
    assert page.count('href="tutorial-') >= 8  # in the text and in the menu


def test_search_finds_a_method(site: str, browser: list[str]) -> None:
    page = _rendered(browser, f"{site}/search.html?q=rotate_key")
    assert re.search(r"found \d+ pages? matching|Search finished", page)
    assert re.search(r'<a href="reference/keys\.html[^"]*"', page)


def test_reference_begins_with_the_client_and_links_to_source_and_other_packages(site: str, browser: list[str]) -> None:
    page = _rendered(browser, f"{site}/reference/keys.html")
    first, other = page.index('id="azure.keyvault.keys.KeyClient"'), page.index('id="azure.keyvault.keys.ApiVersion"')
    assert first < other
    assert 'href="../_modules/azure/keyvault/keys/_client.html#KeyClient' in page
    assert "https://docs.python.org/3/library/" in page
    assert "https://learn.microsoft.com/python/api/azure-core/azure.core.exceptions.httpresponseerror" in page
    crypto = _rendered(browser, f"{site}/reference/crypto.html")
    assert "https://cryptography.io/en/latest/hazmat/primitives/asymmetric/" in crypto


@pytest.mark.parametrize("page", ["index", "migration", "reference/keys"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [500, 1280], ids=["phone", "desktop"])
def test_page_can_be_drawn_in_its_width_and_colours(
    site: str, browser: list[str], tmp_path: Path, page: str, scheme: str, width: int
) -> None:
    picture = tmp_path / "page.png"
    colours = f"--blink-settings=preferredColorScheme={'0' if scheme == 'dark' else '1'}"
    options = [colours, f"--window-size={width},900", f"--screenshot={picture}"]
    run = subprocess.run([*browser, *options, f"{site}/{page}.html"], capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr
    assert picture.stat().st_size > 20_000  # an empty page has a fraction of that


@pytest.mark.parametrize("width", [390, 1024, 1280, 1920])
def test_no_page_is_wider_than_its_window(site: str, chromium: Any, width: int) -> None:
    """Tables and code scroll in their own boxes."""
    page = chromium.new_page(viewport={"width": width, "height": 900})
    for name in ("index", "emulator", "at-scale", "reference/keys", "search"):
        page.goto(f"{site}/{name}.html")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
    page.close()
