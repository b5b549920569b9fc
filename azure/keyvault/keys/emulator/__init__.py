"""A local Key Vault for keys: real HTTPS, real tokens, real cryptography, no Azure. For development and tests only.

As a server: ``python -m azure.keyvault.keys.emulator``, or ``... emulator run COMMAND``. In process::

    with KeyVaultEmulator(deletion_delay=0) as vault:
        client = KeyClient(vault.url, vault.credential, **vault.client_options)
        vault.faults.throttled(times=2, method="GET", retry_after=1)  # also: status, answer, redirect, drop, hang ...
        vault.permissions.deny("get")  # 403 ForbiddenByPolicy; permissions.firewall = True refuses every call
        vault.claims.demand()  # the next call gets a claims challenge; revoke_tokens() demands fresh tokens
        vault.clock.advance(days=90)  # keys and tokens expire, deletions finish, rotation policies are carried out
        vault.throttle.limit(5, seconds=10)
        vault.reset()  # undoes all of it
        assert [request.status for request in vault.requests.matching("GET", "/keys")] == []
"""

from .. import _extras

if _absent := _extras.absent("aiohttp", "trustme"):
    # With this module's name instead of the missing one's, "python -m" prints the error in one line.
    raise _extras.missing("emulator", *_absent, what="the emulator", name=__name__)

from ._clock import Clock
from ._emulator import KeyVaultEmulator
from ._identity.attestation import AttestationAuthority
from ._identity.credentials import AsyncEmulatorCredential, EmulatorCredential
from ._identity.tokens import TokenRequest
from ._knobs.access import ClaimsDemand, Permissions
from ._knobs.events import VaultEvent
from ._knobs.faults import Fault, FaultFilter, Faults
from ._knobs.recorder import RecordedRequest, Recorder
from ._knobs.throttle import Throttle
from ._options import EmulatorKeywords, EmulatorOptions
from ._vault import EmulatedVault

__all__ = [
    "AsyncEmulatorCredential",
    "AttestationAuthority",
    "ClaimsDemand",
    "Clock",
    "EmulatedVault",
    "EmulatorCredential",
    "EmulatorKeywords",
    "EmulatorOptions",
    "Fault",
    "FaultFilter",
    "Faults",
    "KeyVaultEmulator",
    "Permissions",
    "RecordedRequest",
    "Recorder",
    "Throttle",
    "TokenRequest",
    "VaultEvent",
]
