"""``python -m azure.keyvault.keys.tink``: encrypt and decrypt files with a key of a vault."""

import sys

from ._command_line import main

sys.exit(main())
