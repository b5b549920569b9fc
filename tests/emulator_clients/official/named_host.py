"""Runs a script against ``my.vault.localhost``: ``named_host.py SCRIPT ARGUMENTS``.

Names under ``localhost`` are loopback by RFC 6761, but not every resolver knows it; here Python does. The script itself
is run as it is, with the vault's URL in its environment.
"""

import os
import runpy
import socket
import sys

HOST = "my.vault.localhost"
_getaddrinfo = socket.getaddrinfo


def _loopback(host, *arguments, **options):
    return _getaddrinfo("127.0.0.1" if host in (HOST, HOST.encode()) else host, *arguments, **options)


socket.getaddrinfo = _loopback
os.environ["VAULT_URL"] = os.environ["VAULT_URL"].replace("//localhost:", f"//{HOST}:")
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
