"""The program ``az``, set up for emulators."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from resource_manager import ResourceManager

from azure.keyvault.keys.emulator import KeyVaultEmulator


@dataclass(frozen=True)
class Run:
    """What a command did."""

    command: str
    code: int
    output: Any
    error: str
    seconds: float


class Az:
    """Runs commands of azure-cli, each in a process of its own, as its users do.

    :param python: the interpreter of the environment that has azure-cli.
    :param directory: where the CLI keeps its settings.
    :param environment: the identity to use, and the certificates to trust.
    :param runs: where to note what was run.
    """

    def __init__(self, python: Path, directory: Path, environment: Mapping[str, str], runs: list[Run]) -> None:
        self.runs = runs
        self._python = python
        self._directory = directory
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("AZURE_", "PYTHON"))},
            **environment,
            "AZURE_CONFIG_DIR": str(directory / "settings"),
            "AZURE_CORE_COLLECT_TELEMETRY": "no",
            "AZURE_CORE_NO_COLOR": "yes",
            "AZURE_CORE_ONLY_SHOW_ERRORS": "yes",
            "AZURE_CORE_OUTPUT": "json",
            "NO_PROXY": "localhost,127.0.0.1",
        }

    def __call__(self, command: str, *arguments: str | Path, fails: bool = False) -> Any:
        """Run a command, and return what it prints: JSON, mostly. With ``fails`` return its error text."""
        line = [str(self._python), "-m", "azure.cli", *command.split(), *map(str, arguments)]
        start = time.monotonic()
        # Python looks for modules in the directory where it is started.
        here, environment = self._directory, self._environment
        done = subprocess.run(line, capture_output=True, text=True, env=environment, cwd=here, timeout=120)
        output = json.loads(done.stdout) if done.stdout.strip() else None
        self.runs.append(Run(command, done.returncode, output, done.stderr, time.monotonic() - start))
        assert (done.returncode != 0) is fails, f"az {command} ended with {done.returncode}:\n{done.stderr}"
        return done.stderr if fails else output


class Emulated(ExitStack):
    """A vault and a Managed HSM, each with an ``az`` that is logged in to it and finds it as ``localhost``.

    The names of vaults become addresses by the suffixes of a cloud of our own: those are the ports of the emulators.

    :param python: the interpreter of the environment that has azure-cli.
    :param directory: a directory of its own.
    :param packages: where packages are that go before those of the environment.
    """

    def __init__(self, python: Path, directory: Path, packages: Path | None = None) -> None:
        super().__init__()
        self.runs: list[Run] = []
        self.directory = directory
        self._packages = {"PYTHONPATH": str(packages)} if packages else {}
        self._vault = self.enter_context(KeyVaultEmulator(deletion_delay=0.2))
        self._hsm = self.enter_context(KeyVaultEmulator(managed_hsm=True))
        self._manager = self.enter_context(ResourceManager(self._vault.tenant_id))
        self._bundle = self._manager.write_bundle(directory / "trusted.pem", self._vault.ca_bundle, self._hsm.ca_bundle)
        self.vault, self.hsm = (self._az(python, emulator) for emulator in (self._vault, self._hsm))
        self._log_in()

    def _az(self, python: Path, emulator: KeyVaultEmulator) -> Az:
        """Return an ``az`` with the managed identity of an emulator."""
        identity = {name: value for name, value in emulator.environment.items() if name.startswith("IDENTITY_")}
        environment = {**identity, **self._packages, "REQUESTS_CA_BUNDLE": str(self._bundle)}
        return Az(python, self.directory, environment, self.runs)

    def _log_in(self) -> None:
        """Register and choose the cloud, and log in. The CLI keeps no token of a managed identity."""
        cloud = {
            "endpoints": {
                "resource_manager": self._manager.url,
                "management": self._manager.url,
                "active_directory": self._vault.url,
                "active_directory_resource_id": self._manager.url,
            },
            "suffixes": {
                "keyvault_dns": self._vault.url.removeprefix("https://localhost"),
                "mhsm_dns": self._hsm.url.removeprefix("https://localhost"),
            },
        }
        settings = self.directory / "cloud.json"
        settings.write_text(json.dumps(cloud))
        az = self.vault
        az("cloud register", "--name", "Emulated", "--cloud-config", f"@{settings}", "--skip-endpoint-discovery")
        az("cloud set", "--name", "Emulated")
        az("login", "--identity")

    def table(self) -> str:
        """Return what was run, a command a line."""
        lines = [f"{'command':40} code seconds  result"]
        for run in self.runs:
            text = run.error.strip().splitlines()[0] if run.code else json.dumps(run.output)
            lines.append(f"{run.command:40} {run.code:>4} {run.seconds:>7.1f}  {text[:90]}")
        return "\n".join(lines)
