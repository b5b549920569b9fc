"""Challenges: what is read out of them, and which are trusted."""

from __future__ import annotations

import base64
import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from azure.keyvault.keys._shared.auth.challenge import (
    Challenge,
    ChallengeCache,
    ChallengeError,
    UnsupportedSchemeError,
    parse_challenge,
    verify_challenge,
)
from azure.keyvault.keys._shared.fork import _renew_all
from azure.keyvault.keys._shared.wire.identifiers import Origin, origin_of

SCOPE = "https://vault.azure.net/.default"
CLAIMS = '{"access_token":{"nbf":{"essential":true,"value":"1726000000"}}}'


def encoded(claims: str) -> str:
    return base64.b64encode(claims.encode()).decode()


@pytest.mark.case("A14")
@pytest.mark.parametrize(
    "header",
    [
        'Bearer authorization="https://login.windows.net/t", resource="https://vault.azure.net"',
        'bearer Authorization="https://login.windows.net/t",RESOURCE="https://vault.azure.net"',
        'Bearer\tauthorization="https://login.windows.net/t"\t,\tresource="https://vault.azure.net"',
        "Bearer authorization=https://login.windows.net/t, resource=https://vault.azure.net",
        'Bearer authorization_uri="https://login.windows.net/t", scope="https://vault.azure.net/.default"',
        'Bearer authorization = "https://login.windows.net/t" , resource = "https://vault.azure.net/"',
        'PoP realm="x", nonce="a=b", Bearer authorization="https://login.windows.net/t", '
        'resource="https://vault.azure.net"',
        'Basic realm="a, Bearer b", Bearer authorization="https://login.windows.net/t", '
        'resource="https://vault.azure.net"',
        'Bearer authorization="https:\\/\\/login.windows.net/t", resource="https://vault.azure.net"',
        'Bearer authorization="https://login.windows.net/t" resource="https://vault.azure.net" extra=a=b=',
    ],
    ids=[
        "quoted",
        "case",
        "tabs",
        "unquoted",
        "scope",
        "blanks",
        "after-pop",
        "after-basic",
        "escapes",
        "equals-in-value",
    ],
)
def test_parse_reads_every_form_of_the_grammar(header: str) -> None:
    assert parse_challenge([header]) == Challenge(SCOPE, "t")


@pytest.mark.case("A14")
def test_parse_takes_the_bearer_challenge_of_repeated_headers() -> None:
    bearer = 'Bearer authorization="https://login.windows.net/t", resource="https://vault.azure.net"'
    assert parse_challenge(['PoP nonce="abc"', bearer]).tenant == "t"


@pytest.mark.case("A20")
@pytest.mark.parametrize(
    ("authority", "tenant"),
    [
        ("https://login.microsoftonline.com/contoso", "contoso"),
        ("https://login.microsoftonline.com/contoso/oauth2/authorize", "contoso"),
        ("https://adfs.local.azurestack.external/adfs", None),
        ("https://adfs.local.azurestack.external/ADFS/", None),
        ("https://host.dsts.core.azure-test.net/dstsv2/tenant-two", "tenant-two"),
        ("https://host.dsts.core.azure-test.net/DSTSv2/tenant-two/", "tenant-two"),
        ("https://login.microsoftonline.com", None),
        ("", None),
    ],
)
def test_parse_finds_the_tenant_in_the_authority(authority: str, tenant: str | None) -> None:
    assert parse_challenge([f'Bearer authorization="{authority}", resource="https://vault.azure.net"']).tenant == tenant


@pytest.mark.case("A11")
def test_parse_reads_a_claims_challenge_without_resource() -> None:
    header = 'Bearer realm="", authorization_uri="https://x/common/a", error="insufficient_claims", claims="{}"'
    assert parse_challenge([header.format(encoded(CLAIMS))]) == Challenge(None, "common", CLAIMS)


@pytest.mark.case("A13")
@pytest.mark.parametrize("padding", ["", "=", "=="], ids=["none", "one", "two"])
def test_parse_repairs_the_padding_of_claims(padding: str) -> None:
    text = base64.urlsafe_b64encode(CLAIMS.encode()).decode().rstrip("=") + padding
    assert parse_challenge([f"Bearer claims={text}"]).claims == CLAIMS


@pytest.mark.case("A13")
@pytest.mark.parametrize(
    "claims",
    [
        "%%%",
        encoded("not json"),
        base64.b64encode(b"\xff\xfe").decode(),
        "A",
        "é",
        encoded("[" * 20_000),
        encoded("[]") + "*",
    ],
    ids=["not-base64", "not-json", "not-utf8", "too-short", "not-ascii", "too-deep", "base64-and-more"],
)
def test_parse_refuses_claims_that_are_not_base64_of_json(claims: str) -> None:
    with pytest.raises(ChallengeError):
        parse_challenge([f'Bearer claims="{claims}"'])


@pytest.mark.case("A13")
def test_parse_refuses_claims_of_a_megabyte() -> None:
    with pytest.raises(ChallengeError, match="longer than"):
        parse_challenge([f'Bearer claims="{encoded(json.dumps("x" * 1_000_000))}"'])


@pytest.mark.case("A15")
@pytest.mark.parametrize("name", ["resource", "authorization", "claims"])
def test_parse_refuses_a_parameter_given_twice(name: str) -> None:
    with pytest.raises(ChallengeError, match=f"names {name} twice"):
        parse_challenge([f'Bearer {name}="https://vault.azure.net", {name.upper()}="https://evil.example"'])


@pytest.mark.case("A27")
@pytest.mark.parametrize("header", ['PoP nonce="x"', "Basic", 'Digest realm="x", Negotiate abc=='])
def test_parse_names_a_scheme_that_is_not_supported(header: str) -> None:
    with pytest.raises(UnsupportedSchemeError, match=header.split()[0]):
        parse_challenge([header])


@pytest.mark.case("A8")
@pytest.mark.parametrize(
    "headers",
    [[], [""], [" , ,"], ['realm="x"'], ['Bearer "'], ["Bearer é=1"], ['Bearer authorization="https://[x"']],
    ids=["none", "empty", "commas", "no-scheme", "quote", "not-ascii", "bad-authority"],
)
def test_parse_refuses_what_is_no_challenge(headers: list[str]) -> None:
    with pytest.raises(ChallengeError):
        parse_challenge(headers)


@pytest.mark.case("A28")
@pytest.mark.parametrize(
    "header",
    [
        "Bearer " + ", ".join(f"p{n}=v" for n in range(200_000)),
        "Bearer " + ", ".join(f"p{n}=v" for n in range(100)),
        'Bearer a="' + "\\" * 30_000,
        "Bearer" + " " * 30_000 + "=",
    ],
    ids=["200000-parameters", "100-parameters", "open-quote", "blanks"],
)
def test_parse_takes_little_time_for_a_hostile_header(header: str) -> None:
    began = time.process_time()
    with pytest.raises(ChallengeError):
        parse_challenge([header])
    assert time.process_time() - began < 1


@pytest.mark.case("A14")
@given(st.lists(st.text(alphabet='Bearer ,="\\\t abc=http:/.é\x00', max_size=60), max_size=3))
def test_parse_raises_nothing_but_its_own_errors(headers: list[str]) -> None:
    try:
        found = parse_challenge(headers)
    except ChallengeError:
        return
    assert isinstance(found, Challenge)


@pytest.mark.case("A17", "G6", "G8")
@pytest.mark.parametrize(
    ("resource", "url"),
    [
        ("https://vault.azure.net", "https://demo.vault.azure.net"),
        ("https://vault.azure.cn", "https://demo.vault.azure.cn"),
        ("https://vault.usgovcloudapi.net", "https://demo.vault.usgovcloudapi.net"),
        ("https://vault.microsoftazure.de", "https://demo.vault.microsoftazure.de"),
        ("https://managedhsm.azure.net", "https://demo.managedhsm.azure.net"),
        ("https://managedhsm.azure.net", "https://demo.region.managedhsm.azure.net"),
        ("https://vault.azure.net", "https://demo.privatelink.vault.azure.net"),
        ("https://VAULT.azure.net.", "https://demo.vault.azure.net"),
        ("https://vault.azure.net:443/a/path", "https://DEMO.vault.azure.net:443"),
        ("https://localhost", "https://localhost:8443"),
        ("https://vault.xn--bcher-kva.example", "https://demo.vault.xn--bcher-kva.example"),
        ("https://azure.net", "https://vault.azure.net"),
    ],
)
def test_verify_accepts_the_vaults_own_resource(resource: str, url: str) -> None:
    verify_challenge(Challenge(resource + "/.default", "t"), origin_of(url))


@pytest.mark.case("A16", "A17")
@pytest.mark.parametrize(
    "resource",
    [
        "https://net",
        "https://com",
        "https://azure.net",
        "https://evil.example",
        "https://vault.azure.net.evil.example",
        "https://xvault.azure.net",
        "https://user@vault.azure.net",
        "https://evil.example@vault.azure.net",
        "https://vault.azure.net\\@evil.example",
        "http://vault.azure.net",
        "httpsx://vault.azure.net",
        "vault.azure.net",
        "https://",
        "https://[vault.azure.net",
        "https://vault.azure.net:99999",
        "https://vault.azure.net/.default https://evil.example",
        "https://\ud800.azure.net",
        "",
    ],
)
def test_verify_refuses_any_other_resource(resource: str) -> None:
    with pytest.raises(ChallengeError, match="verify_challenge_resource=False"):
        verify_challenge(Challenge(resource + "/.default", "t"), origin_of("https://x.vault.azure.net"))


@pytest.mark.case("A16")
def test_verify_refuses_a_top_level_domain_for_a_vault_directly_below_it() -> None:
    with pytest.raises(ChallengeError):
        verify_challenge(Challenge("https://net/.default", "t"), origin_of("https://vault.net"))


@pytest.mark.case("A7")
def test_cache_removes_only_the_challenge_that_was_observed() -> None:
    cache, origin = ChallengeCache(), origin_of("https://demo.vault.azure.net")
    old, new = Challenge(SCOPE, "old"), Challenge(SCOPE, "new")
    cache.put(origin, old)
    cache.put(origin, new)
    cache.remove(origin, old)
    assert cache.get(origin) is new
    cache.remove(origin, new)
    assert cache.get(origin) is None


@pytest.mark.case("A26", "G8")
@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://demo.vault.azure.net", "https://DEMO.vault.azure.net:443/"),
        ("https://[::1]", "https://[::1]:443/keys"),
        ("https://XN--bcher-kva.vault.azure.net", "https://xn--bcher-kva.vault.azure.net."),
    ],
    ids=["port", "ipv6", "idn"],
)
def test_cache_knows_a_vault_under_every_spelling(one: str, other: str) -> None:
    cache, challenge = ChallengeCache(), Challenge(SCOPE, "t")
    cache.put(origin_of(one), challenge)
    assert cache.get(origin_of(other)) is challenge
    assert cache.get(origin_of("https://demo.vault.azure.net:8443")) is None


@pytest.mark.case("A28")
@pytest.mark.parametrize(("excess", "read"), [(0, True), (1, False)], ids=["longest", "too long"])
def test_parse_takes_a_header_of_so_many_characters(excess: int, read: bool) -> None:
    header = 'Bearer resource="https://vault.azure.net", x="'
    header += "a" * (32_768 - len(header) - 1 + excess) + '"'
    if read:
        assert parse_challenge([header]).scope == "https://vault.azure.net/.default"
    else:
        with pytest.raises(ChallengeError, match="longer than 32768 characters"):
            parse_challenge([header])


@pytest.mark.case("A28")
def test_parse_takes_64_parameters_and_no_more() -> None:
    parameters = ['Bearer resource="https://vault.azure.net"', *(f"p{number}=v" for number in range(63))]
    assert parse_challenge([", ".join(parameters)]).scope == SCOPE
    with pytest.raises(ChallengeError, match="too many parameters"):
        parse_challenge([", ".join([*parameters, "last=v"])])


@pytest.mark.case("A28")
@pytest.mark.parametrize("header", ['Bearer scope="{}"', 'Bearer authorization="https://login.example/{}"'])
def test_parse_takes_a_scope_and_a_tenant_of_1024_characters_and_no_more(header: str) -> None:
    found = parse_challenge([header.format("a" * 1024)])
    assert "a" * 1024 in (found.scope, found.tenant)
    with pytest.raises(ChallengeError, match="more than 1024 characters"):
        parse_challenge([header.format("a" * 1025)])


def test_challenge_that_clients_share_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        Challenge(SCOPE, "t").scope = "https://evil.example/.default"  # type: ignore[misc]


@pytest.mark.case("A28")
def test_cache_keeps_the_1024_vaults_that_were_seen_last() -> None:
    cache, challenge = ChallengeCache(), Challenge(SCOPE, "t")
    origins = [Origin("https", f"vault-{number}.vault.azure.net", 443) for number in range(1025)]
    for origin in origins[:-1]:
        cache.put(origin, challenge)
    assert cache.get(origins[0]) is challenge
    cache.put(origins[0], challenge)
    cache.put(origins[-1], challenge)
    assert [origin for origin in origins if cache.get(origin) is None] == [origins[1]]


def test_cache_is_usable_in_a_child_process_forked_while_its_lock_was_held() -> None:
    cache, origin = ChallengeCache(), origin_of("https://demo.vault.azure.net")
    held = cache._lock
    with held:
        _renew_all()  # what the child does first
        assert cache._lock.acquire(blocking=False)
    cache._lock.release()
    cache.put(origin, Challenge(SCOPE, "t"))
    assert cache.get(origin) is not None
