"""The command line: serve a vault, or run a command with one, and the environment that both set."""
