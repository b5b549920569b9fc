"""Answers and keys that are not to be believed: private members, other keys, nothing where there must be something."""

from __future__ import annotations

import base64
import gc
from collections.abc import Callable
from typing import Any

import pytest
from azure.core.exceptions import DecodeError
from fixtures.stub_vault import (
    HOST_CHALLENGE,
    URL,
    VERSION,
    Answer,
    Script,
    StubCredential,
    StubWorld,
    Tokens,
    bundle,
    challenged,
    usable_bundle,
)
from fixtures.worlds import World, listed

from azure.keyvault.keys import JsonWebKey, KeyClient, KeyVaultKeyIdentifier
from azure.keyvault.keys._generated import models, operations
from azure.keyvault.keys._shared.wire import reading
from azure.keyvault.keys._shared.wire.identifiers import origin_of, parse_key_vault_id, parse_vault_url
from azure.keyvault.keys._shared.wire.subject import other_key
from azure.keyvault.keys.crypto import KeyResolver, SignatureAlgorithm, VerifyResult
from azure.keyvault.keys.crypto._local import load


def text(number: int) -> str:
    raw = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def power_of_three(bits: int) -> dict[str, str]:
    """Return the numbers of a key whose modulus is a power of 3: they belong together, and no try finds two primes."""
    exponent = int(bits / 1.5849625007211562)
    modulus = 3**exponent
    order = 2 * 3 ** (exponent - 1)
    return {"kty": "RSA", "n": text(modulus), "e": text(65537), "d": text(pow(65537, -1, order))}


# Private members


@pytest.mark.case("P2")
@pytest.mark.parametrize("member", ["d", "dp", "dq", "qi", "p", "q", "k"])
async def test_private_member_of_an_answer_is_dropped(stub: StubWorld, member: str) -> None:
    answer = usable_bundle()
    answer["key"][member] = "AQAB"
    key = await stub.client(Script([Answer(200, answer)])).get_key("orders")
    assert (getattr(key.key, member), key.key.n is None) == (None, False)


@pytest.mark.case("P2", "C9")
async def test_numbers_of_an_answer_that_would_take_long_are_not_looked_at(
    stub: StubWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: Any) -> None:
        raise AssertionError("the primes of an answer were looked for")

    monkeypatch.setattr("azure.keyvault.keys._jwk.rsa._recovered", never)
    answer = bundle()
    answer["key"].update(power_of_three(2048), key_ops=["encrypt"])
    answer["key"]["n"] = usable_bundle()["key"]["n"]
    client = stub.client(Script([Answer(200, answer)])).get_cryptography_client("orders")
    assert (await client.encrypt("RSA-OAEP", b"x", timeout=1)).performed == "local"


@pytest.mark.case("P2", "K7")
@pytest.mark.parametrize("bits", [2048, 4096])
def test_primes_that_are_not_there_are_looked_for_in_bounded_time(
    world: World, monkeypatch: pytest.MonkeyPatch, bits: int
) -> None:
    powers: list[int] = []

    def counted(base: int, exponent: int, modulus: int) -> int:
        powers.append(exponent)
        return pow(base, exponent, modulus)

    monkeypatch.setattr("azure.keyvault.keys._jwk.rsa.pow", counted, raising=False)
    with pytest.raises(ValueError, match="not valid for local cryptography"):
        world.CryptographyClient.from_jwk(power_of_three(bits))  # type: ignore[attr-defined]
    assert 1 < len(powers) <= 6


@pytest.mark.case("P2", "K7")
def test_power_of_a_prime_is_no_modulus() -> None:
    with pytest.raises(ValueError, match=r"does not belong to|not two different primes"):
        JsonWebKey(**power_of_three(2048)).to_pem(private=True)  # type: ignore[arg-type]


@pytest.mark.case("K6")
@pytest.mark.parametrize("missing", ["n", "e"])
def test_rsa_key_without_modulus_or_exponent_has_no_local_material(missing: str) -> None:
    members: dict[str, Any] = {"kty": "RSA", "n": b"\xff" * 256, "e": b"\1\0\1", missing: None}
    assert load(JsonWebKey(**members)) is None


@pytest.mark.case("P2", "K7")
def test_primes_of_a_modulus_beyond_the_services_are_not_looked_for(world: World) -> None:
    with pytest.raises(ValueError, match="only up to 4096 bits: give them too"):
        world.CryptographyClient.from_jwk(power_of_three(8192))  # type: ignore[attr-defined]


@pytest.mark.case("P2", "K7")
def test_prime_modulus_is_no_product_of_two(world: World) -> None:
    prime = 2**2203 - 1
    jwk = {"kty": "RSA", "n": text(prime), "e": text(65537), "d": text(pow(65537, -1, prime - 1))}
    with pytest.raises(ValueError, match="not the product of two primes"):
        world.CryptographyClient.from_jwk(jwk)  # type: ignore[attr-defined]


# Other keys


def other(kid: str) -> dict[str, Any]:
    made = usable_bundle()
    made["key"]["kid"] = kid
    return made


Call = Callable[[Any], Any]
OTHERS = {
    "name": f"{URL}/keys/invoices/{VERSION}",
    "version": f"{URL}/keys/orders/ffff",
    "vault": f"https://other.vault.azure.net/keys/orders/{VERSION}",
    "host": f"https://elsewhere.example/keys/orders/{VERSION}",
    "port": f"{URL}:8443/keys/orders/{VERSION}",
    "scheme": f"{URL.replace('https', 'http')}/keys/orders/{VERSION}",
    "collection": f"{URL}/secrets/orders/{VERSION}",
}
BY_NAME: dict[str, Call] = {
    "create": lambda client: client.create_rsa_key("orders"),
    "import": lambda client: client.import_key("orders", JsonWebKey(kty="oct", k=bytes(16))),
    "get": lambda client: client.get_key("orders"),
    "update": lambda client: client.update_key_properties("orders", enabled=True),
    "delete": lambda client: client.begin_delete_key("orders"),
    "get deleted": lambda client: client.get_deleted_key("orders"),
    "recover": lambda client: client.begin_recover_deleted_key("orders"),
    "rotate": lambda client: client.rotate_key("orders"),
    "attestation": lambda client: client.get_key_attestation("orders"),
    "encrypt": lambda client: client.get_cryptography_client("orders").encrypt("RSA-OAEP", b"x"),
}


@pytest.mark.case("B11", "P9")
@pytest.mark.parametrize("difference", OTHERS)
async def test_key_of_another_name_version_or_vault_is_refused(stub: StubWorld, difference: str) -> None:
    client = stub.client(Script([Answer(200, other(OTHERS[difference]))]))
    with pytest.raises(DecodeError, match="was asked for the key orders, version"):
        await client.get_key("orders", VERSION)


@pytest.mark.case("B11", "P9")
@pytest.mark.parametrize("difference", ["name", "vault"])
@pytest.mark.parametrize("call", BY_NAME)
async def test_every_call_by_name_refuses_another_key(stub: StubWorld, call: str, difference: str) -> None:
    answer = {**other(OTHERS[difference]), "recoveryId": f"{URL}/deletedkeys/orders"}
    with pytest.raises(DecodeError, match="was asked for the key orders and answered with"):
        await BY_NAME[call](stub.client(Script([Answer(200, answer)])))


@pytest.mark.case("B11", "P9")
async def test_versions_of_another_key_are_refused(stub: StubWorld) -> None:
    client = stub.client(Script([Answer(200, {"value": [{"kid": OTHERS["name"]}]})]))
    with pytest.raises(DecodeError, match="was asked for the key orders"):
        await listed(client.list_key_versions("orders"))


@pytest.mark.case("B11", "P9")
async def test_keys_of_another_vault_are_not_listed(stub: StubWorld) -> None:
    client = stub.client(Script([Answer(200, {"value": [{"kid": OTHERS["vault"]}]})]))
    with pytest.raises(DecodeError, match="was asked for a key and answered with"):
        await listed(client.list_keys())


@pytest.mark.case("E12", "P9")
@pytest.mark.parametrize("difference", ["name", "version", "vault"])
async def test_result_of_another_key_is_refused(stub: StubWorld, difference: str) -> None:
    script = Script([Answer(200, {"kid": OTHERS[difference], "value": "AQAB"})])
    client = stub.client(script).get_cryptography_client("orders", key_version=VERSION, execution="remote")
    with pytest.raises(DecodeError, match="was asked for the key orders, version"):
        await client.encrypt("RSA-OAEP", b"x")


@pytest.mark.case("B11", "P9")
@pytest.mark.parametrize("name", ["ORDERS", "orders"])
async def test_key_in_another_letter_case_is_the_same(stub: StubWorld, name: str) -> None:
    key = await stub.client(Script([Answer(200, bundle())])).get_key(name, VERSION.upper())
    assert key.name == "orders"


REGIONAL = "https://pool.westeurope.managedhsm.azure.net"
GLOBAL = "https://pool.managedhsm.azure.net"


@pytest.mark.case("B11", "P9", "G6")
@pytest.mark.parametrize(
    ("asked", "answered", "same"),
    [
        (REGIONAL, GLOBAL, True),
        (GLOBAL, REGIONAL, True),
        (GLOBAL, GLOBAL + ":443", True),
        (GLOBAL, GLOBAL.upper().replace("HTTPS", "https"), True),
        (GLOBAL, "https://other.westeurope.managedhsm.azure.net", False),
        (GLOBAL, "https://pool.managedhsm.azure.net.example", False),
        (GLOBAL, "https://pool.managedhsm.example", False),
        (URL, "https://demo.elsewhere.vault.azure.net", False),
    ],
)
def test_managed_hsm_has_addresses_for_its_regions(asked: str, answered: str, same: bool) -> None:
    class Found:
        kid = f"{answered}/keys/orders"

    assert (other_key(asked, operations.get_key("orders"), Found(), aliased=False) is None) is same


@pytest.mark.case("B11", "P9")
async def test_vault_with_an_address_of_its_own_may_name_another_one(stub: StubWorld) -> None:
    script = Script([Answer(200, other(OTHERS["vault"]))])
    key = await stub.client(script, verify_challenge_resource=False).get_key("orders", VERSION)
    assert key.id == OTHERS["vault"]


@pytest.mark.case("B11", "P9")
async def test_policies_made_beforehand_say_whether_a_vault_has_an_address_of_its_own(stub: StubWorld) -> None:
    make = stub.world.KeyClient.create_config  # type: ignore[attr-defined]
    config = make(stub.credential(Tokens()), verify_challenge_resource=False)
    client = stub.client(Script([Answer(200, other(OTHERS["vault"]))]), config=config)
    assert (await client.get_key("orders")).id == OTHERS["vault"]


# Nothing


EMPTY: dict[str, Call] = {
    "random bytes": lambda client: client.get_random_bytes(16),
    "backup": lambda client: client.backup_key("orders"),
    "ciphertext": lambda client: remote(client).encrypt("RSA-OAEP", b"x"),
    "ciphertext of nothing by RSA": lambda client: remote(client).encrypt("RSA-OAEP", b""),
    "ciphertext of nothing with padding": lambda client: remote(client).encrypt("A128CBCPAD", b""),
    "wrapped key": lambda client: remote(client).wrap_key("RSA-OAEP", b"x"),
    "unwrapped key": lambda client: remote(client).unwrap_key("A128KW", bytes(24)),
    "signature": lambda client: remote(client).sign("RS256", bytes(32)),
    "released key": lambda client: client.release_key("orders", "token"),
}


def remote(client: Any) -> Any:
    return client.get_cryptography_client("orders", execution="remote")


@pytest.mark.case("P10")
@pytest.mark.parametrize("what", EMPTY)
async def test_empty_result_is_a_decode_error(stub: StubWorld, what: str) -> None:
    with pytest.raises(DecodeError):
        await EMPTY[what](stub.client(Script([Answer(200, {"value": ""})])))


@pytest.mark.case("P10")
async def test_plaintext_may_be_empty(stub: StubWorld) -> None:
    client = remote(stub.client(Script([Answer(200, {"value": ""})])))
    assert (await client.decrypt("RSA-OAEP", b"x")).plaintext == b""
    assert (await client.encrypt("A128CBC", b"")).ciphertext == b""


@pytest.mark.case("P10")
@pytest.mark.parametrize("count", [1, 3, 31, 33])
async def test_other_number_of_random_bytes_is_a_decode_error(stub: StubWorld, count: int) -> None:
    value = base64.urlsafe_b64encode(bytes(count)).decode()
    with pytest.raises(DecodeError, match=f"{count} random bytes instead of 32"):
        await stub.client(Script([Answer(200, {"value": value})])).get_random_bytes(32)


# Hosts


@pytest.mark.case("P12", "B4")
async def test_host_that_looks_like_the_vaults_gets_no_token(stub: StubWorld) -> None:
    url = "https://fass.vault.azure.net"
    script = Script([Answer(307, None, {"Location": "https://faß.vault.azure.net/keys/orders"})])
    with pytest.raises(Exception, match="another origin"):
        await stub.client(script, url=url).get_key("orders")
    assert {sent.url.partition("/keys")[0] for sent in script.sent} == {url}


HOSTS = {
    "letters": "faß.example",
    "fullwidth": "\uff45xample.net",
    "long": "a" * 254,
    "labels": ".".join(["a" * 60] * 5),
}


@pytest.mark.case("P12", "G8")
@pytest.mark.parametrize("host", HOSTS.values(), ids=list(HOSTS))
def test_host_is_ascii_and_of_a_hosts_length_or_refused(host: str) -> None:
    with pytest.raises(ValueError, match=r"ASCII|characters"):
        parse_vault_url(f"https://{host}")
    with pytest.raises(ValueError, match=r"ASCII|characters"):
        origin_of(f"https://{host}/keys")
    with pytest.raises(ValueError, match="not a valid ID"):
        parse_key_vault_id(f"https://{host}:443/keys/orders")
    assert KeyVaultKeyIdentifier.try_parse(f"https://{host}/keys/orders") is None


@pytest.mark.case("P12")
@pytest.mark.parametrize("host", ["é", "a.", "a-", "é."])
def test_long_host_is_refused_without_being_encoded(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    """What Python's own IDNA codec takes grows with the square of the length."""
    import encodings.idna

    def never(*_: Any) -> None:
        raise AssertionError("a host name was encoded")

    monkeypatch.setattr(encodings.idna.Codec, "encode", never)
    assert KeyVaultKeyIdentifier.try_parse(f"https://{host * 100_000}/keys/orders") is None


@pytest.mark.case("P12")
def test_longest_host_is_taken() -> None:
    host = ".".join(["a" * 63] * 3 + ["b" * 61])
    assert len(host) == 253
    assert parse_vault_url(f"https://{host}:8443") == f"https://{host}:8443"
    assert origin_of(f"https://{host}.:65535").port == 65535
    assert parse_key_vault_id(f"https://{host}/keys/a").vault_url == f"https://{host}"


# Verdicts


@pytest.mark.case("P17")
@pytest.mark.parametrize("valid", [True, False])
def test_result_of_a_verification_is_its_verdict(valid: bool) -> None:
    assert bool(VerifyResult(None, valid, SignatureAlgorithm.es256)) is valid


@pytest.mark.case("P17")
@pytest.mark.parametrize("valid", [True, False])
async def test_verification_is_asked_for_its_verdict(stub: StubWorld, valid: bool) -> None:
    script = Script([lambda sent: Answer(200, {"value": valid} if sent.method == "POST" else usable_bundle())])
    client = stub.client(script).get_cryptography_client("orders", execution="remote")
    result = await client.verify("RS256", bytes(32), bytes(256))
    assert ("trusted" if result else "refused") == ("trusted" if valid else "refused")


LONG_EXPONENT = (1 << 100) + 277


@pytest.mark.case("P16")
async def test_exponent_that_openssl_refuses_is_no_verdict(stub: StubWorld) -> None:
    answer = bundle()
    answer["key"].update(n=text((1 << 4096) - 1), e=text(LONG_EXPONENT), key_ops=["verify", "encrypt"])
    script = Script([Answer(200, answer), Answer(200, {"value": True})])
    client = stub.client(script).get_cryptography_client("orders")
    result = await client.verify("RS256", bytes(32), bytes(512))
    assert (result.is_valid, result.performed) == (True, "remote")


@pytest.mark.case("P16")
async def test_exponent_that_openssl_refuses_cannot_be_used_here(world: World) -> None:
    jwk = {"kty": "RSA", "n": text((1 << 4096) - 1), "e": text(LONG_EXPONENT)}
    client = world.from_jwk(jwk)
    with pytest.raises(NotImplementedError, match="no public exponent of more than 64 bits"):
        await client.verify("RS256", bytes(32), bytes(512))
    with pytest.raises(NotImplementedError, match="no public exponent of more than 64 bits"):
        await client.encrypt("RSA-OAEP", b"x")


@pytest.mark.case("P16")
async def test_long_exponent_of_a_small_modulus_is_used_here(world: World) -> None:
    client = world.from_jwk({"kty": "RSA", "n": text((1 << 3072) - 1), "e": text(LONG_EXPONENT)})
    assert (await client.verify("RS256", bytes(32), bytes(384))).is_valid is False
    assert len((await client.encrypt("RSA-OAEP", b"x")).ciphertext) == 384


@pytest.mark.case("P14")
def test_identifier_of_any_length_is_not_kept() -> None:
    from azure.keyvault.keys._shared.wire import identifiers

    before = identifiers._kept.cache_info()
    parse_key_vault_id(f"{URL}/keys/{'a' * 1_000_000}")
    assert identifiers._kept.cache_info() == before


@pytest.mark.case("P14")
async def test_answer_with_an_endless_identifier_is_refused(stub: StubWorld) -> None:
    answer = bundle("a" * 1_000_000)
    with pytest.raises(DecodeError, match=r"kid is malformed") as caught:
        await stub.client(Script([Answer(200, answer)])).get_key("orders")
    assert len(str(caught.value)) < 1000


@pytest.mark.case("P14", "C9")
async def test_page_of_very_many_items_is_refused_before_they_are_made(stub: StubWorld) -> None:
    item = {"kid": f"{URL}/keys/orders"}
    client = stub.client(Script([Answer(200, {"value": [item] * 10_001})]))
    with pytest.raises(DecodeError, match="a list of 10001 items"):
        await listed(client.list_keys())


@pytest.mark.case("P14")
def test_resolver_keeps_a_bounded_number_of_keys_and_connections(stub: StubWorld) -> None:
    resolver = KeyResolver(StubCredential(Tokens()))
    first = resolver(f"{URL}/keys/orders/{VERSION}")
    for number in range(2000):
        assert resolver(f"{URL}/keys/orders/{VERSION}") is first
        resolver(f"https://v{number}.vault.azure.net/keys/orders/{VERSION}")
    gc.collect()
    assert (len(resolver._keys), len(resolver._connections)) == (1000, 1000)
    resolver.close()


def test_client_takes_no_host_in_other_letters() -> None:
    with pytest.raises(ValueError, match="Punycode"):
        KeyClient("https://bücher.vault.azure.net", object())  # type: ignore[arg-type]


@pytest.mark.case("P9")
async def test_answer_that_names_no_possible_vault_is_refused(stub: StubWorld) -> None:
    answer = bundle()
    answer["key"]["kid"] = f"{URL}:99999/keys/orders/{VERSION}"
    with pytest.raises(DecodeError):
        await stub.client(Script([Answer(200, answer)])).get_key("orders")


@pytest.mark.case("P10")
async def test_as_many_random_bytes_as_were_asked_for_are_returned(stub: StubWorld) -> None:
    challenge = challenged(HOST_CHALLENGE.replace("vault.azure.net", "managedhsm.azure.net"))
    script = Script([Answer(200, {"value": "AQID"})], challenge)
    client = stub.client(script, url="https://demo.managedhsm.azure.net")
    assert await client.get_random_bytes(3) == b"\1\2\3"


@pytest.mark.case("P14")
@pytest.mark.parametrize(("length", "read"), [(2048, True), (2049, False)])
def test_identifier_in_an_answer_has_at_most_2048_characters(length: int, read: bool) -> None:
    prefix = f"{URL}/keys/"
    data = {"key": {"kid": prefix + "a" * (length - len(prefix)), "kty": "RSA"}}
    if read:
        assert len(reading.read(models.KeyBundle, data).key.kid) == length
    else:
        with pytest.raises(reading.Malformed, match="kid is malformed"):
            reading.read(models.KeyBundle, data)


@pytest.mark.case("P14")
def test_page_of_ten_thousand_items_is_read() -> None:
    page = reading.read(models.KeyListResult, {"value": [{"kid": f"{URL}/keys/orders"}] * 10_000})
    assert len(page.value) == 10_000


@pytest.mark.case("P16")
@pytest.mark.parametrize(("bits", "performed"), [(64, "local"), (65, "remote")])
async def test_exponent_of_64_bits_is_the_longest_for_a_large_modulus(
    stub: StubWorld, bits: int, performed: str
) -> None:
    answer = bundle()
    answer["key"].update(n=text((1 << 4096) - 1), e=text((1 << (bits - 1)) + 1), key_ops=["verify"])
    script = Script([Answer(200, answer), Answer(200, {"value": True})])
    client = stub.client(script).get_cryptography_client("orders")
    assert (await client.verify("RS256", bytes(32), bytes(512))).performed == performed
