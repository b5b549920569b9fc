"""Every sample runs on the emulator, as it is, and leaves nothing behind."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from fixtures.cases import Cases

ROOT = Path(__file__).parents[2]
SAMPLES = sorted((ROOT / "samples").glob("*.py"))
#: What some line of a sample's output must say: that what it shows came out well.
TELLS = {
    "backup_restore_operations": "Compared  the versions: all are back",
    "crypto_operations": "not valid for another message",
    "custom_logging": "Searched  the records for a token: found none",
    "encrypt_files": "Rejected  a truncated file after 3145640 valid bytes",
    "hello_world": "Verified  the signature, local: valid",
    "json_web_tokens": "Verified  the tokens of 'first' and 'second'",
    "key_rotation": "Decrypted 'older than the key' with the version that encrypted it",
    "list_operations": "Left      0 keys of this run",
    "recover_purge_operations": "the same version as before",
    "send_request": "Raised    HttpResponseError: KeyNotFound",
    "sign_data": "Verified  the stream with the public key, local: True",
    "worker_processes": "Verified  20 of 20 signatures after a rotation",
    "x509_csr": "Compared  the public key: the same as in the vault",
}
#: Samples without a twin in asyncio.
ALONE = {"x509_csr"}
# Which identity runs a sample is nothing that the sample knows of: one pair is enough to show that both do.
# Those of a group run one after the other in one process and one vault, which starting takes longer than most of them.
# The one that sets up logging comes last in its group.
_WITH_TINK = "encrypt_files"
_NAMES = sorted(set(TELLS) - {_WITH_TINK}, key=lambda name: (name == "custom_logging", name))
RUNS = [
    *(pytest.param(_NAMES[part::3], (), id=f"managed_identity-{part}") for part in range(3)),
    pytest.param([_WITH_TINK], (), id=f"managed_identity-{_WITH_TINK}"),
    pytest.param(["hello_world"], ("--service-principal",), id="service_principal-hello_world"),
]

# Runs samples as programs, and looks after each what it has left in the vault.
_RUNNER = """
import os, runpy, sys
from azure.identity import DefaultAzureCredential
from azure.keyvault.keys import KeyClient
with DefaultAzureCredential() as credential, KeyClient(os.environ["VAULT_URL"], credential) as client:
    for sample in sys.argv[1:]:
        print("--", sample)
        runpy.run_path(sample, run_name="__main__")
        print("left:", [key.name for key in (*client.list_keys(), *client.list_deleted_keys())])
"""


@pytest.mark.parametrize(("names", "identity"), RUNS)
def test_samples_and_their_twins_run_on_the_emulator_and_leave_no_key(
    names: list[str], identity: tuple[str, ...], tmp_path: Path
) -> None:
    """A sample is production code: it finds vault and credential in its environment, and warns of nothing."""
    if _WITH_TINK in names:
        pytest.importorskip("tink", reason="Tink is not installed (extra tink)")
    of = {str(path): path.stem.removesuffix("_async") for path in SAMPLES}
    samples = [path for name in names for path in of if of[path] == name]
    emulator = [sys.executable, "-m", "azure.keyvault.keys.emulator", "run", "--deletion-delay", "0.05", *identity]
    command = [*emulator, "--", sys.executable, "-W", "error", "-c", _RUNNER, *samples]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stdout + run.stderr
    outputs = re.split(r"^-- ", run.stdout, flags=re.MULTILINE)[1:]
    assert [output.partition("\n")[0] for output in outputs] == samples
    cases = Cases()
    for sample, output in zip(samples, outputs, strict=True):
        with cases.of(sample):
            assert TELLS[of[sample]] in output
            assert output.endswith("\nleft: []\n")
    cases.check()
    assert not run.stderr


def test_samples_come_in_pairs() -> None:
    names = {path.stem for path in SAMPLES}
    assert names == set(TELLS) | {f"{name}_async" for name in set(TELLS) - ALONE}


def test_readme_of_samples_lists_them_all() -> None:
    text = (ROOT / "samples" / "README.md").read_text("utf-8")
    assert sorted(re.findall(r"\]\((\w+\.py)\)", text)) == [path.name for path in SAMPLES]


@pytest.mark.parametrize("name", sorted(set(TELLS) - ALONE))
def test_twins_take_the_same_steps(name: str) -> None:
    """What a sample prints is what its twin prints, line by line."""
    steps = [
        re.findall(r'print\(f?"(\w+ +)', (ROOT / "samples" / f"{name}{suffix}.py").read_text("utf-8"))
        for suffix in ("", "_async")
    ]
    assert steps[0] == steps[1]
