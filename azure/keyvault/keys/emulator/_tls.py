"""TLS: a certificate authority and a server certificate made at start, and the files that clients trust."""

from __future__ import annotations

import ssl
import tempfile
from collections.abc import Iterable
from pathlib import Path

import certifi
import trustme


class Certificates:
    """A certificate authority of the emulator's own, with a certificate for the loopback names.

    :ivar authority: a file with the authority's certificate only.
    :ivar bundle: a file with certifi's roots and the authority's certificate, for clients that also call elsewhere.
    """

    def __init__(self, hostnames: Iterable[str] = ()) -> None:
        authority = trustme.CA()
        self._certificate = authority.issue_cert("localhost", "127.0.0.1", "::1", *hostnames)
        self._directory = tempfile.TemporaryDirectory(prefix="keyvault-emulator-")
        pem = authority.cert_pem.bytes()
        self.authority = Path(self._directory.name, "authority.pem")
        self.bundle = Path(self._directory.name, "bundle.pem")
        self.authority.write_bytes(pem)
        self.bundle.write_bytes(Path(certifi.where()).read_bytes() + b"\n" + pem)

    def server_context(self) -> ssl.SSLContext:
        """Return the context of the server."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        self._certificate.configure_cert(context)
        return context

    def close(self) -> None:
        """Remove the files."""
        self._directory.cleanup()
