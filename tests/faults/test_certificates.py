"""Certificates, authorities and proxies: the same in both worlds."""

from __future__ import annotations

import datetime
import os
import socket
import ssl
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trustme
from azure.core.exceptions import ServiceRequestError
from raw_proxy import raw_proxy
from raw_server import Conversation, RawServer, Received
from urllib3.exceptions import InsecureRequestWarning

Serve = Callable[..., RawServer]

VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")


def obliging(request: Received, talk: Conversation) -> None:
    talk.answer(talk.server.bundle())


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*VARIABLES, "HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def hashed_folder(authority: trustme.CA, tmp_path: Path) -> str:
    """A folder of authorities as OpenSSL wants it: file names are hashes of subjects."""

    plain = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(plain))

    name = subprocess.run(
        ["openssl", "x509", "-hash", "-noout", "-in", str(plain)], check=True, capture_output=True, text=True
    ).stdout.strip()
    os.rename(plain, tmp_path / f"{name}.0")
    return str(tmp_path)


@pytest.mark.case("B13")
@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"])
async def test_environment_names_the_authorities(
    serve: Serve, connect: Any, bundle_path: str, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, bundle_path)
    client = connect(serve(obliging), connection_verify=True)
    assert (await client.get_key("orders")).name == "orders"


@pytest.mark.case("B13")
@pytest.mark.parametrize("others", ["", "/nowhere-at-all"], ids=["one-folder", "several-folders"])
async def test_environment_names_a_folder_of_authorities(
    serve: Serve, connect: Any, hashed_folder: str, monkeypatch: pytest.MonkeyPatch, others: str
) -> None:
    monkeypatch.setenv("SSL_CERT_DIR", os.pathsep.join(filter(None, [others, hashed_folder])))
    client = connect(serve(obliging), connection_verify=True)
    assert (await client.get_key("orders")).name == "orders"


@pytest.mark.case("B13")
async def test_keyword_names_authorities_as_path_folder_or_context(
    serve: Serve, connect: Any, bundle_path: str, hashed_folder: str, trust: ssl.SSLContext
) -> None:
    server = serve(obliging)
    for verify in (bundle_path, Path(bundle_path), hashed_folder, trust):
        assert (await connect(server, connection_verify=verify).get_key("orders")).name == "orders"


@pytest.mark.case("B13")
async def test_keyword_goes_before_the_environment(
    serve: Serve, connect: Any, bundle_path: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(str(other))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(other))
    server = serve(obliging)
    assert (await connect(server, connection_verify=bundle_path).get_key("orders")).name == "orders"
    with pytest.raises(ServiceRequestError):
        await connect(server, connection_verify=True).get_key("orders")


@pytest.mark.case("B13")
async def test_environment_is_left_alone_when_the_caller_says_so(
    serve: Serve, connect: Any, bundle_path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", bundle_path)
    client = connect(serve(obliging), connection_verify=True, use_env_settings=False)
    with pytest.raises(ServiceRequestError):
        await client.get_key("orders")


@pytest.mark.case("B13")
@pytest.mark.parametrize("source", ["keyword", "environment"])
async def test_authorities_that_are_not_there_are_a_value_error_at_construction(
    connect: Any, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    options: dict[str, Any] = {"connection_verify": True}
    if source == "keyword":
        options = {"connection_verify": "/no/such/bundle.pem"}
    else:
        monkeypatch.setenv("SSL_CERT_FILE", "/no/such/bundle.pem")
    with pytest.raises(ValueError, match=r"/no/such/bundle\.pem") as caught:
        connect("https://localhost:1", **options)
    assert ("connection_verify" if source == "keyword" else "SSL_CERT_FILE") in str(caught.value)


@pytest.mark.case("B13")
async def test_file_without_certificates_is_a_value_error_at_construction(connect: Any, tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("nothing here")
    with pytest.raises(ValueError, match="connection_verify"):
        connect("https://localhost:1", connection_verify=tmp_path / "empty.pem")


@pytest.mark.case("B14")
@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
async def test_client_that_verifies_nothing_changes_no_other(serve: Serve, connect: Any) -> None:
    server = serve(obliging)
    assert (await connect(server, connection_verify=False).get_key("orders")).name == "orders"
    with pytest.raises(ServiceRequestError):
        await connect(server, connection_verify=True).get_key("orders")
    assert (await connect(server, connection_verify=False).get_key("orders")).name == "orders"


@pytest.mark.case("B14")
async def test_client_that_verifies_nothing_warns_when_it_is_made(connect: Any) -> None:
    with pytest.warns(InsecureRequestWarning, match="connection_verify=False"):
        connect("https://localhost:1", connection_verify=False)


@pytest.mark.case("B14")
async def test_call_that_verifies_nothing_warns_and_the_next_one_like_it_does_not(serve: Serve, connect: Any) -> None:
    client = connect(serve(obliging), connection_verify=True)
    with pytest.warns(InsecureRequestWarning, match="connection_verify=False"):
        await client.get_key("orders", connection_verify=False)
    assert (await client.get_key("orders", connection_verify=False)).name == "orders"  # warnings are errors in tests


@pytest.mark.case("P4", "B14")
@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
@pytest.mark.parametrize("verify", ["nothing", "path"])
async def test_call_that_trusts_more_than_its_client_changes_nothing_for_the_next(
    serve: Serve, connect: Any, bundle_path: str, verify: str
) -> None:
    server = serve(obliging)
    client = connect(server, connection_verify=True)
    other = connect(serve(obliging), connection_verify=True)
    key = await client.get_key("orders", connection_verify=False if verify == "nothing" else bundle_path)
    assert key.name == "orders"
    for untouched in (client, other):
        with pytest.raises(ServiceRequestError):
            await untouched.get_key("orders")


def expired(authority: trustme.CA) -> ssl.SSLContext:
    past = datetime.datetime(2001, 1, 1, tzinfo=datetime.timezone.utc)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", not_before=past, not_after=past + datetime.timedelta(1)).configure_cert(context)
    return context


@pytest.mark.case("B17")
@pytest.mark.parametrize("defect", ["expired", "self-signed", "wrong-host"])
async def test_certificate_that_is_not_to_be_trusted_is_one_error_with_a_hint_and_no_retries(
    serve: Serve, connect: Any, authority: trustme.CA, defect: str
) -> None:
    if defect == "wrong-host":
        server = serve(obliging, host="other.example")
    elif defect == "self-signed":
        server = serve(obliging, authority=trustme.CA())
    else:
        server = serve(obliging)
        server.certificate = expired(authority)
    accepted = socket.create_connection(("localhost", int(server.url.rpartition(":")[2])))
    accepted.close()
    with pytest.raises(ServiceRequestError, match="CERTIFICATE_VERIFY_FAILED") as caught:
        await connect(server).import_key("orders", a_key())
    assert type(caught.value) is ServiceRequestError
    assert "connection_verify=" in str(caught.value)
    assert "REQUESTS_CA_BUNDLE" in str(caught.value)
    assert server.received == []


def a_key() -> Any:
    from azure.keyvault.keys import JsonWebKey

    return JsonWebKey(kty="oct", k=b"0123456789abcdef", key_ops=["encrypt"])


@pytest.mark.case("B15")
async def test_netrc_does_not_replace_the_token(
    serve: Serve, connect: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".netrc").write_text("machine localhost login me password canary\ndefault login me password canary\n")
    (tmp_path / ".netrc").chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    server = serve(obliging)
    await connect(server).get_key("orders")
    assert [seen.header("Authorization") for seen in server.received] == [None, "Bearer token-1"]


@pytest.mark.case("B16")
@pytest.mark.parametrize("source", ["keyword", "environment"])
async def test_password_of_the_proxy_reaches_the_proxy_only(
    serve: Serve, connect: Any, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    def redirecting(request: Received, talk: Conversation) -> None:
        if len(talk.server.calls) == 1:
            talk.answer(b"", 307, Location="/keys/other")
        else:
            talk.answer(talk.server.bundle())

    server = serve(redirecting)
    with raw_proxy() as proxy:
        url = f"http://me:canary@{proxy.address}"
        if source == "environment":
            monkeypatch.setenv("HTTPS_PROXY", url)
            monkeypatch.setenv("NO_PROXY", "")
        client = connect(server, **({"proxies": {"https": url}} if source == "keyword" else {}))
        await client.get_key("orders")
        await client.close()
    assert proxy.heads
    assert all("Proxy-Authorization: Basic bWU6Y2FuYXJ5" in head for head in proxy.heads)
    assert [seen.header("Proxy-Authorization") for seen in server.received] == [None] * 3


@pytest.mark.case("B13")
async def test_no_proxy_is_used_where_the_environment_excepts_the_host(
    serve: Serve, connect: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "localhost")
    assert (await connect(serve(obliging)).get_key("orders")).name == "orders"


@pytest.mark.case("I6")
async def test_password_of_a_proxy_that_does_not_answer_is_not_repeated(
    serve: Serve, connect: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    client = connect(
        serve(obliging), proxies={"https": "http://me:canary@127.0.0.1:1"}, retry_total=0, logging_enable=True
    )
    with pytest.raises(ServiceRequestError) as caught:
        await client.get_key("orders")
    assert "canary" not in f"{caught.value!s} {caught.value!r}"
    assert "canary" not in caplog.text
