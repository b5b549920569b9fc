"""Run the blocks of the cookbook, Python and shell, from top to bottom: ``python run_cookbook.py FILE``.

It runs in an environment of its own that has the libraries. The blocks begin with a ``client`` and its ``credential``,
and with the servers that the page says are the tests'. Blocks whose first line is ``# <name>.py`` are files, which
pytest runs at the end. Everything is written into the current folder.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import warnings
from pathlib import Path

from azure.identity import DefaultAzureCredential
from servers import EntraId, ssh_address, ssh_server
from sybil import Example, Sybil
from sybil.parsers.markdown import CodeBlockParser, PythonCodeBlockParser

from azure.keyvault.keys import KeyClient

_FILE = re.compile(r"# (\w+\.py)\n")


def _run_shell(example: Example) -> None:
    subprocess.run(["bash", "-e", "-x", "-o", "pipefail", "-c", str(example.parsed)], check=True)


def main(path: Path) -> None:
    """Run the blocks of a file."""
    # What other libraries warn of is theirs; what this one warns of would be a mistake of the page.
    warnings.filterwarnings("error", module=r"azure\.keyvault\.keys")
    parsers = [PythonCodeBlockParser(), CodeBlockParser("sh", _run_shell)]
    document = Sybil(parsers=parsers, path=str(path.parent), patterns=[path.name]).parse(path)
    folder = Path("service")
    folder.mkdir()
    host, port = ssh_address()
    with DefaultAzureCredential() as credential, KeyClient(os.environ["VAULT_URL"], credential) as client:
        names = {"client": client, "credential": credential, "entra_http": EntraId("rsa.pem")}
        document.namespace.update(names, ssh_server=ssh_server, ssh_host=host, ssh_port=port)
        for example in document.examples():
            print(f"-- line {example.line}", flush=True)
            file = _FILE.match(str(example.parsed))
            if file:
                Path(folder, file[1]).write_text(str(example.parsed), "utf-8")
            else:
                example.evaluate()
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    subprocess.run(command, cwd=folder, env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}, check=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
