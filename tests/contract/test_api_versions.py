"""Every operation of the service, through the facades, at the oldest and the newest API version that has it.

``CALLS`` is the table: a method of the facades, the operation of the generated layer that it sends, and the version
that brought it, as the service documents it. Each row is called at both ends of its life, and refused before any I/O
one version before it. That no operation is missing, and that the generated layer says the same of each, is checked too.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric import rsa
from fixtures.keyring import private_jwk
from fixtures.targets import Target
from fixtures.worlds import listed

from azure.keyvault.keys import ExternalKey, KeyReleasePolicy, KeyRotationLifetimeAction, KeyRotationPolicy
from azure.keyvault.keys._generated import operations
from azure.keyvault.keys._generated.versions import VERSIONS
from azure.keyvault.keys.emulator import KeyVaultEmulator

DOCUMENT = yaml.safe_load((Path(__file__).parents[2] / "codegen" / "keyvault-keys.yaml").read_text("utf-8"))
NAMES = [version.name for version in VERSIONS]
OLDEST, NEWEST = NAMES[0], NAMES[-1]

SECURE_WRAP = "RSA-OAEP-256"
SECURE_OPERATIONS = ["secureWrapKey", "secureUnwrapKey"]
DIGEST = b"d" * 32
PLAINTEXT = b"sixteen bytes..."
POLICY = KeyRotationPolicy(
    lifetime_actions=[KeyRotationLifetimeAction("Rotate", time_after_create="P60D")], expires_in="P120D"
)


class Desk:
    """A key's name and a client of the version in question, which prepares the vault for the call as well.

    :ivar more: what a preparation hands to the call.
    :ivar wrapped: a key that the service has wrapped.
    :ivar sent: the requests.
    """

    def __init__(self, name: str, target: Target, client_of: Callable[..., Any], version: str) -> None:
        self.name = name
        self.more: Any = "unused"
        self.wrapped = b"unused"
        self.sent: list[Any] = []
        self.client = client_of(target, api_version=version, raw_request_hook=self._note)
        self.target = target

    def _note(self, request: Any) -> None:
        self.sent.append(request.http_request)

    async def key(self) -> None:
        """Create a key on the curve that has had two names."""
        self.more = await self.client.create_ec_key(self.name, curve="P-256K")

    async def rsa_key(self) -> None:
        """Import a key to encrypt with."""
        await self.client.import_key(self.name, private_jwk("RSA 2048"))

    async def deleted_key(self) -> None:
        """Create a key and delete it."""
        await self.key()
        await self.client.delete_key(self.name, **self.target.waiting)

    async def backup(self) -> None:
        """Back up a key that is then there no more."""
        await self.key()
        self.more = await self.client.backup_key(self.name)
        await self.client.delete_key(self.name, **self.target.waiting)
        await self.client.purge_deleted_key(self.name)

    async def ciphertext(self) -> None:
        """Encrypt something."""
        await self.rsa_key()
        self.more = (await self._cryptography.encrypt("RSA-OAEP", PLAINTEXT)).ciphertext

    async def wrapped_key(self) -> None:
        """Wrap a key."""
        await self.rsa_key()
        self.more = (await self._cryptography.wrap_key("RSA-OAEP", PLAINTEXT)).encrypted_key

    async def wrapping_key(self) -> None:
        """Create a key that wraps keys which nobody sees."""
        await self.client.create_rsa_key(self.name, hsm=True, key_operations=SECURE_OPERATIONS)

    async def securely_wrapped_key(self) -> None:
        """Have a key made and wrapped."""
        self.wrapped = (await self._cryptography.secure_wrap_key(SECURE_WRAP)).encrypted_key

    async def signature(self) -> None:
        """Sign something."""
        await self.key()
        self.more = (await self._cryptography.sign("ES256K", DIGEST)).signature

    @property
    def _cryptography(self) -> Any:
        return cryptography(self.client, self.name)


def cryptography(client: Any, name: str) -> Any:
    """Return a client that asks the vault for everything."""
    return client.get_cryptography_client(name, execution="remote")


async def nothing(desk: Desk) -> None:
    """Prepare nothing."""


@dataclass(frozen=True)
class Call:
    """A row of the table.

    :ivar operation: the operation of the generated layer.
    :ivar send: calls the facade, at some version.
    :ivar holds: whether what it returned is right.
    :ivar prepare: brings the vault into the state that the call needs.
    :ivar first: the version that brought the operation, or what the method sends with it.
    :ivar what: what the refusal of older versions names, when it is not the operation.
    :ivar place: what it is called on.
    """

    operation: str
    send: Callable[[Any, Desk], Any]
    holds: Callable[[Any, Desk], bool]
    prepare: Callable[[Desk], Awaitable[None]] = nothing
    first: str = OLDEST
    what: str | None = None
    place: str = "vault"


def same_key(key: Any, desk: Desk) -> bool:
    """Whether it is the key that was prepared, on its curve."""
    return bool(key.id == desk.more.id and key.key.crv == "P-256K")


def of_name(key: Any, desk: Desk) -> bool:
    """Whether it is a key of the name."""
    return bool(key.name == desk.name)


def on_curve(key: Any, desk: Desk) -> bool:
    """Whether it is a key of the name, on the curve that has had two names."""
    return of_name(key, desk) and key.key.crv == "P-256K"


def among(keys: list[Any], desk: Desk) -> bool:
    """Whether a key of the name is listed."""
    return desk.name in {key.name for key in keys}


def plaintext(result: Any, desk: Desk) -> bool:
    """Whether it is what was encrypted."""
    return bool(result.plaintext == PLAINTEXT and result.performed == "remote")


CALLS: dict[str, Call] = {
    "create_key": Call(
        "create_key", lambda client, desk: client.create_key(desk.name, "EC", curve="P-256K"), holds=on_curve
    ),
    "create_rsa_key": Call(
        "create_key",
        lambda client, desk: client.create_rsa_key(desk.name, size=2048),
        holds=lambda key, desk: of_name(key, desk) and len(key.key.n) == 256,
    ),
    "create_ec_key": Call(
        "create_key", lambda client, desk: client.create_ec_key(desk.name, curve="P-256K"), holds=on_curve
    ),
    "create_oct_key": Call(
        "create_key",
        lambda client, desk: client.create_oct_key(desk.name, size=256, hsm=True),
        holds=lambda key, desk: of_name(key, desk) and key.key_type == "oct-HSM",
        first="7.2",
        what="oct-HSM",
        place="hsm",
    ),
    "create_external_key": Call(
        "create_key",
        lambda client, desk: client.create_external_key(desk.name, ExternalKey(id="there-1")),
        holds=lambda key, desk: key.properties.external_key.id == "there-1",
        first="2026-01-01-preview",
        what="external_key",
        place="hsm",
    ),
    "import_key": Call(
        "import_key",
        lambda client, desk: client.import_key(desk.name, private_jwk("EC P-256K")),
        holds=lambda key, desk: on_curve(key, desk) and key.key.x == private_jwk("EC P-256K").x,
    ),
    "get_key": Call("get_key", lambda client, desk: client.get_key(desk.name), holds=same_key, prepare=Desk.key),
    "update_key_properties": Call(
        "update_key",
        lambda client, desk: client.update_key_properties(desk.name, tags={"a": "b"}),
        holds=lambda key, desk: same_key(key, desk) and key.properties.tags == {"a": "b"},
        prepare=Desk.key,
    ),
    "delete_key": Call(
        "delete_key",
        lambda client, desk: client.delete_key(desk.name, **desk.target.waiting),
        holds=same_key,
        prepare=Desk.key,
    ),
    "get_deleted_key": Call(
        "get_deleted_key",
        lambda client, desk: client.get_deleted_key(desk.name),
        holds=same_key,
        prepare=Desk.deleted_key,
    ),
    "purge_deleted_key": Call(
        "purge_deleted_key",
        lambda client, desk: client.purge_deleted_key(desk.name),
        holds=lambda result, desk: result is None,
        prepare=Desk.deleted_key,
    ),
    "recover_deleted_key": Call(
        "recover_deleted_key",
        lambda client, desk: client.recover_deleted_key(desk.name, **desk.target.waiting),
        holds=same_key,
        prepare=Desk.deleted_key,
    ),
    "list_properties_of_keys": Call(
        "get_keys",
        lambda client, desk: listed(client.list_properties_of_keys()),
        holds=among,
        prepare=Desk.key,
    ),
    "list_properties_of_key_versions": Call(
        "get_key_versions",
        lambda client, desk: listed(client.list_properties_of_key_versions(desk.name)),
        holds=lambda versions, desk: [version.id for version in versions] == [desk.more.id],
        prepare=Desk.key,
    ),
    "list_deleted_keys": Call(
        "get_deleted_keys",
        lambda client, desk: listed(client.list_deleted_keys()),
        holds=among,
        prepare=Desk.deleted_key,
    ),
    "backup_key": Call(
        "backup_key",
        lambda client, desk: client.backup_key(desk.name),
        holds=lambda backup, desk: isinstance(backup, bytes) and len(backup) > 0,
        prepare=Desk.key,
    ),
    "restore_key_backup": Call(
        "restore_key",
        lambda client, desk: client.restore_key_backup(desk.more),
        holds=on_curve,
        prepare=Desk.backup,
    ),
    "encrypt": Call(
        "encrypt",
        lambda client, desk: cryptography(client, desk.name).encrypt("RSA-OAEP", PLAINTEXT),
        holds=lambda result, desk: len(result.ciphertext) == 256 and result.performed == "remote",
        prepare=Desk.rsa_key,
    ),
    "decrypt": Call(
        "decrypt",
        lambda client, desk: cryptography(client, desk.name).decrypt("RSA-OAEP", desk.more),
        holds=plaintext,
        prepare=Desk.ciphertext,
    ),
    "sign": Call(
        "sign",
        lambda client, desk: cryptography(client, desk.name).sign("ES256K", DIGEST),
        holds=lambda result, desk: len(result.signature) == 64 and result.performed == "remote",
        prepare=Desk.key,
    ),
    "verify": Call(
        "verify",
        lambda client, desk: cryptography(client, desk.name).verify("ES256K", DIGEST, desk.more),
        holds=lambda result, desk: result.is_valid and result.performed == "remote",
        prepare=Desk.signature,
    ),
    "wrap_key": Call(
        "wrap_key",
        lambda client, desk: cryptography(client, desk.name).wrap_key("RSA-OAEP", PLAINTEXT),
        holds=lambda result, desk: len(result.encrypted_key) == 256 and result.performed == "remote",
        prepare=Desk.rsa_key,
    ),
    "unwrap_key": Call(
        "unwrap_key",
        lambda client, desk: cryptography(client, desk.name).unwrap_key("RSA-OAEP", desk.more),
        holds=lambda result, desk: result.key == PLAINTEXT and result.performed == "remote",
        prepare=Desk.wrapped_key,
    ),
    "rotate_key": Call(
        "rotate_key",
        lambda client, desk: client.rotate_key(desk.name),
        holds=lambda key, desk: on_curve(key, desk) and key.id != desk.more.id,
        prepare=Desk.key,
        first="7.3",
    ),
    "get_key_rotation_policy": Call(
        "get_key_rotation_policy",
        lambda client, desk: client.get_key_rotation_policy(desk.name),
        holds=lambda policy, desk: isinstance(policy, KeyRotationPolicy),
        prepare=Desk.key,
        first="7.3",
    ),
    "update_key_rotation_policy": Call(
        "update_key_rotation_policy",
        lambda client, desk: client.update_key_rotation_policy(desk.name, POLICY),
        holds=lambda policy, desk: policy.expires_in == "P120D",
        prepare=Desk.key,
        first="7.3",
    ),
    "get_random_bytes": Call(
        "get_random_bytes",
        lambda client, desk: client.get_random_bytes(32),
        holds=lambda given, desk: len(given) == 32,
        first="7.3",
        place="hsm",
    ),
    "get_key_attestation": Call(
        "get_key_attestation",
        lambda client, desk: client.get_key_attestation(desk.name),
        holds=lambda key, desk: same_key(key, desk) and key.properties.attestation is not None,
        prepare=Desk.key,
        first="7.6-preview.2",
        place="hsm",
    ),
    "release_key": Call(
        "release",
        lambda client, desk: client.release_key(desk.name, desk.more),
        holds=lambda released, desk: released.value.count(".") == 2,
        first="7.3",
        place="hsm",
    ),
    "secure_wrap_key": Call(
        "secure_wrap_key",
        lambda client, desk: cryptography(client, desk.name).secure_wrap_key(SECURE_WRAP),
        holds=lambda result, desk: len(result.encrypted_key) == 256 and result.performed == "remote",
        prepare=Desk.wrapping_key,
        first="2026-01-01-preview",
        place="hsm",
    ),
    "secure_unwrap_key": Call(
        "secure_unwrap_key",
        lambda client, desk: cryptography(client, desk.name).secure_unwrap_key(SECURE_WRAP, desk.wrapped, desk.more),
        holds=lambda result, desk: len(result.key) == 256 and result.performed == "remote",
        prepare=Desk.securely_wrapped_key,
        first="2026-01-01-preview",
        place="hsm",
    ),
}
#: What succeeds in an environment that only the emulator attests.
ATTESTED = {"release_key", "secure_unwrap_key"}


def _ends(methods: set[str]) -> Any:
    """Return the rows at both ends of their life."""
    return pytest.mark.parametrize(
        ("method", "version"),
        [
            pytest.param(method, version, id=f"{method}-{version}")
            for method, call in CALLS.items()
            if method in methods
            for version in (call.first, NEWEST)
        ],
    )


def _path(operation: str) -> tuple[str, str]:
    """Return the method of an operation, and a pattern of its path."""
    for path, item in DOCUMENT["paths"].items():
        for method, described in item.items():
            if method != "parameters" and described["operationId"] == operation:
                pattern = re.sub(r"/\{key-version\}", "(/[0-9a-f]{32})?", path)
                return method.upper(), re.sub(r"\{key-name\}", "[0-9a-zA-Z-]+", pattern) + "/?"
    raise LookupError(operation)


async def _succeeds(method: str, version: str, desk: Desk) -> None:
    """Call a method, and check what it returned and what was sent."""
    call = CALLS[method]
    await call.prepare(desk)
    desk.sent.clear()
    assert call.holds(await call.send(desk.client, desk), desk)
    assert {parse_qs(urlsplit(request.url).query)["api-version"][0] for request in desk.sent} == {version}
    verb, path = _path(call.operation)
    asked = [(request.method, urlsplit(request.url).path) for request in desk.sent]
    assert [True for method, where in asked if method == verb and re.fullmatch(path, where)]


@_ends(set(CALLS) - ATTESTED)
async def test_operation_succeeds_at_the_oldest_and_the_newest_version(
    client_of: Callable[..., Any], target_of: Callable[[str], Target], name: str, method: str, version: str
) -> None:
    await _succeeds(method, version, Desk(name, target_of(CALLS[method].place), client_of, version))


@_ends(ATTESTED)
async def test_operation_for_an_attested_environment_succeeds_at_the_oldest_and_the_newest_version(
    client_of: Callable[..., Any], emulated_hsm: KeyVaultEmulator, name: str, method: str, version: str
) -> None:
    desk = Desk(name, Target.emulated(emulated_hsm), client_of, version)
    condition = {"authority": emulated_hsm.attestation.url, "allOf": [{"claim": "ready", "equals": "yes"}]}
    policy = KeyReleasePolicy(json.dumps({"version": "1.0.0", "anyOf": [condition]}).encode())
    allowed = SECURE_OPERATIONS if method.startswith("secure") else None
    await desk.client.create_rsa_key(name, hsm=True, exportable=True, release_policy=policy, key_operations=allowed)
    environment = rsa.generate_private_key(65537, 2048).public_key()
    desk.more = emulated_hsm.attestation.issue({"ready": "yes"}, environment)
    await _succeeds(method, version, desk)


@pytest.mark.parametrize("method", [name for name, call in CALLS.items() if call.first != OLDEST])
async def test_operation_is_refused_one_version_earlier_without_a_request(
    client_of: Callable[..., Any], emulated_vault: KeyVaultEmulator, method: str
) -> None:
    call = CALLS[method]
    earlier = NAMES[NAMES.index(call.first) - 1]
    desk = Desk("unused", Target.emulated(emulated_vault), client_of, earlier)
    emulated_vault.requests.clear()
    refusal = rf"{call.what or call.operation} needs API version {re.escape(call.first)} or later, .* {earlier}:"
    with pytest.raises(ValueError, match=refusal):
        await call.send(desk.client, desk)
    assert len(emulated_vault.requests) == 0


@pytest.mark.parametrize(
    ("method", "told"),
    [
        ("create_key", b'"crv":"SECP256K1"'),
        ("import_key", b'"crv":"SECP256K1"'),
        ("sign", b'"alg":"ECDSA256"'),
        ("verify", b'"alg":"ECDSA256"'),
    ],
    ids=["create_key", "import_key", "sign", "verify"],
)
async def test_oldest_version_is_told_the_names_that_it_knows(
    client_of: Callable[..., Any], emulated_vault: KeyVaultEmulator, name: str, method: str, told: bytes
) -> None:
    desk = Desk(name, Target.emulated(emulated_vault), client_of, OLDEST)
    await _succeeds(method, OLDEST, desk)
    assert told in desk.sent[-1].content


def _generated() -> dict[str, Any]:
    """Return the functions of the generated layer that make an operation."""
    return {
        name: function
        for name, function in inspect.getmembers(operations, inspect.isfunction)
        if not name.startswith("_") and function.__module__ == operations.__name__
    }


def _since(function: Any) -> str:
    """Return the version that brought an operation, which it tells when it is made."""
    arguments = {
        name: "unused" if name == "key_name" else None
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.default is parameter.empty
    }
    since: str = function(**arguments).since
    return since


def test_every_operation_is_in_the_table() -> None:
    assert {call.operation for call in CALLS.values()} == set(_generated())


def test_every_operation_of_the_description_is_generated() -> None:
    described = {
        operation["operationId"]
        for item in DOCUMENT["paths"].values()
        for method, operation in item.items()
        if method != "parameters" and not operation.get("x-latest-of")
    }
    assert described == set(_generated())


def test_every_operation_begins_where_the_generated_layer_says() -> None:
    firsts: dict[str, str] = {}
    for call in CALLS.values():
        firsts[call.operation] = min(call.first, firsts.get(call.operation, NEWEST), key=NAMES.index)
    generated = _generated()
    assert firsts == {name: _since(generated[name]) for name in firsts}
