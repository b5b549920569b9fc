"""Texts of the service's errors: its message once, with the code, a hint what to do, and the request id."""

from __future__ import annotations

from typing import Any

from azure.core.exceptions import HttpResponseError

#: What to do, by the inner code of an error.
_BY_CODE = {
    "ObjectIsDeletedButRecoverable": "Recover it with recover_deleted_key, or purge it with purge_deleted_key first.",
    "ObjectIsBeingDeleted": "Wait until the deletion has finished: delete_key does. After a purge, try again later.",
    "ObjectIsBeingRecovered": "Wait until the recovery has finished: recover_deleted_key does.",
    "ForbiddenByFirewall": "The vault's network rules do not allow this client's address.",
    "ForbiddenByConnection": (
        "Public network access to the vault is disabled: connect through one of its private endpoints."
    ),
    "ForbiddenByRbac": (
        "Assign the caller a role on the vault that allows it, such as Key Vault Crypto Officer to manage keys or Key "
        "Vault Crypto User to use them. A new assignment can take several minutes."
    ),
    "KeyDisabled": "Enable the key with update_key(name, enabled=True).",
    "KeyOperationForbidden": (
        "The key_operations of the key do not include it: change them with update_key(name, key_operations=[...])."
    ),
}
_BY_CODE["AccessDenied"] = _BY_CODE["ForbiddenByPolicy"] = (
    "Give the caller the key permission {permission!r} in the vault's access policies."
)

#: What to do where a code of the service means something else for one operation.
_BY_CODE_AND_OPERATION = {
    ("AccessDenied", "release"): (
        "The service did not accept the attestation: check target_attestation_token and the key's release policy."
    ),
}

#: Codes of refusals that come from the network rules of the vault, whatever the caller may do.
_OF_THE_NETWORK = frozenset({"ForbiddenByFirewall", "ForbiddenByConnection"})

#: What to do about an error without a telling code, by status and operation.
_BY_OPERATION = {
    (409, "restore_key"): "A backup is restored under the key's old name: delete and purge the key that has it first.",
    (409, "recover_deleted_key"): "Wait until the key's deletion or recovery has finished: recover_deleted_key does.",
    (409, "purge_deleted_key"): "Wait until the key's deletion or recovery has finished: recover_deleted_key does.",
    (409, "backup_key"): "An earlier call that changes the key has not finished: try again later.",
    (404, "get_key"): (
        "Check the name and the version. get_deleted_key finds a deleted key, and recover_deleted_key brings it back."
    ),
    (404, "get_deleted_key"): "The key is not deleted, was purged, or its deletion has not finished.",
}

#: What to do, by status.
_BY_STATUS = {
    401: "Check that the credential belongs to the tenant of the vault.",
    429: (
        "The vault's request limit is reached. Reuse one client, encrypt and verify locally, or spread the calls out."
    ),
}

_NO_SYMMETRIC_KEYS = "Only a Managed HSM has symmetric (oct) keys: use the URL of one, or create an RSA or EC key."

#: The key permissions in access policies, where they differ from the first word of the operation's name.
_PERMISSIONS = {
    "get_keys": "list",
    "get_key_versions": "list",
    "get_deleted_keys": "list",
    "get_key_rotation_policy": "getrotationpolicy",
    "update_key_rotation_policy": "setrotationpolicy",
    "wrap_key": "wrapKey",
    "unwrap_key": "unwrapKey",
}


def inner_code(error: HttpResponseError) -> str | None:
    """Return the inner code, such as ``ObjectIsBeingDeleted``, which tells more than the status; None without one."""
    inner = error.error.innererror if error.error is not None else None
    code = inner.get("code") if isinstance(inner, dict) else None
    return code if isinstance(code, str) else None


def is_of_the_network(error: HttpResponseError) -> bool:
    """Whether the vault refuses the network that the caller is in, and not the caller."""
    return inner_code(error) in _OF_THE_NETWORK


def explain(error: HttpResponseError, operation: Any, response: Any) -> None:
    """Rewrite the text of an operation's error.

    azure-core repeats the service's message, and leaves out what to do and what support asks for.
    """
    found = error.error
    lines = [f"({found.code}) {str(found.message or '').strip()}" if found is not None else error.message]
    advice = _advice(error, operation)
    if advice:
        lines.append(advice)
    inner = inner_code(error)
    about = [f"Status {response.status_code}"]
    about += [f"code {inner}"] if inner else []
    request_id = response.headers.get("x-ms-request-id")
    about += [f"request id {request_id}"] if request_id else []
    lines.append(", ".join(about) + ".")
    error.message = "\n".join(lines)
    error.args = (error.message, *error.args[1:])


def _advice(error: HttpResponseError, operation: Any) -> str | None:
    code = inner_code(error) or str(error.error.code if error.error is not None else "")
    if (code, operation.name) in _BY_CODE_AND_OPERATION:
        return _BY_CODE_AND_OPERATION[code, operation.name]
    if code in _BY_CODE:
        name = operation.name
        return _BY_CODE[code].format(permission=_PERMISSIONS.get(name, name.partition("_")[0]))
    if error.status_code == 400 and _type_of(operation.body).lower().startswith("oct"):
        return _NO_SYMMETRIC_KEYS
    status = error.status_code or 0
    return _BY_OPERATION.get((status, operation.name)) or _BY_STATUS.get(status)


def _type_of(body: Any) -> str:
    """Return the type of the key that a request creates or imports; empty for other requests."""
    key = getattr(body, "key", body)
    return str(getattr(key, "kty", None) or "")
