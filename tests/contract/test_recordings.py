"""The recordings themselves: complete, free of secrets, played without network, and made anew when they do not fit."""

from __future__ import annotations

import ast
import json
import os
import re
import socket
import subprocess
import sys
from base64 import urlsafe_b64decode
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
import requests
import yaml
from fixtures.cassettes import DIRECTORY, NotRecorded, exchanges_of, played, recorded
from fixtures.portability import PLAYED, without_network
from fixtures.scrubbing import PLACES, PRIVATE_MEMBERS, SCRUBBED, Scrubber, texts_of
from fixtures.targets import Target
from fixtures.worlds import World

from azure.keyvault.keys.emulator import KeyVaultEmulator

ROOT = Path(__file__).parents[2]
FILES = sorted(DIRECTORY.rglob("*.json"))
#: Operations that no client of the library calls, or that a portable test cannot have.
NOT_RECORDED = {
    *("secure_unwrap_key", "secure_unwrap_key_latest"),
    "release",
}
HOSTS = {
    *(urlsplit(url).netloc for url in PLACES.values()),
    "vault.azure.net",
    "managedhsm.azure.net",
    "login.microsoftonline.com",
    "attest.example",
    "go.microsoft.com",
}
SECRETS = {
    "token": re.compile(
        r"eyJ[\w-]{8,}\.[\w-]+|Bearer [\w.-]{16,}(?!=)|Authorization: |\bclient_secret|\baccess_token", re.IGNORECASE
    ),
    "private key": re.compile(rf'"(?:{"|".join(PRIVATE_MEMBERS)})": (?!"{re.escape(SCRUBBED)}")|PRIVATE KEY'),
    "address": re.compile(r"localhost|\b(?:\d{1,3}\.){3}\d{1,3}\b(?!-)|://[^/\s\"]+:\d+"),
    "path": re.compile(r"/(?:home|root|tmp|work|Users|var|usr)/|[A-Z]:\\\\"),
    "identity": re.compile(r"(?!0{8})\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b|[\w.]+@[\w.]+", re.IGNORECASE),
    "run": re.compile(r"\bt?x[0-9a-f]{8}-"),
}


def _decoded(texts: set[str]) -> Iterator[str]:
    """Give what looks like text after base64."""
    for text in texts:
        if re.fullmatch(r"[\w-]{16,}", text) and len(text) % 4 != 1:
            decoded = urlsafe_b64decode(text + "=" * (-len(text) % 4))
            if decoded.isascii():
                yield decoded.decode()


def found_in(text: str) -> list[str]:
    """Return what no recording may have."""
    hosts = {urlsplit(url).netloc for url in re.findall(r"https?://[^\s\"'<>\\]+", text)}
    secrets = [f"{kind}: {match.group()}" for kind, pattern in SECRETS.items() for match in pattern.finditer(text)]
    return [*secrets, *(f"host: {host}" for host in hosts - HOSTS)]


def test_recordings_have_no_secrets() -> None:
    for path in FILES:
        exchanges = exchanges_of(path)
        for text in (path.read_text("utf-8"), *_decoded(texts_of(exchanges))):
            assert found_in(text) == [], path
        headers = {name for exchange in exchanges for name in exchange["headers"]}
        assert headers <= {"content-type", "www-authenticate"}, path


@pytest.mark.parametrize(
    "text",
    [
        '"d": "AQAB"',
        "eyJhbGciOiJSUzI1NiJ9.e30.c2ln",
        "Authorization: Bearer abc",
        "https://contoso.vault.azure.net/keys",
        "https://localhost:8443/keys",
        "from 10.0.0.7",
        "oid=5ec7e2d1-0000-4000-8000-000000000001",
        "/home" + "/someone/vault.pem",  # in two parts: no file of the repository may hold a path of this kind
    ],
)
def test_search_for_secrets_finds_them(text: str) -> None:
    assert found_in(text)


def test_every_recording_belongs_to_a_test() -> None:
    for path in FILES:
        assert path.stem.startswith(_tests_of(path.parent.name)), path


@cache
def _tests_of(module: str) -> tuple[str, ...]:
    tree = ast.parse((Path(__file__).parent / f"{module}.py").read_text("utf-8"))
    return tuple(node.name for node in tree.body if isinstance(node, (ast.AsyncFunctionDef, ast.FunctionDef)))


def test_every_operation_is_recorded() -> None:
    document = yaml.safe_load((ROOT / "codegen" / "keyvault-keys.yaml").read_text("utf-8"))
    # The fewer parts of a path are free, the better it fits.
    operations = [
        (re.compile(re.sub(r"\\\{.*?\\\}", "[^/]+", re.escape(f"{method.upper()} {path}"))), operation["operationId"])
        for path, item in sorted(document["paths"].items(), key=lambda entry: entry[0].count("{"))
        for method, operation in item.items()
        if method != "parameters"
    ]
    called, statuses = set(), set()
    for path in FILES:
        for exchange in exchanges_of(path):
            method, url = exchange["request"].split(" ")
            call = f"{method} {urlsplit(url).path}"
            called.add(next(operation_id for pattern, operation_id in operations if pattern.fullmatch(call)))
            statuses.add(exchange["status"])
    assert {operation_id for _, operation_id in operations} - called == NOT_RECORDED
    assert statuses >= {200, 204, 400, 401, 404, 409}


def test_recordings_are_few_and_small() -> None:
    assert len(FILES) <= 60
    assert sum(path.stat().st_size for path in FILES) < 400_000
    assert max(path.stat().st_size for path in FILES) < 50_000


@pytest.mark.parametrize("way", ["socket", "name", "requests"])
def test_playback_has_no_network(way: str) -> None:
    unconnected = socket.socket()
    calls: dict[str, Any] = {
        "socket": lambda: unconnected.connect(("127.0.0.1", 9)),
        "name": lambda: socket.getaddrinfo("localhost", 9),
        "requests": lambda: requests.get("https://localhost:9", timeout=1),
    }
    with without_network(), pytest.raises(pytest.fail.Exception, match="playback needs no network"):
        calls[way]()
    unconnected.close()


async def test_playback_has_no_network_in_asyncio() -> None:
    async with aiohttp.ClientSession() as session:
        with without_network(), pytest.raises(pytest.fail.Exception, match="playback needs no network"):
            await session.get("http://127.0.0.1:9")


SCRUBBERS = [Scrubber(place, url) for place, url in PLACES.items()]


async def test_request_that_is_not_recorded_tells_how_to_record_it(world: World, tmp_path: Path) -> None:
    client = world.key_client(PLAYED["vault"])
    with (
        pytest.raises(NotRecorded, match=r'no answer is recorded to GET .*/keys/k.*pytest --record "test_of_mine"'),
        played(tmp_path / "none.json", SCRUBBERS, "test_of_mine"),
    ):
        await client.get_key("k")
    await client.close()


async def test_request_that_is_not_sent_any_more_fails_the_test(tmp_path: Path) -> None:
    exchange = {"request": f"GET {PLACES['vault']}/keys", "sent": "", "status": 200, "reason": "OK"}
    path = tmp_path / "one.json"
    path.write_text(json.dumps([{**exchange, "headers": {}, "received": {}}]), "utf-8")
    with pytest.raises(NotRecorded, match="no longer sends"), played(path, SCRUBBERS, "test_of_mine"):
        pass


@pytest.mark.parametrize("passed", [True, False], ids=["passed", "failed"])
async def test_recording_is_kept_when_the_test_has_passed(
    world: World, client_of: Callable[..., Any], tmp_path: Path, passed: bool
) -> None:
    path = tmp_path / "one.json"
    path.write_text("[]", "utf-8")
    with KeyVaultEmulator() as emulator:
        target = Target.emulated(emulator)
        with recorded(path, [Scrubber("vault", target.url)], lambda: passed):
            await client_of(target).create_ec_key("orders")
    assert [found.name for found in tmp_path.iterdir()] == ["one.json"]
    assert [exchange["status"] for exchange in exchanges_of(path)] == ([401, 200] if passed else [])


def test_scrubbing_leaves_no_trace_of_a_live_vault() -> None:
    scrubber = Scrubber("vault", "https://contoso.vault.azure.net", "x12345678")
    url = "https://contoso.vault.azure.net/keys/tx12345678-name-1/create?api-version=7.6"
    assert scrubber.owns(url)
    assert not scrubber.owns("https://login.microsoftonline.com/common/oauth2/v2.0/token")
    assert not scrubber.owns("https://contoso.vault.azure.net/msi/token")
    assert scrubber.renamed(url) == f"{PLACES['vault']}/keys/t-name-1/create?api-version=7.6"
    guid = "5ec7e2d1-0000-4000-8000-000000000001"
    refusal = (
        f"Caller: appid={guid};oid={guid};iss=https://sts.windows.net/{guid}/\r\nVault: contoso;location=westeurope\n"
        "Client address: 203.0.113.7"
    )
    kept = scrubber.response(
        url,
        403,
        {
            "Content-Type": ["application/json"],
            "x-ms-request-id": [guid],
            "x-ms-keyvault-network-info": ["addr=203.0.113.7"],
            "WWW-Authenticate": [f'Bearer authorization="https://login.windows.net/{guid}", resource="https://x"'],
        },
        json.dumps({"error": {"code": "Forbidden", "message": refusal}}).encode(),
    )
    text = json.dumps(kept)
    assert found_in(text) == []
    for trace in ("contoso", "westeurope", "203.0.113.7", guid, "sts.windows.net"):
        assert trace not in text
    assert kept["body"]["error"]["code"] == "Forbidden"


def test_scrubbing_takes_private_keys_backups_proofs_and_the_keys_of_others() -> None:
    scrubber = Scrubber("vault", "https://contoso.vault.azure.net", "x12345678")
    url = f"{PLACES['vault']}/keys/k"
    sent = {"key": {"kty": "RSA", "n": "AQAB", **dict.fromkeys(PRIVATE_MEMBERS, "c2VjcmV0")}}
    assert "c2VjcmV0" not in json.dumps(scrubber.request_body(url, json.dumps(sent).encode()))

    def received(operation: str, body: Any) -> Any:
        return scrubber.response(f"{url}/{operation}", 200, {}, json.dumps(body).encode())["body"]

    backup = received("backup", {"value": "s3cr3t" * 100})
    assert "s3cr3t" not in json.dumps(backup)
    assert scrubber.request_body(f"{PLACES['vault']}/keys/restore", json.dumps(backup).encode()) == backup
    proofs = received("attestation", {"attributes": {"attestation": {"certificatePemFile": "s3cr3t" * 9}}})
    assert "s3cr3t" not in json.dumps(proofs)
    link = scrubber.renamed("https://contoso.vault.azure.net/keys?$skiptoken=cGF5cm9sbA%3D%3D&maxresults=1")
    assert link == f"{PLACES['vault']}/keys?$skiptoken=page-2&maxresults=1"
    assert scrubber.renamed(link) == link
    items = [{"kid": f"https://contoso.vault.azure.net/keys/{name}"} for name in ("payroll", "tx12345678-name-1")]
    assert received("keys", {"value": items}) == {"value": [{"kid": f"{PLACES['vault']}/keys/t-name-1"}]}


@pytest.mark.slow
def test_recordings_of_a_live_vault_can_be_played(tmp_path: Path) -> None:
    """An emulator in another process is as live as a vault: it has a URL, and tokens for DefaultAzureCredential."""
    tests = [str(ROOT / "tests/contract/test_backup.py"), "-k", "brings_back or over_a_live_key", "-m", "recording"]
    pytest_run = [sys.executable, "-m", "pytest", "-c", str(ROOT / "tox.ini"), "-q", "-p", "no:cacheprovider"]
    pytest_run += ["--recordings", str(tmp_path), *tests]
    emulator = [sys.executable, "-m", "azure.keyvault.keys.emulator", "run", "--deletion-delay", "0.05", "--"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AZURE_")}

    def run(command: list[str], expected: str, **variables: str) -> None:
        result = subprocess.run(
            command, cwd=tmp_path, env={**environment, **variables}, capture_output=True, text=True, timeout=120
        )
        assert result.returncode == 0, result.stdout + result.stderr
        assert expected in result.stdout

    run([*emulator, *pytest_run, "--record=new"], "3 passed, 3 skipped", AZURE_TEST_RUN_LIVE="true")
    assert len(list(tmp_path.rglob("*.json"))) == 3
    for path in tmp_path.rglob("*.json"):
        assert found_in(path.read_text("utf-8")) == []
    run([*pytest_run, "--target=recording"], "6 passed")
