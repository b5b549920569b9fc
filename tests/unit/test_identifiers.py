"""Vault addresses, key identifiers and origins."""

from __future__ import annotations

from typing import Any

import pytest
from azure.core.exceptions import ServiceRequestError
from hypothesis import given
from hypothesis import strategies as st

from azure.keyvault.keys import KeyVaultKeyIdentifier
from azure.keyvault.keys._generated import operations
from azure.keyvault.keys._shared import parse_key_vault_id
from azure.keyvault.keys._shared.wire import identifiers
from azure.keyvault.keys._shared.wire.identifiers import Origin, origin_of, parse_vault_url

HOST = "https://demo.vault.azure.net"


@pytest.mark.case("G1", "G2", "G8")
@pytest.mark.parametrize(
    ("source", "vault_url", "collection", "name", "version"),
    [
        (f"{HOST}/keys/orders/v1", HOST, "keys", "orders", "v1"),
        (f"{HOST}/keys/orders", HOST, "keys", "orders", None),
        (f"{HOST}/keys/orders/", HOST, "keys", "orders", None),
        (f"{HOST}/keys/orders/v1/", HOST, "keys", "orders", "v1"),
        (f"{HOST}:8443/keys/orders/v1", f"{HOST}:8443", "keys", "orders", "v1"),
        (f"{HOST}/deletedkeys/orders", HOST, "deletedkeys", "orders", None),
        (f"{HOST}/secrets/pass/v1", HOST, "secrets", "pass", "v1"),
        ("https://DEMO.Vault.azure.net/Keys/Orders", "https://DEMO.Vault.azure.net", "Keys", "Orders", None),
        ("https://[::1]:8443/keys/orders", "https://[::1]:8443", "keys", "orders", None),
        (
            "https://demo.region.managedhsm.azure.net/keys/a/b",
            "https://demo.region.managedhsm.azure.net",
            "keys",
            "a",
            "b",
        ),
    ],
)
def test_identifier_is_taken_apart(
    source: str, vault_url: str, collection: str, name: str, version: str | None
) -> None:
    assert parse_key_vault_id(source) == (source, vault_url, collection, name, version)


@pytest.mark.case("G2")
@pytest.mark.parametrize(
    "source",
    ["", "orders", HOST, f"{HOST}/", f"{HOST}/keys", f"{HOST}/keys/", f"{HOST}/keys/a/b/c", f"{HOST}//keys/a",
     f"{HOST}/keys/a?x=1", f"{HOST}/keys/a#x", "ftp://demo/keys/a", "https://user@demo/keys/a", f"{HOST}/keys/a b",
     f"{HOST}\\evil/keys/a", "//demo/keys/a"],
)  # fmt: skip
def test_identifier_that_is_none_is_refused(source: str) -> None:
    with pytest.raises(ValueError, match="is not a valid ID"):
        parse_key_vault_id(source)


@pytest.mark.case("G2")
@pytest.mark.parametrize("collection", ["secrets", "certificates", "deletedsecrets", "key"])
def test_key_identifier_of_another_collection_is_refused(collection: str) -> None:
    with pytest.raises(ValueError, match=f"the collection '{collection}'"):
        KeyVaultKeyIdentifier(f"{HOST}/{collection}/a")


@pytest.mark.case("G2")
@pytest.mark.parametrize("collection", ["keys", "deletedkeys", "Keys"])
def test_key_identifier_is_read(collection: str) -> None:
    identifier = KeyVaultKeyIdentifier(f"{HOST}/{collection}/a/b")
    assert (identifier.vault_url, identifier.name, identifier.version) == (HOST, "a", "b")
    assert identifier == KeyVaultKeyIdentifier(identifier.source_id)
    assert identifier != identifier.source_id
    assert repr(identifier) == f"<KeyVaultKeyIdentifier [{HOST}/{collection}/a/b]>"
    assert len({identifier, KeyVaultKeyIdentifier(identifier.source_id)}) == 1


SUFFIXES = ["vault.azure.net", ".managedhsm.azure.net"]


@pytest.mark.case("B12", "G6")
@pytest.mark.parametrize(
    "uri",
    [
        f"{HOST}/keys/a",
        f"{HOST}:443/keys/a/b",
        "https://a.b.managedhsm.azure.net/keys/a",
        "https://D.VAULT.azure.net./keys/a",
    ],
)
def test_try_parse_accepts_allowed_vaults(uri: str) -> None:
    found = KeyVaultKeyIdentifier.try_parse(uri, allowed_suffixes=SUFFIXES)
    assert found is not None
    assert found.name == "a"


@pytest.mark.case("B12")
@pytest.mark.parametrize(
    "uri",
    ["https://evil.example/keys/a", "https://vault.azure.net/keys/a", "https://xvault.azure.net/keys/a",
     "https://demo.vault.azure.net.evil.example/keys/a", "https://evil.example:443/keys/a", "http://demo.vault.azure.net/keys/a",
     f"{HOST}/secrets/a", "nonsense", "", "https://[::1]/keys/a", None, 5],
)  # fmt: skip
def test_try_parse_refuses_all_else(uri: Any) -> None:
    assert KeyVaultKeyIdentifier.try_parse(uri, allowed_suffixes=SUFFIXES) is None


@pytest.mark.case("B12")
def test_plain_construction_stays_permissive() -> None:
    assert KeyVaultKeyIdentifier("https://evil.example/keys/a").name == "a"
    assert KeyVaultKeyIdentifier.try_parse("https://evil.example/keys/a") is not None


@pytest.mark.case("G6", "G8")
@pytest.mark.parametrize(
    "url",
    [HOST, f"{HOST}/", f"  {HOST}/ ", f"{HOST}:8443", "https://[::1]:8443", "https://xn--bcher-kva.vault.azure.net",
     "https://demo.vault.azure.cn", "https://demo.vault.usgovcloudapi.net", "https://demo.vault.microsoftazure.de",
     "https://demo.privatelink.vault.azure.net", "https://demo.a.b.managedhsm.azure.net", "https://localhost:8443"],
)  # fmt: skip
def test_vault_url_is_accepted(url: str) -> None:
    assert parse_vault_url(url) == url.strip(" /")


@pytest.mark.case("B8", "B9", "B10")
@pytest.mark.parametrize(
    ("url", "defect"),
    [
        ("", "must be the URL"),
        ("demo.vault.azure.net", "has no scheme"),
        ("//demo.vault.azure.net", "has no scheme"),
        ("http://demo.vault.azure.net", "only https"),
        ("httpsx://demo.vault.azure.net", "only https"),
        ("https://", "has no scheme"),
        (f"{HOST})", "no valid host name"),
        (f"{HOST}/keys/x", "has the path '/keys/x'"),
        (f"{HOST}?x=1", "query or a fragment"),
        (f"{HOST}#x", "query or a fragment"),
        ("https://user:pw@demo.vault.azure.net", "user name or password"),
        (f"{HOST}:port", "malformed"),
        (f"{HOST}:99999", "malformed"),
        (f"{HOST}:0", "port 0"),
        ("https://[::1", "malformed"),
        ("https://de mo.vault.azure.net", "blanks"),
        ("https://demo\\.vault.azure.net", "backslashes"),
        ("https://demo.vault.azure.net\r\nX: y", "control characters"),
        ("https://-demo.vault.azure.net", "no valid host name"),
        ("https://demo..vault.azure.net", "no valid host name"),
    ],
)
def test_vault_url_with_a_defect_is_refused_and_the_defect_named(url: str, defect: str) -> None:
    with pytest.raises(ValueError, match="vault_url") as caught:
        parse_vault_url(url)
    assert defect in str(caught.value)


@pytest.mark.case("I6")
def test_vault_url_with_a_password_is_not_repeated() -> None:
    with pytest.raises(ValueError, match="user name or password") as caught:
        parse_vault_url("https://me:canary@demo.vault.azure.net")
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("url", [b"https://demo.vault.azure.net", 5, object()], ids=["bytes", "int", "object"])
def test_vault_url_of_another_type_is_a_type_error(url: Any) -> None:
    with pytest.raises(TypeError, match="vault_url must be text"):
        parse_vault_url(url)


@pytest.mark.case("B1", "A17", "G8")
@pytest.mark.parametrize(
    ("url", "origin"),
    [
        (HOST, Origin("https", "demo.vault.azure.net", 443)),
        ("HTTPS://DEMO.Vault.Azure.NET.:443/x", Origin("https", "demo.vault.azure.net", 443)),
        ("http://demo", Origin("http", "demo", 80)),
        ("https://[::1]:8443", Origin("https", "::1", 8443)),
        ("https://XN--BCHER-KVA.example", Origin("https", "xn--bcher-kva.example", 443)),
    ],
)
def test_origin_is_canonical(url: str, origin: Origin) -> None:
    assert origin_of(url) == origin


@pytest.mark.case("A18")
@pytest.mark.parametrize(
    "url",
    ["demo.vault.azure.net", "https://", "https:///keys", "https://u@demo", "https://demo\\@evil", "https://de mo",
     "https://demo\r\nHost: evil", "https://demo\x00", "https://[::1", "https://demo:x"],
)  # fmt: skip
def test_origin_of_an_ambiguous_url_is_refused(url: str) -> None:
    with pytest.raises(ValueError):
        origin_of(url)


@pytest.mark.case("A18", "B10")
@given(st.text(max_size=40) | st.text(alphabet="https:/[]@\\.?#%a0 \u2100", max_size=40))
def test_parsers_raise_nothing_but_value_errors(text: str) -> None:
    for parse in (origin_of, parse_vault_url, parse_key_vault_id, KeyVaultKeyIdentifier.try_parse):
        try:
            parse(text)
        except ValueError:
            continue


@pytest.mark.case("G3", "G4")
@pytest.mark.parametrize(
    "name", ["a/b", "../secrets/x", "a?b", "a b", "ключ", "a" * 128, "a%2Fb", "a_b", "a\n", "", "."]
)
def test_name_that_the_service_would_refuse_is_refused_here(name: str) -> None:
    for operation in (operations.get_key, operations.delete_key, operations.rotate_key, operations.purge_deleted_key):
        with pytest.raises(ValueError, match="key name"):
            operation(name)


@pytest.mark.case("G3")
@pytest.mark.parametrize("name", ["a", "A-0", "a" * 127, "-"])
def test_name_is_accepted_as_it_is(name: str) -> None:
    assert operations.get_key(name).path == f"/keys/{name}"


@pytest.mark.case("G3")
@pytest.mark.parametrize("version", ["../x", "a/b", "a?b", "é"])
def test_version_that_the_service_would_refuse_is_refused_here(version: str) -> None:
    with pytest.raises(ValueError, match="key version"):
        operations.get_key("orders", version)


@pytest.mark.case("P14")
def test_identifiers_of_up_to_2048_characters_are_kept() -> None:
    prefix = f"{HOST}/keys/"
    for length, kept in ((2048, 1), (2049, 0)):
        before = sum(identifiers._kept.cache_info()[:2])  # hits and misses
        assert parse_key_vault_id(prefix + "a" * (length - len(prefix))).collection == "keys"
        assert sum(identifiers._kept.cache_info()[:2]) - before == kept


@pytest.mark.case("P12")
@pytest.mark.parametrize("host", ["fa\u00df.example", "a" * 300], ids=["not ASCII", "too long"])
def test_host_that_may_not_be_is_refused_before_it_is_parsed(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identifiers, "urlsplit", lambda url: pytest.fail("parsed"))
    with pytest.raises(ValueError, match="not ASCII, or has more than 253 characters"):
        origin_of(f"https://{host}/keys")


@pytest.mark.parametrize(
    ("origin", "text"),
    [(Origin("https", "host", 443), "https://host:443"), (Origin("https", "::1", 8443), "https://[::1]:8443")],
)
def test_origin_is_written_as_a_url(origin: Origin, text: str) -> None:
    assert str(origin) == text
    assert origin_of(text) == origin


@pytest.mark.parametrize(
    ("other", "same"),
    [(f"{HOST}:443/keys", True), (f"{HOST}:8443", False), ("https://other.vault.azure.net", False), ("no url", False)],
)
def test_addresses_of_one_vault_are_known(other: str, same: bool) -> None:
    assert identifiers.is_same_vault(HOST, other) is same


@pytest.mark.case("A18")
def test_token_goes_to_https_only() -> None:
    for url in (HOST, f"{HOST}/", f"{HOST}/keys/orders?a=b", HOST.upper() + "/keys"):
        assert identifiers.secure_origin_of(url) == Origin("https", "demo.vault.azure.net", 443)
    with pytest.raises(ServiceRequestError, match="only to https URLs"):
        identifiers.secure_origin_of("http://demo.vault.azure.net/keys")
