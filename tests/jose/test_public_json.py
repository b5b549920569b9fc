"""The JSON of a public key is read by JOSE and COSE libraries that refuse what they cannot use."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import jwt
import pytest
from fixtures.node import node_program
from fixtures.virtual_environments import virtual_environment

from azure.keyvault.keys import JsonWebKey, KeyClient
from azure.keyvault.keys.emulator import KeyVaultEmulator

VERIFIER = Path(__file__).parent / "javascript" / "verify.mjs"

COSE = """
import json, sys
from cwt import COSEKey
for document in json.load(sys.stdin):
    key = COSEKey.from_jwk(document)
    print(key.kty, key.alg)
"""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def key_pairs() -> Any:
    """Keys of a vault, whose ``key_ops`` are those of the pair, with a token that each of them has signed."""
    with KeyVaultEmulator() as vault, KeyClient(vault.url, vault.credential, **vault.client_options) as client:
        rsa, ec = client.create_rsa_key("rsa"), client.create_ec_key("ec")
        signers = {
            "RS256": (rsa, client.get_cryptography_client(rsa).create_rsa_private_key()),
            "ES256": (ec, client.get_cryptography_client(ec).create_ec_private_key()),
        }
        yield {
            alg: (key.key, jwt.encode({"alg": alg}, signer, alg, {"kid": key.key.thumbprint()}))
            for alg, (key, signer) in signers.items()
        }


def test_npm_jose_imports_public_keys_and_verifies_with_them(
    key_pairs: dict[str, tuple[JsonWebKey, str]],
) -> None:
    for alg, (key, token) in key_pairs.items():
        assert "sign" in (key.key_ops or ())
        jwks = {"keys": [json.loads(key.to_json(kid="thumbprint", use="sig", alg=alg))]}
        run = subprocess.run(
            [*node_program(VERIFIER), "keys"],
            input=json.dumps({"jwks": jwks, "tokens": [token]}),
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert run.returncode == 0, run.stderr
        seen = [json.loads(line) for line in run.stdout.splitlines()]
        assert seen == [{"claims": {"alg": alg}, "kid": key.thumbprint()}] * 2


def test_npm_jose_refuses_operations_of_the_private_key(key_pairs: dict[str, tuple[JsonWebKey, str]]) -> None:
    """This is why a public key has no ``key_ops`` unless they are asked for."""
    key, token = key_pairs["ES256"]
    jwks = {"keys": [json.loads(key.to_json(key_ops=True))]}
    run = subprocess.run(
        [*node_program(VERIFIER), "keys"],
        input=json.dumps({"jwks": jwks, "tokens": [token]}),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert run.returncode == 1
    assert "SyntaxError" in run.stderr


def test_cwt_imports_public_keys(key_pairs: dict[str, tuple[JsonWebKey, str]]) -> None:
    documents = [json.loads(key.to_json(use="sig", alg=alg)) for alg, (key, _token) in key_pairs.items()]
    python = virtual_environment("cose", ["cwt==3.3.0"])
    run = subprocess.run(
        [str(python), "-I", "-c", COSE], input=json.dumps(documents), capture_output=True, text=True, timeout=60
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.split() == ["3", "-257", "2", "-7"]  # RSA and EC2 (RFC 9053, RFC 8230), RS256 and ES256
