"""``python -m azure.keyvault.keys.ssh_agent``."""

import sys

from ._command_line import main

sys.exit(main(sys.argv[1:]))
