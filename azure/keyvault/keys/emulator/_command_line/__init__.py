"""The command line: serve a vault, or run a command with one, and set up the environment for both."""
