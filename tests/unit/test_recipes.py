"""Clients go to other processes as recipes: what the caller gave, and nothing that was found out since."""

from __future__ import annotations

import asyncio
import copy
import logging
import os
import pickle
import ssl
import subprocess
import sys
import threading
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from azure.core.credentials import AccessToken
from azure.core.pipeline.policies import HeadersPolicy, SansIOHTTPPolicy
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from fixtures.keyring import private_jwk
from fixtures.stub_vault import URL, VERSION, Script, StubWorld
from fixtures.worlds import AIO, SYNC, World

from azure.keyvault.keys import ApiVersion, JsonWebKey, KeyClient, KeyVaultKey
from azure.keyvault.keys._shared.fork import _renew_all
from azure.keyvault.keys._shared.recipe import MOST_SHARED, SHARED, _SharedThings, fingerprint
from azure.keyvault.keys.crypto import CryptographyClient, KeyEncryptionKey, KeyResolver

pytestmark = pytest.mark.filterwarnings("ignore:Unverified HTTPS request")

KEY = f"{URL}/keys/orders"
TOKEN = "eyJ-a-token-that-must-not-travel"


class Credential:
    """A credential that remembers its tokens elsewhere, as those of azure-identity do."""

    def __init__(self, name: str = "one") -> None:
        self.name = name

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        return AccessToken(TOKEN, 2**33)


class Unpicklable(Credential):
    def __init__(self) -> None:
        super().__init__()
        self.lock = threading.Lock()


def sent(client: Any) -> Any:
    """Return what another process gets, in this one."""
    return pickle.loads(pickle.dumps(client))


def credential_of(client: Any) -> Any:
    return client._vault._credential


@pytest.fixture(autouse=True)
def _nothing_is_shared_between_tests() -> None:
    SHARED._things.clear()


OPTIONS: dict[str, Any] = {
    "api_version": ApiVersion.V7_4,
    "verify_challenge_resource": False,
    "retry_total": 1,
    "timeout": 5.0,
    "connection_verify": False,
    "headers": {"x-one": "1"},
    "logger": logging.getLogger("orders"),
}


def test_key_client_is_made_again_with_its_options(world: World) -> None:
    client = world.KeyClient(URL, Credential(), **OPTIONS)
    other = sent(client)
    assert type(other) is type(client)
    assert other is not client
    assert (other.vault_url, other.api_version) == (URL, "7.4")
    assert other._vault._settings == client._vault._settings
    assert other._vault.wire.aliased
    assert credential_of(other).name == "one"


@pytest.mark.parametrize("key", [KEY, f"{KEY}/{VERSION}"], ids=["no version", "version"])
@pytest.mark.parametrize("execution", ["auto", "remote"])
def test_cryptography_client_is_made_again(world: World, key: str, execution: Any) -> None:
    client = world.CryptographyClient(key, Credential(), execution=execution, **OPTIONS)
    other = sent(client)
    assert type(other) is type(client)
    assert (other.key_id, other.vault_url, other._state.execution, other.api_version) == (key, URL, execution, "7.4")
    assert (other._state.facts is None) == (execution == "auto")


def test_look_ups_of_the_newest_version_go_along(world: World) -> None:
    client = world.CryptographyClient(KEY, Credential(), refresh_after=77)
    assert sent(client)._refresh.refresh_after == 77


def test_key_that_was_given_goes_along(world: World) -> None:
    public = JsonWebKey.from_json(private_jwk("RSA 2048").to_json())
    key = KeyVaultKey(f"{KEY}/{VERSION}", public)
    other = sent(world.CryptographyClient(key, Credential()))
    assert other.key_id == key.id
    assert other._state.material.n == public.n
    assert world.adapt(other) is not None
    encrypted = SYNC.CryptographyClient.encrypt(sent(CryptographyClient(key, Credential())), "RSA-OAEP", b"x")
    assert encrypted.performed == "local"


def test_key_without_a_vault_goes_along(world: World) -> None:
    public = JsonWebKey.from_json(private_jwk("RSA 2048").to_json())
    public.key_ops, public.kid = ["verify"], "mine"  # type: ignore[list-item]  # text is taken as well
    other = sent(world.CryptographyClient.from_jwk(public))
    assert (other.key_id, other.vault_url) == ("mine", None)
    with pytest.raises(ValueError, match='does not allow the "encrypt" operation'):
        sent(CryptographyClient.from_jwk(public)).encrypt("RSA-OAEP", b"x")


@pytest.mark.case("D8")
@pytest.mark.parametrize("kind", ["RSA 2048", "EC P-256", "oct 256"])
def test_private_material_stays_in_its_process(world: World, kind: str) -> None:
    jwk = private_jwk(kind)
    key = KeyVaultKey(f"{KEY}/{VERSION}", jwk)
    for client in (world.CryptographyClient.from_jwk(jwk), world.CryptographyClient(key, Credential())):
        with pytest.raises(TypeError, match="cannot be pickled, because of the private part of its key"):
            pickle.dumps(client)


def test_private_key_objects_stay_in_their_process() -> None:
    for private in (
        CryptographyClient.from_jwk(private_jwk("RSA 2048")).create_rsa_private_key(),
        CryptographyClient.from_jwk(private_jwk("EC P-256")).create_ec_private_key(),
    ):
        assert isinstance(private, (rsa.RSAPrivateKey, ec.EllipticCurvePrivateKey))
        with pytest.raises(TypeError, match="the private part of its key"):
            pickle.dumps(private)


def test_symmetric_key_encryption_key_stays_in_its_process() -> None:
    jwk = private_jwk("oct 256")
    jwk = JsonWebKey(kty="oct", k=jwk.k, kid="local")
    with pytest.raises(TypeError, match="the private part of its key"):
        pickle.dumps(KeyEncryptionKey(CryptographyClient.from_jwk(jwk), "A256KW"))


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"connection_verify": ssl.create_default_context()}, "connection_verify=: an SSLContext cannot leave"),
        ({"per_call_policies": [SansIOHTTPPolicy[Any, Any]()]}, "per_call_policies=: policies are part of a pipeline"),
        ({"headers_policy": HeadersPolicy()}, "headers_policy=: policies are part of a pipeline"),
        ({"config": KeyClient.create_config(Credential())}, "config=: its policies hold tokens"),
    ],
    ids=["TLS context", "policies", "policy", "config"],
)
def test_what_holds_connections_or_tokens_is_refused_by_name(world: World, options: Any, told: str) -> None:
    if "config" in options:
        options = {"config": world.KeyClient.create_config(Credential())}
    for client in (
        world.KeyClient(URL, Credential(), **options),
        world.CryptographyClient(KEY, Credential(), **options),
    ):
        with pytest.raises(TypeError, match=told):
            pickle.dumps(client)


def test_transport_is_refused_by_name(stub: StubWorld) -> None:
    client = stub.client(Script())
    with pytest.raises(TypeError, match="transport=: it holds connections"):
        pickle.dumps(getattr(client, "subject", client))


def test_credential_that_cannot_be_pickled_is_named(world: World) -> None:
    with pytest.raises(TypeError, match=r"its credential, a Unpicklable: .*Credentials of azure-identity can be"):
        pickle.dumps(world.KeyClient(URL, Unpicklable()))


class Subclass(KeyClient):
    def __init__(self) -> None:
        super().__init__(URL, Credential())


class Methods(KeyClient):
    def double(self) -> str:
        return self.vault_url * 2


def test_subclass_that_is_made_in_another_way_is_refused() -> None:
    with pytest.raises(TypeError, match="such a subclass has to define __reduce__"):
        pickle.dumps(Subclass())
    assert sent(Methods(URL, Credential())).double() == URL * 2


@pytest.mark.case("D8")
@pytest.mark.parametrize("how", [copy.copy, copy.deepcopy], ids=["copy", "deepcopy"])
def test_copy_of_a_client_is_the_client(world: World, how: Any) -> None:
    """One serves any number of users; so may a structure be copied that holds one."""
    key_client = world.KeyClient(URL, Credential())
    crypto = world.CryptographyClient.from_jwk(private_jwk("RSA 2048"))
    assert how([key_client, crypto]) == [key_client, crypto]


# Once in a process


def test_same_recipe_is_one_client_and_one_connection(world: World) -> None:
    client = world.KeyClient(URL, Credential())
    assert sent(client) is sent(client)
    assert sent(world.KeyClient(URL, Credential())) is sent(client)
    crypto = client.get_cryptography_client("orders")
    assert sent(crypto) is sent(crypto)
    assert sent(crypto)._vault is sent(client)._vault
    assert sent(crypto) is not sent(client.get_cryptography_client("invoices"))
    assert sent(client.get_cryptography_client("invoices"))._vault is sent(client)._vault


def test_what_differs_is_not_shared(world: World) -> None:
    client = sent(world.KeyClient(URL, Credential()))
    for other in (
        world.KeyClient("https://other.vault.azure.net", Credential()),
        world.KeyClient(URL, Credential("two")),
        world.KeyClient(URL, Credential(), retry_total=1),
        world.KeyClient(URL, Credential(), api_version="7.4"),
    ):
        assert sent(other)._vault is not client._vault


def test_credential_is_shared_by_the_clients_of_all_vaults(world: World) -> None:
    credential = Credential()
    one, other = (sent(world.KeyClient(url, credential)) for url in (URL, "https://other.vault.azure.net"))
    assert credential_of(one) is credential_of(other)


def test_client_is_made_once_by_many_threads(world: World) -> None:
    pickled = pickle.dumps(world.CryptographyClient(KEY, Credential()))
    barrier = threading.Barrier(32)

    def load(_: int) -> Any:
        barrier.wait()
        return pickle.loads(pickled)

    with ThreadPoolExecutor(32) as pool:
        assert len({id(client) for client in pool.map(load, range(32))}) == 1


def test_shared_client_goes_on_after_somebody_has_closed_it(world: World) -> None:
    client = sent(world.KeyClient(URL, Credential()))

    async def leave() -> None:
        async with client:
            pass
        await client.close()

    if world is AIO:
        asyncio.run(leave())
    else:
        with client:
            pass
        client.close()
    assert client._vault._pipeline is not None


def test_client_that_was_sent_is_sent_on(world: World) -> None:
    client = sent(world.CryptographyClient(KEY, Credential(), refresh_after=9))
    assert sent(client) is client


class Slotted:
    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


def cyclic(value: int) -> list[Any]:
    made: list[Any] = [value]
    made.append(made)
    return made


@pytest.mark.parametrize(
    ("make_one", "make_other"),
    [
        (lambda: {"a": [1, (2.5, None)], "b": b"x"}, lambda: {"a": [1, (2.5, True)], "b": b"x"}),
        (lambda: ["ab", "c"], lambda: ["a", "bc"]),
        (lambda: "1", lambda: 1),
        (lambda: {1, 2, 3}, lambda: {1, 2}),
        (lambda: Credential("a"), lambda: Credential("b")),
        (lambda: Slotted([1]), lambda: Slotted([2])),
        (lambda: cyclic(1), lambda: cyclic(2)),
        (lambda: ApiVersion.V7_4, lambda: ApiVersion.V7_5),
        (lambda: OrderedDict(a=1), lambda: OrderedDict(a=2)),
        (lambda: logging.getLogger("a"), lambda: logging.getLogger("b")),
        (lambda: Credential, lambda: Unpicklable),
        (lambda: Credential("a").get_token, lambda: Credential("b").get_token),
    ],
    ids=[
        "containers",
        "text",
        "types",
        "sets",
        "objects",
        "slots",
        "cycles",
        "enums",
        "subclasses",
        "loggers",
        "classes",
        "methods",
    ],
)
def test_fingerprint_is_that_of_the_content(make_one: Any, make_other: Any) -> None:
    assert fingerprint(make_one()) == fingerprint(make_one())
    assert fingerprint(make_one()) != fingerprint(make_other())


def test_fingerprint_tells_functions_without_a_name_apart() -> None:
    one, other = (lambda: 1), (lambda: 2)
    assert fingerprint(one) != fingerprint(other)
    assert fingerprint(one) == fingerprint(one)


def test_fingerprint_is_the_same_in_other_processes() -> None:
    """Whatever the hash seed is."""
    program = (
        "from azure.keyvault.keys._shared.recipe import fingerprint as f; print(f({'a': {'x', 'y', 'z'}, 'b': [1]}))"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", program], env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2")
    }
    assert len(found) == 1


def test_few_recipes_are_kept() -> None:
    things = _SharedThings(2)
    made = [things.get(name, object) for name in ("a", "b", "a", "c")]
    assert made[0] is made[2]
    assert things.get("a", object) is made[0]
    assert things.get("b", object) is not made[1]
    assert MOST_SHARED > 100


def test_child_process_does_not_wait_for_a_thread_of_its_parent() -> None:
    holding, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        with SHARED._lock:
            holding.set()
            go_on.wait(30)

    thread = threading.Thread(target=hold)
    thread.start()
    assert holding.wait(30)
    _renew_all()
    assert SHARED.get("anything", lambda: 5) == 5
    go_on.set()
    thread.join()


def test_resolver_is_made_again_and_shared() -> None:
    resolver = KeyResolver(Credential(), algorithm="RSA-OAEP", allowed_suffixes=["vault.azure.net"], timeout=5)
    other = sent(resolver)
    assert sent(resolver) is other
    assert other(f"{KEY}/{VERSION}").get_key_wrap_algorithm() == "RSA-OAEP"
    with pytest.raises(ValueError, match="not the ID of a key in one of the allowed vaults"):
        other("https://elsewhere.example/keys/orders/v1")
    other.close()
    assert other._settings == {"timeout": 5}


def test_key_encryption_key_is_made_again() -> None:
    client = CryptographyClient(KeyVaultKey(f"{KEY}/{VERSION}", kty="RSA", n=b"\xff" * 256, e=b"\1\0\1"), Credential())
    key = sent(KeyEncryptionKey(client, "RSA-OAEP"))
    assert (key.get_kid(), key.get_key_wrap_algorithm()) == (f"{KEY}/{VERSION}", "RSA-OAEP")
