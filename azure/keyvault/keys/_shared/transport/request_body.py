"""The body of a request as bytes: it is read once, so that the request can be retried."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from azure.core.rest import HttpRequest

from .answer_body import IDENTITY


def body_of(request: Any) -> bytes | None:
    """Return the body of a request.

    :raises TypeError: when it cannot be sent.
    """
    content = request.content
    if content is None or isinstance(content, bytes):
        return content
    if isinstance(content, str):
        return content.encode("utf-8")
    if isinstance(content, (bytearray, memoryview)):
        return bytes(content)
    raise TypeError(f"the body of a request must be bytes or text here, not {type(content).__name__}")


def framed_body(request: HttpRequest) -> bytes | None:
    """Return the body of a request, and add the headers that go with it."""
    headers = request.headers
    headers.setdefault(*IDENTITY)
    body = body_of(request)
    if body is not None:
        headers["Content-Length"] = str(len(body))
    return body


def completed(request: HttpRequest, *, params: Any, cookies: Any, auth: Any) -> HttpRequest:
    """Apply the options of requests and aiohttp that azure-core passes on to a request."""
    if not params and not cookies and not auth:
        return request
    headers = dict(request.headers)
    url = request.url
    if params:
        url += ("&" if "?" in url else "?") + urlencode(list(_fields(dict(params))))
    if cookies:
        headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in dict(cookies).items())
    if auth:
        user, password = auth
        headers["Authorization"] = "Basic " + b64encode(f"{user}:{password}".encode()).decode("ascii")
    return HttpRequest(request.method, url, headers=headers, content=body_of(request))


def has_plain_body(request: HttpRequest) -> bool:
    """Whether the request has no body, or one of bytes, and can be sent as it is."""
    content = request.content
    return content is None or isinstance(content, bytes)


def with_whole_body(request: HttpRequest) -> HttpRequest:
    """Return the request with a body of bytes. A file, an iterator or a form is read now, once."""
    if has_plain_body(request):
        return request
    content = request.content
    form_type = None
    if getattr(request, "files", None):
        body, form_type = _multipart(request)
    elif isinstance(content, Mapping):
        body = urlencode(list(_fields(content))).encode("ascii")
    elif hasattr(content, "read"):
        body = _bytes(content.read())
    elif isinstance(content, (str, bytearray, memoryview)):
        body = _bytes(content)
    elif hasattr(content, "__aiter__"):
        raise TypeError("only the clients of azure.keyvault.keys.aio accept an asynchronous iterator as a body")
    else:
        body = b"".join(_bytes(piece) for piece in content)
    return _with_body(request, body, form_type)


async def with_whole_body_async(request: HttpRequest) -> HttpRequest:
    """Return the request with a body of bytes. A file, a form or an iterator, sync or async, is read now, once."""
    content = request.content
    if hasattr(content, "__aiter__"):
        return _with_body(request, b"".join([_bytes(piece) async for piece in content]), None)
    read = getattr(content, "read", None)
    if read is not None:
        data = read()
        if hasattr(data, "__await__"):
            data = await data
        return _with_body(request, _bytes(data), None)
    return with_whole_body(request)


def _with_body(request: HttpRequest, body: bytes, content_type: str | None) -> HttpRequest:
    framing = ("content-length", "transfer-encoding")
    headers = {name: value for name, value in request.headers.items() if name.lower() not in framing}
    if content_type:
        headers = {name: value for name, value in headers.items() if name.lower() != "content-type"}
        headers["Content-Type"] = content_type
    return HttpRequest(request.method, request.url, headers=headers, content=body)


def _bytes(data: Any) -> bytes:
    return data.encode("utf-8") if isinstance(data, str) else bytes(data)


def _fields(form: Mapping[str, Any]) -> Any:
    for name, value in form.items():
        for item in value if isinstance(value, list) else [value]:
            yield name, item


def _multipart(request: Any) -> tuple[bytes, str]:
    from urllib3 import encode_multipart_formdata

    files = request.files.items() if isinstance(request.files, Mapping) else request.files
    parts: list[Any] = [(name, str(value)) for name, value in _fields(request.data or {})]
    for name, file in files:
        if isinstance(file, tuple):
            filename, data, *rest = file
            content = _bytes(data.read() if hasattr(data, "read") else data)
            parts.append((name, (filename, content, *rest[:1])) if filename else (name, content))
        else:
            parts.append((name, _bytes(file.read() if hasattr(file, "read") else file)))
    return encode_multipart_formdata(parts)
