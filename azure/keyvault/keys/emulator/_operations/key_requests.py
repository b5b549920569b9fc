"""Translation inwards: the bodies of create, import and update as checked values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .._api_versions import ApiVersion
from .._cryptography import jose
from .._errors import bad_parameter, invalid_property, malformed_jwk
from .._json_body import Body
from .kinds import ServiceKind

#: Key operations, and the version that introduced each according to the API description. The description lacks
#: ``deriveKey``, which Managed HSMs have.
KEY_OPERATIONS: Mapping[str, str] = {
    **dict.fromkeys(("encrypt", "decrypt", "sign", "verify", "wrapKey", "unwrapKey"), "2016-10-01"),
    "import": "7.1",
    "export": "7.3-preview",
    # The API description has these two since 2026-05-01-preview, but the operations that need them since this version:
    "secureWrapKey": "2026-01-01-preview",
    "secureUnwrapKey": "2026-01-01-preview",
}
_MOST_TAGS = 15
_MOST_TAG_CHARACTERS = 256
_MOST_EXTERNAL_ID_CHARACTERS = 64
_JWK_BINARIES = ("n", "e", "d", "p", "q", "dp", "dq", "qi", "x", "y", "k")
_DEFAULT_POLICY_TYPE = "application/json; charset=utf-8"


@dataclass(slots=True)
class KeyProperties:
    """What create, import and update can set; None means that the request leaves it out."""

    key_ops: list[str] | None = None
    enabled: bool | None = None
    nbf: int | None = None
    exp: int | None = None
    exportable: bool | None = None
    external_id: str | None = None
    tags: dict[str, str] | None = None
    release_policy: dict[str, Any] | None = None


def key_properties(body: Body, version: ApiVersion, key_ops: list[str] | None, kind: ServiceKind) -> KeyProperties:
    """Return the properties in a body.

    :param key_ops: the operations; an import has them inside its JWK.
    :param kind: the kind of service, which may have additional operations.
    :raises ServiceError: 400.
    """
    attributes = body.object("attributes") or Body({})
    return KeyProperties(
        key_ops=_checked_key_ops(key_ops, version, kind),
        enabled=attributes.boolean("enabled"),
        nbf=attributes.time("nbf"),
        exp=attributes.time("exp"),
        exportable=attributes.boolean("exportable"),
        external_id=external_key_id(body, version),
        tags=_tags(body),
        release_policy=_release_policy(body, version),
    )


def _checked_key_ops(names: list[str] | None, version: ApiVersion, kind: ServiceKind) -> list[str] | None:
    """Reject operations that the API version or the kind of service does not support.

    :raises ServiceError: 400.
    """
    for name in names or ():
        since = KEY_OPERATIONS.get(name)
        known = kind.knows_key_op(name, version) if since is None else version.since(since)
        if not known:
            raise invalid_property("key_ops")
    return names


def _tags(body: Body) -> dict[str, str] | None:
    tags = body.text_map("tags")
    if tags is None:
        return None
    if len(tags) > _MOST_TAGS:
        raise bad_parameter("Property  has invalid value\r\n")
    if any(len(text) > _MOST_TAG_CHARACTERS for item in tags.items() for text in item):
        raise invalid_property("tags")
    return tags


def external_key_id(body: Body, version: ApiVersion) -> str | None:
    """Return the id of the external key that a new key refers to.

    :raises ServiceError: 400.
    """
    attributes = body.object("attributes") or Body({})
    external = attributes.object("external_key")
    if external is None:
        return None
    identifier = external.required_text("id")
    plain = identifier.isascii() and identifier.replace("-", "a").isalnum()
    if not version.since("2026-01-01-preview") or len(identifier) > _MOST_EXTERNAL_ID_CHARACTERS or not plain:
        raise invalid_property("attributes.external_key")
    return identifier


def _release_policy(body: Body, version: ApiVersion) -> dict[str, Any] | None:
    policy = body.object("release_policy")
    if policy is None:
        return None
    if not version.since("7.3-preview"):
        raise invalid_property("release_policy")
    data = policy.required_binary("data")
    result: dict[str, Any] = {
        "contentType": policy.text("contentType") or _DEFAULT_POLICY_TYPE,
        "data": jose.encode(data),
        "immutable": policy.boolean("immutable") is True,
    }
    return result


def jwk_members(jwk: Body) -> dict[str, bytes]:
    """Return the decoded numbers of a JWK.

    :raises ServiceError: 400 if a number is not base64url.
    """
    try:
        members = {name: jwk.binary(name) for name in _JWK_BINARIES if name in jwk}
    except Exception as error:
        raise malformed_jwk() from error
    return {name: value for name, value in members.items() if value is not None}
