"""Measure this library side by side with azure-keyvault-keys 4.11.3: ``python benchmarks/compare.py``.

Each library gets its own virtual environment, cached between runs, with the same versions of everything else. Each
round runs the scenarios of worker.py with one library and then the other. A figure is the best of its rounds, because
disturbances only ever make a measurement worse. The server is stub_server.py: TLS on loopback, in its own process.
Speed is quoted as the ratio of the two figures, which are printed beside it. ``--save figures.json`` saves them for
figure.py, which draws the picture in the README.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
import venv
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
HERE = Path(__file__).parent
OFFICIAL = "4.11.3"
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "azure-keyvault-keys-benchmarks"

# Dependencies that both libraries use in the same version.
SHARED = ("azure-core", "azure-identity", "cryptography", "aiohttp", "requests", "urllib3")

# A scenario of worker.py, and where the client finds the certificate authority: in the environment or an option.
SCENARIOS = [
    ("client_time", "env"),
    ("local", "env"),
    ("sync_tls", "env"),
    ("sync_tls", "option"),
    ("async_tls", "env"),
    ("async_tls", "option"),
    ("threads", "option"),
    ("cold_start", "env"),
    ("cold_start_with_identity", "env"),
    ("growth", "option"),
    ("memory", "env"),
]


def prepare(name: str, *requirements: str) -> Path:
    """Return the interpreter of an environment that holds a library, its dependencies in the versions that run here."""
    folder = CACHE / name
    python = folder / "bin" / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
    shared = [f"{package}=={version(package)}" for package in SHARED]
    install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *shared, *requirements]
    subprocess.run(install, check=True)
    return python


def run(python: Path, scenario: str, trust: str, vault: str, ca: Path) -> dict[str, float]:
    own = (
        "PYTHON",
        "CA_BUNDLE",
        "SSL_CERT",
        "_PROXY",
        "_proxy",
    )  # the settings of this machine must not influence the measurement
    environment = {name: value for name, value in os.environ.items() if not any(part in name for part in own)}
    environment |= (
        {"REQUESTS_CA_BUNDLE": str(ca), "SSL_CERT_FILE": str(ca)} if trust == "env" else {"BENCH_VERIFY": "1"}
    )
    environment["BENCH_BEGAN"] = str(time.time())
    command = [str(python), str(HERE / "worker.py"), scenario, vault, str(ca)]
    with tempfile.TemporaryDirectory() as folder:  # the checkout would take precedence over the package
        result = subprocess.run(command, env=environment, cwd=folder, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(result.stdout)
    return found


def better(name: str, one: float, other: float) -> float:
    return max(one, other) if "a second" in name else min(one, other)


def compare(pythons: dict[str, Path], rounds: int, wanted: str) -> dict[str, Any]:
    """Run the scenarios whose names contain ``wanted``, print the results, and return them."""
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        ca = Path(folder, "ca.pem")
        server = subprocess.Popen([sys.executable, HERE / "stub_server.py", ca], stdout=subprocess.PIPE, text=True)
        assert server.stdout is not None
        vault = f"https://localhost:{server.stdout.readline().strip()}"
        try:
            for scenario, trust in SCENARIOS:
                if wanted in scenario:
                    best = measure(pythons, rounds, scenario, trust, vault, ca)
                    report(scenario, trust, best)
                    official, ours = best.values()
                    found[f"{scenario} ({trust})"] = {"official": official, "ours": ours}
        finally:
            server.terminate()
            server.wait()
    return found


def measure(
    pythons: dict[str, Path], rounds: int, scenario: str, trust: str, vault: str, ca: Path
) -> dict[str, dict[str, float]]:
    best: dict[str, dict[str, float]] = {library: {} for library in pythons}
    for _ in range(rounds):
        for library, python in pythons.items():
            for name, value in run(python, scenario, trust, vault, ca).items():
                best[library][name] = better(name, value, best[library].get(name, value))
    return best


def report(scenario: str, trust: str, best: dict[str, dict[str, float]]) -> None:
    official, ours = best.values()
    print(f"\n{scenario} (authority from the {'environment' if trust == 'env' else 'option connection_verify'})")
    for name, figure in ours.items():
        other = official[name]
        ratio = f"{figure / other:5.2f}" if other else "    -"
        print(f"  {name:42}{other:12.1f}{figure:12.1f}   ratio {ratio}")
        bare = ours.get(f"{name} (bare cryptography)")
        if bare is not None:
            above = (other - official[f"{name} (bare cryptography)"], figure - bare)
            print(f"  {'  above bare cryptography':42}{above[0]:12.1f}{above[1]:12.1f}")


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare this library with azure-keyvault-keys " + OFFICIAL)
    parser.add_argument("--rounds", type=int, default=3, help="how often each scenario runs with each library")
    parser.add_argument("--only", default="", help="run only the scenarios whose name contains this")
    parser.add_argument("--save", type=Path, help="where to write the figures, in JSON, for figure.py")
    arguments = parser.parse_args()
    pythons = {
        f"azure-keyvault-keys {OFFICIAL}": prepare("official", f"azure-keyvault-keys=={OFFICIAL}", "trustme"),
        "this library": prepare("ours", "--force-reinstall", "--no-deps", str(ROOT)),
    }
    prepare("ours", "msrest", "trustme")
    print(f"{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    print(", ".join(f"{package} {version(package)}" for package in SHARED))
    print(f"best of {arguments.rounds} rounds in turns; microseconds unless the name says otherwise")
    print(f"{'':44}{OFFICIAL:>12}{'ours':>12}")
    found = compare(pythons, arguments.rounds, arguments.only)
    if arguments.save:
        versions = {package: version(package) for package in SHARED}
        machine = {"cores": os.cpu_count(), "python": platform.python_version(), "versions": versions}
        arguments.save.write_text(
            json.dumps({"machine": machine, "official": OFFICIAL, "found": found}, indent=1) + "\n"
        )


if __name__ == "__main__":
    main()
