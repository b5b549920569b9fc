"""Pages, markers and links."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest

from .client import Api, EmulatorFactory


def follow(api: Api, path: str) -> list[Any]:
    """Return the pages of a collection, following links as they are."""
    pages = [api("GET", path).json]
    while pages[-1]["nextLink"]:
        parts = urlsplit(pages[-1]["nextLink"])
        assert f"{parts.scheme}://{parts.netloc}" == api.vault.url
        answer = api.send("GET", f"{parts.path}?{parts.query}", headers={"Authorization": f"Bearer {api.token}"})
        pages.append(answer.json)
    return pages


@pytest.fixture(scope="module")
def full(api: Api) -> Api:
    for index in range(27):
        api.create(f"key-{index:02}")
        api.create("many")
    return api


@pytest.mark.case("F1")
@pytest.mark.parametrize(
    ("path", "sizes"),
    [
        ("/keys", [25, 3]),
        ("/keys?maxresults=25", [25, 3]),
        ("/keys?maxresults=10", [10, 10, 8]),
        ("/keys?maxresults=14", [14, 14]),
        ("/keys/many/versions", [25, 2]),
        ("/keys/many/versions?maxresults=9", [9, 9, 9]),
    ],
)
def test_pages_have_requested_sizes(full: Api, path: str, sizes: list[int]) -> None:
    pages = follow(full, path)
    assert [len(page["value"]) for page in pages] == sizes
    kids = [item["kid"] for page in pages for item in page["value"]]
    assert kids == sorted(set(kids))


def test_link_has_port_version_marker_and_given_size(full: Api) -> None:
    port = full.vault.url.rsplit(":", 1)[1]
    link = full("GET", "/keys?maxresults=3").json["nextLink"]
    assert link.startswith(f"https://localhost:{port}/keys?api-version=7.4&$skiptoken=")
    assert link.endswith("&maxresults=3")
    assert "maxresults" not in full("GET", "/keys").json["nextLink"]


@pytest.mark.parametrize("size", ["0", "26", "-1", "1.5", "x", "", "99999999999", "%D9%A3"])
def test_maxresults_outside_1_to_25_is_refused(full: Api, size: str) -> None:
    for path in ("/keys", "/keys/many/versions", "/deletedkeys"):
        assert full("GET", f"{path}?maxresults={size}").error == (400, "BadParameter", None)


@pytest.mark.parametrize(
    "token", ["", "x", "e30", "eyJOZXh0TWFya2VyIjoiMiE0IWFhYWEifQ", "eyJOZXh0TWFya2VyIjoxfQ", "%00"]
)
def test_skiptoken_of_other_origin_is_refused(full: Api, token: str) -> None:
    assert full("GET", f"/keys?$skiptoken={token}").error == (400, "BadParameter", None)


@pytest.mark.case("F1")
def test_deleted_keys_are_paged_by_name(start: EmulatorFactory) -> None:
    api = start(deletion_delay=0)
    for name in "cabde":
        api.create(name)
        api("DELETE", f"/keys/{name}")
    pages = follow(api, "/deletedkeys?maxresults=2")
    assert [[item["kid"][-1] for item in page["value"]] for page in pages] == [["a", "b"], ["c", "d"], ["e"]]
    item = pages[0]["value"][0]
    assert list(item) == ["recoveryId", "deletedDate", "scheduledPurgeDate", "kid", "attributes"]
    assert item["recoveryId"] == f"{api.vault.url}/deletedkeys/a"


@pytest.mark.case("F2")
def test_empty_pages_carry_a_link(start: EmulatorFactory) -> None:
    api = start(empty_pages=True)
    for name in "abc":
        api.create(name)
    pages = follow(api, "/keys?maxresults=2")
    assert [[item["kid"][-1] for item in page["value"]] for page in pages] == [[], ["a", "b"], [], ["c"]]


def test_key_deleted_between_pages_ends_no_page(start: EmulatorFactory) -> None:
    api = start(deletion_delay=0)
    for name in "abcd":
        api.create(name)
    link = urlsplit(api("GET", "/keys?maxresults=2").json["nextLink"])
    api("DELETE", "/keys/c")
    page = api.send("GET", f"{link.path}?{link.query}", headers={"Authorization": f"Bearer {api.token}"}).json
    assert [item["kid"][-1] for item in page["value"]] == ["d"]
