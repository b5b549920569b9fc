"""TLS: a certificate authority and a server certificate, and the files that clients trust."""

from __future__ import annotations

import ipaddress
import json
import os
import re
import ssl
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import certifi
import trustme

from .._service import Service

_BUNDLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")
_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----\s.+?-----END CERTIFICATE-----", re.DOTALL)


class Certificates:
    """The emulator's own certificate authority, and a certificate for the loopback names and any additional names.

    The authority is created at start. With a directory, it is kept from the previous start, and so are the file paths.

    :ivar authority: a file with only the authority's certificate.
    :ivar bundle: a file with certifi's roots, the authorities that the environment names, and the emulator's authority,
        for clients that also call other services.
    """

    def __init__(
        self,
        hostnames: Iterable[str] = (),
        directory: Path | None = None,
        secret: Callable[[str, Callable[[], bytes]], bytes] = lambda name, make: make(),
    ) -> None:
        authority = _authority(secret)
        self._certificate = authority.issue_cert(*dict.fromkeys(("localhost", "127.0.0.1", "::1", *hostnames)))
        self._temporary = None if directory else tempfile.TemporaryDirectory(prefix="keyvault-emulator-")
        place = directory or Path(self._temporary.name if self._temporary else "")
        pem = authority.cert_pem.bytes()
        self.authority, self.bundle = place / "authority.pem", place / "bundle.pem"
        named = list(_named_authorities(except_for=self.bundle))
        self.authority.write_bytes(pem)
        self.bundle.write_bytes(b"\n".join([Path(certifi.where()).read_bytes(), *named, pem]))

    @classmethod
    def of(cls, service: Service) -> Certificates:
        """Return certificates for all names of a server, issued by the authority that is kept with its keys."""
        listen = service.options.listen
        addresses = [listen] if listen and not ipaddress.ip_address(listen).is_unspecified else []
        directory = Path(service.options.data_dir) if service.options.data_dir else None
        return cls([*service.hostnames, *addresses], directory, service.storage.secret)

    def server_context(self) -> ssl.SSLContext:
        """Return the TLS context of the server."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        self._certificate.configure_cert(context)
        return context

    def close(self) -> None:
        """Remove the files unless they are kept."""
        if self._temporary is not None:
            self._temporary.cleanup()


def _authority(secret: Callable[[str, Callable[[], bytes]], bytes]) -> trustme.CA:
    """Return the kept certificate authority, or a new one."""
    kept = json.loads(secret("certificate authority", _new_authority))
    return trustme.CA.from_pem(kept["certificate"].encode(), kept["private_key"].encode())


def _new_authority() -> bytes:
    authority = trustme.CA()
    pems = {"certificate": authority.cert_pem, "private_key": authority.private_key_pem}
    return json.dumps({name: pem.bytes().decode() for name, pem in pems.items()}).encode()


def _named_authorities(*, except_for: Path) -> Iterator[bytes]:
    """Yield the certificates that the bundle replaces, from files or directories.

    A file may also hold private keys; those are not copied.
    """
    for path in {Path(os.environ[name]) for name in _BUNDLES if os.environ.get(name)} - {except_for}:
        for file in path.iterdir() if path.is_dir() else [path]:
            if file.is_file():
                yield from _CERTIFICATE.findall(file.read_bytes())
