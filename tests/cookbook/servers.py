"""What the cookbook's blocks talk to: an SSH server, and the token endpoint of Entra ID. Both verify what they get."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncssh
import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes

_ADDRESS: list[tuple[str, int]] = []


def ssh_address() -> tuple[str, int]:
    """Return where the server will be: a free port of loopback."""
    if not _ADDRESS:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            _ADDRESS.append(free.getsockname())
    return _ADDRESS[0]


async def _say_who(process: asyncssh.SSHServerProcess[str]) -> None:
    process.stdout.write(f"{process.get_extra_info('username')}\n")
    process.exit(0)


@contextmanager
def ssh_server(public_keys: Iterable[bytes]) -> Iterator[None]:
    """Serve SSH, and let some keys in."""
    allowed = asyncssh.import_authorized_keys("".join(f"{key.decode()}\n" for key in public_keys))
    host_key = asyncssh.generate_private_key("ssh-ed25519")
    started, over = threading.Event(), threading.Event()

    async def serve() -> None:
        host, port = ssh_address()
        settings: dict[str, Any] = {
            "server_host_keys": [host_key],
            "authorized_client_keys": allowed,
            "process_factory": _say_who,
            "reuse_address": True,
        }
        async with asyncssh.listen(host, port, **settings):
            started.set()
            await asyncio.to_thread(over.wait)

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    assert started.wait(30)
    try:
        yield
    finally:
        over.set()
        thread.join()


class _Answer:
    """An answer as MSAL reads those of requests."""

    def __init__(self, document: Any, status: int = 200) -> None:
        self.status_code, self.text, self.headers = status, json.dumps(document), {"Content-Type": "application/json"}

    def raise_for_status(self) -> None:
        """Raise if it is a failure."""
        if self.status_code >= 400:
            raise RuntimeError(self.text)


class EntraId:
    """A token endpoint that verifies assertions as Entra ID does, behind the interface of ``requests.Session``.

    :param certificate: the file with the certificate that the application is known by.
    """

    def __init__(self, certificate: str) -> None:
        self._path = Path(certificate)

    def get(self, url: str, **kwargs: Any) -> _Answer:
        """Answer a request for what the authority says of itself."""
        authority = url.partition("/v2.0/")[0]
        return _Answer(
            {
                "token_endpoint": f"{authority}/oauth2/v2.0/token",
                "authorization_endpoint": f"{authority}/oauth2/v2.0/authorize",
                "issuer": f"{authority}/v2.0",
            }
        )

    def post(self, url: str, data: Any = None, **kwargs: Any) -> _Answer:
        """Answer a request for a token."""
        certificate = x509.load_pem_x509_certificate(self._path.read_bytes())
        assertion = data["client_assertion"]
        header = jwt.get_unverified_header(assertion)
        thumbprint = certificate.fingerprint(hashes.SHA256() if "x5t#S256" in header else hashes.SHA1())
        named = header.get("x5t#S256") or header["x5t"]
        assert jwt.utils.base64url_decode(named) == thumbprint
        public: Any = certificate.public_key()
        claims = jwt.decode(assertion, public, [header["alg"]], audience=url)
        assert claims["sub"] == claims["iss"] == data["client_id"]
        return _Answer({"token_type": "Bearer", "access_token": "granted", "expires_in": 3600})

    def close(self) -> None:
        """Do nothing."""
