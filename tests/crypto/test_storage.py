"""azure-storage-blob encrypts and decrypts with our key-encryption keys. Runs where that package is installed."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from azure.core.pipeline.transport import HttpTransport
from azure.core.rest import HttpRequest
from azure.core.utils import case_insensitive_dict
from fixtures.keyring import Keyring
from fixtures.targets import Target

from azure.keyvault.keys.crypto import CryptographyClient, KeyEncryptionKey, KeyResolver

blob = pytest.importorskip("azure.storage.blob")

CONTENT = bytes(range(256)) * 40


class Parts(list[bytes]):
    """A body in parts, which azure-storage-blob hangs the blob's properties on."""

    def __init__(self, response: Response) -> None:
        super().__init__([response.content])
        self.response = response
        self.content_length = len(response.content)


class Response:
    """What azure-storage-blob asks of a response."""

    reason = "OK"
    encoding = "utf-8"
    location_mode = "primary"
    block_size = 1 << 16

    def __init__(self, request: Any, status: int, headers: dict[str, str], content: bytes) -> None:
        self.request = request
        self.status_code = status
        self.headers = case_insensitive_dict(headers)
        self.content_type = self.headers.get("Content-Type")
        self.content = content

    def body(self) -> bytes:
        return self.content

    def read(self) -> bytes:
        return self.content

    def text(self, encoding: str | None = None) -> str:
        return self.content.decode(encoding or "utf-8", errors="replace")

    def stream_download(self, pipeline: Any, **options: Any) -> Any:
        return Parts(self)

    iter_bytes = iter_raw = stream_download

    def raise_for_status(self) -> None: ...

    def __enter__(self) -> Response:
        return self

    def __exit__(self, *exc_info: object) -> None: ...


class Storage(HttpTransport):  # type: ignore[type-arg]
    """A storage account with one blob."""

    def __init__(self) -> None:
        self.content = b""
        self.metadata: dict[str, str] = {}

    def send(self, request: HttpRequest, **options: Any) -> Any:
        common = {"ETag": '"1"', "Last-Modified": "Tue, 24 Nov 2026 00:00:00 GMT", "x-ms-request-id": "1"}
        if request.method == "PUT":
            body: Any = getattr(request, "body", None) or request.content
            self.content = body if isinstance(body, bytes) else body.read()
            self.metadata = {
                name: value for name, value in request.headers.items() if name.lower().startswith("x-ms-meta-")
            }
            return Response(request, 201, common, b"")
        if request.method == "HEAD":
            size = {"Content-Length": str(len(self.content)), "x-ms-blob-type": "BlockBlob"}
            return Response(request, 200, {**common, **self.metadata, **size}, b"")
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", request.headers.get("x-ms-range", "bytes=0-"))
        assert wanted
        start = int(wanted[1])
        part = self.content[start : int(wanted[2]) + 1 if wanted[2] else None]
        span = f"bytes {start}-{start + len(part) - 1}/{len(self.content)}"
        headers = {
            "Content-Type": "text/plain",
            "Content-Range": span,
            "Content-Length": str(len(part)),
            "x-ms-blob-type": "BlockBlob",
        }
        return Response(request, 206, {**common, **self.metadata, **headers}, part)

    def open(self) -> None: ...

    def close(self) -> None: ...

    def __exit__(self, *exc_info: object) -> None: ...


@pytest.mark.filterwarnings("ignore:This client has been configured to use encryption with version 1")
@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize(
    ("place", "kind", "algorithm"), [("vault", "RSA 2048", "RSA-OAEP"), ("hsm", "oct 256", "A256KW")]
)
@pytest.mark.parametrize("resolved", [False, True], ids=["key", "resolver"])
def test_blob_is_encrypted_with_a_key_of_the_vault(
    request: pytest.FixtureRequest,
    keyring_of: Callable[[Target], Keyring],
    version: str,
    place: str,
    kind: str,
    algorithm: str,
    resolved: bool,
) -> None:
    target: Target = request.getfixturevalue(place)
    storage = Storage()
    key = keyring_of(target).imported(kind)
    options = {"transport": storage, "require_encryption": True, "encryption_version": version}
    url = "https://account.blob.core.windows.net/container/blob"
    with (
        CryptographyClient(key, target.credential, **target.options) as client,
        KeyResolver(target.credential, **target.options) as resolver,
    ):
        kek = KeyEncryptionKey(client, algorithm)
        writer = blob.BlobClient.from_blob_url(url, key_encryption_key=kek, **options)
        writer.upload_blob(io.BytesIO(CONTENT), length=len(CONTENT))
        assert CONTENT[:64] not in storage.content
        told = next(json.loads(value) for name, value in storage.metadata.items() if "encryptiondata" in name.lower())
        assert told["WrappedContentKey"]["KeyId"] == key.id
        assert told["WrappedContentKey"]["Algorithm"] == algorithm
        found = {"key_resolver_function": resolver} if resolved else {"key_encryption_key": kek}
        downloaded = blob.BlobClient.from_blob_url(url, **found, **options).download_blob().readall()
    assert downloaded == CONTENT
