"""As much of Azure Resource Manager as ``az login`` needs: one subscription."""

from __future__ import annotations

import json
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import trustme

SUBSCRIPTION = "00000000-1111-2222-3333-444444444444"


class ResourceManager:
    """A server on the loopback interface that lists a subscription to whoever has a token.

    :ivar authority: the certificate, in PEM, that clients have to trust.
    """

    def __init__(self, tenant: str) -> None:
        authority = trustme.CA()
        self.authority = authority.cert_pem.bytes()
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert("localhost").configure_cert(context)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(tenant))
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        """Where it is."""
        return f"https://localhost:{self._server.server_address[1]}"

    def write_bundle(self, path: Path, *others: str) -> Path:
        """Write a file of trusted certificates, its own and those of other files."""
        path.write_bytes(b"\n".join([self.authority, *(Path(other).read_bytes() for other in others)]))
        return path

    def __enter__(self) -> ResourceManager:
        self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _handler(tenant: str) -> type[BaseHTTPRequestHandler]:
    subscription = {
        "id": f"/subscriptions/{SUBSCRIPTION}",
        "subscriptionId": SUBSCRIPTION,
        "tenantId": tenant,
        "displayName": "Emulated",
        "state": "Enabled",
        "subscriptionPolicies": {},
    }

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            authorised = self.headers.get("Authorization", "").startswith("Bearer ")
            known = self.path.partition("?")[0] == "/subscriptions"
            body = json.dumps({"value": [subscription]} if known and authorised else {"error": {"code": "Unknown"}})
            self.send_response(200 if known and authorised else 401 if known else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    return Handler
