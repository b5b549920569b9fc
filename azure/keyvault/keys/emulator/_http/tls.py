"""TLS: a certificate authority and a server certificate made at start, and the files that clients trust."""

from __future__ import annotations

import os
import ssl
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import certifi
import trustme

_BUNDLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")


class Certificates:
    """A certificate authority of the emulator's own, with a certificate for the loopback names.

    :ivar authority: a file with the authority's certificate only.
    :ivar bundle: a file with certifi's roots, the authorities that the environment names, and the emulator's own, for
        clients that also call elsewhere.
    """

    def __init__(self, hostnames: Iterable[str] = ()) -> None:
        authority = trustme.CA()
        self._certificate = authority.issue_cert("localhost", "127.0.0.1", "::1", *hostnames)
        self._directory = tempfile.TemporaryDirectory(prefix="keyvault-emulator-")
        pem = authority.cert_pem.bytes()
        self.authority = Path(self._directory.name, "authority.pem")
        self.bundle = Path(self._directory.name, "bundle.pem")
        self.authority.write_bytes(pem)
        self.bundle.write_bytes(b"\n".join([Path(certifi.where()).read_bytes(), *_named_authorities(), pem]))

    def server_context(self) -> ssl.SSLContext:
        """Return the context of the server."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        self._certificate.configure_cert(context)
        return context

    def close(self) -> None:
        """Remove the files."""
        self._directory.cleanup()


def _named_authorities() -> Iterator[bytes]:
    """Yield what the variables hold that the bundle takes the place of: files, or directories of them."""
    for path in {Path(os.environ[name]) for name in _BUNDLES if os.environ.get(name)}:
        for file in path.iterdir() if path.is_dir() else [path]:
            content = file.read_bytes() if file.is_file() else b""
            if b"-----BEGIN CERTIFICATE-----" in content:
                yield content
