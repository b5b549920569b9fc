"""From an operation to a request, and from a response to its result. No I/O, for sync and async."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

from azure.core.exceptions import (
    ClientAuthenticationError,
    DecodeError,
    HttpResponseError,
    ResourceExistsError,
    ResourceNotFoundError,
)
from azure.core.pipeline import PipelineResponse
from azure.core.rest import HttpRequest
from azure.core.utils import case_insensitive_dict

from ..._generated.models import Model
from ..._generated.operations import Operation
from ..._generated.versions import RENAMED, VERSIONS, has
from .identifiers import origin_of
from .members import Malformed
from .reading import read
from .refusals import explain
from .subject import other_key
from .text import error_of, read_as_utf8
from .writing import write

T = TypeVar("T")

_ERRORS: dict[int, type[HttpResponseError]] = {
    401: ClientAuthenticationError,
    404: ResourceNotFoundError,
    409: ResourceExistsError,
}

# Members whose values had other names in older API versions.
_RENAMED_FIELDS = ("crv", "alg")

_HEADERS = {"Accept": "application/json"}
_HEADERS_WITH_BODY = {"Accept": "application/json", "Content-Type": "application/json"}


_API_VERSION = "(?i)(?:^|&)api-version="


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(parse_constant=_no_constant)
_ENCODER = json.JSONEncoder(separators=(",", ":"))


class Wire:
    """The URL and API version of one vault, and the requests and answers that go with them.

    :param vault_url: its URL, without a trailing slash.
    :param api_version: which version of the REST API to use. An unknown version is used unchanged and assumed to
        support everything.
    :param aliased: whether the vault may call itself by another address, as one in a private cloud.
    """

    def __init__(self, vault_url: str, api_version: str, *, aliased: bool = False) -> None:
        self.vault_url = vault_url
        self.aliased = aliased
        self.api_version = api_version
        self.origin = origin_of(vault_url)
        self._query = "?api-version=" + api_version
        self._lacking = frozenset(version.name for version in VERSIONS if not has(api_version, version.name))
        renamed = [renaming for renaming in RENAMED if not has(api_version, renaming.since)]
        self._to_old = {renaming.new: renaming.old for renaming in renamed}
        self._to_new = {renaming.old: renaming.new for renaming in renamed}

    def request(self, operation: Operation[Any]) -> HttpRequest:
        """Return the HTTP request of an operation.

        :raises ValueError: when the API version lacks the operation or one of its fields, or a field's value is
            outside the limits of the service.
        """
        self.check_version(operation)
        url = self.vault_url + operation.path + self._query
        for name, value in operation.query.items():
            url += f"&{name}={quote(value, safe='')}"
        if operation.body is None:
            return HttpRequest(operation.method, url, headers=dict(_HEADERS))
        content = _ENCODER.encode(self._body(operation.name, operation.body)).encode("ascii")
        return HttpRequest(operation.method, url, headers=dict(_HEADERS_WITH_BODY), content=content)

    def link(self, operation: Operation[Any], link: str) -> HttpRequest:
        """Return the request for the page that a list's ``nextLink`` leads to.

        The link is sent unchanged, except for the API version, which a Managed HSM's links do not have.

        :raises ValueError: when it leads to another origin.
        """
        self.check_origin(link, "The link to the next page")
        return HttpRequest(operation.method, self._versioned(link), headers=dict(_HEADERS))

    def _versioned(self, url: str) -> str:
        """Return a URL with the client's API version, unless it has one."""
        bare, mark, fragment = url.partition("#")
        if re.search(_API_VERSION, urlsplit(bare).query):
            return url
        return f"{bare}{'&' if '?' in bare else '?'}api-version={self.api_version}{mark}{fragment}"

    def check_origin(self, url: str, what: str) -> None:
        """Refuse a URL that would send a token or a body to another origin.

        :raises ValueError: when the URL is malformed or has another scheme, host or port than the vault.
        """
        try:
            same = origin_of(url) == self.origin
        except ValueError as error:
            raise ValueError(f"{what} {url!r} is not valid: {error}") from None
        if not same:
            raise ValueError(f"{what} {url!r} leads to another origin than {self.origin}, and was not followed")

    def absolute(self, request: HttpRequest) -> HttpRequest:
        """Return a caller's own request with the vault's URL and the API version, unless it has its own.

        :raises ValueError: when it names another origin.
        """
        if not isinstance(request, HttpRequest):
            raise TypeError(f"request must be an azure.core.rest.HttpRequest, not {type(request).__name__}")
        request = copy.copy(request)  # the caller's object must not get the token
        request.headers = case_insensitive_dict(request.headers)
        if "://" not in request.url.partition("?")[0]:
            request.url = f"{self.vault_url}/{request.url.lstrip('/')}"
        self.check_origin(request.url, "The URL")
        request.url = self._versioned(request.url)
        return request

    def result(
        self,
        operation: Operation[T],
        response: PipelineResponse[Any, Any],
        error_map: Mapping[int, type[Exception]] | None = None,
    ) -> T:
        """Return the result of an operation.

        :param error_map: the caller's own exceptions, by status. Each is created with ``response=``, as azure-core's
            ``map_error`` creates them.

        :raises ~azure.core.exceptions.HttpResponseError: or one of its subclasses, when the service refused.
        :raises ~azure.core.exceptions.DecodeError: when the answer breaks the service's contract, or is about another
            key.
        """
        http = response.http_response
        if http.status_code not in operation.success:
            raise _error(operation, http, error_map)
        if operation.returns is None:
            return None  # type: ignore[return-value]  # an Operation[None]
        result, defect = self._read(operation.returns, http.content)
        if defect is None:
            defect = other_key(self.vault_url, operation, result, aliased=self.aliased)
        if defect is not None:
            raise malformed(http, defect)
        link = getattr(result, "next_link", None)
        if link:
            self._check_link(http, link)
        return result  # type: ignore[return-value]

    def _read(self, kind: type[T], content: bytes) -> tuple[T | None, str | None]:
        """Return the model of an answer's body, or what is wrong with the body.

        It raises no exception, because the traceback would contain the body, which may be a plaintext.
        """
        try:
            data = _decoded(content)
            if self._to_new:
                _translate(data, self._to_new)
            return read(kind, data), None
        except Malformed as error:
            return None, str(error)
        except (ValueError, RecursionError):
            return None, "it is not JSON in UTF-8"

    def _check_link(self, http: Any, link: str) -> None:
        try:
            self.check_origin(link, "the link to the next page")
        except ValueError as error:
            raise malformed(http, str(error)) from None

    def check_version(self, operation: Operation[Any]) -> None:
        """Refuse an operation if the API version lacks it, one of its fields, or the value of a field.

        :raises ValueError: with the API version that is needed.
        """
        if operation.since in self._lacking:
            raise self._lacks(operation.name, operation.since)
        if operation.body is not None:
            self._check_fields(operation.body)

    def _check_fields(self, model: Any) -> None:
        for name, since in model._added_in.items():
            if since in self._lacking and getattr(model, name) is not None:
                raise self._lacks(name, since)
        for name, values in model._values_added_in.items():
            value = getattr(model, name)
            if value is not None and (since := values.get(value)) in self._lacking:
                raise self._lacks(value, since)
        for value in vars(model).values():
            if isinstance(value, Model):
                self._check_fields(value)

    def _lacks(self, what: str, since: str) -> ValueError:
        return ValueError(
            f"{what} needs API version {since} or later, and this client uses {self.api_version}: "
            "create it with another api_version"
        )

    def _body(self, operation: str, model: Model) -> dict[str, Any]:
        data = write(operation, model)
        if self._to_old:
            _translate(data, self._to_old)
        return data


def _decoded(content: bytes) -> Any:
    """Decode the JSON of an answer.

    :raises ValueError: when it is not JSON in UTF-8, or has text that cannot be encoded (half a surrogate pair).
    """
    data = _DECODER.decode(content.decode("utf-8"))
    if b"\\u" in content:
        json.dumps(data, ensure_ascii=False).encode("utf-8")
    return data


def _translate(data: Any, names: dict[str, str]) -> None:
    """Replace the names of curves and algorithms by those of another API version, in place."""
    if isinstance(data, dict):
        for field in _RENAMED_FIELDS:
            value = data.get(field)
            if isinstance(value, str):
                data[field] = names.get(value, value)
        _translate(data.get("key"), names)


def malformed(response: Any, defect: str) -> DecodeError:
    """Return the error for an answer that breaks the service's contract."""
    request_id = response.headers.get("x-ms-request-id", "unknown")
    # The error does not get the response: its text would quote the body, which may be a plaintext.
    error = DecodeError(
        f"The vault's response cannot be used: {defect}. Status {response.status_code}, request id {request_id}."
    )
    error.status_code, error.reason = response.status_code, response.reason
    return error


def _error(operation: Operation[Any], response: Any, error_map: Mapping[int, type[Exception]] | None) -> Exception:
    """Return the caller's or azure-core's exception for an error status. It reads the body for its message."""
    kind: Any = _ERRORS.get(response.status_code, HttpResponseError)
    if error_map and response.status_code in error_map:
        kind = error_map[response.status_code]
        if getattr(kind, "__init__", None) is not HttpResponseError.__init__:
            read_as_utf8(response)
            return kind(response=response)  # type: ignore[no-any-return]
    message = f"The vault answered {response.status_code} {response.reason or ''}".rstrip()
    error: HttpResponseError = error_of(kind, message, response)
    explain(error, operation, response)
    return error


@contextmanager
def mapping(error_map: Mapping[int, type[Exception]] | None) -> Iterator[None]:
    """Raise the caller's own exception for a refusal inside.

    This is for calls of several requests, which look at refusals before the caller sees them.

    :param error_map: the caller's exceptions, by status.
    """
    try:
        yield
    except HttpResponseError as error:
        own = _mapped(error, error_map)
        if own is error:
            raise
        raise own from None


def _mapped(error: HttpResponseError, error_map: Mapping[int, type[Exception]] | None) -> Exception:
    kind: Any = (error_map or {}).get(error.status_code or 0)
    if kind is None or error.response is None:
        return error
    if getattr(kind, "__init__", None) is not HttpResponseError.__init__:
        return kind(response=error.response)  # type: ignore[no-any-return]
    own: HttpResponseError = kind.__new__(kind)
    vars(own).update(vars(error))
    own.args = error.args
    return own
