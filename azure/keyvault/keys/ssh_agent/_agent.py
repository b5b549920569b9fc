"""The agent: it answers requests with keys of a vault, on a socket that only its user can open."""

from __future__ import annotations

import logging
import os
import shutil
import socket
import socketserver
import sys
import tempfile
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from .._frames import clear_frames, clears_locals
from . import _protocol
from ._identities import Identity, identities_of

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

    from .. import KeyClient

_LOGGER = logging.getLogger(__name__)


@clears_locals
class VaultAgent:
    """An SSH agent (RFC 9987) whose keys are in a vault.

    It lists the keys and signs with them: RSA keys with SHA-256 and SHA-512, and EC keys on P-256, P-384 and P-521. It
    refuses everything else, such as adding and removing keys. If the vault does not sign, for example because it
    throttles or the permission was revoked, the client gets a failure, the logger ``azure.keyvault.keys`` gets a line,
    and the agent continues.

    Each key has the version that was the newest when the agent started, unless a version is named.

    :param client: the client of the vault, which must stay open as long as the agent is used.
    :param names: the keys: ``NAME``, ``NAME/VERSION`` or identifiers.
    :param socket_path: the path of the socket. By default, it is in a new directory that only the user can enter.
    :param timeout: the seconds after which signing times out.
    """

    def __init__(
        self, client: KeyClient, names: Iterable[str], *, socket_path: str | None = None, timeout: float = 30
    ) -> None:
        self._client = client
        self._names = [names] if isinstance(names, str) else list(names)
        self._timeout = timeout
        self._wanted_path = socket_path
        self._identities: list[Identity] = []
        self._directory: str | None = None
        self._server: _Server | None = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} [{', '.join(map(str, self._names))}]>"

    @property
    def socket_path(self) -> str:
        """The path of the socket, for ``SSH_AUTH_SOCK``.

        :raises ValueError: when the agent is not started.
        """
        if self._server is None:
            raise ValueError("The agent is not started")
        return str(self._server.server_address)

    @property
    def public_keys(self) -> list[str]:
        """The public keys as lines of an ``authorized_keys`` file, in the order of their names."""
        return [f"{identity.line} {identity.comment}" for identity in self._identities]

    def start(self) -> None:
        """Get the keys and serve them, in threads of this process, until :meth:`close`.

        :raises ValueError: when SSH does not support the type of a key, or a key does not sign.
        :raises OSError: when the socket cannot be made.
        :raises ~azure.core.exceptions.HttpResponseError: when a key cannot be fetched.
        """
        if self._server is not None:
            return
        if not hasattr(socket, "AF_UNIX"):
            raise OSError("This system has no Unix sockets, which SSH agents use")
        self.load()
        self._server = _Server(self._place(), self)
        serve = self._server.serve_forever
        threading.Thread(target=serve, args=(0.1,), name="keyvault-ssh-agent", daemon=True).start()

    def load(self) -> None:
        """Get the keys from the vault, so that :meth:`answer` works without a socket.

        :raises ValueError: when SSH does not support the type of a key, or a key does not sign.
        :raises ~azure.core.exceptions.HttpResponseError: when a key cannot be fetched.
        """
        self._identities = identities_of(self._client, self._names)

    def close(self) -> None:
        """Stop serving, and remove the socket."""
        server, self._server = self._server, None
        if server is not None:
            server.shutdown()
            server.server_close()
            Path(str(server.server_address)).unlink(missing_ok=True)
        if self._directory is not None:
            shutil.rmtree(self._directory, ignore_errors=True)
            self._directory = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def answer(self, message: bytes) -> bytes:
        """Answer one request.

        :param message: the request, without its length.
        :returns: the answer, without its length. Errors are logged and answered with a failure.
        """
        request = _protocol.parse(message)
        if isinstance(request, _protocol.ListRequest):
            return _protocol.identities((identity.blob, identity.comment) for identity in self._identities)
        if request is None:
            _LOGGER.info("Refused a request of type %s", message[0] if message else "none")
            return _protocol.failure()
        identity = next((known for known in self._identities if known.blob == request.blob), None)
        if identity is None:
            _LOGGER.info("Refused to sign with a key that is not here")
            return _protocol.failure()
        scheme = identity.scheme_for(request.flags)
        if scheme is None:
            _LOGGER.warning("Refused to sign with %s and the flags %d", identity.comment, request.flags)
            return _protocol.failure()
        try:
            signature = identity.signed(scheme, request.data, self._timeout)
        except Exception as error:  # one failed request must not end the agent; it is logged and refused
            _LOGGER.warning("Could not sign with %s: %s", identity.comment, " ".join(str(error).split()))
            return _protocol.failure()
        _LOGGER.info("Signed %d bytes with %s by %s", len(request.data), identity.comment, scheme.name)
        return _protocol.signed(scheme.name, signature)

    def _place(self) -> str:
        """Return the path for the socket, whose directory is new unless the caller has chosen one."""
        if self._wanted_path is not None:
            return self._wanted_path
        self._directory = tempfile.mkdtemp(prefix="ssh-")  # for its user only: mode 0700
        path = os.path.join(self._directory, f"agent.{os.getpid()}")
        if len(path.encode()) > 100:  # paths of sockets must be short: 104 bytes on macOS, 108 on Linux
            shutil.rmtree(self._directory)
            self._directory = tempfile.mkdtemp(prefix="ssh-", dir="/tmp")  # a new directory in it  # nosec B108
            path = os.path.join(self._directory, f"agent.{os.getpid()}")
        return path


class _Handler(socketserver.StreamRequestHandler):
    """One connection, whose requests are answered in their order."""

    def handle(self) -> None:
        """Answer until the client closes the connection or sends something that is not a request."""
        agent: VaultAgent = self.server.agent  # type: ignore[attr-defined]  # of _Server
        while len(head := self.rfile.read(4)) == 4:
            size = int.from_bytes(head, "big")
            if not 0 < size <= _protocol.LARGEST_MESSAGE or len(message := self.rfile.read(size)) < size:
                return
            self.wfile.write(_protocol.string(agent.answer(message)))


if hasattr(socketserver, "ThreadingUnixStreamServer"):

    class _Server(socketserver.ThreadingUnixStreamServer):
        daemon_threads = True
        block_on_close = False
        request_queue_size = 64

        def __init__(self, path: str, agent: VaultAgent) -> None:
            self.agent = agent
            super().__init__(path, _Handler)

        def server_bind(self) -> None:
            # Nobody can connect between binding and listening, so the mode does not matter until then.
            super().server_bind()
            os.chmod(self.server_address, 0o600)  # type: ignore[arg-type]  # the path of a Unix socket

        def handle_error(self, request: object, client_address: object) -> None:
            error = sys.exc_info()[1]
            if error is not None:
                clear_frames(error)  # what was to be signed is in them
            _LOGGER.info("A client broke its connection off", exc_info=error)
