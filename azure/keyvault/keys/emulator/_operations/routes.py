"""The table of operations: method, path, permission, and the API version that introduced the operation.

Paths are matched by segment, after collapsing ``//`` and removing a trailing slash, because clients write "no
version" as ``/keys/n/`` and ``/keys/n//encrypt``.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from .._errors import FrontEndError, bad_parameter, invalid_name, method_not_allowed
from .._messages import Reply
from . import cryptography, deleted, hsm, management, rotation
from .call import Call

_NAME = re.compile(r"[0-9a-zA-Z-]{1,127}", re.ASCII)
_VERSION = re.compile(r"[0-9a-zA-Z]{1,127}", re.ASCII)
_OLDEST = "2016-10-01"
_MOST_REMEMBERED = 4096


@dataclass(frozen=True, slots=True)
class Route:
    """An operation of the API."""

    operation: str
    permission: str
    handler: Callable[[Call], Awaitable[Reply]]
    since: str = _OLDEST
    hsm_only: bool = False
    creates: bool = False
    #: Reads the family and the type of the new key from a request that names them.
    new_type: Callable[[Call], tuple[str, str]] | None = None


_VERSIONED = "/keys/{name}/{version}"
_CRYPTOGRAPHY = {
    "encrypt": Route("encrypt", "encrypt", cryptography.encrypt),
    "decrypt": Route("decrypt", "decrypt", cryptography.decrypt),
    "sign": Route("sign", "sign", cryptography.sign),
    "verify": Route("verify", "verify", cryptography.verify),
    "wrapkey": Route("wrapkey", "wrapKey", cryptography.wrap_key),
    "unwrapkey": Route("unwrapkey", "unwrapKey", cryptography.unwrap_key),
    "release": Route("release", "release", hsm.release_key, "7.3-preview"),
    "securewrapkey": Route("securewrapkey", "wrapKey", hsm.secure_wrap_key, "2026-01-01-preview"),
    "secureunwrapkey": Route("secureunwrapkey", "unwrapKey", hsm.secure_unwrap_key, "2026-01-01-preview"),
}
_GET = Route("get", "get", management.get_key)
_UPDATE = Route("update", "update", management.update_key)
_CREATE = Route("create", "create", management.create_key, creates=True, new_type=management.created_type)
_IMPORT = Route("import", "import", management.import_key, creates=True, new_type=management.imported_type)
_KEY = {"GET": _GET, "PUT": _IMPORT, "PATCH": _UPDATE, "DELETE": Route("delete", "delete", management.delete_key)}
_ATTESTATION = Route("attestation", "get", hsm.get_attestation, "7.6-preview.2")

TABLE: Mapping[str, Mapping[str, Route]] = {
    "/keys": {"GET": Route("list", "list", management.list_keys)},
    # A key can also have this name.
    "/keys/restore": {**_KEY, "POST": Route("restore", "restore", management.restore_key)},
    "/keys/{name}": _KEY,
    "/keys/{name}/create": {"POST": _CREATE},
    "/keys/{name}/versions": {"GET": Route("versions", "list", management.list_versions)},
    "/keys/{name}/backup": {"POST": Route("backup", "backup", management.backup_key)},
    "/keys/{name}/rotate": {"POST": Route("rotate", "rotate", rotation.rotate_key, "7.3-preview", creates=True)},
    "/keys/{name}/rotationpolicy": {
        "GET": Route("getrotationpolicy", "getrotationpolicy", rotation.get_rotation_policy, "7.3-preview"),
        "PUT": Route("setrotationpolicy", "setrotationpolicy", rotation.update_rotation_policy, "7.3-preview"),
    },
    "/keys/{name}/attestation": {"GET": _ATTESTATION},
    _VERSIONED: {"GET": _GET, "PATCH": _UPDATE},
    f"{_VERSIONED}/attestation": {"GET": _ATTESTATION},
    "/deletedkeys": {"GET": Route("listdeleted", "list", deleted.list_deleted_keys)},
    "/deletedkeys/{name}": {
        "GET": Route("getdeleted", "get", deleted.get_deleted_key),
        "DELETE": Route("purge", "purge", deleted.purge_deleted_key),
    },
    "/deletedkeys/{name}/recover": {"POST": Route("recover", "recover", deleted.recover_deleted_key)},
    "/rng": {"POST": Route("rng", "get", hsm.random_bytes, "7.3-preview", hsm_only=True)},
    **{
        f"{path}/{verb}": {"POST": route}
        for verb, route in _CRYPTOGRAPHY.items()
        for path in ("/keys/{name}", _VERSIONED)
    },
}


@dataclass(frozen=True, slots=True)
class Target:
    """What a path refers to: the operations by method, and the key."""

    methods: Mapping[str, Route]
    name: str = ""
    version: str = ""

    def route(self, method: str) -> Route:
        """Return the operation of a method.

        :raises ServiceError: 405, or 400 if the key name before ``/create`` is missing.
        """
        route = self.methods.get(method)
        if route is None:
            if method == "POST" and self.name.lower() == "create":
                raise bad_parameter("Operation not specified")
            raise method_not_allowed(", ".join(sorted(self.methods)))
        return route

    def check_name(self) -> None:
        """Reject an invalid key name.

        :raises ServiceError: 400.
        """
        if self.name and not _NAME.fullmatch(self.name):
            raise invalid_name(self.name)


class Router:
    """Finds targets and caches them."""

    def __init__(self, *, managed_hsm: bool) -> None:
        self._table = {
            path: methods
            for path, methods in TABLE.items()
            if managed_hsm or not any(route.hsm_only for route in methods.values())
        }
        self._found: dict[str, Target] = {}

    def find(self, path: str) -> Target:
        """Return the target of a path as written in the request line.

        :raises FrontEndError: 404, or 403 for the bare root, as a page of the web server, not of the API.
        """
        target = self._found.get(path)
        if target is None:
            target = self._resolve([unquote(segment) for segment in path.split("/") if segment])
            if len(self._found) >= _MOST_REMEMBERED:
                self._found.clear()
            self._found[path] = target
        return target

    def _resolve(self, segments: list[str]) -> Target:
        if not segments:
            raise FrontEndError(403, "Forbidden: Access is denied.")
        for shape, name, version in _shapes(segments):
            if shape in self._table:
                return _checked(Target(self._table[shape], name, version.lower()))
        raise FrontEndError(404, "File or directory not found.")


def _shapes(segments: list[str]) -> list[tuple[str, str, str]]:
    """Return the shapes that match the segments, literal ones first, each with the resulting name and version."""
    root, *rest = segments
    if not rest:
        return [(f"/{root}", "", "")]
    name = rest[0]
    if len(rest) == 1:
        return [(f"/{root}/{name}", name, ""), (f"/{root}/{{name}}", name, "")]
    if len(rest) == 2:
        literal = (f"/{root}/{{name}}/{rest[1]}", name, "")
        return [literal, (f"/{root}/{{name}}/{{version}}", name, rest[1])]
    tail = "/".join(rest[2:])
    return [(f"/{root}/{{name}}/{{version}}/{tail}", name, rest[1])]


def _checked(target: Target) -> Target:
    if target.version and not _VERSION.fullmatch(target.version):
        # The front end was seen to answer when the version is a GUID with dashes.
        raise FrontEndError(404, "File or directory not found.")
    return target
