"""When a key can be exportable and have a release policy: the numbered rules of secure key release."""

from __future__ import annotations

import json

from .._cryptography import jose
from .._errors import ServiceError
from .._storage.records import KeyVersion
from .call import Call
from .key_requests import KeyProperties

_PREMIUM = "The exportable attribute is only supported with premium vaults and API version >= '7.3-preview'"
_SECURE_OPERATIONS = frozenset({"secureWrapKey", "secureUnwrapKey"})


def check_new_policy(call: Call, kty: str, given: KeyProperties) -> None:
    """Check what a create or import asks for.

    :raises ServiceError: 400.
    """
    kind = call.service.kind
    if given.exportable and not (call.api.since("7.3-preview") and (kind.is_hsm or kind.premium)):
        raise kind.release_rule(1001, _PREMIUM)
    if given.exportable and not given.release_policy:
        raise kind.release_rule(1004, "Exportable keys must have release policy")
    if given.release_policy and not given.exportable and not _secures(given.key_ops):
        raise kind.release_rule(1005, "Non-exportable keys must not have release policy")
    if given.exportable and not kty.endswith("-HSM"):
        raise kind.release_rule(1006, "Exportable keys must be of type RSA-HSM, EC-HSM or oct-HSM")
    _rewrite_policy(call, given)


def check_policy_change(call: Call, version: KeyVersion, given: KeyProperties) -> None:
    """Check what an update asks for.

    :raises ServiceError: 400.
    """
    kind = call.service.kind
    if given.exportable is not None and given.exportable is not version.exportable:
        raise kind.release_rule(1003, "The exportable attribute of an existing key cannot be changed")
    if not given.release_policy:
        return
    if call.version:
        raise kind.release_rule(1016, "Key Release Policy can only be set on the versionless key")
    if not version.exportable and not _secures(version.key_ops):
        raise kind.release_rule(1005, "Non-exportable keys must not have release policy")
    if version.release_policy and version.release_policy.get("immutable"):
        raise kind.immutable_policy()
    _rewrite_policy(call, given)


def _secures(key_ops: list[str] | None) -> bool:
    """Return whether the operations require a release policy even if the key is not exportable."""
    return not _SECURE_OPERATIONS.isdisjoint(key_ops or ())


def _rewrite_policy(call: Call, given: KeyProperties) -> None:
    """Replace the text of a release policy with the text that the service stores.

    :raises ServiceError: 400 for a malformed policy.
    """
    if not given.release_policy:
        return
    try:
        policy = json.loads(jose.decode(given.release_policy["data"]))
        if not isinstance(policy, dict) or not isinstance(policy.get("anyOf"), list):
            raise ValueError("not a release policy")
        data = call.service.kind.release_policy_data(policy, call.api)
    except (ValueError, RecursionError) as error:
        raise _malformed_policy(call) from error
    given.release_policy = {**given.release_policy, "data": jose.encode(data)}


def _malformed_policy(call: Call) -> ServiceError:
    """400. The number of this rule is unknown, so the text is the emulator's own."""
    return call.service.kind.release_rule(1000, "Key Release Policy is not valid")
