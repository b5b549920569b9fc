"""Which methods of the clients send the request of an exchange, and what they must make of its answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timezone
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from azure.keyvault.keys import ExternalKey, JsonWebKey, KeyRotationLifetimeAction, KeyRotationPolicy

from .scenarios import Exchange, size_of, unb64
from .served import HEX

#: Calls a method of a client, and returns what it returns.
Call = Callable[[Any], Awaitable[Any]]
#: Compares what a method returned with the body that was served.
Check = Callable[[Any, Any], None]

_CREATE = {"RSA": "create_rsa_key", "EC": "create_ec_key", "oct": "create_oct_key", "AES": "create_oct_key"}
_ITEMS = {
    "/keys": ("list_keys", "list_properties_of_keys"),
    "/deletedkeys": ("list_deleted_keys",),
    "versions": ("list_key_versions", "list_properties_of_key_versions"),
}
#: The attributes, as the service and as this library name them.
_ATTRIBUTES = {
    "enabled": "enabled",
    "recoveryLevel": "recovery_level",
    "recoverableDays": "recoverable_days",
    "exportable": "exportable",
    "hsmPlatform": "hsm_platform",
    "key_size": "key_size",
}
_DATES = {"created": "created_on", "updated": "updated_on", "nbf": "not_before", "exp": "expires_on"}


def moment(seconds: int | None) -> datetime | None:
    """Return a time of the service; 0 is none."""
    return datetime.fromtimestamp(seconds, timezone.utc) if seconds else None


def same_properties(found: Any, bundle: Any) -> None:
    """Compare properties with the attributes and the rest of an answer."""
    attributes = bundle["attributes"]
    for theirs, ours in _ATTRIBUTES.items():
        assert getattr(found, ours) == attributes.get(theirs), ours
    for theirs, ours in _DATES.items():
        assert getattr(found, ours) == moment(attributes.get(theirs)), ours
    assert found.tags == bundle.get("tags")
    external = attributes.get("external_key")
    assert (found.external_key and found.external_key.id) == (external and external["id"])
    policy = bundle.get("release_policy")
    assert (found.release_policy is None) is (policy is None)
    if policy:
        assert found.release_policy.encoded_policy == unb64(policy["data"])
        assert (found.release_policy.content_type, found.release_policy.immutable) == (
            policy["contentType"],
            policy["immutable"],
        )


def same_key(found: Any, bundle: Any) -> None:
    """Compare a key."""
    jwk = bundle["key"]
    assert (found.id, found.key_type) == (jwk["kid"], jwk["kty"])
    assert found.key_operations == jwk.get("key_ops", [])
    assert found.key.crv == jwk.get("crv")
    for member in ("n", "e", "x", "y"):
        assert getattr(found.key, member) == (unb64(jwk[member]) if member in jwk else None), member
    same_properties(found.properties, bundle)
    evidence = bundle["attributes"].get("attestation")
    if evidence:
        shown = found.properties.attestation
        certificates = evidence.get("certificatePemFile") or evidence.get("certificates")
        assert shown.certificate_pem_file == unb64(certificates)
        assert shown.private_key_attestation == unb64(evidence["privateKeyAttestation"])


def same_deleted_key(found: Any, bundle: Any) -> None:
    """Compare a deleted key."""
    same_key(found, bundle)
    assert found.recovery_id == bundle["recoveryId"]
    assert found.deleted_date == moment(bundle["deletedDate"])
    assert found.scheduled_purge_date == moment(bundle["scheduledPurgeDate"])


def same_items(found: Any, page: Any) -> None:
    """Compare the items of a list."""
    assert [item.id for item in found] == [item["kid"] for item in page["value"]]
    for ours, theirs in zip(found, page["value"], strict=True):
        same_properties(getattr(ours, "properties", ours), theirs)
        assert getattr(ours, "recovery_id", None) == theirs.get("recoveryId")


def same_policy(found: Any, policy: Any) -> None:
    """Compare a rotation policy."""
    attributes = policy["attributes"] or {}
    assert (found.id, found.expires_in) == (policy.get("id") or None, attributes.get("expiryTime") or None)
    assert (found.created_on, found.updated_on) == (
        moment(attributes.get("created")),
        moment(attributes.get("updated")),
    )
    actions = policy.get("lifetimeActions", [])
    assert [str(action.action).lower() for action in found.lifetime_actions] == [
        item["action"]["type"].lower() for item in actions
    ]
    for ours, theirs in zip(found.lifetime_actions, actions, strict=True):
        assert (ours.time_after_create, ours.time_before_expiry) == (
            theirs["trigger"].get("timeAfterCreate"),
            theirs["trigger"].get("timeBeforeExpiry"),
        )


def same_value(member: str, *, kid: bool = True) -> Check:
    """Return a comparison of one binary member of a result with the answer's value."""

    def check(found: Any, answer: Any) -> None:
        assert getattr(found, member) == unb64(answer["value"])
        if kid:
            assert found.key_id == answer["kid"]
        if member == "ciphertext":
            for ours, theirs in (("iv", "iv"), ("tag", "tag"), ("aad", "aad")):
                if theirs in answer:
                    assert getattr(found, ours) == unb64(answer[theirs])

    return check


def _bytes_are(found: Any, answer: Any) -> None:
    assert found == unb64(answer["value"])


def _nothing(found: Any, answer: Any) -> None:
    assert (found, answer) == (None, None)


def _released(found: Any, answer: Any) -> None:
    assert found.value == answer["value"]


def _valid(found: Any, answer: Any) -> None:
    assert found.is_valid is answer["value"]


async def _all(items: Any) -> list[Any]:
    return [item async for item in items]


def key_methods(exchange: Exchange) -> list[tuple[str, Call, Check]]:
    """Return the methods of a KeyClient that send the request of an exchange."""
    kind, verb = exchange.segments[0], exchange.verb
    name = exchange.name or "orders"
    version = HEX if "VERSION" in exchange.path else None
    request = exchange.request or {}
    imported = JsonWebKey.from_cryptography(ec.derive_private_key(5, ec.SECP256R1()))
    changes = ("update_key", "update_key_properties")
    if verb in ("keys", "deletedkeys", "versions"):
        arguments = (name,) if verb == "versions" else ()
        methods = _ITEMS["versions" if verb == "versions" else f"/{verb}"]
        return [(method, _lister(method, arguments), same_items) for method in methods]
    if kind == "deletedkeys":
        return _deleted_methods(exchange, name)
    if verb == "create":
        return _create_methods(name, request)
    by_verb: dict[tuple[str, str], list[tuple[str, tuple[Any, ...], dict[str, Any], Check]]] = {
        ("POST", "backup"): [("backup_key", (name,), {}, _bytes_are)],
        ("POST", "restore"): [(method, (b"blob",), {}, same_key) for method in ("restore_key", "restore_key_backup")],
        ("POST", "rotate"): [("rotate_key", (name,), {}, same_key)],
        ("POST", "release"): [("release_key", (name, "a.b.c"), {"version": version}, _released)],
        ("POST", "rng"): [("get_random_bytes", (min(request.get("count", 1), 128),), {}, _bytes_are)],
        ("GET", "rotationpolicy"): [("get_key_rotation_policy", (name,), {}, same_policy)],
        ("PUT", "rotationpolicy"): [("update_key_rotation_policy", (name, _policy_in(request)), {}, same_policy)],
        ("GET", "attestation"): [("get_key_attestation", (name,), {}, same_key)],
    }
    plain: dict[str, list[tuple[str, tuple[Any, ...], dict[str, Any], Check]]] = {
        "GET": [("get_key", (name, version), {}, same_key)],
        "PUT": [("import_key", (name, imported), {}, same_key)],
        "PATCH": [(method, (name, version), {"tags": {}}, same_key) for method in changes],
        "DELETE": [
            ("begin_delete_key", (name,), {}, same_deleted_key),
            ("delete_key", (name,), {}, same_deleted_key),
        ],
    }
    found = by_verb.get((exchange.method, verb)) or plain[exchange.method]
    return [(method, _caller(method, arguments, options), check) for method, arguments, options, check in found]


def _deleted_methods(exchange: Exchange, name: str) -> list[tuple[str, Call, Check]]:
    if exchange.verb == "recover":
        methods: tuple[str, ...] = ("begin_recover_deleted_key", "recover_deleted_key")
        return [(method, _caller(method, (name,), {}), same_key) for method in methods]
    if exchange.method == "DELETE":
        return [("purge_deleted_key", _caller("purge_deleted_key", (name,), {}), _nothing)]
    return [("get_deleted_key", _caller("get_deleted_key", (name,), {}), same_deleted_key)]


def _create_methods(name: str, request: dict[str, Any]) -> list[tuple[str, Call, Check]]:
    external = (request.get("attributes") or {}).get("external_key")
    if external:
        call = _caller("create_external_key", (name, ExternalKey(id=external["id"])), {})
        return [("create_external_key", call, same_key)]
    kty = request.get("kty", "RSA")
    options = {"key_operations": request["key_ops"]} if "key_ops" in request else {}
    # A Managed HSM takes the type AES as well, which this library does not have.
    methods = [("create_key", _caller("create_key", (name, kty.replace("AES", "oct")), options), same_key)]
    special = _CREATE.get(kty.removesuffix("-HSM"))
    if special:
        methods.append((special, _caller(special, (name,), options), same_key))
    return methods


def _policy_in(request: dict[str, Any]) -> KeyRotationPolicy:
    actions = [
        KeyRotationLifetimeAction(
            item["action"]["type"],
            time_after_create=item["trigger"].get("timeAfterCreate"),
            time_before_expiry=item["trigger"].get("timeBeforeExpiry"),
        )
        for item in request.get("lifetimeActions", [])
    ]
    return KeyRotationPolicy(lifetime_actions=actions, expires_in=request.get("attributes", {}).get("expiryTime"))


def _lister(method: str, arguments: tuple[Any, ...]) -> Call:
    async def call(client: Any) -> Any:
        return await _all(getattr(client, method)(*arguments))

    return call


def _caller(method: str, arguments: tuple[Any, ...], options: dict[str, Any]) -> Call:
    async def call(client: Any) -> Any:
        found = await getattr(client, method)(*arguments, **options)
        return (await found.result()) if method.startswith("begin_") else found

    return call


def crypto_methods(exchange: Exchange) -> list[tuple[str, Call, Check]]:
    """Return the methods of a CryptographyClient that send the request of an exchange."""
    request = exchange.request or {}
    algorithm = request.get("alg")
    data = {name: bytes(size_of(value) or len(unb64(value))) for name, value in request.items() if _is_binary(name)}
    value, digest = data.get("value", b""), data.get("digest", b"")
    sealing = {"iv": data.get("iv"), "additional_authenticated_data": data.get("aad")}
    found: dict[str, list[tuple[str, tuple[Any, ...], dict[str, Any], Check]]] = {
        "encrypt": [("encrypt", (algorithm, value), sealing, same_value("ciphertext"))],
        "decrypt": [
            ("decrypt", (algorithm, value), {**sealing, "authentication_tag": data.get("tag")}, same_value("plaintext"))
        ],
        "wrapkey": [("wrap_key", (algorithm, value), {}, same_value("encrypted_key"))],
        "unwrapkey": [("unwrap_key", (algorithm, value), {}, same_value("key"))],
        "sign": [("sign", (algorithm, value), {}, same_value("signature"))],
        "verify": [("verify", (algorithm, digest, value), {}, _valid)],
        "securewrapkey": [("secure_wrap_key", (algorithm,), {}, same_value("encrypted_key"))],
        "secureunwrapkey": [("secure_unwrap_key", (algorithm, value, "a.b.c"), {}, same_value("key"))],
    }
    if algorithm != "EdDSA":  # this library does not know its hash
        found["sign"].append(("sign_data", (algorithm, b"message"), {}, same_value("signature")))
        found["verify"].append(("verify_data", (algorithm, b"message", value), {}, _valid))
    return [
        (
            method,
            _caller(method, arguments, {name: given for name, given in options.items() if given is not None}),
            check,
        )
        for method, arguments, options, check in found[exchange.verb]
    ]


def _is_binary(name: str) -> bool:
    return name in ("value", "digest", "iv", "aad", "tag")


CRYPTO_VERBS = frozenset(
    ("encrypt", "decrypt", "wrapkey", "unwrapkey", "sign", "verify", "securewrapkey", "secureunwrapkey")
)


def methods_of(exchange: Exchange) -> list[tuple[str, Call, Check]]:
    """Return the methods of either client that send the request of an exchange."""
    return crypto_methods(exchange) if exchange.verb in CRYPTO_VERBS else key_methods(exchange)
