"""Cryptographic operations: encrypt, decrypt, sign, verify, wrapkey, unwrapkey."""

from __future__ import annotations

from .. import _errors
from .._cryptography import jose
from .._cryptography.algorithms import cipher_for, signature_for
from .._cryptography.material import CipherInput, SignatureAlgorithm
from .._cryptography.ml_dsa import MlDsaMaterial
from .._errors import bad_parameter, invalid_property
from .._json_body import Body
from .._messages import Reply
from .._storage.records import Key, KeyVersion
from .call import Call

#: Operations that need a key within its dates. Decrypt, verify, unwrap and release still work with an expired key.
_BLOCKED_BY_DATES = frozenset({"encrypt", "sign", "wrapKey", "secureWrapKey"})
_MU_BYTES = 64
_MOST_CONTEXT_BYTES = 255


def usable_version(call: Call, operation: str) -> tuple[Key, KeyVersion]:
    """Return the version to use if its state and its key_ops permit the operation.

    :raises ServiceError: 404; or 403 if it is disabled, outside its dates, or does not permit the operation.
    """
    key, version = call.key_and_version()
    if not version.enabled:
        raise _errors.key_disabled(operation)
    if operation in _BLOCKED_BY_DATES:
        _check_dates(version, operation, call.service.clock.now())
    if operation not in version.key_ops:
        raise call.service.kind.operation_forbidden(operation)
    return key, version


def _check_dates(version: KeyVersion, operation: str, now: float) -> None:
    if version.exp is not None and now >= version.exp:
        raise _errors.key_outside_validity(operation, "expired")
    if version.nbf is not None and now < version.nbf:
        raise _errors.key_outside_validity(operation, "not yet valid")


def _cipher_input(call: Call) -> CipherInput:
    """Return the binary members. Before 7.2 the value was the only one; the service ignores unknown members."""
    value = call.body.required_binary("value")
    if not call.api.since("7.2-preview"):
        return CipherInput(value)
    return CipherInput(value, *(call.body.binary(name) for name in ("iv", "aad", "tag")))


async def encrypt(call: Call) -> Reply:
    """POST …/encrypt (2016-10-01)."""
    return await _seal(call, "encrypt")


async def wrap_key(call: Call) -> Reply:
    """POST …/wrapkey (2016-10-01)."""
    return await _seal(call, "wrapKey")


async def decrypt(call: Call) -> Reply:
    """POST …/decrypt (2016-10-01)."""
    return await _open(call, "decrypt", "encrypt")


async def unwrap_key(call: Call) -> Reply:
    """POST …/unwrapkey (2016-10-01)."""
    return await _open(call, "unwrapKey", "wrapKey")


async def _seal(call: Call, operation: str) -> Reply:
    alg, given = call.body.required_text("alg"), _cipher_input(call)
    key, version = usable_version(call, operation)
    row = cipher_for(alg, operation, version.material, call.kid(key, version), call.api)
    output = row.encrypt(version.material, given)
    reply = {"kid": call.kid(key, version), "value": jose.encode(output.value)}
    extras = {"iv": output.iv, "tag": output.tag, "aad": output.aad}
    reply.update({name: jose.encode(value) for name, value in extras.items() if value is not None})
    if call.service.kind.is_hsm:
        reply["alg"] = alg
    return call.reply(reply)


async def _open(call: Call, operation: str, reverse: str) -> Reply:
    alg, given = call.body.required_text("alg"), _cipher_input(call)
    key, version = usable_version(call, operation)
    row = cipher_for(alg, reverse, version.material, call.kid(key, version), call.api)
    if row.family == "RSA":
        plaintext = await call.service.work(lambda: row.decrypt(version.material, given))
    else:
        plaintext = row.decrypt(version.material, given)
    reply = {"kid": call.kid(key, version), "value": jose.encode(plaintext)}
    if call.service.kind.is_hsm:
        reply["alg"] = alg
    return call.reply(reply)


def _check_digest(row: SignatureAlgorithm, member: str, digest: bytes) -> None:
    if row.digest_size is not None and len(digest) != row.digest_size:
        raise _errors.wrong_length(member, len(digest), row.name, row.digest_size)


async def sign(call: Call) -> Reply:
    """POST …/sign (2016-10-01). The value is the digest; for ML-DSA it is the message."""
    if _is_ml_dsa_form(call):
        return await _sign_ml_dsa(call)
    alg, digest = call.body.required_text("alg"), call.body.required_binary("value")
    key, version = usable_version(call, "sign")
    row = signature_for(alg, version.material, call.kid(key, version), call.api)
    _check_digest(row, "value", digest)
    if row.family == "EC":
        signature = row.sign(version.material, digest)
    else:
        signature = await call.service.work(lambda: row.sign(version.material, digest))
    return _signature_reply(call, alg, call.kid(key, version), jose.encode(signature))


def _signature_reply(call: Call, alg: str, kid: str, value: str | bool) -> Reply:
    """Return the response to sign or verify. A vault's response to verify only says whether the signature is valid."""
    if call.service.kind.is_hsm:
        return call.reply({"alg": alg, "kid": kid, "value": value})
    return call.reply({"value": value} if isinstance(value, bool) else {"kid": kid, "value": value})


async def verify(call: Call) -> Reply:
    """POST …/verify (2016-10-01). A wrong signature is a result, not an error."""
    if _is_ml_dsa_form(call):
        return await _verify_ml_dsa(call)
    body = call.body
    alg, digest, signature = body.required_text("alg"), body.required_binary("digest"), body.required_binary("value")
    key, version = usable_version(call, "verify")
    row = signature_for(alg, version.material, call.kid(key, version), call.api)
    _check_digest(row, "digest", digest)
    right = row.verify(version.material, digest, signature)
    return _signature_reply(call, alg, call.kid(key, version), right)


def _is_ml_dsa_form(call: Call) -> bool:
    """Return whether the request has a member that only ML-DSA signatures use (2026-05-01-preview)."""
    return call.api.since("2026-05-01-preview") and ("external_mu" in call.body or "context" in call.body)


def _ml_dsa_input(body: Body, message_member: str) -> tuple[bytes, bytes | None, bool]:
    """Return the message or mu, the context, and whether the first is mu.

    :raises ServiceError: 400 for a wrong length, or for mu combined with members that belong to a message.
    """
    mu, context = body.binary("external_mu"), body.binary("context")
    if context is not None and len(context) > _MOST_CONTEXT_BYTES:
        raise invalid_property("context")
    if mu is None:
        return body.required_binary(message_member), context, False
    if context is not None or len(mu) != _MU_BYTES or (message_member in body and body.raw(message_member)):
        raise invalid_property("external_mu")
    return mu, None, True


def _ml_dsa_version(call: Call, operation: str) -> tuple[Key, KeyVersion, MlDsaMaterial]:
    key, version = usable_version(call, operation)
    alg = call.body.text("alg")
    if not isinstance(version.material, MlDsaMaterial) or alg not in (None, version.material.alg):
        raise bad_parameter(f"Key and signing algorithm are incompatible. Key {call.kid(key, version)} is not ML-DSA.")
    return key, version, version.material


async def _sign_ml_dsa(call: Call) -> Reply:
    message, context, is_mu = _ml_dsa_input(call.body, "value")
    key, version, material = _ml_dsa_version(call, "sign")
    signature = material.sign(message, context, external_mu=is_mu)
    return _signature_reply(call, material.alg, call.kid(key, version), jose.encode(signature))


async def _verify_ml_dsa(call: Call) -> Reply:
    message, context, is_mu = _ml_dsa_input(call.body, "digest")
    signature = call.body.required_binary("value")
    key, version, material = _ml_dsa_version(call, "verify")
    right = material.verify(message, signature, context, external_mu=is_mu)
    return _signature_reply(call, material.alg, call.kid(key, version), right)
