"""The parsers that read what strangers write, each with inputs to start from.

A parser takes any bytes. It returns when they are read or refused as documented, and raises for anything else.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from azure.core.exceptions import AzureError
from azure.core.pipeline import PipelineContext, PipelineResponse
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from fixtures.stub_vault import HOST_CHALLENGE, URL, VERSION, Answer, bundle, usable_bundle

from azure.keyvault.keys import JsonWebKey, KeyVaultKey, KeyVaultKeyIdentifier
from azure.keyvault.keys._generated import operations
from azure.keyvault.keys._shared.auth.challenge import ChallengeError, parse_challenge, verify_challenge
from azure.keyvault.keys._shared.wire.identifiers import (
    is_same_vault,
    origin_of,
    parse_key_vault_id,
    parse_vault_url,
)
from azure.keyvault.keys._shared.wire.translation import Wire
from azure.keyvault.keys.crypto import CryptographyClient

WIRE = Wire(URL, "7.6")
_RSA = rsa.generate_private_key(65537, 2048)
_EC = ec.generate_private_key(ec.SECP256R1())
_KEYS = [JsonWebKey.from_cryptography(key) for key in (_RSA, _EC, ec.generate_private_key(ec.SECP521R1()))]
_WHOLE = [json.loads(key.to_json(private=True, key_ops=True)) for key in _KEYS] + [
    {"kty": "oct", "k": base64.urlsafe_b64encode(bytes(32)).decode().rstrip("="), "key_ops": ["encrypt", "wrapKey"]},
    {"kty": "AKP", "alg": "ML-DSA-44", "pub": "A" * 1750, "key_ops": ["verify"]},
]
_MEMBERS = sorted({name for key in _WHOLE for name in key} | {"kid", "d", "p", "q", "oth", "t", "priv", "use"})


def challenge(data: bytes) -> None:
    """Read the challenge of a vault and compare it with the vault."""
    headers = data.decode("latin-1").split("\n")
    try:
        read = parse_challenge(headers)
        verify_challenge(read, WIRE.origin)
    except ChallengeError:
        return
    assert origin_of(read.scope or "").host in ("vault.azure.net", "demo.vault.azure.net"), read


def identifier(data: bytes) -> None:
    """Read the address of a vault and the identifier of a key."""
    text = data.decode("utf-8", errors="replace")
    for parse in (parse_key_vault_id, parse_vault_url, origin_of):
        try:
            parse(text)
        except ValueError:
            continue
    is_same_vault(text, URL)
    found = KeyVaultKeyIdentifier.try_parse(text, allowed_suffixes=["vault.azure.net"])
    assert found is None or origin_of(found.vault_url).host.endswith(".vault.azure.net"), found
    try:
        link = WIRE.link(operations.get_keys(), text)
    except ValueError:
        return
    assert origin_of(link.url) == WIRE.origin, link.url


def web_key(data: bytes) -> None:
    """Read a JWK as text, or as a whole key with changed members, and use whatever is read."""
    source: Any = data[1:] if data[:1] < b"\x80" else _edited(data[1:])
    try:
        client = CryptographyClient.from_jwk(source)
    except (ValueError, TypeError):
        return
    _use(client)
    key = JsonWebKey.from_json(source)
    for write in (key.to_json, key.to_pem, key.to_der, key.thumbprint):
        _documented(write)
    _documented(lambda: key.to_json(private=True))
    _documented(lambda: key.to_cryptography(private=True))
    repr(key)


def _edited(data: bytes) -> dict[str, Any]:
    """Take a whole key and change members: an instruction is four bytes (member, what, length, value) and its value."""
    key = dict(_WHOLE[data[0] % len(_WHOLE)]) if data else {}
    position = 1
    while position + 4 <= len(data) and position < 1 + 4 * 12 + 4096:
        name = _MEMBERS[data[position] % len(_MEMBERS)]
        what, length, extra = data[position + 1] % 6, data[position + 2], data[position + 3]
        value = data[position + 4 : position + 4 + length]
        position += 4 + length
        text = base64.urlsafe_b64encode(value).decode("ascii")
        if what == 0:
            key.pop(name, None)
        elif what == 1:
            key[name] = text.rstrip("=")
        elif what == 2:  # a long number out of a short one
            key[name] = base64.urlsafe_b64encode(value * (extra + 1)).decode("ascii")
        elif what == 3:
            key[name] = value.decode("utf-8", errors="replace")
        elif what == 4:
            key[name] = key.get(_MEMBERS[extra % len(_MEMBERS)])
        else:
            key[name] = [None, True, extra, -1.5, [text], {"a": text}, [["sign"]], "RSA", "EC", "P-256K"][extra % 10]
    return key


def _use(client: CryptographyClient) -> None:
    digest = bytes(32)
    calls: list[Callable[[], Any]] = [
        lambda: client.encrypt("RSA-OAEP", b"data"),
        lambda: client.decrypt("RSA-OAEP", bytes(256)),
        lambda: client.wrap_key("A256KW", bytes(32)),
        lambda: client.sign("ES256", digest),
        lambda: client.verify("ES256", digest, bytes(64)),
        lambda: client.verify("RS256", digest, bytes(256)),
    ]
    for call in calls:
        _documented(call)


def _documented(call: Callable[[], Any]) -> None:
    try:
        call()
    except (ValueError, TypeError, NotImplementedError):
        return


def answer(data: bytes) -> None:
    """Read the answer of a vault to a question about a key, and make the key that callers get."""
    operation: Any = operations.get_keys() if data[:1] < b"\x40" else operations.get_key("orders", VERSION)
    try:
        result = WIRE.result(operation, PipelineResponse(None, Answer(200, data[1:]), PipelineContext(None)))
        if data[:1] >= b"\x40":
            key = KeyVaultKey._from_bundle(result)
            _documented(lambda: CryptographyClient.from_jwk(key.key))
            repr(key)
    except AzureError:
        return


def pem(data: bytes) -> None:
    """Read a key in PEM, with a password when the first byte says so."""
    _file(JsonWebKey.from_pem, data)


def der(data: bytes) -> None:
    """Read a key in DER, with a password when the first byte says so."""
    _file(JsonWebKey.from_der, data)


def _file(read: Callable[..., JsonWebKey], data: bytes) -> None:
    try:
        key = read(data[1:], b"secret" if data[:1] >= b"\x80" else None)
    except ValueError:
        return
    _documented(lambda: key.to_pem(private=True))
    _documented(key.to_json)


@dataclass(frozen=True)
class Parser:
    """A parser, the inputs to start from, and the words that inputs are made of."""

    run: Callable[[bytes], None]
    seeds: tuple[bytes, ...]
    words: tuple[str, ...] = ()


def _files(form: str) -> tuple[bytes, ...]:
    encoding = getattr(serialization.Encoding, form)
    formats = serialization.PrivateFormat
    plain, secret = serialization.NoEncryption(), serialization.BestAvailableEncryption(b"secret")
    made = []
    for key in (_RSA, _EC):
        for private in (formats.PKCS8, formats.TraditionalOpenSSL):
            made.append(b"\0" + key.private_bytes(encoding, private, plain))
        made.append(b"\x80" + key.private_bytes(encoding, formats.PKCS8, secret))
        public = serialization.PublicFormat.SubjectPublicKeyInfo
        made.append(b"\0" + key.public_key().public_bytes(encoding, public))
    if form == "PEM":
        made.append(b"\0" + _EC.private_bytes(encoding, formats.OpenSSH, plain))
    return tuple(made)


_IDENTIFIER = f"{URL}/keys/orders/{VERSION}"
_JSON_WORDS = (*(f'"{name}":' for name in _MEMBERS), '"AQAB"', '"RSA"', '"oct"', "[]", "{}", "null", "1e400", "-0")

PARSERS: dict[str, Parser] = {
    "challenge": Parser(
        challenge,
        (
            HOST_CHALLENGE.encode(),
            b'Bearer authorization_uri="https://login.example/tenant", scope="https://vault.azure.net/.default"',
            b'PoP nonce="1", Bearer realm="", error="insufficient_claims", claims="eyJhIjp7fX0="\nBasic realm="a\\"b"',
            b"Bearer authorization=https://login.example/adfs, resource=https://demo.vault.azure.net",
        ),
        (
            "Bearer ",
            "resource=",
            "scope=",
            "claims=",
            "authorization=",
            "https://",
            ".vault.azure.net",
            "/dstsv2/",
            "@",
        ),
    ),
    "identifier": Parser(
        identifier,
        (
            _IDENTIFIER.encode(),
            URL.encode() + b":8443/keys?api-version=7.6&$skiptoken=abc",
            b"https://[::1]:443/keys/name/",
            b"HTTPS://demo.vault.azure.net.:0443/secrets/a/b",
            "https://faß.example/keys/a".encode(),
        ),
        ("https://", "http:", "/keys/", "demo.vault.azure.net", "xn--", "[::1]", ":443", "%2e", "..", "\\", "?", "#"),
    ),
    "web_key": Parser(
        web_key,
        (
            *(b"\0" + json.dumps(key).encode() for key in _WHOLE),
            *(bytes((0x80, number, 9, 1, 3, 0)) + b"\1\0\1" for number in range(len(_WHOLE))),
        ),
        _JSON_WORDS,
    ),
    "answer": Parser(
        answer,
        (
            b"\0" + json.dumps({"value": [{"kid": _IDENTIFIER}], "nextLink": f"{URL}/keys?a=b"}).encode(),
            b"\x80" + json.dumps(bundle(created=1, exp=2, recoveryLevel="Purgeable")).encode(),
            b"\x80" + json.dumps(usable_bundle()).encode(),
            b'\x80{"error": {"code": "Forbidden", "innererror": {"code": "a"}}}',
        ),
        (*_JSON_WORDS, '"key":', '"attributes":', '"value":', '"nextLink":', '"tags":', '"release_policy":'),
    ),
    "pem": Parser(
        pem, _files("PEM"), ("-----BEGIN ", "-----END ", "PRIVATE KEY-----", "CERTIFICATE-----", "ENCRYPTED ")
    ),
    "der": Parser(der, _files("DER")),
}
