"""An HTTPS server that answers like a vault as fast as it can, so that benchmarks measure the client.

It performs no cryptography: every GET returns the same RSA key, a list returns 25 items, and a sign returns a
signature. Requests without a token get a challenge. It runs in its own process: ``python stub_server.py CA_PATH``
writes the certificate authority to CA_PATH and prints the port.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import ssl
import sys

import trustme

CONNECTIONS = {"count": 0}


def encoded(size: int) -> str:
    return base64.urlsafe_b64encode(b"\x9d" * size).rstrip(b"=").decode()


def key_bundle(vault: str) -> bytes:
    kid = f"{vault}/keys/bench/{'0' * 31}1"
    operations = ["encrypt", "decrypt", "sign", "verify", "wrapKey", "unwrapKey"]
    attributes = {
        "enabled": True,
        "exp": 4102444800,
        "created": 1700000000,
        "updated": 1700000000,
        "recoveryLevel": "Recoverable+Purgeable",
        "recoverableDays": 90,
    }
    key = {"kid": kid, "kty": "RSA", "key_ops": operations, "n": encoded(256), "e": "AQAB"}
    return json.dumps({"key": key, "attributes": attributes, "tags": {"team": "blue"}}).encode()


def key_list(vault: str, pages: int) -> list[bytes]:
    attributes = {"enabled": True, "created": 1700000000, "updated": 1700000000, "recoveryLevel": "Purgeable"}
    bodies = []
    for page in range(pages):
        items = [{"kid": f"{vault}/keys/k{page:04}x{i:02}", "attributes": attributes} for i in range(25)]
        link = f"{vault}/keys?api-version=7.4&$skiptoken={page + 1}" if page + 1 < pages else None
        bodies.append(json.dumps({"value": items, "nextLink": link}).encode())
    return bodies


def response(status: str, body: bytes, *headers: str) -> bytes:
    head = [f"HTTP/1.1 {status}", "Content-Type: application/json; charset=utf-8", f"Content-Length: {len(body)}"]
    return "\r\n".join([*head, "x-ms-request-id: 0", *headers, "", ""]).encode() + body


class Answers:
    def __init__(self, vault: str) -> None:
        self.challenge = response(
            "401 Unauthorized", b"", f'WWW-Authenticate: Bearer authorization="{vault}/tenant", resource="{vault}"'
        )
        self.key = response("200 OK", key_bundle(vault))
        self.list = response("200 OK", key_list(vault, 1)[0])
        self.pages = [response("200 OK", body) for body in key_list(vault, 400)]
        signature = json.dumps({"kid": f"{vault}/keys/bench/{'0' * 31}1", "value": encoded(256)}).encode()
        self.signature = response("200 OK", signature)

    def to(self, head: bytes) -> bytes:
        if b"uthorization: Bearer" not in head:
            return self.challenge
        target = head.split(b" ", 2)[1]
        if b"$skiptoken=" in target or b"many=" in target:
            page = target.partition(b"$skiptoken=")[2].partition(b"&")[0]
            return self.pages[int(page or 0)]
        if target.startswith(b"/keys?"):
            return self.list
        return self.signature if b"/sign" in target else self.key


class Vault(asyncio.Protocol):
    answers: Answers

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        CONNECTIONS["count"] += 1
        self.transport = transport
        self.received = b""

    def data_received(self, data: bytes) -> None:
        self.received += data
        while (end := self.received.find(b"\r\n\r\n")) >= 0:
            head = self.received[:end]
            length = 0
            for line in head.split(b"\r\n")[1:]:
                if line[:15].lower() == b"content-length:":
                    length = int(line[15:])
            if len(self.received) < end + 4 + length:
                return
            self.received = self.received[end + 4 + length :]
            if head.startswith(b"GET /connections"):
                self.transport.write(response("200 OK", str(CONNECTIONS["count"]).encode()))  # type: ignore[attr-defined]
            else:
                self.transport.write(self.answers.to(head))  # type: ignore[attr-defined]


async def serve(ca_path: str) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    authority.cert_pem.write_to_path(ca_path)
    server = await asyncio.get_running_loop().create_server(Vault, "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    Vault.answers = Answers(f"https://localhost:{port}")
    print(port, flush=True)
    parent = os.getppid()
    while os.getppid() == parent:  # ends with the benchmark that started it
        await asyncio.sleep(0.5)


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1]))
