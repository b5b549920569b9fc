"""What a client is told of authorities, certificates and proxies: files count as they are, proxies are checked."""

from __future__ import annotations

import os
import ssl
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trustme
from azure.core.exceptions import ServiceRequestError
from raw_server import Conversation, RawServer, Received

Serve = Callable[..., RawServer]


def obliging(request: Received, talk: Conversation) -> None:
    talk.answer(talk.server.bundle())
    talk.finish()  # so that the next request connects anew


def write(path: Path, authority: trustme.CA, *, like: os.stat_result | None = None) -> None:
    """Replace a file by one of an authority; with ``like`` it keeps the time of its last change."""
    draft = path.with_suffix(".draft")
    authority.cert_pem.write_to_path(str(draft))
    if like is not None:
        os.utime(draft, ns=(like.st_atime_ns, like.st_mtime_ns))
    os.replace(draft, path)


@pytest.mark.case("P5")
@pytest.mark.parametrize("whose", ["call", "client"])
@pytest.mark.parametrize("same_time", [False, True], ids=["newer", "same-time"])
async def test_file_of_authorities_that_was_replaced_counts_as_it_is_now(
    serve: Serve, connect: Any, authority: trustme.CA, tmp_path: Path, whose: str, same_time: bool
) -> None:
    path = tmp_path / "authorities.pem"
    write(path, authority)
    server = serve(obliging)
    options = {"connection_verify": str(path)}
    client = connect(server, retry_total=0, **(options if whose == "client" else {"connection_verify": True}))
    of_call = options if whose == "call" else {}
    assert (await client.get_key("orders", **of_call)).name == "orders"
    write(path, trustme.CA(), like=path.stat() if same_time else None)
    with pytest.raises(ServiceRequestError, match="CERTIFICATE_VERIFY_FAILED"):
        await client.get_key("orders", **of_call)
    write(path, authority)
    assert (await client.get_key("orders", **of_call)).name == "orders"


@pytest.mark.case("P5")
@pytest.mark.parametrize("whose", ["call", "client"])
async def test_file_of_authorities_that_was_deleted_is_trusted_no_more(
    serve: Serve, connect: Any, authority: trustme.CA, tmp_path: Path, whose: str
) -> None:
    path = tmp_path / "authorities.pem"
    write(path, authority)
    options = {"connection_verify": str(path)}
    client = connect(serve(obliging), **(options if whose == "client" else {}))
    of_call = options if whose == "call" else {}
    await client.get_key("orders", **of_call)
    path.unlink()
    with pytest.raises(ValueError, match="connection_verify: there are no certificate authorities"):
        await client.get_key("orders", **of_call)


@pytest.mark.case("P5")
@pytest.mark.parametrize("whose", ["call", "client"])
async def test_certificate_of_the_client_that_was_replaced_is_the_one_shown(
    serve: Serve, connect: Any, authority: trustme.CA, trust: Any, bundle_path: str, tmp_path: Path, whose: str
) -> None:
    shown: list[str] = []

    def handler(request: Received, talk: Conversation) -> None:
        certificate: Any = talk.sock.getpeercert()  # type: ignore[union-attr]
        shown.append(dict(entry[0] for entry in certificate["subject"])["organizationalUnitName"])
        obliging(request, talk)

    server = serve(handler)
    assert server.certificate is not None
    server.certificate.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(server.certificate)
    path = tmp_path / "client.pem"

    def issue(unit: str) -> None:
        issued = authority.issue_cert("client.example", organization_unit_name=unit)
        issued.private_key_and_cert_chain_pem.write_to_path(str(path))

    issue("first")
    options = {"connection_verify": bundle_path, "connection_cert": str(path)}
    client = connect(server, **options)
    of_call = options if whose == "call" else {}
    await client.get_key("orders", **of_call)
    issue("second")
    await client.get_key("orders", **of_call)
    assert shown == ["first", "second"]


UNUSABLE = {
    "no-port": "http://me:canary@proxy.example:none",
    "port-too-high": "http://me:canary@proxy.example:99999",
    "no-host": "http://me:canary@:8080",
    "bracket": "http://me:canary@[::1:8080",
    "blank": "http://me:canary@proxy example:8080",
    "slash-in-the-password": "http://me:can/ary@proxy.example:8080",
    "hash-in-the-password": "http://me:canary#x@proxy.example:8080",
    "question-mark": "http://me:canary?x@proxy.example:8080",
    "scheme": "ftp://me:canary@proxy.example:8080",
    "control": "http://me:canary@proxy.example\r\nX: y:8080",
    "umlaut": "http://me:canary@pröxy.example:8080",
}


@pytest.mark.case("P11")
@pytest.mark.parametrize("how", UNUSABLE)
@pytest.mark.parametrize("source", ["client", "environment", "call"])
async def test_proxy_that_cannot_be_used_is_refused_without_its_password(
    serve: Serve, connect: Any, monkeypatch: pytest.MonkeyPatch, how: str, source: str
) -> None:
    for name in ("https_proxy", "all_proxy", "no_proxy", "NO_PROXY", "ALL_PROXY", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
    server = serve(obliging)
    proxies = {"https": UNUSABLE[how]}
    if source == "environment":
        monkeypatch.setenv("HTTPS_PROXY", UNUSABLE[how])

    async def use() -> None:
        if source == "call":
            await connect(server).get_key("orders", proxies=proxies)
        else:
            connect(server, **({"proxies": proxies} if source == "client" else {}))

    with pytest.raises(ValueError, match="prox") as caught:
        await use()
    shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value)
    assert "canary" not in shown.replace(f"proxies = {proxies!r}", "")
    assert "can/ary" not in str(caught.value)
    assert server.received == []


@pytest.mark.case("P11")
async def test_proxies_that_are_no_mapping_are_refused(connect: Any) -> None:
    with pytest.raises(TypeError, match="proxies must be a mapping"):
        connect("https://localhost:1", proxies="http://proxy.example")


@pytest.mark.parametrize(
    "url",
    [
        "http://proxy.example",
        "proxy.example:8080",
        "http://me:p%40ss@proxy.example:8080",
        "http://[::1]:8080",
        "HTTP://X:1",
    ],
)
async def test_proxy_that_can_be_used_is_accepted(connect: Any, url: str) -> None:
    connect("https://localhost:1", proxies={"https": url})
