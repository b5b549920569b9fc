"""One life of keys, in names that azure-keyvault-keys 4.x and this library share: ``life_cycle.py {sync|aio} [hsm]``.

The vault and the credential come from the environment. Every step prints a line of JSON, ``[step, outcome]``, in which
versions, times and addresses are replaced by what they have in common, so that two runs can be compared as text.
"""

from __future__ import annotations

import asyncio
import hashlib
import inspect
import itertools
import json
import os
import re
import sys
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import datetime, timedelta, timezone
from enum import Enum
from typing import Any

from azure.core.exceptions import HttpResponseError
from azure.core.rest import HttpRequest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

import azure.keyvault.keys as keys
from azure.keyvault.keys import JsonWebKey, KeyClient, KeyRotationLifetimeAction, KeyRotationPolicy
from azure.keyvault.keys.crypto import CryptographyClient, EncryptionAlgorithm, KeyWrapAlgorithm, SignatureAlgorithm

URL = os.environ["VAULT_URL"]
HSM = "hsm" in sys.argv[2:]
# On plain localhost the emulator asks for a token of its own address, which 4.x takes for a stranger. Where the vault's
# name has a parent domain it asks for a token of that, as the service does, and nothing has to be said.
OPTIONS: Any = {} if ".vault." in URL else {"verify_challenge_resource": False}
DIGEST = hashlib.sha256(b"42 crates of tea").digest()
START = datetime(2020, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
EXPIRY = datetime(2199, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
_RSA_FIELDS = ("n", "e", "d", "p", "q", "dp", "dq", "qi")
KEY_WORDS = (
    "enabled",
    "not_before",
    "expires_on",
    "tags",
    "recovery_level",
    "recoverable_days",
    "exportable",
    "managed",
)
IDS = ("id", "name", "version", "vault_url")


class Story:
    """Tells what happens, without what differs from run to run."""

    def __init__(self) -> None:
        self._versions: dict[str, str] = {}

    def tell(self, step: str, outcome: Any) -> None:
        """Print a step."""
        print(json.dumps([step, self.plain(outcome)]), flush=True)

    def plain(self, value: Any) -> Any:
        """Return a value as JSON has it; of bytes and times only what two runs share."""
        if isinstance(value, dict):
            return {name: self.plain(item) for name, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.plain(item) for item in value]
        if isinstance(value, Enum):
            return value.value
        if isinstance(value, bytes):
            return f"{len(value)} bytes"
        if isinstance(value, datetime):
            recent = abs(datetime.now(timezone.utc) - value) < timedelta(minutes=10)
            return "now" if recent else value.isoformat()
        return self._text(value) if isinstance(value, str) else value

    def _text(self, text: str) -> str:
        def number(match: re.Match[str]) -> str:
            return self._versions.setdefault(match[0], f"version{len(self._versions) + 1}")

        return re.sub(r"\b[0-9a-f]{32}\b|\b[0-9a-f-]{36}\b", number, text.replace(URL, "https://vault"))

    async def refused(self, step: str, call: Callable[[], Any]) -> None:
        """Tell how a call fails."""
        try:
            result = await done(call())
            outcome: Any = {"no error": type(result).__name__}
        except HttpResponseError as error:
            code = error.error.code if error.error else None
            outcome = {"status": error.status_code, "code": code, "text": error.message.splitlines()[0]}
            outcome["error"] = _known_type(error)
        except Exception as error:
            outcome = {"error": _known_type(error)}
        self.tell(step, outcome)


def _known_type(error: Exception) -> str:
    """Return the type by which programs catch an error that may be of a library's own class."""
    return next(kind.__name__ for kind in type(error).__mro__ if not kind.__module__.startswith("azure.keyvault."))


async def done(result: Any) -> Any:
    """Return a result of either world."""
    return await result if isinstance(result, Awaitable) else result


async def listed(pager: Any) -> list[Any]:
    """Return what a pager of either world gives."""
    return [item async for item in pager] if hasattr(pager, "__aiter__") else list(pager)


def about(key: Any) -> dict[str, Any]:
    """Return what is known of a key."""
    properties = key.properties
    told = {name: getattr(properties, name) for name in (*IDS, *KEY_WORDS, "created_on", "updated_on", "hsm_platform")}
    told |= {"repr": repr(key), "properties": repr(properties), "policy": properties.release_policy}
    if hasattr(key, "recovery_id"):
        told |= {"recovery_id": key.recovery_id, "deleted": key.deleted_date}
        told |= {"retention": (key.scheduled_purge_date - key.deleted_date).days if key.deleted_date else None}
    return told | {
        "key_type": key.key_type,
        "key_operations": key.key_operations,
        "material": {
            name: getattr(key.key, name) for name in ("kid", "kty", "key_ops", "crv", "n", "e", "x", "y", "d")
        },
    }


def about_policy(policy: Any) -> dict[str, Any]:
    """Return what is known of a rotation policy."""
    actions = [[one.action, one.time_after_create, one.time_before_expiry] for one in policy.lifetime_actions]
    return {name: getattr(policy, name) for name in ("id", "expires_in", "created_on", "updated_on")} | {"do": actions}


def about_result(result: Any) -> dict[str, Any]:
    """Return what a cryptographic operation gave."""
    names = ("key_id", "algorithm", "ciphertext", "plaintext", "iv", "tag", "aad", "signature", "is_valid")
    names += ("encrypted_key", "key")
    return {"type": type(result).__name__} | {name: getattr(result, name) for name in names if hasattr(result, name)}


def numbers(key: Any, *names: str) -> dict[str, bytes]:
    """Return numbers of a private key of ``cryptography`` as bytes."""
    return {name: value.to_bytes((value.bit_length() + 7) // 8, "big") for name, value in zip(names, key, strict=True)}


def own_rsa_key() -> JsonWebKey:
    """Return a new RSA key, with its private part."""
    private = rsa.generate_private_key(65537, 2048).private_numbers()
    public = private.public_numbers
    parts = (public.n, public.e, private.d, private.p, private.q, private.dmp1, private.dmq1, private.iqmp)
    return JsonWebKey(kty="RSA", key_ops=["sign", "verify"], **numbers(parts, *_RSA_FIELDS))


def own_ec_key() -> JsonWebKey:
    """Return a new EC key, with its private part."""
    private = ec.generate_private_key(ec.SECP384R1()).private_numbers()
    parts = {"x": private.public_numbers.x, "y": private.public_numbers.y, "d": private.private_value}
    return JsonWebKey(kty="EC", crv="P-384", **{name: value.to_bytes(48, "big") for name, value in parts.items()})


async def create(story: Story, client: Any) -> None:
    """Create, import, get and update keys."""
    rsa_key = await done(
        client.create_rsa_key(
            "Tea", size=3072, tags={"team": "blue"}, enabled=True, not_before=START, expires_on=EXPIRY,
            key_operations=["encrypt", "decrypt", "sign", "verify", "wrapKey", "unwrapKey"],
        )
    )  # fmt: skip
    story.tell("create_rsa_key", about(rsa_key))
    story.tell("create_rsa_key in an HSM", about(await done(client.create_rsa_key("chai", hardware_protected=True))))
    story.tell("create_ec_key", about(await done(client.create_ec_key("mate", curve=keys.KeyCurveName.p_256))))
    story.tell("create_ec_key P-256K", about(await done(client.create_ec_key("coca", curve="P-256K"))))
    story.tell("create_key", about(await done(client.create_key("coffee", keys.KeyType.ec, curve="P-521"))))
    story.tell("import_key RSA", about(await done(client.import_key("cocoa", own_rsa_key(), tags={"from": "afar"}))))
    story.tell("import_key EC", about(await done(client.import_key("juice", own_ec_key(), enabled=False))))
    story.tell("get_key", about(await done(client.get_key("tea"))))
    story.tell("get_key of a version", about(await done(client.get_key("tea", rsa_key.properties.version))))
    updated = await done(
        client.update_key_properties("tea", key_operations=["sign", "verify"], tags={"team": "red"}, expires_on=EXPIRY)
    )
    story.tell("update_key_properties", about(updated))
    updated = await done(
        client.update_key_properties("juice", (await done(client.get_key("juice"))).properties.version)
    )
    story.tell("update_key_properties of a version with nothing", about(updated))
    identifier = keys.KeyVaultKeyIdentifier(rsa_key.id)
    story.tell("KeyVaultKeyIdentifier", {name: getattr(identifier, name) for name in ("source_id", *IDS[1:])})


async def refuse(story: Story, client: Any) -> None:
    """Make mistakes."""
    await story.refused("get_key of none", lambda: client.get_key("none"))
    await story.refused("create_key of no type", lambda: client.create_key("tea", "tea"))
    await story.refused("create_rsa_key of a strange size", lambda: client.create_rsa_key("tea", size=1234))
    await story.refused("create_oct_key in a vault", lambda: client.create_oct_key("tea"))
    await story.refused("get_random_bytes, none", lambda: client.get_random_bytes(0))
    await story.refused("get_deleted_key of a live one", lambda: client.get_deleted_key("tea"))
    await story.refused("restore_key_backup of rubbish", lambda: client.restore_key_backup(b"rubbish"))
    await story.refused("unknown algorithm", lambda: client.get_cryptography_client("tea").sign("XX256", DIGEST))
    response = await done(client.send_request(HttpRequest("GET", "keys/none", params={"api-version": "7.4"})))
    story.tell("send_request", [response.status_code, response.json()["error"]["code"]])


async def list_all(story: Story, client: Any) -> None:
    """List keys and versions."""
    for _ in range(3):
        await done(client.create_ec_key("mate"))
    names = [[item.name, item.version, item.enabled, item.tags, repr(item)]
             for item in await listed(client.list_properties_of_keys(max_page_size=2))]  # fmt: skip
    story.tell("list_properties_of_keys", names)
    versions = await listed(client.list_properties_of_key_versions("MATE"))
    story.tell("list_properties_of_key_versions", [len(versions), len({item.version for item in versions})])
    story.tell("... of none", await listed(client.list_properties_of_key_versions("none")))
    sizes, pages = [], client.list_properties_of_keys(max_page_size=3).by_page()
    if hasattr(pages, "__aiter__"):
        sizes = [len(await listed(page)) async for page in pages]
    else:
        sizes = [len(list(page)) for page in pages]
    story.tell("by_page", sizes)


async def rotate(story: Story, client: Any) -> None:
    """Rotate a key, and give it a policy."""
    story.tell("get_key_rotation_policy, default", about_policy(await done(client.get_key_rotation_policy("cocoa"))))
    actions = [
        KeyRotationLifetimeAction(keys.KeyRotationPolicyAction.rotate, time_after_create="P60D"),
        KeyRotationLifetimeAction("notify", time_before_expiry="P20D"),
    ]
    policy = KeyRotationPolicy(lifetime_actions=actions, expires_in="P90D")
    story.tell(
        "update_key_rotation_policy", about_policy(await done(client.update_key_rotation_policy("cocoa", policy)))
    )
    again = client.update_key_rotation_policy("cocoa", policy, lifetime_actions=actions[:1], expires_in="P1Y")
    story.tell("update_key_rotation_policy with changes", about_policy(await done(again)))
    story.tell("get_key_rotation_policy", about_policy(await done(client.get_key_rotation_policy("cocoa"))))
    rotated = await done(client.rotate_key("cocoa"))
    life = rotated.properties.expires_on - rotated.properties.created_on
    story.tell("rotate_key", [rotated.name, rotated.key_type, rotated.key_operations, life.days])


async def encrypt(story: Story, client: Any, crypto: Callable[[Any], Any], vault_only: bool) -> None:
    """Encrypt, wrap and sign; in the vault alone, or with the public part here."""
    where = "in the vault" if vault_only else "by id"
    key = await done(client.get_key("chai"))
    ours = client.get_cryptography_client("chai", key_version=key.properties.version) if vault_only else crypto(key.id)
    story.tell(f"key_id {where}", [ours.key_id, ours.vault_url])
    for algorithm in (EncryptionAlgorithm.rsa_oaep, EncryptionAlgorithm.rsa_oaep_256, EncryptionAlgorithm.rsa1_5):
        encrypted = await done(ours.encrypt(algorithm, b"tea"))
        story.tell(f"encrypt {algorithm.value} {where}", about_result(encrypted))
        decrypted = await done(ours.decrypt(encrypted.algorithm, encrypted.ciphertext))
        story.tell(f"decrypt {algorithm.value} {where}", [about_result(decrypted), decrypted.plaintext == b"tea"])
    for algorithm in (KeyWrapAlgorithm.rsa_oaep, KeyWrapAlgorithm.rsa_oaep_256):
        wrapped = await done(ours.wrap_key(algorithm, DIGEST))
        story.tell(f"wrap_key {algorithm.value} {where}", about_result(wrapped))
        unwrapped = await done(ours.unwrap_key(algorithm, wrapped.encrypted_key))
        story.tell(f"unwrap_key {algorithm.value} {where}", [about_result(unwrapped), unwrapped.key == DIGEST])
    for algorithm in (SignatureAlgorithm.rs256, SignatureAlgorithm.ps256):
        await sign(story, ours, algorithm, where)
    await sign(story, crypto(await done(client.get_key("mate"))), SignatureAlgorithm.es256, where)
    await sign(story, crypto(await done(client.get_key("coca"))), SignatureAlgorithm.es256_k, where)
    ill = b"\0" * 256
    await story.refused("decrypt what was not encrypted", lambda: ours.decrypt(EncryptionAlgorithm.rsa_oaep, ill))
    if not vault_only:
        await ours.close() if inspect.iscoroutinefunction(ours.close) else ours.close()


async def sign(story: Story, crypto: Any, algorithm: Any, where: str) -> None:
    """Sign, and verify what is right and what is not."""
    signed = await done(crypto.sign(algorithm, DIGEST))
    story.tell(f"sign {algorithm.value} {where}", about_result(signed))
    for right, signature in (
        (True, signed.signature),
        (False, signed.signature[:-1] + bytes([signed.signature[-1] ^ 1])),
    ):
        verified = await done(crypto.verify(algorithm, DIGEST, signature))
        story.tell(f"verify {algorithm.value} {where}, {right}", about_result(verified))


async def work_locally(story: Story, from_jwk: Callable[[Any], Any]) -> None:
    """Use keys that are in no vault."""
    own = own_rsa_key()
    crypto = from_jwk(own)
    story.tell("from_jwk", crypto.key_id)
    await sign(story, crypto, SignatureAlgorithm.rs256, "locally")
    crypto = from_jwk(
        {"kid": "desk", "kty": "oct", "k": b"k" * 32, "key_ops": ["encrypt", "decrypt", "wrapKey", "unwrapKey"]}
    )
    encrypted = await done(crypto.encrypt(EncryptionAlgorithm.a256_cbcpad, b"tea", iv=b"i" * 16))
    story.tell("encrypt A256CBCPAD locally", about_result(encrypted))
    decrypted = await done(crypto.decrypt(encrypted.algorithm, encrypted.ciphertext, iv=encrypted.iv))
    story.tell("decrypt A256CBCPAD locally", [about_result(decrypted), decrypted.plaintext == b"tea"])
    wrapped = await done(crypto.wrap_key(KeyWrapAlgorithm.aes_256, b"w" * 16))
    story.tell("wrap_key A256KW locally", [about_result(wrapped), hashlib.sha256(wrapped.encrypted_key).hexdigest()])
    unwrapped = await done(crypto.unwrap_key(KeyWrapAlgorithm.aes_256, wrapped.encrypted_key))
    story.tell("unwrap_key A256KW locally", [about_result(unwrapped), unwrapped.key == b"w" * 16])


async def delete(story: Story, client: Any) -> None:
    """Back up, delete, recover, purge and restore."""
    backup = await done(client.backup_key("tea"))
    story.tell("backup_key", [type(backup).__name__, backup[:14].decode()])
    if hasattr(client, "__aenter__"):
        deleted = await client.delete_key("tea")
    else:
        poller = client.begin_delete_key("tea")
        deleted = poller.result()
        poller.wait()
        story.tell("begin_delete_key, finished", [poller.done(), poller.status()])
    story.tell("delete_key", about(deleted))
    await story.refused("get_key of a deleted one", lambda: client.get_key("tea"))
    await story.refused("create_rsa_key with a deleted one's name", lambda: client.create_rsa_key("tea"))
    story.tell("get_deleted_key", about(await done(client.get_deleted_key("tea"))))
    items = await listed(client.list_deleted_keys())
    story.tell(
        "list_deleted_keys", [[item.name, item.id, item.recovery_id, item.deleted_date, repr(item)] for item in items]
    )
    if hasattr(client, "__aenter__"):
        recovered = await client.recover_deleted_key("tea")
    else:
        poller = client.begin_recover_deleted_key("tea")
        recovered = poller.result()
        poller.wait()
    story.tell("recover_deleted_key", about(recovered))
    await story.refused("restore_key_backup beside a live one", lambda: client.restore_key_backup(backup))
    await (
        client.delete_key("tea")
        if hasattr(client, "__aenter__")
        else asyncio.to_thread(client.begin_delete_key("tea").wait)
    )
    story.tell("purge_deleted_key", await done(client.purge_deleted_key("tea")))
    await story.refused("get_deleted_key of a purged one", lambda: client.get_deleted_key("tea"))
    restored = await until(lambda: client.restore_key_backup(backup))
    story.tell("restore_key_backup", about(restored))


async def use_options(story: Story, client: Any) -> None:
    """Give azure-core's options to single calls."""
    seen: list[Any] = []
    key = await done(
        client.get_key(
            "mate",
            headers={"x-tea": "green"},
            raw_request_hook=lambda request: seen.append(request.http_request.headers["x-tea"]),
            raw_response_hook=lambda response: seen.append(response.http_response.status_code),
            logging_enable=False,
            connection_timeout=20,
        )
    )
    story.tell("get_key with options", [key.name, seen])
    counted: list[Any] = []
    hook = counted.append
    await listed(client.list_properties_of_keys(max_page_size=3, raw_response_hook=hook))
    story.tell("list_properties_of_keys with options", len(counted))


async def hand_over(story: Story, client: Any, crypto: Callable[[Any], Any]) -> None:
    """Use a key of the vault through the interfaces of ``cryptography``; only the synchronous world can."""
    if hasattr(client, "__aenter__"):
        return
    private = crypto(client.get_key("chai")).create_rsa_private_key()
    public = private.public_key()
    story.tell("create_rsa_private_key", [type(private).__name__, private.key_size])
    signature = private.sign(b"tea", padding.PKCS1v15(), hashes.SHA256())
    public.verify(signature, b"tea", padding.PKCS1v15(), hashes.SHA256())
    oaep = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
    decrypted = private.decrypt(public.encrypt(b"tea", oaep), oaep)
    story.tell("create_rsa_public_key", [type(public).__name__, public.public_numbers().e, decrypted == b"tea"])
    await story.refused(
        "verify what was not signed", lambda: public.verify(signature, b"", padding.PKCS1v15(), hashes.SHA256())
    )
    await story.refused("private_numbers", private.private_numbers)


async def use_managed_hsm(story: Story, client: Any, crypto: Callable[[Any], Any]) -> None:
    """Do what only a Managed HSM does."""
    key = await done(client.create_oct_key("safe", size=256, hardware_protected=True))
    story.tell("create_oct_key", about(key))
    story.tell("create_key oct", about(await done(client.create_key("box", keys.KeyType.oct_hsm, size=128))))
    ours = crypto(key)
    sealed = await done(ours.encrypt(EncryptionAlgorithm.a256_gcm, b"tea", additional_authenticated_data=b"aad"))
    story.tell("encrypt A256GCM", {**about_result(sealed), "aad": None})
    opened = await done(
        ours.decrypt(
            sealed.algorithm,
            sealed.ciphertext,
            iv=sealed.iv,
            authentication_tag=sealed.tag,
            additional_authenticated_data=b"aad",
        )
    )
    story.tell("decrypt A256GCM", [about_result(opened), opened.plaintext == b"tea"])
    sealed = await done(ours.encrypt(EncryptionAlgorithm.a256_cbcpad, b"tea", iv=b"i" * 16))
    story.tell("encrypt A256CBCPAD", about_result(sealed))
    opened = await done(ours.decrypt(sealed.algorithm, sealed.ciphertext, iv=b"i" * 16))
    story.tell("decrypt A256CBCPAD", [about_result(opened), opened.plaintext == b"tea"])
    wrapped = await done(ours.wrap_key(KeyWrapAlgorithm.aes_256, DIGEST))
    story.tell("wrap_key A256KW", about_result(wrapped))
    unwrapped = await done(ours.unwrap_key(KeyWrapAlgorithm.aes_256, wrapped.encrypted_key))
    story.tell("unwrap_key A256KW", [about_result(unwrapped), unwrapped.key == DIGEST])
    imported = await done(client.import_key("gift", JsonWebKey(kty="oct-HSM", k=b"k" * 16)))
    story.tell("import_key oct", about(imported))
    story.tell("get_random_bytes", await done(client.get_random_bytes(32)))
    proof = (await done(client.get_key_attestation("safe"))).properties.attestation
    story.tell(
        "get_key_attestation", [type(proof).__name__, proof.version, repr(proof), bool(proof.certificate_pem_file)]
    )
    story.tell("create_rsa_key", about(await done(client.create_rsa_key("tea", public_exponent=3))))
    await story.refused("get_key of none", lambda: client.get_key("none"))
    await story.refused(
        "import_key, too long", lambda: client.import_key("gift", JsonWebKey(kty="oct-HSM", k=b"k" * 99))
    )


async def until(call: Callable[[], Any]) -> Any:
    """Repeat a call while the name of a purged key is taken."""
    for attempt in itertools.count():
        try:
            return await done(call())
        except HttpResponseError as error:
            if error.status_code != 409 or attempt > 20:
                raise
            await asyncio.sleep(0.2)
    raise AssertionError


async def live(story: Story, client: Any, crypto: Callable[[Any], Any], from_jwk: Callable[[Any], Any]) -> None:
    """Tell everything."""
    story.tell("vault_url", client.vault_url)
    if HSM:
        await use_managed_hsm(story, client, crypto)
        return
    await create(story, client)
    await refuse(story, client)
    await list_all(story, client)
    await rotate(story, client)
    await encrypt(story, client, crypto, True)
    await encrypt(story, client, crypto, False)
    await work_locally(story, from_jwk)
    await use_options(story, client)
    await hand_over(story, client, crypto)
    await delete(story, client)


async def main(world: str) -> None:
    """Make the clients of a world, and live."""
    async with AsyncExitStack() as stack:
        if world == "sync":
            from azure.identity import DefaultAzureCredential

            credential = stack.enter_context(DefaultAzureCredential())
            client = stack.enter_context(KeyClient(URL, credential, **OPTIONS))
            await live(
                Story(),
                client,
                lambda key: stack.enter_context(CryptographyClient(key, credential, **OPTIONS)),
                CryptographyClient.from_jwk,
            )
            return
        from azure.identity.aio import DefaultAzureCredential as AsyncDefaultAzureCredential

        from azure.keyvault.keys.aio import KeyClient as AsyncKeyClient
        from azure.keyvault.keys.crypto.aio import CryptographyClient as AsyncCryptographyClient

        async_credential = await stack.enter_async_context(AsyncDefaultAzureCredential())
        async_client = await stack.enter_async_context(AsyncKeyClient(URL, async_credential, **OPTIONS))
        closing: list[Any] = []

        def crypto(key: Any) -> Any:
            closing.append(AsyncCryptographyClient(key, async_credential, **OPTIONS))
            return closing[-1]

        await live(Story(), async_client, crypto, AsyncCryptographyClient.from_jwk)
        for made in closing:
            await made.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
