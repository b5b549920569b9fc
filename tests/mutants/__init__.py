"""Mutation testing: changed modules, and the tests that must notice. ``tests/mutation.py`` is the command."""
