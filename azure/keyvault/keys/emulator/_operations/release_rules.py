"""When a key may be exportable and have a release policy: the secure key release rules, with their numbers."""

from __future__ import annotations

import json

from .._cryptography import jose
from .._errors import ServiceError
from .._storage.records import KeyVersion
from .call import Call
from .key_requests import KeyProperties

_PREMIUM = "The exportable attribute is only supported with premium vaults and API version >= '7.3-preview'."


def check_new_policy(call: Call, kty: str, given: KeyProperties) -> None:
    """Check what a create or import asks for.

    :raises ServiceError: 400.
    """
    kind = call.service.kind
    if given.exportable and not (call.api.since("7.3-preview") and (kind.is_hsm or kind.premium)):
        raise kind.release_rule(1001, _PREMIUM)
    if given.exportable and not given.release_policy:
        raise kind.release_rule(1004, "Exportable keys must have release policy.")
    if given.release_policy and not given.exportable:
        raise kind.release_rule(1005, "Non-exportable keys must not have release policy.")
    if given.exportable and not kty.endswith("-HSM"):
        raise kind.release_rule(1006, "Exportable keys must be of type RSA-HSM, EC-HSM or oct-HSM.")
    if given.release_policy:
        _check_policy_form(call, given)


def check_policy_change(call: Call, version: KeyVersion, given: KeyProperties) -> None:
    """Check what an update asks for.

    :raises ServiceError: 400.
    """
    kind = call.service.kind
    if given.exportable is not None and given.exportable is not version.exportable:
        raise kind.release_rule(1003, "The exportable attribute of an existing key cannot be changed.")
    if not given.release_policy:
        return
    if call.version:
        raise kind.release_rule(1016, "Key Release Policy can only be set on the versionless key.")
    if not version.exportable:
        raise kind.release_rule(1005, "Non-exportable keys must not have release policy.")
    if version.release_policy and version.release_policy.get("immutable"):
        raise kind.release_rule(1020, "Immutable Key Release Policy cannot be modified.")
    _check_policy_form(call, given)


def _check_policy_form(call: Call, given: KeyProperties) -> None:
    try:
        policy = json.loads(jose.decode((given.release_policy or {})["data"]))
        well_formed = isinstance(policy, dict) and isinstance(policy.get("anyOf"), list)
    except (ValueError, RecursionError):
        well_formed = False
    if not well_formed:
        raise _malformed_policy(call)


def _malformed_policy(call: Call) -> ServiceError:
    """400; the number of this rule is not known, so the text is the emulator's own."""
    return call.service.kind.release_rule(1000, "Key Release Policy is not valid.")
