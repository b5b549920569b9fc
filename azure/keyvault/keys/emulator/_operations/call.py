"""One authorised call, with everything an operation needs to answer it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from .._api_versions import ApiVersion
from .._errors import bad_parameter
from .._json_body import Body, parse_body
from .._messages import Reply
from .._origins import Origin
from .._storage.records import Key, KeyVersion
from .bundles import Viewpoint

if TYPE_CHECKING:
    from .._service import Service


@dataclass
class Call:
    """A call after authentication: the key and version it names, and its content."""

    service: Service
    operation: str
    origin: Origin
    api: ApiVersion
    query: Mapping[str, str]
    path: str = ""
    name: str = ""
    version: str = ""
    raw_body: bytes = field(default=b"", repr=False)

    @cached_property
    def body(self) -> Body:
        """The JSON object of the body.

        :raises ServiceError: 400.
        """
        return parse_body(self.raw_body)

    @property
    def required_body(self) -> Body:
        """The JSON object of a required body.

        :raises ServiceError: 400.
        """
        if not self.raw_body:
            raise bad_parameter("The request body is required.")
        return self.body

    @cached_property
    def view(self) -> Viewpoint:
        """The viewpoint of the caller."""
        return Viewpoint(self.origin, self.api)

    def key(self) -> Key:
        """Return the live key.

        :raises ServiceError: 404.
        """
        key = self.service.state.live(self.name)
        if key is None:
            raise self.service.kind.key_not_found(self.origin, self.name)
        return key

    def key_and_version(self) -> tuple[Key, KeyVersion]:
        """Return the live key and the version that the call names, by default the latest.

        :raises ServiceError: 404.
        """
        key = self.service.state.live(self.name)
        if key is not None:
            version = key.versions.get(self.version) if self.version else key.latest
            if version is not None:
                return key, version
        raise self.service.kind.key_not_found(self.origin, self.name, self.version)

    def kid(self, key: Key, version: KeyVersion | None = None) -> str:
        """Return a key identifier as the caller sees it."""
        return self.service.bundles.kid(self.origin, key, version)

    def reply(self, value: Any) -> Reply:
        """Return a JSON reply in the style of the kind of service."""
        return Reply(200, self.service.kind.write(value))

    def bundle_reply(self, key: Key, version: KeyVersion) -> Reply:
        """Return a KeyBundle."""
        return Reply(200, self.service.bundles.written_bundle(self.view, key, version))
