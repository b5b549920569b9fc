"""The service's error envelope and its catalogue of errors: status, code, inner code and text.

Texts are those that the service is known to send. Where none is known, the emulator words its own and says which
member is wrong. Shape: ``{"error": {"code", "message", "innererror": {"code"}}}``.
"""

from __future__ import annotations

from collections.abc import Mapping


class ServiceError(Exception):
    """An error response. It is raised anywhere below the server, and the server renders it."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        inner: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.inner = inner
        self.headers = dict(headers or {})

    def envelope(self, message: str) -> dict[str, object]:
        """Return the JSON body, with the message in the wording of the kind of service."""
        error: dict[str, object] = {"code": self.code, "message": message}
        if self.inner:
            error["innererror"] = {"code": self.inner}
        return {"error": error}


class FrontEndError(Exception):
    """A response of the web server in front of the API: an HTML page instead of the error envelope."""

    def __init__(self, status: int, title: str) -> None:
        super().__init__(f"{status} {title}")
        self.status = status
        self.title = title

    def page(self) -> bytes:
        """Return the page."""
        return (
            '<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN">\r\n<html>\r\n<head>'
            f"<title>{self.status} - {self.title}</title></head>\r\n<body><h2>{self.status} - {self.title}</h2>"
            "</body>\r\n</html>\r\n"
        ).encode()


def bad_parameter(message: str, inner: str | None = None) -> ServiceError:
    """400 for a valid URL with unacceptable content."""
    return ServiceError(400, "BadParameter", message, inner)


def invalid_property(name: str) -> ServiceError:
    """400 for a member of the body. The service leaves the name empty; the emulator fills it in."""
    return bad_parameter(f"Property {name} has invalid value\r\n")


def missing_key_type() -> ServiceError:
    """400 for a create request without ``kty``, as recorded with api-version 7.4."""
    return bad_parameter("Property  has invalid value\r\nProperty  has invalid value\r\n")


def invalid_name(name: str) -> ServiceError:
    """400 for a key name outside ``^[0-9a-zA-Z-]{1,127}$``."""
    return bad_parameter(f"The request URI contains an invalid name: {name}")


def malformed_jwk() -> ServiceError:
    """400 for an import whose JWK lacks members or has malformed ones."""
    return bad_parameter('The property "key" must be a valid JsonWebKey object.')


def unsound_rsa_key() -> ServiceError:
    """400 for inconsistent RSA numbers."""
    return bad_parameter("RSA key is not valid - cannot instantiate crypto service")


def undecryptable() -> ServiceError:
    """400 for a ciphertext that this key cannot decrypt. The text is the same for every cause."""
    return bad_parameter("Unable to decrypt specified value with this key")


def wrong_length(member: str, given: int, algorithm: str, needed: int) -> ServiceError:
    """400 for a digest of the wrong size."""
    return bad_parameter(
        f"Invalid length of '{member}': {given} bytes. {algorithm} requires {needed} bytes, encoded with base64url."
    )


def release_refused() -> ServiceError:
    """403 for an environment whose attestation is not valid, or does not satisfy the key's release policy."""
    message = "Target environment attestation statement cannot be verified."
    return ServiceError(403, "Forbidden", message, "AccessDenied")


def key_disabled(operation: str) -> ServiceError:
    """403 for a cryptographic operation with a disabled key."""
    return ServiceError(403, "Forbidden", f"Operation {operation} is not allowed on a disabled key.", "KeyDisabled")


def key_outside_validity(operation: str, bound: str) -> ServiceError:
    """403 for an expired or not yet valid key. The service's text is unknown; this one is the emulator's own."""
    return ServiceError(403, "Forbidden", f"Operation {operation} is not allowed on a key that is {bound}.")


def unauthorized(message: str, challenge: str) -> ServiceError:
    """401 with a challenge."""
    return ServiceError(401, "Unauthorized", message, headers={"WWW-Authenticate": challenge})


def conflict(message: str, inner: str | None = None) -> ServiceError:
    """409 for a name in the wrong state."""
    return ServiceError(409, "Conflict", message, inner)


def being_deleted(name: str) -> ServiceError:
    """409 for a create, import or restore shortly after DELETE or purge."""
    return conflict(
        f"Key {name} is currently being deleted and cannot be re-created; retry later.", "ObjectIsBeingDeleted"
    )


def deletion_unfinished() -> ServiceError:
    """409 for a purge or recover shortly after DELETE."""
    return conflict("Key is currently being deleted.", "ObjectIsBeingDeleted")


def deleted_but_recoverable(name: str) -> ServiceError:
    """409 for a create, import or restore over a soft-deleted key."""
    return conflict(
        f"Key {name} is currently in a deleted but recoverable state, and its name cannot be reused; in this state, "
        "the key can only be recovered or purged.",
        "ObjectIsDeletedButRecoverable",
    )


def being_recovered(name: str) -> ServiceError:
    """409 for a write during recovery."""
    return conflict(
        f"Key {name} is currently being recovered and cannot be re-created; retry later.", "ObjectIsBeingRecovered"
    )


def recovery_conflict(kid: str) -> ServiceError:
    """409 for a second recover, or a purge, during recovery."""
    return conflict(
        f"There was a conflict while recovering the soft-deleted key '{kid}'. This can happen when multiple operations "
        "are performed in parallel against the soft-deleted key. To avoid this error, perform operations against the "
        "soft-deleted key in a sequential manner."
    )


def restore_conflict(name: str) -> ServiceError:
    """409 for a restore over an existing name."""
    return conflict(
        f"There was a conflict restoring the key '{name}'. A key with this name exists in the vault, or is deleted and "
        "recoverable."
    )


def purge_protected(vault: str, region: str) -> ServiceError:
    """403 for a purge in a vault with purge protection."""
    return ServiceError(
        403,
        "Forbidden",
        'Operation "purge" is not allowed because purge protection is enabled for this vault. Key Vault service will '
        f"automatically purge it after the retention period has passed.\r\nVault: {vault};location={region}",
    )


def method_not_allowed(allowed: str) -> ServiceError:
    """405 with the methods that the resource supports."""
    return ServiceError(
        405, "MethodNotAllowed", f"The resource does not support this method. Allowed: {allowed}", None,
        {"Allow": allowed},
    )  # fmt: skip


def body_too_large(limit: int) -> ServiceError:
    """413 for a body over the limit."""
    return ServiceError(413, "RequestEntityTooLarge", f"The request body exceeds {limit} bytes.")


def throttled(retry_after: int | None = None) -> ServiceError:
    """429, by default without ``Retry-After``, which the service has not been seen to send."""
    return ServiceError(
        429,
        "Throttled",
        "Request was not processed because too many requests were received. Reason: VaultRequestTypeLimitReached",
        headers={} if retry_after is None else {"Retry-After": str(retry_after)},
    )
