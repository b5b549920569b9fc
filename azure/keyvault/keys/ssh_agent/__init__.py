"""An SSH agent whose keys are in a vault. Needs the extra ``[ssh-agent]``.

As a program, in place of ``ssh-agent``: ``python -m azure.keyvault.keys.ssh_agent --vault-url URL NAME...``. In
process::

    with VaultAgent(client, ["deploy"]) as agent:
        subprocess.run(["ssh", "host"], env={**os.environ, "SSH_AUTH_SOCK": agent.socket_path})

Nothing in the library imports this package.
"""

from .. import _extras

# Because the error names this module and not the missing one, "python -m" reports it in one line.
_extras.require("ssh-agent", "azure.identity", what="azure.keyvault.keys.ssh_agent", name=__name__)

from ._agent import VaultAgent  # noqa: E402  # after the check, so that users see its error

__all__ = ["VaultAgent"]
