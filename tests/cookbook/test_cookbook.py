"""The cookbook of other libraries runs, and those libraries verify what it makes.

Its libraries are heavy, so they are installed into an environment of their own: a minute or two, once. The page's
blocks run from top to bottom on the emulator, the commands of openssl and OpenSSH among them.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from fixtures.virtual_environments import library_environment

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "other-libraries.md"
REQUIREMENTS = [
    "asyncssh==2.24.1",
    "c2pa-python==0.38.1",
    "cwt==3.3.0",
    "eth-account==0.14.0",
    "fastapi==0.165.0",
    "httpx==0.28.1",
    "jwcrypto==1.6.1",
    "msal>=1.30",
    "paramiko==5.1.0",
    "pyhanko==0.38.0",
    "PyJWT>=2.8",
    "securesystemslib==1.6.0",
    "signxml==5.2.0",
    # For the emulator's fixture, and to run the page.
    "aiohttp>=3.13",
    "pytest>=8.2",
    "sybil>=6.1",
    "trustme>=1.2",
]
#: What the programs of others must have said, by the section that makes what they verify.
VERDICTS = {
    "A certificate authority": ["rsa.pem: OK", "ec.pem: OK", "certificate revoked", "rsa.pem: good"],
    "CMS": ["CMS Verification successful", "Invoice 7"],
    "PDF": ["The signature is judged VALID"],
    "XML": ["<item>7</item>"],
    "Microsoft Entra ID": ["66666666-7777-4888-8999-000000000000", "Bearer"],
    "COSE": ["orders"],
    "SSH": ["Signing CA: RSA", "Signing CA: ECDSA", "deploy\n\ndeploy"],
    "TUF": ["ecdsa-sha2-nistp256"],
    "C2PA": ["claimSignature.validated"],
}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What running the page prints."""
    for program in ("openssl", "ssh-keygen", "bash"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    python, environment = library_environment("cookbook", REQUIREMENTS)
    emulator = [sys.executable, "-m", "azure.keyvault.keys.emulator", "run", "--"]
    run = subprocess.run(
        [*emulator, str(python), str(HERE / "run_cookbook.py"), str(PAGE)],
        cwd=tmp_path_factory.mktemp("cookbook"),
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
    )
    assert run.returncode == 0, run.stdout
    return run.stdout


def test_every_block_runs(output: str) -> None:
    blocks = re.findall(r"^```(?:python|sh)$", PAGE.read_text("utf-8"), re.MULTILINE)
    assert output.count("-- line") == len(blocks) >= 20
    assert "1 passed" in output


@pytest.mark.parametrize("section", VERDICTS)
def test_other_programs_verify_what_a_section_makes(output: str, section: str) -> None:
    said = output
    for verdict in VERDICTS[section]:
        assert verdict in said, said
        said = said[said.index(verdict) + len(verdict) :]


def test_every_section_says_how_or_why_not() -> None:
    text = PAGE.read_text("utf-8")
    for section in VERDICTS:
        assert f"\n## {section}\n" in text
    assert "| a TLS server or client certificate with `ssl` |" in text
    assert "| minisign" in text
