"""Everything in the catalogue of errors says what it rests on, and the documentation repeats it."""

from __future__ import annotations

import inspect

from azure.keyvault.keys.emulator import _errors
from azure.keyvault.keys.emulator._evidence import ERRORS


def test_every_error_says_what_it_rests_on() -> None:
    made = {name for name, value in vars(_errors).items() if inspect.isfunction(value)}
    assert set(ERRORS) == made
