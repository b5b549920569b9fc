# pyright: strict
"""Every name of the emulator, with the types that a test that uses it sees."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from azure.core.credentials import AccessToken, AccessTokenInfo
from azure.core.exceptions import HttpResponseError
from cryptography.hazmat.primitives.asymmetric import rsa
from typing_extensions import assert_type

from azure.keyvault.keys import KeyClient
from azure.keyvault.keys.aio import KeyClient as AsyncKeyClient
from azure.keyvault.keys.emulator import (
    AsyncEmulatorCredential,
    AttestationAuthority,
    ClaimsDemand,
    Clock,
    EmulatedVault,
    EmulatorCredential,
    EmulatorKeywords,
    EmulatorOptions,
    Fault,
    FaultFilter,
    Faults,
    KeyVaultEmulator,
    Permissions,
    RecordedRequest,
    Recorder,
    Throttle,
    TokenRequest,
    VaultEvent,
)


def set_up(directory: Path) -> None:
    """Start and stop emulators."""
    with KeyVaultEmulator() as vault:
        assert_type(vault, KeyVaultEmulator)
    options: EmulatorKeywords = {
        "port": 0,
        "managed_hsm": True,
        "data_dir": directory,
        "deletion_delay": 0.5,
        "purge_delay": 1,
        "soft_delete": True,
        "purge_protection": False,
        "retention_days": 7,
        "premium": True,
        "page_size": 10,
        "empty_pages": True,
        "padded_hsm_exponent": True,
        "service_principal": True,
        "token_lifetime": 60,
        "hostnames": ("vault.example",),
        "latest_api_version": "7.4",
        "record": True,
        "listen": "127.0.0.2",
        "vaults": ("billing",),
        "seed": {"keys": []},
        "ui": True,
    }
    emulator = KeyVaultEmulator(**options)
    assert_type(emulator.start(), KeyVaultEmulator)
    assert_type(emulator.options, EmulatorOptions)
    assert_type(emulator.options.deletion_delay, float)
    assert_type(emulator.options.recommended_api_version, str)
    chosen = emulator.options
    assert_type(
        (chosen.port, chosen.retention_days, chosen.page_size, chosen.token_lifetime), tuple[int, int, int, int]
    )
    assert_type((chosen.managed_hsm, chosen.soft_delete, chosen.purge_protection), tuple[bool, bool, bool])
    assert_type((chosen.premium, chosen.empty_pages, chosen.padded_hsm_exponent), tuple[bool, bool, bool])
    assert_type((chosen.service_principal, chosen.record, chosen.ui), tuple[bool, bool, bool])
    assert_type((chosen.listen, chosen.vaults), tuple[str | None, tuple[str, ...]])
    assert_type(chosen.seed, str | os.PathLike[str] | Mapping[str, Any] | None)
    for name, options_of_one in chosen.own_options:
        assert_type((name, options_of_one), tuple[str, EmulatorOptions])
    assert_type((chosen.purge_delay, chosen.hostnames), tuple[float, tuple[str, ...]])
    assert_type((chosen.data_dir, chosen.latest_api_version), tuple[str | os.PathLike[str] | None, str | None])
    assert_type(emulator.environment, dict[str, str])
    assert_type(emulator.tenant_id, str)
    assert_type(emulator.ca_bundle, str)
    assert_type(emulator.ui_link, str)
    assert_type(emulator.vaults, Mapping[str, EmulatedVault])
    emulator.mark_managed("k")
    emulator.revoke_tokens()
    emulator.reset()
    emulator.stop()
    KeyVaultEmulator(data_dir="keys")
    KeyVaultEmulator(managed_hsm="yes")  # type: ignore[arg-type]
    KeyVaultEmulator(deletion_dely=0)  # type: ignore[call-arg]


async def connect(vault: KeyVaultEmulator) -> None:
    """Make clients."""
    assert_type(vault.url, str)
    assert_type(vault.url_of("vault.example"), str)
    assert_type(vault.client_options, dict[str, Any])
    assert_type(vault.credential, EmulatorCredential)
    assert_type(vault.async_credential, AsyncEmulatorCredential)
    KeyClient(vault.url, vault.credential, **vault.client_options).close()
    async with AsyncKeyClient(vault.url, vault.async_credential, **vault.client_options):
        pass
    scope = f"{vault.url}/.default"
    with vault.credential as credential:
        assert_type(credential.get_token(scope, claims=None), AccessToken)
        assert_type(credential.get_token_info(scope, options={"claims": "{}"}), AccessTokenInfo)
    credential.close()
    async with vault.async_credential as asynchronous:
        assert_type(await asynchronous.get_token(scope), AccessToken)
        assert_type(await asynchronous.get_token_info(scope), AccessTokenInfo)
    await asynchronous.close()


def turn_knobs(vault: KeyVaultEmulator) -> None:
    """Deny, demand, limit, and let time pass."""
    permissions: Permissions = vault.permissions
    permissions.deny("get", "wrapKey")
    permissions.allow("get")
    permissions.rbac = permissions.firewall = True
    permissions.reset()
    claims: ClaimsDemand = vault.claims
    claims.demand(times=2, claims={"access_token": {"nbf": {"essential": True}}})
    throttle: Throttle = vault.throttle
    throttle.limit(5, seconds=10, retry_after=1)
    throttle.documented_limits()
    assert_type(throttle.is_on, bool)
    throttle.off()
    clock: Clock = vault.clock
    clock.advance(60)
    clock.advance(days=90, hours=1.5, minutes=1)
    events: list[VaultEvent] = vault.events
    for event in events:
        assert_type(event.kind, Literal["rotated", "near-expiry", "expired", "purged"])
    assert_type([(event.name, event.version, event.time) for event in events], list[tuple[str, str, int]])
    assert_type(clock.now(), float)
    assert_type(clock.offset, float)
    authority: AttestationAuthority = vault.attestation
    key = rsa.generate_private_key(65537, 2048).public_key()
    assert_type(authority.url, str)
    authority.trust("https://attest.example", key)
    assert_type(authority.issue({"ready": True}, key), str)


def inject(vault: KeyVaultEmulator) -> None:
    """Make answers wrong, late or lost."""
    faults: Faults = vault.faults
    where: FaultFilter = {"times": None, "method": "GET", "path": "^/keys/", "probes": False}
    fault = faults.status(503, code="Busy", message="m", headers={"a": "b"}, retry_after=1, **where)
    assert_type(fault, Fault)
    assert_type(fault.times, int | None)
    assert_type((fault.delay, fault.processed), tuple[float, bool])
    assert_type((fault.method, fault.probes), tuple[str | None, bool | None])
    print(fault.reply, fault.wire, fault.rewrite, fault.path)
    faults.throttled(retry_after="soon", times=2)
    faults.answer(b"{}", status=200, content_type=None, headers={}, probes=True)
    faults.redirect("https://vault.example", status=308)
    faults.rewrite(status=201, body=b"", headers={})
    faults.delay(1.5, method="POST")
    faults.drop(after_headers=True, reset=True, processed=True)
    faults.truncate(5, reset=True, as_success=True)
    faults.hang(1, sent=5)
    faults.status(503, tims=2)  # type: ignore[call-arg]
    faults.clear()


def look(vault: KeyVaultEmulator) -> list[str]:
    """Read what was recorded."""
    requests: Recorder = vault.requests
    assert_type(requests.matching("GET", "/keys"), list[RecordedRequest])
    assert_type(requests[-1], RecordedRequest)
    assert_type(requests[-2:], list[RecordedRequest])
    for request in requests:
        assert_type(request.query, Mapping[str, str])
        assert_type(request.headers, Mapping[str, str])
        assert_type(request.body, bytes | None)
        assert_type((request.at, request.seconds), tuple[float, float | None])
        assert_type((request.status, request.body_length), tuple[int | None, int | None])
        assert_type((request.method, request.path, request.authorised), tuple[str, str, bool])
    requests.clear()
    tokens: list[TokenRequest] = vault.token_requests
    return [f"{token.audience} {token.tenant} {token.claims} {token.grant}" for token in tokens]


def further(vault: EmulatedVault) -> None:
    """Use a vault beside the first one, and come back to a state."""
    assert_type(vault.export_state(), dict[str, Any])
    vault.import_state(vault.export_state())
    vault.mark_managed("k")
    vault.permissions.deny("get")
    assert_type((vault.ca_bundle, vault.url), tuple[str, str])
    KeyClient(vault.url, vault.credential, **vault.client_options).close()


def refused(error: HttpResponseError) -> int | None:
    """Read what a client makes of a refusal."""
    return error.status_code
