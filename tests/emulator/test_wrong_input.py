"""Whatever comes in, the answer is the service's and the emulator stays up."""

from __future__ import annotations

import json
import socket
import ssl
from typing import Any
from urllib.parse import urlsplit

import pytest

from .client import Api, b64

_DEEP = b'{"kty":' + b"[" * 100_000 + b"]" * 100_000 + b"}"


@pytest.mark.case("E6")
@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"\x00",
        b"\xff\xfe{\x00}\x00",
        b"\xef\xbb\xbf{}",
        b'"text"',
        b"[]",
        b"null",
        b"1",
        _DEEP,
        b'{"kty":"EC","key_size":' + b"9" * 5000 + b"}",
        b'{"kty":"EC","key_size":NaN}',
        b'{"kty":"EC","key_size":Infinity}',
        b'{"kty":"EC"}{"kty":"EC"}',
    ],
    ids=lambda body: repr(body[:24]),
)
def test_body_that_is_not_a_json_object_is_refused(api: Api, name: str, body: bytes) -> None:
    answer = api("POST", f"/keys/{name}/create", body)
    assert answer.error == (400, "BadParameter", None)
    assert api("GET", f"/keys/{name}").status == 404


@pytest.mark.parametrize(
    "change",
    [
        {"kty": None},
        {"kty": 1},
        {"kty": "DSA"},
        {"kty": "ec"},
        {"kty": "EC-HSM-HSM"},
        {"kty": "RSA", "key_size": "2048"},
        {"kty": "RSA", "key_size": 1024},
        {"kty": "RSA", "key_size": 2**40},
        {"kty": "RSA", "key_size": -2048},
        {"kty": "RSA", "key_size": 2048.5},
        {"kty": "RSA", "key_size": True},
        {"kty": "RSA", "public_exponent": 2},
        {"crv": "P-128"},
        {"crv": []},
        {"key_ops": "sign"},
        {"key_ops": ["sign", "fly"]},
        {"key_ops": [None]},
        {"attributes": []},
        {"attributes": {"enabled": "true"}},
        {"attributes": {"exp": "1800000000"}},
        {"attributes": {"exp": 1e30}},
        {"attributes": {"exp": -1}},
        {"attributes": {"exp": 253402300800}},
        {"attributes": {"nbf": True}},
        {"tags": []},
        {"tags": {"a": 1}},
        {"tags": {"a": None}},
        {"tags": {"a" * 257: ""}},
        {"tags": {"a": "b" * 257}},
        {"release_policy": "policy"},
    ],
    ids=str,
)
def test_create_with_a_wrong_member_is_refused(api: Api, name: str, change: dict[str, Any]) -> None:
    answer = api("POST", f"/keys/{name}/create", {"kty": "EC", **change})
    assert answer.error[:2] == (400, "BadParameter")
    assert api("GET", f"/keys/{name}").status == 404


def test_create_without_type_has_the_text_of_the_service(api: Api, name: str) -> None:
    for body in ({}, None, {"kty": ""}):
        answer = api("POST", f"/keys/{name}/create", body)
        assert answer.message == "Property  has invalid value\r\nProperty  has invalid value\r\n"


@pytest.mark.case("G5")
def test_create_with_too_many_tags_has_the_text_of_the_service(api: Api, name: str) -> None:
    tags = {str(index): "\U0001f511" * 256 for index in range(15)}
    assert api.create(name, tags=tags)["tags"] == tags
    answer = api("POST", f"/keys/{name}/create", {"kty": "EC", "tags": {**tags, "16": ""}})
    assert answer.message == "Property  has invalid value\r\n"


def test_unsupported_key_size_says_so(api: Api, name: str) -> None:
    message = api("POST", f"/keys/{name}/create", {"kty": "RSA", "key_size": 1024}).message
    assert message.startswith("Unsupported key size")


def test_lone_surrogate_in_a_tag_is_kept(api: Api, name: str) -> None:
    answer = api("POST", f"/keys/{name}/create", b'{"kty":"EC","tags":{"a":"\\ud800"}}')
    assert answer.status == 200
    assert answer.json["tags"] == {"a": "\ud800"}


def test_duplicate_and_unknown_members_are_tolerated(api: Api, name: str) -> None:
    answer = api("POST", f"/keys/{name}/create", b'{"kty":"RSA","kty":"EC","unknown":{"deep":[1]}}')
    assert answer.json["key"]["kty"] == "EC"


@pytest.mark.case("G3")
@pytest.mark.parametrize(
    "name", ["a_b", "a.b", "%20", "%00", "a%2Fb", "%D0%BA", "a" * 128, "%2e%2e", "a;b", "a'b"], ids=str
)
def test_impossible_name_is_refused(api: Api, name: str) -> None:
    for method, path, body in (("POST", "/create", {"kty": "EC"}), ("GET", "", None), ("DELETE", "", None)):
        answer = api(method, f"/keys/{name}{path}", body)
        assert answer.status in (400, 404)
    assert api("GET", "/keys/a_b").message == "The request URI contains an invalid name: a_b"


def test_create_without_name_says_operation_not_specified(api: Api) -> None:
    answer = api("POST", "/keys//create", {"kty": "EC"})
    assert (answer.error, answer.message) == ((400, "BadParameter", None), "Operation not specified")


@pytest.mark.case("E8")
@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/", 403),
        ("/nothing", 404),
        ("/keys/a/b/c/d", 404),
        ("/keys/a/00112233-4455-6677-8899-aabbccddeeff", 404),
        ("/secrets/a", 404),
        ("/rng/a", 404),
    ],
)
def test_paths_outside_the_api_get_a_page_of_the_front_end(api: Api, path: str, status: int) -> None:
    answer = api("GET", path)
    assert answer.status == status
    assert answer.headers["Content-Type"] == "text/html"
    assert answer.data.startswith(b"<!DOCTYPE html")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/keys", "GET"),
        ("PUT", "/keys/a/create", "POST"),
        ("TRACE", "/keys/a", "DELETE, GET, PATCH, PUT"),
        ("POST", "/keys/a", "DELETE, GET, PATCH, PUT"),
        ("DELETE", "/keys/a/00112233445566778899aabbccddeeff", "GET, PATCH"),
        ("POST", "/keys/a/restore", "GET, PATCH"),
        ("OPTIONS", "/deletedkeys", "GET"),
        ("HEAD", "/keys", "GET"),
    ],
)
def test_other_methods_are_405_with_allow(api: Api, method: str, path: str, allowed: str) -> None:
    answer = api(method, path)
    assert (answer.status, answer.headers["Allow"]) == (405, allowed)


def test_huge_body_is_413(api: Api, name: str) -> None:
    answer = api("POST", f"/keys/{name}/create", b" " * (5 * 1024 * 1024))
    assert answer.status == 413
    assert api("GET", "/keys").status == 200


@pytest.mark.parametrize("value", ["!", "a", "a+b/", "aGVsbG8\n", "\u00e9", 1, None, [], "aGV sbG8"], ids=repr)
def test_value_that_is_not_base64url_has_the_text_of_the_service(api: Api, name: str, value: object) -> None:
    api.create(name, kty="RSA")
    answer = api("POST", f"/keys/{name}/encrypt", {"alg": "RSA-OAEP", "value": value})
    assert answer.error == (400, "BadParameter", None)
    assert answer.message == "Content of 'value' is not base64url.\r\nProperty 'value' is required.\r\n"


@pytest.mark.parametrize("operation", ["encrypt", "decrypt", "wrapkey", "unwrapkey", "sign", "verify"])
@pytest.mark.parametrize(
    "body",
    [{}, {"alg": "RSA-OAEP"}, {"value": "aGVsbG8"}, {"alg": "NONE", "value": "", "digest": ""}, {"alg": 5}],
    ids=str,
)
def test_cryptography_with_a_wrong_request_is_refused(
    api: Api, name: str, operation: str, body: dict[str, Any]
) -> None:
    api.create(name, kty="RSA")
    assert api("POST", f"/keys/{name}/{operation}", body).error == (400, "BadParameter", None)


@pytest.mark.parametrize("algorithm", ["RSNULL", "A256GCM", "A256KW", "RS256", "rsa-oaep", ""])
def test_unknown_algorithm_is_refused(api: Api, name: str, algorithm: str) -> None:
    api.create(name, kty="RSA")
    answer = api("POST", f"/keys/{name}/encrypt", {"alg": algorithm, "value": b64(b"x")})
    assert answer.error == (400, "BadParameter", None)


@pytest.mark.case("J8", "J9")
@pytest.mark.parametrize(
    "jwk",
    [
        None,
        "text",
        {},
        {"kty": "RSA", "n": 5},
        {"kty": "RSA", "n": b64(b"\xff" * 100_000)},
        {"kty": "RSA", **dict.fromkeys(("n", "e", "d", "p", "q", "dp", "dq", "qi"), b64(b"\xff" * 2000))},
        {"kty": "RSA", **dict.fromkeys(("n", "e", "d", "p", "q", "dp", "dq", "qi"), b64(b"\xff" * 256))},
        {"kty": "RSA", **dict.fromkeys(("n", "e", "d", "p", "q", "dp", "dq", "qi"), b64(bytes(256)))},
        {"kty": "EC", "crv": "P-256", "x": b64(b"\xff" * 33), "y": b64(b"\xff" * 33), "d": b64(b"\xff" * 33)},
        {"kty": "EC", "crv": "P-256", "x": b64(b"\xff" * 32), "y": b64(b"\xff" * 32), "d": b64(b"\xff" * 32)},
        {"kty": "EC", "x": "AQ", "y": "AQ", "d": "AQ"},
        {"kty": "RSA-HSM", "key_hsm": "!"},
        {"kty": "RSA-HSM", "key_hsm": b64(b"{}")},
        {"kty": "RSA-HSM", "key_hsm": b64(b'{"header":{"kid":"x","alg":"dir","enc":"CKM_RSA_AES_KEY_WRAP"}}')},
        {"kty": "RSA", "key_hsm": b64(b"{}")},
    ],
    ids=lambda jwk: str(jwk)[:40],
)
def test_import_of_a_wrong_jwk_is_refused(api: Api, name: str, jwk: object) -> None:
    answer = api("PUT", f"/keys/{name}", {"key": jwk} if jwk is not None else {})
    assert answer.error[:2] == (400, "BadParameter")


@pytest.mark.parametrize(
    "raw",
    [
        b"GARBAGE\r\n\r\n",
        b"GET /keys HTTP/9.9\r\n\r\n",
        b"GET /keys?api-version=7.4 HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\nHost: a\r\n\r\n",
        b"POST /keys/a/create HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n{",
        b"POST /keys/a/create HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        b"POST /keys/a/create HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 100_000 + b"\r\n\r\n",
        b"\x16\x03\x01",
        b"",
    ],
    ids=lambda raw: repr(raw[:40]),
)
def test_broken_http_leaves_the_emulator_up(api: Api, raw: bytes, caplog: pytest.LogCaptureFixture) -> None:
    context = ssl.create_default_context(cafile=api.vault.ca_bundle)
    address = urlsplit(api.vault.url)
    with (
        socket.create_connection(("127.0.0.1", address.port or 0), timeout=5) as connection,
        context.wrap_socket(connection, server_hostname="localhost") as tls,
    ):
        tls.settimeout(0.2)
        try:
            tls.sendall(raw)
            first = tls.recv(64)
        except OSError:  # the connection was ended, or nothing came
            first = b""
    assert b" 500 " not in first
    assert api("GET", "/keys").status == 200
    assert not caplog.records


def test_plain_http_leaves_the_emulator_up(api: Api) -> None:
    address = urlsplit(api.vault.url)
    with socket.create_connection(("127.0.0.1", address.port or 0), timeout=5) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n\r\n")
        connection.settimeout(1)
        connection.recv(64)
    assert api("GET", "/keys").status == 200


def test_body_that_waits_to_be_asked_for_is_asked_for(api: Api, name: str) -> None:
    context = ssl.create_default_context(cafile=api.vault.ca_bundle)
    body = b'{"kty":"EC"}'
    head = (
        f"POST /keys/{name}/create?api-version=7.4 HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {api.token}\r\n"
        f"Content-Length: {len(body)}\r\nExpect: 100-continue\r\n\r\n"
    )
    with (
        socket.create_connection(("127.0.0.1", urlsplit(api.vault.url).port or 0), timeout=5) as connection,
        context.wrap_socket(connection, server_hostname="localhost") as tls,
    ):
        tls.sendall(head.encode())
        assert tls.recv(4096) == b"HTTP/1.1 100 Continue\r\n\r\n"
        tls.sendall(body)
        assert tls.recv(4096).startswith(b"HTTP/1.1 200 OK\r\n")


def test_body_whose_encoding_lies_is_refused(api: Api, name: str) -> None:
    for encoding in ("gzip", "deflate"):
        answer = api("POST", f"/keys/{name}/create", b"not compressed", **{"Content-Encoding": encoding})
        assert answer.status == 400


def test_no_answer_shows_private_members(api: Api, name: str) -> None:
    bundle = api.create(name, kty="RSA")
    answers = [
        api("GET", f"/keys/{name}").json,
        api("PATCH", f"/keys/{name}", {"tags": {}}).json,
        api("DELETE", f"/keys/{name}").json,
    ]
    assert all(set(answer["key"]) == set(bundle["key"]) for answer in answers)
    assert not {"d", "p", "q", "dp", "dq", "qi", "k"} & set(json.loads(json.dumps(bundle))["key"])
