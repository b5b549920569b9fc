"""Operations that need an HSM: random bytes, key attestation, secure key release, secure wrap and unwrap."""

from __future__ import annotations

import base64
import logging
import os
from typing import Any

from .._cryptography import jose, key_transfer
from .._cryptography.algorithms import cipher_for
from .._cryptography.material import CipherInput
from .._errors import bad_parameter, invalid_property, key_disabled, release_refused, undecryptable
from .._identity.attestation import AttestationError, check_policy, recipient_key, recipient_key_id
from .._messages import Reply
from .._storage.records import KeyVersion
from .call import Call
from .cryptography import usable_version

_LOGGER = logging.getLogger(__name__)
_MOST_RANDOM_BYTES = 128
_DEFAULT_MECHANISM = "CKM_RSA_AES_KEY_WRAP"
_SECURE_RSA = "RSA-OAEP-256"
_SECURE_BYTES = 32


async def random_bytes(call: Call) -> Reply:
    """POST /rng (7.3, Managed HSM)."""
    count = call.body.integer("count")
    if count is None or not 1 <= count <= _MOST_RANDOM_BYTES:
        raise bad_parameter("GetRandomBytesRequest: count cannot be greater than 128 or less than 1")
    return call.reply({"value": jose.encode(os.urandom(count))})


async def get_attestation(call: Call) -> Reply:
    """GET /keys/{name}[/{version}]/attestation (7.6-preview.2, Managed HSM). The evidence only has the right format."""
    members = call.service.kind.attestation_members(call.api)
    key, version = call.key_and_version()
    bundle = call.service.bundles.key_bundle(call.view, key, version)
    statement = f"attestation of {call.kid(key, version)}".encode()
    # The service was seen to use standard base64, although the specification says base64url.
    certificates = base64.b64encode(call.service.release_signer.pem).decode("ascii")
    evidence = {
        "certificates": certificates,
        "certificatePemFile": certificates,
        "privateKeyAttestation": jose.encode(b"private:" + statement),
        "publicKeyAttestation": jose.encode(b"public:" + statement),
        "version": "MRVL-1",
    }
    bundle["attributes"]["attestation"] = {name: evidence[name] for name in members}
    return call.reply(bundle)


def _attested(call: Call, version: KeyVersion) -> dict[str, Any]:
    """Return the claims of the target environment if they satisfy the key's policy.

    :raises ServiceError: 403 otherwise, with the same text for every reason; 400 for a malformed policy.
    """
    target = call.body.required_text("target")
    try:
        claims = call.service.attestation._verify(target)
        check_policy(jose.decode((version.release_policy or {}).get("data", "")), claims)
        recipient_key(claims)
    except AttestationError as error:
        _LOGGER.info("%s refuses an environment: %s", call.operation, error)
        raise release_refused() from error
    return claims


async def release_key(call: Call) -> Reply:
    """POST /keys/{name}[/{version}]/release (7.3): a JWS with the key, encrypted for the attested environment."""
    call.body.text("nonce")
    mechanism = call.body.text("enc") or _DEFAULT_MECHANISM
    if mechanism not in key_transfer.HASHES:
        raise invalid_property("enc")
    call.body.required_text("target")
    key, version = call.key_and_version()
    if not version.enabled:
        raise key_disabled("release")
    if not version.exportable:
        raise call.service.kind.operation_forbidden("release")
    claims = _attested(call, version)
    bundle = call.service.bundles.key_bundle(call.view, key, version)
    released = {name: bundle[name] for name in ("key", "attributes", "release_policy")}
    kty = call.service.kind.released_key_type(version.kty)
    released["key"] = {**bundle["key"], "kty": kty, "key_hsm": _transfer_blob(call, claims, version, mechanism)}
    requested = call.kid(key, version if call.version else None)
    payload = {
        "request": {"api-version": call.api.text, "enc": mechanism, "kid": requested},
        "response": {"key": released},
    }
    signer, is_hsm = call.service.release_signer, call.service.kind.is_hsm
    return call.reply({"value": await call.service.work(lambda: signer.sign(payload, sort_keys=is_hsm))})


def _transfer_blob(call: Call, claims: dict[str, Any], version: KeyVersion, mechanism: str) -> str:
    """Return the key encrypted for an environment, and the id of the environment's key."""
    wrapped = key_transfer.wrap(version.material.private_bytes(), recipient_key(claims), mechanism)
    header = {"kid": recipient_key_id(claims), "alg": "dir", "enc": mechanism}
    blob = {"schema_version": "1.0", "header": header, "ciphertext": jose.encode(wrapped)}
    return jose.encode(call.service.kind.write(blob))


def _secure_algorithm(call: Call) -> tuple[str, str]:
    """Return the algorithm and the use under which the table lists it."""
    alg = call.body.required_text("alg")
    return alg, "wrapKey" if alg == _SECURE_RSA else "secureWrapKey"


async def secure_wrap_key(call: Call) -> Reply:
    """POST …/securewrapkey (2026-01-01-preview): the service returns a new 256-bit key, wrapped."""
    alg, use = _secure_algorithm(call)
    key, version = usable_version(call, "secureWrapKey")
    row = cipher_for(alg, use, version.material, call.kid(key, version), call.api)
    wrapped = row.encrypt(version.material, CipherInput(os.urandom(_SECURE_BYTES)))
    return call.reply({"kid": call.kid(key, version), "value": jose.encode(wrapped.value), "alg": alg})


async def secure_unwrap_key(call: Call) -> Reply:
    """POST …/secureunwrapkey (2026-01-01-preview): the key, encrypted for the attested environment.

    The format of the value is unknown. The emulator encrypts it with RSA-OAEP-256 for the environment's key.
    """
    alg, use = _secure_algorithm(call)
    wrapped = CipherInput(call.body.required_binary("value"))
    call.body.required_text("target")
    key, version = usable_version(call, "secureUnwrapKey")
    row = cipher_for(alg, use, version.material, call.kid(key, version), call.api)
    claims = _attested(call, version)
    secret = await call.service.work(lambda: row.decrypt(version.material, wrapped))
    if len(secret) != _SECURE_BYTES:
        raise undecryptable()
    value = key_transfer.encrypt_for(recipient_key(claims), secret)
    return call.reply({"kid": call.kid(key, version), "value": jose.encode(value), "alg": alg})
