"""A local Key Vault for keys: real HTTPS, real tokens, real cryptography, no Azure. For development and tests only."""

from ._emulator import KeyVaultEmulator
from ._faults import Fault, Faults
from ._options import EmulatorOptions
from ._recorder import RecordedRequest, Recorder

__all__ = ["EmulatorOptions", "Fault", "Faults", "KeyVaultEmulator", "RecordedRequest", "Recorder"]
