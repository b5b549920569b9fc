"""The warnings on stderr at start: what is dangerous, and what will not work."""

from __future__ import annotations

import sys

from .._environment import unresolved_hosts
from .._service import Service

_EXPOSED = (
    "WARNING: listening on {}, not only on the loopback interface. The emulator is not built to be exposed to a "
    "network: anyone who reaches this port and learns a secret from its variables can use every key."
)
_UNRESOLVED = "{} does not resolve to this machine. To use it, add this line to the hosts file: 127.0.0.1 {}"


def print_warnings(service: Service) -> None:
    """Warn about what is dangerous and what does not work."""
    if service.options.listen is not None:
        print(_EXPOSED.format(service.options.listen), file=sys.stderr)
    # A vault given as a plain name is reached by its port when its host name does not resolve.
    whole_names = [host for host in service.options.vaults if "." in host]
    for host in unresolved_hosts([*service.options.hostnames, *whole_names]):
        print(_UNRESOLVED.format(host, host), file=sys.stderr)
