"""``python -m azure.keyvault.keys.emulator``."""

import sys

from ._command_line.cli import main

sys.exit(main(sys.argv[1:]))
